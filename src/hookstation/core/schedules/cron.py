"""Cron's times on the wall: five fields, read by `cronsim`, and a word of ours for the first weekday of a month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from cronsim import CronSim, CronSimError

from hookstation.errors import Invalid, Problem

FIRST_WEEKDAY: Final = "FW"
"""As a day of the month: its first day from Monday to Friday. `cronsim` has only the last one, ``LW``."""

FIELDS: Final = ("minute", "hour", "day of the month", "month", "day of the week")
LONGEST: Final = 200
_BEGIN: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - a time on the wall


class Cron:
    """A cron expression. `by_the_hour`: its hours are any, so it means moments, not times of the day."""

    def __init__(self, source: str) -> None:
        """Raises `Invalid`."""
        fields = source.split()
        if len(source) > LONGEST or len(fields) != len(FIELDS):
            raise Invalid(
                [
                    Problem(
                        (),
                        f"must be five fields ({', '.join(FIELDS)}), at most {LONGEST} characters, like “0 9 * * 1-5” "
                        f"for every weekday at 9:00; this has {len(fields)}.",
                    )
                ]
            )
        self.source = " ".join(fields)
        self.first_weekday = fields[2].upper() == FIRST_WEEKDAY
        if self.first_weekday:
            fields[2] = "1-3"
            if fields[4] != "*":
                raise Invalid(
                    [Problem((), "with FW as the day of the month, the day of the week must be *.")]
                )
        self._plain = " ".join(fields)
        self.by_the_hour = fields[1].startswith("*")
        try:
            never = next(self.walls(_BEGIN), None) is None
        except CronSimError as mistake:
            never = _is_of_no_month(fields, str(mistake))
            if not never:
                raise Invalid([Problem((), _told(str(mistake)))]) from mistake
        if never:
            raise Invalid([Problem((), "never comes: no such month has such a day.")])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cron) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Cron({self.source!r})"

    def walls(self, after: datetime) -> Iterator[datetime]:
        """Times on the wall after this naive one, ascending; they end where `cronsim` finds none for fifty years."""
        for wall in CronSim(self._plain, after.replace(microsecond=0)):
            if not self.first_weekday or is_first_weekday(wall):
                yield wall


def is_first_weekday(day: datetime) -> bool:
    """Whether it is the first day from Monday to Friday of its month."""
    earlier = (day - timedelta(days=back) for back in range(1, day.day))
    return day.weekday() < 5 and all(one.weekday() > 4 for one in earlier)


def _is_of_no_month(fields: list[str], mistake: str) -> bool:
    """Whether the day is one that there is, but none of these months has."""
    if "day-of-month" not in mistake:
        return False
    try:
        CronSim(" ".join([*fields[:3], "*", fields[4]]), _BEGIN)
    except CronSimError:
        return False
    return True


def _told(mistake: str) -> str:
    field = mistake.removeprefix("Bad ").replace("-", " ")
    return (
        f"cannot be read: the field for the {field} is not one that is known. Allowed are numbers, names (MON, JAN), "
        "lists (1,15), ranges (1-5), steps (*/15), L (last day), LW (last weekday), FW (first weekday), 5L (last "
        "Friday) and 1#1 (first Monday)."
    )
