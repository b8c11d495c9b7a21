"""The yardstick: ``python -m benchmarks.sending.bare URL CALLS AT_ONCE`` posts with aiohttp and does nothing else.

Prints the seconds from the first call until the answer to the last, and those of processor time.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Final

import aiohttp
import uvloop

from benchmarks.jobs.side import say
from benchmarks.sending.waiting import PAYLOAD

HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": "Hookstation/1.0.0",
    "webhook-id": "01KAP2M8C0EXAMPLE000000001",
    "webhook-timestamp": "1795000000",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
}


async def post(url: str, calls: int, at_once: int) -> tuple[float, float]:
    """Post so many; the seconds that it takes, and those of processor time."""
    numbers = iter(range(calls))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(_some(session, url, numbers) for _ in range(at_once)))
        return time.perf_counter() - began, time.process_time() - used


async def _some(session: aiohttp.ClientSession, url: str, numbers: Iterator[int]) -> None:
    for _ in numbers:
        async with session.post(url, data=PAYLOAD.encode(), headers=HEADERS) as answer:
            await answer.read()
            assert answer.status == 200


def main() -> None:
    """Do what the command line asks."""
    url, calls, at_once = sys.argv[1:]
    say(uvloop.run(post(url, int(calls), int(at_once))))


if __name__ == "__main__":
    main()
