"""A healthy caller beside hostile ones, and what the station shows while it is attacked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter
from typing import Final

from tests.support.raw_http import exchange, post
from tests.support.station_process import StationProcess

LONGEST: Final = 1.0
"""Seconds that a healthy call may take while others mean harm: the promise."""

MOST_GROWTH: Final = 200 * 1024 * 1024
"""Bytes by which the station may grow under attack: some bodies of a mebibyte, schemas and caches; no leak."""

HEALTHY: Final = b'{"key": "healthy", "memberId": "10420"}'


def resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


@contextlib.asynccontextmanager
async def unharmed(station: StationProcess, path: str) -> AsyncIterator[list[float]]:
    """Call the webhook at `path` all the time while the block does harm; the seconds that each call took.

    At the end: every healthy call was answered 200 in time, the log holds no stack, the memory is bounded.
    """
    before, logged, took = resident(station.pid), len(station.log), list[float]()
    ending = asyncio.Event()

    async def call() -> None:
        while not ending.is_set():
            started = perf_counter()
            [answer] = await exchange(station.url, post(path, HEALTHY))
            took.append(perf_counter() - started)
            assert 200 == answer.status

    calling = asyncio.create_task(call())
    try:
        yield took
    finally:
        ending.set()
        await calling
    log = station.log[logged:]
    assert "broke the station" not in log
    assert '"stack"' not in log
    assert "Traceback" not in log
    assert max(took) < LONGEST
    assert resident(station.pid) - before < MOST_GROWTH
