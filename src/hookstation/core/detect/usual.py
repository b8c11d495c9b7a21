"""What is usual in an hour of the week, by statistics that a single odd week does not move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

LEAST_WEEKS: Final = 3
"""Weeks that have to be known before anything is called unusual."""

MOST_WEEKS: Final = 8
"""Weeks that are looked back."""

LEAST_BURST: Final = 50
"""Calls in an hour below which nothing is a burst."""

LEAST_USUAL: Final = 10
"""Calls that every one of the weeks has to have had in the hour before a few are called silence."""

SILENT_SHARE: Final = 0.1
"""Of what is usual: what is silence at most."""

_SPREADS: Final = 4.0
"""How many standard deviations are still usual."""

_DEVIATION: Final = 1.4826
"""Standard deviations in a median absolute deviation, of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Usual:
    """The calls of an hour of the week: the middle one of the weeks, the least one, and the bounds of what is usual."""

    middle: float
    least: int
    low: float
    high: float
    weeks: int

    def is_burst(self, calls: int) -> bool:
        """Whether these are far more calls than usual."""
        return calls >= LEAST_BURST and calls > self.high

    def is_silence(self, calls: int) -> bool:
        """Whether these are far fewer calls than usual in an hour that is always busy."""
        return self.least >= LEAST_USUAL and calls <= self.middle * SILENT_SHARE and calls < self.low


def usual(weeks: Sequence[int]) -> Usual | None:
    """What is usual, from the calls of the same hour in past weeks; ``None`` where too few are known.

    Counts of few calls scatter by their root even where nothing is unusual, and what doubles is not yet a burst.
    """
    if len(weeks) < LEAST_WEEKS:
        return None
    middle = float(median(weeks))
    deviation = _DEVIATION * median(abs(count - middle) for count in weeks)
    room = _SPREADS * max(deviation, middle**0.5, 1.0)
    return Usual(middle, min(weeks), middle - room, max(middle + room, 2 * middle), len(weeks))
