"""A schedule's time has come: what it starts begins in the transaction in which its next time is written.

So each time fires once, whichever node has it and whatever dies.  A poll is not begun but made due: to ask its source
once more does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from msgspec import structs

from hookstation.core.jobs import POLLS, SCHEDULES, Job, JobEnd, Leased
from hookstation.core.schedules.definitions import Overlap, Schedule, ScheduleState, Starts
from hookstation.core.schedules.fires import Fire, jitter_of, made_up_for, next_fire
from hookstation.core.values import JSON
from hookstation.core.workflows.values import ENDED, Kept, RunStart, RunState, Standing
from hookstation.engine.chain.counts import ChainCounts
from hookstation.engine.lane_worker import BATCH, Room
from hookstation.engine.membership import Membership
from hookstation.engine.schedules.clocks import UNFOUND, clock_job, read_due, rule_of
from hookstation.errors import HookstationError, StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.runs import RunFilter, Turn, TurnEnd
from hookstation.ports.store import Store

AT_ONCE: Final = 100
LEASE: Final = 30.0
PUT_OFF: Final = 2.0
STANDINGS_FOR: Final = 1.0
"""Seconds for which it is known which schedules were switched off."""

OPEN: Final = frozenset(RunState) - ENDED
MOST_OPEN: Final = 100
"""Runs of one schedule that are cancelled for a new one."""

log = logging.getLogger(__name__)


class Known(Protocol):
    """Where the live schedules are."""

    @property
    def schedules(self) -> Mapping[str, Schedule]:
        """By name."""
        ...


class Begin(Protocol):
    """Makes the beginning of a run."""

    def __call__(self, kind: Starts, name: str, input_: JSON, trigger: str, *, key: str = "") -> RunStart:
        """A run of a workflow or transfer. Raises `NotFound`, `Conflict` where it is switched off, `Invalid`."""
        ...


class Firing:
    """A `LaneWork`: the queue `SCHEDULES`."""

    queue = SCHEDULES

    def __init__(
        self,
        store: Store,
        known: Known,
        begin: Begin,
        membership: Membership,
        clock: Clock,
        event_log: EventLog,
        counts: ChainCounts | None = None,
    ) -> None:
        self._counts = counts or ChainCounts()
        self._store, self._known, self._begin = store, known, begin
        self._membership, self._clock, self._event_log = membership, clock, event_log
        self._standings: Mapping[str, Standing] = {}
        self._asked = -STANDINGS_FOR

    def room(self, lane: str, at_work: int) -> Room:  # noqa: ARG002 - one lane, and firing is quick
        """As many as are leased at once, and the next one in its time, however soon after these that is."""
        return Room(min(AT_ONCE - at_work, BATCH), punctual=True)

    async def lease(self, lane: str, limit: int, most: int) -> Sequence[Leased]:
        """Lease schedules whose time has come."""
        return await self._store.lease(SCHEDULES, self._membership.node_id, LEASE, limit, lane, most)

    async def next_due(self, lane: str) -> int | None:
        """When the next schedule fires."""
        return await self._store.next_due(SCHEDULES, lane)

    async def settle(self, ends: Sequence[JobEnd]) -> None:
        """Write how jobs ended that were not fired."""
        await self._store.settle(ends)

    def put_off(self, item: Leased) -> JobEnd:
        """It is tried again a little later; its time stays the one that was meant."""
        job = item.job
        return JobEnd(item.lease, _waiting(job, PUT_OFF))

    async def do(self, item: Leased) -> JobEnd | None:
        """Fire, and write the next time; a schedule whose definition changed only gets its next time."""
        schedule = self._known.schedules.get(item.job.id)
        now, due = self._clock.now(), read_due(item.job)
        if schedule is None:
            return self.put_off(
                item
            )  # its definition is not live here yet, or its job is about to go with it
        if schedule.state is not ScheduleState.ACTIVE:
            return JobEnd(item.lease, clock_job(schedule, None, now))
        if due.at == UNFOUND or due.rule != rule_of(schedule):
            return JobEnd(item.lease, clock_job(schedule, next_fire(schedule, now), now))
        if not due.at or (schedule.disable_after and await self._is_off(schedule.name)):
            return JobEnd(item.lease, clock_job(schedule, None, now))
        now = max(now, due.at)  # by the database's clock its time has come, whatever this node's clock says
        chosen, left_out = made_up_for(schedule, due.at, now)
        await self._fire(item, schedule, chosen, left_out, now)
        return None

    async def _is_off(self, name: str) -> bool:
        """Whether it was switched off for its failures; asked of the store once a second for all of them."""
        if self._clock.monotonic() - self._asked >= STANDINGS_FOR:
            self._asked, self._standings = self._clock.monotonic(), await self._store.standings(SCHEDULES)
        return self._standings.get(name, _GOOD).off

    async def _fire(
        self, item: Leased, schedule: Schedule, chosen: Sequence[Fire], left_out: int, after: int
    ) -> None:
        said, starts = "", tuple[RunStart, ...]()
        if schedule.kind is Starts.POLL:
            if chosen:
                await self._store.hurry(POLLS, schedule.target)
        else:
            starts, said = await self._starts(schedule, chosen)
        if left_out:
            said = said or f"{left_out} missed times were left out."
        again = clock_job(schedule, next_fire(schedule, after), self._clock.now())
        kept = (
            Kept(SCHEDULES, schedule.name, "fired", str(chosen[-1].at if chosen else "")),
            Kept(SCHEDULES, schedule.name, "said", said),
        )
        end = TurnEnd(again=again, starts=starts, kept=kept)
        turned = await self._store.turn(Turn(item.lease, lambda _: end))
        if turned.held:
            for fire in chosen[-1:]:
                self._counts.fired(after - fire.at - jitter_of(schedule, fire))
            self._event_log.write(
                "schedule_fired",
                schedule=schedule.name,
                times=[one.at for one in chosen],
                runs=[one.run.id for one in starts],
                left_out=left_out,
                said=said,
            )

    async def _starts(self, schedule: Schedule, chosen: Sequence[Fire]) -> tuple[tuple[RunStart, ...], str]:
        """The runs that begin now, and a sentence where one that was due does not."""
        if not chosen:
            return (), ""
        trigger = trigger_of(schedule.name)
        if schedule.overlap in (Overlap.SKIP, Overlap.CANCEL):
            open_ = await self._store.list_runs(RunFilter(trigger=trigger, states=OPEN), MOST_OPEN)
            if open_.items and schedule.overlap is Overlap.SKIP:
                return (), f"Left out: the run {open_.items[0].id} is not at its end."
            if open_.items:
                why = f"The schedule “{schedule.name}” fired again: cancelled for a new run."
                await self._store.cancel_runs([one.id for one in open_.items], self._clock.now(), why)
        if schedule.overlap is Overlap.CANCEL:
            chosen = chosen[-1:]
        one_by_one = schedule.overlap is Overlap.QUEUE or (
            schedule.overlap is Overlap.SKIP and len(chosen) > 1
        )
        key = trigger if one_by_one else ""
        try:
            begun = tuple(
                self._begin(schedule.kind, schedule.target, schedule.input, trigger, key=key) for _ in chosen
            )
        except StoreError:
            raise
        except HookstationError as refused:
            log.error("the schedule “%s” started nothing: %s", schedule.name, refused.message)
            return (), f"Nothing was started: {refused.message}"
        return begun, ""


def trigger_of(name: str) -> str:
    """What the runs of a schedule say of what began them."""
    return f"schedule:{name}"


def _waiting(job: Job, seconds: float) -> Job:
    return structs.replace(job, delay=int(seconds * 1_000_000))


_GOOD: Final = Standing(SCHEDULES, "")
