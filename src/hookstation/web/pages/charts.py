"""Small pictures of figures, worked out here and drawn by templates as SVG: no script is needed to see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.tallies import DAY, HOUR, Figures
from hookstation.engine.dashboard import Course

SPARK_HEIGHT: Final = 24
LEAST_BAR: Final = 2.0
"""What is there at all is seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of a sparkline, in units of its height. `failed` is the part of `height` that failed, from below."""

    height: float
    failed: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why calls failed: how many, and their share of all failures, 0 to 100."""

    name: str
    count: int
    share: float


WORDS: Final = {
    "target": "refused by the target",
    "mapping": "the mapping did not take it",
    "schema": "does not fit the schema",
    "authentication": "not authenticated",
    "address": "address not allowed",
    "rate": "too many calls",
    "length": "too large",
    "body": "not readable",
    "state": "webhook not active",
    "method": "not POST",
    "paused": "webhook paused",
    "body_type": "not said to be JSON",
    "compressed": "body compressed",
    "too_large": "too large",
    "too_slow": "body too slow",
    "broken_off": "sender hung up",
    "full": "no room for another call",
    "stopping": "station was being stopped",
    "loop": "round in a circle",
    "parked": "parked",
    "duplicate": "the first one still runs",
    "gave_up": "given up after its last try",
    "cancelled": "cancelled by a person",
}
"""Reasons in words for people; one that is not here goes by its own name."""


def spark(calls: Sequence[int], failures: Sequence[int]) -> list[Bar]:
    """Bars of a sparkline, one for each hour."""
    most = max(calls, default=0)
    return [_bar(one, failed, most) for one, failed in zip(calls, failures, strict=True)]


def _bar(calls: int, failed: int, most: int) -> Bar:
    if not calls:
        return Bar(0, 0)
    height = max(LEAST_BAR, calls / most * SPARK_HEIGHT)
    return Bar(round(height, 1), round(max(LEAST_BAR, height * failed / calls), 1) if failed else 0)


def reasons(whole: Figures) -> list[Reason]:
    """Why calls failed, the most frequent first."""
    return [
        Reason(WORDS.get(name, name), count, round(100 * count / whole.failures, 1) if whole.failures else 0)
        for name, count in whole.reasons.items()
    ]


def unit(course: Course) -> str:
    """What one point of a course covers."""
    return {DAY: "day (UTC)", HOUR: "hour"}.get(course.step, "minute")
