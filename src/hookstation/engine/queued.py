"""Events whose senders were answered before the work is done: each is done by whoever leases it, lane by lane.

A lane is a webhook.  A target in our own database is one commit under the lease; for one elsewhere the intent is
committed under the lease, then the call is made, then the event is settled, all of it as the one job.  What is not
known is looked up by `settle`, still as that job, so that nothing of its key passes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from hookstation.core.definitions import WebhookState
from hookstation.core.events import Event, Settlement, State
from hookstation.core.jobs import EVENTS, Job, JobEnd, JobState, Leased
from hookstation.core.records import Effect, EffectResult, EntitySpec
from hookstation.core.rowkey import turn_of
from hookstation.engine.execute import Call, Executor, Ready
from hookstation.engine.lane_worker import BATCH, Room
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.emitter import Told
from hookstation.engine.process import nothing
from hookstation.engine.retrying import GAVE_UP, Retrying
from hookstation.engine.settle import LOOK_UP_LEASE, Settler, not_configured
from hookstation.engine.settlements import failure, settler
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.targets import Targets
from hookstation.engine.unfinished import CALL_LEASE, Unfinished, read_unfinished, unfinished_job
from hookstation.errors import ActionFailed, Invalid, NotFound, Retriable, Terminal
from hookstation.ports.clock import Clock
from hookstation.ports.connector import RemoteConnector
from hookstation.ports.log import EventLog
from hookstation.ports.store import Committed, EventFilter, Finish, Store

AT_ONCE: Final = 400
"""Events of all webhooks that one node works on at the same time."""

ELSEWHERE: Final = 10
"""Events of a webhook that all nodes together work on at the same time, where its target is elsewhere and it does not
say how many."""

WAITING: Final = frozenset({State.WORKING, State.HELD})
"""States in which an event may be tried."""

HELD: Final = frozenset({State.HELD})
MOST_HURRIED: Final = 500
"""Held events of a webhook that are tried at once when its target was changed; the others are within the usual time."""

PUT_OFF: Final = 2.0
"""Seconds until a job is leased again that our database, or a mistake of ours, kept from being done."""

TURN_PATIENCE: Final = 5.0
TURN_PAUSE: Final = 0.5
"""Seconds that an event waits for the turn at its row, and until it asks for it again."""

BROKEN_PAUSE: Final = 5.0
"""Seconds until it is looked again whether a webhook that does not work was put right."""

WEBHOOK_GONE: Final = (
    "The webhook “{webhook}” was deleted while this event waited for its work; nothing was done. Put up a webhook of "
    "this name, then replay the event."
)


class QueuedEvents:
    """A `LaneWork`: the lanes of the queue `EVENTS`."""

    queue = EVENTS

    def __init__(  # noqa: PLR0913 - the meeting point of the work after the answer
        self,
        store: Store,
        switchboard: Switchboard,
        targets: Targets,
        executor: Executor,
        settler: Settler,
        retrying: Retrying,
        membership: Membership,
        clock: Clock,
        event_log: EventLog,
    ) -> None:
        self._store, self._switchboard, self._targets = store, switchboard, targets
        self._executor, self._settler, self._retrying = executor, settler, retrying
        self._membership, self._clock, self._event_log = membership, clock, event_log

    def room(self, lane: str, at_work: int) -> Room:
        """As many as the webhook says; a paused one keeps everything, and one whose target is away tries one."""
        line = self._switchboard.named(lane)
        if line is None:
            return Room(BATCH)
        if line.state is WebhookState.PAUSED:
            return Room(0)
        try:
            hook = self._switchboard.compiled(line)
        except Invalid:
            return Room(0, seconds=BROKEN_PAUSE)
        most = hook.definition.work.concurrency or (0 if hook.local is not None else ELSEWHERE)
        rest = self._retrying.rest(lane)
        if rest is not None:
            return Room(0 if rest else 1 - at_work, most, rest)
        return Room(most - at_work if most else AT_ONCE, most)

    async def lease(self, lane: str, limit: int, most: int) -> Sequence[Leased]:
        """Lease events of a webhook."""
        return await self._store.lease(EVENTS, self._membership.node_id, LOOK_UP_LEASE, limit, lane, most)

    async def next_due(self, lane: str) -> int | None:
        """When the next event of a webhook is due."""
        return await self._store.next_due(EVENTS, lane)

    async def settle(self, ends: Sequence[JobEnd]) -> None:
        """Write how jobs ended."""
        await self._store.settle(ends)

    def put_off(self, item: Leased) -> JobEnd:
        """It is tried again a little later, which is no try of its webhook's plan."""
        return _later(item, PUT_OFF)

    async def do(self, item: Leased) -> JobEnd | None:
        """Try the event; what is no event that waits is looked up, or finished, by `settle`."""
        job, work = item.job, read_unfinished(item.job)
        line = self._switchboard.named(job.lane)
        if line is None:
            settlement: Settlement | None = failure(WEBHOOK_GONE.format(webhook=job.lane), GAVE_UP)
        else:
            settlement = self._retrying.late(job, work)
        if settlement is not None:
            return await self._end(item, work, settlement)
        connection = work.record.connection
        remote = self._targets.remote(connection)
        if remote is None and self._targets.local(connection) is None:
            return await self._fail(item, work, Retriable(not_configured(connection)))
        try:
            spec = self._targets.spec(connection, work.record.entity)
        except NotFound as missing:
            return await self._fail(item, work, Terminal(missing.message))
        if remote is None:
            return await self._write_here(item, work, spec)
        return await self._send(item, work, remote, spec)

    async def _write_here(self, item: Leased, work: Unfinished, spec: EntitySpec) -> JobEnd | None:
        """The effect and the end of the event in one commit, together with those of others."""
        record, now = work.record, self._clock.now()
        end = settler(record.entity)
        refused, again = self._retrying.after_refusal(item.job.id, item.job, work)

        def settle(result: EffectResult | None) -> Settlement:
            ended = end(result)
            if ended.state is State.SUCCEEDED:
                return ended
            return structs.replace(ended, reason=GAVE_UP) if refused is None else _with_error(refused, ended)

        finish = Finish(
            item.job.id,
            WAITING,
            settle,
            now,
            Effect(spec, record.operation, record.fields, record.match),
            again,
            lease=item.lease,
            attempt_started_at=now,
            keep_attempt=True,
            emit=self._executor.about(self._told(item, work, wrote=True)),
        )
        committed = await self._store.finish(finish)
        return await self._ended(item, work, committed, again)

    async def _send(
        self, item: Leased, work: Unfinished, remote: RemoteConnector, spec: EntitySpec
    ) -> JobEnd | None:
        """The turn at the row, then the intent, then the call; its end is awaited, whoever has the event by then."""
        lanes, turn = self._executor.lanes, turn_of(work.record)
        if not await lanes.enter(turn, item.job.id, TURN_PATIENCE):
            return _later(item, TURN_PAUSE)
        try:
            asked, now = self._clock.monotonic(), self._clock.now()
            sent = structs.replace(work, since=now, received=work.accepted_at, parked=False)
            job = _again(item.job, sent, turn=turn)
            committed = await self._store.finish(
                Finish(
                    item.job.id,
                    WAITING,
                    _sending,
                    now,
                    job=job,
                    holder=self._membership.holder(CALL_LEASE),
                    lease=item.lease,
                )
            )
        except BaseException:
            lanes.leave(item.job.id)
            raise
        if committed.lease is None:
            lanes.leave(item.job.id)
            return (
                _later(item, TURN_PAUSE) if committed.occupied else await self._ended(item, work, committed)
            )
        call = Call(
            item.job.id,
            item.job.lane,
            remote,
            spec,
            work.record,
            work.marker,
            work.run_id,
            now,
            asked,
            job,
            committed.lease,
            item.job.tries + 1,
            was=None if committed.before is None else committed.before.state,
            hops=work.hops,
        )
        await asyncio.wait({self._executor.start(call, Ready(nothing))})
        return None

    async def _fail(self, item: Leased, work: Unfinished, failed: ActionFailed) -> JobEnd | None:
        """The try failed before anything could be asked of the target."""
        settlement, again = self._retrying.after(item.job.id, item.job, work, failed)
        return await self._end(item, work, settlement, again, tried=True)

    async def _end(
        self,
        item: Leased,
        work: Unfinished,
        settlement: Settlement,
        again: Job | None = None,
        *,
        tried: bool = False,
    ) -> JobEnd | None:
        now = self._clock.now()
        finish = Finish(
            item.job.id,
            WAITING,
            lambda _: settlement,
            now,
            job=again,
            lease=item.lease,
            attempt_started_at=now if tried else 0,
            keep_attempt=tried,
            emit=self._executor.about(self._told(item, work)),
        )
        return await self._ended(item, work, await self._store.finish(finish), again)

    async def _ended(
        self, item: Leased, work: Unfinished, committed: Committed, again: Job | None = None
    ) -> JobEnd | None:
        """Tell of what was committed; where nothing was, the event stands otherwise than it was thought to."""
        settlement = committed.settlement
        if settlement is None:
            return await self._settler.do(item)
        if settlement.state is State.SUCCEEDED:
            self._retrying.works(item.job.lane)
        self._event_log.write(
            "attempt_ended",
            event_id=item.job.id,
            run_id=work.run_id,
            webhook=item.job.lane,
            connection=work.record.connection,
            entity=work.record.entity,
            attempt=item.job.tries + 1,
            state=settlement.state.value,
            record_key=settlement.record_key,
            error=settlement.error,
        )
        self._retrying.tell(
            item.job.id, item.job.lane, settlement, again if settlement.state in WAITING else None
        )
        return None

    @staticmethod
    def _told(item: Leased, work: Unfinished, *, wrote: bool = False) -> Told:
        record = work.record
        was = State.HELD if work.waits or work.parked else None
        told = record if wrote else None
        return Told(item.job.id, item.job.lane, record.connection, record.entity, told, was, hops=work.hops)

    async def hurry(self) -> None:
        """Targets were changed: what is held because its target was away is tried at once."""
        for lane in self._retrying.wake():
            held = await self._store.list_events(EventFilter(lane, frozenset({State.HELD})), MOST_HURRIED)
            for event in held.items:
                await self._hurry(event)

    async def _hurry(self, event: Event) -> None:
        found = await self._store.find_job(EVENTS, event.id)
        if found is None or not found.job.lane or found.state is JobState.LEASED:
            return
        if not read_unfinished(found.job).parked:
            stands = Settlement(State.HELD, error=event.error)
            finish = Finish(event.id, HELD, lambda _: stands, self._clock.now(), job=found.job)
            await self._store.finish(finish)


def _sending(_: EffectResult | None) -> Settlement:
    return Settlement(State.SENDING)


def _with_error(stands: Settlement, ended: Settlement) -> Settlement:
    return structs.replace(stands, error=ended.error)


def _again(job: Job, work: Unfinished, *, turn: bytes = b"") -> Job:
    return unfinished_job(job.id, work, key=job.key, tries=job.tries, turn=turn, lane=job.lane)


def _later(item: Leased, seconds: float) -> JobEnd:
    return JobEnd(item.lease, structs.replace(item.job, delay=int(seconds * 1_000_000)))
