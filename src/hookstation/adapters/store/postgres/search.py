"""The index of words: a text search vector an event, with a GIN index; no extension is needed."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import asyncpg

from hookstation.adapters.store.postgres import queries
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.numbering import Numbering
from hookstation.adapters.store.postgres.records import get_record
from hookstation.adapters.store.postgres.rows import kept, read_event, told
from hookstation.core.searching import MOST_BYTES, Needle
from hookstation.ports.search import Looked, Reached, Unsearched
from hookstation.ports.store import EventFilter, Page

LOOK: Final = 1_000
"""Events with the words that are asked for which are looked at for one page."""

WALK: Final = 2_000
"""The newest events that are looked at one by one, before the index is asked: what most events have is among them."""

PATIENCE: Final = 40
"""Milliseconds that GIN has to name all events with the words, which it does before it gives the first."""

STRIDE: Final = 20_000
"""Events that are looked at one by one where GIN did not come to an end; the next page goes on behind them."""

_REACHED: Final = (
    "SELECT newest, surely, coalesce((SELECT id FROM events ORDER BY id DESC LIMIT 1), '') FROM searched"
)
"""How far the index is filled, and the newest event."""

_SPAN: Final = "SELECT id FROM events WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3"
"""The next events after an id."""

_UNSEARCHED: Final = (
    "SELECT e.id, e.webhook, e.sender, coalesce(e.dedup_key, ''), e.record_key, substring(e.body FOR $2) "
    "FROM events e WHERE e.id = ANY($1::text[]) AND NOT EXISTS (SELECT FROM search s WHERE s.event_id = e.id) "
    "ORDER BY e.id"
)
"""Which of some events are not in the index, and what they are found by."""

_MOVE: Final = "UPDATE searched SET newest = $1, surely = $2 WHERE newest = $3 AND surely = $4"
"""Say how far the index is filled, unless somebody else has."""

_ADD: Final = (
    "INSERT INTO search SELECT u.id, array_to_tsvector(string_to_array(u.words, ' ')) "
    "FROM unnest($1::text[], $2::text[]) u(id, words) "
    "WHERE EXISTS (SELECT FROM events e WHERE e.id = u.id) ON CONFLICT DO NOTHING"
)
"""Put events that are still in the journal into the index."""

_WALK: Final = (
    "SELECT event_id, words @@ $1::tsquery FROM search WHERE event_id >= $2 AND event_id < $3 "
    f"ORDER BY event_id DESC LIMIT {WALK}"
)
"""The newest events of a span, and whether they have these words."""

_FIND: Final = (
    "WITH found AS MATERIALIZED (SELECT event_id FROM search WHERE words @@ $1::tsquery "
    "AND (event_id >= $2 AND event_id < $3) IS TRUE) SELECT event_id FROM found ORDER BY event_id DESC LIMIT $4"
)
"""Events that have these words, newest first, by GIN alone: the range would only bring all of its rows along."""

_HURRY: Final = (
    f"SET LOCAL statement_timeout = {PATIENCE}; SET LOCAL enable_seqscan = off; SET LOCAL jit = off"
)

_STRIDE_END: Final = (
    "SELECT event_id FROM search WHERE event_id >= $1 AND event_id < $2 "
    f"ORDER BY event_id DESC OFFSET {STRIDE - 1} LIMIT 1"
)
"""Where a stride back from an event ends; nothing where fewer are left."""

_STRIDE: Final = (
    "SELECT event_id FROM search WHERE (words @@ $1::tsquery) IS TRUE AND event_id >= $2 AND event_id < $3 "
    "ORDER BY event_id DESC LIMIT $4"
)
"""Events of a stride that have these words, newest first; written so that GIN cannot be asked."""

_OF_RECORD: Final = (
    "WITH RECURSIVE targets AS ((SELECT connection, entity FROM events WHERE record_key <> '' "
    "AND connection <> 'records' ORDER BY connection, entity LIMIT 1) UNION ALL SELECT n.* FROM targets t, LATERAL ("
    "SELECT e.connection, e.entity FROM events e WHERE e.record_key <> '' AND e.connection <> 'records' "
    "AND (e.connection, e.entity) > (t.connection, t.entity) ORDER BY e.connection, e.entity LIMIT 1) n) "
    "SELECT e.id FROM targets t JOIN events e ON e.connection = t.connection AND e.entity = t.entity "
    f"WHERE e.record_key = $1 AND e.record_key <> '' AND e.connection <> 'records' LIMIT {LOOK}"
)
"""Events that wrote a record with this key in a target elsewhere; the targets are found by a step of the index each."""

_BY_ID: Final = f"SELECT {queries.EVENT_COLUMNS} FROM events e WHERE e.id = ANY($1::text[])"
"""These events."""

FORGET: Final = "DELETE FROM search WHERE event_id = ANY($1::text[])"
"""Take events out of the index."""

_LAST: Final = "\x7f"
"""Sorts after every id."""


async def reached(connection: Connection) -> tuple[Reached, str]:
    """How far the index is filled, and the newest event."""
    row = await connection.fetchrow(_REACHED)
    assert row is not None
    newest, surely, last = row
    return Reached(newest, surely), last


async def look(connection: Connection, after: str, until: str, limit: int) -> Looked:
    """Look at a span of events."""
    seen = [str(one) for (one,) in await connection.fetch(_SPAN, after, until, limit)]
    rows = await connection.fetch(_UNSEARCHED, seen, MOST_BYTES) if seen else []
    found = [
        Unsearched(event_id, told(webhook), told(sender), told(dedup), told(record), body)
        for event_id, webhook, sender, dedup, record, body in rows
    ]
    return Looked(found, seen[-1] if len(seen) == limit else until)


async def add(
    connection: Connection, words: Sequence[tuple[str, frozenset[str]]], before: Reached, after: Reached
) -> bool:
    """Put events into the index."""
    moved = await connection.execute(_MOVE, after.newest, after.surely, before.newest, before.surely)
    if moved == "UPDATE 0":
        return False
    if words:
        ids, texts = [one for one, _ in words], [" ".join(told) for _, told in words]
        await connection.execute(_ADD, ids, texts)
    return True


async def find(
    connection: Connection, numbering: Numbering, which: EventFilter, wanted: Needle, limit: int, after: str
) -> Page:
    """One page of events that have the words, newest first.

    What most events have is found among the newest without GIN; what few have, by GIN.  For what it cannot name in
    time one stride is walked, and the page may come back short or empty, with a `next`: so that no question costs
    more than these three looks, whatever words it has and wherever they lie.
    """
    low, high = which.bounds(after)
    asked, top = _question(wanted), high or _LAST
    known = await _of_record(connection, numbering, which.record_key) if _by_record_alone(which) else []
    walked = await connection.fetch(_WALK, asked, low, top)
    ids = [str(one) for one, has in walked if has]
    end = str(walked[-1][0]) if len(walked) == WALK else ""
    page = await _fill(connection, which, ids, known, end, limit, after)
    if page.next != end or not end:
        return page
    further = await _by_index(connection, asked, low, end)
    if further is not None:
        return await _fill(connection, which, [*ids, *further], known, "", limit, after)
    beyond = await connection.fetchval(_STRIDE_END, low, end) or ""
    rows = await connection.fetch(_STRIDE, asked, beyond or low, end, LOOK + 1)
    return await _fill(connection, which, [*ids, *(str(one) for (one,) in rows)], known, beyond, limit, after)


async def _by_index(connection: Connection, asked: str, low: str, top: str) -> list[str] | None:
    """The newest events before one that have the words; ``None`` where naming them would take too long."""
    try:
        async with connection.transaction(readonly=True):
            await connection.execute(_HURRY)
            return [str(one) for (one,) in await connection.fetch(_FIND, asked, low, top, LOOK + 1)]
    except asyncpg.QueryCanceledError:
        return None


async def _fill(
    connection: Connection,
    which: EventFilter,
    found: Sequence[str],
    known: Sequence[str],
    end: str,
    limit: int,
    after: str,
) -> Page:
    """A page of those found that pass the filter: few candidates first, then as many as are looked at.

    `end` is the oldest event that was looked at, or empty where all were.  What is known besides waits for the page
    that comes to it: a `next` must not pass over what lies between.
    """
    for most in (min(2 * limit + 1, LOOK), LOOK):
        last = found[most - 1] if len(found) > most else end
        page = await _page(connection, which, [*found[:most], *(k for k in known if k >= last)], limit, after)
        if page.next or last == end:
            break
    return page if page.next else Page(page.items, last)


def _by_record_alone(which: EventFilter) -> bool:
    return bool(which.record_key) and not which.text


async def _page(
    connection: Connection, which: EventFilter, ids: Sequence[str], limit: int, after: str
) -> Page:
    """Those of some events that pass the rest of the filter.

    They are cut here: a plan that knew the limit would rather read the journal from its end.
    """
    bindings: list[object] = [ids]
    where = ["e.id = ANY($1::text[])", *_conditions(which, after, bindings)]
    if not ids:
        return Page([])
    rows = await connection.fetch(f"SELECT e.id FROM events e WHERE {' AND '.join(where)}", *bindings)
    passing = sorted((str(one) for (one,) in rows), reverse=True)
    shown = await connection.fetch(_BY_ID, passing[:limit])
    events = sorted(map(read_event, shown), key=lambda event: event.id, reverse=True)
    return Page(events, passing[limit - 1] if len(passing) > limit else "")


def _conditions(which: EventFilter, after: str, bindings: list[object]) -> list[str]:
    conditions: list[str] = []
    low, high = which.bounds(after)
    for condition, value in (
        ("id >=", low),
        ("id <", high),
        ("received_at >=", which.since),
        ("received_at <", which.until),
        ("webhook =", kept(which.webhook)),
        ("sender =", kept(which.sender)),
        ("dedup_key =", kept(which.dedup_key)),
        ("record_key =", kept(which.record_key)),
    ):
        if value:
            bindings.append(value)
            conditions.append(f"e.{condition} ${len(bindings)}")
    if which.states:
        bindings.append([state.value for state in which.states])
        conditions.append(f"e.state = ANY(${len(bindings)}::text[])")
    return conditions


async def _of_record(connection: Connection, numbering: Numbering, key: str) -> list[str]:
    """Events that are known to have written a record with this key, also since they were put into the index."""
    found = [str(one) for (one,) in await connection.fetch(_OF_RECORD, kept(key))]
    for (entity,) in await connection.fetch("SELECT name FROM entities"):
        record = await get_record(connection, numbering, entity, key)
        if record is not None:
            found.append(record.event_id)
    return found


def _question(wanted: Needle) -> str:
    """The question in the language of text search. No word has a quotation mark or a backslash in it."""
    asked = [f"'{word}'" for word in wanted.words]
    return " & ".join([*asked, f"'{wanted.beginning}':*"] if wanted.beginning else asked)
