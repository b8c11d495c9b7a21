"""Senders that keep an order: the events of one line are sent one after the other, each until it is acknowledged.

So whatever comes of a line has to come in this order.  A line calls one node; where that does not answer, the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeAlias

from tests.support.raw_http import read_answer
from tests.support.station_process import StationProcess

TAKEN: Final = frozenset((200, 201, 202))
BUSY: Final = frozenset((429, 500, 503))
PATIENCE: Final = 15.0
"""Seconds after which a line hangs up and sends again."""

PAUSE: Final = 0.05
"""Seconds before an event is sent again."""

BREATH: Final = 0.5
"""Seconds between two events of a line while other things are watched: the load is there, and is not the subject."""

GIVES_UP: Final = 600.0
"""Seconds in which a number of events has to be acknowledged."""

Link: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Way: TypeAlias = Callable[[str, str], bytes]
"""The request for an event of a line, by the line's name and the event's key."""


def by_webhook(path: str) -> Way:
    """Calls of a webhook, with the key as their dedup key."""
    return lambda line, key: _request(path, {"key": key, "memberId": line}, f"Webhook-Id: {key}")


def by_api(token: str, type_: str) -> Way:
    """Events of this type raised by the API, with the key as their idempotency key."""

    def request(line: str, key: str) -> bytes:
        event = {"type": type_, "data": {"key": key, "memberId": line}}
        return _request("/api/v1/events", event, f"Idempotency-Key: {key}", f"Authorization: Bearer {token}")

    return request


class Lines:
    """So many lines of each way. The key of an event is ``LINE.PLACE``; places count from 0."""

    def __init__(self, nodes: Sequence[StationProcess], ways: Sequence[Way], each: int) -> None:
        self._nodes = nodes
        self._ways = {f"{chr(65 + kind)}{one}": way for kind, way in enumerate(ways) for one in range(each)}
        self._taken = dict.fromkeys(self._ways, 0)
        self._ending = asyncio.Event()

    @property
    def keys(self) -> list[str]:
        """The key of every event that was acknowledged; nothing else is there, unless a line is at work."""
        return [f"{line}.{place}" for line, count in self._taken.items() for place in range(count)]

    async def send(self, count: int) -> None:
        """So many events more, shared out among the lines."""
        aim = -(-count // len(self._ways))
        async with asyncio.timeout(GIVES_UP), asyncio.TaskGroup() as group:
            for number, line in enumerate(self._ways):
                group.create_task(self._go_on(line, number, self._taken[line] + aim))

    @contextlib.asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """An event of each line now and then, until the block ends; then until the last one is acknowledged."""
        self._ending.clear()
        tasks = [asyncio.create_task(self._go_on(line, number)) for number, line in enumerate(self._ways)]
        try:
            yield
            self._ending.set()
            async with asyncio.timeout(GIVES_UP):
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _go_on(self, line: str, node: int, until: int | None = None) -> None:
        link: Link | None = None
        try:
            while not self._ending.is_set() if until is None else self._taken[line] < until:
                request = self._ways[line](line, f"{line}.{self._taken[line]}")
                taken = False
                while not taken:
                    taken, link = await self._send(link, node, request)
                    if not taken:
                        node += 1
                        await asyncio.sleep(PAUSE)  # house: allow sleep - a sender waits before it repeats
                self._taken[line] += 1
                if until is None:
                    await asyncio.sleep(BREATH)  # house: allow sleep - an even load
        finally:
            if link is not None:
                link[1].close()

    async def _send(self, link: Link | None, node: int, request: bytes) -> tuple[bool, Link | None]:
        """One call: whether the event was taken, and the connection where it can go on."""
        try:
            async with asyncio.timeout(PATIENCE):
                link = link or await self._connect(node)
                link[1].write(request)
                answer = await read_answer(link[0])
        except (OSError, TimeoutError):
            if link is not None:
                link[1].close()
            return False, None
        taken = answer.status in TAKEN
        assert taken or answer.status in BUSY, answer
        if taken and answer.headers.get("connection") != "close":
            return True, link
        link[1].close()
        return taken, None

    async def _connect(self, node: int) -> Link:
        return await asyncio.open_connection("127.0.0.1", self._nodes[node % len(self._nodes)].port)


def _request(path: str, document: object, *headers: str) -> bytes:
    body = json.dumps(document).encode()
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: station",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
