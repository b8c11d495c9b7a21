"""Clock changes of every zone from 2020 to 2030, against the minutes themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.schedules.clockwork import Change, Moment, Repeated, Skipped, in_order, moments_of
from hookstation.core.schedules.cron import Cron
from hookstation.core.schedules.definitions import Schedule, Starts
from hookstation.core.schedules.fires import fires

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
STEP, HOUR, MINUTE = timedelta(days=10), timedelta(hours=1), timedelta(minutes=1)


def offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    found = moment.astimezone(zone).utcoffset()
    assert found is not None
    return found


def transition(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The minute at which the offset changes between these."""
    while after - before > MINUTE:
        middle = before + ((after - before) / 2 // MINUTE) * MINUTE
        before, after = (middle, after) if offset(middle, zone) == offset(before, zone) else (before, middle)
    return after


@cache
def transitions() -> tuple[tuple[str, datetime], ...]:
    """One zone for each set of clock changes that any zone has, with each of its changes."""
    known: dict[tuple[tuple[datetime, timedelta], ...], str] = {}
    for name in sorted(available_timezones() - {"localtime", "Factory"}):
        zone = ZoneInfo(name)
        steps = [BEGIN + STEP * number for number in range((END - BEGIN) // STEP)]
        offsets = [offset(one, zone) for one in steps]
        changes = [
            transition(steps[number - 1], steps[number], zone)
            for number in range(1, len(steps))
            if offsets[number - 1] != offsets[number]
        ]
        known.setdefault(tuple((one, offset(one, zone)) for one in changes), name)
    return tuple((name, change[0]) for changes, name in known.items() for change in changes)


def minutes(zone: ZoneInfo, change: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Each minute around a clock change with its time on the wall."""
    for number in range(-240, 240):
        at = change + MINUTE * number
        yield at, at.astimezone(zone).replace(tzinfo=None)


def test_every_zone_has_its_changes() -> None:
    """The changes that the other tests go through are those of many zones, both ways."""
    ways = {
        offset(change, ZoneInfo(name)) > offset(change - MINUTE, ZoneInfo(name))
        for name, change in transitions()
    }
    assert ways == {True, False}
    assert len(transitions()) > 500


def test_times_that_come_twice_are_found_at_both_moments() -> None:
    """Around every change the moments of each time on the wall are the minutes that show it."""
    for name, change in transitions():
        zone = ZoneInfo(name)
        shown: dict[datetime, list[datetime]] = {}
        for at, wall in minutes(zone, change):
            shown.setdefault(wall, []).append(at)
        for wall in list(shown)[100:-100:7]:
            found = moments_of(wall, zone, Skipped.SKIP, Repeated.BOTH)
            assert shown[wall] == [one.at for one in found], (name, wall)
            assert shown[wall][:1] == [one.at for one in moments_of(wall, zone, Skipped.SKIP, Repeated.FIRST)]
            assert shown[wall][-1:] == [
                one.at for one in moments_of(wall, zone, Skipped.SKIP, Repeated.SECOND)
            ]


def test_times_that_never_come_are_at_the_end_of_the_gap() -> None:
    """Around every change forward each time that no clock shows is put at the change itself, or left out."""
    for name, change in transitions():
        zone = ZoneInfo(name)
        last, first = (one.astimezone(zone).replace(tzinfo=None) for one in (change - MINUTE, change))
        gap = last + MINUTE
        while gap < first:
            assert [Moment(change, gap, Change.SHIFTED)] == moments_of(
                gap, zone, Skipped.SHIFT, Repeated.FIRST
            )
            assert [] == moments_of(gap, zone, Skipped.SKIP, Repeated.FIRST)
            gap += timedelta(minutes=17)


@given(
    place=st.integers(0, 10_000),
    cron=st.sampled_from(("*/15 * * * *", "7 * * * *", "*/45 */2 * * *", "30 * * * *")),
)
def test_intervals_go_on_through_every_change(place: int, cron: str) -> None:
    """What comes by the hour comes at each minute whose time on the wall it names, whatever the clocks do."""
    name, change = transitions()[place % len(transitions())]
    zone, rule = ZoneInfo(name), Cron(cron)
    began = (change - 4 * HOUR).astimezone(zone).replace(tzinfo=None, second=0) - 2 * HOUR
    moments = in_order(
        rule.walls(began), zone, lambda wall: moments_of(wall, zone, Skipped.SKIP, Repeated.BOTH)
    )
    found = [one.at for one in takewhile(lambda one: one.at < change + 4 * HOUR, moments)]
    named = set(takewhile(lambda wall: wall < began + timedelta(hours=16), rule.walls(began)))
    expected = [at for at, wall in minutes(zone, change) if wall in named]
    assert expected == [at for at in found if at >= change - 4 * HOUR]


@given(
    place=st.integers(0, 10_000),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    repeated=st.sampled_from((Repeated.FIRST, Repeated.SECOND)),
)
def test_a_daily_time_comes_once_a_day(place: int, hour: int, minute: int, repeated: Repeated) -> None:
    """A time of the day comes once for each day on the wall, ascending, through every change."""
    name, change = transitions()[place % len(transitions())]
    zone, rule = ZoneInfo(name), Cron(f"{minute} {hour} * * *")
    began = change.astimezone(zone).replace(tzinfo=None) - timedelta(days=3)
    moments = in_order(rule.walls(began), zone, lambda wall: moments_of(wall, zone, Skipped.SHIFT, repeated))
    found = [one for one, _ in zip(moments, range(6), strict=False)]
    assert sorted(one.at for one in found) == [one.at for one in found]
    assert [found[0].wall + timedelta(days=number) for number in range(6)] == [one.wall for one in found]


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("0 9 FW * *", "2026-08-01", "2026-08-03T09:00"),
        ("0 9 FW * *", "2026-11-01", "2026-11-02T09:00"),
        ("0 9 FW * *", "2026-01-01", "2026-01-01T09:00"),
        ("0 6 LW * *", "2026-05-01", "2026-05-29T06:00"),
        ("0 6 L * *", "2026-02-01", "2026-02-28T06:00"),
    ],
)
def test_the_days_of_a_month_that_have_names(cron: str, after: str, expected: str) -> None:
    """The first and last weekday and the last day are those of the calendar."""
    assert datetime.fromisoformat(expected) == next(Cron(cron).walls(datetime.fromisoformat(after)))


def test_every_time_on_a_day_of_a_clock_change_is_marked() -> None:
    daily = Schedule("s", Cron("0 9 * * *"), Starts.WORKFLOW, "w", zone="Europe/Berlin")
    eve = int(datetime(2027, 3, 26, 12, tzinfo=UTC).timestamp()) * 1_000_000
    found = [(one.wall.day, one.change) for one in islice(fires(daily, eve), 3)]
    assert [(27, Change.NONE), (28, Change.DAY), (29, Change.NONE)] == found
