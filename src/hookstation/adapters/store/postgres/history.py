"""Reading the journal: the list under any filter, and what hangs on one event."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from hookstation.adapters.store.postgres import queries, search
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.marks import read_mark
from hookstation.adapters.store.postgres.numbering import Numbering
from hookstation.adapters.store.postgres.records import get_record
from hookstation.adapters.store.postgres.rows import kept, read_event, told
from hookstation.adapters.store.rows import mark_digest
from hookstation.core.events import Attempt, Event, Mark, State
from hookstation.core.records import RECORDS
from hookstation.ports.store import EventFilter, Page, Payload

EVENTS_BY_ID = f"SELECT {queries.EVENT_COLUMNS} FROM events e WHERE e.id = ANY($1::text[]) ORDER BY e.id DESC"
"""These events, newest first."""


async def list_events(
    connection: Connection, numbering: Numbering, which: EventFilter, limit: int, after: str
) -> Page:
    """One page, newest first. The ids are found first, so that no plan can prefer reading the journal whole."""
    if (wanted := which.needle) is not None:
        return await search.find(connection, numbering, which, wanted, limit, after)
    sql, bindings = list_query(which, limit + 1, after)
    ids = [str(event_id) for (event_id,) in await connection.fetch(sql, *bindings)]
    rows = await connection.fetch(EVENTS_BY_ID, ids[:limit]) if ids else []
    events = [read_event(row) for row in rows]
    return Page(events, ids[limit - 1] if 0 < limit < len(ids) else "")


def list_query(which: EventFilter, limit: int, after: str) -> tuple[str, list[str | int]]:
    """The ids of a list: one arm a state, each walking its index from the newest down; then merged and cut."""
    bindings: list[str | int] = []

    def bound(value: str | int) -> str:
        bindings.append(value)
        return f"${len(bindings)}"

    span: list[str] = []
    low, high = which.bounds(after)
    if low:
        span.append(f"id >= {bound(low)}")
    if high:
        span.append(f"id < {bound(high)}")
    if which.since:
        span.append(f"received_at >= {bound(which.since)}")
    if which.until:
        span.append(f"received_at < {bound(which.until)}")
    if which.webhook:
        span.append(f"webhook = {bound(kept(which.webhook))}")
    states = sorted(which.states) or (sorted(State) if which.webhook else [])
    arms = [_arm([*span, f"state = '{state.value}'"], limit) for state in states] or [_arm(span, limit)]
    return f"SELECT id FROM ({' UNION ALL '.join(arms)}) found ORDER BY id DESC LIMIT {limit}", bindings


def _arm(conditions: list[str], limit: int) -> str:
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"(SELECT id FROM events {where}ORDER BY id DESC LIMIT {limit})"


async def get_event(connection: Connection, event_id: str) -> Event | None:
    """One event."""
    row = await connection.fetchrow(queries.GET_EVENT, kept(event_id))
    return None if row is None else read_event(row)


async def find_run(connection: Connection, run_id: str) -> Event | None:
    """The event of a status address."""
    row = await connection.fetchrow(queries.FIND_RUN, kept(run_id))
    return None if row is None else read_event(row)


async def find_mark(connection: Connection, webhook: str, key: str, now: int) -> Mark | None:
    """The live mark of a key."""
    row = await connection.fetchrow(queries.FIND_MARK, mark_digest(webhook, key), now)
    return None if row is None else read_mark(webhook, tuple(row))


async def get_payload(connection: Connection, event_id: str) -> Payload | None:
    """The raw body, where it is kept."""
    body = await connection.fetchval(queries.GET_BODY, kept(event_id))
    return None if body is None else Payload(event_id, body)


async def list_attempts(connection: Connection, event_id: str) -> list[Attempt]:
    """Finished attempts, oldest first."""
    rows = await connection.fetch(queries.LIST_ATTEMPTS, kept(event_id))
    return [
        Attempt(number, started_at, ended_at, State(state), told(error), told(key))
        for number, started_at, ended_at, state, error, key in rows
    ]


async def owner_of(connection: Connection, numbering: Numbering, target: str, entity: str, key: str) -> str:
    """The newest event that wrote this record: elsewhere the journal knows it, our own records name theirs."""
    if target == RECORDS:
        record = await get_record(connection, numbering, entity, key)
        return record.event_id if record and await get_event(connection, record.event_id) else ""
    owner = await connection.fetchval(queries.OWNER_ELSEWHERE, kept(target), kept(entity), kept(key))
    return str(owner or "")
