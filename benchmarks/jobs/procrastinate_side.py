"""Procrastinate with its asynchronous worker, as its documentation starts it; only the concurrency is raised."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Final

from procrastinate import App, PsycopgConnector

from benchmarks.jobs.side import PATIENCE, pause, run_worker

CONCURRENCY: Final = 10
"""Jobs at once; the default is 1.  Of 1, 4, 10, 20 and 50 this did most here."""


class Procrastinate:
    """A worker for a no-op task."""

    def __init__(self, url: str) -> None:
        self._app = App(connector=PsycopgConnector(conninfo=url))
        self._started: asyncio.Queue[float] = asyncio.Queue()
        self._task = self._app.task(queue="bench", name="nothing")(self._nothing)

    async def _nothing(self, **_: object) -> None:
        self._started.put_nowait(time.perf_counter())

    def drain(self, jobs: int) -> float:
        """Work until the queue is empty."""
        return asyncio.run(self._drain(jobs))

    async def _drain(self, jobs: int) -> float:
        async with self._app.open_async():
            await self._make_tables()
            await self._task.batch_defer_async(*({} for _ in range(jobs)))
            began = time.perf_counter()
            await self._app.run_worker_async(
                wait=False, concurrency=CONCURRENCY, install_signal_handlers=False
            )
            taken = time.perf_counter() - began
        assert self._started.qsize() == jobs
        return taken

    def pickups(self, times: int) -> list[float]:
        """Defer one job after the other."""
        return asyncio.run(self._pickups(times))

    async def _pickups(self, times: int) -> list[float]:
        took = []
        async with self._app.open_async():
            await self._make_tables()
            worker = self._worker()
            for _ in range(times):
                await asyncio.sleep(pause())
                began = time.perf_counter()
                await self._task.defer_async()
                started = await asyncio.wait_for(self._started.get(), PATIENCE)
                took.append((started - began) * 1000)
            await self._end(worker)
        return took

    def idle(self, ready: Callable[[], None], end: threading.Event) -> None:
        """A worker that waits."""
        asyncio.run(self._idle(ready, end))

    async def _idle(self, ready: Callable[[], None], end: threading.Event) -> None:
        async with self._app.open_async():
            await self._make_tables()
            worker = self._worker()
            ready()
            await asyncio.to_thread(end.wait)
            await self._end(worker)

    def _worker(self) -> asyncio.Task[None]:
        running = self._app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False)
        return asyncio.create_task(running)

    async def _end(self, worker: asyncio.Task[None]) -> None:
        assert not worker.done(), "the worker has failed"
        worker.cancel()
        await asyncio.wait({worker})

    async def _make_tables(self) -> None:
        if not await self._app.check_connection_async():
            await self._app.schema_manager.apply_schema_async()


if __name__ == "__main__":
    run_worker(Procrastinate)
