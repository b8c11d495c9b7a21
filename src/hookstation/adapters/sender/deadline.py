"""Time-outs for what tasks do, as `asyncio.timeout` is one, for a fraction of its price.

That one asks three times which loop is running, which is a system call each, and sets a timer of its own.  Thousands of
requests a second end in time: here one look in a while, at all that are under way, finds the few that do not.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from types import TracebackType
from typing import Final, Self

LOOK_EVERY: Final = 0.02
"""Seconds between two looks: so late a time-out may come."""


class Deadlines:
    """The time-outs of one event loop that are running; while there are none, nothing looks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._running: set[Deadline] = set()
        self._is_looking = False

    def begin(self, deadline: Deadline) -> None:
        """Watch it."""
        self._running.add(deadline)
        if not self._is_looking:
            self._is_looking = True
            self.loop.call_later(LOOK_EVERY, self._look)

    def end(self, deadline: Deadline) -> None:
        """Watch it no more."""
        self._running.discard(deadline)

    def _look(self) -> None:
        now = monotonic()
        for deadline in [one for one in self._running if one.ends_at <= now]:
            self._running.remove(deadline)
            deadline.strike()
        self._is_looking = bool(self._running)
        if self._is_looking:
            self.loop.call_later(LOOK_EVERY, self._look)


class Deadline:
    """Raises `TimeoutError` out of its block after so many seconds. For one block only."""

    __slots__ = ("_cancelling", "_deadlines", "_is_over", "_task", "ends_at")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines, self._is_over = deadlines, False
        self.ends_at = monotonic() + seconds

    def __enter__(self) -> Self:
        """Begin."""
        task = asyncio.current_task(self._deadlines.loop)
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._deadlines.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        """End; somebody else's wish to cancel the task stands."""
        self._deadlines.end(self)
        if not self._is_over:
            return
        is_ours = self._task.uncancel() <= self._cancelling
        if is_ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def strike(self) -> None:
        """The time is over."""
        self._is_over = True
        self._task.cancel()
