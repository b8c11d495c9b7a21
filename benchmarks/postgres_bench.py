"""How much of raw PostgreSQL reaches a caller of the store.

    python -m benchmarks.postgres_bench [EVENTS]

Starts a server of its own unless ``$DATABASE_URL`` names one.  Prints events a second through `accept` with 64
concurrent callers, full rows (event with headers and body, dedup mark, built-in record, stored answer), beside the same
rows written by bare statements, an array a column, on two connections in batches of 32.  Trust the ratios: both ran
in this process, one after the other, with ``synchronous_commit`` on.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

import asyncpg
import uvloop

from benchmarks.store_bench import CALLERS, ROUNDS, acceptance, through_store
from hookstation.adapters.store.postgres import queries
from hookstation.adapters.store.postgres.connecting import Access
from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.adapters.store.postgres.rows import Row, append, columns, event_row, fields_text
from hookstation.adapters.store.rows import mark_digest
from hookstation.core.records import ACTIVITY, EffectResult, EffectVerdict
from tests.support.postgres import Given, Server, new_database, serving

CONNECTIONS = 2
BATCH = CALLERS // CONNECTIONS
WRITTEN = EffectResult(EffectVerdict.WRITTEN, "1000")
Rows = tuple[list[Row], list[Row], list[Row]]


def raw_rows(events: int) -> Rows:
    """What the store would write of as many events: marks, events and records."""
    asked = [acceptance() for _ in range(events)]
    marks: list[Row] = [
        (mark_digest(one.mark.webhook, one.mark.key), one.entry.id, one.mark.expires_at)
        for one in asked
        if one.mark is not None
    ]
    rows = [event_row(one.entry, one.settle(WRITTEN), one.mark, queued=False) for one in asked]
    effects = [one.effect for one in asked if one.effect is not None]
    records: list[Row] = [
        (1, number, "10420", None, fields_text({"SEQN": number, **effect.fields}), one.entry.id)
        for number, (one, effect) in enumerate(zip(asked, effects, strict=True), 10**9)
    ]
    return marks, rows, records


async def raw(url: str, rows: Rows) -> float:
    """Events a second by bare statements."""
    connections = [await asyncpg.connect(url) for _ in range(CONNECTIONS)]
    starts = iter(range(0, len(rows[0]), BATCH))

    async def write(connection: asyncpg.Connection[asyncpg.Record]) -> None:
        for start in starts:
            await connection.execute(Access("").begin)
            marks, events, records = (_sorted(values[start : start + BATCH]) for values in rows)
            await connection.execute(queries.TAKE_MARKS, *columns(marks, 3))
            await append(connection, "events", queries.EVENT_TABLE, events)
            await append(connection, "records", queries.RECORD_TABLE, records)
            await connection.execute("COMMIT")

    began = time.perf_counter()
    await asyncio.gather(*(write(connection) for connection in connections))
    taken = time.perf_counter() - began
    for connection in connections:
        await connection.close()
    return len(rows[0]) / taken


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: str(row[0]))


async def measure(server: Server | Given, events: int) -> tuple[float, float]:
    """Events a second: bare, and through the store. A database each, warmed up by the store."""
    async with new_database(server) as url:
        store = await open_postgres(url)
        await through_store(store, CALLERS, CALLERS)
        bare = await raw(url, raw_rows(events))
        await store.close()
    async with new_database(server) as url:
        store = await open_postgres(url)
        await through_store(store, CALLERS, CALLERS)
        ours = await through_store(store, events, CALLERS)
        assert await store.count_records(ACTIVITY) == events + CALLERS
        await store.close()
    return bare, ours


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with serving() as server:
        for _ in range(ROUNDS):
            bare, ours = uvloop.run(measure(server, events))
            print(f"{CALLERS} callers: raw {bare:8,.0f}/s   store {ours:8,.0f}/s   ratio {ours / bare:.2f}")


if __name__ == "__main__":
    main()
