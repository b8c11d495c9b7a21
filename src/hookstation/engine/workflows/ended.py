"""Who waits here for the end of a run: callers of webhooks, and people who began one by hand.

Runs that end on this node are told at once; of those that another node does, the database is asked from time to time.
"""

from __future__ import annotations

import asyncio
from typing import Final

from hookstation.core.workflows.values import ENDED, Run, RunState
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.runs import Runs

FIRST_LOOK: Final = 0.25
LONGEST_LOOK: Final = 2.0
"""Seconds until the database is asked for the first time, and between later looks at most."""

OVER: Final = ENDED | {RunState.UNKNOWN}
"""States in which nobody waits for more: what is unknown waits for a person."""


class Ended:
    """Waits for the ends of runs."""

    def __init__(self, store: Runs, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._waiting: dict[str, list[asyncio.Future[Run]]] = {}

    @property
    def is_awaited(self) -> bool:
        """Whether anybody waits for anything."""
        return bool(self._waiting)

    def tell(self, run: Run) -> None:
        """A run stands so now."""
        for waiter in self._waiting.get(run.id, ()):
            if not waiter.done():
                waiter.set_result(run)

    def waits_for(self, run_id: str) -> bool:
        """Whether anybody waits for this run."""
        return run_id in self._waiting

    async def wait(self, run_id: str, seconds: float) -> Run | None:
        """The run once it is over, ``None`` where that takes longer, or where the database cannot say it."""
        waiter: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run_id, []).append(waiter)
        until, pause = self._clock.monotonic() + seconds, FIRST_LOOK
        try:
            while True:
                left = until - self._clock.monotonic()
                done, _ = await asyncio.wait({waiter}, timeout=max(0.0, min(pause, left)))
                if done:
                    return waiter.result()
                found = await self._look(run_id)
                if found is not None and found.state in OVER:
                    return found
                if left <= pause:
                    return None
                pause = min(2 * pause, LONGEST_LOOK)
        finally:
            self._forget(run_id, waiter)

    async def _look(self, run_id: str) -> Run | None:
        """The run as it is stored; while the database cannot say it, the run may still end here."""
        try:
            return await self._store.get_run(run_id)
        except StoreError:
            return None

    def _forget(self, run_id: str, waiter: asyncio.Future[Run]) -> None:
        waiters = self._waiting[run_id]
        waiters.remove(waiter)
        if not waiters:
            del self._waiting[run_id]
