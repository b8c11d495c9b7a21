"""The in-memory twin of the database: the same semantics, nothing on disk.

Tests and previews use it where a database would only be slow.  It passes `hookstation.testing.store_suite`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from hookstation.core.events import Attempt, Event, Mark, MarkState, Settlement, State
from hookstation.core.jobs import EVENTS
from hookstation.core.journal_rules import (
    PRUNABLE_STATES,
    attempts_when_accepted,
    is_open,
    mark_state,
)
from hookstation.core.records import ACTIVITY, EffectResult, StoredRecord
from hookstation.core.values import Scalar
from hookstation.errors import Conflict, HookstationError, NotFound
from hookstation.ports.store import (
    Acceptance,
    Before,
    Committed,
    EventFilter,
    Finish,
    Page,
    Payload,
    Retention,
)
from hookstation.testing.memory_configuration import MemoryConfiguration
from hookstation.testing.memory_events import ended_attempt, last_attempt, moved, passes
from hookstation.testing.memory_facts import MemoryFacts
from hookstation.testing.memory_jobs import MemoryWork, Written
from hookstation.testing.memory_people import MemoryPeople
from hookstation.testing.memory_records import MemoryRecords
from hookstation.testing.memory_search import MemorySearch
from hookstation.testing.memory_tallies import MemoryTallies
from hookstation.testing.memory_turns import MemoryTurns
from hookstation.testing.memory_versions import MemoryCaptures, MemoryVersions

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kept:
    """An event with what hangs on it."""

    event: Event
    body: bytes | None
    mark: Mark | None
    earlier: list[Attempt]

    def keep(self, attempts: Iterable[Attempt]) -> None:
        """Keep those of these attempts that are not kept yet."""
        there = {attempt.number for attempt in self.earlier}
        self.earlier += [attempt for attempt in attempts if attempt.number not in there]


class MemoryStore(
    MemoryConfiguration, MemoryCaptures, MemoryPeople, MemoryTallies, MemoryTurns, MemorySearch
):
    """Implements `ports.store.Store`. Set `unavailable` to a sentence to have every commit refused with it.

    `now` says the store's time, microseconds since the epoch; without it that is the system's.
    """

    def __init__(self, now: Callable[[], int] | None = None) -> None:
        MemoryWork.__init__(self, *([now] if now else []))
        self._begin_runs()
        self._begin_deliveries()
        self._begin_configuration()
        MemoryPeople.__init__(self)
        MemorySearch.__init__(self)
        MemoryVersions.__init__(self)
        MemoryCaptures.__init__(self)
        MemoryTallies.__init__(self)
        MemoryFacts.__init__(self)
        self.noted_lost = 0
        self._listener: Callable[[Acceptance | Finish, Committed], None] | None = None
        self._kept: dict[str, _Kept] = {}
        self._holders: dict[tuple[str, str], str] = {}
        self._records = MemoryRecords()

    # --- journal

    def accept(self, acceptance: Acceptance) -> asyncio.Future[Committed]:
        """Keep one event, or nothing of it."""
        future: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(self._accept_one(acceptance))
        except Exception as error:
            future.set_exception(error)
        return future

    def _accept_one(self, acceptance: Acceptance) -> Committed:
        self._check()
        committed = self._accept(acceptance)
        self._tell_all([(acceptance, committed)])
        return committed

    def _accept(self, acceptance: Acceptance) -> Committed:
        entry, mark = acceptance.entry, acceptance.mark
        if mark is not None and (held := self._live_mark(mark.webhook, mark.key, entry.received_at)):
            return Committed(None, conflict=held)
        job, holder, hold = acceptance.job, acceptance.holder, acceptance.hold
        if job is not None and hold is not None and self._has_key(job.queue, hold.key):
            job, holder = structs.replace(job, key=hold.key, turn=b""), None
            effect, settlement, keep = None, hold.settlement, _nothing
        else:
            effect, settlement, keep = self._settle(acceptance, entry.id)
        state = settlement.state
        queued = job is not None and holder is None
        tries = attempts_when_accepted(state, queued=queued)
        job = job if is_open(state) else None
        if job is not None and self._is_taken(job):
            return Committed(None, occupied=True)
        if entry.id in self._kept:
            raise Conflict("This event is in the journal already.")
        keep()
        event = Event(
            id=entry.id,
            webhook=entry.webhook,
            state=state,
            received_at=entry.received_at,
            sender=entry.sender,
            size=entry.size,
            answer_status=settlement.answer_status,
            answer_body=settlement.answer_body,
            error=settlement.error,
            reason=entry.reason,
            connection=entry.connection,
            entity=entry.entity,
            record_key=settlement.record_key,
            run_id=entry.run_id,
            settled_at=0 if is_open(state) else entry.received_at,
            started_at=entry.received_at if tries else 0,
            attempts=tries,
            timings=dict(entry.timings),
            headers=dict(entry.headers),
            query=entry.query,
            dedup_key=mark.key if mark else entry.dedup_key,
        )
        self._kept[entry.id] = _Kept(event, entry.body, mark, [])
        if mark is not None and mark_state(state) is not None:
            self._holders[mark.webhook, mark.key] = entry.id
        written = self._write(job, holder) if job else Written()
        if state is not State.REJECTED:
            self._start(acceptance.starts)
        self._tell_others(acceptance, settlement, effect)
        return Committed(settlement, effect, None, False, *written)

    def observe(self, listener: Callable[[Acceptance | Finish, Committed], None]) -> None:
        """Call `listener`, the last one that was given, with whatever is committed."""
        self._listener = listener

    def _heard(self, unit: Acceptance | Finish, committed: Committed) -> None:
        if self._listener is not None and committed.settlement is not None:
            try:
                self._listener(unit, committed)
            except Exception:
                log.exception("who listens to what is committed broke")

    def note(self, acceptance: Acceptance) -> None:
        """Keep a rejected call; what cannot be kept is counted."""
        try:
            self._accept_one(acceptance)
        except HookstationError:
            self.noted_lost += 1

    async def finish(self, finish: Finish) -> Committed:
        """Settle or move an event."""
        self._check()
        committed = self._finish(finish)
        self._tell_all([(finish, committed)])
        return committed

    def _finish(self, finish: Finish) -> Committed:
        kept = self._kept.get(finish.event_id)
        if kept is None or kept.event.state not in finish.expected:
            return Committed(None)
        if finish.lease is not None and not self._is_held(finish.lease):
            return Committed(None)
        if (held := self._held_by_another(finish)) is not None:
            return Committed(None, conflict=held)
        effect, settlement, keep = self._settle(finish, finish.event_id)
        job = finish.job if is_open(settlement.state) else None
        if job is not None and self._is_taken(job):
            return Committed(None, occupied=True)
        keep()
        old = kept.event
        kept.keep(last_attempt(old))
        kept.event = moved(old, finish, settlement)
        if finish.keep_attempt:
            kept.keep(ended_attempt(kept.event, finish.at))
        self._follow(kept, finish.mark)
        written = self._write(job, finish.holder) if job else self._drop(EVENTS, finish.event_id)
        self._tell_others(finish, settlement, effect)
        before = Before(old.webhook, old.received_at, old.state, old.reason)
        return Committed(settlement, effect, None, False, *written, before=before)

    async def find_mark(self, webhook: str, key: str, now: int) -> Mark | None:
        """The live mark of this key."""
        return self._live_mark(webhook, key, now)

    async def find_run(self, run_id: str) -> Event | None:
        """The event whose status address this is."""
        return next(
            (kept.event for kept in self._kept.values() if run_id and kept.event.run_id == run_id), None
        )

    async def owner_of(self, connection: str, entity: str, key: str) -> str:
        """The newest event that wrote this record."""
        owned = (connection, entity, key)
        owners = (
            kept.event.id
            for kept in self._kept.values()
            if (kept.event.connection, kept.event.entity, kept.event.record_key) == owned
        )
        return max(owners, default="") if key else ""

    # --- history

    async def list_events(self, which: EventFilter, limit: int, after: str = "") -> Page:
        """One page, newest first."""
        wanted = which.needle if which.text or not which.record_key else None
        found = [
            event
            for event in self._newest_first()
            if passes(event, which)
            and self._has_words(event.id, wanted)
            and not (after and event.id >= after)
        ]
        items = found[:limit]
        return Page(items, items[-1].id if len(found) > limit and items else "")

    async def get_event(self, event_id: str) -> Event | None:
        """One event."""
        kept = self._kept.get(event_id)
        return kept.event if kept else None

    async def get_payload(self, event_id: str) -> Payload | None:
        """The raw body, where it is kept."""
        kept = self._kept.get(event_id)
        return None if kept is None or kept.body is None else Payload(event_id, kept.body)

    async def list_attempts(self, event_id: str) -> Sequence[Attempt]:
        """Finished attempts."""
        kept = self._kept.get(event_id)
        if kept is None:
            return []
        there = {attempt.number for attempt in kept.earlier}
        return [*kept.earlier, *(one for one in last_attempt(kept.event) if one.number not in there)]

    async def prune(self, retention: Retention, limit: int) -> int:
        """Delete what may go."""
        self._check()
        gone = self._prunable(retention)[:limit]
        for event_id in gone:
            kept = self._kept[event_id]
            if self._holds_mark(kept, retention.now):
                kept.body = None
                self._forget_words(event_id)
                continue
            del self._kept[event_id]
            self._forget_words(event_id)
            self._drop(EVENTS, event_id)
            self._free(kept)
        self._tell_ready()
        return len(gone)

    # --- records

    async def list_records(self, entity: str, limit: int, after: str = "") -> Sequence[StoredRecord]:
        """Records in the order of writing."""
        return self._records.listed(entity, limit, after)

    async def get_record(self, entity: str, key: str) -> StoredRecord | None:
        """One record."""
        return self._records.one(entity, key)

    async def find_records(
        self, entity: str, match: Mapping[str, Scalar], limit: int
    ) -> Sequence[StoredRecord]:
        """Records whose fields have these values."""
        if not (entity == ACTIVITY or entity in self._configuration.panels or self._records.knows(entity)):
            raise NotFound("entity", entity)
        return self._records.found(entity, match, limit)

    async def count_records(self, entity: str) -> int:
        """How many records an entity has."""
        return self._records.count(entity)

    # --- settings

    async def can_commit(self) -> bool:
        """Whether a commit would succeed now."""
        return not self.unavailable

    async def close(self) -> None:
        """Refuse everything from now on."""
        self.unavailable = "The database is closed."

    # --- inside

    def _settle(
        self, unit: Acceptance | Finish, event_id: str
    ) -> tuple[EffectResult | None, Settlement, Callable[[], None]]:
        """What a unit comes to; its record is there only once the last of these is called."""
        if unit.effect is None:
            return None, unit.settle(None), _nothing
        result, keep = self._records.plan(unit.effect, event_id)
        return result, unit.settle(result), keep

    def _tell_others(
        self, unit: Acceptance | Finish, settlement: Settlement, effect: EffectResult | None
    ) -> None:
        """Keep what goes out because of a unit."""
        if unit.emit is not None:
            self._emit(unit.emit(settlement, effect))

    def _live_mark(self, webhook: str, key: str, now: int) -> Mark | None:
        kept = self._kept.get(self._holders.get((webhook, key), ""))
        state = mark_state(kept.event.state) if kept else None
        if kept is None or kept.mark is None or state is None or kept.mark.expires_at <= now:
            return None
        event = kept.event
        answer = (event.answer_status, event.answer_body) if state is MarkState.SUCCEEDED else (0, b"")
        return structs.replace(
            kept.mark, state=state, run_id=event.run_id, answer_status=answer[0], answer_body=answer[1]
        )

    def _held_by_another(self, finish: Finish) -> Mark | None:
        mark = finish.mark
        held = self._live_mark(mark.webhook, mark.key, finish.at) if mark else None
        return held if held and held.event_id != finish.event_id else None

    def _follow(self, kept: _Kept, claimed: Mark | None) -> None:
        holds = mark_state(kept.event.state) is not None
        if claimed is not None or not holds:
            self._free(kept)
        if claimed is not None and holds:
            kept.mark = claimed
            kept.event = replace(kept.event, dedup_key=claimed.key)
            self._holders[claimed.webhook, claimed.key] = kept.event.id

    def _free(self, kept: _Kept) -> None:
        if kept.mark and self._holders.get((kept.mark.webhook, kept.mark.key)) == kept.event.id:
            del self._holders[kept.mark.webhook, kept.mark.key]

    def _holds_mark(self, kept: _Kept, now: int) -> bool:
        mark = kept.mark and self._live_mark(kept.mark.webhook, kept.mark.key, now)
        return mark is not None and mark.event_id == kept.event.id

    def _indexable(self) -> dict[str, tuple[Event, bytes | None]]:
        return {event_id: (kept.event, kept.body) for event_id, kept in self._kept.items()}

    def _newest_first(self) -> list[Event]:
        return [self._kept[event_id].event for event_id in sorted(self._kept, reverse=True)]

    def _prunable(self, retention: Retention) -> Sequence[str]:
        """In the order of the rules, each oldest first."""
        events = self._newest_first()[::-1]
        rejected = [event for event in events if event.state is State.REJECTED]
        settled = [
            event
            for event in events
            if event.state in PRUNABLE_STATES and not self._holds_mark(self._kept[event.id], retention.now)
        ]
        chosen = [event.id for event in settled if event.received_at < retention.before]
        chosen += [event.id for event in rejected if event.received_at < retention.rejected_before]
        if retention.most_rejected:
            left = [event.id for event in rejected if event.id not in chosen]
            chosen += left[: max(len(left) - retention.most_rejected, 0)]
        if retention.most_bytes:
            chosen += self._beyond_bytes(retention.most_bytes, set(chosen))
        return chosen

    def _beyond_bytes(self, most: int, gone: set[str]) -> Iterable[str]:
        left = {event_id: kept for event_id, kept in self._kept.items() if event_id not in gone and kept.body}
        surplus = sum(len(kept.body or b"") for kept in left.values()) - most
        for event_id in sorted(left):
            if surplus > 0 and not is_open(left[event_id].event.state):
                surplus -= len(left[event_id].body or b"")
                yield event_id


def _nothing() -> None:
    """There is no record to keep."""
