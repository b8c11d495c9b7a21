"""Which lanes have something to do: one look a second for everything on this node, and hints in between."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.leases import JOBS_READY
from hookstation.ports.store import Store

LOOK_EVERY: Final = 1.0
"""Seconds between two looks: an idle node costs the database one statement each, however many queues are watched."""

Heard: TypeAlias = Callable[[Mapping[str, float]], None]
"""Is told lanes with a name, and in how many seconds the first job of each is due (0: now)."""

log = logging.getLogger(__name__)


class Lookout:
    """Watches the lanes of several queues. The lane without a name is not told: it has a worker of its own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._listeners: dict[str, tuple[Heard, Callable[[str], None]]] = {}

    def watch(self, queue: str, heard: Heard, hinted: Callable[[str], None]) -> None:
        """Tell `heard` of the lanes of `queue` from now on with every look, and `hinted` of a lane with every hint."""
        self._listeners[queue] = heard, hinted

    async def run(self) -> None:
        """Until cancelled: look, and pass on hints as they come."""
        stop = self._store.subscribe(self._hear)
        try:
            while True:
                try:
                    await self.look()
                except StoreError as failure:
                    log.error("the lanes cannot be looked at just now: %s", failure.message)
                except Exception:
                    log.exception("a look at the lanes broke, and the next one follows")
                await self._clock.sleep(LOOK_EVERY)
        finally:
            stop()

    async def look(self) -> None:
        """Ask once, and tell every listener what there is for it."""
        found: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for (queue, lane), due in (await self._store.due_lanes(tuple(self._listeners))).items():
            if lane:
                found[queue][lane] = due / 1e6
        for queue, lanes in found.items():
            self._listeners[queue][0](lanes)

    def _hear(self, hint: str) -> None:
        if not hint.startswith(JOBS_READY):
            return
        queue, _, lane = hint[len(JOBS_READY) :].partition("/")
        if lane and queue in self._listeners:
            self._listeners[queue][1](lane)
