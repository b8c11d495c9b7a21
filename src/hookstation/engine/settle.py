"""Events that are not finished: looked up, sent again, let go, or left to a person.

With a marker the look-up is certain: one hit is done, and none after the target's own time-out is surely not done, so
the call may be made again; several hits are a double that a person must look at.  Without one, a hit counts only where
no other event owns the record, and "none" never allows a repeat.  A held event was surely not executed: it is sent as
soon as its target works again, in the order in which its webhook received it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from msgspec import structs

from hookstation.core.answers import shorten
from hookstation.core.events import Event, Settlement, State
from hookstation.core.jobs import EVENTS, Job, JobEnd, Lease, Leased
from hookstation.core.journal_rules import ORPHANED, is_open
from hookstation.core.records import EntitySpec, Record
from hookstation.core.rowkey import turn_of
from hookstation.engine.execute import Call, Executor, Ready
from hookstation.engine.lanes import OCCUPIED
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.emitter import Told
from hookstation.engine.process import WAITS_BEHIND, nothing
from hookstation.engine.retrying import NEVER, PARKED, Retrying
from hookstation.engine.settlements import cancelled, success
from hookstation.engine.targets import Targets
from hookstation.engine.unfinished import CALL_LEASE, Unfinished, read_unfinished, unfinished_job
from hookstation.errors import ActionFailed, NotFound, StoreError, UnknownOutcome
from hookstation.ports.clock import Clock
from hookstation.ports.connector import LookUp, LookUpVerdict, RemoteConnector
from hookstation.ports.log import EventLog
from hookstation.ports.store import Committed, Finish, Store

AT_ONCE: Final = 20
"""Events that one node finishes at the same time."""

LOOK_UP_LEASE: Final = 120.0
"""Seconds that a look-up may take."""

FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 60.0
LEFT_TO_A_PERSON: Final = (
    "The target was asked and does not say whether the record was written. Look there: replay the event with --again "
    "if the record is missing, or leave it if it stands."
)
DOUBLED: Final = (
    "The target holds several records with this event's marker: it doubled the write, or somebody copied the record. "
    "Look there and remove what is too much; do not replay the event. Their keys: {keys}"
)

NOT_WRITTEN: Final = (
    "Cancelled by {who} while it was being sent. A look-up showed that the record was not written."
)
NOT_KNOWN: Final = "Cancelled by {who} while it was being sent."
BROKE: Final = "The look-up of the record broke off; it is tried again."
UNDER_WAY: Final = 60.0
"""Seconds until an event is looked at again whose lease is over while its call still goes on in this process."""

log = logging.getLogger(__name__)


class Settler:
    """Does the jobs of the queue `EVENTS`: brings one event nearer to its end."""

    def __init__(
        self,
        store: Store,
        targets: Targets,
        executor: Executor,
        membership: Membership,
        clock: Clock,
        event_log: EventLog,
        retrying: Retrying | None = None,
    ) -> None:
        self._retrying = retrying
        self._store, self._targets, self._executor = store, targets, executor
        self._membership, self._clock, self._event_log = membership, clock, event_log

    async def do(self, leased: Leased) -> JobEnd | None:
        """Look the event up, or send it again; a look-up that breaks is put off like one that is refused."""
        event = await self._store.get_event(leased.job.id)
        if event is None or not is_open(event.state):
            return JobEnd(leased.lease)
        if event.state in (State.SENDING, State.WORKING):
            return await self._orphaned(event, leased)
        work = read_unfinished(leased.job)
        try:
            if event.state is State.HELD:
                await self._let_go(event, leased, work)
            else:
                await self._look_up(event, leased, work)
        except StoreError:
            raise
        except Exception:
            log.exception("the look-up broke", extra={"event_id": event.id})
            await self._later(event, leased, work, BROKE)
        return None

    async def hurry(self) -> None:
        """A target may work again: what is held is tried at once."""
        for key in await self._store.count_waiting(EVENTS):
            await self._store.hurry(EVENTS, key)

    async def _orphaned(self, event: Event, leased: Leased) -> JobEnd | None:
        """Its node is dead, or the call took longer than its lease: whether it was executed has to be looked up."""
        if self._executor.is_under_way(event.id):
            return JobEnd(leased.lease, structs.replace(leased.job, delay=int(UNDER_WAY * 1_000_000)))
        now = self._clock.now()
        job, work = leased.job, structs.replace(read_unfinished(leased.job), since=now)
        tries = job.tries if job.lane else 0
        look_up = unfinished_job(event.id, work, key=job.key, tries=tries, turn=job.turn, lane=job.lane)
        await self._move(event, leased.lease, Settlement(State.UNKNOWN, error=ORPHANED), look_up)
        return None

    async def _look_up(self, event: Event, leased: Leased, work: Unfinished) -> None:
        remote = self._targets.remote(event.connection)
        if remote is None:
            await self._later(event, leased, work, not_configured(event.connection))
            return
        spec = self._targets.spec(event.connection, event.entity)
        try:
            found = await remote.look_up(work.record, spec, work.marker)
        except ActionFailed as refusal:
            await self._later(event, leased, work, refusal.message)
            return
        key = await self._owned(found, event, work)
        old_enough = self._clock.now() >= work.since + int(remote.settle_after * 1_000_000)
        if key:
            await self._succeeded(event, leased, work.record, key)
        elif work.marker and found.verdict is LookUpVerdict.SEVERAL:
            told = shorten(DOUBLED.format(keys=", ".join(found.keys)))
            await self._to_a_person(event, leased, work, told)
        elif not old_enough:
            await self._later(event, leased, work, event.error, remote.settle_after)
        elif work.marker and found.verdict is LookUpVerdict.NONE:
            if leased.job.lane:
                await self._not_written(event, leased, work)
            elif not await self._fell_in(event, leased, work):
                await self._send(event, leased, work, remote, spec)
        else:
            await self._to_a_person(event, leased, work, LEFT_TO_A_PERSON)

    async def _not_written(self, event: Event, leased: Leased, work: Unfinished) -> None:
        """A try of an event whose sender does not wait surely wrote nothing: its webhook says what follows."""
        if work.cancelled or self._retrying is None:
            await self._move(event, leased.lease, cancelled(NOT_WRITTEN.format(who=work.cancelled)), None)
            return
        failed = UnknownOutcome(event.error)
        settlement, job = self._retrying.after(event.id, leased.job, work, failed)
        committed = await self._move(event, leased.lease, settlement, job, keep_attempt=True)
        if committed.settlement is not None:
            self._retrying.tell(event.id, event.webhook, settlement, job)

    async def _fell_in(self, event: Event, leased: Leased, work: Unfinished) -> bool:
        """Whether its webhook holds events, among which it has taken its place: nothing is sent past them."""
        if not work.hold or leased.job.key or work.hold not in await self._store.count_waiting(EVENTS):
            return False
        job = unfinished_job(event.id, work, key=work.hold)
        await self._move(event, leased.lease, Settlement(State.HELD, error=WAITS_BEHIND), job)
        return True

    async def _let_go(self, event: Event, leased: Leased, work: Unfinished) -> None:
        """Try a held event again; the others of its webhook stay behind it until it has ended.

        Where the connection was changed meanwhile, what it said before that counts for nothing.
        """
        remote = self._targets.remote(event.connection)
        if remote is None:
            await self._later(event, leased, work, not_configured(event.connection))
            return
        try:
            spec = self._targets.spec(event.connection, event.entity)
        except NotFound as gone:
            await self._later(event, leased, work, gone.message)
            return
        await self._send(event, leased, work, remote, spec)
        if self._targets.remote(event.connection) is not remote:
            await self._store.hurry(EVENTS, leased.job.key)

    async def _owned(self, found: LookUp, event: Event, work: Unfinished) -> str:
        """The key of the record that this event wrote, empty where that cannot be said."""
        if found.verdict is LookUpVerdict.NONE:
            return ""
        if work.marker:
            return found.keys[0] if found.verdict is LookUpVerdict.FOUND else ""
        free = []
        for key in found.keys:
            owner = await self._store.owner_of(event.connection, event.entity, key)
            if owner in ("", event.id):
                free.append(key)
        return free[0] if len(free) == 1 else ""

    async def _succeeded(self, event: Event, leased: Leased, record: Record, key: str) -> None:
        settlement = success(key)
        await self._move(event, leased.lease, settlement, None, record=record)
        self._log(event, "settled", settlement)

    async def _later(
        self, event: Event, leased: Leased, work: Unfinished, why: str, settle_after: float = 0.0
    ) -> None:
        """Ask again, ever less often, but once exactly when a look-up that finds nothing may be believed."""
        lane, tries = leased.job.lane, leased.job.tries
        pause = min(FIRST_PAUSE * 2 ** min(work.waits if lane else tries, 10), LONGEST_PAUSE)
        believed = (work.since - self._clock.now()) / 1_000_000 + settle_after
        if 0 < believed < pause:
            pause = believed
        job = unfinished_job(
            event.id,
            structs.replace(work, waits=work.waits + 1) if lane else work,
            key=leased.job.key,
            seconds=pause,
            tries=tries if lane else tries + 1,
            turn=leased.job.turn,
            lane=lane,
        )
        await self._move(event, leased.lease, Settlement(event.state, error=why), job)

    async def _to_a_person(self, event: Event, leased: Leased, work: Unfinished, why: str) -> None:
        """Nobody looks it up any more; where its webhook holds up what is behind it, it stays in its place."""
        settlement = Settlement(State.UNKNOWN, error=why)
        if work.cancelled:
            settlement = cancelled(f"{NOT_KNOWN.format(who=work.cancelled)} {why}")
        key, lane = leased.job.key, leased.job.lane
        job = None
        if self._retrying is not None and key and not work.cancelled and self._retrying.holds(lane):
            settlement = structs.replace(settlement, reason=PARKED)
            parked = structs.replace(work, parked=True)
            job = unfinished_job(event.id, parked, key=key, seconds=NEVER, tries=leased.job.tries, lane=lane)
        committed = await self._move(event, leased.lease, settlement, job)
        self._log(event, "left_to_a_person", settlement)
        if job is not None and self._retrying is not None and committed.settlement is not None:
            self._retrying.tell(event.id, event.webhook, settlement, job)

    async def _send(
        self, event: Event, leased: Leased, work: Unfinished, remote: RemoteConnector, spec: EntitySpec
    ) -> None:
        """Nothing was written, that is sure: commit the intent anew, then call, and wait for its end."""
        now, asked = self._clock.now(), self._clock.monotonic()
        key, turn = leased.job.key, turn_of(work.record)
        job = unfinished_job(
            event.id, structs.replace(work, since=now), key=key, tries=leased.job.tries, turn=turn
        )
        committed = await self._move(event, leased.lease, Settlement(State.SENDING), job, leasing=True)
        if committed.occupied:
            await self._later(event, leased, work, OCCUPIED)
        if committed.lease is None:
            return
        call = Call(
            event.id,
            event.webhook,
            remote,
            spec,
            work.record,
            work.marker,
            event.run_id,
            now,
            asked,
            job,
            committed.lease,
            event.attempts + 1,
            hold=work.hold,
            was=event.state,
            hops=work.hops,
        )
        await asyncio.wait({self._executor.start(call, Ready(nothing))})

    async def _move(
        self,
        event: Event,
        lease: Lease,
        settlement: Settlement,
        job: Job | None,
        *,
        leasing: bool = False,
        record: Record | None = None,
        keep_attempt: bool = False,
    ) -> Committed:
        """Settle the event as the one who holds its job; nothing is written where somebody else does now.

        `record`: what has turned out to be written.
        """
        told = Told(event.id, event.webhook, event.connection, event.entity, record, event.state)
        finish = Finish(
            event.id,
            frozenset({event.state}),
            lambda _: settlement,
            self._clock.now(),
            job=job,
            holder=self._membership.holder(CALL_LEASE) if leasing else None,
            lease=lease,
            emit=self._executor.about(told),
            keep_attempt=keep_attempt,
        )
        committed = await self._store.finish(finish)
        lane = "" if job is None else job.lane
        self._executor.tell_of_holding(event.id, event.webhook, event.connection, committed, lane)
        return committed

    def _log(self, event: Event, happened: str, settlement: Settlement) -> None:
        self._event_log.write(
            happened,
            event_id=event.id,
            run_id=event.run_id,
            webhook=event.webhook,
            connection=event.connection,
            entity=event.entity,
            state=settlement.state.value,
            record_key=settlement.record_key,
        )


def not_configured(connection: str) -> str:
    """Why an event cannot be finished whose target was taken away."""
    return f"The connection “{connection}” is not configured any more."
