"""The index of words of the in-memory twin."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from hookstation.core.events import Event
from hookstation.core.searching import Needle, has
from hookstation.ports.search import Looked, Reached, Unsearched


class MemorySearch:
    """Implements `ports.search.Search` over events that `_indexable` tells."""

    def __init__(self) -> None:
        self._words: dict[str, frozenset[str]] = {}
        self._reached = Reached()

    @abstractmethod
    def _indexable(self) -> dict[str, tuple[Event, bytes | None]]:
        """Every event with its body."""

    @abstractmethod
    def _check(self) -> None: ...

    async def reached(self) -> tuple[Reached, str]:
        """How far the index is filled, and the newest event."""
        return self._reached, max(self._indexable(), default="")

    async def look_for_unsearched(self, after: str, until: str, limit: int) -> Looked:
        """Look at a span of events."""
        events = self._indexable()
        seen = sorted(one for one in events if after < one <= until)[:limit]
        found = [_unsearched(*events[one]) for one in seen if one not in self._words]
        return Looked(found, seen[-1] if len(seen) == limit else until)

    async def add_words(
        self, words: Sequence[tuple[str, frozenset[str]]], before: Reached, after: Reached
    ) -> bool:
        """Put events into the index."""
        self._check()
        if self._reached != before:
            return False
        there = self._indexable()
        self._words |= {one: told for one, told in words if one in there and one not in self._words}
        self._reached = after
        return True

    def _has_words(self, event_id: str, wanted: Needle | None) -> bool:
        return wanted is None or has(self._words.get(event_id, frozenset()), wanted)

    def _forget_words(self, event_id: str) -> None:
        self._words.pop(event_id, None)


def _unsearched(event: Event, body: bytes | None) -> Unsearched:
    return Unsearched(event.id, event.webhook, event.sender, event.dedup_key, event.record_key, body)
