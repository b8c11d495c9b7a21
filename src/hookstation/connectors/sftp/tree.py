"""A session of SFTP as a `Tree`: draft-ietf-secsh-filexfer-02, which servers speak, with OpenSSH's extensions."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable
from typing import Final, TypeVar, cast

import asyncssh

from hookstation.connectors.filetree.paths import below, join
from hookstation.connectors.hosts import Place
from hookstation.connectors.sftp.account import Account
from hookstation.connectors.sftp.signing_in import sign_in
from hookstation.errors import HookstationError, NotFound, Retriable, Terminal, UnknownOutcome
from hookstation.ports.files import RemoteFile

PIECE: Final = 1 << 20
LEAVE_SECONDS: Final = 5.0

Result = TypeVar("Result")


async def open_session(place: Place, account: Account, root: str) -> SftpTree:
    """Sign in and begin a session. Raises `ActionFailed`."""
    connection = await sign_in(place, account)
    try:
        async with asyncio.timeout(place.timeout):
            client = await connection.start_sftp_client()
    except (asyncssh.Error, OSError, TimeoutError) as error:
        connection.abort()
        raise Terminal(
            "The server lets the account in but offers it no SFTP; ask whoever runs it to allow that.",
            detail=str(error),
        ) from None
    except BaseException:
        connection.abort()
        raise
    return SftpTree(connection, client, root, place.timeout)


class SftpTree:
    """`filetree.Tree` on asyncssh, which sends a mebibyte as many requests at once."""

    def __init__(
        self, connection: asyncssh.SSHClientConnection, client: asyncssh.SFTPClient, root: str, timeout: float
    ) -> None:
        self._connection, self._client = connection, client
        self._root, self._timeout = root, timeout

    async def files(self, folder: str) -> AsyncIterator[RemoteFile]:
        """The regular files of a folder."""
        for entry in await self.ask(folder, self._client.readdir(self._at(folder) or ".")):
            mode = entry.attrs.permissions or 0
            if stat.S_ISREG(mode):
                yield _file(join(folder, str(entry.filename)), entry.attrs)

    async def stat(self, path: str) -> RemoteFile:
        """The file."""
        found = await self.ask(path, self._client.stat(self._at(path)))
        if found.permissions is not None and not stat.S_ISREG(found.permissions):
            raise NotFound("file", path)
        return _file(path, found)

    async def read(self, path: str, offset: int) -> AsyncIterator[bytes]:
        """The file's bytes."""
        await self.stat(path)
        file = await self.ask(path, self._client.open(self._at(path), "rb"))
        try:
            while piece := await self.ask(path, file.read(PIECE, offset)):
                offset += len(piece)
                yield cast("bytes", piece)  # it was opened for bytes
        finally:
            await self._leave(file.close())

    async def append(self, path: str, offset: int) -> SftpPart:
        """Open a file for writing from `offset` on."""
        flags = asyncssh.FXF_WRITE | (0 if offset else asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC)
        file = await self.ask(path, self._client.open(self._at(path), flags, encoding=None))
        if offset:
            await self.ask(path, file.truncate(offset))
        return SftpPart(self, path, file, offset)

    async def make_folder(self, folder: str) -> None:
        """Make what is missing of a folder."""
        if folder and not await self.ask(folder, self._client.isdir(self._at(folder))):
            await self.ask(folder, self._client.makedirs(self._at(folder), exist_ok=True))

    async def rename(self, path: str, to: str, replace: bool) -> None:
        """Give a file another path; in place of what is there where the server can do that at once, else after it."""
        if replace:
            try:
                await self._renamed(to, self._client.posix_rename(self._at(path), self._at(to)))
            except _NotOffered:
                await self._make_way(to)
            else:
                return
        elif await self.ask(to, self._client.exists(self._at(to))):
            raise Terminal(
                f"There is a file “{to}” already; choose another name, or allow that it is replaced."
            )
        await self._renamed(to, self._client.rename(self._at(path), self._at(to)))

    async def delete(self, path: str) -> None:
        """Delete a file."""
        await self.ask(path, self._client.remove(self._at(path)))

    async def where(self) -> str:
        """Which folder it is, and how many files are in it."""
        place = await self.ask("", self._client.realpath(self._at("") or "."))
        count = len([file async for file in self.files("")])
        return f"{place} holds {count:,} files"

    async def close(self) -> None:
        """Say good-bye, and hang up where that is not answered."""
        self._client.exit()
        self._connection.close()
        await self._leave(self._connection.wait_closed())
        self._connection.abort()

    async def ask(self, path: str, question: Awaitable[Result]) -> Result:
        """The server's answer about `path`, in time; what it says against it becomes an error of ours."""
        try:
            async with asyncio.timeout(self._timeout):
                return await question
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise translate(error, path) from None

    def _at(self, path: str) -> str:
        return below(self._root, path)

    async def _make_way(self, path: str) -> None:
        try:
            await self.delete(path)
        except NotFound:
            return

    async def _renamed(self, to: str, question: Awaitable[None]) -> None:
        """A rename whose answer is lost may have happened."""
        try:
            await self.ask(to, question)
        except Retriable as lost:
            raise UnknownOutcome(
                "The connection broke while the file was given its name; whether it has it is not known.",
                detail=lost.detail,
            ) from None

    async def _leave(self, ending: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(min(LEAVE_SECONDS, self._timeout)):
                await ending
        except (asyncssh.Error, OSError, TimeoutError):
            return


class SftpPart:
    """`filetree.Part` on an open file."""

    def __init__(self, tree: SftpTree, path: str, file: asyncssh.SFTPClientFile, offset: int) -> None:
        self._tree, self._path, self._file, self._offset = tree, path, file, offset
        self._open = True

    async def append(self, data: bytes) -> None:
        """Write on."""
        await self._tree.ask(self._path, self._file.write(data, self._offset))
        self._offset += len(data)

    async def sync(self) -> None:
        """Have it put on the disk, where the server offers that; every byte is acknowledged in any case."""
        try:
            await self._tree.ask(self._path, self._file.fsync())
        except _NotOffered:
            return

    async def close(self) -> None:
        """Let the file go."""
        if self._open:
            self._open = False
            await self.sync()
            await self._tree.ask(self._path, self._file.close())


class _NotOffered(Terminal):
    """The server does not know this request."""


def _file(path: str, found: asyncssh.SFTPAttrs) -> RemoteFile:
    return RemoteFile(path, found.size or 0, int((found.mtime or 0) * 1_000_000))


def translate(error: Exception, path: str) -> HookstationError:
    """What a foreign error means."""
    detail = f"{type(error).__name__}: {error}"
    match error:
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath():
            return NotFound("file or folder", path)
        case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect():
            return Terminal(
                f"The server does not let the account use “{path}”; ask for the right to.", detail=detail
            )
        case asyncssh.SFTPNoSpaceOnFilesystem() | asyncssh.SFTPQuotaExceeded():
            return Retriable("The server has no room for the file; make some there.", detail=detail)
        case asyncssh.SFTPOpUnsupported():
            return _NotOffered("The server does not offer what this needs.", detail=detail)
        case asyncssh.SFTPConnectionLost() | asyncssh.SFTPNoConnection():
            return Retriable("The connection to the server broke.", detail=detail)
        case asyncssh.SFTPError():
            return Terminal(
                f"The server refused to do this with “{path}”; the log says what it said.", detail=detail
            )
        case TimeoutError():
            return Retriable("The server did not answer in time.", detail=detail)
        case _:
            return Retriable("The connection to the server broke.", detail=detail)
