"""kill -9 during load: nothing acknowledged is lost, nothing is doubled, on a file and on PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import apsw

from hookstation.testing.sandbox import running_sandbox
from tests.support.cluster import Node, running_cluster
from tests.support.killing import kill_with_records, kill_with_sandbox
from tests.support.station_process import StationProcess


@contextlib.asynccontextmanager
async def on_file(folder: Path) -> AsyncIterator[StationProcess]:
    """A station whose SQLite file is whole when it has stopped."""
    async with StationProcess(folder / "data") as station:
        yield station
        await station.terminate()
        assert "ok" == integrity(station.folder / "hookstation.db")


def integrity(database: Path) -> str:
    """What SQLite itself says of the file."""
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return str(connection.pragma("integrity_check"))
    finally:
        connection.close()


@contextlib.asynccontextmanager
async def on_postgres(folder: Path, database: str) -> AsyncIterator[Node]:
    """The only node on a database."""
    async with running_cluster(folder, database) as cluster:
        [node] = cluster.nodes
        yield node
        assert [0] == await cluster.terminate()


async def test_killed_with_the_built_in_target(tmp_path: Path, rounds: int) -> None:
    """Every acknowledged event stands with its one record, and repeating all of them completes the rest."""
    async with on_file(tmp_path) as station:
        await kill_with_records(station, rounds, "kill -9, built-in records")


async def test_killed_with_the_sandbox_target(tmp_path: Path, rounds: int) -> None:
    """What was in flight is unknown, then settled by its marker; no activity is doubled, none acknowledged is lost."""
    async with running_sandbox() as sandbox, on_file(tmp_path) as station:
        await kill_with_sandbox(station, sandbox, rounds, "kill -9, sandbox")


async def test_killed_with_the_built_in_target_on_postgres(
    tmp_path: Path, database: str, rounds: int
) -> None:
    """The same on PostgreSQL, whose own processes outlive the node and may still be at its last commits."""
    async with on_postgres(tmp_path, database) as node:
        await kill_with_records(node, rounds, "kill -9, built-in records on PostgreSQL")


async def test_killed_with_the_sandbox_target_on_postgres(tmp_path: Path, database: str, rounds: int) -> None:
    """The same on PostgreSQL, where what was in flight is taken over when the dead node has been silent too long."""
    async with running_sandbox() as sandbox, on_postgres(tmp_path, database) as node:
        await kill_with_sandbox(node, sandbox, rounds, "kill -9, sandbox on PostgreSQL")
