"""Pruning, as both databases do it: how far the rules have come, and what one look of a rule chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

LOOK: Final = 500
"""Events that are looked at in one read, which holds up other readers."""

MOST_STAYED: Final = 5_000
"""Events that stayed for their marks and are looked at again with each step; beyond that only once an hour."""

HOUR: Final = 3_600 * 1_000_000


class Choice(NamedTuple):
    """What one look of a rule found. `only_bodies`: where an event has a living mark, its body goes and it stays."""

    event_ids: list[str]
    ended: bool
    only_bodies: bool = False


@dataclass(slots=True)
class Sweep:
    """How far a rule has come in the events of one state, oldest first.

    Each step looks from the beginning again, since an old event may have ended meanwhile.  Where many stay for their
    marks that would be the work of all steps: then what was passed is left alone until `again_at`.
    """

    after: str = ""
    stayed: int = 0
    again_at: int = 0

    def begin(self, now: int) -> None:
        """Before a step at time `now`."""
        if self.stayed <= MOST_STAYED or now >= self.again_at:
            self.after, self.stayed, self.again_at = "", 0, now + HOUR

    def choose(self, seen: Sequence[str], staying: set[str], limit: int) -> Choice:
        """At most `limit` of the events that a look saw, but those that are `staying` for their marks."""
        going = [event_id for event_id in seen if event_id not in staying]
        ended = len(seen) < LOOK or len(going) >= limit
        passed = seen if len(going) <= limit else seen[: seen.index(going[limit])]
        if passed:
            self.after = passed[-1]
        self.stayed += len(staying.intersection(passed))
        return Choice(going[:limit], ended)


@dataclass(frozen=True, slots=True)
class Sweeps:
    """The sweeps of the rules that meet marks; they last as long as the database is open."""

    age: Sweep = field(default_factory=Sweep)
    bodies: Sweep = field(default_factory=Sweep)
