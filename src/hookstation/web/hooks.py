"""The lane: inbound webhooks as a bare ASGI callable, in front of any framework.

``POST /hooks/<token>`` goes to `engine.ingest`; ``GET /hooks/runs/<id>`` tells how a run stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from starlette.types import Receive, Scope, Send

from hookstation.core.events import Answer
from hookstation.engine.ingest import Ingest
from hookstation.engine.runs import Runs
from hookstation.engine.stages import RawRequest

PREFIX: Final = "/hooks/"
RUNS: Final = "/hooks/runs/"
BODY_SECONDS: Final = 15.0

_JSON: Final = (b"content-type", b"application/json")
_CLOSE: Final = (b"connection", b"close")


class HookLane:
    """The ASGI callable of everything under ``/hooks/``."""

    def __init__(self, ingest: Ingest, runs: Runs, body_seconds: float = BODY_SECONDS) -> None:
        self._ingest, self._runs, self._body_seconds = ingest, runs, body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call, one answer."""
        path: str = scope["path"]
        if path.startswith(RUNS):
            await respond(send, scope["method"], await self._runs.answer(scope["method"], path[len(RUNS) :]))
            return
        client = scope.get("client")
        admitted = self._ingest.admit(
            scope["method"],
            path[len(PREFIX) :],
            join_headers(scope["headers"]),
            scope["query_string"].decode("latin-1"),
            client[0] if client else "",
        )
        if isinstance(admitted, Answer):
            await respond(send, scope["method"], admitted)
            return
        body = await self._read(admitted, receive)
        if isinstance(body, Answer):
            await respond(send, "POST", body, close=True)
        elif body is not None:
            await respond(send, "POST", await self._ingest.receive(admitted, body))

    async def _read(self, raw: RawRequest, receive: Receive) -> bytes | Answer | None:
        """The whole body; an answer where it is too large or too slow; ``None`` where the caller went away."""
        most = raw.hook.definition.limits.body
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        self._ingest.broken_off(raw, size)
                        return None
                    chunk: bytes = message.get("body", b"")
                    size += len(chunk)
                    if size > most:
                        return self._ingest.too_large(raw, size)
                    if not message.get("more_body", False):
                        return chunk if not chunks else b"".join([*chunks, chunk])
                    chunks.append(chunk)
        except TimeoutError:
            return self._ingest.too_slow(raw, size)


async def respond(send: Send, method: str, answer: Answer, *, close: bool = False) -> None:
    """Send `answer`; `close` ends the connection, for a caller whose body is not read to its end."""
    headers = [_JSON, (b"content-length", str(len(answer.body)).encode())]
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
    if close:
        headers.append(_CLOSE)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})


def join_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; values of a repeated one are joined by a comma (RFC 9110, 5.3)."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
