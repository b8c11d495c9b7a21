"""The lane below ASGI: calls of webhooks served by the connection itself.

A call is admitted when its head is whole, it becomes a task when its body is, and its answer is one write.
Keep-alive, pipelining, disconnects and shutdown stay with uvicorn's request cycle, which this fills in.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from hookstation.core.events import Answer
from hookstation.engine.bodies import Share
from hookstation.engine.ingest import BROKEN
from hookstation.engine.stages import RawRequest
from hookstation.web.hooks import PREFIX, RUNS, WAITS, HookLane
from hookstation.web.protocol import MOST_CONNECTIONS, BoundedProtocol

MOST_DRAINED: Final = 64 * 1024
"""Bytes of a refused call's body that are read so that its connection can be kept."""

log = logging.getLogger(__name__)

_TYPE: Final = b"content-type:"
_JSON: Final = b"content-type: application/json\r\n"
_HEAD: Final = _JSON + b"content-length: "


class CommonHead:
    """The header lines that every answer of a second has, written once: uvicorn makes their list anew with the date."""

    def __init__(self) -> None:
        self._headers: list[tuple[bytes, bytes]] | None = None
        self._text = b""

    def __call__(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """These headers, and ours up to the length of the body."""
        if headers is not self._headers:
            self._headers = headers
            self._text = b"".join([b"%b: %b\r\n" % header for header in headers]) + _HEAD
        return self._text


class LaneProtocol(BoundedProtocol):
    """One connection, with calls of webhooks served below ASGI. What has no value here is set by `lane_protocol`."""

    lane: HookLane
    common_head: CommonHead
    _call: Call | None = None
    _following = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        """uvicorn begins the next request of this connection: a webhook's call is ours, the rest its own."""
        path: str = cycle.scope["path"]
        if not path.startswith(PREFIX) or path.startswith((RUNS, WAITS)):
            super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]
            return
        self._call = call = Call(self, cycle)
        if (
            self._following or not self._in_head
        ):  # a long pipeline would recurse: each answer begins the next call
            self.loop.call_soon(call.begin)
            self.loop.call_soon(
                call.wait_for_body
            )  # nothing may come of it any more that would start its time
        else:
            call.begin()

    def data_received(self, data: bytes) -> None:
        """Bytes of one or several requests."""
        super().data_received(data)
        if self._call is not None:
            self._call.wait_for_body()

    def on_body(self, body: bytes) -> None:
        """Part of a body came: nobody waits for a part of ours."""
        call = self._call
        if call is None or self.cycle is not call.cycle:
            super().on_body(body)
            return
        self._moved = True
        call.cycle.body += body
        call.grown()

    def on_message_complete(self) -> None:
        """A request is whole."""
        call = self._call
        if call is None or self.cycle is not call.cycle or self._wishes_upgrade:
            super().on_message_complete()
            return
        self._in_message = False
        call.cycle.more_body = False
        call.whole()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone; what is at work is finished all the same."""
        super().connection_lost(exc)
        if self._call is not None:
            self._call.lost()

    def forget(self, call: Call) -> None:
        """The call is answered."""
        if self._call is call:
            self._call = None

    def follow(self, cycle: RequestResponseCycle) -> None:
        """Let uvicorn begin what was pipelined behind an answered request."""
        self._following = True
        try:
            cycle.on_response()
        finally:
            self._following = False


class Call:
    """One call of a webhook on its connection."""

    __slots__ = ("_protocol", "_raw", "_share", "_task", "_timer", "cycle")

    def __init__(self, protocol: LaneProtocol, cycle: RequestResponseCycle) -> None:
        self._protocol, self.cycle = protocol, cycle
        self._raw: RawRequest | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._share: Share | None = None
        self._task: asyncio.Task[None]

    def begin(self) -> None:
        """The steps before the body. A pipelined call may be whole already."""
        scope: Scope = self.cycle.scope  # type: ignore[assignment]
        admitted = self._protocol.lane.admit(scope)
        if isinstance(admitted, Answer):
            if self._is_body_unwanted():
                self.cycle.keep_alive = False
            self.answer(admitted)
            return
        self._raw = admitted
        if self.cycle.waiting_for_100_continue:
            self._protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.cycle.waiting_for_100_continue = False
        if not self.cycle.more_body:
            self.grown()
            self.whole()

    def _is_body_unwanted(self) -> bool:
        """Whether a refused call's body is not worth reading to keep the connection: announced, endless or large."""
        for name, value in self.cycle.scope["headers"]:
            if name in (b"expect", b"transfer-encoding"):
                return True
            if name == b"content-length" and int(value) > MOST_DRAINED:
                return True
        return False

    def grown(self) -> None:
        """More of the body is there; it may be too large by now."""
        if self._raw is None:
            return
        ingest = self._protocol.lane.ingest
        if len(self.cycle.body) > ingest.largest(self._raw):
            raw, self._raw = self._raw, None
            self._refuse(ingest.too_large(raw, len(self.cycle.body)))
            return
        self._protocol.flow.resume_reading()

    def wait_for_body(self) -> None:
        """Bytes ran out before the body did: it is counted from now on, and has its time."""
        raw, lane = self._raw, self._protocol.lane
        if raw is None:
            return
        if self._share is None:
            self._timer = self._protocol.loop.call_later(lane.body_seconds, self._too_slow)
            self._share = lane.ingest.bodies.begin()
        if not self._share.grow(len(self.cycle.body)):
            self._raw = None
            self._refuse(lane.ingest.no_room(raw, len(self.cycle.body)))

    def whole(self) -> None:
        """The body is whole: the call becomes a task of its own, which its connection does not end."""
        if self._raw is None:
            return
        self._stop_timer()
        raw, self._raw = self._raw, None
        body = bytes(self.cycle.body)
        if self._share is not None:
            self._share.whole()
            self.cycle.body = bytearray()  # the copy is the one that is counted
        self._task = self._protocol.loop.create_task(self._serve(raw, body))
        self._protocol.tasks.add(self._task)

    def lost(self) -> None:
        """The connection is gone."""
        self._stop_timer()
        if self._raw is not None:
            raw, self._raw = self._raw, None
            self._let_go()
            self._protocol.lane.ingest.broken_off(raw, len(self.cycle.body))

    def answer(self, answer: Answer) -> None:
        """Write the answer and give the connection to what follows."""
        cycle, protocol = self.cycle, self._protocol
        protocol.forget(self)
        if self._share is not None:
            self._let_go()
        if cycle.disconnected or cycle.response_complete:
            return
        head = protocol.common_head(cycle.default_headers)
        own = "".join([f"{name.lower()}: {text}\r\n" for name, text in answer.headers]).encode("latin-1")
        if own.startswith(_TYPE):
            head = head.replace(_JSON, b"")
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        body = b"" if cycle.scope["method"] == "HEAD" else answer.body
        cycle.response_started = cycle.response_complete = True
        protocol.transport.write(
            b"%b%b%d\r\n%b%b%b" % (STATUS_LINE[answer.status], head, len(answer.body), own, end, body)
        )
        if cycle.more_body and not cycle.keep_alive:
            protocol.part()
            return
        if not cycle.keep_alive:
            protocol.transport.close()
        protocol.follow(cycle)

    def _let_go(self) -> None:
        """Nothing of the body is held any more."""
        if self._share is not None:
            self._share.release()
            self._share = None

    async def _serve(self, raw: RawRequest, body: bytes) -> None:
        try:
            answer = await self._protocol.lane.ingest.receive(raw, body)
        except Exception:
            log.exception("a call broke the station", extra={"event_id": raw.event_id})
            answer = raw.voice.failed(BROKEN)
        try:
            self.answer(answer)
        finally:
            self._protocol.tasks.discard(self._task)

    def _too_slow(self) -> None:
        self._timer = None
        if self._raw is not None:
            raw, self._raw = self._raw, None
            self._refuse(self._protocol.lane.ingest.too_slow(raw, len(self.cycle.body)))

    def _refuse(self, answer: Answer) -> None:
        """Answer a call whose body is not read to its end: nothing may follow on this connection."""
        self._stop_timer()
        self.cycle.keep_alive = False
        self.answer(answer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def lane_protocol(
    lane: HookLane, most_connections: int = MOST_CONNECTIONS, control: tuple[str, int] | None = None
) -> type[LaneProtocol]:
    """The protocol class of a server with this lane. Connections of the listener `control` are not bounded."""
    members: dict[str, Any] = {
        "lane": lane,
        "common_head": CommonHead(),
        "most_connections": most_connections,
        "control": control,
        "controls": set(),
    }
    return type("LaneProtocol", (LaneProtocol,), members)
