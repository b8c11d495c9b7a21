"""Replay: a new attempt of the same event, through today's schema and mapping, with its history kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from hookstation.core import answers
from hookstation.core.answers import OUTCOME
from hookstation.core.duplicates import KeyReader, body_digest
from hookstation.core.events import Event, Mark, MarkState, Settlement, State
from hookstation.core.jobs import EVENTS
from hookstation.core.jsontext import Parsed, parse_json
from hookstation.core.masking import lost_headers, lost_parameters
from hookstation.core.records import Effect, Record
from hookstation.core.rowkey import turn_of
from hookstation.core.template import ALWAYS_HIDDEN, Scope
from hookstation.engine.execute import Call, Executor, Ready
from hookstation.engine.lanes import FIRST_PAUSE, LONGEST_PAUSE, OCCUPIED
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.emitter import Told
from hookstation.engine.process import QUEUED, nothing
from hookstation.engine.settlements import failure, kept
from hookstation.engine.switchboard import CompiledWebhook, Switchboard
from hookstation.engine.unfinished import CALL_LEASE, Unfinished, queued_job, unfinished_job
from hookstation.errors import BodyRefused, Conflict, Invalid, MappingFailed, NotFound
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.store import Committed, Finish, Store

FREELY: Final = frozenset({State.FAILED, State.REJECTED})
"""States from which an event is replayed without being asked twice."""

KNOWINGLY: Final = FREELY | {State.SUCCEEDED, State.UNKNOWN}
"""States from which it is replayed with ``--again``."""

BODY_GONE: Final = "The body of this event was not kept, so it cannot be replayed."
WAIT_FOR_CALL: Final = 60.0
WAIT_FOR_TURN: Final = 20.0
"""Seconds that a replay waits until nobody else is writing its row."""


WRITES: Final = "writes"
FAILS: Final = "fails"
REFUSED: Final = "refused"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of an event if it were replayed now.

    `verdict`: `WRITES`, or `FAILS` at the body, the schema or the mapping, or `REFUSED`; `why` says more.
    """

    event: Event
    verdict: str
    why: str = ""
    record: Record | None = None


class Replay:
    """Tries events again."""

    def __init__(
        self,
        store: Store,
        switchboard: Switchboard,
        executor: Executor,
        membership: Membership,
        clock: Clock,
        identifiers: Identifiers,
    ) -> None:
        self._store, self._switchboard, self._executor = store, switchboard, executor
        self._membership, self._clock, self._identifiers = membership, clock, identifiers

    async def replay(self, event_id: str, *, again: bool = False) -> Event:
        """Make a new attempt and return the event as it stands then.

        Where the webhook answers before the work is done, the attempt waits for its turn like any other event.
        Raises `NotFound`; `Conflict` where the state forbids it, the body is not kept, a masked header is needed, or
        another event holds its dedup key.
        """
        event = await self._store.get_event(event_id)
        if event is None:
            raise NotFound("event", event_id)
        allowed = KNOWINGLY if again else FREELY
        if event.state not in allowed:
            raise Conflict(refusal(event.state))
        payload = await self._store.get_payload(event_id)
        if payload is None:
            raise Conflict(BODY_GONE)
        hook = self.hook_of(event)
        await self._attempt(event, hook, payload.body, allowed)
        replayed = await self._store.get_event(event_id)
        assert replayed is not None
        return replayed

    async def foresee(self, event: Event, *, again: bool = False) -> Foreseen:
        """What would become of the event, changing nothing and asking no target."""
        if event.state not in (KNOWINGLY if again else FREELY):
            return Foreseen(event, REFUSED, refusal(event.state))
        payload = await self._store.get_payload(event.id)
        if payload is None:
            return Foreseen(event, REFUSED, BODY_GONE)
        try:
            hook = self.hook_of(event)
            parsed = parse_json(payload.body)
            key = None if hook.key is None else key_of(event, hook.key, parsed, payload.body)
            if violations := hook.schema.violations(parsed):
                return Foreseen(event, FAILS, "; ".join(one.message for one in violations))
            record = hook.mapping.map(scope_of(event, hook, parsed), event.received_at)
        except (BodyRefused, MappingFailed) as failed:
            return Foreseen(event, FAILS, failed.message)
        except (Conflict, Invalid) as refused:
            return Foreseen(event, REFUSED, refused.message)
        held = key and await self._store.find_mark(hook.name, key, self._clock.now())
        if held and held.event_id != event.id:
            return Foreseen(event, REFUSED, key_held(held.event_id))
        return Foreseen(event, WRITES, record=record)

    async def record_today(self, event: Event) -> tuple[Record, str]:
        """The record that today's mapping makes of the event, and the field that marks it. Raises `Conflict`."""
        payload = await self._store.get_payload(event.id)
        if payload is None:
            raise Conflict("The body of this event was not kept, so what was sent cannot be said.")
        hook = self.hook_of(event)
        try:
            record = hook.mapping.map(scope_of(event, hook, parse_json(payload.body)), event.received_at)
        except (BodyRefused, MappingFailed) as failed:
            raise Conflict(f"Today's mapping does not take this event: {failed.message}") from failed
        return record, hook.mapping.marker

    def hook_of(self, event: Event) -> CompiledWebhook:
        """What today's webhook does with the event. Raises `Conflict` where it cannot, `Invalid` where it is broken."""
        line = self._switchboard.named(event.webhook)
        if line is None:
            raise Conflict(
                f"The webhook “{event.webhook}” does not exist any more; there is no mapping to replay with."
            )
        hook = self._switchboard.compiled(line)
        if hook.workflow:
            raise Conflict(
                f"What comes to “{event.webhook}” starts the workflow “{hook.workflow}”; do its run again instead."
            )
        refuse_what_is_lost(event, hook)
        return hook

    async def _attempt(
        self, event: Event, hook: CompiledWebhook, body: bytes, allowed: frozenset[State]
    ) -> None:
        started = self._clock.now()
        try:
            parsed = parse_json(body)
        except BodyRefused as refused:
            await self._refused(event, failure(refused.reason, "body"), allowed, started)
            return
        violations = hook.schema.violations(parsed)
        if violations:
            invalid = answers.invalid(violations)
            settlement = Settlement(
                State.FAILED,
                invalid.status,
                invalid.body,
                "; ".join(v.message for v in violations),
                reason="schema",
            )
            await self._refused(event, settlement, allowed, started)
            return
        try:
            scope = scope_of(event, hook, parsed)
            record = hook.mapping.map(scope, event.received_at)
            order = "" if hook.voice is OUTCOME else hook.order_in(scope)
        except MappingFailed as failed:
            await self._refused(event, failure(failed.message, "mapping"), allowed, started)
            return
        mark = self._mark(event, hook, parsed, body)
        if hook.voice is not OUTCOME and event.state in FREELY:
            await self._queue(event, hook, record, mark, order)
        elif hook.local is not None:
            await self._write_here(event, hook, record, mark, allowed, started)
        else:
            await self._send_away(event, hook, record, mark, allowed)

    def _mark(self, event: Event, hook: CompiledWebhook, parsed: Parsed, body: bytes) -> Mark | None:
        repeats = hook.definition.duplicates
        key = None if hook.key is None else key_of(event, hook.key, parsed, body)
        if key is None or repeats is None:
            return None
        return Mark(
            hook.name,
            key,
            body_digest(body),
            event.id,
            MarkState.WORKING,
            self._clock.now() + repeats.window * 1_000_000,
            event.run_id,
        )

    async def _queue(
        self, event: Event, hook: CompiledWebhook, record: Record, mark: Mark | None, order: str
    ) -> None:
        """Nobody waits for the outcome: the event goes back to its place among those that wait for their work."""
        run_id, now = event.run_id or self._identifiers.run_id(), self._clock.now()
        work = Unfinished(record, hook.mapping.marker, now, run_id=run_id)
        finish = Finish(
            event.id,
            FREELY,
            lambda _: QUEUED,
            now,
            job=queued_job(event.id, hook.name, work, order),
            mark=mark,
            run_id=run_id,
            connection=record.connection,
            entity=record.entity,
        )
        check(await self._store.finish(finish))

    async def _write_here(
        self,
        event: Event,
        hook: CompiledWebhook,
        record: Record,
        mark: Mark | None,
        allowed: frozenset[State],
        started: int,
    ) -> None:
        effect = Effect(hook.spec, record.operation, record.fields, record.match)
        finish = Finish(
            event.id,
            allowed,
            hook.settle if event.state in FREELY else kept(hook.settle, standing(event)),
            self._clock.now(),
            effect,
            attempt_started_at=started,
            mark=mark,
            connection=record.connection,
            entity=record.entity,
            emit=self._executor.about(_told(event, record)),
        )
        check(await self._store.finish(finish))

    async def _send_away(
        self,
        event: Event,
        hook: CompiledWebhook,
        record: Record,
        mark: Mark | None,
        allowed: frozenset[State],
    ) -> None:
        lanes, turn = self._executor.lanes, turn_of(record)
        until = self._clock.monotonic() + WAIT_FOR_TURN
        if not await lanes.enter(turn, event.id, WAIT_FOR_TURN):
            raise Conflict(OCCUPIED)
        try:
            call = await self._intend(event, hook, record, mark, allowed, until)
        except BaseException:
            lanes.leave(event.id)
            raise
        await asyncio.wait({self._executor.start(call, Ready(nothing))}, timeout=WAIT_FOR_CALL)

    async def _intend(
        self,
        event: Event,
        hook: CompiledWebhook,
        record: Record,
        mark: Mark | None,
        allowed: frozenset[State],
        until: float,
    ) -> Call:
        """Commit that the record is going to be sent, once the turn at its row is free."""
        assert hook.remote is not None
        run_id, marker = event.run_id or self._identifiers.run_id(), hook.mapping.marker
        started = self._clock.now()
        job = unfinished_job(event.id, Unfinished(record, marker, started), turn=turn_of(record))
        finish = Finish(
            event.id,
            allowed,
            lambda _: Settlement(State.SENDING),
            started,
            job=job,
            holder=self._membership.holder(CALL_LEASE),
            mark=mark,
            run_id=run_id,
            connection=record.connection,
            entity=record.entity,
        )
        before = await self._store.find_job(EVENTS, event.id)
        asked = self._clock.monotonic()
        committed, pause = await self._store.finish(finish), FIRST_PAUSE
        while committed.occupied:
            if self._clock.monotonic() + pause >= until:
                raise Conflict(OCCUPIED)
            await self._clock.sleep(pause)
            asked = self._clock.monotonic()
            committed, pause = await self._store.finish(finish), min(2 * pause, LONGEST_PAUSE)
        check(committed)
        lane = "" if before is None else before.job.lane
        self._executor.tell_of_holding(event.id, hook.name, record.connection, committed, lane)
        assert committed.lease is not None
        return Call(
            event.id,
            hook.name,
            hook.remote,
            hook.spec,
            record,
            marker,
            run_id,
            started,
            asked,
            job,
            committed.lease,
            event.attempts + 1,
            stands=None if event.state in FREELY else standing(event),
        )

    async def _refused(
        self, event: Event, settlement: Settlement, allowed: frozenset[State], started: int
    ) -> None:
        """The attempt ends before anything is written. Raises `Conflict` where the event had got further before."""
        if event.state not in FREELY:
            raise Conflict(
                f"Replayed today the event would fail: {settlement.error} "
                f"Nothing was done; it stays {event.state.value}."
            )
        finish = Finish(
            event.id,
            allowed,
            lambda _: settlement,
            self._clock.now(),
            attempt_started_at=started,
            emit=self._executor.about(_told(event)),
        )
        check(await self._store.finish(finish))


def _told(event: Event, record: Record | None = None) -> Told:
    """The event that is tried again; a failure that it had before is told anew."""
    was = event.state if event.state not in FREELY else None
    connection, entity = (record.connection, record.entity) if record else (event.connection, event.entity)
    return Told(event.id, event.webhook, connection, entity, record, was)


def scope_of(event: Event, hook: CompiledWebhook, parsed: Parsed) -> Scope:
    """What the mapping may read of an event that is mapped again."""
    return Scope(parsed.value, event.received_at, event.id, hook.name, event.headers, event.query)


def standing(event: Event) -> Settlement:
    """How the event stands now, as a settlement."""
    return Settlement(event.state, event.answer_status, event.answer_body, event.error, event.record_key)


def refuse_what_is_lost(event: Event, hook: CompiledWebhook) -> None:
    """Raise `Conflict` where the mapping reads something of the call that the journal does not hold as it came."""
    headers = lost_headers(event.headers, hook.mapping.headers, ALWAYS_HIDDEN | hook.masked)
    parameters = lost_parameters(event.query, hook.mapping.parameters)
    lost = [f"header “{name}”" for name in headers] + [f"query parameter “{name}”" for name in parameters]
    if lost:
        raise Conflict(f"The mapping needs the {lost[0]}, which the journal keeps masked, cut or not at all.")


def key_of(event: Event, reader: KeyReader, parsed: Parsed, body: bytes) -> str | None:
    """The event's dedup key, read again; one whose header is masked is the key that was kept with the event.

    Raises `Conflict` where neither is there: a key that nobody sent must not be taken.
    """
    if not (reader.header and lost_headers(event.headers, frozenset({reader.header}), frozenset())):
        return reader.read(event.headers, parsed.value, body)
    if not event.dedup_key:
        raise Conflict(
            f"The dedup key is the header “{reader.header}”, which the journal keeps masked, cut or not at all; it was "
            "not read when the call came, so a repeat would not be known. Take `duplicates` out of the webhook for "
            "this replay, or have the sender send the call again."
        )
    return event.dedup_key


def check(committed: Committed) -> None:
    """Raise `Conflict` where the attempt was not written."""
    if committed.conflict is not None:
        raise Conflict(key_held(committed.conflict.event_id))
    if committed.settlement is None:
        raise Conflict("The event was changed in the meantime; look at it again.")


def key_held(event_id: str) -> str:
    """Why an event is not replayed whose dedup key is another one's."""
    return f"Event {event_id} holds the dedup key of this one: the call was already carried out."


def refusal(state: State) -> str:
    """Why an event in this state is not replayed."""
    if state in KNOWINGLY:
        return f"The event is {state.value}: a replay may write its record a second time. Say --again if you mean it."
    return f"The event is {state.value}: it is still at work. Wait until it has ended."
