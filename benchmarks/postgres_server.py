"""A PostgreSQL for the benchmarks: durable as it comes, on every core, its work and its statements counted."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.machine import processor_time
from tests.support.postgres import Server, execute, private_folder

SETTINGS: Final = "-c shared_buffers=512MB -c max_connections=400 -c max_wal_size=2GB"
"""Everything else is what PostgreSQL comes with; above all fsync and synchronous_commit are on."""

_STATEMENT: Final = re.compile(r"LOG:  (?:statement|execute [^:]*): ")


class BenchServer(Server):
    """A server of the benchmarks' own."""

    settings = SETTINGS

    def start(self) -> None:
        """Start it, not held on one core as this process is."""
        with every_core():
            super().start()

    @property
    def processor_time(self) -> float:
        """Seconds of processor time used so far by all of its processes, ended ones included; 0 without /proc."""
        first, *others = self.pids
        return processor_time(first, children=True) + sum(map(processor_time, others))

    def log_size(self) -> int:
        """Bytes that its log has by now."""
        return self._log.stat().st_size

    def statements_since(self, size: int) -> int:
        """How many statements clients had executed since its log had that size, in databases that log them all."""
        with self._log.open("rb") as log:
            log.seek(size)
            return len(_STATEMENT.findall(log.read().decode(errors="replace")))

    def create(self, name: str, log_statements: bool = False) -> str:
        """Make an empty database; its URL. With `log_statements` each statement of a client goes to the log."""
        asyncio.run(
            execute(self.url("postgres"), f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        )
        if log_statements:
            asyncio.run(execute(self.url("postgres"), f"ALTER DATABASE {name} SET log_statement = 'all'"))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database with whoever is connected to it."""
        asyncio.run(execute(self.url("postgres"), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@contextmanager
def every_core() -> Iterator[None]:
    """Let what is started now run on every core, although this process is held on one."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    held = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, held)


@contextmanager
def bench_server(beside: Path) -> Iterator[BenchServer]:
    """A server in a private folder on the disk of another folder, beside it if all may enter there."""
    with private_folder(beside.parent) as (programs, folder):
        server = BenchServer(programs, folder)
        try:
            server.make()
            yield server
        finally:
            server.kill()
