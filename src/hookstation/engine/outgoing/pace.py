"""How fast deliveries leave for a destination with a rate: evenly, each node its share."""

from __future__ import annotations

from typing import Final

from hookstation.core.rates import Rate

BURST: Final = 0.1
"""Seconds whose deliveries may leave at once; one always may."""


class Pace:
    """Room that grows with time. All times are seconds on a clock that never goes back."""

    def __init__(self, rate: Rate, nodes: int, now: float) -> None:
        self.rate, self.nodes = rate, max(nodes, 1)
        self._a_second = rate.count / rate.seconds / self.nodes
        self._most = max(1.0, self._a_second * BURST)
        self._room, self._at = self._most, now

    def room(self, now: float) -> int:
        """How many may leave now."""
        self._grow(now)
        return int(self._room + 1e-9)

    def wait(self, now: float) -> float:
        """Seconds until one may leave."""
        self._grow(now)
        return max(0.0, (1.0 - self._room) / self._a_second)

    def take(self, count: int, now: float) -> None:
        """So many leave."""
        self._grow(now)
        self._room -= count

    def shared(self, nodes: int, now: float) -> Pace:
        """The pace among so many nodes; what has left counts on."""
        if nodes == self.nodes:
            return self
        changed = Pace(self.rate, nodes, now)
        changed._room = min(self.room(now), changed._most)
        return changed

    def _grow(self, now: float) -> None:
        self._room = min(self._most, self._room + (now - self._at) * self._a_second)
        self._at = now
