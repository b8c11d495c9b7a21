"""The part of the database by which events are found again: an index of words, filled beside the lane.

`EventFilter` asks it for `text`, `sender`, `dedup_key` and `record_key`.  Whoever fills it reads events in the order of
their ids, and later passes over the same span once more, since an id is older than its commit.  A driver passes the
cases of `hookstation.testing.store_cases.searching`.  All methods may raise `StoreUnavailable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec


class Reached(msgspec.Struct, frozen=True):
    """How far the index is filled: up to which id the newest pass came, and the one that looks for what it missed."""

    newest: str = ""
    surely: str = ""


@dataclass(frozen=True, slots=True)
class Unsearched:
    """An event that is not in the index. `body` may be only its beginning; ``None`` where it is not kept."""

    id: str
    webhook: str
    sender: str
    dedup_key: str
    record_key: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Looked:
    """Events that are not in the index, oldest first, and the id up to which was looked."""

    events: Sequence[Unsearched]
    until: str


class Search(Protocol):
    """Fills the index of words."""

    async def reached(self) -> tuple[Reached, str]:
        """How far the index is filled, and the id of the newest event, empty where there is none; asked often."""
        ...

    async def look_for_unsearched(self, after: str, until: str, limit: int) -> Looked:
        """Look at `limit` events at most, with ``after < id <= until``, and return those that are not in the index.

        `Looked.until` is the last one that was looked at, or `until` where there was none left.
        """
        ...

    async def add_words(
        self, words: Sequence[tuple[str, frozenset[str]]], before: Reached, after: Reached
    ) -> bool:
        """Put events (by id, with their words) into the index and move `before` on to `after`, in one transaction.

        False, and nothing is written, where somebody else has moved it meanwhile.  Events that are gone or are in the
        index already are passed over.
        """
        ...
