"""A receiver that costs little: ``python -m benchmarks.sending.receiver`` says its port, then answers questions.

Every call is answered 200: below ``/hang`` after 30 s, below ``/slow`` after one, everything else at once.  A line on
stdin is a question, its answer a line of JSON: ``count PATH`` how many calls came, ``times PATH`` when each did, in
seconds by the clock that all processes share, ``forget`` nothing of it any more.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

import httptools
import uvloop

from benchmarks.servers import ServerFailed

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PAUSES: Final = {"/hang": 30.0, "/slow": 1.0}
PATIENCE: Final = 600.0
LOOK_EVERY: Final = 0.05


class Connection(asyncio.Protocol):
    """One connection of a sender."""

    def __init__(self, arrivals: defaultdict[str, list[float]]) -> None:
        self._arrivals = arrivals
        self._parser = httptools.HttpRequestParser(self)
        self._path = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Where it goes."""
        self._path = url.decode()

    def on_message_complete(self) -> None:
        """A call is here."""
        self._arrivals[self._path].append(time.monotonic())
        pause = PAUSES.get(self._path[:5])
        if pause is None:
            self._transport.write(OK)
        else:
            asyncio.get_running_loop().call_later(pause, self._say)

    def _say(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(OK)


def answered(question: str, arrivals: defaultdict[str, list[float]]) -> object:
    """What is known."""
    word, _, path = question.partition(" ")
    if word == "forget":
        arrivals.clear()
        return None
    return arrivals[path] if word == "times" else len(arrivals[path])


async def serve() -> None:
    """Until stdin ends."""
    arrivals: defaultdict[str, list[float]] = defaultdict(list)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(arrivals), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    while question := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(answered(question.strip(), arrivals)), flush=True)


class Receiver:
    """A running one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._asking, self._answers = process.stdin, process.stdout
        self.url = f"http://127.0.0.1:{int(self._answers.readline())}"

    def times(self, path: str) -> list[float]:
        """When each call of a path came."""
        return cast("list[float]", self._ask(f"times {path}"))

    def forget(self) -> None:
        """Count from 0 again."""
        self._ask("forget")

    def wait(self, path: str, count: int) -> None:
        """Wait until so many came for a path. Raises `ServerFailed` where they do not come."""
        until = time.monotonic() + PATIENCE
        while (came := cast("int", self._ask(f"count {path}"))) < count:
            if time.monotonic() > until:
                raise ServerFailed(f"Of {count} deliveries only {came} came.")
            time.sleep(LOOK_EVERY)

    def _ask(self, question: str) -> object:
        self._asking.write(f"{question}\n")
        self._asking.flush()
        return json.loads(self._answers.readline())


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver in a process of its own, on the core that this one is held on."""
    words = [sys.executable, "-m", "benchmarks.sending.receiver"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Receiver(process)
        finally:
            process.kill()


if __name__ == "__main__":
    uvloop.run(serve())
