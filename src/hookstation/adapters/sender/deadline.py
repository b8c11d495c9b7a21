"""A time-out for what the running task does, as `asyncio.timeout` is one, for a third of its price.

That one asks three times which loop is running, which is a system call each.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Deadline:
    """Raises `TimeoutError` out of its block after so many seconds. For one block only."""

    __slots__ = ("_cancelling", "_handle", "_is_over", "_loop", "_seconds", "_task")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop, self._seconds, self._is_over = loop, seconds, False

    def __enter__(self) -> Self:
        """Begin."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._handle = self._loop.call_later(self._seconds, self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        """End; somebody else's wish to cancel the task stands."""
        self._handle.cancel()
        if not self._is_over:
            return
        is_ours = self._task.uncancel() <= self._cancelling
        if is_ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def _end(self) -> None:
        self._is_over = True
        self._task.cancel()
