"""Time limits for thousands of waiting calls, kept by one timer instead of one each.

A timer a call costs more than the call's own checks; almost none of them ever rings.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final

from hookstation.ports.clock import Clock

LOOK_EVERY: Final = 0.25
"""Seconds between looks for who waits too long; a limit is kept to within this."""


class Patience:
    """Ends waits that are over their limit with `TimeoutError`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits: set[Wait] = set()
        self._timer: asyncio.TimerHandle | None = None

    def until(self, deadline: float) -> Wait:
        """A context whose block may last until `deadline` (the clock's monotonic seconds)."""
        return Wait(self, deadline)

    def begin(self, wait: Wait) -> None:
        """Keep an eye on a wait."""
        self._waits.add(wait)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)

    def end(self, wait: Wait) -> None:
        """The wait is over."""
        self._waits.discard(wait)

    def _look(self) -> None:
        self._timer = None
        now = self._clock.monotonic()
        for wait in [wait for wait in self._waits if wait.deadline <= now]:
            wait.give_up()
        if self._waits:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)


class Wait:
    """One wait of the current task."""

    __slots__ = ("_gave_up", "_patience", "_task", "deadline")

    def __init__(self, patience: Patience, deadline: float) -> None:
        self._patience, self.deadline = patience, deadline
        self._task: asyncio.Task[object] | None = None
        self._gave_up = False

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._patience.begin(self)

    def give_up(self) -> None:
        """Wake the waiting task with `TimeoutError`."""
        assert self._task is not None
        self._gave_up = True
        self._patience.end(self)
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._patience.end(self)
        if self._gave_up:
            assert self._task is not None
            self._task.uncancel()
            if kind is asyncio.CancelledError:
                raise TimeoutError from error
