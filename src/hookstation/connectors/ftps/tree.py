"""A session of FTP as a `Tree`, in a thread of its own (RFC 959, RFC 3659, RFC 4217)."""

from __future__ import annotations

import asyncio
import ftplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypeVar

from hookstation.connectors.filetree.paths import below, join
from hookstation.connectors.ftps.client import Account, FtpClient, Security
from hookstation.connectors.ftps.refusals import FOREIGN, code_of, translate
from hookstation.connectors.hosts import Place, connect, tls_context, wake
from hookstation.errors import NotFound, Retriable, Terminal, UnknownOutcome
from hookstation.ports.files import RemoteFile

PIECE: Final = 1 << 18
LEAVE_SECONDS: Final = 5.0

Result = TypeVar("Result")


async def open_session(place: Place, account: Account, root: str) -> FtpTree:
    """Sign in and begin a session. Raises `ActionFailed`."""
    connected = await connect(place)
    context = None if account.security is Security.NONE else tls_context(account.authorities)
    tree = FtpTree(FtpClient(place.host, place.timeout, context), connected)
    try:
        await tree.begin(account, root)
    except BaseException:
        await tree.close()
        raise
    return tree


class FtpTree:
    """`filetree.Tree` on ftplib."""

    def __init__(self, client: FtpClient, connected: socket.socket) -> None:
        self._client, self._connected, self._root = client, connected, ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ftp")
        self._waits: Callable[[], bool] = bool
        self._signed_in = self._closed = False

    async def begin(self, account: Account, root: str) -> None:
        """Sign in, and see where the root is."""
        await self.run("", lambda: self._client.begin(self._connected, account))
        self._signed_in = True
        arrived = await self.run("", self._client.pwd)
        self._root = root if root.startswith("/") else below(arrived, root).rstrip("/") or "/"

    async def files(self, folder: str) -> AsyncIterator[RemoteFile]:
        """The files of a folder."""
        for found in await self.run(folder, lambda: self._list(folder)):
            yield found

    async def stat(self, path: str) -> RemoteFile:
        """The file."""
        return await self.run(path, lambda: self._stat(path))

    async def read(self, path: str, offset: int) -> AsyncIterator[bytes]:
        """The file's bytes; one that ends before its size is a broken connection."""
        size = (await self.stat(path)).size
        if offset >= size:
            return
        command = f"RETR {self.at(path)}"
        data = await self.run(path, lambda: self._client.transfercmd(command, offset or None))
        try:
            while piece := await self.run(path, lambda: data.recv(PIECE)):
                offset += len(piece)
                yield piece
        finally:
            data.close()
        await self.run(path, self._client.voidresp)
        if offset < size:
            raise Retriable("The connection to the server broke before the file's end.")

    async def append(self, path: str, offset: int) -> FtpPart:
        """Open a file for writing from `offset` on. FTP cannot cut off what lies behind: it is written over."""
        part = FtpPart(self, self._client, path, offset)
        if not offset:
            await part.begin()
        return part

    async def make_folder(self, folder: str) -> None:
        """Make what is missing of a folder."""
        if folder:
            await self.run(folder, lambda: self._make(folder))

    async def rename(self, path: str, to: str, replace: bool) -> None:
        """Give a file another path. Where the server does not replace, what is there is deleted first."""
        if not replace and await self.run(to, lambda: self._is_there(to)):
            raise Terminal(
                f"There is a file “{to}” already; choose another name, or allow that it is replaced."
            )
        await self.run(path, lambda: self._client.sendcmd(f"RNFR {self.at(path)}"))
        await self.run(to, lambda: self._rename(path, to))

    async def delete(self, path: str) -> None:
        """Delete a file."""
        await self.run(path, lambda: self._delete(path))

    async def where(self) -> str:
        """Which folder it is, and how many files are in it."""
        count = len(await self.run("", lambda: self._list("")))
        secured = "encrypted" if isinstance(self._client.sock, ssl.SSLSocket) else "not encrypted"
        return f"{self._root} holds {count:,} files; the connection is {secured}"

    async def close(self) -> None:
        """Say good-bye, and hang up; at once where the thread still waits for an answer that nobody wants any more."""
        if self._closed:
            return
        self._closed = True
        if self._waits():
            wake(self._client.sock)
            wake(self._connected)
            self._thread.submit(self._hang_up)
        else:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._quit)
        self._thread.shutdown(wait=False)

    async def run(self, path: str, work: Callable[[], Result]) -> Result:
        """Do `work`, which is about `path`, in the session's thread; what comes out of it is an error of ours."""
        try:
            job = self._thread.submit(work)
            self._waits = job.running
            return await asyncio.wrap_future(job)
        except FOREIGN as error:
            raise translate(error, path) from None

    def at(self, path: str) -> str:
        """The path as the server wants it."""
        return below(self._root, path) if path else self._root

    def _quit(self) -> None:
        with suppress(*FOREIGN):
            if self._signed_in and self._client.sock is not None:
                self._client.sock.settimeout(LEAVE_SECONDS)
                self._client.quit()
        self._hang_up()

    def _hang_up(self) -> None:
        self._client.close()
        self._connected.close()

    def _list(self, folder: str) -> list[RemoteFile]:
        self._client.cwd(self.at(folder))
        try:
            entries = list(self._client.mlsd())
        except ftplib.error_perm as refused:
            if code_of(refused) not in ("500", "502", "504"):
                raise
            return self._list_by_name(folder)
        return [
            RemoteFile(join(folder, name), int(facts.get("size", 0)), _microseconds(facts.get("modify", "")))
            for name, facts in entries
            if facts.get("type", "").lower() == "file"
        ]

    def _list_by_name(self, folder: str) -> list[RemoteFile]:
        """For servers from before RFC 3659: names, each of which is asked after."""
        found, names = [], self._client.nlst()
        self._client.voidcmd("TYPE I")  # sizes are those of the bytes; a listing has changed to text
        for name in names:
            with suppress(NotFound, ftplib.error_perm):
                found.append(self._stat(join(folder, name.rpartition("/")[2])))
        return found

    def _stat(self, path: str) -> RemoteFile:
        size = self._client.size(self.at(path))
        if size is None:
            raise NotFound("file", path)
        try:
            answer = self._client.sendcmd(f"MDTM {self.at(path)}")
        except ftplib.error_perm:
            answer = ""
        return RemoteFile(path, size, _microseconds(answer[4:].strip()))

    def _is_there(self, path: str) -> bool:
        try:
            return self._client.size(self.at(path)) is not None
        except ftplib.error_perm:
            return False

    def _make(self, folder: str) -> None:
        try:
            self._client.cwd(self.at(folder))
        except ftplib.error_perm:
            above = folder.rpartition("/")[0]
            if above:
                self._make(above)
            self._client.mkd(self.at(folder))

    def _rename(self, path: str, to: str) -> None:
        command = f"RNTO {self.at(to)}"
        try:
            self._client.voidcmd(command)
        except ftplib.error_perm:
            if not self._is_there(to):
                raise
            self._client.delete(self.at(to))
            self._client.rename(self.at(path), self.at(to))
        except (*FOREIGN,) as lost:
            raise UnknownOutcome(
                "The connection broke while the file was given its name; whether it has it is not known.",
                detail=str(lost),
            ) from None

    def _delete(self, path: str) -> None:
        try:
            self._client.delete(self.at(path))
        except ftplib.error_perm as refused:
            if self._is_there(path):
                raise Terminal(
                    f"The server does not let the account delete “{path}”; ask for the right to.",
                    detail=str(refused),
                ) from None
            raise NotFound("file", path) from None


class FtpPart:
    """`filetree.Part` on a data connection; it ends with each `sync`, since only then the server says what it has."""

    def __init__(self, tree: FtpTree, client: FtpClient, path: str, offset: int) -> None:
        self._tree, self._client, self._path, self._offset = tree, client, path, offset
        self._data: socket.socket | None = None

    async def begin(self) -> None:
        """Make the file."""
        self._data = await self._tree.run(self._path, self._open)

    async def append(self, data: bytes) -> None:
        """Write on."""
        if self._data is None:
            await self.begin()
        assert self._data is not None
        connection = self._data
        await self._tree.run(self._path, lambda: connection.sendall(data))
        self._offset += len(data)

    async def sync(self) -> None:
        """End the data connection; the server says that it has everything."""
        data, self._data = self._data, None
        if data is not None:
            await self._tree.run(self._path, lambda: self._end(data))

    async def close(self) -> None:
        """As `sync`."""
        await self.sync()

    def _open(self) -> socket.socket:
        place = self._tree.at(self._path)
        if not self._offset:
            return self._client.transfercmd(f"STOR {place}")
        if self._client.size(place) == self._offset:
            return self._client.transfercmd(f"APPE {place}")
        return self._client.transfercmd(f"STOR {place}", self._offset)

    def _end(self, data: socket.socket) -> None:
        if isinstance(data, ssl.SSLSocket):
            with suppress(OSError):  # a server may hang up without saying so; its answer decides
                data.unwrap()
        data.close()
        self._client.voidresp()


def _microseconds(text: str) -> int:
    """A time of RFC 3659 (``20261122093000.123``) as microseconds; 0 for none."""
    whole, _, fraction = text.partition(".")
    try:
        moment = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return 0
    return int(moment.timestamp()) * 1_000_000 + int((fraction + "000000")[:6] if fraction.isdigit() else 0)
