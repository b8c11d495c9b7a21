"""kill -9 while runs go on: each ends, writes once what it has to write, and calls once or says that it does not know.

What is unknown is looked up and told it, as a person would; then everything has happened exactly once.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Final

from tests.faults.test_deliveries_killed import identity
from tests.support.cluster import Cluster, running_cluster
from tests.support.counts import tell
from tests.support.lines import Lines, by_webhook
from tests.support.outbox import Database, OnFile, OnPostgres
from tests.support.program import READY_SECONDS
from tests.support.receiver import Receiver
from tests.support.six_steps import Told, all_rest, document, held, judge, say_what_happened

SHORTEST: Final = 0.0
LONGEST: Final = 1.0
"""Seconds between two kills: at least, and at most."""

GLANCE: Final = 0.005
LINES: Final = 16
EACH: Final = 200
"""Runs that begin in a round."""


async def has_runs(database: Database, node_id: str) -> None:
    """Wait until a node has runs in its hands."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            if await held(database, node_id):
                return
            await asyncio.sleep(GLANCE)  # house: allow sleep - a database tells nobody


async def kill_while_running(cluster: Cluster, database: Database, rounds: int, what: str) -> None:
    """Begin runs, kill one node after the other in their middle, and settle up when all rest."""
    told, killed, first = Told(), set[str](), cluster.nodes[0]
    async with Receiver(told.answer, remember=False) as receiver:
        path = await cluster.configure(document(receiver.url), "keys")
        lines = Lines(cluster.nodes, [by_webhook(path)], LINES)
        for number in range(rounds):
            node = cluster.nodes[number % len(cluster.nodes)]
            name = await identity(node)
            sending = asyncio.create_task(lines.send(EACH))
            await asyncio.sleep(random.uniform(SHORTEST, LONGEST))  # house: allow sleep - a random moment
            await has_runs(database, name)
            await node.kill()
            killed |= await held(database, name)
            await node.start()
            await sending
        await all_rest(database)
        before = Counter(told.runs)
        unknown = await say_what_happened(first, database, told.runs)
        await all_rest(database, "unknown")
    records = [one["fields"] for one in await first.items("/records/Courses")]
    verdict = await judge(lines.keys, records, told.runs, database)
    print(
        f"{what}: {verdict.runs:,} runs, {len(killed)} in the hands of the killed; {len(unknown)} unknown, of which "
        f"{sum(before[run] for run in unknown)} had called"
    )
    tell(what, rounds, verdict.runs, len(verdict.begun), len(verdict.records) + len(verdict.calls))
    assert (0, 0, 0, 0) == verdict.wrong, verdict
    assert (set(), True) == (unknown - killed, bool(killed))


async def test_killed_on_a_file(tmp_path: Path, rounds: int) -> None:
    """One process on SQLite, killed again and again: its runs go on from their last finished step."""
    async with running_cluster(tmp_path, "") as cluster:
        database = OnFile(cluster.nodes[0].folder / "hookstation.db")
        await kill_while_running(cluster, database, rounds, "kill -9, runs of six steps on a file")


async def test_killed_on_postgres(tmp_path: Path, database: str, rounds: int) -> None:
    """Three nodes on PostgreSQL of which one dies after the other: the others take over its runs."""
    async with running_cluster(tmp_path, *[database] * 3) as cluster:
        told = "three nodes, kill -9 of one, runs of six steps"
        await kill_while_running(cluster, OnPostgres(database), rounds, told)
