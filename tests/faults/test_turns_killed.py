"""kill -9 of processes that write turns at full speed: every step is there once, with its record, and every end."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from hookstation.core.jobs import RUNS
from hookstation.core.workflows.values import RunState
from hookstation.ports.runs import RunFilter
from hookstation.testing.store_cases.chaining import FLOW, run_id
from hookstation.testing.store_cases.making import COURSES
from tests.support.counts import tell
from tests.support.turn_writer import AT_WORK, ENDS, STEPS, open_store

EACH: Final = 800
"""Runs that each process begins."""

SHORTEST: Final = 0.03
LONGEST: Final = 0.2
"""Seconds from that until it is killed: at least, and at most."""

PATIENCE: Final = 240.0


class Writers:
    """Processes that write turns. Whichever is started has another name, and begins other runs."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._running: list[asyncio.subprocess.Process] = []
        self.count = 0

    async def start(self) -> None:
        """Start one more, and come back once it is at work."""
        first, self.count = self.count, self.count + EACH
        words = ("-m", "tests.support.turn_writer", self._place, f"n{first}", f"{first}", f"{self.count}")
        pipe = asyncio.subprocess.PIPE
        running = await asyncio.create_subprocess_exec(sys.executable, *words, stdin=pipe, stdout=pipe)
        self._running.append(running)
        assert running.stdout is not None
        assert AT_WORK == (await running.stdout.readline()).decode().strip()

    async def kill(self) -> None:
        """``kill -9`` of the one that was started first."""
        victim = self._running.pop(0)
        victim.kill()
        await victim.communicate()

    async def end(self) -> None:
        """Let all that are left come to an end."""
        await asyncio.gather(*(one.communicate(b"") for one in self._running))
        assert {0} == {one.returncode for one in self._running}
        self._running = []

    async def __aenter__(self) -> Writers:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._running:
            await self.kill()


LEAST = 3
"""Kills after which some run surely changed its process: one kill may meet none in its middle."""


async def killed(place: str, at_once: int, rounds: int) -> int:
    """Let so many write, kill one after the other at random moments, and let the last ones end; how many runs began."""
    async with asyncio.timeout(PATIENCE + rounds), Writers(place) as writers:
        for _ in range(at_once):
            await writers.start()
        for _ in range(rounds):
            await asyncio.sleep(random.uniform(SHORTEST, LONGEST))  # house: allow sleep - a random moment
            await writers.kill()
            await writers.start()
        await writers.end()
    return writers.count


async def judge(place: str, count: int, rounds: int, what: str) -> None:
    """Count what there is of every run."""
    store = await open_store(place)
    records = await store.list_records(COURSES.name, count * len(STEPS) * 2)
    written = Counter((str(one.fields["ID"]), str(one.fields["Step"])) for one in records)
    runs = (await store.list_runs(RunFilter(workflow=FLOW), count + 1)).items
    histories = [await store.list_entries(one.id, 100, every=True) for one in runs]
    standing = (await store.standings(ENDS.kind))[ENDS.name]
    jobs = await store.list_jobs(RUNS, "", 1)
    await store.close()
    wanted = {(run_id(number), step) for number in range(count) for step in STEPS}
    doubled = sum(written.values()) - len(written)
    taken_over = [history for history in histories if len({entry.detail for entry in history}) > 1]
    print(f"{len(taken_over)} runs went from one process to another in their middle")
    tell(what, rounds, len(wanted), len(wanted - set(written)), doubled)
    assert (wanted, 0) == (set(written), doubled)
    assert [list(STEPS)] * count == [[entry.path for entry in history] for history in histories]
    assert {RunState.SUCCEEDED} == {one.state for one in runs}
    assert (count, []) == (standing.failures, list(jobs))
    assert taken_over


async def test_killed_on_a_file(tmp_path: Path, rounds: int) -> None:
    """One process on SQLite, killed again and again: no step is lost and none is done twice."""
    place = str(tmp_path / "hookstation.db")
    kills = max(LEAST, rounds)
    count = await killed(place, 1, kills)
    await judge(place, count, kills, "kill -9, turns of runs on a file")


async def test_killed_on_postgres(database: str, rounds: int) -> None:
    """Three processes on PostgreSQL of which one dies after the other: the others go on where it stopped."""
    kills = max(LEAST, rounds)
    count = await killed(database, 3, kills)
    await judge(database, count, kills, "three nodes, kill -9 of one, turns of runs")
