"""Counts of this process for its metrics: attempts by destination and end, and how long they took."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from hookstation.core.outgoing.values import DeliveryAttempt, Trouble

BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets of durations, in seconds; what takes longer is in one more."""

DELIVERED: Final = "delivered"


class DeliveryCounts:
    """Counted since the process began: a few additions an attempt."""

    def __init__(self) -> None:
        self._ends: Counter[tuple[str, str]] = Counter()
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def tried(self, destination: str, attempt: DeliveryAttempt) -> None:
        """An attempt has ended."""
        end = DELIVERED if attempt.trouble is Trouble.NONE else attempt.trouble.value
        self._ends[destination, end] += 1
        seconds = max(attempt.timing.total, 0) / 1e6
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    @property
    def ends(self) -> Mapping[tuple[str, str], int]:
        """Attempts by destination and end: `DELIVERED` or the trouble's name."""
        return self._ends

    @property
    def durations(self) -> tuple[Sequence[int], float]:
        """Attempts in each bucket of `BOUNDS`, and how many seconds all of them took."""
        return self._buckets, self._seconds
