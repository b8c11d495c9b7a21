"""What the demo sends to: a receiver of its own, which checks the signature of each delivery and shows what came."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping
from typing import Final, Self

from hookstation.core.definitions import StandardWebhooksAuthentication
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.signing import Verifier, compile_verifier
from hookstation.core.values import JSON, Secret
from hookstation.engine.runs import moment
from hookstation.errors import AuthenticationFailed, BodyRefused
from hookstation.ports.clock import Clock

SHOWN: Final = 20
LARGEST: Final = 1024 * 1024
PATIENCE: Final = 60.0
"""Seconds that a connection may be idle."""

PHRASES: Final = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 405: "Method Not Allowed"}


class DemoReceiver:
    """Listens on loopback while it is entered: ``POST`` takes a delivery, ``GET`` shows the newest that came."""

    def __init__(self, secret: Secret, clock: Clock) -> None:
        self._verifier: Verifier = compile_verifier(StandardWebhooksAuthentication(secret))
        self._clock = clock
        self._came: deque[JSON] = deque(maxlen=SHOWN)
        self._open: set[asyncio.StreamWriter] = set()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LARGEST)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        self._open.add(writer)
        try:
            with contextlib.suppress(
                asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError, ValueError
            ):
                while True:
                    status, said = await asyncio.wait_for(self._answer(reader), PATIENCE)
                    body = dump_json(said).encode()
                    writer.write(
                        f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n".encode()
                        + body
                    )
                    await writer.drain()
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, JSON]:
        """Read one request, and what is said to it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method = head[0].partition(" ")[0]
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        size = int(headers.get("content-length", "0"))
        if size > LARGEST:
            raise ValueError(size)  # the connection ends
        body = await reader.readexactly(size)
        if method == "GET":
            return 200, {"items": [*self._came]}
        return self._take(headers, body) if method == "POST" else (405, {"error": "GET or POST, please."})

    def _take(self, headers: Mapping[str, str], body: bytes) -> tuple[int, JSON]:
        now = self._clock.now()
        try:
            self._verifier.over_body(headers, body, now)
            told = parse_json(body).value
        except AuthenticationFailed as failure:
            return 401, {"error": failure.message}
        except BodyRefused as refusal:
            return 400, {"error": refusal.reason}
        self._came.appendleft(
            {"received_at": moment(now), "webhook_id": headers["webhook-id"], "verified": True, "body": told}
        )
        return 200, {"success": True}
