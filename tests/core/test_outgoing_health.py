"""How a destination stands by itself: slowed, at rest, probed, gone, given up, and who brings it back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.outgoing.definitions import Breaker, Destination, RetryPlan
from hookstation.core.outgoing.health import (
    ENDED,
    Ended,
    Passage,
    enabled,
    passage,
    remembered,
    rest_after,
    seen,
    settled,
    told,
)
from hookstation.core.outgoing.retrying import SECOND
from hookstation.core.outgoing.values import DestinationState, Health, Trouble

START: Final = 1_795_339_800 * SECOND
CRM: Final = Destination("crm", "https://crm.example.org/hooks", breaker=Breaker(calls=4))
GOOD: Final = DestinationState("crm")
DAY: Final = 86_400


def end(at: float, trouble: Trouble = Trouble.SERVER, wish: float = 0, took: float = 0.5) -> Ended:
    """An attempt that ended `at` seconds after the beginning of these tests."""
    moment = START + int(at * SECOND)
    return Ended(moment - int(took * SECOND), moment, trouble, wish)


def run(state: DestinationState, *attempts: Ended, destination: Destination = CRM) -> DestinationState:
    """The state after these attempts, all of them remembered."""
    recent: tuple[Ended, ...] = ()
    for one in attempts:
        state = settled(state, destination, recent, one)
        recent = remembered(recent, one, destination.breaker)
    return state


def clock(seconds: float) -> int:
    return START + int(seconds * SECOND)


OPEN: Final = run(GOOD, end(1), end(2), end(3), end(4))
"""Opened at second 4, for 30 seconds."""


def test_a_destination_that_works_costs_no_change_of_state() -> None:
    assert GOOD is run(GOOD, end(1, Trouble.NONE), end(2, Trouble.NONE))


def test_a_body_that_could_not_be_made_is_not_held_against_the_destination() -> None:
    assert GOOD is run(GOOD, *(end(one, Trouble.MAPPING) for one in range(20)))


def test_the_first_failure_is_remembered_until_an_attempt_goes_well() -> None:
    failing = run(GOOD, end(1), end(2))
    assert (clock(1), Health.GOOD, 1) == (failing.failing_since, failing.health, failing.revision)
    assert 0 == run(failing, end(3, Trouble.NONE)).failing_since


def test_the_breaker_opens_when_the_share_of_failures_is_reached() -> None:
    state = run(GOOD, end(1), end(2, Trouble.NONE), end(3, Trouble.NONE), end(4))
    assert (Health.OPEN, clock(34), 1) == (state.health, state.until, state.opened)


def test_fewer_attempts_than_the_breaker_looks_at_open_nothing() -> None:
    assert Health.GOOD is run(GOOD, end(1), end(2), end(3)).health


def test_failures_that_are_older_than_the_window_do_not_count() -> None:
    assert Health.GOOD is run(GOOD, end(1), end(2), end(3), end(70)).health


def test_a_destination_at_rest_gets_nothing_and_then_one_probe() -> None:
    assert [Passage.CLOSED, Passage.PROBE] == [passage(OPEN, clock(33)), passage(OPEN, clock(34))]


def test_a_probe_that_goes_well_ends_the_rest_and_the_failures_before_are_forgotten() -> None:
    good = run(OPEN, end(35, Trouble.NONE))
    assert (Health.GOOD, 0, 0, 0) == (good.health, good.until, good.opened, good.failing_since)
    before = (end(1), end(2), end(3))
    assert Health.GOOD is settled(good, CRM, before, end(36)).health


def test_a_probe_that_fails_makes_the_rest_twice_as_long() -> None:
    state = run(OPEN, end(35))
    assert (Health.OPEN, 2, clock(35 + 60)) == (state.health, state.opened, state.until)


def test_what_had_left_before_the_rest_says_nothing_about_its_end() -> None:
    still = run(OPEN, end(5, Trouble.NONE, took=4), end(6, took=5), end(40, Trouble.NONE, took=38))
    assert (Health.OPEN, OPEN.until, 1) == (still.health, still.until, still.opened)


def test_a_rest_lasts_at_least_as_long_as_the_receiver_asks_for() -> None:
    assert clock(35 + 7_200) == run(OPEN, end(35, Trouble.BUSY, wish=7_200)).until


def test_a_busy_destination_is_slowed_for_as_long_as_it_asks_and_a_day_at_most() -> None:
    states = [run(GOOD, end(1, Trouble.BUSY, wish)) for wish in (3, 10, 300, 10 * DAY)]
    assert [Health.SLOWED] * 4 == [one.health for one in states]
    assert [clock(4), clock(11), clock(301), clock(1 + DAY)] == [one.until for one in states]


@pytest.mark.parametrize(("pauses", "seconds"), [((5, 30), 5), ((0.5,), 0.5), ((60, 60), 30), ((), 30)])
def test_one_that_names_no_time_is_slowed_until_its_delivery_is_due_or_for_its_pause(
    pauses: tuple[float, ...], seconds: float
) -> None:
    destination = replace(CRM, retry=RetryPlan(pauses))
    assert clock(1 + seconds) == run(GOOD, end(1, Trouble.BUSY), destination=destination).until


def test_a_slowed_destination_gets_nothing_until_its_time_and_then_everything() -> None:
    slowed = run(GOOD, end(1, Trouble.BUSY))
    assert [Passage.CLOSED, Passage.FREE] == [passage(slowed, clock(5)), passage(slowed, clock(6))]


def test_a_slowed_destination_whose_time_is_over_is_seen_as_good_and_one_at_rest_is_not() -> None:
    slowed = run(GOOD, end(1, Trouble.BUSY))
    assert [Health.SLOWED, Health.GOOD] == [seen(slowed, clock(at)).health for at in (5, 6)]
    assert OPEN is seen(OPEN, clock(10**6))


def test_what_had_left_before_does_not_shorten_the_slowing() -> None:
    slowed = run(GOOD, end(1, Trouble.BUSY, 300))
    assert slowed.until == run(slowed, end(2, Trouble.NONE), end(3, Trouble.BUSY)).until
    assert Health.GOOD is run(slowed, end(302, Trouble.NONE)).health


def test_a_slowed_destination_that_goes_on_failing_is_given_a_rest() -> None:
    assert Health.OPEN is run(GOOD, *(end(one, Trouble.BUSY) for one in range(4))).health


@pytest.mark.parametrize("before", [GOOD, OPEN, run(GOOD, end(1, Trouble.BUSY))])
def test_410_ends_a_destination_however_it_stood(before: DestinationState) -> None:
    gone = run(before, end(5, Trouble.GONE))
    assert (Health.GONE, Passage.CLOSED) == (gone.health, passage(gone, clock(10**7)))


def test_nothing_but_failures_for_days_and_the_station_gives_up() -> None:
    hours = [end(hour * 3_600) for hour in range(5 * 24 + 1)]
    assert Health.GOOD is run(GOOD, *hours[:-1]).health
    given_up = run(GOOD, *hours)
    assert (Health.GIVEN_UP, Passage.CLOSED) == (given_up.health, passage(given_up, clock(10**7)))
    assert "Nothing but failures for 5 days; the last one: failed there (5xx)." == given_up.why


@pytest.mark.parametrize(
    ("seconds", "span"), [(60, "60 seconds"), (5_400, "90 minutes"), (176_400, "2 days")]
)
def test_a_time_of_nothing_but_failures_is_told_in_its_own_unit(seconds: float, span: str) -> None:
    given_up = run(GOOD, end(0), end(seconds), destination=replace(CRM, disable_after=seconds))
    assert f"Nothing but failures for {span}; the last one: failed there (5xx)." == given_up.why


def test_one_success_begins_the_days_anew() -> None:
    hours = [end(hour * 3_600) for hour in range(5 * 24 + 1)]
    hours[60] = end(60 * 3_600, Trouble.NONE)
    assert Health.GOOD is run(GOOD, *hours).health


def test_a_person_brings_a_destination_back_and_all_is_forgotten() -> None:
    gone = run(GOOD, end(5, Trouble.GONE))
    assert DestinationState("crm", changed_at=clock(9), revision=gone.revision + 1) == enabled(gone, clock(9))


@pytest.mark.parametrize(
    ("event", "before", "after"),
    [
        ("destination.opened", Health.GOOD, Health.OPEN),
        ("destination.opened", Health.SLOWED, Health.OPEN),
        ("destination.closed", Health.OPEN, Health.GOOD),
        ("destination.disabled", Health.OPEN, Health.GIVEN_UP),
        ("destination.disabled", Health.GOOD, Health.GONE),
        ("", Health.OPEN, Health.OPEN),
        ("", Health.GOOD, Health.SLOWED),
        ("", Health.SLOWED, Health.GOOD),
        ("", Health.GONE, Health.GOOD),
    ],
)
def test_others_are_told_of_changes_only(event: str, before: Health, after: Health) -> None:
    assert event == told(DestinationState("crm", before), DestinationState("crm", after))


def test_no_more_attempts_are_remembered_than_a_breaker_looks_at() -> None:
    recent: tuple[Ended, ...] = ()
    for at in range(100):
        recent = remembered(recent, end(at), CRM.breaker)
    assert [clock(at) for at in (96, 97, 98, 99)] == [one.ended_at for one in recent]


ATTEMPTS: Final = st.lists(
    st.tuples(
        st.floats(0.1, 4_000),
        st.sampled_from(Trouble),
        st.sampled_from([0.0, 5.0, 4_000.0, 10.0 * DAY]),
        st.floats(0.0, 30.0),
    ),
    max_size=40,
)


def history(steps: list[tuple[float, Trouble, float, float]]) -> list[tuple[DestinationState, Ended]]:
    """Each state with the attempt that led to it."""
    state, at, found = GOOD, 0.0, []
    recent: tuple[Ended, ...] = ()
    for pause, trouble, wish, took in steps:
        at += pause
        one = end(at, trouble, wish, took)
        state = settled(state, CRM, recent, one)
        recent = remembered(recent, one, CRM.breaker)
        found.append((state, one))
    return found


@given(ATTEMPTS)
def test_no_attempt_brings_back_what_only_a_person_may(
    steps: list[tuple[float, Trouble, float, float]],
) -> None:
    states = [state for state, _ in history(steps)]
    ended = [state for state in states if state.health in ENDED]
    assert ended == states[len(states) - len(ended) :]
    assert len(set(ended)) <= 1


@given(ATTEMPTS)
def test_each_change_has_the_next_revision_and_nothing_else_has_one(
    steps: list[tuple[float, Trouble, float, float]],
) -> None:
    states = [GOOD, *(state for state, _ in history(steps))]
    for before, now in pairwise(states):
        assert (before is now) or now.revision == before.revision + 1
        same = msgspec.structs.replace(now, revision=before.revision)
        assert (before is now) or same != before


@given(ATTEMPTS)
def test_while_a_breaker_is_open_its_end_never_comes_nearer(
    steps: list[tuple[float, Trouble, float, float]],
) -> None:
    states = [GOOD, *(state for state, _ in history(steps))]
    open_on = [
        (before, now) for before, now in pairwise(states) if before.health is now.health is Health.OPEN
    ]
    assert all(before.until <= now.until and before.opened <= now.opened for before, now in open_on)


@given(ATTEMPTS)
def test_a_destination_that_failed_last_knows_since_when_and_one_that_did_not_is_clean(
    steps: list[tuple[float, Trouble, float, float]],
) -> None:
    for state, one in history([step for step in steps if step[1] is not Trouble.MAPPING]):
        assert state.health in ENDED or (state.failing_since > 0) == one.failed
        assert state.failing_since <= one.ended_at


@given(st.integers(0, 100), st.integers(1, 3_600))
def test_a_rest_doubles_up_to_an_hour(opened: int, pause: int) -> None:
    breaker = Breaker(pause=pause)
    shorter, longer = rest_after(opened, breaker), rest_after(opened + 1, breaker)
    assert pause <= shorter <= longer <= 3_600
    assert longer in (2 * shorter, 3_600)
