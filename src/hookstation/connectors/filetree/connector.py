"""A `FilesConnector` on any protocol that is a `Tree`."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from hookstation.connectors.filetree.paths import (
    clean,
    file_path,
    fits,
    folder_of,
    name_of,
    oldest,
    part_path,
)
from hookstation.connectors.filetree.tree import Tree
from hookstation.connectors.filetree.writer import Progress, TreeWriter, read_progress
from hookstation.connectors.hosts import with_details
from hookstation.connectors.system import SystemConnector
from hookstation.errors import NotFound, Terminal
from hookstation.ports.files import RemoteFile


class TreeFiles(SystemConnector):
    """Lists, reads and writes files, with a session of its own for each call.

    `open_tree` begins a session. Raises as `ports.files.FilesConnector`.
    """

    def __init__(self, name: str, kind: str, open_tree: Callable[[], Awaitable[Tree]]) -> None:
        super().__init__(name, kind)
        self._open = open_tree

    async def check(self) -> str:
        """Sign in and look at the root."""
        with with_details():
            async with self._session() as tree:
                return f"Connected; {await tree.where()}."

    async def list_files(self, folder: str, pattern: str = "*", limit: int = 1_000) -> Sequence[RemoteFile]:
        """Files of a folder by modification, then name; see the port."""
        place = clean(folder)
        async with self._session() as tree:
            found = [file async for file in tree.files(place) if fits(name_of(file.path), pattern)]
        return oldest(found, limit)

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """The file's bytes; see the port."""
        plain = file_path(path)
        async with self._session() as tree:
            async for piece in tree.read(plain, offset):
                yield piece

    async def create(self, path: str, *, resume: str = "", replace: bool = True) -> TreeWriter:
        """Begin a file, or go on with one; see the port.

        Raises `NotFound` where what a checkpoint stands for is not there any more: begin the file anew.
        """
        plain = file_path(path)
        tree = await self._open()
        try:
            if resume:
                return await _go_on(tree, plain, read_progress(resume, plain), replace)
            return await _begin(tree, plain, replace)
        except BaseException:
            await tree.close()
            raise

    async def remove(self, path: str) -> None:
        """Delete a file; see the port."""
        plain = file_path(path)
        async with self._session() as tree:
            try:
                await tree.delete(plain)
            except NotFound:
                return

    async def move(self, path: str, to: str) -> None:
        """Give a file another path; see the port."""
        plain, target = file_path(path), file_path(to)
        async with self._session() as tree:
            await tree.stat(plain)
            await tree.make_folder(folder_of(target))
            await tree.rename(plain, target, replace=True)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Tree]:
        tree = await self._open()
        try:
            yield tree
        finally:
            await tree.close()


async def _begin(tree: Tree, path: str, replace: bool) -> TreeWriter:
    if not replace and await _is_there(tree, path):
        raise Terminal(
            f"There is a file “{path}” already; choose another name, or allow that it is replaced."
        )
    await tree.make_folder(folder_of(path))
    progress = Progress(part_path(path, secrets.token_hex(8)), 0)
    return TreeWriter(tree, path, progress, await tree.append(progress.part, 0), replace)


async def _go_on(tree: Tree, path: str, progress: Progress, replace: bool) -> TreeWriter:
    try:
        begun = await tree.stat(progress.part)
    except NotFound:
        if (await tree.stat(path)).size != progress.size:
            raise NotFound("unfinished file", path) from None
        return TreeWriter(tree, path, progress, None, replace)
    if begun.size < progress.size:
        raise NotFound("unfinished file", path)
    return TreeWriter(tree, path, progress, await tree.append(progress.part, progress.size), replace)


async def _is_there(tree: Tree, path: str) -> bool:
    try:
        await tree.stat(path)
    except NotFound:
        return False
    return True
