"""Cron expressions that mean nothing are told what is wrong with them, and schedules that are over why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.schedules.cron import Cron
from hookstation.core.schedules.definitions import Days, Every, Once, Schedule, Starts, Timing
from hookstation.core.schedules.fires import fires, next_fire, why_never
from hookstation.errors import Invalid

NOW = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1_000_000)
NIGHTLY = Schedule("nightly", Cron("0 3 * * *"), Starts.WORKFLOW, "w")
AT = Once(datetime(2026, 11, 23, 9))  # noqa: DTZ001 - a time on the wall


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("0 0 30 2 *", "never comes: no such month has such a day."),
        ("0 0 31 4,6 *", "never comes: no such month has such a day."),
        ("0 0 32 2 *", "the field for the day of month"),
        ("61 0 * * *", "the field for the minute"),
        ("0 0 * *", "must be five fields"),
        ("0 0 FW * 1", "the day of the week must be *"),
    ],
)
def test_what_is_wrong_with_an_expression_is_told(source: str, told: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Cron(source)
    assert told in str(refusal.value)


@pytest.mark.parametrize("timing", [NIGHTLY.timing, AT, Every(900)])
def test_of_a_schedule_with_a_time_to_come_nothing_is_told(timing: Timing) -> None:
    assert why_never(replace(NIGHTLY, timing=timing), NOW) is None


@pytest.mark.parametrize(
    ("schedule", "place"),
    [
        (replace(NIGHTLY, timing=Once(datetime(2026, 11, 22, 9))), ("at",)),  # noqa: DTZ001 - a time on the wall
        (replace(NIGHTLY, timing=AT, exceptions=(Days(date(2026, 11, 23), date(2026, 11, 23)),)), ("at",)),
        (replace(NIGHTLY, ends=date(2026, 11, 22)), ("ends",)),
        (replace(NIGHTLY, exceptions=(Days(date(2026, 1, 1), date.max),)), ()),
    ],
)
def test_why_a_schedule_does_not_fire_is_told_at_the_setting_that_says_so(
    schedule: Schedule, place: tuple[str, ...]
) -> None:
    told = why_never(schedule, NOW)
    assert told is not None
    assert (place, "warning") == (told.path, told.severity)


@pytest.mark.parametrize("timing", [Every(1), Cron("* * * * *")])
def test_holidays_end_however_many_times_lie_in_them(timing: Timing) -> None:
    """A year of seconds is passed over day by day, not one by one."""
    away = replace(NIGHTLY, timing=timing, exceptions=(Days(date(2026, 11, 22), date(2027, 11, 22)),))
    begun = int(datetime(2027, 11, 23, tzinfo=UTC).timestamp() * 1_000_000)
    assert begun == next_fire(away, NOW).at  # type: ignore[union-attr]


@given(
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo"]),
    begin=st.datetimes(datetime(2011, 12, 25), datetime(2019, 12, 31)),  # noqa: DTZ001 - as above
    spans=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), max_size=4),
    timing=st.sampled_from([Cron("0 0 * * *"), Cron("30 23 * * *"), Cron("15 */3 * * *"), Every(5 * 3_600)]),
)
def test_days_are_left_out_and_nothing_else(
    zone: str, begin: datetime, spans: list[tuple[int, int]], timing: Timing
) -> None:
    """What fires with exceptions is what fires without, less those days: also where clocks are changed beside them."""
    days = tuple(
        Days(first, first + timedelta(days=length))
        for offset, length in spans
        for first in [begin.date() + timedelta(days=offset)]
    )
    plain = replace(NIGHTLY, timing=timing, zone=zone)
    after = int(begin.replace(tzinfo=UTC).timestamp() * 1_000_000)
    until = after + 40 * 86_400 * 1_000_000
    expected = [
        fire
        for fire in takewhile(lambda one: one.at < until, fires(plain, after))
        if not any(one.first <= fire.wall.date() <= one.last for one in days)
    ]
    left = replace(plain, exceptions=days)
    assert expected == list(takewhile(lambda one: one.at < until, fires(left, after)))
