"""Looking through the built-in records for words: a page of them at a time, so that none takes long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.records import StoredRecord
from hookstation.errors import Invalid, Problem
from hookstation.ports.store import RecordsDatabase

PAGE: Final = 500
MOST_LOOKED_AT: Final = 2_000
"""Records that one search looks at before it says how far it came."""

LONGEST_TEXT: Final = 500
"""Characters of what is searched for: each record is held against each word."""


@dataclass(frozen=True, slots=True)
class Found:
    """Records that fit, in the order of writing. `after`: from where to go on, empty where there is no more;
    `looked_at`: how many were looked at."""

    records: Sequence[StoredRecord]
    after: str
    looked_at: int


class Browse:
    """Searches records."""

    def __init__(self, store: RecordsDatabase) -> None:
        self._store = store

    async def search(self, entity: str, text: str, limit: int, after: str = "") -> Found:
        """Records of which some value has each word of `text` in it, in either case, after the key `after`.

        An empty text finds all.  It ends early after `MOST_LOOKED_AT` records: ask again with `Found.after`.  Raises
        `Invalid` for a text that is too long.
        """
        if len(text) > LONGEST_TEXT:
            message = f"may have at most {LONGEST_TEXT} characters; use fewer words."
            raise Invalid([Problem(("text",), message)])
        words = text.casefold().split()
        found: list[StoredRecord] = []
        looked_at = 0
        while looked_at < MOST_LOOKED_AT:
            rows = await self._store.list_records(entity, PAGE, after)
            for one in rows:
                looked_at, after = looked_at + 1, one.key
                if _fits(one, words):
                    found.append(one)
                    if len(found) == limit:
                        return Found(found, await self._on(entity, after), looked_at)
            if len(rows) < PAGE:
                return Found(found, "", looked_at)
        return Found(found, await self._on(entity, after), looked_at)

    async def _on(self, entity: str, after: str) -> str:
        """`after`, where there is something after it."""
        return after if await self._store.list_records(entity, 1, after) else ""


def _fits(record: StoredRecord, words: Sequence[str]) -> bool:
    if not words:
        return True
    texts = [record.key.casefold()]
    texts += [str(value).casefold() for value in record.fields.values() if value is not None]
    return all(any(word in text for text in texts) for word in words)
