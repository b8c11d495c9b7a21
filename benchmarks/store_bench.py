"""How much of raw SQLite reaches a caller of the store.

    python benchmarks/store_bench.py [EVENTS] [random]

With `random` the dedup keys have no order.  Prints events a second through `accept` with 64 concurrent
callers and with one, full rows (event, headers and body, dedup mark, built-in record, stored answer), beside
the same rows written by bare `executemany` + COMMIT in batches of 64 and of one.  Trust the ratios: both ran
in this process, one after the other.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import uvloop

from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.adapters.store import migrations
from hookstation.adapters.store.connections import open_writer
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.events import JournalEntry, Mark, MarkState, Settlement, State
from hookstation.core.records import ACTIVITY, RECORDS, Effect, EffectResult, EntitySpec, Operation
from hookstation.ports.store import Acceptance, Store

RANDOM_KEYS = "random" in sys.argv
CALLERS = 64
ROUNDS = 3
BODY = b'{"memberId": "10420", "note": "' + b"x" * 460 + b'"}'
HEADERS = {f"x-header-{number}": "some value of it" for number in range(8)}
TIMINGS = {"access": 1200, "read": 31_000, "authenticate": 3500, "parse": 3600, "schema": 2200, "map": 6800}
FIELDS = {
    "ID": "10420", "ACTIVITY_TYPE": "TEST", "TRANSACTION_DATE": "2026-11-22T09:30:00", "UF_1": "X1", "UF_2": "pass",
    "CATEGORY": "DATE:2026-11-22", "NOTE": "First name: Ada, Last name: Lovelace", "DESCRIPTION": "Course completed",
}  # fmt: skip
SPEC = EntitySpec(ACTIVITY, {})
identifiers = SystemIdentifiers(SystemClock())


def settle(effect: EffectResult | None) -> Settlement:
    assert effect is not None
    return Settlement(State.SUCCEEDED, 200, b'{"success": true}', record_key=effect.key)


def acceptance() -> Acceptance:
    event_id, now = identifiers.event_id(), time.time_ns() // 1000
    entry = JournalEntry(
        event_id, "course-completions", now, "203.0.113.9", len(BODY), HEADERS, body=BODY, connection=RECORDS,
        entity=ACTIVITY, timings=TIMINGS,
    )  # fmt: skip
    key = identifiers.run_id() if RANDOM_KEYS else f"msg_{event_id}"
    mark = Mark(
        entry.webhook, key, hashlib.sha256(BODY).digest(), event_id, MarkState.WORKING, now + 604_800_000_000
    )
    return Acceptance(entry, settle, Effect(SPEC, Operation.INSERT, FIELDS), mark)


async def through_store(store: Store, events: int, callers: int) -> float:
    work = iter([acceptance() for _ in range(events)])

    async def call() -> None:
        for one in work:
            await store.accept(one)

    began = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(callers)))
    return events / (time.perf_counter() - began)


def raw_rows(events: int) -> dict[str, list[tuple[object, ...]]]:
    ids = [identifiers.event_id() for _ in range(events)]
    now, digest, times = time.time_ns() // 1000, hashlib.sha256(BODY).digest(), json.dumps(TIMINGS)
    headers, fields = json.dumps(HEADERS), json.dumps({"SEQN": 1000, **FIELDS})
    return {
        "INSERT INTO events VALUES (" + ",".join("?" * 22) + ")": [
            (one, "course-completions", "succeeded", now, "203.0.113.9", len(BODY), 200, b'{"success": true}', "", "",
             RECORDS, ACTIVITY, "1000", "", now, now, 1, times, "", number, one, digest)
            for number, one in enumerate(ids, 1)
        ],
        "INSERT INTO payloads VALUES (?,?,?)": [(number, headers, BODY) for number in range(1, events + 1)],
        "INSERT INTO marks VALUES (?,?,?)": [(hashlib.sha256(one.encode()).digest()[:16], one, now) for one in ids],
        "INSERT INTO records VALUES (?,?,?,?,?,?)": [
            (1 << 40 | number, 1, "10420", None, fields, one) for number, one in enumerate(ids, 1)
        ],
    }  # fmt: skip


def raw(connection: apsw.Connection, events: int, batch: int) -> float:
    rows = raw_rows(events)
    began = time.perf_counter()
    for start in range(0, events, batch):
        connection.execute("BEGIN IMMEDIATE")
        for statement, values in rows.items():
            connection.executemany(statement, values[start : start + batch])
        connection.execute("COMMIT")
    return events / (time.perf_counter() - began)


def in_folder(measure: Callable[[Path], float]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder) / "bench.db")


def measure_raw(events: int, batch: int) -> float:
    def measure(path: Path) -> float:
        connection = open_writer(path)
        migrations.migrate(connection)
        try:
            return raw(connection, events, batch)
        finally:
            connection.close()

    return in_folder(measure)


def measure_store(events: int, callers: int) -> float:
    async def run(path: Path) -> float:
        store = await open_sqlite(path)
        try:
            return await through_store(store, events, callers)
        finally:
            await store.close()

    return in_folder(lambda path: uvloop.run(run(path)))


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for callers, count in ((CALLERS, events), (1, events // 10)):
        for _ in range(ROUNDS):
            bare, ours = measure_raw(count, callers), measure_store(count, callers)
            print(
                f"{callers:3d} callers: raw {bare:8,.0f}/s   store {ours:8,.0f}/s   ratio {ours / bare:.2f}"
            )


if __name__ == "__main__":
    main()
