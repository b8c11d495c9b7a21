"""The usual rhythms, as a person picks them, and the cron expressions that they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hookstation.core.schedules.cron import FIRST_WEEKDAY, Cron
from hookstation.errors import Invalid, Problem

DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
MOST_TIMES: Final = 24
_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What a person picked: a `kind` of `KINDS`, and what that kind asks for.

    `times`: ``H:MM``; several must share their minute, since one cron expression says all.  `minute`: of the hour.
    `every`: minutes or hours.  `days`: 0 (Sunday) to 6.  `day`: of the month; `month`: 1 to 12.
    """

    kind: str
    times: tuple[str, ...] = ("9:00",)
    minute: int = 0
    every: int = 15
    days: tuple[int, ...] = ()
    day: int = 1
    month: int = 1


def cron_of(rhythm: Rhythm) -> str:
    """The cron expression of a rhythm. Raises `Invalid`."""
    make = KINDS.get(rhythm.kind)
    if make is None:
        raise Invalid([Problem(("kind",), f"is not known; choose one of {', '.join(KINDS)}.")])
    return Cron(make(rhythm)).source


def rhythm_of(cron: str) -> Rhythm | None:
    """The rhythm that this expression was made from; ``None`` where a person wrote what no rhythm says."""
    fields = cron.split()
    if len(fields) != 5:
        return None
    minute, hour, day, month, weekday = fields
    found = _by_the_hour(minute, hour) if (day, month, weekday) == ("*", "*", "*") else None
    if found is None:
        found = _by_the_day(minute, hour, day, month, weekday)
    try:
        return found if found is not None and cron_of(found) == " ".join(fields) else None
    except Invalid:
        return None


def _by_the_hour(minute: str, hour: str) -> Rhythm | None:
    if hour == "*" and minute.startswith("*/") and minute[2:].isdecimal():
        return Rhythm("minutes", every=int(minute[2:]))
    if hour == "*" and minute.isdecimal():
        return Rhythm("hourly", minute=int(minute))
    if hour.startswith("*/") and hour[2:].isdecimal() and minute.isdecimal():
        return Rhythm("hours", every=int(hour[2:]), minute=int(minute))
    return None


def _by_the_day(minute: str, hour: str, day: str, month: str, weekday: str) -> Rhythm | None:
    if not minute.isdecimal() or not all(one.isdecimal() for one in hour.split(",")):
        return None
    times = tuple(f"{int(one)}:{int(minute):02}" for one in hour.split(","))
    if month.isdecimal() and day.isdecimal() and weekday == "*":
        return Rhythm("yearly", times, day=int(day), month=int(month))
    if month != "*":
        return None
    named = {"L": "last day", "LW": "last weekday", FIRST_WEEKDAY: "first weekday"}.get(day)
    if weekday == "*":
        if named:
            return Rhythm(named, times)
        return Rhythm("daily", times) if day == "*" else _monthly(day, times)
    if day != "*":
        return None
    if weekday == "1-5":
        return Rhythm("weekdays", times)
    days = weekday.split(",")
    return Rhythm("weekly", times, days=tuple(int(one) for one in days)) if _are_days(days) else None


def _monthly(day: str, times: tuple[str, ...]) -> Rhythm | None:
    return Rhythm("monthly", times, day=int(day)) if day.isdecimal() else None


def _are_days(days: list[str]) -> bool:
    return all(one in ("0", "1", "2", "3", "4", "5", "6") for one in days)


def _at(rhythm: Rhythm) -> str:
    """Minute and hours of the times."""
    found = [_TIME.fullmatch(time) for time in rhythm.times]
    if not found or None in found or len(found) > MOST_TIMES:
        raise Invalid([Problem(("times",), f"must be 1 to {MOST_TIMES} times of the day, like 9:00.")])
    read = sorted({(int(one[1]), int(one[2])) for one in found if one is not None})
    minutes = {minute for _, minute in read}
    if len(minutes) > 1:
        told = "must have the same minute, like 9:30 and 15:30; make a schedule for each minute otherwise."
        raise Invalid([Problem(("times",), told)])
    return f"{minutes.pop()} {','.join(str(hour) for hour, _ in read)}"


def _within(value: int, low: int, high: int, name: str) -> int:
    if not low <= value <= high:
        raise Invalid([Problem((name,), f"must be from {low} to {high}, but is {value}.")])
    return value


def _weekly(rhythm: Rhythm) -> str:
    days = sorted({_within(day, 0, 6, "days") for day in rhythm.days})
    if not days:
        raise Invalid([Problem(("days",), "must name at least one day of the week.")])
    return f"{_at(rhythm)} * * {','.join(map(str, days))}"


KINDS: Final[Mapping[str, Callable[[Rhythm], str]]] = {
    "minutes": lambda one: f"*/{_within(one.every, 1, 59, 'every')} * * * *",
    "hourly": lambda one: f"{_within(one.minute, 0, 59, 'minute')} * * * *",
    "hours": lambda one: (
        f"{_within(one.minute, 0, 59, 'minute')} */{_within(one.every, 1, 23, 'every')} * * *"
    ),
    "daily": lambda one: f"{_at(one)} * * *",
    "weekdays": lambda one: f"{_at(one)} * * 1-5",
    "weekly": _weekly,
    "monthly": lambda one: f"{_at(one)} {_within(one.day, 1, 31, 'day')} * *",
    "last day": lambda one: f"{_at(one)} L * *",
    "first weekday": lambda one: f"{_at(one)} {FIRST_WEEKDAY} * *",
    "last weekday": lambda one: f"{_at(one)} LW * *",
    "yearly": lambda one: (
        f"{_at(one)} {_within(one.day, 1, 31, 'day')} {_within(one.month, 1, 12, 'month')} *"
    ),
}
"""Every kind of rhythm, and how its cron expression is made."""
