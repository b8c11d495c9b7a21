"""Named counters of what happened since the process started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


class Counters:
    """Counts by name and labels; the staircase has one name a step."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, name: str, label: str = "") -> None:
        """One more of `name`, split by `label`."""
        self._counts[name, label] += 1

    def snapshot(self) -> Mapping[tuple[str, str], int]:
        """All counts: (name, label) → how often."""
        return dict(self._counts)
