"""When a schedule fires: the moments of its rule within its dates, without its exceptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hookstation.core.schedules.clockwork import (
    Change,
    Moment,
    Repeated,
    Skipped,
    clocks_change_on,
    in_order,
    moments_of,
)
from hookstation.core.schedules.cron import Cron
from hookstation.core.schedules.definitions import Every, Missed, Once, Schedule
from hookstation.errors import Problem

MOST_PASSED_OVER: Final = 100_000
"""Times in a row that exceptions may take away before it is said that none comes."""

MOST_MISSED: Final = 1_000
"""Missed times that are made up for at once."""

SET_ANOTHER: Final = "Set another time, or delete the schedule."

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_AROUND: Final = timedelta(hours=26)
"""No clock is put further forward or back."""


class Fire(NamedTuple):
    """One time at which a schedule fires. `at`: microseconds since the epoch, without its jitter.

    `wall`: the time on the wall that was meant (naive), which a clock change may have moved (`change`).
    """

    at: int
    wall: datetime
    change: Change = Change.NONE


def fires(schedule: Schedule, after: int) -> Iterator[Fire]:
    """The times after a moment (microseconds since the epoch), in order; they end where none comes any more.

    The schedule's state does not count.
    """
    passed, zone = 0, ZoneInfo(schedule.zone)
    begin = _EPOCH + after * _MICRO
    moments = _moments(schedule, begin)
    while (moment := next(moments, None)) is not None:
        if schedule.ends is not None and moment.wall.date() > schedule.ends:
            return
        at = (moment.at - _EPOCH) // _MICRO
        last = _left_out_until(schedule, moment.wall)
        if at <= after or last is not None:
            passed += 1
            if passed > MOST_PASSED_OVER or last == date.max:
                return
            behind = begin if last is None else _shortly_before(last + _DAY, zone)
            if behind > max(begin, moment.at):
                moments, begin, passed = _moments(schedule, behind), behind, 0
            continue
        passed = 0
        change = moment.change
        if change is Change.NONE and clocks_change_on(moment.wall.date(), zone):
            change = Change.DAY
        yield Fire(at, moment.wall, change)


def next_fire(schedule: Schedule, after: int) -> Fire | None:
    """The first time after a moment."""
    return next(fires(schedule, after), None)


def why_never(schedule: Schedule, now: int) -> Problem | None:
    """A warning where no time of a schedule comes after `now`, at the setting that has to be changed."""
    if next_fire(schedule, now) is not None:
        return None
    timing = schedule.timing
    if isinstance(timing, Once):
        said = f"{timing.wall.isoformat(' ', 'minutes')} ({schedule.zone}) is over or left out"
        return Problem(("at",), f"{said}: the schedule will not fire. {SET_ANOTHER}", "warning")
    place = ("ends",) if schedule.ends is not None else ()
    return Problem(
        place, f"No time of it comes any more, so the schedule will not fire. {SET_ANOTHER}", "warning"
    )


def made_up_for(schedule: Schedule, due: int, now: int) -> tuple[Sequence[Fire], int]:
    """Which times are fired at `now`, of those from `due` on, and how many are left out.

    The one that is due is fired unless it is longer ago than a minute; then, and with all times since, the rule for
    missed ones decides.
    """
    times = list(islice(fires(schedule, due - 1), MOST_MISSED + 1))
    passed = [one for one in times if one.at <= now]
    if len(passed) == 1 and now - passed[0].at <= PUNCTUAL:
        return passed, 0
    oldest = now - schedule.missed_window * 1_000_000
    recent = [one for one in passed if one.at >= oldest]
    punctual = [one for one in recent if now - one.at <= PUNCTUAL][-1:]
    chosen = {Missed.SKIP: punctual, Missed.ONCE: recent[-1:], Missed.ALL: recent[:MOST_MISSED]}[
        schedule.missed
    ]
    return chosen, len(passed) - len(chosen)


PUNCTUAL: Final = 60_000_000
"""Microseconds by which a time may be late without having been missed."""


def jitter_of(schedule: Schedule, fire: Fire) -> int:
    """Microseconds by which this time is put off: from 0 to the schedule's jitter, the same whoever asks."""
    if not schedule.jitter:
        return 0
    digest = blake2b(f"{schedule.name}/{fire.at}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % (schedule.jitter * 1_000_000 + 1)


def _moments(schedule: Schedule, after: datetime) -> Iterator[Moment]:
    zone, timing = ZoneInfo(schedule.zone), schedule.timing
    if isinstance(timing, Every):
        return _intervals(schedule, timing.seconds, after, zone)
    skipped, repeated = schedule.skipped, schedule.repeated
    if isinstance(timing, Once):
        return iter(moments_of(timing.wall, zone, skipped, repeated))
    if timing.by_the_hour:
        skipped, repeated = Skipped.SKIP, Repeated.BOTH
    return in_order(
        _walls(schedule, timing, after, zone), zone, lambda wall: moments_of(wall, zone, skipped, repeated)
    )


def _walls(schedule: Schedule, cron: Cron, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Times on the wall from a while before `after`: one that a clock change put off may lie behind it."""
    began = after.astimezone(zone).replace(tzinfo=None, fold=0)
    if _changes_near(after, zone):
        began -= _AROUND
    if schedule.starts is not None:
        began = max(began, datetime.combine(schedule.starts, datetime.min.time()) - timedelta(seconds=1))
    return cron.walls(began)


def _changes_near(moment: datetime, zone: ZoneInfo) -> bool:
    offsets = {(moment + away).astimezone(zone).utcoffset() for away in (-_AROUND, timedelta(), _AROUND)}
    return len(offsets) > 1


def _intervals(schedule: Schedule, seconds: int, after: datetime, zone: ZoneInfo) -> Iterator[Moment]:
    begin = _EPOCH
    if schedule.starts is not None:
        begin = datetime.combine(schedule.starts, datetime.min.time(), zone).astimezone(UTC)
    step = timedelta(seconds=seconds)
    number = max((after - begin) // step, 0)
    while True:
        at = begin + step * number
        yield Moment(at, at.astimezone(zone).replace(tzinfo=None, fold=0))
        number += 1


def _left_out_until(schedule: Schedule, wall: datetime) -> date | None:
    """The last day up to which a schedule fires on none, beginning with that of `wall`; ``None``: it may fire there."""
    day = wall.date()
    if schedule.starts is not None and day < schedule.starts:
        return schedule.starts - _DAY
    return max((one.last for one in schedule.exceptions if one.first <= day <= one.last), default=None)


def _shortly_before(day: date, zone: ZoneInfo) -> datetime:
    """A moment before a day begins, whatever is done to the clocks then."""
    begin = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    return begin - (_AROUND if _changes_near(begin, zone) else _SECOND)
