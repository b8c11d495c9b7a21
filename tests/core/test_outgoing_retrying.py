"""What follows from an attempt: what an answer says, when the next try is, and when there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.outgoing.definitions import RetryPlan
from hookstation.core.outgoing.retrying import (
    LONGEST_WISH,
    SECOND,
    Again,
    Dead,
    Delivered,
    after,
    judge,
    retry_after,
)
from hookstation.core.outgoing.values import Trouble

NOW: Final = 1_795_339_800 * SECOND
USUAL: Final = RetryPlan()
PLANS: Final = st.builds(
    RetryPlan,
    st.lists(st.integers(1, 100_000), max_size=12).map(tuple),
    st.integers(0, 100).map(lambda percent: percent / 100),
)
FAILURES: Final = st.sampled_from([one for one in Trouble if one not in (Trouble.NONE, Trouble.GONE)])
CHANCES: Final = st.floats(0, 1)


@pytest.mark.parametrize(
    ("trouble", "statuses"),
    [
        (Trouble.NONE, [200, 201, 202, 204, 299]),
        (Trouble.REDIRECT, [300, 301, 302, 304, 307, 308, 399]),
        (Trouble.GONE, [410]),
        (Trouble.BUSY, [429, 502, 503, 504]),
        (Trouble.REFUSED, [400, 401, 403, 404, 409, 411, 422, 499]),
        (Trouble.SERVER, [500, 501, 505, 599]),
        (Trouble.PROTOCOL, [0, 100, 101, 199, 600, 999]),
    ],
)
def test_every_status_says_one_thing_about_its_delivery(trouble: Trouble, statuses: list[int]) -> None:
    assert [trouble] * len(statuses) == [judge(status) for status in statuses]


@given(st.integers(-1_000, 10_000))
def test_only_2xx_delivers(status: int) -> None:
    assert (200 <= status <= 299) == (judge(status) is Trouble.NONE)


def test_the_usual_plan_is_eleven_attempts_in_about_three_days() -> None:
    pauses = [after(USUAL, tries, Trouble.SERVER) for tries in range(1, 12)]
    assert [Again(s) for s in (5, 30, 120, 600, 3_600, 10_800, 28_800, 43_200, 86_400, 86_400)] == pauses[:10]
    assert Dead() == pauses[10]


def test_a_delivery_that_arrived_is_done_whatever_the_plan() -> None:
    assert Delivered() == after(RetryPlan(()), 1, Trouble.NONE)


def test_a_receiver_that_is_gone_ends_its_delivery_at_once() -> None:
    assert Dead() == after(USUAL, 1, Trouble.GONE, wish=10)


def test_a_plan_without_pauses_is_one_attempt() -> None:
    assert Dead() == after(RetryPlan(()), 1, Trouble.TIMEOUT)


@given(PLANS, FAILURES, st.integers(1, 14), CHANCES, st.floats(0, 10**7))
def test_a_pause_keeps_the_jitter_and_is_never_shorter_than_the_wish(
    plan: RetryPlan, trouble: Trouble, tries: int, chance: float, wish: float
) -> None:
    left = plan.pauses[tries - 1 : tries]
    least = [max(pause * (1 - plan.jitter), min(wish, LONGEST_WISH)) for pause in left]
    most = [max(pause * (1 + plan.jitter), min(wish, LONGEST_WISH)) for pause in left]
    verdict = after(plan, tries, trouble, wish, chance)
    pauses = [verdict.seconds] if isinstance(verdict, Again) else []
    assert all(
        low - 1e-6 <= pause <= high + 1e-6 for low, pause, high in zip(least, pauses, most, strict=True)
    )
    assert (not left) == (verdict == Dead())


@given(PLANS.filter(lambda plan: bool(plan.pauses)), CHANCES, CHANCES)
def test_a_greater_chance_never_means_an_earlier_attempt(plan: RetryPlan, one: float, other: float) -> None:
    first, second = (
        after(plan, 1, Trouble.SERVER, chance=chance) for chance in (min(one, other), max(one, other))
    )
    assert isinstance(first, Again)
    assert isinstance(second, Again)
    assert first.seconds <= second.seconds


def test_without_jitter_the_plan_is_kept_to_the_second() -> None:
    assert Again(7) == after(RetryPlan((7,), 0), 1, Trouble.CONNECT, chance=0.9)


@pytest.mark.parametrize(
    ("seconds", "value"),
    [
        (120, "120"),
        (0, "0"),
        (120, " 120 "),
        (600, "Sun, 22 Nov 2026 04:40:00 GMT"),
        (600, "Sunday, 22-Nov-26 04:40:00 GMT"),
        (600, "Sun Nov 22 04:40:00 2026"),
        (0, "Sun, 22 Nov 2026 04:20:00 GMT"),
        (0, "-5"),
        (0, "1.5"),
        (0, "soon"),
        (0, ""),
        (0, "９"),
        (0, "Sun, 32 Foo 2026 99:99:99 GMT"),
        (0, "1" * 5_000),
        (0, "Sun, 22 Nov 2026 04:40:00 GMT" + " " * 5_000 + "x"),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_anything_else_is_no_wish(seconds: float, value: str) -> None:
    now = int(datetime(2026, 11, 22, 4, 30, tzinfo=UTC).timestamp()) * SECOND
    assert seconds == retry_after([("Retry-After", value)], now)


def test_of_several_wishes_the_longest_counts_whatever_the_case_of_the_name() -> None:
    assert 30 == retry_after([("retry-after", "10"), ("RETRY-AFTER", "30"), ("Age", "90")], NOW)


def test_no_header_is_no_wish() -> None:
    assert 0 == retry_after([], NOW)


@given(st.text(max_size=80))
def test_no_header_value_is_too_strange_to_be_read(value: str) -> None:
    assert 0 <= retry_after([("Retry-After", value)], NOW)


@given(st.integers(0, 4_000_000_000))
def test_a_date_is_as_far_away_as_it_is(moment: int) -> None:
    date = format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)
    assert max(0, moment - NOW // SECOND) == retry_after([("Retry-After", date)], NOW)


def test_a_wish_of_weeks_is_heard_for_a_day() -> None:
    assert Again(86_400) == after(USUAL, 1, Trouble.BUSY, wish=30 * 86_400)
