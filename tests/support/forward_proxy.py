"""A forward proxy on loopback: it passes calls on and tunnels by CONNECT, for whoever shows the right credentials."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class ForwardProxy:
    """`lines`: the first line of each request. `answer`: said to each instead of passing it on, where there is one.

    `places`: where a host and port really lead; others are not reached.
    """

    credentials: str = ""
    answer: bytes = b""
    lines: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    port: int = 0

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[ForwardProxy]:
        """Serve on a port of loopback."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    @property
    def url(self) -> str:
        """Where it listens, with the credentials that it wants."""
        return f"http://{self.credentials}{'@' if self.credentials else ''}127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            first, _, rest = head.decode().partition("\r\n")
            self.lines.append(first)
            said = self.answer or self._refusal(rest)
            if said:
                writer.write(said)
            else:
                await self._pass_on(first.split(), rest, reader, writer)
        writer.close()

    def _refusal(self, rest: str) -> bytes:
        wanted = base64.b64encode(self.credentials.encode()).decode()
        if self.credentials and f"Proxy-Authorization: Basic {wanted}\r\n" not in rest:
            return b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"
        return b""

    async def _pass_on(
        self, first: list[str], rest: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, target, version = first
        tunnel = method == "CONNECT"
        place = target if tunnel else urlsplit(target).netloc
        answers, calls = await asyncio.open_connection("127.0.0.1", self.places[place])
        if tunnel:
            writer.write(b"HTTP/1.1 200 Go on\r\n\r\n")
        else:
            calls.write(f"{method} {urlsplit(target).path} {version}\r\n{rest}".encode())
        await asyncio.gather(_carry(reader, calls), _carry(answers, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
