"""A folder of this machine as a `Tree`: every path is walked from the root without following a link."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from hookstation.connectors.filetree.paths import folder_of, join, name_of
from hookstation.errors import HookstationError, NotFound, Retriable, Terminal
from hookstation.ports.files import RemoteFile

PIECE: Final = 1 << 20
FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)

Result = TypeVar("Result")


async def open_folder(root: Path, allowed: tuple[Path, ...]) -> FolderTree:
    """A session with the folder. Raises `Terminal` where it is not there, or has been led out of what is allowed."""
    tree = FolderTree(root)
    try:
        await tree.begin(allowed)
    except BaseException:
        await tree.close()
        raise
    return tree


class FolderTree:
    """`filetree.Tree` on file descriptors, in a thread of its own: a slow disk keeps nobody else waiting."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._descriptor = -1
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="folder")

    async def begin(self, allowed: tuple[Path, ...]) -> None:
        """Open the root. Raises `Terminal` where that cannot be."""
        await self._run("", lambda: self._open_root(allowed))

    async def files(self, folder: str) -> AsyncIterator[RemoteFile]:
        """The files of a folder."""
        for found in await self._run(folder, lambda: self._list(folder)):
            yield found

    async def stat(self, path: str) -> RemoteFile:
        """The file."""
        return await self._run(path, lambda: self._stat(path))

    async def read(self, path: str, offset: int) -> AsyncIterator[bytes]:
        """The file's bytes."""
        descriptor = await self._run(path, lambda: self._open(path, os.O_RDONLY))
        try:
            while piece := await self._run(path, partial(os.pread, descriptor, PIECE, offset)):
                offset += len(piece)
                yield piece
        finally:
            os.close(descriptor)

    async def append(self, path: str, offset: int) -> FolderPart:
        """Open a file for writing from `offset` on."""
        descriptor = await self._run(path, lambda: self._open_for_writing(path, offset))
        return FolderPart(self, path, descriptor)

    async def make_folder(self, folder: str) -> None:
        """Make what is missing of a folder."""
        await self._run(folder, lambda: self._make(folder))

    async def rename(self, path: str, to: str, replace: bool) -> None:
        """Put a file in its place, and make that safe."""
        await self._run(to, lambda: self._rename(path, to, replace))

    async def delete(self, path: str) -> None:
        """Delete a file."""
        await self._run(path, lambda: self._delete(path))

    async def where(self) -> str:
        """How many files there are, and whether more may be put there."""
        count = len(await self._run("", lambda: list(self._list(""))))
        writable = os.access(self._root, os.W_OK)
        return f"the folder holds {count:,} files{'' if writable else ' and cannot be written to'}"

    async def close(self) -> None:
        """Let the root go."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        self._thread.shutdown(wait=False)

    async def in_thread(self, path: str, work: Callable[[], Result]) -> Result:
        """Run `work`, which is about `path`; its errors are ours."""
        return await self._run(path, work)

    async def _run(self, path: str, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, _translated, path, work)

    def _open_root(self, allowed: tuple[Path, ...]) -> None:
        real = self._root.resolve(strict=True)
        if not any(real.is_relative_to(folder) for folder in allowed):
            raise Terminal(
                "The folder leads out of what the station allows; look at its links.", detail=str(real)
            )
        self._descriptor = os.open(real, FOLDER)

    @contextmanager
    def _folder(self, folder: str, *, make: bool = False) -> Iterator[int]:
        """A descriptor of the folder, walked to part by part: a link on the way is refused by the system."""
        at = os.dup(self._descriptor)
        try:
            for part in folder.split("/") if folder else ():
                if make:
                    _make_one(part, at)
                inner = os.open(part, FOLDER, dir_fd=at)
                os.close(at)
                at = inner
            yield at
        finally:
            os.close(at)

    def _make(self, folder: str) -> None:
        with self._folder(folder, make=True):
            pass

    def _list(self, folder: str) -> list[RemoteFile]:
        with self._folder(folder) as at, os.scandir(at) as entries:
            return [
                _file(join(folder, entry.name), entry.stat(follow_symlinks=False))
                for entry in entries
                if entry.is_file(follow_symlinks=False)
            ]

    def _stat(self, path: str) -> RemoteFile:
        with self._folder(folder_of(path)) as at:
            found = os.stat(name_of(path), dir_fd=at, follow_symlinks=False)
        return _file(path, found)

    def _open(self, path: str, flags: int) -> int:
        with self._folder(folder_of(path)) as at:
            # a pipe would keep the thread until somebody writes into it
            descriptor = os.open(name_of(path), flags | NO_LINK | os.O_NONBLOCK, 0o660, dir_fd=at)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotFound("file", path)
        return descriptor

    def _open_for_writing(self, path: str, offset: int) -> int:
        descriptor = self._open(path, os.O_WRONLY | (0 if offset else os.O_CREAT))
        os.ftruncate(descriptor, offset)
        os.lseek(descriptor, offset, os.SEEK_SET)
        return descriptor

    def _rename(self, path: str, to: str, replace: bool) -> None:
        with self._folder(folder_of(path)) as source, self._folder(folder_of(to)) as target:
            if replace:
                os.replace(name_of(path), name_of(to), src_dir_fd=source, dst_dir_fd=target)
            else:
                os.link(
                    name_of(path), name_of(to), src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False
                )
                os.unlink(name_of(path), dir_fd=source)
            os.fsync(target)

    def _delete(self, path: str) -> None:
        with self._folder(folder_of(path)) as at:
            os.unlink(name_of(path), dir_fd=at)


class FolderPart:
    """`filetree.Part` on a file descriptor."""

    def __init__(self, tree: FolderTree, path: str, descriptor: int) -> None:
        self._tree, self._path, self._descriptor = tree, path, descriptor

    async def append(self, data: bytes) -> None:
        """Write on."""
        await self._tree.in_thread(self._path, lambda: _write_all(self._descriptor, data))

    async def sync(self) -> None:
        """Wait for the disk."""
        await self._tree.in_thread(self._path, lambda: os.fsync(self._descriptor))

    async def close(self) -> None:
        """Wait for the disk, and let the file go."""
        if self._descriptor >= 0:
            try:
                await self.sync()
            finally:
                descriptor, self._descriptor = self._descriptor, -1
                os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _make_one(name: str, at: int) -> None:
    try:
        os.mkdir(name, 0o770, dir_fd=at)
    except FileExistsError:
        return
    os.fsync(at)


def _file(path: str, found: os.stat_result) -> RemoteFile:
    if not stat.S_ISREG(found.st_mode):
        raise NotFound("file", path)
    return RemoteFile(path, found.st_size, found.st_mtime_ns // 1_000)


def _translated(path: str, work: Callable[[], Result]) -> Result:
    """The result of the work; what the operating system says against it becomes an error of ours."""
    try:
        return work()
    except HookstationError:
        raise
    except FileNotFoundError:
        raise NotFound("file or folder", path) from None
    except FileExistsError:
        raise Terminal(
            f"There is a file “{path}” already; choose another name, or allow that it is replaced."
        ) from None
    except PermissionError as error:
        raise Terminal(
            f"The station may not use “{path}” there; give its user the right to.", detail=str(error)
        ) from None
    except OSError as error:
        raise _of_the_disk(path, error) from None


def _of_the_disk(path: str, error: OSError) -> HookstationError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Retriable("The disk of the folder is full; make room there.", detail=str(error))
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EMLINK):
        return Terminal(
            f"“{path}” cannot be used: a part of it is a link, a file where a folder should be, a folder where a file"
            " should be, or too long.",
            detail=str(error),
        )
    return Retriable("The folder cannot be read or written at the moment.", detail=str(error))
