"""An ASGI application called without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message


@dataclass
class Answered:
    """What the application answered; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Calls one application with the same headers each time, from one address."""

    app: ASGIApp
    headers: Mapping[str, str]
    address: str = "127.0.0.1"

    async def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Answered:
        """`body`: bytes as they are, ``None`` for no body, anything else as JSON."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        sent = {"content-length": str(len(raw)), **sent} if body is not None else sent
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
            "client": (self.address, 5),
            "server": ("127.0.0.1", 80),
        }
        told: list[Message] = []
        whole_body: list[Message] = [{"type": "http.request", "body": raw, "more_body": False}]

        async def receive() -> Message:
            while (
                not whole_body
            ):  # who sent everything only waits: an answer that is streamed listens meanwhile
                await asyncio.Future()
            return whole_body.pop()

        async def send(message: Message) -> None:
            told.append(message)

        await self.app(scope, receive, send)
        answered = {name.decode().lower(): value.decode("latin-1") for name, value in told[0]["headers"]}
        whole = b"".join(one.get("body", b"") for one in told[1:])
        return Answered(told[0]["status"], answered, whole)
