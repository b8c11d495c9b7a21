"""Time limits for thousands of waiting calls, kept by one timer instead of one each.

A timer a call costs more than the call's own checks; almost none of them ever rings.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeAlias

from hookstation.ports.clock import Clock

LOOK_EVERY: Final = 0.25
"""Seconds between looks for who waits too long; a limit is kept to within this."""

Waited: TypeAlias = asyncio.Future[Any]


class Patience:
    """Gives futures that are not done in time a `TimeoutError`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._deadlines: dict[Waited, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def until(self, future: Waited, deadline: float) -> None:
        """Let `future` take until `deadline` (the clock's monotonic seconds). `done` must follow."""
        self._deadlines[future] = deadline
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)

    def done(self, future: Waited) -> None:
        """Nobody waits for the future any more."""
        del self._deadlines[future]

    def _look(self) -> None:
        self._timer = None
        now = self._clock.monotonic()
        for future, deadline in self._deadlines.items():
            if deadline <= now and not future.done():
                future.set_exception(TimeoutError())
        if self._deadlines:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)
