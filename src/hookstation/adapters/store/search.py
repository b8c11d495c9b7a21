"""The index of words: SQLite's FTS5, one row an event, numbered so that the newest has the greatest number."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

import apsw
import msgspec

from hookstation.adapters.store import queries
from hookstation.adapters.store.records import get_record
from hookstation.adapters.store.rows import read_event
from hookstation.core.searching import MOST_BYTES, Needle
from hookstation.ports.search import Looked, Reached, Unsearched
from hookstation.ports.store import EventFilter, Page

LOOK: Final = 2_000
"""Events with the words that are asked for which are looked at for one page."""

MERGE_PAGES: Final = 64
"""Pages of the index that are merged at a time: a few milliseconds, in which the lane waits."""

MERGE_EVERY: Final = 8
"""Additions between two merges."""

_CROCKFORD: Final = {sign: value for value, sign in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
_CHARACTERS: Final = 14
"""Characters of an id that its number is made of: ten say the time, the others chance."""

CROWD: Final = 64
"""By how much an event's number may be greater than its id says, where others of its millisecond have that."""

_LARGEST: Final = (1 << 63) - 1

_REACHED: Final = (
    "SELECT newest, surely, coalesce((SELECT id FROM events ORDER BY id DESC LIMIT 1), '') FROM searched"
)
"""How far the index is filled, and the newest event."""

_SPAN: Final = "SELECT id FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
"""The next events after an id."""

_UNSEARCHED: Final = (
    "SELECT e.id, e.webhook, e.sender, coalesce(e.dedup_key, ''), e.record_key, substr(p.body, 1, ?) "
    "FROM events e JOIN payloads p ON p.no = e.payload_no "
    "WHERE e.id IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1 FROM search s WHERE s.id = e.id) "
    "ORDER BY e.id"
)
"""Which of some events are not in the index, and what they are found by."""

_MOVE: Final = "UPDATE searched SET newest = ?, surely = ? WHERE newest = ? AND surely = ?"
"""Say how far the index is filled, unless somebody else has."""

_THERE: Final = (
    "SELECT id FROM events WHERE id IN (SELECT value FROM json_each(?)) AND id NOT IN (SELECT id FROM search)"
)
"""Which of some events are still in the journal and not in the index."""

_FREE: Final = "SELECT no FROM search WHERE no = ?"
_NUMBER: Final = "INSERT INTO search VALUES (?, ?)"
_ADD: Final = "INSERT INTO search_words (rowid, words) VALUES (?, ?)"
_MERGE: Final = f"INSERT INTO search_words (search_words, rank) VALUES ('merge', {MERGE_PAGES})"

_FIND: Final = (
    "SELECT s.id FROM search_words w JOIN search s ON s.no = w.rowid "
    "WHERE w.search_words MATCH ? AND w.rowid >= ? AND w.rowid < ? ORDER BY w.rowid DESC LIMIT ?"
)
"""Events that have these words, newest first."""

ENDINGS: Final = 64
"""Words that a beginning stands for one by one. FTS5 walks each from the newest event on and stops at a page, while
it puts together whatever a beginning stands for before it gives the first: 0.3 s where a word is in a million events.
"""

_NEXT_TERM: Final = "SELECT term FROM temp.search_terms WHERE term >= ? AND term < ? LIMIT 1"
"""The first word of the index between two."""

_NUMBER_OF: Final = "SELECT no FROM search WHERE id = ?"

_NEXT_CONNECTION: Final = (
    "SELECT min(connection) FROM events INDEXED BY events_by_record "
    "WHERE record_key <> '' AND connection <> 'records' AND connection > ?"
)
_NEXT_ENTITY: Final = (
    "SELECT min(entity) FROM events INDEXED BY events_by_record "
    "WHERE record_key <> '' AND connection <> 'records' AND connection = ? AND entity > ?"
)
"""The targets elsewhere that records were written to: a step of the index each."""

_OF_RECORD: Final = (
    "SELECT id FROM events INDEXED BY events_by_record "
    "WHERE connection = ? AND entity = ? AND record_key = ? AND record_key <> '' AND connection <> 'records' LIMIT ?"
)
"""Events that wrote a record with this key in a target elsewhere."""

_FORGET: Final = (
    "DELETE FROM search_words WHERE rowid IN (SELECT no FROM search WHERE id IN (SELECT value FROM json_each(?)))",
    "DELETE FROM search WHERE id IN (SELECT value FROM json_each(?))",
)
"""Take events out of the index."""


def reached(connection: apsw.Connection) -> tuple[Reached, str]:
    """How far the index is filled, and the newest event."""
    [(newest, surely, last)] = connection.execute(_REACHED).fetchall()
    return Reached(str(newest), str(surely)), str(last)


def look(connection: apsw.Connection, after: str, until: str, limit: int) -> Looked:
    """Look at a span of events."""
    seen = [str(one) for (one,) in connection.execute(_SPAN, (after, until, limit)).fetchall()]
    rows = connection.execute(_UNSEARCHED, (MOST_BYTES, _text(seen))).fetchall() if seen else []
    found = [Unsearched(*cast("tuple[str, str, str, str, str, bytes | None]", row)) for row in rows]
    return Looked(found, seen[-1] if len(seen) == limit else until)


def add(
    connection: apsw.Connection,
    words: Sequence[tuple[str, frozenset[str]]],
    before: Reached,
    after: Reached,
    *,
    merging: bool,
) -> bool:
    """Put events into the index; `merging` tidies a part of it too."""
    connection.execute(_MOVE, (after.newest, after.surely, before.newest, before.surely))
    if not connection.changes():
        return False
    ids = _text([one for one, _ in words])
    there = {str(one) for (one,) in connection.execute(_THERE, (ids,)).fetchall()}
    for event_id, told in words:
        if event_id in there:
            number = _free_number(connection, event_id)
            connection.execute(_NUMBER, (number, event_id))
            connection.execute(_ADD, (number, " ".join(told)))
    if merging:
        connection.execute(_MERGE)
    return True


def forget(connection: apsw.Connection, ids: str) -> None:
    """Take events out of the index. `ids`: JSON."""
    for statement in _FORGET:
        connection.execute(statement, (ids,))


def find(
    connection: apsw.Connection,
    which: EventFilter,
    wanted: Needle,
    conditions: Sequence[str],
    bindings: dict[str, str | int],
    limit: int,
    after: str,
) -> Page:
    """One page of events that have the words, newest first. `conditions` are those of the rest of the filter."""
    low, high = which.bounds(after)
    span = (_match(connection, wanted), _first(connection, low), _end(connection, high))
    known = _of_record(connection, which.record_key) if which.record_key and not which.text else []
    where = " AND ".join(["e.id IN (SELECT value FROM json_each(:ids))", *conditions])
    sql = (
        f"SELECT {queries.EVENT_COLUMNS} {queries.EVENT_SOURCE} WHERE e.id IN "
        f"(SELECT e.id FROM events e WHERE {where} ORDER BY e.id DESC LIMIT :limit) ORDER BY e.id DESC"
    )
    page = Page([])
    for most in (min(2 * limit + 1, LOOK), LOOK):
        ids = [str(one) for (one,) in connection.execute(_FIND, (*span, most)).fetchall()]
        asked = {**bindings, "ids": _text([*ids, *known]), "limit": limit + 1}
        events = [read_event(row) for row in connection.execute(sql, asked).fetchall()]
        if len(events) > limit:
            return Page(events[:limit], events[limit - 1].id)
        page = Page(events, ids[-1] if len(ids) == most else "")
        if not page.next:
            break
    return page


def _of_record(connection: apsw.Connection, key: str) -> list[str]:
    """Events that are known to have written a record with this key, also since they were put into the index."""
    found: list[str] = []
    for target in _targets(connection):
        rows = connection.execute(_OF_RECORD, (*target, key, LOOK)).fetchall()
        found += [str(one) for (one,) in rows]
    for (entity,) in connection.execute("SELECT name FROM entities").fetchall():
        record = get_record(connection, str(entity), key)
        if record is not None:
            found.append(record.event_id)
    return found


def _targets(connection: apsw.Connection) -> Iterator[tuple[str, str]]:
    target = ""
    while target := _next(connection, _NEXT_CONNECTION, target):
        entity = ""
        while entity := _next(connection, _NEXT_ENTITY, target, entity):
            yield target, entity


def _next(connection: apsw.Connection, statement: str, *after: str) -> str:
    [(found,)] = connection.execute(statement, after).fetchall()
    return str(found or "")


def _match(connection: apsw.Connection, wanted: Needle) -> str:
    """The question in the language of FTS5. No word has a quotation mark in it."""
    asked = [f'"{word}"' for word in wanted.words]
    if wanted.beginning:
        words = _words_that_begin(connection, wanted.beginning)
        each = " OR ".join(f'"{word}"' for word in words)
        asked.append(f"({each})" if 0 < len(words) <= ENDINGS else f'"{wanted.beginning}" *')
    return " AND ".join(asked)


def _words_that_begin(connection: apsw.Connection, beginning: str) -> list[str]:
    """The words of the index that begin so; more than `ENDINGS` are not looked for."""
    found: list[str] = []
    low, end = beginning, beginning + "\U0010ffff"
    while len(found) <= ENDINGS:
        rows = connection.execute(_NEXT_TERM, (low, end)).fetchall()
        if not rows:
            break
        found.append(str(rows[0][0]))
        low = found[-1] + "\x01"
    return found


def number_of(event_id: str) -> int:
    """A number in the order of ids: their milliseconds, then what chance gave them, cut to 63 bits."""
    number = 0
    for sign in event_id.upper().ljust(_CHARACTERS, "0")[:_CHARACTERS]:
        number = number * 32 + _CROCKFORD.get(sign, 0)
    return min(number << 1, _LARGEST)


def _first(connection: apsw.Connection, low: str) -> int:
    """The number from which ids on that are not before `low` are found, empty: all."""
    return _known(connection, low) or number_of(low)


def _end(connection: apsw.Connection, high: str) -> int:
    """The number before which ids are found that are before `high`, empty: all; a few that are not may be there."""
    if not high:
        return _LARGEST
    return _known(connection, high) or min(
        number_of(high.replace("\x7f", "Z" * _CHARACTERS)) + CROWD, _LARGEST
    )


def _known(connection: apsw.Connection, event_id: str) -> int:
    for (number,) in connection.execute(_NUMBER_OF, (event_id,)).fetchall():
        return cast("int", number)
    return 0


def _free_number(connection: apsw.Connection, event_id: str) -> int:
    """Two ids of one millisecond may have the same number: the second one takes the next."""
    number = number_of(event_id)
    while connection.execute(_FREE, (number,)).fetchall():
        number += 1
    return number


def _text(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()
