"""From a mapped event to a written record and a true answer.

A target in our own database: event, mark, record and stored answer are one commit.  A target elsewhere: the intent
is committed, then the call is made, then the event is settled; what is not known is *unknown*, never guessed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Final

from hookstation.core import answers
from hookstation.core.events import Answer, DueWork, JournalEntry, Mark, MarkState, Settlement, State
from hookstation.core.jsontext import dump_json
from hookstation.core.records import Effect
from hookstation.engine.execute import Executor, Job, Ready
from hookstation.engine.lanes import OCCUPIED
from hookstation.engine.patience import Patience
from hookstation.engine.repeats import Claim, Overtaken
from hookstation.engine.settlements import failure
from hookstation.engine.stages import MappedEvent, Outcome
from hookstation.errors import StoreUnavailable
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.store import Acceptance, Journal

LEFT_BEHIND: Final = 600 * 1_000_000
"""Microseconds after which an event that is still *sending* is looked at: longer than any call takes."""

NOT_STORED: Final = "The event could not be stored just now. Nothing was done; send it again."
TOO_SLOW: Final = (
    "The event could not be stored within the time limit. Send it again, with its dedup key if it has one."
)

PART_FOR_THE_TURN: Final = 0.75
"""How much of the sender's time may pass before the event's turn at its row has come; the rest is for the call."""

NOT_WRITTEN: Final = Settlement(State.FAILED)
"""How an event stands that could not be committed: the journal does not know it."""

log = logging.getLogger(__name__)


class Process:
    """Writes records. `executor` makes the calls to targets that are not in our database."""

    def __init__(self, journal: Journal, clock: Clock, identifiers: Identifiers, executor: Executor) -> None:
        self._journal, self._clock, self._identifiers, self._executor = journal, clock, identifiers, executor
        self._patience = Patience(clock)

    def insert(self, event: MappedEvent, claim: Claim | None) -> Coroutine[object, object, Outcome]:
        """Write the event's record; return what became of it.

        Raises `Overtaken` where another event committed the same key first.
        """
        return self._write_here(event) if event.raw.hook.local is not None else self._send_away(event, claim)

    async def _write_here(self, event: MappedEvent) -> Outcome:
        hook, record = event.raw.hook, event.record
        effect = Effect(hook.spec, record.operation, record.fields, record.match)
        acceptance = Acceptance(
            self._entry(event, ""),
            hook.settle,
            effect,
            self._mark(event, ""),
        )
        settlement, refusal = await self._commit(acceptance, event.raw.deadline)
        if settlement is None:
            return Outcome(refusal, NOT_WRITTEN)
        return Outcome(Answer(settlement.answer_status, settlement.answer_body), settlement)

    async def _send_away(self, event: MappedEvent, claim: Claim | None) -> Outcome:
        raw, lanes = event.raw, self._executor.lanes
        patience = max(0.0, raw.deadline - self._clock.monotonic()) * PART_FOR_THE_TURN
        if not await lanes.enter(event.record, raw.event_id, patience):
            return await self._refuse(event)
        try:
            intended = await self._intend(event)
        except BaseException:
            lanes.leave(raw.event_id)
            raise
        if isinstance(intended, Answer):
            lanes.leave(raw.event_id)
            return Outcome(intended, NOT_WRITTEN)
        return await self._call(event, intended, claim)

    async def _refuse(self, event: MappedEvent) -> Outcome:
        """The event's turn did not come: it has failed, and nothing was sent."""
        settlement = failure(OCCUPIED)
        acceptance = Acceptance(self._entry(event, ""), lambda _: settlement)
        settled, refusal = await self._commit(acceptance, event.raw.deadline)
        if settled is None:
            return Outcome(refusal, NOT_WRITTEN)
        return Outcome(Answer(settled.answer_status, settled.answer_body), settled)

    async def _intend(self, event: MappedEvent) -> Job | Answer:
        """Commit that the record is going to be sent; the answer where that cannot be committed."""
        run_id = self._identifiers.run_id()
        now = self._clock.now()
        hook = event.raw.hook
        assert hook.remote is not None
        job = Job(
            event.raw.event_id,
            hook.name,
            hook.remote,
            hook.spec,
            event.record,
            hook.mapping.marker,
            run_id,
            now,
        )
        acceptance = Acceptance(
            self._entry(event, run_id),
            lambda _: Settlement(State.SENDING),
            None,
            self._mark(event, run_id),
            DueWork(job.event_id, now + LEFT_BEHIND, now, 0, dump_json(event.record.as_json()), job.marker),
        )
        settlement, refusal = await self._commit(acceptance, event.raw.deadline)
        return refusal if settlement is None else job

    async def _call(self, event: MappedEvent, job: Job, claim: Claim | None) -> Outcome:
        run_id = job.run_id
        if claim is not None:
            claim.run_id = run_id
        call = self._executor.start(job, Ready(claim.release if claim else nothing))
        left = event.raw.deadline - self._clock.monotonic()
        done, _ = await asyncio.wait({call}, timeout=max(0.0, left))
        if not done:
            return Outcome(answers.pending(run_id), Settlement(State.SENDING), run_id)
        settled = call.result()
        if settled.state is State.UNKNOWN:
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

    async def _commit(
        self, acceptance: Acceptance, deadline: float
    ) -> tuple[Settlement, Answer] | tuple[None, Answer]:
        """Commit within the time limit. A commit that does not end is left to end; its sender is told to repeat."""
        waited = self._journal.accept(acceptance)
        self._patience.until(waited, deadline)
        try:
            committed = await waited
        except StoreUnavailable as failure:
            log.error("event not stored: %s", failure.message, extra={"event_id": acceptance.entry.id})
            return None, answers.failed(NOT_STORED)
        except TimeoutError:
            return None, answers.busy(503, TOO_SLOW, 5)
        finally:
            self._patience.done(waited)
        if committed.conflict is not None:
            raise Overtaken(committed.conflict)
        assert committed.settlement is not None
        return committed.settlement, answers.SUCCEEDED

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


def nothing() -> None:
    """There is nobody to tell."""
