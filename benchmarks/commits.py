"""One durable commit of the rows of one event, again and again, by nothing but SQLite: the yardstick of a lone sender.

``python -m benchmarks.commits STATION_DB NEW_DB SECONDS`` copies the rows that the station itself wrote last, with
numbers of their own, into a new database, and prints the latencies in milliseconds.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw

from benchmarks.cloning import Row, Template, newest_event
from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.adapters.store import migrations
from hookstation.adapters.store.connections import open_reader, open_writer
from hookstation.adapters.store.rows import mark_digest

READY: Final = 500
"""Rows that are made before the clock runs."""

PATIENCE: Final = 2000
identifiers = SystemIdentifiers(SystemClock())


def rows_of(template: Template, number: int) -> dict[str, Row]:
    """The rows of one more event like the template's."""
    event_id = identifiers.event_id()
    record = template.rows["records"]["id"]
    assert isinstance(record, int)
    digest = mark_digest("bench", event_id)
    changed: dict[str, Row] = {
        "events": {"id": event_id, "payload_no": number, "dedup_key": event_id, "record_key": str(number)},
        "payloads": {"no": number},
        "marks": {"digest": digest, "event_id": event_id},
        "records": {"id": record + number, "event_id": event_id},
    }
    return {table: {**template.rows[table], **changes} for table, changes in changed.items()}


def commits(connection: apsw.Connection, template: Template, seconds: float) -> Iterator[float]:
    """Milliseconds of each commit."""
    number = 0
    until = time.perf_counter() + seconds
    statements = {
        table: f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
        for table, row in template.rows.items()
    }
    connection.execute("INSERT INTO entities VALUES (1, 'Activity', 0, 0)")
    while time.perf_counter() < until:
        for rows in [rows_of(template, number + one) for one in range(1, READY + 1)]:
            number += 1
            began = time.perf_counter_ns()
            connection.execute("BEGIN IMMEDIATE")
            for table, statement in statements.items():
                connection.executemany(statement, [tuple(rows[table].values())])
            connection.executemany(
                "UPDATE entities SET last = ?, records = ? WHERE number = ?", [(number, number, 1)]
            )
            connection.executemany(
                "UPDATE totals SET value = value + ? WHERE name = ?", [(500, "body_bytes")]
            )
            connection.execute("COMMIT")
            yield (time.perf_counter_ns() - began) / 1e6


def main(station: str, database: str, seconds: str) -> None:
    """Measure, and print the figures as JSON."""
    reader = open_reader(Path(station), PATIENCE)
    template = newest_event(reader)
    reader.close()
    connection = open_writer(Path(database))
    migrations.migrate(connection)
    took = sorted(commits(connection, template, float(seconds)))
    connection.close()
    figures = {"requests": len(took), "mean": statistics.fmean(took), "p50": took[len(took) // 2]}
    print(
        json.dumps(
            {**figures, "p99": took[len(took) * 99 // 100], "most": took[-1], "seconds": sum(took) / 1000}
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
