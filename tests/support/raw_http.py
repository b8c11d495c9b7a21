"""HTTP/1.1 as bytes: what a library would never send, and answers read strictly."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

ANSWER_SECONDS: Final = 60.0


class Cut(ConnectionError):
    """The connection ended before the answer did; `after` bytes of it had come."""

    def __init__(self, after: int) -> None:
        super().__init__(f"cut after {after} bytes")
        self.after = after


@dataclass(frozen=True, slots=True)
class Received:
    """One answer. `headers`: lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def read_answer(reader: asyncio.StreamReader) -> Received:
    """The next answer on a connection; what only says “continue” is passed over. Raises `Cut` where it breaks off."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as broken:
        raise Cut(len(broken.partial)) from None
    except ConnectionError:
        raise Cut(0) from None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    if first.split()[1].startswith("1"):
        return await read_answer(reader)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    try:
        body = await reader.readexactly(int(headers["content-length"]))
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Cut(len(head)) from None
    return Received(int(first.split()[1]), headers, body)


async def exchange(url: str, sent: bytes, *, finish: bool = False) -> list[Received]:
    """Send bytes on a fresh connection and read every answer until the station closes it.

    `finish`: end our half of the connection after the bytes, so that the station need not wait for more.
    """
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    answers: list[Received] = []
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            with contextlib.suppress(OSError):
                writer.write(sent)
                await writer.drain()
                if finish:
                    writer.write_eof()
            with contextlib.suppress(Cut):
                while True:
                    answers.append(await read_answer(reader))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return answers


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A well-formed request that asks for the connection to end after its answer."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: station",
        "Content-Type: application/json",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
