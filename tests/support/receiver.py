"""A receiver of webhooks on loopback: fast, it writes down every call and answers as a test tells it.

In the event loop of a test::

    async with Receiver() as receiver:
        receiver.plan(Answer(503, (("Retry-After", "7"),)), CUT)
        ...
        await receiver.until(3)

`receiving` runs one in a thread of its own, for tests without an event loop and for ones in which the event loop is
the subject; ``python -m tests.support.receiver`` in a process of its own, for measurements.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ssl
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self, TypeAlias

import httptools

PATIENCE: Final = 60.0
"""Seconds that a test waits for calls before it fails."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came. `path` with its query; `headers` in their order; `connection`: counted from 1."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    def header(self, name: str) -> str:
        """The first header of this name in whatever letters, empty without one."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a call. `pause`: seconds before it; `hang`: not before `Receiver.release`.

    `close`: the connection ends after the answer; `cut`: it ends instead of an answer.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    pause: float = 0.0
    hang: bool = False
    close: bool = False
    cut: bool = False

    def written(self) -> bytes:
        """The answer as bytes."""
        headers = [*self.headers, ("Content-Length", str(len(self.body)))]
        if self.close:
            headers.append(("Connection", "close"))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return f"HTTP/1.1 {self.status} {_phrase(self.status)}\r\n{lines}\r\n".encode() + self.body


OK: Final = Answer()
HANG: Final = Answer(hang=True)
CUT: Final = Answer(cut=True)

Usual: TypeAlias = Answer | Callable[[Call], Answer]


class Receiver:
    """Answers what was planned, in that order, then what is `usual`: an answer, or whatever a function makes of a call.

    `calls`: all that came, in order; where `remember` is false only `count` grows.  `at_once`: calls that wait for
    their answer now, `most_at_once` the most that ever did.  `connections`: how many were opened.
    """

    def __init__(
        self, usual: Usual = OK, *, tls: ssl.SSLContext | None = None, remember: bool = True
    ) -> None:
        self.usual = usual
        self.calls: list[Call] = []
        self.count = self.connections = self.port = 0
        self.at_once = self.most_at_once = 0
        self._tls, self._remember = tls, remember
        self._planned: deque[Answer] = deque()
        self._waiting: list[tuple[int, Future[None]]] = []
        self._lock = threading.Lock()
        self._hanging: list[Callable[[], None]] = []
        self._open: set[_Connection] = set()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at its end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def plan(self, *answers: Answer) -> None:
        """Say these, in this order, to the next calls."""
        self._planned.extend(answers)

    async def until(self, count: int) -> list[Call]:
        """All calls, as soon as `count` have come."""
        await asyncio.wait_for(asyncio.wrap_future(self._arrival(count)), PATIENCE)
        return self.calls

    def wait(self, count: int) -> list[Call]:
        """The same for a test without an event loop, which has the receiver in a thread."""
        self._arrival(count).result(PATIENCE)
        return self.calls

    def release(self) -> None:
        """Answer every call that hangs."""
        self.loop.call_soon_threadsafe(self._release)

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        self._server = await self.loop.create_server(
            lambda: _Connection(self), "127.0.0.1", 0, ssl=self._tls, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for each in list(self._open):
            each.transport.abort()
        await self._server.wait_closed()

    def answer_to(self, call: Call) -> Answer:
        """Write a call down, and say what its answer is."""
        with self._lock:
            self.count += 1
            if self._remember:
                self.calls.append(call)
            reached = [each for each in self._waiting if each[0] <= self.count]
            self._waiting = [each for each in self._waiting if each[0] > self.count]
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        for _, arrival in reached:
            _tell(arrival)
        if self._planned:
            return self._planned.popleft()
        return self.usual if isinstance(self.usual, Answer) else self.usual(call)

    def _arrival(self, count: int) -> Future[None]:
        arrival: Future[None] = Future()
        with self._lock:
            if self.count < count:
                self._waiting.append((count, arrival))
                return arrival
        arrival.set_result(None)
        return arrival

    def _release(self) -> None:
        hanging, self._hanging = self._hanging, []
        for answer in hanging:
            answer()


class _Connection(asyncio.Protocol):
    """One connection; its requests come one after the other."""

    transport: asyncio.Transport

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._path, self._body = b"", b""
        self._headers: list[tuple[str, str]] = []
        self._owes = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvloop's is like it
        self.transport = transport
        self._receiver._open.add(self)
        self._receiver.connections += 1
        self._number = self._receiver.connections

    def connection_lost(self, error: Exception | None) -> None:
        self._receiver._open.discard(self)
        self._settle()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._path, self._body, self._headers = b"", b"", []

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        call = Call(method, self._path.decode(), tuple(self._headers), self._body, self._number)
        self._owes = True
        answer = self._receiver.answer_to(call)
        if answer.hang:
            self._receiver._hanging.append(lambda: self._say(answer))
        elif answer.pause:
            asyncio.get_running_loop().call_later(answer.pause, self._say, answer)
        else:
            self._say(answer)

    def _say(self, answer: Answer) -> None:
        self._settle()
        if answer.cut:
            self.transport.abort()
        elif not self.transport.is_closing():
            self.transport.write(answer.written())
            if answer.close:
                self.transport.close()

    def _settle(self) -> None:
        self._receiver.at_once -= self._owes
        self._owes = False


@contextlib.contextmanager
def receiving(
    usual: Usual = OK, *, tls: ssl.SSLContext | None = None, remember: bool = True
) -> Iterator[Receiver]:
    """A receiver in a thread of its own."""
    receiver = Receiver(usual, tls=tls, remember=remember)
    listens: Future[asyncio.Event] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(receiver, listens)))
    thread.start()
    over = listens.result(PATIENCE)
    try:
        yield receiver
    finally:
        receiver.loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE)


async def _serve(receiver: Receiver, listens: Future[asyncio.Event]) -> None:
    over = asyncio.Event()
    async with receiver:
        listens.set_result(over)
        await over.wait()


def _tell(arrival: Future[None]) -> None:
    if arrival.set_running_or_notify_cancel():  # whoever waited may have given up
        arrival.set_result(None)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unheard-of"


def main() -> None:
    """Receive until the standard input ends, then say how many calls came. The first line said is the address."""
    words = argparse.ArgumentParser(description="A receiver of webhooks on loopback.")
    words.add_argument("--status", type=int, default=200, help="what every call is answered")
    words.add_argument("--pause", type=float, default=0.0, help="seconds before each answer")
    given = words.parse_args()
    with receiving(Answer(given.status, pause=given.pause), remember=False) as receiver:
        print(receiver.url, flush=True)
        sys.stdin.read()
    print(receiver.count, flush=True)


if __name__ == "__main__":
    main()
