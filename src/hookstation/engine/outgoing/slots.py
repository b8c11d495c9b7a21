"""Places at a destination: as many deliveries as it takes at once hold one each, the others wait in a row."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """A semaphore of which a free place costs no more than to count it. Made for one event loop."""

    def __init__(self, count: int) -> None:
        self.count, self._free = count, count
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take a place if one is free; else false, and `wait` is to be called."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Take the place that somebody gives up, behind those who wait already."""
        if self._loop is None:  # to ask which one runs is a system call
            self._loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """Give a place up: whoever waits the longest has it."""
        while self._waiting:
            if not (first := self._waiting.popleft()).done():
                first.set_result(None)
                return
        self._free += 1
