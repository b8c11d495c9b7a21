"""Every schedule and every poll has one job: put there when it is new, made due when its definition is another one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from hookstation.core.jobs import Job
from hookstation.engine.bell import Bell
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.store import Store

PAGE: Final = 1_000
AGAIN: Final = 30.0
"""Seconds between two looks: a job that a dying node could not put there is there by then."""

log = logging.getLogger(__name__)


class _Ruled(msgspec.Struct):
    rule: str = ""


_read = msgspec.json.Decoder(_Ruled).decode


def rule_in(job: Job) -> str:
    """By which definition a job was made, empty for a damaged one."""
    try:
        return _read(job.payload).rule
    except msgspec.DecodeError:
        return ""


class JobKeeper:
    """Keeps the jobs of one queue. `wanted` makes them: by name, each with its name as id and key."""

    def __init__(
        self, store: Store, clock: Clock, queue: str, wanted: Callable[[], Mapping[str, Job]]
    ) -> None:
        self._store, self._queue, self._wanted = store, queue, wanted
        self._changed = Bell(clock)

    def ring(self) -> None:
        """Definitions have changed: look at once."""
        self._changed.ring()

    async def keep(self) -> None:
        """Put there what is missing, and hurry what has another definition now.

        What nobody wants any more went with its definition: this node may only not have heard yet of a new one.
        """
        missing, after = dict(self._wanted()), ""
        while True:
            page = await self._store.list_jobs(self._queue, "", PAGE, after)
            for one in page:
                after = one.job.id
                job = missing.pop(after, None)
                if job is not None and rule_in(one.job) != rule_in(job):
                    await self._store.hurry(self._queue, after)
            if len(page) < PAGE:
                break
        new = list(missing.values())
        for start in range(0, len(new), PAGE):
            await self._store.enqueue(new[start : start + PAGE])

    async def run(self) -> None:
        """Until cancelled: keep them, now and again."""
        while True:
            try:
                await self.keep()
            except StoreError as failure:
                log.error("the jobs of “%s” could not be looked at: %s", self._queue, failure.message)
            except Exception:
                log.exception("looking at the jobs of “%s” broke, and goes on", self._queue)
            await self._changed.wait(AGAIN)
