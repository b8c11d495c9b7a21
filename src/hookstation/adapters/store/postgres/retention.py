"""Pruning: whole partitions where everything in them may go, else the oldest events in small steps.

Several nodes may prune at once: what one of them deletes another passes over.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias, cast

from hookstation.adapters.store.postgres import queries, search
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.jobs import cancel
from hookstation.adapters.store.postgres.partitions import existing, table_of, week_beginning
from hookstation.adapters.store.postgres.rows import columns, told
from hookstation.adapters.store.rows import mark_digest
from hookstation.adapters.store.sweeps import LOOK, Choice, Sweep, Sweeps
from hookstation.core.events import OPEN_STATES, State
from hookstation.core.jobs import EVENTS
from hookstation.core.journal_rules import ID_SLACK, PRUNABLE_STATES, lowest_id
from hookstation.ports.store import Retention

STEP: Final = 200
"""Events that go in one transaction."""

DROP_PATIENCE: Final = 300
"""Milliseconds that dropping a partition may wait for a lock, and so hold up the lane; then it is tried next time."""

WORTH_DROPPING: Final = 10_000
"""Events from which a partition goes as a whole, whatever was asked for: it costs less than the first step."""

Look: TypeAlias = Callable[[Connection, int], Awaitable[Choice]]
"""One look for at most so many events that may go; asked again until it says that it has ended."""

_OPEN: Final = ", ".join(f"'{state.value}'" for state in sorted(OPEN_STATES))

_OLDEST: Final = (
    "SELECT id, webhook, dedup_key FROM events "
    "WHERE state = $1 AND id > $2 AND id < $3 AND received_at < $4 ORDER BY id LIMIT $5"
)
"""The oldest events of one state, after an id, that were received before a time."""

_OLDEST_REJECTED: Final = "SELECT id FROM events WHERE state = 'rejected' ORDER BY id LIMIT $1"
"""The oldest rejected events."""

_OLDEST_BODIES: Final = (
    "SELECT id, webhook, dedup_key, octet_length(body) FROM events "
    f"WHERE state NOT IN ({_OPEN}) AND id > $1 AND octet_length(body) > 0 ORDER BY id LIMIT $2"
)
"""The oldest events that may go and take a body with them, with its size."""

_HOLDERS: Final = (
    "SELECT event_id FROM marks WHERE digest = ANY($1::bytea[]) AND event_id = ANY($2::text[]) "
    "AND expires_at > $3"
)
"""Which of some events hold a mark that is alive."""

_ANY_HOLDER: Final = (
    "SELECT EXISTS (SELECT FROM marks WHERE event_id >= $1 AND event_id < $2 AND expires_at > $3)"
)
"""Whether any event of a span of ids holds a mark that is alive."""

_JOBS_LEFT: Final = "SELECT j.id FROM jobs j WHERE j.queue = $1 AND j.id >= $2 AND j.id < $3 AND EXISTS "
"""The beginning of a statement: jobs that are left of events in a span."""

_DROP_BODIES: Final = "UPDATE events SET body = NULL WHERE id = ANY($1::text[])"
"""Forget bodies; their events stay."""

_GOING: Final = (
    "SELECT id, webhook, dedup_key, state, coalesce(octet_length(body), 0) FROM events "
    f"WHERE id = ANY($1::text[]) AND state NOT IN ({_OPEN}) ORDER BY id FOR UPDATE SKIP LOCKED"
)
"""What goes with some events; those that were opened again since they were chosen are left out."""

_DROP_ATTEMPTS: Final = "DELETE FROM attempts WHERE event_id = ANY($1::text[])"
_DROP_EVENTS: Final = "DELETE FROM events WHERE id = ANY($1::text[])"

_TOTALS_OF_A_PARTITION: Final = (
    "SELECT count(*), count(*) FILTER (WHERE state = 'rejected'), coalesce(sum(octet_length(body)), 0)::bigint, "
    "count(*) FILTER (WHERE NOT (state = ANY($1::text[]))) FROM "
)
"""Events, rejected ones, bytes of bodies, and events that may not go."""

SWEEPING: Final = tuple(
    f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("
    f"SELECT ctid FROM {table} WHERE event_id >= $1 AND event_id < $2 LIMIT 5000))"
    for table in ("attempts", "marks", "search")
)
"""Forget, in steps, what hangs on the events of weeks that are gone."""

COUNTING: Final = 86_400.0
"""Seconds that counting a week's events may take."""

Keyed: TypeAlias = tuple[str, str, str | None]
"""An event's id, its webhook and its dedup key, as they are kept."""

Span: TypeAlias = tuple[str, str]
"""Ids from the first and before the second."""


def rules(retention: Retention, sweeps: Sweeps) -> Iterator[Look]:
    """The rules that are switched on, each choosing at most so many of the oldest events that it lets go."""
    if retention.before:
        sweeps.age.begin(retention.now)
        yield partial(_settled_before, sweeps.age, retention)
    if retention.rejected_before:
        yield partial(_rejected_before, retention.rejected_before)
    if retention.most_rejected:
        yield partial(_beyond_newest, retention.most_rejected)
    if retention.most_bytes:
        sweeps.bodies.begin(retention.now)
        yield partial(_beyond_bytes, sweeps.bodies, retention)


async def _settled_before(sweep: Sweep, retention: Retention, reader: Connection, limit: int) -> Choice:
    rows: list[Keyed] = []
    for state in PRUNABLE_STATES:
        rows += await _received_before(reader, state, retention.before, LOOK, sweep.after)
    rows = sorted(rows, key=lambda row: row[0])[:LOOK]
    staying = await _holders(reader, rows, retention.now)
    return sweep.choose([event_id for event_id, *_ in rows], staying, limit)


async def _rejected_before(before: int, reader: Connection, limit: int) -> Choice:
    rows = await _received_before(reader, State.REJECTED, before, limit, "")
    return Choice([event_id for event_id, *_ in rows], ended=True)


async def _received_before(
    reader: Connection, state: State, before: int, limit: int, after: str
) -> list[Keyed]:
    bounds = (state.value, after, lowest_id(before + ID_SLACK), before, limit)
    return [cast("Keyed", tuple(row)) for row in await reader.fetch(_OLDEST, *bounds)]


async def _beyond_newest(most: int, reader: Connection, limit: int) -> Choice:
    surplus = min(await _total(reader, "rejected") - most, limit)
    if surplus <= 0:
        return Choice([], ended=True)
    return Choice([str(one) for (one,) in await reader.fetch(_OLDEST_REJECTED, surplus)], ended=True)


async def _beyond_bytes(sweep: Sweep, retention: Retention, reader: Connection, limit: int) -> Choice:
    surplus = await _total(reader, "body_bytes") - retention.most_bytes
    found: list[Keyed] = []
    if surplus > 0:
        for *row, size in await reader.fetch(_OLDEST_BODIES, sweep.after, limit):
            if surplus <= 0:
                break
            found.append(cast("Keyed", tuple(row)))
            surplus -= int(size)
    if found:
        sweep.after = found[-1][0]
        sweep.stayed += len(await _holders(reader, found, retention.now))
    return Choice([event_id for event_id, *_ in found], ended=True, only_bodies=True)


async def _holders(connection: Connection, keys: Iterable[Keyed], now: int) -> set[str]:
    """Which of these events hold a mark that is alive at `now`."""
    asked = [
        (mark_digest(told(webhook), told(key)), event_id)
        for event_id, webhook, key in keys
        if key is not None
    ]
    if not asked:
        return set()
    return {str(one) for (one,) in await connection.fetch(_HOLDERS, *columns(asked, 2), now)}


async def _total(reader: Connection, name: str) -> int:
    return int(await reader.fetchval(queries.TOTAL, name))


async def remove(
    connection: Connection, event_ids: Sequence[str], now: int, slot: int, *, only_bodies: bool
) -> int:
    """Delete these events with all that hangs on them but their records; those that were opened again stay.

    One that holds a mark at `now` stays too; `only_bodies` says that it loses its body then.  Returns how many went
    or lost theirs.
    """
    found = await connection.fetch(_GOING, event_ids)
    keys = [cast("Keyed", tuple(row)[:3]) for row in found]
    staying = await _holders(connection, keys, now)
    held = [
        (mark_digest(told(webhook), told(key)), event_id)
        for event_id, webhook, key in keys
        if key is not None and event_id not in staying
    ]
    going = [event_id for event_id, *_ in keys if event_id not in staying]
    emptied = sorted(staying) if only_bodies else []
    await connection.execute(queries.FREE_MARKS, *columns(sorted(held), 2))
    await connection.execute(_DROP_BODIES, emptied)
    await connection.execute(search.FORGET, [*going, *emptied])
    for statement in (_DROP_ATTEMPTS, _DROP_EVENTS):
        await connection.execute(statement, going)
    await cancel(connection, [(EVENTS, event_id) for event_id in going])
    gone = {*going, *emptied}
    rejected = sum(row[3] == State.REJECTED for row in found if row[0] not in staying)
    await _take_off(connection, slot, rejected, sum(int(row[4]) for row in found if row[0] in gone))
    return len(gone)


async def _take_off(connection: Connection, slot: int, rejected: int, size: int) -> None:
    rows = [("body_bytes", slot, -size), ("rejected", slot, -rejected)]
    await connection.execute(queries.ADD_TOTALS, *columns(rows, 3))


async def droppable(reader: Connection, retention: Retention) -> list[int]:
    """The weeks that are over for every rule by age; whether anything keeps them is seen under a lock."""
    if not retention.before:
        return []
    return [
        week for week in await existing(reader) if week_beginning(week + 1) + ID_SLACK <= retention.before
    ]


async def drop(connection: Connection, week: int, retention: Retention, slot: int, limit: int) -> int:
    """Drop a week's partition if everything in it may go; returns how many events went.

    More than `limit` go only where they are so many that steps would take long.

    While its events are counted nobody changes them.  The journal's own lock is taken only for the moment of dropping.
    """
    table = table_of(week)
    rejected_too = week_beginning(week + 1) + ID_SLACK <= retention.rejected_before
    may_go = [*PRUNABLE_STATES, State.REJECTED] if rejected_too else list(PRUNABLE_STATES)
    await connection.execute(
        f"SET LOCAL lock_timeout = {DROP_PATIENCE}; SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = on; "
        f"LOCK TABLE {table} IN SHARE MODE"
    )
    told_of = await connection.fetchrow(
        _TOTALS_OF_A_PARTITION + table, [state.value for state in may_go], timeout=COUNTING
    )
    assert told_of is not None
    events, rejected, size, kept_back = (int(number) for number in told_of)
    span = (lowest_id(week_beginning(week)), lowest_id(week_beginning(week + 1)))
    if limit < events < WORTH_DROPPING:
        return 0
    if kept_back or await connection.fetchval(_ANY_HOLDER, *span, retention.now):
        return 0
    await _take_off(connection, slot, rejected, size)
    left = await connection.fetch(f"{_JOBS_LEFT}(SELECT FROM {table} e WHERE e.id = j.id)", EVENTS, *span)
    await cancel(connection, [(EVENTS, event_id) for (event_id,) in left])
    await connection.execute(f"DROP TABLE {table}")
    return events


async def gaps(reader: Connection) -> list[Span]:
    """The spans of ids before the newest partition in which there are no events."""
    spans: list[Span] = []
    low = ""
    for week in await existing(reader):
        high = lowest_id(week_beginning(week))
        if low != high:
            spans.append((low, high))
        low = lowest_id(week_beginning(week + 1))
    return spans


async def sweep(connection: Connection, statement: str, span: Span) -> int:
    """One step of forgetting what hangs on events of a span; returns how many rows went."""
    return int((await connection.execute(statement, *span)).rpartition(" ")[2])
