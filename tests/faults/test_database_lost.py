"""PostgreSQL dies, is replaced by its standby, and is cut off from a node, all under load."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

import pytest

from tests.support.behind import EVENTS, RECORDS, loaded
from tests.support.cluster import Node, running_cluster
from tests.support.counts import tell
from tests.support.cutting_proxy import Line
from tests.support.postgres import Server, new_database, private_server
from tests.support.raw_http import Received, read_answer
from tests.support.senders import Senders, settle_up, written_keys
from tests.support.standby import running_pair

CALLS: Final = 8
"""Calls of the node that is cut off, at the same time."""

ANSWERED: Final = 30.0
"""Seconds in which a node that is cut off has an answer: the webhook's limit of 25 s, and some for this machine."""


async def test_killed_and_restarted(tmp_path: Path, rounds: int) -> None:
    """kill -9 of PostgreSQL under load loses nothing and doubles nothing, and the nodes go on by themselves."""
    with private_server() as server:
        async with (
            new_database(server, "template0") as url,
            running_cluster(tmp_path, *[url] * 3) as cluster,
        ):
            async with loaded(cluster) as senders:
                for _ in range(rounds):
                    server.kill()
                    await asyncio.to_thread(server.start)
                    await senders.answered(EVENTS)
            await settle_up("three nodes, kill -9 of PostgreSQL", rounds, senders, cluster.nodes[0])


async def test_a_standby_takes_over(tmp_path: Path, long_rounds: int) -> None:
    """The primary is killed and the standby promoted under load: the nodes follow, nothing acknowledged is lost."""
    async with running_pair() as pair:
        url = pair.url("postgres")
        async with running_cluster(tmp_path, *[url] * 3) as cluster:
            async with loaded(cluster) as senders:
                for _ in range(long_rounds):
                    await pair.fail_over()
                    await senders.answered(EVENTS)
                    await pair.attach()
                    await senders.answered(EVENTS)
            await settle_up("three nodes, standby promoted", long_rounds, senders, cluster.nodes[0])


async def call(node: Node, senders: Senders, key: str) -> Received:
    """One call, and its answer within the time that a node has for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    try:
        writer.write(senders.request(key))
        async with asyncio.timeout(ANSWERED):
            return await read_answer(reader)
    finally:
        writer.close()


@pytest.mark.parametrize("blow", [Line.drop, Line.cut], ids=["silent", "cut"])
async def test_a_node_without_the_database(
    tmp_path: Path, crashing: Server, database: str, long_rounds: int, blow: Callable[[Line], None]
) -> None:
    """One node is cut off: it says 503 and when to come again, acknowledges nothing that is not there, and rejoins."""
    async with Line(crashing.port).open() as line:
        through = database.replace(str(crashing.port), str(line.port))
        async with running_cluster(tmp_path, through, database, database) as cluster:
            alone, other, _ = cluster.nodes
            path = await cluster.configure(RECORDS, "keys")
            senders = Senders(alone.url, path)
            told: dict[str, Received] = {}
            longest = 0.0
            for number in range(long_rounds):
                await other.sees(3)
                keys = [f"K{number}-{place}" for place in range(CALLS)]
                blow(line)
                began = perf_counter()
                answers = await asyncio.gather(*(call(alone, senders, key) for key in keys))
                longest = max(longest, perf_counter() - began)
                told |= zip(keys, answers, strict=True)
                await other.sees(2)
                line.heal()
                await other.sees(3)
                assert 200 == (await call(alone, senders, f"healed {number}")).status
            statuses = Counter(answer.status for answer in told.values())
            print(f"a node without the database: {dict(statuses)}, the slowest after {longest:.1f} s")
            assert {503} == set(statuses)
            assert all("retry-after" in answer.headers for answer in told.values())

            repeated = [await call(other, senders, key) for key in told]
            written = Counter(await written_keys(other))
            tell(f"a node without the database, {blow.__name__}", long_rounds, len(repeated), 0, 0)
            assert {200} == {answer.status for answer in repeated}
            assert {*told, *(f"healed {number}" for number in range(long_rounds))} == set(written)
            assert {1} == set(written.values())


async def test_cut_off_under_load(tmp_path: Path, crashing: Server, database: str, long_rounds: int) -> None:
    """A line that is slow, falls silent, breaks and heals under load loses nothing and doubles nothing."""
    async with Line(crashing.port).open() as line:
        through = database.replace(str(crashing.port), str(line.port))
        async with running_cluster(tmp_path, through, database, database) as cluster:
            async with loaded(cluster) as senders:
                for _ in range(long_rounds):
                    line.delay = 0.05
                    await senders.answered(EVENTS)
                    line.delay = 0.0
                    line.drop()
                    await cluster.nodes[1].sees(2)
                    await senders.answered(EVENTS)
                    line.heal()
                    await senders.answered(EVENTS)
                    line.cut()
                    await senders.answered(EVENTS)
                    line.heal()
                    await cluster.nodes[1].sees(3)
            await settle_up("three nodes, one with a bad line", long_rounds, senders, cluster.nodes[0])
