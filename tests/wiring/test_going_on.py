"""What goes on by itself in a station."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from hookstation.wiring.station import BEGIN_AGAIN, guarded


async def test_a_task_that_breaks_says_so_and_begins_again_after_a_pause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ends = iter([ValueError("nobody thought of this"), None])
    pauses: list[float] = []
    begun = itertools.count()

    async def work() -> None:
        next(begun)
        if end := next(ends):
            raise end

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    await asyncio.wait_for(guarded("prune", work, sleep), 5)
    assert ([BEGIN_AGAIN], 2) == (pauses, next(begun))
    assert "the task “prune” broke" in caplog.text
    assert "nobody thought of this" in caplog.text
