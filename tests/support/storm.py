"""Very many connections at once, and what they cost the process that takes them."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from tests.support.cluster import Node
from tests.support.raw_http import read_answer

SPARE: Final = 200
"""Open files that a test needs besides its connections."""

AT_ONCE: Final = 100
"""Connections that are being opened at one time: fewer than wait in a listener's queue."""

LOOK: Final = 0.05
"""Seconds between two looks at a process's memory."""


@dataclass(slots=True)
class Weather:
    """What became of a storm. `connected`: connections that stood at the same time; `refused`: that never did.

    `answers` counts statuses, and under 0 the calls without one; `bare`: answers 429 and 503 without Retry-After.
    """

    connected: int = 0
    refused: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    bare: int = 0


def allow_files(wanted: int) -> int:
    """Raise this process's limit of open files as far as it may be; how many connections of `wanted` it gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted + SPARE if hard == resource.RLIM_INFINITY else min(wanted + SPARE, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):  # a system may allow less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    allowed = wanted if soft == resource.RLIM_INFINITY else min(wanted, soft - SPARE)
    if allowed < wanted:
        print(f"This system allows {allowed} connections of {wanted}.")
    return allowed


async def storm(url: str, requests: Sequence[Sequence[bytes]]) -> Weather:
    """Open a connection for each of `requests`; when all stand, each sends its own, one after the other."""
    place, weather, few = urlsplit(url), Weather(), asyncio.Semaphore(AT_ONCE)
    all_tried = asyncio.Barrier(len(requests))

    async def connect(own: Sequence[bytes]) -> None:
        try:
            async with few:
                reader, writer = await asyncio.open_connection(place.hostname, place.port)
        except OSError:
            weather.refused += 1
            await all_tried.wait()
            return
        weather.connected += 1
        await all_tried.wait()
        try:
            for done, one in enumerate(own):
                if not await call(reader, writer, one):
                    weather.answers[0] += len(own) - done - 1
                    return
        finally:
            writer.close()

    async def call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one: bytes) -> bool:
        try:
            writer.write(one)
            await writer.drain()
            answer = await read_answer(reader)
        except OSError:
            weather.answers[0] += 1
            return False
        weather.answers[answer.status] += 1
        weather.bare += answer.status in (429, 503) and "retry-after" not in answer.headers
        return answer.headers.get("connection") != "close"

    tasks = [asyncio.create_task(connect(own)) for own in requests]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return weather


@contextlib.asynccontextmanager
async def growth(*nodes: Node) -> AsyncIterator[list[int]]:
    """The bytes by which each node has grown at most while the block runs; complete when it ends."""
    began = [node.memory for node in nodes]
    most = [0 for _ in nodes]

    def look() -> None:
        for place, node in enumerate(nodes):
            most[place] = max(most[place], node.memory - began[place])

    async def watch() -> None:
        while True:
            look()
            await asyncio.sleep(LOOK)  # house: allow sleep - memory is looked at, not told

    watching = asyncio.create_task(watch())
    try:
        yield most
        look()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
