"""The lane: inbound webhooks in front of any framework.

``POST /hooks/<token>`` goes to `engine.ingest`; ``GET /hooks/runs/<id>`` tells how a run stands, and what is posted to
``/hooks/waits/<token>`` goes to the step of a run that waits for it.  The lane is a bare
ASGI callable; `web.protocol` enters it below ASGI, with the same steps and the same answers, where it is the server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from starlette.types import Receive, Scope, Send

from hookstation.core import answers
from hookstation.core.events import Answer
from hookstation.engine.bodies import Share
from hookstation.engine.ingest import Ingest
from hookstation.engine.runs import Runs
from hookstation.engine.stages import RawRequest
from hookstation.web.senders import HEADER as FORWARDED
from hookstation.web.senders import Senders

PREFIX: Final = "/hooks/"
RUNS: Final = "/hooks/runs/"
WAITS: Final = "/hooks/waits/"
BODY_SECONDS: Final = 15.0
LARGEST_CALL: Final = 1024 * 1024
"""Bytes of a body that comes on a one-time URL."""

ELSEWHERE: Final = answers.busy(
    503, "This node takes no calls: its role is worker. Send it again to the address of the others.", 1
)

_JSON: Final = (b"content-type", b"application/json")
_CLOSE: Final = (b"connection", b"close")

log = logging.getLogger(__name__)


class Waits(Protocol):
    """Who waits for calls on one-time URLs."""

    async def answer_wait(self, method: str, token: str, body: bytes) -> Answer:
        """What the caller is told."""
        ...


class HookLane:
    """Everything under ``/hooks/``. One that does not take calls sends them on to where they are taken."""

    def __init__(
        self,
        ingest: Ingest,
        runs: Runs,
        body_seconds: float = BODY_SECONDS,
        senders: Senders | None = None,
        *,
        takes_calls: bool = True,
        waits: Waits | None = None,
    ) -> None:
        self.ingest, self._runs, self.body_seconds, self._senders = ingest, runs, body_seconds, senders
        self._takes_calls, self._waits = takes_calls, waits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call, one answer."""
        if scope["path"].startswith(RUNS):
            await respond(send, scope["method"], await self.tell_run(scope))
            return
        if scope["path"].startswith(WAITS):
            await respond(send, scope["method"], await self.hear_wait(scope, receive))
            return
        admitted = self.admit(scope)
        if isinstance(admitted, Answer):
            await respond(send, scope["method"], admitted)
            return
        share = self.ingest.bodies.begin()
        try:
            body = await self._read(admitted, receive, share)
            share.whole()
            if isinstance(body, Answer):
                await respond(send, "POST", body, close=True)
            elif body is not None:
                await respond(send, "POST", await self.ingest.receive(admitted, body))
        finally:
            share.release()

    def admit(self, scope: Scope) -> RawRequest | Answer:
        """The steps before the body. Always answers."""
        if not self._takes_calls:
            return ELSEWHERE
        try:
            client = scope["client"]
            headers = join_headers(scope["headers"])
            sender = client[0] if client else ""
            if self._senders is not None:
                sender = self._senders.find(sender, headers.get(FORWARDED, ""))
            return self.ingest.admit(
                scope["method"],
                scope["path"][len(PREFIX) :],
                headers,
                scope["query_string"].decode("latin-1"),
                sender,
            )
        except Exception:
            log.exception("a call broke the station before its body was read")
            return self.ingest.broke(scope["path"][len(PREFIX) :])

    async def tell_run(self, scope: Scope) -> Answer:
        """How a run stands."""
        if not self._takes_calls:
            return ELSEWHERE
        return await self._runs.answer(scope["method"], scope["path"][len(RUNS) :])

    async def hear_wait(self, scope: Scope, receive: Receive) -> Answer:
        """A call on a one-time URL, for which a run waits."""
        if not self._takes_calls:
            return ELSEWHERE
        if self._waits is None:
            return answers.NOT_FOUND
        body = bytearray()
        try:
            async with asyncio.timeout(self.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return answers.NOT_FOUND
                    body += message.get("body", b"")
                    if len(body) > LARGEST_CALL:
                        return answers.refused(413, f"The body is larger than {LARGEST_CALL} bytes.")
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            return answers.refused(408, "The body did not arrive in time.")
        return await self._waits.answer_wait(scope["method"], scope["path"][len(WAITS) :], bytes(body))

    async def _read(self, raw: RawRequest, receive: Receive, share: Share) -> bytes | Answer | None:
        """The whole body; an answer where it is too large, too slow or one too many; ``None`` where the caller left."""
        most = self.ingest.largest(raw)
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        self.ingest.broken_off(raw, size)
                        return None
                    chunk: bytes = message.get("body", b"")
                    size += len(chunk)
                    if size > most:
                        return self.ingest.too_large(raw, size)
                    if not message.get("more_body", False):
                        return chunk if not chunks else b"".join([*chunks, chunk])
                    if not share.grow(size):
                        return self.ingest.no_room(raw, size)
                    chunks.append(chunk)
        except TimeoutError:
            return self.ingest.too_slow(raw, size)


async def respond(send: Send, method: str, answer: Answer, *, close: bool = False) -> None:
    """Send `answer`; `close` ends the connection, for a caller whose body is not read to its end."""
    headers = [(b"content-length", str(len(answer.body)).encode())]
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
    if all(name != _JSON[0] for name, _ in headers):
        headers.insert(0, _JSON)
    if close:
        headers.append(_CLOSE)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})


def join_headers(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; values of a repeated one are joined by a comma (RFC 9110, 5.3)."""
    by_name = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    return by_name if len(by_name) == len(headers) else _join_repeated(headers)


def _join_repeated(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1")
        if name in joined:
            joined[name] = f"{joined[name]}, {raw_value.decode('latin-1')}"
        else:
            joined[name] = raw_value.decode("latin-1")
    return joined
