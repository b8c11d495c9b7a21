"""Calls to the station that runs on this machine, over its loopback port.

The standard library's client is enough for one call after the other, and loads in a tenth of the time of the one that
serves connections: a command is a process of its own, and most do nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import socket
from collections.abc import AsyncGenerator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ssl import CERT_NONE, create_default_context
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from hookstation.cli.backend import Refused
from hookstation.core.control import PROOF, proof
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.values import JSON
from hookstation.errors import StoreError

ROOT: Final = "/api/v1"
ALIVE_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 300.0
SILENCE_SECONDS: Final = 30.0
"""After so long without a sign of life a stream is over; the station gives one every second."""

MOST_MEMBERS: Final = 10_000_000


class Channel:
    """The API of the running server at `url`."""

    alone: Final = False

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    def working(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Nothing: the server works."""
        return contextlib.nullcontext()

    async def is_holder(self, place: str) -> bool:
        """Whether the station that wrote the key, and holds the folder `place`, answers there."""
        nonce = secrets.token_hex(32)
        wanted = dump_json({"proof": proof(self._key, place, nonce)}).encode()
        try:
            connection = _connection(self._url, ALIVE_SECONDS)
            _, said = await _exchange(connection, "GET", f"{PROOF}?nonce={nonce}", most=len(wanted))
        except (HTTPException, OSError, ValueError):
            return False
        return hmac.compare_digest(wanted, said)

    async def call(
        self, method: str, path: str, body: JSON = None, query: Mapping[str, str] | None = None
    ) -> JSON:
        """One request over HTTP."""
        sent = None if body is None else dump_json(body).encode()
        try:
            connection = _connection(self._url, ANSWER_SECONDS)
            status, said = await _exchange(connection, method, target(path, query), sent, self._key)
        except (HTTPException, OSError) as failure:
            raise StoreError(
                f"The running station does not answer: see its log, and whether the command was done. ({failure!r})"
            ) from failure
        return read_answer(status, said)

    async def stream(self, path: str, query: Mapping[str, str] | None = None) -> AsyncGenerator[JSON, None]:
        """Line by line over HTTP; the station sends an empty one in every silence."""
        connection = _connection(self._url, SILENCE_SECONDS)
        try:
            answer = await asyncio.to_thread(_begin, connection, target(path, query), self._key)
            if answer.status >= 400:
                read_answer(answer.status, await asyncio.to_thread(answer.read))
            while line := await asyncio.to_thread(answer.readline):
                yield parse_json(line, members=MOST_MEMBERS).value if line.strip() else None
        except (HTTPException, OSError) as failure:
            raise StoreError(
                f"The running station is not heard any more: see its log. ({failure!r})"
            ) from failure
        finally:
            _hang_up(connection)


def _begin(connection: HTTPConnection, path: str, key: str) -> HTTPResponse:
    connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
    return connection.getresponse()


def _hang_up(connection: HTTPConnection) -> None:
    """Close it under whoever reads from it just now: else Ctrl-C would wait for the answer."""
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()


async def _exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    key: str = "",
    most: int | None = None,
) -> tuple[int, bytes]:
    """One request with its answer: status and body, at most `most` bytes of it."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ask() -> tuple[int, bytes]:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(most)

    try:
        return await asyncio.to_thread(ask)
    finally:
        _hang_up(connection)


def _connection(url: str, seconds: float) -> HTTPConnection:
    """A way to a station that has to prove itself by its key: its certificate names another address than loopback."""
    where = urlsplit(url)
    if where.scheme != "https":
        return HTTPConnection(where.hostname or "", where.port, timeout=seconds)
    trusting = create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, CERT_NONE
    return HTTPSConnection(where.hostname or "", where.port, timeout=seconds, context=trusting)


def target(path: str, query: Mapping[str, str] | None) -> str:
    """The path and query of a call of the API; what is empty is not asked for."""
    asked = {name: value for name, value in (query or {}).items() if value}
    return ROOT + quote(path) + ("?" + urlencode(asked) if asked else "")


def read_answer(status: int, body: bytes) -> JSON:
    """The document of an answer. Raises `Refused`."""
    document = parse_json(body, members=MOST_MEMBERS).value if body else None
    if status >= 400:
        raise Refused(document if isinstance(document, dict) else {})
    return document
