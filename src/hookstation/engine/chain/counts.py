"""Counts of this process for its metrics: runs that ended, turns of polls, and how late schedules fired."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from hookstation.core.workflows.values import RunState

BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0, 60.0)
"""Upper bounds of the buckets of lateness, in seconds; what is later is in one more."""

FAILED: Final = "failed"
NEW: Final = "new"
NOTHING: Final = "nothing"


class ChainCounts:
    """Counted since the process began: an addition or two for each end."""

    def __init__(self) -> None:
        self._runs: Counter[tuple[str, str]] = Counter()
        self._turns: Counter[str] = Counter()
        self._items = 0
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def ended(self, workflow: str, state: RunState) -> None:
        """A run has ended here."""
        self._runs[workflow, state.value] += 1

    def looked(self, accepted: int, error: str) -> None:
        """A poll had a turn that brought so many new items, or failed."""
        self._turns[FAILED if error else NEW if accepted else NOTHING] += 1
        self._items += accepted

    def fired(self, late: int) -> None:
        """A schedule fired so many microseconds after its time."""
        seconds = max(late, 0) / 1e6
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    @property
    def runs(self) -> Mapping[tuple[str, str], int]:
        """Runs by workflow and state."""
        return self._runs

    @property
    def turns(self) -> Mapping[str, int]:
        """Turns of polls by what they brought: `NEW`, `NOTHING`, `FAILED`."""
        return self._turns

    @property
    def items(self) -> int:
        """Items of polls that were new."""
        return self._items

    @property
    def lateness(self) -> tuple[Sequence[int], float]:
        """Fires in each bucket of `BOUNDS`, and how many seconds all of them were late together."""
        return self._buckets, self._seconds
