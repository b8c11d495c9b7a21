"""Drivers that block, each session of them in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

Given = TypeVar("Given")


class Thread:
    """One thread. What it is at when the caller goes, or when `limit` seconds are over, is cut off by `cut`.

    `cut` may be called by any thread.
    """

    def __init__(self, name: str, limit: float | None = None) -> None:
        self._limit = limit
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self.cut: Callable[[], None] = lambda: None

    async def do(self, work: Callable[[], Given]) -> Given:
        """What `work` gives, done in the thread. Raises `TimeoutError`, and what `work` raises."""
        doing = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            async with asyncio.timeout(self._limit):
                return await asyncio.shield(doing)
        except (asyncio.CancelledError, TimeoutError):
            with suppress(Exception):
                self.cut()
            doing.add_done_callback(_seen)
            raise

    async def end(self, last: Callable[[], object]) -> None:
        """Do the last thing, whatever becomes of it, and end the thread. Never raises but for being cancelled."""
        doing = asyncio.get_running_loop().run_in_executor(self._pool, last)
        doing.add_done_callback(_seen)
        self._pool.shutdown(wait=False)
        with suppress(Exception):
            await asyncio.shield(doing)


def _seen(done: asyncio.Future[Given]) -> None:
    """Nobody waits for it any more."""
    if not done.cancelled():
        done.exception()
