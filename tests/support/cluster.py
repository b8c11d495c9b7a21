"""Stations in processes of their own that share one database: to be killed, frozen, cut off and started again."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from tests.support.program import PROGRAM, READY_SECONDS
from tests.support.station_process import PAUSE, StationProcess
from tests.support.watching import resident


def new_master_key() -> str:
    """What seals the secrets of all nodes: 32 bytes in base 64."""
    return base64.b64encode(os.urandom(32)).decode()


def shifted(seconds: int) -> Sequence[str]:
    """The program of a node whose clock is `seconds` ahead."""
    return ("-m", "tests.support.shifted_clock", str(seconds))


class Node(StationProcess):
    """One station; it listens at the same port after every start, so that a load balancer finds it again."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], *, program: Sequence[str] = PROGRAM
    ) -> None:
        super().__init__(folder, program=program, environment=environment, keeps_port=True)

    @property
    def memory(self) -> int:
        """Bytes that the process holds now; 0 where the system does not tell."""
        return resident(self.pid)

    def freeze(self) -> None:
        """SIGSTOP: it does nothing, and does not know it."""
        self.signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        self.signal(signal.SIGCONT)

    async def sees(self, count: int) -> None:
        """Wait until so many nodes live for it."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                if len(await self.items("/nodes")) == count:
                    return
                await asyncio.sleep(PAUSE)  # house: allow sleep - a node tells nobody what it has learnt

    async def knows(self, webhook: str) -> None:
        """Wait until it answers for a webhook."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                if (await self.api("GET", f"/webhooks/{webhook}"))[0] == 200:
                    return
                await asyncio.sleep(PAUSE)  # house: allow sleep - a node tells nobody what it has learnt


class Cluster:
    """Nodes in the order in which they were added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {"HOOKSTATION_MASTER_KEY": new_master_key()}
        self.nodes: list[Node] = []

    def add(self, database_url: str, *, program: Sequence[str] = PROGRAM, **settings: str) -> Node:
        """One more node, not started yet. `settings`: other settings by their names; an empty URL is SQLite."""
        told = {"database_url": database_url, **settings}
        named = {f"HOOKSTATION_{name.upper()}": value for name, value in told.items()}
        folder = self._folder / f"node{len(self.nodes) + 1}"
        self.nodes.append(Node(folder, {**self._environment, **named}, program=program))
        return self.nodes[-1]

    async def start(self) -> None:
        """Start all at the same moment."""
        await asyncio.gather(*(node.start() for node in self.nodes))

    async def configure(self, document: Mapping[str, object], webhook: str) -> str:
        """Configure the first node; the path of a webhook of the document, when every node knows it."""
        await self.nodes[0].configure(document)
        await asyncio.gather(*(node.knows(webhook) for node in self.nodes))
        return await self.nodes[0].hook(webhook)

    async def terminate(self) -> list[int]:
        """SIGTERM to all at the same moment; their exit codes."""
        return await asyncio.gather(*(node.terminate() for node in self.nodes))

    async def kill(self) -> None:
        """``kill -9`` for all that run, frozen ones too."""
        await asyncio.gather(*(node.kill() for node in self.nodes))

    @property
    def log(self) -> str:
        """Everything that all nodes have logged, for the message of a failed test."""
        return "\n".join(f"--- {node.folder.name}\n{node.log}" for node in self.nodes)


@contextlib.asynccontextmanager
async def running_cluster(folder: Path, *database_urls: str, **settings: str) -> AsyncIterator[Cluster]:
    """A node for each URL, all of them started. Every process is gone when this ends."""
    cluster = Cluster(folder)
    for url in database_urls:
        cluster.add(url, **settings)
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.kill()
