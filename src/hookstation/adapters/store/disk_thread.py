"""One thread that waits for the disk, so that the event loop need not.

An executor does the same through two kinds of future, which costs a lone caller a tenth of its latency.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias, TypeVar, cast

Result = TypeVar("Result")
_Order: TypeAlias = tuple[Callable[[], object], asyncio.Future[object]]


class DiskThread:
    """Runs what it is given, one after the other. Made inside a running event loop."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in the thread and return what it returns or raise what it raises."""
        future: asyncio.Future[object] = self._loop.create_future()
        self._orders.put((work, future))
        return cast("Result", await future)

    def stop(self) -> None:
        """Do what was given, then end; returns when it has."""
        self._orders.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            work, future = order
            try:
                result = work()
            except Exception as error:
                self._loop.call_soon_threadsafe(_raise, future, error)
            else:
                self._loop.call_soon_threadsafe(_return, future, result)


def _return(future: asyncio.Future[object], result: object) -> None:
    if not future.done():
        future.set_result(result)


def _raise(future: asyncio.Future[object], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
