"""The staircase of an inbound webhook: one early return and one named counter a step.

`admit` climbs the steps that need no body (look-up, state, method, access, declared length, token header); `receive`
the others, over the raw bytes.  The order is part of the contract.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Final

from msgspec import structs

from hookstation.core import answers
from hookstation.core.access import RateLimit
from hookstation.core.answers import Acknowledging
from hookstation.core.content import compressed, is_json
from hookstation.core.definitions import Handshake, WebhookState
from hookstation.core.duplicates import body_digest
from hookstation.core.events import Answer, Settlement, State
from hookstation.core.jsontext import dump_json_line, parse_json
from hookstation.core.outgoing import hops
from hookstation.core.records import Record
from hookstation.core.workflows.changes import validation_code
from hookstation.engine.bodies import MOST_BODY_BYTES, Bodies
from hookstation.engine.counters import Counters
from hookstation.engine.process import NOT_STORED, NOT_SURE, RETRY_AFTER, Process
from hookstation.engine.repeats import Claim, Overtaken, Repeats, answer_of
from hookstation.engine.settlements import failure
from hookstation.engine.stages import Listening, MappedEvent, Outcome, RawRequest, VerifiedEvent, scope_of
from hookstation.engine.switchboard import Line, Switchboard
from hookstation.engine.tallying import CallCounts
from hookstation.errors import (
    AuthenticationFailed,
    BodyRefused,
    Invalid,
    MappingFailed,
    StoreError,
    StoreUnavailable,
)
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.log import EventLog
from hookstation.ports.store import Acceptance, Journal

PAUSED_RETRY: Final = 60
FULL_RETRY: Final = 1
MOST_IN_FLIGHT: Final = 2_000

log = logging.getLogger(__name__)


class Ingest:
    """Accepts calls: admits them, proves them, and hands what they ask for to `process`."""

    def __init__(  # noqa: PLR0913 - the meeting point of the receiving side
        self,
        switchboard: Switchboard,
        journal: Journal,
        process: Process,
        repeats: Repeats,
        clock: Clock,
        identifiers: Identifiers,
        counters: Counters,
        event_log: EventLog,
        most_in_flight: int = MOST_IN_FLIGHT,
        most_body_bytes: int = MOST_BODY_BYTES,
        listening: Listening | None = None,
        counts: CallCounts | None = None,
    ) -> None:
        self._switchboard, self._journal, self._process = switchboard, journal, process
        self._repeats, self._clock, self._identifiers = repeats, clock, identifiers
        self._counters, self._event_log = counters, event_log
        self._most_in_flight = most_in_flight
        self._rejections = RateLimit(JOURNALLED_REJECTIONS, 1)
        self.bodies = Bodies(most_body_bytes)
        self._listening = listening
        self.counts = CallCounts() if counts is None else counts
        self.in_flight = 0
        self.leaving = self.stopping = False

    def admit(
        self, method: str, token: str, headers: Mapping[str, str], query: str, sender: str
    ) -> RawRequest | Answer:
        """Steps 1 to 5. `headers`: lower-case names. `sender`: the caller's address."""
        line = self._switchboard.find(token)
        if line is None or line.state in GONE:
            return self._admit_elsewhere(method, token, headers, query, sender)
        try:
            hook = self._switchboard.compiled(line)
        except Invalid as invalid:
            log.error("webhook cannot be compiled: %s", invalid.message, extra={"webhook": line.name})
            return self._turn_away("misconfigured", line.voice.failed(MISCONFIGURED), line.name)
        now = self._clock.monotonic()
        raw = RawRequest(
            self._identifiers.event_id(),
            hook,
            headers,
            query,
            sender,
            self._clock.now(),
            now + hook.definition.limits.time,
            voice=hook.voice_for(headers),
        )
        if line.state is WebhookState.PAUSED:
            return self.reject(raw, "paused", raw.voice.busy(503, PAUSED, PAUSED_RETRY))
        if method != "POST":
            return self.reject(
                raw, "method", raw.voice.refused(405, "Send a POST request.", ("Allow", "POST"))
            )
        return (
            self._check_access(raw, line, now) or self._check_declared(raw) or self._check_caller(raw) or raw
        )

    def _admit_elsewhere(
        self, method: str, token: str, headers: Mapping[str, str], query: str, sender: str
    ) -> RawRequest | Answer:
        """A call that is for no webhook: perhaps a capture listens for it."""
        now = self._clock.monotonic()
        found = None if self._listening is None else self._listening.find(token, self._clock.now())
        if found is None:
            return self._turn_away("not_found", answers.NOT_FOUND)
        if method != "POST":
            return self._turn_away(
                "captured", answers.refused(405, "Send a POST request.", ("Allow", "POST"))
            )
        wait = found.rate.allow(now)
        if wait > 0 or self.in_flight + self.bodies.open >= self._most_in_flight:
            told = "Too many calls to this capture. Slow down."
            return self._turn_away("captured", answers.busy(429, told, max(wait, FULL_RETRY)))
        raw = RawRequest(
            "",
            found.hook,
            headers,
            query,
            sender,
            self._clock.now(),
            now + found.hook.definition.limits.time,
            capture=found,
        )
        return self._check_declared(raw) or raw

    def _check_access(self, raw: RawRequest, line: Line, now: float) -> Answer | None:
        if raw.hook.addresses is not None and not raw.hook.addresses.allows(raw.sender):
            return self.reject(
                raw, "address", raw.voice.refused(403, "Your address may not call this webhook.")
            )
        if line.rate is not None and (wait := line.rate.allow(now)) > 0:
            return self.reject(
                raw, "rate", raw.voice.busy(429, "Too many calls to this webhook. Slow down.", wait)
            )
        if raw.hops > hops.MOST:
            return self.reject(raw, "loop", raw.voice.refused(508, hops.LOOP))
        if self.stopping:
            return self.reject(
                raw, "stopping", raw.voice.busy(503, "The station is stopping. Send it again.", FULL_RETRY)
            )
        if self.in_flight + self.bodies.open >= self._most_in_flight:
            return self.no_room(raw, 0)
        return None

    def _check_declared(self, raw: RawRequest) -> Answer | None:
        declared = raw.headers.get("content-length")
        most = self.largest(raw)
        if declared is not None and (not declared.isdecimal() or int(declared[:20]) > most):
            return self.too_large(raw, int(declared[:20]) if declared.isdecimal() else 0)
        if compressed(raw.headers.get("content-encoding")):
            return self.reject(raw, "compressed", raw.voice.refused(415, ONLY_PLAIN))
        return None

    def _check_caller(self, raw: RawRequest) -> Answer | None:
        try:
            raw.hook.verifier.before_body(raw.headers)
        except AuthenticationFailed as refusal:
            return self._unauthenticated(raw, 0, refusal)
        return None

    def largest(self, raw: RawRequest) -> int:
        """Most bytes of the call's body: the webhook's limit, or all the room that the station ever has for bodies."""
        return min(raw.hook.definition.limits.body, self.bodies.most)

    def too_large(self, raw: RawRequest, size: int) -> Answer:
        """413, for a declared or a counted length over what the webhook or the station allows."""
        most = self.largest(raw)
        whose = "" if most == raw.hook.definition.limits.body else STATIONS_LIMIT
        error = f"The body is larger than {most} bytes.{whose}"
        return self.reject(raw, "too_large", raw.voice.refused(413, error), size)

    def no_room(self, raw: RawRequest, size: int) -> Answer:
        """503: as many calls are at work, or as many bytes of bodies held, as may be."""
        return self.reject(raw, "full", raw.voice.busy(503, FULL, FULL_RETRY), size)

    def too_slow(self, raw: RawRequest, size: int) -> Answer:
        """408: the body did not come in time."""
        return self.reject(raw, "too_slow", raw.voice.refused(408, "The body did not arrive in time."), size)

    def broke(self, token: str) -> Answer:
        """500: our own mistake, before the call was let in."""
        line = self._switchboard.find(token)
        return (answers.OUTCOME if line is None else line.voice).failed(BROKEN)

    def broken_off(self, raw: RawRequest, size: int) -> None:
        """The caller went away before its body was whole: nothing was accepted, the journal says so."""
        self.reject(raw, "broken_off", Answer(0, b""), size)

    async def receive(self, raw: RawRequest, body: bytes) -> Answer:
        """Steps 7 to 12: prove, decode, know a repeat, check, map, write. Always answers."""
        self.in_flight += 1
        try:
            if raw.capture is not None:
                return await raw.capture.hear(raw, body)
            return await self._climb(raw, body)
        except StoreUnavailable as failure:
            log.error("call not taken: %s", failure.message, extra={"event_id": raw.event_id})
            return self._turn_away("store", raw.voice.busy(503, NOT_STORED, RETRY_AFTER), raw.hook.name)
        except StoreError as failure:
            log.error("event perhaps not stored: %s", failure.message, extra={"event_id": raw.event_id})
            return self._turn_away("store", raw.voice.busy(503, NOT_SURE, RETRY_AFTER), raw.hook.name)
        except Exception:
            log.exception(
                "a call broke the station", extra={"event_id": raw.event_id, "webhook": raw.hook.name}
            )
            return self.reject(raw, "broken", raw.voice.failed(BROKEN), len(body))
        finally:
            self.in_flight -= 1

    async def _climb(self, raw: RawRequest, body: bytes) -> Answer:
        started = time.perf_counter_ns()
        hook = raw.hook
        try:
            hook.verifier.over_body(raw.headers, body, raw.received_at)
            proven = time.perf_counter_ns()
            if not is_json(raw.headers.get("content-type")):
                return self.reject(raw, "body_type", raw.voice.refused(415, ONLY_JSON), len(body), body)
            parsed = parse_json(body)
        except AuthenticationFailed as refusal:
            return self._unauthenticated(raw, len(body), refusal)
        except BodyRefused as refusal:
            return self.reject(raw, "body", raw.voice.unreadable(refusal), len(body), body, refusal.reason)
        decoded = time.perf_counter_ns()
        raw.timings["verify"] = proven - started
        raw.timings["decode"] = decoded - proven
        if hook.definition.handshake is Handshake.EVENT_GRID and (code := validation_code(parsed.value)):
            return self._shake_hands(raw, code)
        event = VerifiedEvent(raw, body, parsed)
        key = None if hook.key is None else hook.key.read(raw.headers, parsed.value, body)
        if key is None:
            return await self._check_and_write(event, None, b"", None)
        raw.key = key
        return await self._once(event, key)

    def _shake_hands(self, raw: RawRequest, code: str) -> Answer:
        """The sender asked whether anybody is there: it gets its code back, and there is no event."""
        self._event_log.write("handshake_answered", webhook=raw.hook.name, sender=raw.sender)
        return self._turn_away(
            "handshake", Answer(200, dump_json_line({"validationResponse": code})), raw.hook.name
        )

    async def take_copy(self, event: VerifiedEvent, key: str | None) -> Answer:
        """Steps 9 to 12 for a copy of an event whose sender was proven then."""
        if key is None:
            return await self._check_and_write(event, None, b"", None)
        return await self._once(event, key)

    async def _once(self, event: VerifiedEvent, key: str) -> Answer:
        """Step 9: the first of its key goes on, the others are answered from what became of it."""
        raw, digest = event.raw, body_digest(event.body)
        claim = self._repeats.claim_new(raw.hook.name, key, digest, raw.event_id)
        while True:
            if claim is None:
                found = await self._repeats.claim(
                    raw.hook.name, key, digest, raw.event_id, raw.deadline, raw.voice
                )
                if not isinstance(found, Claim):
                    return self._repeated(raw, *found)
                claim = found
            try:
                answer = await self._check_and_write(event, key, digest, claim)
            except Overtaken as overtaken:
                claim.release()
                repeat = answer_of(overtaken.mark, digest, raw.voice)
                if repeat is not None:
                    return self._repeated(raw, repeat, overtaken.mark.event_id)
                claim = None
            except BaseException:
                claim.release()
                raise
            else:
                if not claim.run_id:
                    claim.release()
                return answer

    async def _check_and_write(
        self, event: VerifiedEvent, key: str | None, digest: bytes, claim: Claim | None
    ) -> Answer:
        raw, hook = event.raw, event.raw.hook
        started = time.perf_counter_ns()
        violations = hook.schema.violations(event.parsed)
        checked = time.perf_counter_ns()
        raw.timings["schema"] = checked - started
        if violations:
            if claim is not None and (known := await self._repeats.settled(claim, raw.voice)) is not None:
                return self._repeated(raw, *known)
            answer = raw.voice.invalid(violations)
            told = "; ".join(violation.message for violation in violations)
            if raw.is_checked_later:
                unfit = Settlement(State.FAILED, answer.status, answer.body, answers.shorten(told))
                return await self._did_not_fit(event, unfit, "schema")
            return self.reject(raw, "schema", answer, len(event.body), event.body, told)
        try:
            scope = scope_of(raw, event.parsed)
            record = hook.mapping.map(scope, raw.received_at)
            order = "" if hook.order is None or raw.voice is answers.OUTCOME else hook.order_in(scope)
        except MappingFailed as failed:
            if claim is not None and (known := await self._repeats.settled(claim, raw.voice)) is not None:
                return self._repeated(raw, *known)
            return await self._did_not_fit(event, failure(failed.message, voice=raw.voice), "mapping")
        raw.timings["map"] = time.perf_counter_ns() - checked
        payload = event.parsed.value if hook.workflow else None
        mapped = MappedEvent(raw, event.body, record, key, digest, order, payload)
        return self._answered(mapped, await self._process.insert(mapped, claim), started)

    async def _did_not_fit(self, event: VerifiedEvent, settlement: Settlement, reason: str) -> Answer:
        """The event has failed before anything could be done; where that is checked later, its sender is not told."""
        raw, voice = event.raw, event.raw.voice
        run_id = self._identifiers.run_id() if raw.is_checked_later else ""
        entry = raw.entry(
            size=len(event.body),
            body=event.body,
            reason=reason,
            connection=raw.hook.definition.connection,
            entity=raw.hook.spec.name,
            run_id=run_id,
        )
        emit, stands = self._process.emit_of(raw, event.body), structs.replace(settlement, reason=reason)
        await self._journal.accept(Acceptance(entry, lambda _: stands, emit=emit))
        answer = Answer(settlement.answer_status, settlement.answer_body)
        if run_id and isinstance(voice, Acknowledging):
            answer = voice.acknowledged(raw.event_id, run_id)
        return self._tell(raw, Outcome(answer, settlement, run_id), len(event.body), 0)

    def _unauthenticated(self, raw: RawRequest, size: int, refusal: AuthenticationFailed) -> Answer:
        return self.reject(
            raw, "authentication", raw.voice.refused(401, UNAUTHENTICATED), size, error=refusal.message
        )

    def _turn_away(self, counter: str, answer: Answer, webhook: str = "") -> Answer:
        """An answer to a call that is only counted: it never became an event."""
        self._counters.count(counter, webhook)
        return answer

    def reject(
        self,
        raw: RawRequest,
        reason: str,
        answer: Answer,
        size: int = 0,
        body: bytes | None = None,
        error: str = "",
    ) -> Answer:
        """Journal a rejected call, within bounds and without waiting for the disk, and give its answer."""
        if raw.capture is not None:
            return self._turn_away("captured", answer)
        self._counters.count(reason, raw.hook.name)
        settlement = Settlement(State.REJECTED, answer.status, answer.body, error)
        now = self._clock.monotonic()
        journalled = self._rejections.allow(now) <= 0
        if journalled:
            kept = body if raw.hook.definition.keep_rejected_bodies else None
            self._journal.note(
                Acceptance(raw.entry(size=size, body=kept, reason=reason), lambda _: settlement)
            )
            answer = answers.with_event_id(answer, raw.event_id)
        else:
            self.counts.unjournalled(raw.hook.name, raw.received_at, reason)
        self._count_answer(raw, answer.status, size, now)
        self._event_log.write(
            "event_rejected",
            event_id=raw.event_id,
            webhook=raw.hook.name,
            sender=raw.sender,
            reason=reason,
            status=answer.status,
            size=size,
            journalled=journalled,
        )
        return answer

    def _repeated(self, raw: RawRequest, answer: Answer, first: str) -> Answer:
        self._counters.count("repeated", raw.hook.name)
        self.counts.repeated(raw.hook.name, raw.received_at)
        self._count_answer(raw, answer.status, 0, self._clock.monotonic())
        self._event_log.write(
            "repeat_answered", event_id=first, webhook=raw.hook.name, sender=raw.sender, status=answer.status
        )
        return answers.with_event_id(answer, first)

    def _answered(self, event: MappedEvent, outcome: Outcome, started: int) -> Answer:
        """Tell what became of a mapped event. `started`: nanoseconds, when its check began."""
        elapsed = (time.perf_counter_ns() - started) // 1000
        return self._tell(event.raw, outcome, len(event.body), elapsed, event.record)

    def _tell(
        self, raw: RawRequest, outcome: Outcome, size: int, elapsed: int, record: Record | None = None
    ) -> Answer:
        """One line in the log, one count, and the answer with the event's id. `elapsed`: microseconds."""
        settlement = outcome.settlement
        state = settlement.state.value
        self._counters.count(state, raw.hook.name)
        self._count_answer(raw, outcome.answer.status, size, self._clock.monotonic())
        self._event_log.write(
            "event_answered",
            event_id=raw.event_id,
            run_id=outcome.run_id,
            webhook=raw.hook.name,
            sender=raw.sender,
            connection=record.connection if record is not None else "",
            entity=record.entity if record is not None else "",
            record_key=settlement.record_key,
            state=state,
            status=outcome.answer.status,
            size=size,
            duration_us=elapsed,
            error=settlement.error,
        )
        return answers.with_event_id(outcome.answer, raw.event_id)

    def _count_answer(self, raw: RawRequest, status: int, size: int, now: float) -> None:
        """Count an answer, with the time since the call was let in. `now`: on the clock's monotonic scale."""
        took = now - raw.deadline + raw.hook.definition.limits.time
        self.counts.answered(raw.hook.name, raw.received_at, status, size, took)


GONE: Final = frozenset({WebhookState.DISABLED, WebhookState.ARCHIVED})
JOURNALLED_REJECTIONS: Final = 200
"""Most rejected calls a second that the journal keeps; the others are counted and logged."""
STATIONS_LIMIT: Final = " The station's setting most_body_bytes is below the limits.body of this webhook."
FULL: Final = "The station is busy. Send it again."
PAUSED: Final = "This webhook is paused. Send it later."
BROKEN: Final = "The station failed. Nothing was promised."
MISCONFIGURED: Final = "This webhook is not set up correctly; its owner can see why in the station."
UNAUTHENTICATED: Final = "The call could not be authenticated."
ONLY_PLAIN: Final = "A compressed body is not taken. Send it plain."
ONLY_JSON: Final = "This webhook takes JSON: send Content-Type: application/json."
