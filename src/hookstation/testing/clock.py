"""A clock that a test moves, and identifiers that tell their order."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count
from typing import Final

from hookstation.core.journal_rules import lowest_id

NOON: Final = 1_795_000_000_000_000
"""Where a clock begins: microseconds since the epoch."""

TURNS: Final = 25
"""Turns of the event loop that work gets after each waking."""


class ManualClock:
    """Implements `ports.clock.Clock`: the time stands still until `advance` moves it.

    `pauses` holds what every sleeper asked for, in seconds, oldest first.
    """

    def __init__(self, now: int = NOON) -> None:
        self._began, self._now = now, now
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self.pauses: list[float] = []

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since this clock began."""
        return (self._now - self._began) / 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Return when the clock has been advanced that far."""
        self.pauses.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        at = self._now + max(0, round(seconds * 1_000_000))
        heapq.heappush(self._sleepers, (at, next(self._numbers), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let the time pass: every sleeper wakes at its own moment, and works, before the next one does."""
        end = self._now + round(seconds * 1_000_000)
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, woken = heapq.heappop(self._sleepers)
            self._now = max(self._now, at)
            if not woken.done():
                woken.set_result(None)
            await self.settle()
        self._now = end

    async def settle(self) -> None:
        """Let everything go on that does not wait for the time."""
        for _ in range(TURNS):
            await asyncio.sleep(0)


class ManualIdentifiers:
    """Implements `ports.clock.Identifiers`: event ids that sort by the clock, everything numbered in its order."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._events, self._runs, self._tokens = count(1), count(1), count(1)

    def event_id(self) -> str:
        """26 characters; the time, then a number."""
        return f"{lowest_id(self._clock.now())}{next(self._events):016d}"

    def run_id(self) -> str:
        """26 characters, ``R`` and a number."""
        return f"R{next(self._runs):025d}"

    def token(self) -> str:
        """``token-`` and a number."""
        return f"token-{next(self._tokens)}"
