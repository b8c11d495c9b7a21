"""What follows a failed try: pure arithmetic, so its promises are properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.definitions import Fault, Poison, Retry, Work
from hookstation.core.retrying import Next, Step, after_fault, fault_of, is_over, order_key, pause_after
from hookstation.errors import ActionFailed, Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome

LUCK = st.floats(0, 1)
RETRIES = st.builds(
    Retry,
    attempts=st.integers(1, 100),
    first=st.floats(0, 86_400),
    factor=st.integers(1, 10).map(float),
    most=st.floats(1, 604_800),
    jitter=st.integers(0, 100).map(lambda percent: percent / 100),
    on=st.frozensets(st.sampled_from(list(Fault))),
)
WORKS = st.builds(
    Work,
    order=st.just("$$a$$"),
    poison=st.sampled_from(list(Poison)),
    skip_after=st.integers(1, 100),
    time=st.one_of(st.just(0.0), st.floats(1, 1e7)),
    retry=RETRIES,
)


def test_pauses_grow_by_the_factor_up_to_the_longest() -> None:
    retry = Retry(first=5, factor=3, most=3_600, jitter=0)
    assert [5, 15, 45, 135, 405, 1_215, 3_600, 3_600] == [pause_after(retry, n, 0.9) for n in range(1, 9)]


@given(RETRIES, st.integers(1, 10**9), LUCK)
def test_no_pause_leaves_its_bounds(retry: Retry, tries: int, luck: float) -> None:
    assert 0 <= pause_after(retry, tries, luck) <= retry.most * (1 + retry.jitter) * 1.000001


@given(RETRIES, st.integers(1, 1_000))
def test_luck_only_spreads_a_pause_by_its_jitter(retry: Retry, tries: int) -> None:
    low, middle, high = (pause_after(retry, tries, luck) for luck in (0, 0.5, 1))
    assert pytest.approx((middle * (1 - retry.jitter), middle * (1 + retry.jitter))) == (low, high)


@given(WORKS, st.sampled_from(list(Fault)), st.integers(1, 200), st.floats(0, 1e7), LUCK, st.booleans())
def test_only_what_may_be_tried_again_is(
    work: Work, fault: Fault, tries: int, age: float, luck: float, ordered: bool
) -> None:
    """Never beyond its tries, its time or its faults; and nobody is parked or passed who has no key."""
    step, seconds, late = after_fault(work, fault, tries, age, luck, ordered=ordered)
    again = step in (Step.AGAIN, Step.ASIDE)
    assert not again or (fault in work.retry.on and tries < work.retry.attempts)
    assert not again or not is_over(work, age + seconds)
    assert ordered or step in (Step.AGAIN, Step.GIVE_UP)
    assert step is not Step.PARK or work.poison is Poison.HOLD
    assert step is not Step.ASIDE or (work.poison is Poison.SKIP and tries >= work.skip_after)
    assert not late or (step is Step.GIVE_UP and work.time > 0)


@given(WORKS, st.floats(0, 1e7), LUCK, st.floats(0, 86_400))
def test_what_the_target_asked_us_to_wait_is_waited(
    work: Work, age: float, luck: float, least: float
) -> None:
    step, seconds, _ = after_fault(work, Fault.BUSY, 1, age, luck, ordered=False, least=least)
    assert step is Step.GIVE_UP or seconds >= least


WORK = Work(order="$$a$$", skip_after=2, retry=Retry(attempts=3, first=10, jitter=0))


@pytest.mark.parametrize(
    ("poison", "steps"),
    [
        (Poison.HOLD, [Step.AGAIN, Step.AGAIN, Step.PARK]),
        (Poison.SKIP, [Step.AGAIN, Step.ASIDE, Step.GIVE_UP]),
        (Poison.DROP, [Step.AGAIN, Step.AGAIN, Step.GIVE_UP]),
    ],
)
def test_the_poison_rule_says_what_becomes_of_the_head_of_a_key(poison: Poison, steps: list[Step]) -> None:
    work = Work(order=WORK.order, poison=poison, skip_after=2, retry=WORK.retry)
    told = [after_fault(work, Fault.OFFLINE, tries, 0, 0.5, ordered=True).step for tries in (1, 2, 3)]
    assert steps == told


def test_a_fault_that_is_not_listed_ends_the_tries_at_once() -> None:
    assert Next(Step.PARK) == after_fault(WORK, Fault.REFUSED, 1, 0, 0.5, ordered=True)
    assert Next(Step.GIVE_UP) == after_fault(WORK, Fault.REFUSED, 1, 0, 0.5, ordered=False)


def test_what_could_only_be_tried_after_its_time_is_given_up_now() -> None:
    work = Work(time=60, retry=WORK.retry)
    assert Next(Step.AGAIN, 10) == after_fault(work, Fault.BUSY, 1, 49.9, 0.5, ordered=False)
    assert Next(Step.GIVE_UP, late=True) == after_fault(work, Fault.BUSY, 1, 50, 0.5, ordered=False)


@pytest.mark.parametrize(
    ("failure", "fault"),
    [
        (Retriable(), Fault.OFFLINE),
        (Busy(seconds=3), Fault.BUSY),
        (NeedsAuth(), Fault.CREDENTIALS),
        (Terminal(), Fault.REFUSED),
        (UnknownOutcome(), Fault.UNKNOWN),
        (ActionFailed(), Fault.REFUSED),
    ],
)
def test_every_failure_has_its_fault(failure: ActionFailed, fault: Fault) -> None:
    assert fault is fault_of(failure)


@given(st.text(), st.text())
def test_other_values_have_other_keys_and_long_ones_are_no_longer_than_a_digest(one: str, other: str) -> None:
    assert (one == other) == (order_key("w", one) == order_key("w", other))
    assert len(order_key("w", one * 300)) <= 202


def test_no_value_is_no_key() -> None:
    assert "" == order_key("w", "")
