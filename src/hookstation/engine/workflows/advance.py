"""Runs go on: leased lane by lane, and worked off step by step in memory, each result in a turn of its own.

A lane is a workflow.  A run that has nothing to do but wait is let go until something comes for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from hookstation.core.jobs import RUNS, JobEnd
from hookstation.core.workflows.decisions import RunEnd
from hookstation.core.workflows.values import RunState
from hookstation.engine.lane_worker import Room
from hookstation.engine.membership import Membership
from hookstation.engine.workflows.calls import CallTokens
from hookstation.engine.workflows.ended import Ended
from hookstation.engine.workflows.long_work import LEASE
from hookstation.engine.workflows.plans import Live, Plans
from hookstation.engine.workflows.running import Running
from hookstation.engine.workflows.tasks import StepRunner
from hookstation.engine.workflows.telling import Telling
from hookstation.errors import Invalid, NotFound
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.runs import LeasedRun
from hookstation.ports.store import Store

AT_ONCE: Final = 400
"""Runs of all workflows that one node works on at the same time."""

PUT_OFF: Final = 2.0
"""Seconds until a run is leased again that our database, or a mistake of ours, kept from going on."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Workshop:
    """What every run needs to go on. `chance`: a random number from 0 to 1; `told`: credentials refused, or working."""

    store: Store
    plans: Plans
    runners: dict[str, StepRunner]
    calls: CallTokens
    clock: Clock
    event_log: EventLog
    ended: Ended
    chance: Callable[[], float]
    refused: Callable[[str, str], None]
    works: Callable[[str], None]
    telling: Telling
    notices: set[asyncio.Task[None]] = field(default_factory=set)
    stopping: bool = False


class Advance:
    """A `LaneWork`: the lanes of the queue `RUNS`."""

    queue = RUNS

    def __init__(self, shop: Workshop, live: Live, membership: Membership) -> None:
        self._shop, self._live, self._membership = shop, live, membership
        self._at_work: dict[str, Running] = {}

    def room(self, lane: str, at_work: int) -> Room:
        """As many as the workflow says."""
        if self._shop.stopping:
            return Room(0)
        workflow = self._live.workflows.get(lane)
        most = 0 if workflow is None else workflow.concurrency.runs
        return Room(most - at_work if most else AT_ONCE, most)

    async def lease(self, lane: str, limit: int, most: int) -> Sequence[LeasedRun]:
        """Lease runs of a workflow."""
        return await self._shop.store.lease_runs(lane, self._membership.node_id, LEASE, limit, most)

    async def next_due(self, lane: str) -> int | None:
        """When the next run of a workflow is due."""
        return await self._shop.store.next_due(RUNS, lane)

    async def settle(self, ends: Sequence[JobEnd]) -> None:
        """Write how jobs ended whose runs wrote no turn."""
        await self._shop.store.settle(ends)

    def put_off(self, item: LeasedRun) -> JobEnd:
        """It goes on a little later, from what is stored."""
        job = item.leased.job
        return JobEnd(item.leased.lease, structs.replace(job, delay=int(PUT_OFF * 1e6), tries=job.tries + 1))

    async def do(self, item: LeasedRun) -> JobEnd | None:
        """Go on with a run until it waits, or has ended."""
        running = Running(self._shop, item)
        self._at_work[item.run.id] = running
        try:
            await self._go_on(running, item)
        finally:
            del self._at_work[item.run.id]
        return None

    def cancelled(self, run_id: str) -> None:
        """The run was ended by somebody: what it does here is broken off."""
        running = self._at_work.get(run_id)
        if running is not None:
            running.break_off()

    async def _go_on(self, running: Running, item: LeasedRun) -> None:
        try:
            plan = self._shop.plans.ready(item.run) or await self._shop.plans.get(item.run)
        except (Invalid, NotFound) as broken:
            await running.give_up(RunEnd(RunState.FAILED, f"The workflow cannot be run: {broken.message}"))
            return
        await running.advance(plan)
