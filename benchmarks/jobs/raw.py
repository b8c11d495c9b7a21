"""The yardstick: nothing but the statements that lease and settle cannot do without, 100 jobs at a time.

The rows are as long as the station's own; of indexes there are the primary key and the one by which ready jobs are
found.  ``python -m benchmarks.jobs.raw URL drain JOBS`` for PostgreSQL, with ``sqlite:PATH`` as the URL for SQLite.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

import apsw
import asyncpg
import uvloop

from benchmarks.jobs.side import Drain, run
from hookstation.adapters.store.connections import open_writer

CONNECTIONS: Final = 2
TABLE: Final = (
    "CREATE TABLE raw_jobs (queue TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, state SMALLINT NOT NULL, "
    "due_at BIGINT NOT NULL, payload TEXT NOT NULL, node TEXT NOT NULL, token BIGINT NOT NULL, until BIGINT NOT NULL, "
    "PRIMARY KEY (queue, id))"
)
INDEX: Final = "CREATE INDEX raw_jobs_ready ON raw_jobs (queue, due_at, id) WHERE state = 0"
INSERT: Final = "INSERT INTO raw_jobs VALUES ('bench', $1, '', 0, 0, '{}', '', 0, 0)"
LEASE: Final = """
    UPDATE raw_jobs SET state = 1, node = '01KAAAAAAAAAAAAAAAAAAAAAAA', token = token + 1, until = $1
    WHERE queue = 'bench' AND id IN (
        SELECT id FROM raw_jobs WHERE queue = 'bench' AND state = 0 AND due_at <= $1
        ORDER BY due_at, id LIMIT 100 FOR UPDATE SKIP LOCKED
    ) RETURNING id, payload, token
"""
DELETE: Final = "DELETE FROM raw_jobs WHERE queue = 'bench' AND id = ANY($1)"
LITE_LEASE: Final = LEASE.replace("FOR UPDATE SKIP LOCKED", "").replace("$1", "?1")
LITE_DELETE: Final = "DELETE FROM raw_jobs WHERE queue = 'bench' AND id IN (SELECT value FROM carray(?))"


def ids(jobs: int) -> list[str]:
    """As many ids, as long as the station's."""
    return [f"{number:026d}" for number in range(jobs)]


class RawPostgres:
    """asyncpg on two connections, each statement a transaction."""

    def __init__(self, url: str) -> None:
        self._url = url

    def drain(self, jobs: int) -> float:
        """Lease and delete until nothing is ready."""
        return uvloop.run(self._drain(jobs))

    async def _drain(self, jobs: int) -> float:
        connections = [await asyncpg.connect(self._url) for _ in range(CONNECTIONS)]
        for statement in ("DROP TABLE IF EXISTS raw_jobs", TABLE, INDEX):
            await connections[0].execute(statement)
        await connections[0].executemany(INSERT, [(one,) for one in ids(jobs)])
        await connections[0].execute("ANALYZE raw_jobs")
        began = time.perf_counter()
        done = await asyncio.gather(*(_work(connection) for connection in connections))
        taken = time.perf_counter() - began
        assert sum(done) == jobs
        for connection in connections:
            await connection.close()
        return taken


async def _work(connection: asyncpg.Connection[asyncpg.Record]) -> int:
    done = 0
    while leased := await connection.fetch(LEASE, time.time_ns() // 1000):
        await connection.execute(DELETE, [one[0] for one in leased])
        done += len(leased)
    return done


class RawSqlite:
    """apsw as the store opens it: WAL, synchronous=FULL."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def drain(self, jobs: int) -> float:
        """Lease and delete until nothing is ready."""
        connection = open_writer(self._path)
        for statement in ("DROP TABLE IF EXISTS raw_jobs", TABLE, INDEX):
            connection.execute(statement)
        with connection:
            connection.executemany(INSERT.replace("$1", "?1"), [(one,) for one in ids(jobs)])
        began = time.perf_counter()
        done = 0
        while leased := connection.execute(LITE_LEASE, (time.time_ns() // 1000,)).fetchall():
            connection.execute(LITE_DELETE, (apsw.carray(tuple(one[0] for one in leased)),))
            done += len(leased)
        taken = time.perf_counter() - began
        assert done == jobs
        connection.close()
        return taken


def make(url: str) -> Drain:
    """The side for a URL."""
    kind, _, path = url.partition("sqlite:")
    return RawPostgres(url) if kind else RawSqlite(Path(path))


if __name__ == "__main__":
    run(make)
