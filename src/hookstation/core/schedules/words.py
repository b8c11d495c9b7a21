"""A cron expression said to a person."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cronsim import CronSim

from hookstation.core.schedules.builder import DAYS, MONTHS, Rhythm, rhythm_of
from hookstation.core.schedules.cron import Cron

_ANY: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - explaining reads no clock


def say_cron(cron: Cron) -> str:
    """When it comes, without a full stop: ``every weekday at 9:00``."""
    rhythm = rhythm_of(cron.source)
    if rhythm is not None:
        return _said(rhythm)
    explained = CronSim(cron.source.replace("FW", "1-3"), _ANY).explain()
    return explained[:1].lower() + explained[1:]


def say_every(seconds: int) -> str:
    """An interval: ``every 15 minutes``."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % size == 0:
            return f"every {_many(seconds // size, unit)}"
    return f"every {_many(seconds, 'second')}"


def _said(rhythm: Rhythm) -> str:
    when = f"at {_listed(rhythm.times)}"
    match rhythm.kind:
        case "minutes":
            return f"every {_many(rhythm.every, 'minute')}"
        case "hourly":
            return f"every hour at minute {rhythm.minute}" if rhythm.minute else "every hour"
        case "hours":
            return f"every {_many(rhythm.every, 'hour')}" + (
                f" at minute {rhythm.minute}" if rhythm.minute else ""
            )
        case "daily":
            return f"every day {when}"
        case "weekdays":
            return f"every weekday {when}"
        case "weekly":
            return f"every {_listed([DAYS[day] for day in rhythm.days])} {when}"
        case "monthly":
            return f"on day {rhythm.day} of every month {when}"
        case "yearly":
            return f"every year on {rhythm.day} {MONTHS[rhythm.month - 1]} {when}"
        case _:
            return f"on the {rhythm.kind} of every month {when}"


def _many(count: int, unit: str) -> str:
    return unit if count == 1 else f"{count} {unit}s"


def _listed(words: tuple[str, ...] | list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
