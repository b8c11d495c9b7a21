"""Nodes on one database behind the load balancer, under a load whose account is settled in the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

import asyncpg

from tests.support.balancer import Balancer, balancing
from tests.support.cluster import Cluster
from tests.support.keyed import key_webhook
from tests.support.senders import Senders

EVENTS: Final = 50
"""Events that are answered between two blows."""

RECORDS: Final[Mapping[str, object]] = {"version": 1, "webhooks": [key_webhook("records")]}


@contextlib.asynccontextmanager
async def balanced(
    cluster: Cluster, document: Mapping[str, object] = RECORDS
) -> AsyncIterator[tuple[Balancer, Senders]]:
    """A balancer before the nodes, and senders that call the webhook ``keys`` of a document through it."""
    path = await cluster.configure(document, "keys")
    nodes = [f"127.0.0.1:{node.port}" for node in cluster.nodes]
    with contextlib.ExitStack() as ending:
        # In a thread: a node's way to its database may lead through this loop, and the balancer waits for the nodes.
        balancer = await asyncio.to_thread(ending.enter_context, balancing(*nodes))
        yield balancer, Senders(balancer.url, path)


@contextlib.asynccontextmanager
async def loaded(cluster: Cluster, document: Mapping[str, object] = RECORDS) -> AsyncIterator[Senders]:
    """Senders at work from before the block until after it: it begins and ends with events that are answered."""
    async with balanced(cluster, document) as (_, senders), senders.load():
        await senders.answered(EVENTS)
        yield senders
        await senders.answered(EVENTS)


async def asked(url: str, question: str, *values: object) -> int:
    """A number that the database itself tells."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(question, *values) or 0)
    finally:
        await connection.close()
