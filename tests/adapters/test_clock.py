"""The system's clock, and identifiers that nobody can guess."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from hookstation.adapters.clock import FAR_OFF, POOL, SystemClock, SystemIdentifiers
from hookstation.core.journal_rules import ID_SLACK, lowest_id
from hookstation.testing.clock import ManualClock, ManualIdentifiers

FORM = re.compile("[0-9A-HJKMNP-TV-Z]{26}")


def test_the_clock_is_the_systems_in_microseconds() -> None:
    before, now, after = time.time_ns() // 1000, SystemClock().now(), time.time_ns() // 1000
    assert before <= now <= after


async def test_sleeping_takes_time_on_the_same_clock() -> None:
    clock = SystemClock()
    began = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - began >= 0.009


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_far_off_is_put_right_for_itself_and_for_event_ids(hours: int) -> None:
    clock = SystemClock()
    identifiers, right = SystemIdentifiers(clock), clock.now() + hours * 3_600_000_000
    clock.correct(right)
    assert right <= clock.now() < right + ID_SLACK
    assert lowest_id(right) <= identifiers.event_id() < lowest_id(right + ID_SLACK)


def test_a_clock_that_is_about_right_is_left_alone() -> None:
    """A heartbeat is no more exact than its round trip: the time must not jump to and fro with it."""
    clock = SystemClock()
    clock.correct(clock.now() + FAR_OFF // 2)
    before, now, after = time.time_ns() // 1000, clock.now(), time.time_ns() // 1000
    assert before <= now <= after


def test_event_ids_are_new_sort_by_time_and_tell_it() -> None:
    clock = SystemClock()
    identifiers = SystemIdentifiers(clock)
    before = clock.now()
    made = [identifiers.event_id() for _ in range(3_000)]
    assert len(made) == len({*made})
    assert all(map(FORM.fullmatch, made))
    assert [one[:10] for one in made] == sorted(one[:10] for one in made)
    assert lowest_id(before - ID_SLACK) < made[0]
    assert made[-1] < lowest_id(clock.now() + ID_SLACK)


def test_random_parts_are_never_given_out_twice() -> None:
    """The pool is emptied and filled several times over."""
    identifiers = SystemIdentifiers(SystemClock())
    tails = [identifiers.event_id()[10:] for _ in range(3 * POOL // 16 + 1)]
    assert len(tails) == len({*tails})
    assert {16} == {len(tail) for tail in tails}


def test_run_ids_have_80_random_bits_of_their_own_and_are_no_event_ids() -> None:
    identifiers = SystemIdentifiers(SystemClock())
    made = [one for _ in range(100) for one in (identifiers.run_id(), identifiers.event_id())]
    assert 200 == len({one[10:] for one in made})
    assert all(map(FORM.fullmatch, made))


def test_tokens_fit_a_url_and_have_192_bits() -> None:
    identifiers = SystemIdentifiers(SystemClock())
    made = [identifiers.token() for _ in range(200)]
    assert 200 == len({*made})
    assert all(re.fullmatch("[A-Za-z0-9_-]{32}", token) for token in made)


async def test_the_twin_wakes_each_sleeper_at_its_own_moment() -> None:
    clock, woken = ManualClock(), list[tuple[str, float]]()

    async def sleeper(name: str, *pauses: float) -> None:
        for pause in pauses:
            await clock.sleep(pause)
            woken.append((name, clock.monotonic()))

    tasks = [asyncio.ensure_future(sleeper("long", 5)), asyncio.ensure_future(sleeper("short", 2, 2))]
    await clock.advance(4.5)
    assert [("short", 2.0), ("short", 4.0)] == woken
    await clock.advance(0.5)
    assert ("long", 5.0) == woken[-1]
    assert [5, 2, 2] == clock.pauses
    await asyncio.gather(*tasks)


async def test_the_twins_event_ids_tell_its_time() -> None:
    clock = ManualClock()
    identifiers = ManualIdentifiers(clock)
    first = identifiers.event_id()
    await clock.advance(1)
    assert first < lowest_id(clock.now()) < identifiers.event_id()


@pytest.mark.parametrize("name", ["event_id", "run_id"])
def test_the_twins_identifiers_have_the_length_of_real_ones(name: str) -> None:
    made = getattr(ManualIdentifiers(ManualClock()), name)
    assert (26, False) == (len(first := made()), first == made())
