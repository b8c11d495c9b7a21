"""The short way: a request over a connection that is kept.

aiohttp keeps the connections and reads the answers on both ways.  Its own way to a request is made for everything that
a client may want, and costs twice the rest of it; a delivery wants one write and one answer.  What does not fit, and
the first request over every connection, takes aiohttp's way.  `tests/adapters/test_sender_kept.py` holds that both put
the same bytes on the wire.
"""

from __future__ import annotations

import time
from typing import Final

from aiohttp import StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage

from hookstation.adapters.sender.progress import Progress
from hookstation.adapters.sender.request import Target
from hookstation.adapters.sender.troubles import UnfitAnswer
from hookstation.ports.sender import Dispatch, Receipt

AT_ONCE: Final = 32_768
"""Bytes of a body that leave together with the head: the socket's buffer has room for them."""

BODILESS: Final = frozenset(("HEAD", "TRACE", "OPTIONS"))
"""Methods of which aiohttp reads or writes something in another way."""

SWITCHING: Final = 101


def wire_of(dispatch: Dispatch, target: Target, names: tuple[str, ...]) -> bytes | None:
    """The request as it stands on the wire; ``None`` where it does not take the short way. `names`: of its headers."""
    size = len(dispatch.body)
    if target.proxy is not None or not 0 < size <= AT_ONCE or dispatch.method.upper() in BODILESS:
        return None
    lines = [f"{name}: {value}\r\n" for name, (_, value) in zip(names, dispatch.headers, strict=True)]
    head = f"{dispatch.method.upper()}{target.lines}{''.join(lines)}Content-Length: {size}\r\n\r\n"
    return head.encode() + dispatch.body


async def exchange(connection: Connection, wire: bytes, kept: int, progress: Progress) -> Receipt:
    """Send, and read the answer as far as it is kept; the connection is given back or closed."""
    try:
        protocol = connection.protocol
        assert protocol is not None
        _write(protocol, wire, progress)
        head, content = await _answer(protocol)
        progress.answered = time.monotonic()
        body = await read(content, kept)
    except BaseException:
        connection.close()
        raise
    if content.is_eof():
        connection.release()
    else:
        connection.close()
    return Receipt(head.code, told(head.raw_headers), body[:kept], len(body) > kept, progress.timing())


def _write(protocol: ResponseHandler, wire: bytes, progress: Progress) -> None:
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    progress.check()
    progress.sent = time.monotonic()
    assert protocol.transport is not None
    protocol.transport.write(wire)


async def _answer(protocol: ResponseHandler) -> tuple[RawResponseMessage, StreamReader]:
    """The head that is no interim one, and what follows it."""
    head, content = await protocol.read()
    while 100 <= head.code < 200:
        if head.code == SWITCHING:
            raise switched()
        head, content = await protocol.read()
    return head, content


async def read(content: StreamReader, kept: int) -> bytes:
    """The body, or a little more than is kept of it."""
    if content.is_eof() and content.total_bytes <= kept:
        return content.read_nowait()
    parts: list[bytes] = []
    size = 0
    while size <= kept and (part := await content.readany()):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def told(headers: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    """The headers of an answer as text."""
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])


def switched() -> UnfitAnswer:
    """What an answer with the status 101 is."""
    return UnfitAnswer("The receiver switched to another protocol (101), which nobody asked for.")
