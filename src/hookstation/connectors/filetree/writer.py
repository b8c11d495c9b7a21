"""A file that is written beside its place and put there at the end."""

from __future__ import annotations

from typing import Final

import msgspec

from hookstation.connectors.filetree.paths import PART_SUFFIX, clean, folder_of, name_of
from hookstation.connectors.filetree.tree import Part, Tree
from hookstation.errors import ActionFailed, NotFound, Terminal
from hookstation.ports.files import RemoteFile

FLUSH: Final = 1 << 20
"""Bytes that are gathered before they are sent: each sending costs a round trip, whatever its size."""


class Progress(msgspec.Struct, frozen=True):
    """How far a file is: its path while it is written, and its bytes that are safe."""

    part: str
    size: int


def read_progress(text: str, path: str) -> Progress:
    """A checkpoint of this file. Raises `Terminal` where it is none."""
    try:
        progress = msgspec.json.decode(text.encode(), type=Progress)
    except (msgspec.DecodeError, UnicodeError):
        progress = None
    if (
        progress is None
        or progress.size < 0
        or clean(progress.part) != progress.part
        or folder_of(progress.part) != folder_of(path)
        or not name_of(progress.part).endswith(PART_SUFFIX)
    ):
        raise Terminal("This is no checkpoint of this file; begin the file anew.")
    return progress


class TreeWriter:
    """`ports.files.FileWriter` on a `Tree`, whose session it ends."""

    def __init__(self, tree: Tree, path: str, progress: Progress, part: Part | None, replace: bool) -> None:
        self._tree, self._path, self._replace = tree, path, replace
        self._name, self._size = progress.part, progress.size
        self._part = part
        self._gathered = bytearray()
        self._found: RemoteFile | None = None

    async def write(self, data: bytes) -> None:
        """Append; it is sent when a mebibyte is together."""
        if self._part is None:
            raise Terminal("The file stands in its place already; nothing can be added.")
        self._gathered += data
        if len(self._gathered) >= FLUSH:
            await self._flush()

    async def checkpoint(self) -> str:
        """Send what is gathered and wait until the system has it."""
        await self._flush()
        if self._part is not None:
            await self._part.sync()
        return msgspec.json.encode(Progress(self._name, self._size)).decode()

    async def finish(self) -> RemoteFile:
        """Give the file its name. An unknown outcome is cleared up by calling it again."""
        if self._found is None:
            self._found = await self._put(self._part) if self._part else await self._whole(self._path)
            self._part = None
            await self._tree.close()
        return self._found

    async def abort(self) -> None:
        """Delete what was written, as far as the system can be reached."""
        try:
            if self._part is not None:
                await self._part.close()
                await self._tree.delete(self._name)
        except (ActionFailed, NotFound):
            pass  # what stays behind is hidden and harmless
        finally:
            self._part = None
            await self._tree.close()

    async def leave(self) -> None:
        """End the session; what was written stays under its own name."""
        part, self._part = self._part, None
        try:
            if part is not None:
                await part.close()
        except (ActionFailed, NotFound):
            pass  # what the last checkpoint stands for is there all the same
        finally:
            await self._tree.close()

    async def _flush(self) -> None:
        if self._part is not None and self._gathered:
            data, self._gathered = bytes(self._gathered), bytearray()
            await self._part.append(data)
            self._size += len(data)

    async def _put(self, part: Part) -> RemoteFile:
        """Rename; the file is not looked at after that, because whoever waits for it may have taken it away."""
        await self._flush()
        await part.close()
        try:
            found = await self._whole(self._name)
            await self._tree.rename(self._name, self._path, self._replace)
        except NotFound:
            return await self._whole(self._path)  # an earlier call has put it there
        return msgspec.structs.replace(found, path=self._path)

    async def _whole(self, path: str) -> RemoteFile:
        """The file, which must be as long as what was written."""
        found = await self._tree.stat(path)
        if found.size != self._size:
            raise Terminal(
                f"The file has {found.size:,} bytes over there, but {self._size:,} were written; send it anew."
            )
        return found
