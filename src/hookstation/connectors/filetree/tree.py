"""What a protocol has to offer so that `TreeFiles` can stand on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from hookstation.ports.files import RemoteFile


class Part(Protocol):
    """A file that is open for writing at its end. Methods raise `ActionFailed`."""

    async def append(self, data: bytes) -> None:
        """Write on."""
        ...

    async def sync(self) -> None:
        """Return when the system has all that was appended. Writing may go on."""
        ...

    async def close(self) -> None:
        """As `sync`, and let the file go. Safe to call twice."""
        ...


class Tree(Protocol):
    """One session with a system of folders. Paths are plain and below the connection's root.

    Methods raise `ActionFailed`, and `NotFound` where a path is not there.
    """

    def files(self, folder: str) -> AsyncIterator[RemoteFile]:
        """The files of a folder, in any order; no folders, no links that lead out."""
        ...

    async def stat(self, path: str) -> RemoteFile:
        """The file."""
        ...

    def read(self, path: str, offset: int) -> AsyncIterator[bytes]:
        """The file's bytes from `offset`, in pieces of at most 1 MiB."""
        ...

    async def append(self, path: str, offset: int) -> Part:
        """Open a file for writing from `offset` on; what it holds behind that is gone. With 0 it is made."""
        ...

    async def make_folder(self, folder: str) -> None:
        """Make a folder and those above it, as far as they are missing."""
        ...

    async def rename(self, path: str, to: str, replace: bool) -> None:
        """Give a file another path. `Terminal` where something is there and `replace` is false."""
        ...

    async def delete(self, path: str) -> None:
        """Delete a file."""
        ...

    async def where(self) -> str:
        """A few words on what was reached, for a person: “a folder of 12 files”."""
        ...

    async def close(self) -> None:
        """End the session. Never raises."""
        ...
