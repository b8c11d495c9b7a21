"""From times on the wall to moments: what a clock change does to them.

Cron says times on the wall.  Where clocks go forward some of these never come, where they go back some come twice; what
is done then is the schedule's own rule.  A schedule whose hours are any (``*/15 * * * *``) means moments, not hours: of
its times those that never come are left out, and those that come twice are meant twice.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final, NamedTuple


class Skipped(StrEnum):
    """What becomes of a time that a clock change leaves out: it is when the gap is over, or not at all."""

    SHIFT = "shift"
    SKIP = "skip"


class Repeated(StrEnum):
    """Which one is meant of a time that a clock change brings twice."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


class Change(StrEnum):
    """What a clock change did to a time. `DAY`: nothing, but on its day the clocks are changed."""

    NONE = ""
    DAY = "day"
    SHIFTED = "shifted"
    FIRST = "first"
    SECOND = "second"


class Moment(NamedTuple):
    """A moment with the time on the wall that it stands for. `at`: aware, in UTC; `wall`: naive."""

    at: datetime
    wall: datetime
    change: Change = Change.NONE


NEAR: Final = timedelta(hours=26)
"""No clock was ever changed by more in one go (Samoa left a day out), and none twice within so short a time."""

Finder = Callable[[datetime], list[Moment]]


def moments_of(wall: datetime, zone: tzinfo, skipped: Skipped, repeated: Repeated) -> list[Moment]:
    """The moments, earliest first, that a time on the wall of a zone stands for: none, one or two."""
    first = wall.replace(tzinfo=zone, fold=0)
    second = wall.replace(tzinfo=zone, fold=1)
    early, late = first.astimezone(UTC), second.astimezone(UTC)
    if early == late:
        return [Moment(early, wall)]
    if early < late:
        both = [Moment(early, wall, Change.FIRST), Moment(late, wall, Change.SECOND)]
        return both if repeated is Repeated.BOTH else [both[repeated is Repeated.SECOND]]
    if skipped is Skipped.SKIP:
        return []
    return [Moment(_end_of_gap(late, early, zone), wall, Change.SHIFTED)]


def clocks_change_on(day: date, zone: tzinfo) -> bool:
    """Whether a zone's clocks are changed on this day."""
    midnight = datetime.combine(day, time())
    return _offset(midnight, zone) != _offset(midnight + timedelta(days=1), zone)


def _end_of_gap(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The moment between these at which the zone's offset changes, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle == before:
            middle += timedelta(seconds=1)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def in_order(walls: Iterable[datetime], zone: tzinfo, find: Finder) -> Iterator[Moment]:
    """The moments of ascending times on the wall, in the order in which they come, each once.

    A time that comes twice has its second moment after the first one of later times: near a clock change moments wait
    until no later time can come before them.
    """
    waiting: list[Moment] = []
    last: datetime | None = None
    for wall in walls:
        safe = _no_earlier(wall, zone)
        while waiting and waiting[0].at < safe:
            moment = heapq.heappop(waiting)
            if moment.at != last:
                last = moment.at
                yield moment
        for moment in find(wall):
            heapq.heappush(waiting, moment)
    while waiting:
        moment = heapq.heappop(waiting)
        if moment.at != last:
            last = moment.at
            yield moment


def _no_earlier(wall: datetime, zone: tzinfo) -> datetime:
    """A moment before which neither this time on the wall nor a later one comes."""
    offsets = {_offset(wall + apart, zone) for apart in (-NEAR, timedelta(), NEAR)}
    return (wall - max(offsets)).replace(tzinfo=UTC) if len(offsets) > 1 else _at(wall, offsets.pop())


def _offset(wall: datetime, zone: tzinfo) -> timedelta:
    return wall.replace(tzinfo=zone).utcoffset() or timedelta()


def _at(wall: datetime, offset: timedelta) -> datetime:
    return wall.replace(tzinfo=timezone(offset)).astimezone(UTC)
