"""Time limits for many waiting calls under one timer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookstation.engine import patience
from hookstation.engine.patience import Patience
from hookstation.testing.clock import ManualClock


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer is the loop's own; it looks as often as it can."""
    monkeypatch.setattr(patience, "LOOK_EVERY", 0.0)


def waited() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


async def test_only_what_is_late_gets_a_time_out() -> None:
    clock = ManualClock()
    limits, late, early = Patience(clock), waited(), waited()
    limits.until(late, 5.0)
    limits.until(early, 6.0)
    await clock.advance(4.999)
    await clock.settle()
    assert (False, False) == (late.done(), early.done())
    await clock.advance(0.001)
    with pytest.raises(TimeoutError):
        await late
    limits.done(late)
    assert not early.done()
    limits.done(early)


async def test_what_ended_in_time_is_let_be() -> None:
    clock = ManualClock()
    limits, ended = Patience(clock), waited()
    limits.until(ended, 1.0)
    ended.set_result("there")
    await clock.advance(2)
    await clock.settle()
    limits.done(ended)
    assert "there" == await ended


async def test_the_timer_rests_while_nobody_waits_and_starts_again() -> None:
    clock = ManualClock()
    limits, first = Patience(clock), waited()
    limits.until(first, 1.0)
    limits.done(first)
    await clock.settle()
    assert limits._timer is None
    second = waited()
    limits.until(second, 1.0)
    await clock.advance(1)
    with pytest.raises(TimeoutError):
        await second
    limits.done(second)
