"""Retention in small steps, by what the rule says and no more."""

from __future__ import annotations

import asyncio

import pytest

from hookstation.core.events import State
from hookstation.engine.prune import DAY, ROUND_PAUSE, STEP, STEP_PAUSE, Pruner, RetentionRule
from hookstation.ports.store import Retention
from hookstation.testing.clock import ManualClock
from hookstation.testing.memory_store import MemoryStore
from hookstation.testing.store_cases.chaining import finish, held, runs, start
from hookstation.testing.store_cases.making import (
    NOW,
    event_id,
    fails,
    join,
    journal,
    rejects,
    sends,
    succeeds,
)
from tests.support.engine import engine, webhook


class Counting(MemoryStore):
    """Remembers how many events each step deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []

    async def prune(self, retention: Retention, limit: int) -> int:
        self.steps.append(await super().prune(retention, limit))
        return self.steps[-1]


def test_a_rule_is_moments_seen_from_now() -> None:
    expected = Retention(100 * DAY - 7 * DAY, 100 * DAY - 3 * DAY, 5, 9, 100 * DAY)
    assert expected == RetentionRule(7, 3, 5, 9).at(100 * DAY)


def test_zero_days_keep_for_ever() -> None:
    assert Retention(0, 0, 0, 0, 100 * DAY) == RetentionRule(0, 0, 0, 0).at(100 * DAY)


async def test_what_is_older_than_its_rule_goes_and_what_is_open_stays() -> None:
    store, clock = MemoryStore(), ManualClock(NOW)
    for number, settle in enumerate((succeeds, fails, rejects, sends)):
        await journal(store, number, settle)
    pruner = Pruner(store, clock, RetentionRule(days=30, rejected_days=7))
    assert 0 == await pruner.prune()
    await clock.advance(7 * 86_400 + 3)
    assert 1 == await pruner.prune()
    await clock.advance(30 * 86_400)
    assert 2 == await pruner.prune()
    left = await store.get_event(event_id(3))
    assert left is not None
    assert State.SENDING is left.state


async def test_much_goes_in_steps_with_a_pause_between() -> None:
    store, clock = Counting(), ManualClock(NOW)
    for number in range(2 * STEP + 1):
        await journal(store, number)
    await clock.advance(400 * 86_400)
    pruning = asyncio.ensure_future(Pruner(store, clock, RetentionRule()).prune())
    await clock.settle()
    assert [STEP] == store.steps
    await clock.advance(STEP_PAUSE)
    await clock.advance(STEP_PAUSE)
    assert 2 * STEP + 1 == await pruning
    assert [STEP, STEP, 1] == store.steps
    assert [STEP_PAUSE] * 2 == clock.pauses


async def test_runs_stay_as_long_as_events_and_open_ones_for_ever() -> None:
    store, clock = MemoryStore(), ManualClock(NOW)
    await join(store, "n1")
    leased = await held(store, *(start(number) for number in range(STEP + 2)))
    for one in leased[1:]:
        await finish(store, one)
    pruner = Pruner(store, clock, RetentionRule(days=30))
    await clock.advance(29 * 86_400)
    assert 0 == await pruner.prune_runs()
    await clock.advance(2 * 86_400)
    pruning = asyncio.ensure_future(pruner.prune_runs())
    await clock.advance(STEP_PAUSE)
    assert STEP + 1 == await pruning
    assert [0] == await runs(store)
    assert [STEP_PAUSE] == clock.pauses
    assert 0 == await Pruner(store, clock, RetentionRule(days=0)).prune_runs()


async def test_a_database_that_cannot_commit_is_tried_again_at_the_next_round(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, clock = MemoryStore(), ManualClock(NOW)
    await journal(store, 0)
    running = asyncio.ensure_future(Pruner(store, clock, RetentionRule(days=1)).run())
    await clock.settle()
    store.unavailable = "full"
    await clock.advance(2 * 86_400)
    assert "pruning stopped: full" in caplog.text
    store.unavailable = ""
    await clock.advance(ROUND_PAUSE)
    assert await store.get_event(event_id(0)) is None
    running.cancel()


async def test_a_repeat_within_its_window_is_known_after_everything_that_may_go_has_gone() -> None:
    keyed = {"key": "header:webhook-id", "window": "7d"}
    async with engine(webhook(duplicates=keyed)) as bench:
        pruner = Pruner(bench.store, bench.clock, RetentionRule(days=1, most_bytes=1))
        await bench.post("courses", {"id": "7"}, webhook_id="k")
        await bench.clock.advance(3 * 86_400)
        assert [1, 0] == [await pruner.prune() for _ in range(2)]

        repeat = await bench.post("courses", {"id": "7"}, webhook_id="k")

        assert (200, True) == (repeat.status, ("Hookstation-Replayed", "true") in repeat.headers)
        assert 1 == len(await bench.records())
        await bench.clock.advance(5 * 86_400)
        assert 1 == await pruner.prune()
        assert [] == await bench.events()
