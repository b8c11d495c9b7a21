"""Schedules on nodes whose clocks are apart and which are killed: every second fires once, and none is left out."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.support.cluster import Cluster, Node, running_cluster, shifted
from tests.support.counts import tell
from tests.support.outbox import Database, OnFile, OnPostgres
from tests.support.program import READY_SECONDS
from tests.support.running import insert, workflow
from tests.support.station_process import PAUSE

HOUR: Final = 3_600
SCHEDULES: Final = 5
SHORTEST: Final = 0.1
LONGEST: Final = 1.5
"""Seconds between two kills: at least, and at most."""

SECOND: Final = 1_000_000
WAITING: Final = "SELECT payload FROM jobs WHERE queue = 'schedules'"
LAST: Final = "SELECT name, value FROM kept WHERE kind = 'schedules' AND key = 'fired'"
RUNS: Final = "SELECT {trigger}, state FROM runs"


def document(state: str = "active") -> dict[str, Any]:
    """Schedules that fire each second, make up for every time, and write a record each time."""
    step = insert() | {"with": {"connection": "records", "panel": "Courses", "fields": {"ID": "1"}}}
    return {
        "version": 1,
        "panels": [{"name": "Courses", "fields": {"Course": {"type": "string", "length": 40}}}],
        "workflows": [workflow(step, name="count", trigger={"type": "schedule"})],
        "schedules": [
            {
                "name": f"second-{number}",
                "workflow": "count",
                "every": "1s",
                "missed": "all",
                "missed_window": "1h",
                "overlap": "allow",
                "state": state,
            }
            for number in range(SCHEDULES)
        ],
    }


def fired(nodes: Iterable[Node]) -> dict[str, list[int]]:
    """The times, in seconds, that the nodes say they fired, by schedule."""
    found: dict[str, list[int]] = {}
    for node in nodes:
        for line in node.log.splitlines():
            said: Mapping[str, Any] = json.loads(line) if '"schedule_fired"' in line else {}
            found.setdefault(said.get("schedule", ""), []).extend(
                at // SECOND for at in said.get("times", ())
            )
    return {name: sorted(times) for name, times in found.items() if name}


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            if await is_so():
                return
            await asyncio.sleep(PAUSE)  # house: allow sleep - a database tells nobody


async def _have_fired(nodes: Iterable[Node]) -> bool:
    return len(fired(nodes)) == SCHEDULES


async def _are_off(database: Database) -> bool:
    return all(json.loads(str(payload))["at"] == 0 for (payload,) in await database.ask(WAITING))


async def _are_more(database: Database, trigger: str, count: int) -> bool:
    return len(await database.ask(RUNS.format(trigger=trigger))) > count


async def all_ended(database: Database, trigger: str) -> list[str]:
    """The schedules of all runs, once every one is over."""
    asked = RUNS.format(trigger=trigger)

    async def are_over() -> bool:
        return {"succeeded"} == {str(state) for _, state in await database.ask(asked)}

    await until(are_over)
    return [str(one).partition(":")[2] for one, _ in await database.ask(asked)]


async def fire_and_kill(cluster: Cluster, database: Database, rounds: int, trigger: str, what: str) -> None:
    """Let them fire while one node after the other is killed, switch them off, and count."""
    await cluster.nodes[0].configure(document())
    await until(lambda: _have_fired(cluster.nodes))
    for number in range(rounds):
        node = cluster.nodes[number % len(cluster.nodes)]
        await asyncio.sleep(random.uniform(SHORTEST, LONGEST))  # house: allow sleep - a random moment
        await node.kill()
        await node.start()
    before = await all_ended(database, trigger)
    await until(lambda: _are_more(database, trigger, len(before) + SCHEDULES))
    await cluster.nodes[0].configure(document("disabled"))
    await until(lambda: _are_off(database))
    runs = await all_ended(database, trigger)
    said = fired(cluster.nodes)
    last = {str(name): int(str(at)) // SECOND for name, at in await database.ask(LAST)}
    wanted = [name for name, times in said.items() for _ in range(times[0], last[name] + 1)]
    twice = [at for times in said.values() for at in times if times.count(at) > 1]
    records = await cluster.nodes[0].items("/records/Courses")
    tell(
        what,
        rounds,
        len(wanted),
        max(len(wanted) - len(runs), 0),
        max(len(runs) - len(wanted), 0) + len(twice),
    )
    assert (sorted(wanted), []) == (sorted(runs), twice)
    assert len(wanted) == len(records)


async def test_killed_on_a_file(tmp_path: Path, long_rounds: int) -> None:
    """A station that is killed again and again makes up for each second in which it was not there, once."""
    async with running_cluster(tmp_path, "") as cluster:
        database = OnFile(cluster.nodes[0].folder / "hookstation.db")
        await fire_and_kill(cluster, database, long_rounds, "began_by", "kill -9, schedules on a file")


async def test_killed_with_clocks_an_hour_apart(tmp_path: Path, database: str, long_rounds: int) -> None:
    """Three nodes, one an hour ahead and one an hour behind, of which one dies after the other."""
    cluster = Cluster(tmp_path)
    cluster.add(database)
    cluster.add(database, program=shifted(HOUR))
    cluster.add(database, program=shifted(-HOUR))
    try:
        await cluster.start()
        told = "three nodes with clocks apart, kill -9 of one, schedules"
        await fire_and_kill(cluster, OnPostgres(database), long_rounds, "trigger", told)
    finally:
        await cluster.kill()
