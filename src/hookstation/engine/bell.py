"""Waiting for a time to pass, or for somebody to ring before."""

from __future__ import annotations

import asyncio

from hookstation.ports.clock import Clock


class Bell:
    """One waits, anybody rings. A ring while nobody waits is heard by the next who does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def hush(self) -> bool:
        """Whether it rang since somebody last asked or waited."""
        rang = self._rung.is_set()
        self._rung.clear()
        return rang

    def ring(self) -> None:
        """Wake whoever waits."""
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Return after `seconds`, or as soon as it rings, and say whether it did."""
        heard = asyncio.ensure_future(self._rung.wait())
        slept = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({heard, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            heard.cancel()
            slept.cancel()
        return self.hush()
