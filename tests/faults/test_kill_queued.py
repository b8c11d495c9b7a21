"""kill -9 while events wait for their work: whatever was acknowledged is done, and done once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hookstation.testing.sandbox import running_sandbox
from tests.faults.test_kill import on_file, on_postgres
from tests.support.killing import kill_with_records, kill_with_sandbox

QUEUED: dict[str, Any] = {"answer": "queued"}


async def test_killed_with_work_for_the_built_in_target(tmp_path: Path, rounds: int) -> None:
    """Every acknowledged event has its one record in the end, whoever was killed between the two."""
    async with on_file(tmp_path) as station:
        await kill_with_records(station, rounds, "kill -9, queued, built-in records", **QUEUED)


async def test_killed_with_work_for_the_sandbox_target(tmp_path: Path, rounds: int) -> None:
    """What was being sent is looked up; no activity is doubled, none that was acknowledged is lost."""
    work = {"concurrency": 50, "retry": {"first": "200ms", "most": "1s"}}
    async with running_sandbox() as sandbox, on_file(tmp_path) as station:
        await kill_with_sandbox(station, sandbox, rounds, "kill -9, queued, sandbox", **QUEUED, work=work)


async def test_killed_with_work_on_postgres(tmp_path: Path, database: str, rounds: int) -> None:
    """The same on PostgreSQL, where the work is taken over when the dead node has been silent too long."""
    async with on_postgres(tmp_path, database) as node:
        await kill_with_records(node, rounds, "kill -9, queued, PostgreSQL", **QUEUED)
