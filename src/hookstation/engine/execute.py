"""Calls to targets outside our database, and how each ends.

A call runs in a task of its own: the sender's time limit may pass, the sender may go away, and it is still settled.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from msgspec import structs

from hookstation.core.events import Settlement, State
from hookstation.core.jobs import Job, Lease
from hookstation.core.records import EntitySpec, Record
from hookstation.engine.lanes import Lanes
from hookstation.engine.membership import BEAT, SILENT
from hookstation.engine.outgoing.connections import Connections
from hookstation.engine.outgoing.emitter import Emitter, Told
from hookstation.engine.retrying import Retrying
from hookstation.engine.settlements import after_failure, failure, success
from hookstation.engine.tallying import CallCounts
from hookstation.engine.unfinished import Unfinished, read_unfinished, unfinished_job
from hookstation.errors import ActionFailed, NeedsAuth, Retriable, StoreError, UnknownOutcome
from hookstation.ports.clock import Clock
from hookstation.ports.connector import RemoteConnector, Written
from hookstation.ports.log import EventLog
from hookstation.ports.store import Committed, Emit, Finish, Journal

FIRST_LOOK_UP: Final = 2.0
"""Seconds after an unknown outcome until it is first looked up."""

STORE_PAUSE: Final = 0.5
"""Seconds between tries to settle while the database cannot commit."""

FIRST_HOLD: Final = 1.0
LONGEST_HOLD: Final = 15.0
LONGEST_HOLD_REFUSED: Final = 300.0
"""Seconds until a held event is tried again: first, at most, and at most where the target refuses our credentials,
since a target may lock an account that keeps knocking."""

STOOD_STILL: Final = SILENT - BEAT
"""Seconds between asking for the commit of a call's intent and making the call, after which it is not made any more:
the node was frozen or its database was, and what the others know of the target by then must not become wrong.

A node that has just said that it lives is buried after `SILENT` at the earliest, and what it had leased is believed not
to be written `settle_after` later, which is longer than a call takes: one that begins within this time has ended then.
"""

NOT_CALLED: Final = "The node stood still before the record was sent. Nothing was done; send it again."

TAKEN_OVER: Final = "Another node took this event over while this one was silent."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One record on its way: everything that the call and its settling need. `since`: microseconds, when it began.

    `asked`: seconds on the clock's monotonic scale, when the commit of its intent was asked for.
    `job` is the event's job, and `lease` this node's right to settle it.  `hold` is the order key under which the event
    is held where the target cannot take it, empty where it fails then.
    `stands`: how the event stood before this attempt, where an attempt that surely failed does not change that: a
    record that was written stays written.  `was`: its state before this attempt, where others were told of it.
    `hops`: so many deliveries led to the event's call.
    """

    event_id: str
    webhook: str
    remote: RemoteConnector
    spec: EntitySpec
    record: Record
    marker: str
    run_id: str
    since: int
    asked: float
    job: Job
    lease: Lease
    attempt: int = 1
    hold: str = ""
    stands: Settlement | None = None
    was: State | None = None
    hops: int = 0


class _Ended(NamedTuple):
    """How the event stands after the call, and what is left to do for it.

    `inserted`: whether the record that was written is a new one, ``None`` where none was.
    """

    settlement: Settlement
    job: Job | None = None
    inserted: bool | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """Whom to tell when the call has been settled."""

    tell: Callable[[], None]


class Executor:
    """Makes calls in tasks and knows which are under way. Who starts one stands in `lanes`; its end leaves the lane.

    `emitter` and `connections` tell others how events and calls end; `retrying` says how calls go on whose senders do
    not wait.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        event_log: EventLog,
        counts: CallCounts | None = None,
        emitter: Emitter | None = None,
        connections: Connections | None = None,
        retrying: Retrying | None = None,
    ) -> None:
        self.lanes = Lanes()
        self._retrying = retrying
        self._counts = CallCounts() if counts is None else counts
        self._journal, self._clock, self._event_log = journal, clock, event_log
        self._emitter, self._connections = emitter, connections
        self._under_way: dict[str, asyncio.Task[Settlement]] = {}

    def about(self, told: Told, arrived: bytes | None = None) -> Emit | None:
        """What others are told of an event once it is known how it stands: see `Emitter.about`."""
        return None if self._emitter is None or self._emitter.idle else self._emitter.about(told, arrived)

    def start(self, call: Call, ready: Ready) -> asyncio.Task[Settlement]:
        """Begin a call whose intent is committed."""
        task = asyncio.get_running_loop().create_task(self._run(call, ready), name=f"send {call.event_id}")
        self._under_way[call.event_id] = task
        task.add_done_callback(lambda _: self._under_way.pop(call.event_id, None))
        return task

    def withdraw(
        self, event_id: str, accepted: asyncio.Future[Committed], why: str, emit: Emit | None = None
    ) -> None:
        """Nobody waits any more for the commit of an intent, and no call is made: the event fails once it stands."""
        task = asyncio.get_running_loop().create_task(
            self._withdraw(event_id, accepted, why, emit), name=f"withdraw {event_id}"
        )
        self._under_way[event_id] = task
        task.add_done_callback(lambda _: self._under_way.pop(event_id, None))

    async def _withdraw(
        self, event_id: str, accepted: asyncio.Future[Committed], why: str, emit: Emit | None
    ) -> Settlement:
        settlement = failure(why)
        try:
            lease = (await accepted).lease
        except StoreError:
            return settlement
        if lease is not None:
            sending = frozenset({State.SENDING})
            await self._finish(
                Finish(event_id, sending, lambda _: settlement, self._clock.now(), lease=lease, emit=emit)
            )
            self._event_log.write("intent_withdrawn", event_id=event_id, error=why)
        return settlement

    def is_under_way(self, event_id: str) -> bool:
        """Whether this process makes the event's call now."""
        return event_id in self._under_way

    async def drain(self, seconds: float) -> int:
        """Wait for the calls under way, at most `seconds`; return how many did not end.

        What does not end stays *sending* in the journal, and is looked up by whoever leases its job next.
        """
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()), timeout=seconds)
        left = [task for task in self._under_way.values() if not task.done()]
        for task in left:
            task.cancel()
        return len(left)

    async def _run(self, call: Call, ready: Ready) -> Settlement:
        started, clock_started = self._clock.now(), time.perf_counter_ns()
        try:
            settlement = await self._settle(call, await self._call(call), started)
        finally:
            self.lanes.leave(call.event_id)
            ready.tell()
        self._event_log.write(
            "attempt_ended",
            event_id=call.event_id,
            run_id=call.run_id,
            webhook=call.webhook,
            connection=call.record.connection,
            entity=call.record.entity,
            attempt=call.attempt,
            state=settlement.state.value,
            record_key=settlement.record_key,
            error=settlement.error,
            duration_us=(time.perf_counter_ns() - clock_started) // 1000,
        )
        return settlement

    async def _call(self, call: Call) -> _Ended:
        try:
            written = await self._send(call)
        except UnknownOutcome as unknown:
            return self._unknown(call, unknown.message)
        except ActionFailed as refusal:
            if refusal.detail:
                log.warning(
                    "action failed: %s",
                    refusal.detail,
                    extra={"event_id": call.event_id, "run_id": call.run_id},
                )
            if isinstance(refusal, NeedsAuth):
                self._counts.credentials_refused(call.webhook, self._clock.now())
                if self._connections is not None:
                    self._connections.refused(call.record.connection, refusal.message)
            if call.job.lane and self._retrying is not None:
                work = read_unfinished(call.job)
                return _Ended(*self._retrying.after(call.event_id, call.job, work, refusal))
            if call.hold and isinstance(refusal, (Retriable, NeedsAuth)):
                return self._held(call, refusal)
            return self._failed(call, refusal.message)
        except Exception:
            log.exception("the connector broke", extra={"event_id": call.event_id, "run_id": call.run_id})
            return self._unknown(call, "The call to the target broke off; its outcome is not known.")
        if self._connections is not None:
            self._connections.works(call.record.connection)
        return _Ended(success(written.key), inserted=written.inserted)

    async def _send(self, call: Call) -> Written:
        if self._clock.monotonic() - call.asked > STOOD_STILL:
            raise Retriable(NOT_CALLED)
        return await call.remote.execute(call.record, call.spec)

    def _failed(self, call: Call, error: str) -> _Ended:
        """It surely failed; an outcome that was unknown before this attempt is still to be looked up."""
        if call.stands is None:
            return _Ended(failure(error))
        stands = after_failure(call.stands, error)
        return _Ended(stands, self._unknown(call, error).job if stands.state is State.UNKNOWN else None)

    def _unknown(self, call: Call, error: str) -> _Ended:
        job = call.job
        if job.lane:
            work = structs.replace(read_unfinished(job), since=self._clock.now(), waits=0)
        else:
            work = Unfinished(call.record, call.marker, self._clock.now(), call.hold, hops=call.hops)
        look_up = unfinished_job(
            call.event_id,
            work,
            key=job.key,
            seconds=FIRST_LOOK_UP,
            tries=job.tries if job.lane else 0,
            turn=job.turn,
            lane=job.lane,
        )
        return _Ended(Settlement(State.UNKNOWN, error=error), look_up)

    def _held(self, call: Call, refusal: ActionFailed) -> _Ended:
        """Nothing was executed: the event waits until the target works again, and its row is free meanwhile."""
        most = LONGEST_HOLD_REFUSED if isinstance(refusal, NeedsAuth) else LONGEST_HOLD
        work = Unfinished(call.record, call.marker, call.since, call.hold, hops=call.hops)
        job = unfinished_job(
            call.event_id,
            work,
            key=call.hold,
            seconds=min(FIRST_HOLD * 2 ** min(call.job.tries, 10), most),
            tries=call.job.tries + 1,
        )
        return _Ended(Settlement(State.HELD, error=refusal.message), job)

    async def _settle(self, call: Call, ended: _Ended, started: int) -> Settlement:
        """Commit how the call ended; while the database cannot, keep trying: the truth is known only here.

        Where the lease was lost meanwhile, whoever has it says how the event stands; here that is not known.
        """
        settlement, job, inserted = ended
        finish = Finish(
            call.event_id,
            frozenset({State.SENDING}),
            lambda _: settlement,
            self._clock.now(),
            job=job,
            lease=call.lease,
            attempt_started_at=started,
            emit=self.about(_told(call, inserted)),
            keep_attempt=bool(call.job.lane) and settlement.state in (State.WORKING, State.HELD),
        )
        committed = await self._finish(finish)
        if committed.settlement is None:
            log.warning("%s", TAKEN_OVER, extra={"event_id": call.event_id, "run_id": call.run_id})
            return Settlement(State.UNKNOWN, error=TAKEN_OVER)
        if call.job.lane:
            self._tell_of_try(call, settlement, job)
            return settlement
        self.tell_of_holding(call.event_id, call.webhook, call.record.connection, committed)
        return settlement

    def _tell_of_try(self, call: Call, settlement: Settlement, job: Job | None) -> None:
        if self._retrying is None:
            return
        if settlement.state is State.SUCCEEDED:
            self._retrying.works(call.job.lane)
        self._retrying.tell(call.event_id, call.webhook, settlement, job)

    async def _finish(self, finish: Finish) -> Committed:
        """Commit; while the database cannot, try again."""
        while True:
            try:
                return await self._journal.finish(finish)
            except StoreError as failed:
                log.error("event not settled yet: %s", failed.message, extra={"event_id": finish.event_id})
                await self._clock.sleep(STORE_PAUSE)

    def tell_of_holding(
        self, event_id: str, webhook: str, connection: str, committed: Committed, lane: str = ""
    ) -> None:
        """One alert when a webhook begins to hold its events, and one line when it has let the last one go.

        `lane`: that of the event's job; in a lane with a name keys are of an order, and nothing is held by them.
        """
        if lane:
            return
        who = {"event_id": event_id, "webhook": webhook, "connection": connection}
        if committed.began:
            why = committed.settlement.error if committed.settlement else ""
            self._event_log.write("holding_began", error=why, **who)
            log.error(
                "the webhook “%s” holds its events until “%s” works again: %s", webhook, connection, why
            )
        if committed.ended:
            self._event_log.write("holding_ended", **who)
            log.warning("the webhook “%s” has let go what it held", webhook)


def _told(call: Call, inserted: bool | None) -> Told:
    """The call's event; what it had come to before is told once, and a record where one was written."""
    record = call.record
    was = call.stands.state if call.stands is not None and inserted is None else call.was
    return Told(
        call.event_id,
        call.webhook,
        record.connection,
        record.entity,
        None if inserted is None else record,
        was,
        inserted,
        call.hops,
    )
