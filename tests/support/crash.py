"""A sender that keeps account: which event it sent, which was acknowledged, what became of the others.

Plain sockets with keep-alive, one call at a time on each connection.  Every event has a key of its own, sent as its
dedup key and inside its body, so that its record can be found again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from tests.support.raw_http import Cut, read_answer
from tests.support.station_process import StationProcess

SHORTEST: Final = 0.2
LONGEST: Final = 1.0
"""Seconds of load before a kill: at least, and at most."""


@dataclass(slots=True)
class Ledger:
    """What a sender knows. `acknowledged`: key → event id, of what was answered 200; `pending`: answered 202.

    `unanswered` waits to be sent again; `answers` counts statuses, and under 0 the calls that got none.
    `torn` counts answers that broke off after their first byte.
    """

    sent: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    unanswered: deque[str] = field(default_factory=deque)
    answers: Counter[int] = field(default_factory=Counter)
    torn: int = 0

    def next_key(self) -> str:
        """What is to be sent now: something new, or something that was not answered."""
        if self.unanswered:
            return self.unanswered.popleft()
        key = f"K{len(self.sent)}"
        self.sent.append(key)
        return key


class Sender:
    """Sends events to one webhook over a number of connections."""

    def __init__(self, path: str, connections: int = 16) -> None:
        self.ledger = Ledger()
        self._path, self._connections = path, connections

    @contextlib.asynccontextmanager
    async def load(self, url: str) -> AsyncIterator[set[asyncio.Task[None]]]:
        """New events, as fast as they are answered, until the block ends or every connection is broken."""
        tasks = {asyncio.create_task(self._work(url)) for _ in range(self._connections)}
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def repeat(self, url: str, keys: Iterable[str]) -> Counter[int]:
        """Send every one of `keys` again until none is refused for load; the statuses of the answers."""
        before, left = Counter(self.ledger.answers), deque(keys)
        await asyncio.gather(*(self._work(url, left) for _ in range(self._connections)))
        return self.ledger.answers - before

    async def _work(self, url: str, left: deque[str] | None = None) -> None:
        """One connection's calls, until it breaks; with `left`, until that is sent."""
        ledger = self.ledger
        address = urlsplit(url)
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            try:
                while left is None or left:
                    key = ledger.next_key() if left is None else left.popleft()
                    if not await self._send(reader, writer, key):
                        return
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> bool:
        """One call; whether the connection can go on."""
        ledger, answered = self.ledger, False
        try:
            writer.write(self._request(key))
            await writer.drain()
            answer = await read_answer(reader)
            answered = True
        except Cut as cut:
            ledger.torn += cut.after > 0
            ledger.answers[0] += 1
            return False
        except OSError:
            ledger.answers[0] += 1
            return False
        finally:
            if not answered:
                ledger.unanswered.append(key)
        ledger.answers[answer.status] += 1
        if answer.status == 200:
            ledger.acknowledged[key] = answer.headers["hookstation-event-id"]
        elif answer.status == 202:
            ledger.pending.add(key)
        else:
            ledger.unanswered.append(key)
        return answer.headers.get("connection") != "close"

    def _request(self, key: str) -> bytes:
        body = f'{{"key": "{key}", "memberId": "10420", "amount": 19.90, "note": "{"n" * 300}"}}'.encode()
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: station\r\nContent-Type: application/json\r\n"
            f"Webhook-Id: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def kill_under_load(station: StationProcess, sender: Sender, rounds: int) -> None:
    """Load, kill at a random moment, start again; every other unanswered event is repeated in the next round."""
    for _ in range(rounds):
        async with sender.load(station.url) as connections:
            await asyncio.wait(connections, timeout=random.uniform(SHORTEST, LONGEST))
            await station.kill()
            await asyncio.wait(connections)
        unanswered = list(sender.ledger.unanswered)
        sender.ledger.unanswered.clear()
        sender.ledger.unanswered.extend(unanswered[::2])
        await station.start()
