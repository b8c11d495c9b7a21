"""Starting the sides of the comparison and hearing what they say."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, cast

from benchmarks.machine import pin
from benchmarks.postgres_server import BenchServer
from benchmarks.servers import ServerFailed

SETTLED: Final = 5.0
"""Seconds that idle workers are given to be done with starting."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The means: a server, a folder, and the core that clients are held on."""

    server: BenchServer
    folder: Path
    core: int | None
    numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def database(self, log_statements: bool = False) -> Iterator[str]:
        """The URL of an empty database, gone afterwards."""
        name = f"side_{next(self.numbers)}"
        try:
            yield self.server.create(name, log_statements)
        finally:
            self.server.drop(name)

    def ask(self, side: str, url: str, command: str, amount: int) -> object:
        """What a side answers. Raises `ServerFailed`."""
        with self._started(side, url, command, str(amount)) as process:
            out, said = process.communicate()
            if process.returncode:
                raise ServerFailed(f"{side} {command} failed:\n{said[-3000:]}")
            return json.loads(out)

    def rate(self, side: str, jobs: int, command: str = "drain") -> float:
        """Jobs a second on PostgreSQL, in a database of its own."""
        with self.database() as url:
            return jobs / cast("float", self.ask(side, url, command, jobs))

    def rate_on_sqlite(self, side: str, jobs: int) -> float:
        """Jobs a second on SQLite, in a folder of its own."""
        folder = self.folder / f"side-{next(self.numbers)}"
        folder.mkdir()
        return jobs / cast("float", self.ask(side, f"sqlite:{folder / 'jobs.db'}", "drain", jobs))

    def pickups(self, side: str, times: int) -> list[float]:
        """Milliseconds of each."""
        with self.database() as url:
            return cast("list[float]", self.ask(side, url, "pickups", times))

    def idle_statements(self, side: str, workers: int, seconds: float) -> float:
        """Statements a second that so many idle workers cost the database."""
        with self.database(log_statements=True) as url, ExitStack() as running:
            for _ in range(workers):  # one after the other: each may have tables to make
                process = running.enter_context(self._started(side, url, "idle"))
                assert process.stdout is not None
                if json.loads(process.stdout.readline() or "null") != "ready":
                    raise ServerFailed(f"{side} did not start")
            return self.watch(seconds)

    def watch(self, seconds: float) -> float:
        """Statements a second from now on, after a while in which everybody settles down."""
        time.sleep(min(SETTLED, seconds))
        size, began = self.server.log_size(), time.perf_counter()
        time.sleep(seconds)
        return self.server.statements_since(size) / (time.perf_counter() - began)

    @contextmanager
    def _started(self, side: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", f"benchmarks.jobs.{side}", *arguments]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            pin(self.core, process.pid)
            try:
                yield process
                if process.stdin and not process.stdin.closed:
                    process.communicate(timeout=SETTLED * 4)
            finally:
                process.kill()
