"""Systems that hold files: SFTP, FTPS, S3-compatible stores and local folders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from hookstation.ports.connector import Connector


class RemoteFile(msgspec.Struct, frozen=True):
    """A file. `path`: from the connection's root, parts joined by ``/``. `modified_at`: microseconds, 0: not known.

    `tag` changes with the content, where the system gives such a mark; empty where it does not.
    """

    path: str
    size: int
    modified_at: int = 0
    tag: str = ""


class FileWriter(Protocol):
    """A file that is being written; nobody sees it under its name before `finish`.

    Every method raises as `RemoteConnector.execute`.
    """

    async def write(self, data: bytes) -> None:
        """Append."""
        ...

    async def checkpoint(self) -> str:
        """Make what was written safe over there; a text with which `FilesConnector.create` goes on from here."""
        ...

    async def finish(self) -> RemoteFile:
        """Put the file in its place. Doing so again after an unknown outcome does no harm."""
        ...

    async def abort(self) -> None:
        """Take away what was written. Never raises."""
        ...

    async def leave(self) -> None:
        """Let it go as it stands at the last `checkpoint`, for somebody to go on with. Never raises."""
        ...


@runtime_checkable
class FilesConnector(Connector, Protocol):
    """A system that holds files. Every method raises as `RemoteConnector.execute`, and `NotFound` for no such path."""

    async def list_files(self, folder: str, pattern: str = "*", limit: int = 1_000) -> Sequence[RemoteFile]:
        """Files of a folder (not below it) whose name fits the pattern (``*``, ``?``), by modification, then name."""
        ...

    def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """The file's bytes in pieces of at most 1 MiB."""
        ...

    async def create(self, path: str, *, resume: str = "", replace: bool = True) -> FileWriter:
        """Begin a file, or go on with one from a `checkpoint`. With `replace` false a file of this name is refused.

        Missing folders are made.
        """
        ...

    async def remove(self, path: str) -> None:
        """Delete a file; one that is not there is deleted already."""
        ...

    async def move(self, path: str, to: str) -> None:
        """Give a file another path, in place of what is there."""
        ...
