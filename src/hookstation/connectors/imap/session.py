"""A conversation with a mailbox server. It is imaplib's and blocks: `Conversation` keeps it in a thread of its own."""

from __future__ import annotations

import asyncio
import imaplib
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from hookstation.connectors.hosts import Place, connect, refused_tls, tls_context, wake
from hookstation.connectors.imap.names import wire_name
from hookstation.core.values import Secret
from hookstation.errors import ActionFailed, Busy, NeedsAuth, NotFound, Retriable, Terminal

FOREIGN: Final = (imaplib.IMAP4.error, OSError, EOFError, ValueError)
"""Everything that imaplib lets out of a conversation."""

NUMBER: Final = re.compile(rb"\bUID (\d+)")
SIZE: Final = re.compile(rb"\bRFC822\.SIZE (\d+)")
LEAVE_SECONDS: Final = 5.0

Result = TypeVar("Result")


class Security(StrEnum):
    """How the connection is secured."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in, and how. `authorities`: PEM, empty for the public ones."""

    username: str
    password: Secret
    security: Security = Security.TLS
    authorities: str = ""


class _NotLetIn(Exception):
    """The server refuses the account."""


class _NoTls(Exception):
    """The server does not offer TLS."""


class _Client(imaplib.IMAP4):
    """imaplib on a socket that is connected already."""

    def __init__(self, connected: socket.socket, place: Place, context: ssl.SSLContext | None) -> None:
        self._connected, self._context = connected, context
        super().__init__(place.host, place.port, place.timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        self._connected.settimeout(timeout)
        if self._context is None:
            return self._connected
        return self._context.wrap_socket(self._connected, server_hostname=self.host)


class Conversation:
    """A server that has let us in. Its methods block; `conversation` runs them."""

    def __init__(self, connected: socket.socket, place: Place, account: Account) -> None:
        secured = None if account.security is Security.NONE else tls_context(account.authorities)
        first = secured if account.security is Security.TLS else None
        self._client = _Client(connected, place, first)
        try:
            if account.security is Security.STARTTLS:
                self._ask_for_tls(secured)
            self._sign_in(account)
        except BaseException:
            self.hang_up()
            raise

    def examine(self, folder: str) -> tuple[int, int]:
        """Open a folder for reading alone: its validity, and the uid that the next mail will have (0: not told).

        Raises `NotFound`.
        """
        answer, _ = self._client.select(wire_name(folder), readonly=True)
        if answer != "OK":
            raise NotFound("folder in the mailbox", folder)
        return self._told("UIDVALIDITY"), self._told("UIDNEXT")

    def uids_after(self, uid: int) -> list[int]:
        """The uids of the open folder that are greater, in their order."""
        # “*” is the last mail even where its uid is smaller (RFC 3501, section 6.4.8)
        lines = self._fetch(f"{uid + 1}:*", "(UID)")
        found = (NUMBER.search(line if isinstance(line, bytes) else line[0]) for line in lines)
        return sorted({number for match in found if match and (number := int(match[1])) > uid})

    def size_of(self, uid: int) -> int:
        """Bytes of a mail; 0 where it has gone meanwhile."""
        for line in self._fetch(str(uid), "(UID RFC822.SIZE)"):
            found = SIZE.search(line if isinstance(line, bytes) else line[0])
            if found:
                return int(found[1])
        return 0

    def mail(self, uid: int, part: str = "") -> tuple[int, bytes]:
        """When the server took a mail, in microseconds, and its bytes (`part` ``HEADER``: its head). It stays new."""
        at, raw = 0, b""
        for line in self._fetch(str(uid), f"(UID INTERNALDATE BODY.PEEK[{part}])"):
            head = line if isinstance(line, bytes) else line[0]
            moment = imaplib.Internaldate2tuple(head)
            at = int(time.mktime(moment)) * 1_000_000 if moment else at
            raw = raw if isinstance(line, bytes) else line[1]
        return at, raw

    def leave(self) -> None:
        """Say good-bye."""
        self._client.sock.settimeout(LEAVE_SECONDS)
        self._client.logout()

    @property
    def socket(self) -> socket.socket:
        """What is connected."""
        return self._client.sock

    def hang_up(self) -> None:
        """End the connection, whatever it is in the middle of. Safe to call twice."""
        with suppress(OSError):
            self._client.shutdown()

    def _ask_for_tls(self, context: ssl.SSLContext | None) -> None:
        if "STARTTLS" not in self._client.capabilities:
            raise _NoTls
        self._client.starttls(context)

    def _fetch(self, uids: str, what: str) -> list[bytes | tuple[bytes, bytes]]:
        answer, lines = self._client.uid("FETCH", uids, what)
        if answer != "OK":
            raise imaplib.IMAP4.error(f"FETCH was answered with {answer}")
        return [line for line in lines if line is not None]

    def _told(self, name: str) -> int:
        _, values = self._client.response(name)
        return int(values[0]) if values and values[0] else 0

    def _sign_in(self, account: Account) -> None:
        user, password = account.username, account.password.reveal()
        try:
            if "AUTH=PLAIN" in self._client.capabilities:
                self._client.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
            else:
                self._client.login(_quoted(user), password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as refused:
            raise _NotLetIn(str(refused)) from None


class Running:
    """A conversation and its thread."""

    def __init__(self, connected: socket.socket) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")
        self._waits: Callable[[], bool] = bool
        self._connected = connected

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do this in the thread; what comes out of it is an error of ours."""
        try:
            job = self._thread.submit(work)
            self._waits = job.running
            return await asyncio.wrap_future(job)
        except (*FOREIGN, _NotLetIn, _NoTls) as error:
            raise translate(error) from None

    async def end(self, opened: Conversation | None) -> None:
        """Hang up; at once where the thread still waits for an answer that nobody wants any more."""
        hang_up = self._connected.close if opened is None else opened.hang_up
        if self._waits():
            wake(self._connected if opened is None else opened.socket)
            self._thread.submit(hang_up)
        else:
            await asyncio.get_running_loop().run_in_executor(self._thread, hang_up)
        self._thread.shutdown(wait=False)


@asynccontextmanager
async def conversation(place: Place, account: Account) -> AsyncIterator[tuple[Conversation, Running]]:
    """A server that has let us in, and the thread to talk to it in. Raises `ActionFailed`."""
    connected = await connect(place)
    running = Running(connected)
    opened: Conversation | None = None
    try:
        opened = await running.run(lambda: Conversation(connected, place, account))
        yield opened, running
        with suppress(ActionFailed):
            await running.run(opened.leave)
    finally:
        await running.end(opened)


def translate(error: Exception) -> ActionFailed:
    """What a foreign error means."""
    detail = f"{type(error).__name__}: {error}"
    match error:
        case _NotLetIn() if any(word in str(error).upper() for word in ("UNAVAILABLE", "INUSE", "LIMIT")):
            return Busy("The mail server wants to be asked later.", detail=detail)
        case _NotLetIn():
            return NeedsAuth(
                "The mail server refuses the account: look at its name and password. Some providers want an app"
                " password, or have to be told to allow IMAP.",
                detail=detail,
            )
        case _NoTls():
            return Terminal("The mail server offers no TLS here. Try `security: tls`.", detail=detail)
        case ssl.SSLError():
            return refused_tls(error)
        case TimeoutError():
            return Retriable("The mail server did not answer in time.", detail=detail)
        case imaplib.IMAP4.abort() | OSError() | EOFError():
            return Retriable("The connection to the mail server broke.", detail=detail)
        case _:
            return Retriable("The mail server gave an answer that cannot be used.", detail=detail)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
