"""Three nodes on one PostgreSQL behind a load balancer: killed, frozen past their leases, and stopped in turn."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from tests.support.behind import EVENTS, balanced, loaded
from tests.support.cluster import running_cluster
from tests.support.senders import settle_up

LEAVE: Final = "4"
"""What deploy/ sets: seconds for which a node that stops takes calls; the balancer notices within 3."""

NOTICED: Final = 10.0
"""Seconds in which the others notice that a node is dead: the promise."""


async def test_killed_and_started_again(tmp_path: Path, database: str, rounds: int) -> None:
    """kill -9 of one node after the other under load loses nothing and doubles nothing."""
    async with running_cluster(tmp_path, *[database] * 3) as cluster:
        async with loaded(cluster) as senders:
            for number in range(rounds):
                node = cluster.nodes[number % 3]
                await node.kill()
                await senders.answered(EVENTS)
                await node.start()
                await senders.answered(EVENTS)
        await settle_up("three nodes, kill -9 of one", rounds, senders, cluster.nodes[0])


async def test_frozen_past_its_lease(tmp_path: Path, database: str, long_rounds: int) -> None:
    """A node that is frozen until the others have buried it, and wakes, loses nothing and doubles nothing."""
    async with running_cluster(tmp_path, *[database] * 3) as cluster:
        async with loaded(cluster) as senders:
            for number in range(long_rounds):
                frozen, other = cluster.nodes[number % 3], cluster.nodes[(number + 1) % 3]
                await other.sees(3)
                frozen.freeze()
                async with asyncio.timeout(NOTICED):
                    await other.sees(2)
                await senders.answered(EVENTS)
                frozen.wake()
                await other.sees(3)
                await senders.answered(EVENTS)
        await settle_up("three nodes, one frozen past its lease", long_rounds, senders, cluster.nodes[0])


async def test_stopped_in_turn(tmp_path: Path, database: str, long_rounds: int) -> None:
    """A rolling restart by SIGTERM goes unnoticed where a node leaves the balancer before it closes its door."""
    async with running_cluster(tmp_path, *[database] * 3, leave_seconds=LEAVE) as cluster:
        codes = []
        async with balanced(cluster) as (balancer, senders), senders.load() as account:
            for number in range(long_rounds):
                node = cluster.nodes[number % 3]
                await senders.answered(EVENTS)
                codes.append(await node.terminate())
                await senders.answered(EVENTS)
                await node.start()
                await asyncio.to_thread(balancer.await_state, "UP", f"node{number % 3 + 1}")
            await senders.answered(EVENTS)
        print(f"rolling restart: {dict(account.answers)}")
        await settle_up("three nodes, rolling restart by SIGTERM", long_rounds, senders, cluster.nodes[0])
        assert [0] * long_rounds == codes
        assert {200} == set(account.answers)
