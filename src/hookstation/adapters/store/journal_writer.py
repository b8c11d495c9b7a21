"""Writing events: many acceptances, finishes and turns in one transaction, a statement a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

import apsw
from msgspec import structs

from hookstation.adapters.store import job_queries, queries
from hookstation.adapters.store.hints import Hints
from hookstation.adapters.store.history import find_mark
from hookstation.adapters.store.jobs import JobTable, Place, TurnTaken, Written
from hookstation.adapters.store.observing import WrittenTurn
from hookstation.adapters.store.outgoing import write_emissions
from hookstation.adapters.store.records import RecordBatch
from hookstation.adapters.store.rows import Row, event_row, headers_text, mark_digest
from hookstation.adapters.store.run_turns import TurnBatch
from hookstation.core.events import OPEN_STATES, Mark, Settlement, State
from hookstation.core.jobs import EVENTS, Job
from hookstation.core.journal_rules import attempt_after, is_open, mark_state
from hookstation.core.outgoing.values import Emission
from hookstation.core.records import Effect, EffectResult
from hookstation.core.workflows.values import EventEnd
from hookstation.errors import Conflict
from hookstation.ports.runs import Turn, Turned
from hookstation.ports.store import Acceptance, Before, Committed, Finish, Hold, Holder

Unit: TypeAlias = Acceptance | Finish | Turn
Done: TypeAlias = Committed | Turned

_NO_JOB: Final = Written()


class KeyTaken(Exception):
    """A dedup key of the batch is held: the batch has to be written one by one."""


class JournalWriter:
    """Implements `BatchWriter` for the journal. `move_hashes` is called where a commit left some to be moved."""

    def __init__(self, connection: apsw.Connection, jobs: JobTable, hints: Hints) -> None:
        self._connection, self._jobs, self._hints = connection, jobs, hints
        self._left = False
        self.move_hashes: Callable[[], None] | None = None

    def write_together(self, units: Sequence[Unit]) -> Sequence[Done]:
        """Write all as if no key and no turn were held; raises `KeyTaken` or `TurnTaken` where one is."""
        return self._write(units, Batch(self._connection, self._jobs))

    def write_alone(self, unit: Unit) -> Done:
        """Write one, or say which mark is in its way, or that another has its turn."""
        if isinstance(unit, Acceptance):
            held = mark_in_the_way(self._connection, unit)
            if held is not None:
                return Committed(None, conflict=held)
        self._connection.execute("SAVEPOINT turn")
        try:
            [done] = self._write([unit], Batch(self._connection, self._jobs, alone=True))
        except TurnTaken:
            self._connection.execute("ROLLBACK TO turn")
            done = Committed(None, occupied=True)
        except apsw.ConstraintError as error:
            raise Conflict(
                f"This event is in the journal already, or its rows clash with others. ({error})"
            ) from error
        self._connection.execute("RELEASE turn")
        return done

    def committed(self) -> None:
        """Tell of the lanes in which a job became ready that is due, and of hashes that are left."""
        if self._jobs.ready:
            lanes = tuple(self._jobs.ready)
            self._jobs.ready.clear()
            self._hints.tell_ready(lanes)
        if self._left and self.move_hashes is not None:
            self._left = False
            self.move_hashes()

    def _write(self, units: Sequence[Unit], batch: Batch) -> Sequence[Done]:
        turns = [unit for unit in units if isinstance(unit, Turn)]
        if turns:
            batch.turns.look(turns)
        done = [batch.add(unit) for unit in units]
        batch.flush()
        self._left = self._left or batch.turns.left
        return done


def mark_in_the_way(connection: apsw.Connection, acceptance: Acceptance) -> Mark | None:
    """The mark of another event that holds the key of this one."""
    mark = acceptance.mark
    return (
        None if mark is None else find_mark(connection, mark.webhook, mark.key, acceptance.entry.received_at)
    )


class Standing(NamedTuple):
    """How an event stands before it is finished: a row of `EVENT_TO_FINISH`."""

    webhook: str
    state: str
    attempts: int
    started_at: int
    settled_at: int
    error: str
    record_key: str
    dedup_key: str | None
    received_at: int
    reason: str


class Batch:
    """The rows of one transaction. `alone`: it has one unit, and says what stands in that one's way."""

    def __init__(self, connection: apsw.Connection, jobs: JobTable, *, alone: bool = False) -> None:
        self._connection, self._jobs, self._alone = connection, jobs, alone
        self.turns = TurnBatch(connection, jobs)
        self._records = RecordBatch(connection)
        [(newest,)] = connection.execute(queries.NEWEST_PAYLOAD).fetchall()
        self._payload_no = cast("int", newest)
        self._events: list[Row] = []
        self._payloads: list[Row] = []
        self._marks: list[Row] = []
        self._keys: set[bytes] = set()
        self._new_jobs: list[Row] = []
        self._new_keys: set[Place] = set()
        self._emissions: list[Emission] = []
        self._rejected = 0
        self._bytes = 0

    def add(self, unit: Unit) -> Done:
        """Write or gather one unit."""
        if isinstance(unit, Turn):
            return self.turn(unit)
        return self.accept(unit) if isinstance(unit, Acceptance) else self.finish(unit)

    def accept(self, acceptance: Acceptance) -> Committed:
        """Gather the rows of one event."""
        entry, mark, job = acceptance.entry, acceptance.mark, acceptance.job
        hold = acceptance.hold if job is not None and self._waits(job, acceptance.hold) else None
        effect = self._effect(acceptance.effect, entry.id) if hold is None else None
        settlement = acceptance.settle(effect) if hold is None else hold.settlement
        state = settlement.state
        self._payload_no += 1
        queued = job is not None and acceptance.holder is None
        self._events.append(event_row(entry, settlement, mark, self._payload_no, queued=queued))
        self._payloads.append((self._payload_no, headers_text(entry), entry.body))
        if mark is not None:
            self._take(mark, entry.id, entry.received_at, state)
        written = _NO_JOB
        if job is not None and is_open(state):
            written = self._write_job(job, acceptance.holder, hold)
        if entry.body is not None:
            self._bytes += len(entry.body)
        if state is State.REJECTED:
            self._rejected += 1
        elif acceptance.starts:
            self.turns.begin(acceptance.starts)
        if acceptance.emit is not None:
            self._emissions += acceptance.emit(settlement, effect)
        return Committed(settlement, effect, None, False, *written)

    def finish(self, finish: Finish) -> Committed:
        """Write how one event of the journal stands now."""
        rows = self._connection.execute(queries.EVENT_TO_FINISH, (finish.event_id,)).fetchall()
        old = Standing(*cast("Standing", rows[0])) if rows else None
        if old is None or old.state not in finish.expected:
            return Committed(None)
        if finish.lease is not None and not self._jobs.is_held(finish.lease):
            return Committed(None)
        held = self._held_by_another(finish)
        if held is not None:
            return Committed(None, conflict=held)
        effect = self._effect(finish.effect, finish.event_id)
        settlement = finish.settle(effect)
        self._move(finish, old, settlement)
        self._follow(finish, old, settlement.state)
        if finish.job is not None and is_open(settlement.state):
            written = self._jobs.write(finish.job, finish.holder)
        else:
            written = self._jobs.drop(EVENTS, finish.event_id)
        self._rejected += (settlement.state is State.REJECTED) - (old.state == State.REJECTED)
        if finish.emit is not None:
            self._emissions += finish.emit(settlement, effect)
        before = Before(old.webhook, old.received_at, State(old.state), old.reason)
        return Committed(settlement, effect, None, False, *written, before=before)

    def turn(self, turn: Turn) -> Turned:
        """Write or gather what one turn did, where it is held under its lease."""
        if not self.turns.is_held(turn.lease):
            return Turned(held=False)
        effect = self._effect(turn.effect, turn.run_id)
        end = turn.end(effect)
        accepted = [self._accept_among(one) for one in end.accepts]
        heard: list[tuple[Acceptance | Finish, Committed]] = [*zip(end.accepts, accepted, strict=True)]
        if end.event is not None:
            heard.append(self._end_event(end.event))
        self._emissions += end.emissions
        turned = WrittenTurn(True, end, effect, accepted, heard=heard)
        self.turns.add(turn, turned, end)
        return turned

    def flush(self) -> None:
        """Write what was gathered, a statement a table."""
        self._records.flush()
        self._write_events()
        self.turns.flush()
        if self._emissions:
            write_emissions(self._connection, self._jobs, self._emissions)
        self._write_totals()

    def _accept_among(self, acceptance: Acceptance) -> Committed:
        """Accept one event of several that one turn found: what stands in its way leaves the others alone."""
        mark, job = acceptance.mark, acceptance.job
        if mark is not None and mark_digest(mark.webhook, mark.key) in self._keys:
            self._write_events()
        held = mark_in_the_way(self._connection, acceptance)
        if held is not None:
            return Committed(None, conflict=held)
        if job is not None and job.turn:
            self._write_events()
            if self._jobs.is_turn_taken(job):
                return Committed(None, occupied=True)
        return self.accept(acceptance)

    def _end_event(self, end: EventEnd) -> tuple[Finish, Committed]:
        finish = Finish(end.event_id, OPEN_STATES, lambda _: end.settlement, end.at)
        return finish, self.finish(finish)

    def _write_events(self) -> None:
        many = self._connection.executemany
        if self._events:
            many(queries.INSERT_EVENT, self._events)
            many(queries.INSERT_PAYLOAD, self._payloads)
            self._events, self._payloads = [], []
        if self._marks:
            self._write_marks()
            self._marks = []
            self._keys.clear()
        if self._new_jobs:
            many(job_queries.INSERT, self._new_jobs)
            self._jobs.arrange(self._new_keys)
            self._new_jobs = []
            self._new_keys.clear()

    def _write_totals(self) -> None:
        many = self._connection.executemany
        totals = [total for total in ((self._rejected, "rejected"), (self._bytes, "body_bytes")) if total[0]]
        if totals:
            many(queries.ADD_TOTAL, totals)

    def _effect(self, effect: Effect | None, event_id: str) -> EffectResult | None:
        return None if effect is None else self._records.apply(effect, event_id)

    def _waits(self, job: Job, hold: Hold | None) -> bool:
        if hold is None:
            return False
        return (job.queue, hold.key) in self._new_keys or self._jobs.has_key(job.queue, hold.key)

    def _write_job(self, job: Job, holder: Holder | None, hold: Hold | None) -> Written:
        """Write an event's job: without a key and among others together with theirs, as if no turn were held."""
        if hold is not None:
            return self._jobs.write(structs.replace(job, key=hold.key, turn=b""), None)
        waits = holder is None and not job.turn
        if self._alone or (job.key and not waits):
            return self._jobs.write(job, holder)
        row, lease = self._jobs.new_row(job, holder)
        self._new_jobs.append(row)
        return Written(lease, began=bool(job.key) and self._begins(job.queue, job.key))

    def _begins(self, queue: str, key: str) -> bool:
        """Whether a job that is gathered is the first one of its key to be there."""
        known = (queue, key) in self._new_keys or self._jobs.has_key(queue, key)
        self._new_keys.add((queue, key))
        return not known

    def _take(self, mark: Mark, event_id: str, at: int, state: State) -> None:
        """Take the key for an event that may hold one; one that failed must not have met another's mark either."""
        digest = mark_digest(mark.webhook, mark.key)
        if mark_state(state) is not None:
            self._marks.append((digest, event_id, mark.expires_at, at))
            self._keys.add(digest)
        elif digest in self._keys or find_mark(self._connection, mark.webhook, mark.key, at):
            raise KeyTaken

    def _write_marks(self) -> None:
        before = self._connection.total_changes()
        self._connection.executemany(queries.TAKE_MARK, self._marks)
        if self._connection.total_changes() - before != len(self._marks):
            raise KeyTaken

    def _move(self, finish: Finish, old: Standing, new: Settlement) -> None:
        state = State(old.state)
        if old.attempts and not is_open(state):
            ended = (old.attempts, old.started_at, old.settled_at, old.state, old.error, old.record_key)
            self._connection.execute(queries.INSERT_ATTEMPT, (finish.event_id, *ended))
        attempts, started_at = attempt_after(
            state, new.state, old.attempts, old.started_at, finish.attempt_started_at or None, finish.at
        )
        if finish.keep_attempt and attempts and is_open(new.state):
            ended = (attempts, started_at, finish.at, State.FAILED.value, new.error, new.record_key)
            self._connection.execute(queries.INSERT_ATTEMPT, (finish.event_id, *ended))
        settled_at = 0 if is_open(new.state) else finish.at
        stands = (
            new.state.value,
            new.answer_status,
            new.answer_body,
            new.error,
            new.record_key,
            new.reason,
        )
        where = (finish.run_id, finish.connection, finish.entity, finish.event_id)
        self._connection.execute(queries.FINISH_EVENT, (*stands, settled_at, started_at, attempts, *where))

    def _held_by_another(self, finish: Finish) -> Mark | None:
        """The mark of another event that stands in the way of one that claims its key anew."""
        mark = finish.mark
        if mark is None:
            return None
        if mark_digest(mark.webhook, mark.key) in self._keys:
            raise KeyTaken
        held = find_mark(self._connection, mark.webhook, mark.key, finish.at)
        return held if held and held.event_id != finish.event_id else None

    def _follow(self, finish: Finish, old: Standing, new: State) -> None:
        """The event's mark follows: freed where it failed, taken where the event claims its key anew."""
        mark = finish.mark
        claims = mark is not None and mark_state(new) is not None
        if old.dedup_key is not None and (claims or mark_state(new) is None):
            self._connection.execute(
                queries.FREE_MARK, (mark_digest(old.webhook, old.dedup_key), finish.event_id)
            )
        if mark is not None and claims:
            digest = mark_digest(mark.webhook, mark.key)
            self._connection.execute(queries.TAKE_MARK, (digest, finish.event_id, mark.expires_at, finish.at))
            self._connection.execute(queries.CLAIM_KEY, (mark.key, mark.body_digest, finish.event_id))
