"""Faults that can be switched on at run time, and the gate in front of the sandbox that commits them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookstation.testing.sandbox.answers import Refused, refusal, reply, validation_results

CONTROL: Final = "/_sandbox"

KINDS: Final = {
    "status": "answer with `status` (400 to 599) without executing",
    "invalid-grant": "answer 400 invalid_grant, as /token does for refused credentials",
    "validation-error": "answer 400 Validation error",
    "ok-with-failure": "answer 200 with a body that says it failed (`variant`: result, status or valid)",
    "saved-but-500": "execute, then answer 500",
    "saved-but-dropped": "execute, then close the connection without an answer",
    "saved-but-slow": "execute, wait `seconds`, then answer",
    "saved-with-status": "execute, then answer the same with `status` (200 to 204; 204 without a body)",
    "slow": "wait `seconds`, then execute and answer",
    "dropped": "close the connection without executing",
    "half-page": "answer a page with half of its items, and say of the next page what the whole one would",
}
"""What each kind of fault does."""

VARIANTS: Final[dict[str, dict[str, object]]] = {
    "result": {"Result": None, "Message": "The sandbox was told to fail."},
    "status": {"IsSuccessStatusCode": False, "StatusCode": 500, "Message": "The sandbox was told to fail."},
    "valid": {"IsValid": False, "Message": "The sandbox was told to fail."},
}
"""The bodies of ``ok-with-failure``."""

_HTML_STATUSES: Final = frozenset({502, 503, 504})
_SERVICE_RESPONSE: Final = "Asi.Soa.Core.ServiceContracts.ServiceResponse, Asi.Contracts"


@dataclass(slots=True)
class Fault:
    """One fault.

    `method` and `path` (a prefix) say which calls it meets, empty: all; `times` how many, ``None``: all.
    `seconds` is the wait of the slow kinds; `retry_after` the header (text as it is sent) of kind ``status``.
    """

    kind: str
    method: str = ""
    path: str = ""
    times: int | None = None
    status: int = 500
    seconds: float = 1.0
    retry_after: str = ""
    variant: str = "result"
    id: int = 0

    def meets(self, method: str, path: str) -> bool:
        """Whether it is for this call."""
        return self.method.upper() in ("", method) and path.startswith(self.path)


class Faults:
    """The faults that are on, oldest first."""

    def __init__(self) -> None:
        self._on: dict[int, Fault] = {}
        self._numbers = 0

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._on.values())

    def add(self, fault: Fault) -> Fault:
        """Switch a fault on. Raises `Refused` 400 where its kind, status or variant is not known."""
        if fault.kind not in KINDS:
            raise Refused(400, f"kind: “{fault.kind}” is none of {', '.join(KINDS)}.")
        if fault.variant not in VARIANTS:
            raise Refused(400, f"variant: “{fault.variant}” is none of {', '.join(VARIANTS)}.")
        lowest, highest = (200, 204) if fault.kind == "saved-with-status" else (400, 599)
        if not lowest <= fault.status <= highest and fault.kind in ("status", "saved-with-status"):
            raise Refused(400, f"status: write {lowest} to {highest}.")
        if fault.times is not None and fault.times < 1:
            raise Refused(400, "times: write 1 or more, or leave it out for all calls.")
        self._numbers += 1
        fault.id = self._numbers
        self._on[fault.id] = fault
        return fault

    def remove(self, number: int) -> bool:
        """Switch one off; false where it is not on."""
        return self._on.pop(number, None) is not None

    def clear(self) -> None:
        """Switch all off."""
        self._on.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The oldest fault for this call, used up by one."""
        for fault in self:
            if fault.meets(method, path):
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if not fault.times:
                self.remove(fault.id)


class Memory(Protocol):
    """What the gate needs of the sandbox's state."""

    faults: Faults
    calls: Counter[tuple[str, str]]
    closing: asyncio.Event


@dataclass(slots=True)
class FaultGate:
    """An ASGI application: counts every call of `app` and lets the faults of `memory` happen to it."""

    app: ASGIApp
    memory: Memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        path: str = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(CONTROL):
            return await self.app(scope, receive, send)
        method: str = scope["method"]
        self.memory.calls[method, counted(path)] += 1
        fault = self.memory.faults.take(method, path)
        if fault is None:
            return await self.app(scope, receive, send)
        return await self._suffer(fault, _Call(self.app, scope, await _body(receive), receive, send))

    async def _suffer(self, fault: Fault, call: _Call) -> None:
        match fault.kind:
            case "slow":
                await self._wait(fault.seconds)
                await call.answer(await call.execute())
            case "saved-but-slow":
                messages = await call.execute()
                await self._wait(fault.seconds)
                await call.answer(messages)
            case "saved-with-status":
                await call.answer(_with_status(await call.execute(), fault.status))
            case "half-page":
                await call.answer(_halved(await call.execute()))
            case "saved-but-500":
                await call.execute()
                await call.answer_with(_status(500))
            case "saved-but-dropped":
                await call.execute()
                await call.hang_up()
            case "dropped":
                await call.hang_up()
            case _:
                await call.answer_with(_canned(fault))

    async def _wait(self, seconds: float) -> None:
        """Wait, but never longer than the sandbox lives."""
        try:
            await asyncio.wait_for(self.memory.closing.wait(), seconds)
        except TimeoutError:
            return


@dataclass(slots=True)
class _Call:
    """One call whose body has been read."""

    app: ASGIApp
    scope: Scope
    body: bytes
    receive: Receive
    send: Send
    _messages: list[Message] = field(default_factory=list)

    async def execute(self) -> list[Message]:
        """Let the sandbox do it; the answer is kept back."""

        async def receive() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def send(message: Message) -> None:
            self._messages.append(message)

        await self.app(self.scope, receive, send)
        return self._messages

    async def answer(self, messages: list[Message]) -> None:
        """Send an answer that was kept back."""
        for message in messages:
            await self.send(message)

    async def answer_with(self, response: Response) -> None:
        """Send another answer."""
        await response(self.scope, self.receive, self.send)

    async def hang_up(self) -> None:
        """Close the connection without a byte, and wait until the server has noticed."""
        transport: asyncio.Transport = self.scope["state"]["transport"]
        transport.abort()
        while (await self.receive())["type"] != "http.disconnect":
            continue


def counted(path: str) -> str:
    """The path under which a call is counted: an id is ``{id}``, an operation keeps its name."""
    parts = path.split("/")
    if len(parts) > _ID_AT and parts[1] == "api" and not parts[_ID_AT].startswith("_"):
        return "/".join([*parts[:_ID_AT], "{id}"])
    return path


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _canned(fault: Fault) -> Response:
    match fault.kind:
        case "invalid-grant":
            return invalid_grant()
        case "validation-error":
            return reply(400, validation_results(["The sandbox was told to refuse this."]))
        case "ok-with-failure":
            return reply(200, {"$type": _SERVICE_RESPONSE, **VARIANTS[fault.variant]})
        case _:
            return _status(fault.status, fault.retry_after)


def _status(status: int, retry_after: str = "") -> Response:
    headers = {"Retry-After": retry_after} if retry_after else {}
    if status in _HTML_STATUSES:
        page = f"<!DOCTYPE html><html><body><h1>{status}</h1></body></html>"
        return Response(page, status, headers, "text/html")
    answer = refusal(Refused(status, f"The sandbox was told to answer {status}."))
    answer.headers.update(headers)
    return answer


def _with_status(messages: list[Message], status: int) -> list[Message]:
    start: MutableMapping[str, Any] = {**messages[0], "status": status}
    if status != _NO_CONTENT:
        return [start, *messages[1:]]
    start["headers"] = []
    return [start, {"type": "http.response.body", "body": b""}]


def _halved(messages: list[Message]) -> list[Message]:
    """The same page with its first half of items; anything else as it is."""
    document = json.loads(b"".join(message.get("body", b"") for message in messages) or b"null")
    items = document.get("Items") if isinstance(document, dict) else None
    if not isinstance(items, dict) or len(items.get("$values", ())) < 2:
        return messages
    items["$values"] = items["$values"][: len(items["$values"]) // 2]
    body = json.dumps({**document, "Count": len(items["$values"]), "HasNext": True}).encode()
    headers = [pair for pair in messages[0]["headers"] if pair[0].lower() != b"content-length"]
    start = {**messages[0], "headers": [*headers, (b"content-length", str(len(body)).encode())]}
    return [start, {"type": "http.response.body", "body": body}]


def invalid_grant() -> Response:
    """The answer of ``/token`` to refused credentials."""
    description = "The user name or password is incorrect."
    return reply(400, {"error": "invalid_grant", "error_description": description})


_ID_AT: Final = 3
_NO_CONTENT: Final = 204
