"""How fast a database moves from SQLite to PostgreSQL, and how much memory that takes.

    python -m benchmarks.copy_bench [EVENTS] [BODY_BYTES]

Starts a server of its own unless ``$DATABASE_URL`` names one.  Fills a SQLite file through the store (each event with
headers, body, dedup mark, stored answer and built-in record), gives ``hookstation copy`` the rest, and prints the rows
a second from the start of that process to its end, the check of both sides included.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from benchmarks.store_bench import CALLERS, acceptance
from hookstation.adapters.store.sqlite import open_sqlite
from tests.support.postgres import Reachable, new_database, serving

ROWS_AN_EVENT = 3
"""Its own, its mark and its record; its payload goes along."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: seconds, and the most megabytes that it held."""

    seconds: float
    megabytes: float


async def fill(path: Path, events: int, body_bytes: int) -> None:
    store = await open_sqlite(path)
    try:
        left = iter(range(events))

        async def call() -> None:
            for _ in left:
                one = acceptance()
                if body_bytes:
                    one.entry = structs.replace(one.entry, body=os.urandom(body_bytes))
                await store.accept(one)

        await asyncio.gather(*(call() for _ in range(CALLERS if not body_bytes else 1)))
    finally:
        await store.close()


def copy(path: Path, url: str) -> Run:
    """Run the command; its output is ours."""
    words = ["copy", "--from", f"sqlite:///{path}", "--to", url]
    began = time.perf_counter()
    running = subprocess.Popen([sys.executable, "-m", "hookstation", *words])
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(running.returncode)
    return Run(time.perf_counter() - began, used.ru_maxrss / 1024)


async def copy_into_new(server: Reachable, path: Path) -> Run:
    """Copy into a database that is there for nothing else."""
    async with new_database(server) as url:
        return await asyncio.to_thread(copy, path, url)


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    body_bytes = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hookstation.db"
        asyncio.run(fill(path, events, body_bytes))
        run = asyncio.run(copy_into_new(server, path))
        size = path.stat().st_size / 2**20
    rows = events * ROWS_AN_EVENT
    print(
        f"{events:,} events, {size:,.0f} MB: {run.seconds:.1f} s, {rows / run.seconds:,.0f} rows/s, "
        f"{size / run.seconds:,.0f} MB/s; at most {run.megabytes:,.0f} MB of memory"
    )


if __name__ == "__main__":
    main()
