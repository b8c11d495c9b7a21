"""From a mapped event to a written record and a true answer.

A target in our own database: event, mark, record and stored answer are one commit.  A target elsewhere: the intent
is committed, then the call is made, then the event is settled; what is not known is *unknown*, never guessed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Final

from hookstation.core import answers
from hookstation.core.answers import Acknowledging
from hookstation.core.events import Answer, JournalEntry, Mark, MarkState, Settlement, State
from hookstation.core.records import Effect, EffectResult, Record
from hookstation.core.rowkey import turn_of
from hookstation.core.workflows.values import RunStart
from hookstation.engine.execute import Call, Executor, Ready
from hookstation.engine.lanes import FIRST_PAUSE, LONGEST_PAUSE, OCCUPIED
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.emitter import Told
from hookstation.engine.patience import Patience
from hookstation.engine.repeats import Claim, Overtaken
from hookstation.engine.settlements import failure, success
from hookstation.engine.stages import MappedEvent, Outcome, RawRequest
from hookstation.engine.unfinished import CALL_LEASE, Unfinished, queued_job, unfinished_job
from hookstation.engine.workflows.receiving import Receiving
from hookstation.errors import Conflict, Invalid, MappingFailed, NotFound, StoreError, StoreUnavailable
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.store import Acceptance, Committed, Emit, Hold, Journal

NOT_STORED: Final = "The event could not be stored just now. Nothing was done; send it again."
NOT_SURE: Final = (
    "Whether the event was stored is not known. Send it again, with its dedup key if it has one."
)
RETRY_AFTER: Final = 5
TOO_SLOW: Final = (
    "The event could not be stored within the time limit. Send it again, with its dedup key if it has one."
)

WITHDRAWN: Final = "The event could not be stored within the time limit. Nothing was sent; send it again."

WAITS_BEHIND: Final = (
    "It waits behind earlier events of this webhook, which holds them until its target works again."
)

PART_FOR_THE_TURN: Final = 0.75
"""How much of the sender's time may pass before the event's turn at its row has come; the rest is for the call."""

NOT_WRITTEN: Final = Settlement(State.FAILED)
"""How an event stands that could not be committed: the journal does not know it."""

QUEUED: Final = Settlement(State.WORKING)
"""How an event stands whose work is done after its sender was answered."""

log = logging.getLogger(__name__)


class Process:
    """Writes records. `executor` makes the calls to targets that are not in our database."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        identifiers: Identifiers,
        executor: Executor,
        membership: Membership,
        receiving: Receiving | None = None,
    ) -> None:
        self._journal, self._clock, self._identifiers, self._executor = journal, clock, identifiers, executor
        self._membership, self._receiving = membership, receiving
        self._patience = Patience(clock)

    def insert(self, event: MappedEvent, claim: Claim | None) -> Coroutine[object, object, Outcome]:
        """Write the event's record; return what became of it.

        Raises `Overtaken` where another event committed the same key first.
        """
        if event.raw.hook.workflow:
            return self._begin_runs(event)
        if isinstance(event.raw.voice, Acknowledging):
            return self._queue(event, event.raw.voice)
        return self._write_here(event) if event.raw.hook.local is not None else self._send_away(event, claim)

    def acceptance(self, event: MappedEvent, run_id: str) -> Acceptance:
        """The event with its work, which is done later: a job, or the run or runs that it begins.

        Raises `NotFound`, `Conflict`, `Invalid` and `MappingFailed` where its workflow cannot begin.
        """
        raw, emit = event.raw, self.emit_of(event.raw, event.body)
        if raw.hook.workflow:
            start = self._runs().start(event, run_id)
            mark = self._mark(event, run_id)
            return Acceptance(self._entry(event, run_id), _queued, mark=mark, emit=emit, starts=(start,))
        work = Unfinished(
            event.record, raw.hook.mapping.marker, raw.received_at, run_id=run_id, hops=raw.hops
        )
        return Acceptance(
            self._entry(event, run_id),
            _queued,
            None,
            self._mark(event, run_id),
            queued_job(raw.event_id, raw.hook.name, work, event.order),
            emit=emit,
        )

    def _runs(self) -> Receiving:
        assert self._receiving is not None, "a webhook starts a workflow where none can run"
        return self._receiving

    async def _queue(self, event: MappedEvent, voice: Acknowledging) -> Outcome:
        """Commit the event with its work, which is done after the answer."""
        raw, run_id = event.raw, self._identifiers.run_id()
        committed = await self._commit(self.acceptance(event, run_id), raw)
        if isinstance(committed, Answer):
            return Outcome(committed, NOT_WRITTEN)
        return Outcome(voice.acknowledged(raw.event_id, run_id), QUEUED, run_id)

    async def _begin_runs(self, event: MappedEvent) -> Outcome:
        """Commit the event with the runs that it begins; a sender that waits for the outcome waits for the run's."""
        receiving, raw, run_id = self._runs(), event.raw, self._identifiers.run_id()
        try:
            if receiving.is_of_changes(event):
                return await self._begin_many(event, receiving.starts(event))
            acceptance = self.acceptance(event, run_id)
        except (NotFound, Conflict, Invalid, MappingFailed) as refused:
            return await self._fail(event, failure(refused.message, "workflow", raw.voice))
        committed = await self._commit(acceptance, raw)
        if isinstance(committed, Answer):
            return Outcome(committed, NOT_WRITTEN)
        if isinstance(raw.voice, Acknowledging):
            return Outcome(raw.voice.acknowledged(raw.event_id, run_id), QUEUED, run_id)
        return await receiving.outcome(run_id, raw.deadline)

    async def _begin_many(self, event: MappedEvent, starts: tuple[RunStart, ...]) -> Outcome:
        """The event is done when its runs have begun."""
        done, raw = success(""), event.raw
        emit, mark = self.emit_of(raw, event.body), self._mark(event, "")
        acceptance = Acceptance(self._entry(event, ""), lambda _: done, mark=mark, emit=emit, starts=starts)
        return self._told(await self._commit(acceptance, raw))

    async def _write_here(self, event: MappedEvent) -> Outcome:
        hook, record = event.raw.hook, event.record
        effect = Effect(hook.spec, record.operation, record.fields, record.match)
        acceptance = Acceptance(
            self._entry(event, ""),
            hook.settle,
            effect,
            self._mark(event, ""),
            emit=self.emit_of(event.raw, event.body, record),
        )
        return self._told(await self._commit(acceptance, event.raw))

    @staticmethod
    def _told(committed: Committed | Answer) -> Outcome:
        """The outcome of an event that is settled by its commit."""
        if isinstance(committed, Answer):
            return Outcome(committed, NOT_WRITTEN)
        settlement = committed.settlement
        assert settlement is not None
        return Outcome(Answer(settlement.answer_status, settlement.answer_body), settlement)

    async def _send_away(self, event: MappedEvent, claim: Claim | None) -> Outcome:
        raw, lanes = event.raw, self._executor.lanes
        turn, began = turn_of(event.record), self._clock.monotonic()
        patience = max(0.0, raw.deadline - began) * PART_FOR_THE_TURN
        if not await lanes.enter(turn, raw.event_id, patience):
            return await self._refuse(event)
        try:
            intended = await self._intend(event, turn, began + patience)
        except BaseException:
            lanes.leave(raw.event_id)
            raise
        if isinstance(intended, Outcome):
            lanes.leave(raw.event_id)
            return intended
        return await self._call(event, intended, claim)

    async def _refuse(self, event: MappedEvent) -> Outcome:
        """The event's turn did not come: it has failed, and nothing was sent."""
        return await self._fail(event, failure(OCCUPIED))

    async def _fail(self, event: MappedEvent, settlement: Settlement) -> Outcome:
        """Commit an event for which nothing was done."""
        emit = self.emit_of(event.raw, event.body)
        acceptance = Acceptance(self._entry(event, ""), lambda _: settlement, emit=emit)
        return self._told(await self._commit(acceptance, event.raw))

    async def _intend(self, event: MappedEvent, turn: bytes, until: float) -> Call | Outcome:
        """Commit that the record is going to be sent; the event's outcome where it is not."""
        run_id, hook, hold = self._identifiers.run_id(), event.raw.hook, self._hold(event)
        now = self._clock.now()
        work = Unfinished(
            event.record, hook.mapping.marker, now, hold.key if hold else "", hops=event.raw.hops
        )
        job = unfinished_job(event.raw.event_id, work, turn=turn)
        acceptance = Acceptance(
            self._entry(event, run_id),
            lambda _: Settlement(State.SENDING),
            None,
            self._mark(event, run_id),
            job,
            self._membership.holder(CALL_LEASE),
            hold,
            self.emit_of(event.raw, event.body),
        )
        pause = FIRST_PAUSE
        while True:
            asked = self._clock.monotonic()
            committed = await self._commit_intent(acceptance, event.raw)
            if isinstance(committed, Answer):
                return Outcome(committed, NOT_WRITTEN)
            if not committed.occupied:
                break
            if self._clock.monotonic() + pause >= until:
                return await self._refuse(event)
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        assert committed.settlement is not None
        if committed.lease is None:
            return Outcome(answers.pending(run_id), committed.settlement, run_id)
        assert hook.remote is not None
        return Call(
            event.raw.event_id,
            hook.name,
            hook.remote,
            hook.spec,
            event.record,
            hook.mapping.marker,
            run_id,
            now,
            asked,
            job,
            committed.lease,
            hold=work.hold,
            hops=work.hops,
        )

    @staticmethod
    def _hold(event: MappedEvent) -> Hold | None:
        """Behind what its webhook holds already, an event is not even tried: they go in order."""
        hook = event.raw.hook
        return Hold(hook.name, Settlement(State.HELD, error=WAITS_BEHIND)) if hook.definition.hold else None

    async def _call(self, event: MappedEvent, call: Call, claim: Claim | None) -> Outcome:
        run_id = call.run_id
        if claim is not None:
            claim.run_id = run_id
        task = self._executor.start(call, Ready(claim.release if claim else nothing))
        left = event.raw.deadline - self._clock.monotonic()
        done, _ = await asyncio.wait({task}, timeout=max(0.0, left))
        if not done:
            return Outcome(answers.pending(run_id), Settlement(State.SENDING), run_id)
        settled = task.result()
        if settled.state in (State.UNKNOWN, State.HELD):
            return Outcome(answers.pending(run_id), settled, run_id)
        return Outcome(Answer(settled.answer_status, settled.answer_body), settled, run_id)

    @staticmethod
    def _entry(event: MappedEvent, run_id: str) -> JournalEntry:
        return event.raw.entry(
            size=len(event.body),
            body=event.body,
            connection=event.record.connection,
            entity=event.record.entity,
            run_id=run_id,
        )

    def emit_of(self, raw: RawRequest, body: bytes, record: Record | None = None) -> Emit | None:
        """What others are told of an event that comes into the journal with this body. `record`: what it may write."""
        connection = raw.hook.definition.connection
        told = Told(raw.event_id, raw.hook.name, connection, raw.hook.spec.name, record, hops=raw.hops)
        return self._executor.about(told, body)

    async def _commit_intent(self, acceptance: Acceptance, raw: RawRequest) -> Committed | Answer:
        """Commit that a record is going to be sent; one that lands after nobody waits for it any more is withdrawn."""
        accepted = self._journal.accept(acceptance)
        waited: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        accepted.add_done_callback(partial(_pass_on, waited))
        try:
            return await self._wait(waited, raw)
        finally:
            if not _was_heard(waited, accepted):
                entry = acceptance.entry
                told = Told(raw.event_id, raw.hook.name, entry.connection, entry.entity, hops=raw.hops)
                self._executor.withdraw(raw.event_id, accepted, WITHDRAWN, self._executor.about(told))

    async def _commit(self, acceptance: Acceptance, raw: RawRequest) -> Committed | Answer:
        """Commit an event with its outcome; one that lands late stands, and its sender was told to repeat."""
        return await self._wait(self._journal.accept(acceptance), raw)

    async def _wait(self, waited: asyncio.Future[Committed], raw: RawRequest) -> Committed | Answer:
        """Wait for a commit within the time limit; the sender's answer where that is not possible."""
        self._patience.until(waited, raw.deadline)
        try:
            committed = await waited
        except StoreUnavailable as failure:
            log.error("event not stored: %s", failure.message, extra={"event_id": raw.event_id})
            return raw.voice.busy(503, NOT_STORED, RETRY_AFTER)
        except StoreError as failure:
            log.error("event perhaps not stored: %s", failure.message, extra={"event_id": raw.event_id})
            return raw.voice.busy(503, NOT_SURE, RETRY_AFTER)
        except TimeoutError:
            return raw.voice.busy(503, TOO_SLOW, RETRY_AFTER)
        finally:
            self._patience.done(waited)
        if committed.conflict is not None:
            raise Overtaken(committed.conflict)
        return committed

    def _mark(self, event: MappedEvent, run_id: str) -> Mark | None:
        if event.key is None:
            return None
        repeats = event.raw.hook.definition.duplicates
        assert repeats is not None
        return Mark(
            event.raw.hook.name,
            event.key,
            event.digest,
            event.raw.event_id,
            MarkState.WORKING,
            event.raw.received_at + repeats.window * 1_000_000,
            run_id,
        )


def _queued(_: EffectResult | None) -> Settlement:
    return QUEUED


def _pass_on(waited: asyncio.Future[Committed], accepted: asyncio.Future[Committed]) -> None:
    """Tell whoever waits how the commit ended, unless it has given up."""
    if waited.done():
        return
    failure = accepted.exception()
    if failure is None:
        waited.set_result(accepted.result())
    else:
        waited.set_exception(failure)


def _was_heard(waited: asyncio.Future[Committed], accepted: asyncio.Future[Committed]) -> bool:
    """Whether the one who waited knows how the commit ended, or nothing of it can land any more."""
    if not accepted.done():
        return False
    if accepted.exception() is not None:
        return True
    return waited.done() and not waited.cancelled() and waited.exception() is None


def nothing() -> None:
    """There is nobody to tell."""
