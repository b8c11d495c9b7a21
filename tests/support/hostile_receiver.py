"""A receiver that means harm, in a process of its own; the path of a call chooses how: ``POST /slow_head``.

``POST /well`` is answered as it should be, and the connection is kept: so the harm may come over a kept one.

``python -m tests.support.hostile_receiver`` says its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Final, TypeAlias

Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

DRIP: Final = 0.02
"""Seconds between two bytes of whoever is slow."""

PIECE: Final = 1 << 16
WELL: Final = "well"
OK: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"

TALKS: Final[dict[str, Talk]] = {}
"""Every way to harm, by the name that stands in the path."""


def harm(talk: Talk) -> Talk:
    """Offer a way under its function's name."""
    TALKS[talk.__name__] = talk
    return talk


def says(name: str, *pieces: bytes, stays: bool = False) -> None:
    """Offer a way that says these and hangs up, or keeps the connection and its tongue."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            await put(writer, piece)
        if stays:
            await reader.read()

    TALKS[name] = talk


def repeats(name: str, head: bytes, piece: bytes, *, slowly: bool = False) -> None:
    """Offer a way that says a head, and then the same without end."""
    many = piece if slowly else piece * (PIECE // len(piece) + 1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await put(writer, head)
        while True:
            await put(writer, many)
            if slowly:
                await asyncio.sleep(DRIP)  # house: allow sleep - being slow is the point

    TALKS[name] = talk


async def put(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send, and wait until it is taken."""
    writer.write(data)
    await writer.drain()


@harm
async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """RST instead of an answer."""
    hang_up_hard(writer)


@harm
async def reset_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """RST after half an answer."""
    await put(writer, OK + b"Content-Length: 1000000\r\n\r\nhalf")
    await asyncio.sleep(DRIP)  # house: allow sleep - a reset throws away what has not been read
    hang_up_hard(writer)


def hang_up_hard(writer: asyncio.StreamWriter) -> None:
    """RST."""
    one = writer.get_extra_info("socket")
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


says("silence", stays=True)
says("hang_up")
says("half_a_status", b"HTTP/1.1 20")
says("half_a_head", OK + b"Content-Le")
says("half_a_body", OK + b"Content-Length: 20\r\n\r\nhalf")
says("half_a_chunk", CHUNKED + b"5\r\nhel")
says("stalled_body", OK + b"Content-Length: 20\r\n\r\nhalf", stays=True)
says("more_than_announced", OK + b"Content-Length: 2\r\n\r\nokand more")
says("two_lengths", OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc")
says("negative_length", OK + b"Content-Length: -1\r\n\r\nabc")
says("huge_length", OK + b"Content-Length: 999999999999999999999999\r\n\r\nabc")
says("length_and_chunks", OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
says("no_chunk", CHUNKED + b"zzz\r\nabc\r\n", stays=True)
says("huge_chunk_size", CHUNKED + b"f" * 40 + b"\r\nabc", stays=True)
says("another_protocol", b"SSH-2.0-hello\r\n\r\n")
says("http_0_9", b"<html><body>It works!</body></html>")
says("tls_alert", b"\x15\x03\x01\x00\x02\x02\x46")
says("garbage", bytes(range(256)) * 64)
says("strange_version", b"HTTP/7.3 200 OK\r\n\r\n")
says("status_of_letters", b"HTTP/1.1 OK 200\r\n\r\n")
says("naked_line_in_head", OK + b"nothing to see\r\n\r\n")
says("null_in_head", OK + b"X: a\0b\r\n\r\n")
says("huge_header_line", OK + b"X: " + b"a" * 10_000_000 + b"\r\n\r\n")
says("huge_header_name", OK + b"a" * 10_000_000 + b": b\r\n\r\n")
says("huge_reason", b"HTTP/1.1 200 " + b"a" * 10_000_000 + b"\r\n\r\n")
says("many_headers", OK + b"X-A: b\r\n" * 100_000 + b"Content-Length: 0\r\n\r\n")
says("switches_protocols", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", stays=True)
says("early_hints", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + OK + b"Content-Length: 2\r\n\r\nok")
says("cookies", OK + b"Set-Cookie: a=b; Domain=.example.org\r\n" * 100 + b"Content-Length: 2\r\n\r\nok")
says("bomb", OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbomb")
says("redirect", b"HTTP/1.1 307 T\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n")
repeats("slow_head", OK, b"X: a\r\n", slowly=True)
repeats("slow_status", b"HTTP/1.1 200 ", b"O", slowly=True)
repeats("slow_body", OK + b"Content-Length: 100000\r\n\r\n", b"a", slowly=True)
repeats("slow_chunks", CHUNKED, b"1\r\na\r\n", slowly=True)
repeats("endless_body", OK + b"\r\n", b"a")
repeats("endless_chunks", CHUNKED, b"4\r\nabcd\r\n")
repeats("endless_single_chunk", CHUNKED + b"fffffffffff\r\n", b"a")
repeats("endless_chunk_extension", CHUNKED + b"4;", b"a")
repeats("endless_trailers", CHUNKED + b"0\r\n", b"X-A: b\r\n")
repeats("endless_header", OK + b"X: ", b"a")
repeats("endless_headers", OK, b"X-A: b\r\n")
repeats("flood_of_1xx", b"", b"HTTP/1.1 100 Continue\r\n\r\n")
repeats(
    "flood_of_1xx_with_headers",
    b"",
    b"HTTP/1.1 103 Early Hints\r\nLink: a\r\nX: " + b"a" * 4_000 + b"\r\n\r\n",
)
repeats("slow_1xx", b"", b"HTTP/1.1 102 Processing\r\n\r\n", slowly=True)
repeats("flood_of_answers", b"", OK + b"Content-Length: 0\r\n\r\n")


@harm
async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes no more of the request, and says nothing."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's transports of sockets all have it
    await asyncio.get_running_loop().create_future()


@harm
async def answers_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says no before the body is there, and hangs up."""
    await put(writer, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


async def _read_head(reader: asyncio.StreamReader) -> str:
    """What is asked for; a request that means well is read to its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    asked = head.split()[1].decode().strip("/")
    if asked == WELL:
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
    return asked


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: requests that are answered well, then the head of one that is not, its harm, and the end."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while (asked := await _read_head(reader)) == WELL:
            await put(writer, OK + b"Content-Length: 0\r\n\r\n")
        await TALKS[asked](reader, writer)
    with contextlib.suppress(OSError):
        writer.close()


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """Serve on a port of loopback."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@contextlib.contextmanager
def hostile_process() -> Iterator[str]:
    """The address of a hostile receiver that has a process of its own, without a slash at its end."""
    words = [sys.executable, "-m", "tests.support.hostile_receiver"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


async def main() -> None:
    """Serve until the standard input ends."""
    async with listening() as port:
        print(port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
