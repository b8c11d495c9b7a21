"""The lock by which one process holds a data folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from hookstation.errors import FolderInUse, StoreUnavailable

LOCK_FILE: Final = "hookstation.lock"

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        os.lseek(handle, 1 << 30, os.SEEK_SET)  # far behind the text, which others must be able to read
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderLock:
    """Holds a data folder until `release`; the system lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._handle: int | None = None

    def acquire(self) -> FolderLock:
        """Take the lock and leave this process's number in the file.

        Raises `FolderInUse` with the holder's number, or `StoreUnavailable` where the folder cannot be written.
        """
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"{self._path} cannot be opened for writing: give this user the right to write it. ({error.strerror})"
            ) from error
        try:
            _take(handle)
        except OSError as error:
            os.close(handle)
            raise FolderInUse(self._told()) from error
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        self._handle = handle
        return self

    def release(self) -> None:
        """Let go. Safe to call twice."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def _told(self) -> str:
        holder = self._holder()
        who = f"process {holder}" if holder else "another process"
        return f"The data folder {self._path.parent} is held by {who}: stop it, or use another folder."

    def _holder(self) -> int:
        """The number of the process that last took the lock, 0 where none did or it let go."""
        try:
            return int(self._path.read_text().strip() or 0)
        except (OSError, ValueError):
            return 0
