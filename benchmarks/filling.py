"""Bulk-loading a journal: millions of events as the station would have written them over some weeks.

They go straight into the SQLite file of a station that does not run, each a copy of an event of its own, with id,
time, number and dedup key of its own; so indexes, marks and records are as large as they would be.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from benchmarks.cloning import Template, Value, newest_event
from benchmarks.workload import NUMBER_DIGITS, NUMBERS, STRIDE, number_text
from hookstation.adapters.store.rows import ENTITY_SHIFT, mark_digest
from hookstation.core.journal_rules import lowest_id

WEEKS: Final = 3
"""How far back the events go: longer than a day, so that some can be pruned, and less than the default retention."""

CHUNK: Final = 500_000
CACHE_KILOBYTES: Final = 1_000_000
FIRST_KEY: Final = "the-first-of-many"
"""The dedup key of the event that is copied, in its `webhook-id` header."""

KEY: Final = f"printf('filled-%0{NUMBER_DIGITS}d', n * {STRIDE} % {NUMBERS})"
STATE: Final = "CASE WHEN n % 50 = 0 THEN 'failed' WHEN n % 200 = 1 THEN 'rejected' ELSE 'succeeded' END"
SUCCEEDED: Final = "n % 50 <> 0 AND n % 200 <> 1"
_TALLIES: Final = (
    "INSERT OR REPLACE INTO tallies SELECT webhook, :span, at, 0, json_group_object(state, calls) FROM ("
    "SELECT webhook, at, state, sum(calls) AS calls FROM ("
    "SELECT webhook, :length * (received_at / :length) AS at, state, count(*) AS calls FROM events GROUP BY 1, 2, 3 "
    "UNION ALL SELECT '', :length * (received_at / :length), state, count(*) FROM events GROUP BY 1, 2, 3"
    ") GROUP BY 1, 2, 3) GROUP BY webhook, at"
)
"""Roll-ups of all events, without how long answers took."""

_HOUR: Final = 3_600 * 1_000_000
_FOUR_WEEKS: Final = 4 * 7 * 86_400 * 1_000_000


def fill(database: Path, events: int, webhooks: list[str], tell: Callable[[str], None]) -> None:
    """Load so many events into the journal, spread over these webhooks; all of it is on the disk at the end."""
    connection = apsw.Connection(str(database))
    try:
        for pragma, value in (
            ("journal_mode", "off"),
            ("synchronous", "off"),
            ("cache_size", -CACHE_KILOBYTES),
        ):
            connection.pragma(pragma, value)
        _Filling(connection, events, webhooks, tell).run()
        connection.pragma("journal_mode", "wal")
    finally:
        connection.close()
    with database.open("rb") as file:
        os.fsync(file.fileno())


class _Filling:
    def __init__(
        self, connection: apsw.Connection, events: int, webhooks: list[str], tell: Callable[[str], None]
    ) -> None:
        self._connection, self._events, self._webhooks, self._tell = connection, events, webhooks, tell
        self._template: Template = newest_event(connection)
        span = WEEKS * 7 * 86_400 * 1_000_000
        self._step = max(1, span // events)
        self._first = time.time_ns() // 1000 - events * self._step - 60_000_000
        functions: dict[str, Callable[..., Value]] = {
            "event_id": self._event_id,
            "at": self._at,
            "webhook": self._webhook,
            "digest": self._digest,
        }
        for name, function in functions.items():
            connection.create_scalar_function(name, function, 1, deterministic=True)

    def run(self) -> None:
        """Fill table by table, in the order of each table's key."""
        with self._connection:
            for start in range(1, self._events + 1, CHUNK):
                self._copy(start, min(start + CHUNK, self._events + 1) - 1)
                self._tell(f"  {min(start + CHUNK - 1, self._events):,} of {self._events:,} events loaded")
            self._mark()
            self._count()

    def _at(self, n: int) -> int:
        return self._first + n * self._step

    def _event_id(self, n: int) -> str:
        return f"{lowest_id(self._at(n))}{n * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF:016X}"

    def _webhook(self, n: int) -> str:
        return self._webhooks[n % len(self._webhooks)]

    def _digest(self, n: int) -> bytes:
        return mark_digest(self._webhook(n), f"filled-{number_text(n)}")

    def _number(self, table: str, column: str) -> int:
        """A number of the row that is copied."""
        value = self._template.rows[table][column]
        assert isinstance(value, int)
        return value

    def _copy(self, first: int, last: int) -> None:
        """Events, payloads and records from number `first` to `last`."""
        payload, record = self._number("payloads", "no"), self._number("records", "id")
        numbers = series(first, last)
        wanted = f"{numbers} WHERE {SUCCEEDED}"
        changed = {
            "id": "event_id(n)",
            "webhook": "webhook(n)",
            "state": STATE,
            "received_at": "at(n)",
            "started_at": "at(n)",
            "settled_at": "at(n)",
            "answer_status": f"CASE WHEN {SUCCEEDED} THEN 200 ELSE 400 END",
            "record_key": f"CASE WHEN {SUCCEEDED} THEN CAST(n + 1 AS TEXT) ELSE '' END",
            "payload_no": f"n + {payload}",
            "dedup_key": KEY,
            "mark_expires_at": f"at(n) + {_FOUR_WEEKS}",
        }
        self._execute("events", changed, numbers)
        headers = f"replace(:headers, '{FIRST_KEY}', {KEY})"
        self._execute("payloads", {"no": f"n + {payload}", "headers": headers}, numbers)
        self._execute("records", {"id": f"n + {record}", "event_id": "event_id(n)"}, wanted)

    def _mark(self) -> None:
        """Marks lie in the order of their digests, which is no order: sorted first, they load in minutes, not hours."""
        self._tell("  dedup marks")
        changed = {"digest": "digest", "event_id": "event_id(n)", "expires_at": f"at(n) + {_FOUR_WEEKS}"}
        source = f"(SELECT n, digest(n) AS digest FROM {series(1, self._events)} WHERE {SUCCEEDED} ORDER BY digest)"
        self._execute("marks", changed, source)

    def _count(self) -> None:
        """The roll-ups that the station keeps of what was loaded."""
        body = self._template.rows["payloads"]["body"]
        assert isinstance(body, bytes)
        [(rejected,)] = self._connection.execute(
            "SELECT count(*) FROM events WHERE state = 'rejected'"
        ).fetchall()
        totals = [(rejected, "rejected"), (self._events * len(body), "body_bytes")]
        self._connection.executemany("UPDATE totals SET value = value + ? WHERE name = ?", totals)
        for span, length in ((0, 1 << 62), (1, _HOUR)):
            self._connection.execute(_TALLIES, {"span": span, "length": length})
        self._connection.execute(
            "UPDATE entities SET last = last + :n, records = records + (SELECT count(*) FROM records) - 1 "
            "WHERE number = :entity",
            {"n": self._events, "entity": self._number("records", "id") >> ENTITY_SHIFT},
        )

    def _execute(self, table: str, changed: dict[str, str], source: str) -> None:
        statement, bindings = self._template.insert(table, changed, source)
        self._connection.execute(statement, bindings)


def series(first: int, last: int) -> str:
    """A table of the numbers `n` from `first` to `last`."""
    return (
        f"(WITH RECURSIVE series(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM series WHERE n < {last}) "
        "SELECT n FROM series)"
    )
