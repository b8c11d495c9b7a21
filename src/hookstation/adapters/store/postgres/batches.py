"""One transaction's events: many acceptances and finishes, a statement a table.

Locks are taken in one order by every node: events to be finished, deliveries, all jobs without a key that may change,
dedup keys, keys of jobs, jobs that have them, turns, parties and matches of records, records; then, since what goes out
and begins is known only when all that has been planned, keys of deliveries and runs, jobs that have them, runs and what
hangs on them, idempotency keys of events out; figures and roll-ups; each kind sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias, cast

import asyncpg
from msgspec import structs

from hookstation.adapters.store.postgres import emissions, queries, run_starts
from hookstation.adapters.store.postgres.batch_jobs import BatchJobs, turn_of
from hookstation.adapters.store.postgres.batch_turns import BatchTurns, Turning
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.keys import Key, lock_keys
from hookstation.adapters.store.postgres.marks import Claim, Taken, Taking, take_marks
from hookstation.adapters.store.postgres.numbering import Numbering
from hookstation.adapters.store.postgres.records import RecordBatch, TryLater, total_of
from hookstation.adapters.store.postgres.rows import Row, append, columns, event_row, kept, told
from hookstation.adapters.store.rows import mark_digest
from hookstation.core.events import Mark, Settlement, State
from hookstation.core.journal_rules import attempt_after, is_open, mark_state
from hookstation.core.outgoing.values import Emission
from hookstation.core.records import Effect, EffectResult
from hookstation.core.workflows.values import RunStart
from hookstation.errors import Conflict
from hookstation.ports.runs import Turned
from hookstation.ports.store import Acceptance, Before, Committed, Finish

Unit: TypeAlias = Acceptance | Finish | Turning
Outcome: TypeAlias = Committed | Turned | Exception
"""What a unit's caller hears; `TryLater` sends it into the next batch instead."""

_LATER: Final = TryLater()


class Standing(NamedTuple):
    """How an event stands before it is finished: a row of `EVENTS_TO_FINISH`."""

    id: str
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
    """The rows of one transaction that somebody else begins and commits."""

    def __init__(
        self, connection: Connection, numbering: Numbering, slot: int, crowded: set[Key] | None = None
    ) -> None:
        self._connection = connection
        self._records = RecordBatch(connection, numbering)
        self._jobs = BatchJobs(connection, set() if crowded is None else crowded)
        self._slot = slot
        self._standings: dict[str, Standing] = {}
        self._marks: dict[bytes, Taken] = {}
        self._events: list[Row] = []
        self._finished: list[Row] = []
        self._attempts: list[Row] = []
        self._freed: list[Row] = []
        self._extended: list[Row] = []
        self._totals: dict[str, int] = {}
        self._emissions: list[Emission] = []
        self._starts: list[RunStart] = []
        self._turns = BatchTurns(connection)
        self._hints: set[str] = set()

    async def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Write what can be written of these units. An exception of the driver means that nothing of it stands."""
        outcomes: dict[int, Outcome] = {}
        going = self._without_twins(units, outcomes)
        await self._read_standings(_finishes(going))
        self._turn_away(going, outcomes, self._expected)
        names = self._turns.names(unit for unit in going.values() if isinstance(unit, Turning))
        self._turns.know(await self._jobs.read(_finishes(going), names))
        await self._take_marks(list(going.values()))
        self._turn_away(going, outcomes, self._undisputed)
        await self._jobs.lock(_acceptances(going), _finishes(going))
        self._turn_away(going, outcomes, self._allowed)
        await self._jobs.write_ahead(_acceptances(going), _finishes(going))
        await self._records.prepare([effect for unit in going.values() if (effect := self._effect_of(unit))])
        for place, unit in sorted(going.items(), key=lambda item: _ORDER.index(type(item[1]))):
            outcomes[place] = self._carry_out(unit)
        await self._flush()
        return [self._with_lease(units[place], outcomes[place]) for place in range(len(units))]

    @property
    def hints(self) -> set[str]:
        """What is to be told when it is committed."""
        return self._jobs.hints | self._hints

    def end(self, committed: bool) -> None:
        """Hear how the transaction ended; not called where nobody knows, or where the server was lost."""
        self._records.give_back(committed)

    async def transaction_id(self) -> str:
        """Move the roll-ups, which others may wait for, at the very end; returns the transaction's id."""
        rows = [(name, self._slot, moved) for name, moved in sorted(self._totals.items()) if moved]
        return str(await self._connection.fetchval(queries.ADD_TOTALS, *columns(rows, 3)))

    # --- which units go

    def _without_twins(self, units: Sequence[Unit], outcomes: dict[int, Outcome]) -> dict[int, Unit]:
        """Of units with one event, key or turn only the first goes: the next ones have to see what it did."""
        going: dict[int, Unit] = {}
        seen: set[str | bytes] = set()
        for place, unit in enumerate(units):
            names = names_of(unit)
            if names & seen:
                outcomes[place] = _LATER
            else:
                seen |= names
                going[place] = unit
        return going

    def _turn_away(
        self,
        going: dict[int, Unit],
        outcomes: dict[int, Outcome],
        check: Callable[[Unit], Outcome | None],
    ) -> None:
        for place, unit in list(going.items()):
            if (outcome := check(unit)) is not None:
                outcomes[place] = outcome
                del going[place]

    async def _read_standings(self, finishes: Sequence[Finish]) -> None:
        if finishes:
            ids = sorted(finish.event_id for finish in finishes)
            for row in await self._connection.fetch(queries.EVENTS_TO_FINISH, ids):
                standing = Standing(*cast("Standing", tuple(row)))
                self._standings[standing.id] = standing

    def _expected(self, unit: Unit) -> Outcome | None:
        if not isinstance(unit, Finish):
            return None
        old = self._standings.get(unit.event_id)
        return None if old is not None and old.state in unit.expected else Committed(None)

    async def _take_marks(self, units: Sequence[Unit]) -> None:
        claims = [claim for claim in map(claim_of, units) if claim is not None]
        if claims:
            self._marks = await take_marks(self._connection, claims)

    def _undisputed(self, unit: Unit) -> Outcome | None:
        if isinstance(unit, Turning) or unit.mark is None:
            return None
        taken = self._marks[digest_of(unit.mark)]
        if isinstance(taken, Mark):
            return Committed(None, conflict=taken)
        return _LATER if taken is Taking.LOST else None

    def _allowed(self, unit: Unit) -> Outcome | None:
        if isinstance(unit, Turning):
            return self._turns.refuse(unit)
        refused: Outcome | None = None
        if isinstance(unit, Acceptance):
            refused = None if self._jobs.place_of(unit) else _LATER
        elif not self._jobs.under_lease(unit):
            refused = Committed(None)
        if refused is not None:
            self._release(unit)
        return refused

    # --- carrying them out

    def _effect_of(self, unit: Unit) -> Effect | None:
        return None if isinstance(unit, Acceptance) and self._jobs.holds(unit) else unit.effect

    def _carry_out(self, unit: Unit) -> Outcome:
        """Settle one unit and gather its rows; where it fails, nothing of it is gathered."""
        if isinstance(unit, Acceptance) and unit.hold is not None and self._jobs.holds(unit):
            return self._accept(unit, None, unit.hold.settlement)
        if isinstance(unit, Turning):
            return self._turn(unit)
        try:
            effect, settlement, keep = self._settle(unit.effect, unit.settle, event_of(unit))
        except Exception as error:
            self._give_up(unit)
            return error
        if is_open(settlement.state) and self._jobs.occupied(unit):
            self._give_up(unit)
            return Committed(None, occupied=True)
        keep()
        if isinstance(unit, Acceptance):
            return self._accept(unit, effect, settlement)
        return self._finish(unit, self._standings[unit.event_id], effect, settlement)

    def _turn(self, turning: Turning) -> Outcome:
        """Carry out a turn; one that ends otherwise than was foreseen goes with the next batch."""
        turn, result, keep = turning.turn, None, _nothing
        try:
            if turn.effect is not None:
                result, keep = self._records.plan(turn.effect, turn.run_id)
            end = turn.end(result) if turn.effect is not None else turning.foreseen
        except Exception as error:
            return error
        if not turning.sees(result, end):
            turning.foreseen, turning.result = end, result
            return _LATER
        keep()
        self._emissions += end.emissions
        finish = turning.finish if end.event is not None else None
        old = self._standings.get(finish.event_id) if finish is not None else None
        written = self._turns.carry_out(turning, result, end)
        if finish is not None and old is not None and old.state in finish.expected:
            written.heard = [(finish, self._finish(finish, old, None, finish.settle(None)))]
        return written

    def _give_up(self, unit: Acceptance | Finish) -> None:
        self._release(unit)
        if isinstance(unit, Acceptance):
            self._jobs.release(unit)

    def _with_lease(self, unit: Unit, outcome: Outcome) -> Outcome:
        """The lease of a finished event's new job has its token only now."""
        if isinstance(unit, Finish) and isinstance(outcome, Committed) and outcome.settlement is not None:
            lease = self._jobs.lease_of(unit)
            return outcome if lease is None else structs.replace(outcome, lease=lease)
        return outcome

    def _settle(
        self, effect: Effect | None, settle: Callable[[EffectResult | None], Settlement], event_id: str
    ) -> tuple[EffectResult | None, Settlement, Callable[[], None]]:
        """What is to become of the event; its record is written only once the last of the three is called."""
        if effect is None:
            return None, settle(None), _nothing
        result, keep = self._records.plan(effect, event_id)
        return result, settle(result), keep

    def _release(self, unit: Acceptance | Finish) -> None:
        """Give back a key that was taken in this transaction."""
        if unit.mark is not None and self._marks[digest_of(unit.mark)] is Taking.TAKEN:
            self._freed.append((digest_of(unit.mark), event_of(unit)))

    def _accept(
        self, acceptance: Acceptance, effect: EffectResult | None, settlement: Settlement
    ) -> Committed:
        entry, state = acceptance.entry, settlement.state
        queued = acceptance.job is not None and (acceptance.holder is None or self._jobs.holds(acceptance))
        self._events.append(event_row(entry, settlement, acceptance.mark, queued=queued))
        if mark_state(state) is None:
            self._release(acceptance)
        self._add("body_bytes", len(entry.body or b""))
        self._add("rejected", state is State.REJECTED)
        job = self._jobs.accept(acceptance, is_open(state))
        if state is not State.REJECTED:
            self._starts += acceptance.starts
        self._emit(acceptance, settlement, effect)
        return Committed(settlement, effect, lease=job.lease, began=job.began)

    def _finish(
        self, finish: Finish, old: Standing, effect: EffectResult | None, settlement: Settlement
    ) -> Committed:
        state = State(old.state)
        if old.attempts and not is_open(state):
            self._attempts.append(
                (old.id, old.attempts, old.started_at, old.settled_at, old.state, old.error, old.record_key)
            )
        attempts, started_at = attempt_after(
            state,
            settlement.state,
            old.attempts,
            old.started_at,
            finish.attempt_started_at or None,
            finish.at,
        )
        if finish.keep_attempt and attempts and is_open(settlement.state):
            told_of = kept(settlement.error), kept(settlement.record_key)
            self._attempts.append(
                (old.id, attempts, started_at, finish.at, State.FAILED.value, *told_of),
            )
        self._finished.append(_finished_row(finish, settlement, attempts, started_at))
        self._follow(finish, old, settlement.state)
        self._add("rejected", (settlement.state is State.REJECTED) - (state is State.REJECTED))
        job = self._jobs.finish(finish, is_open(settlement.state))
        self._emit(finish, settlement, effect)
        before = Before(told(old.webhook), old.received_at, state, told(old.reason))
        return Committed(settlement, effect, began=job.began, ended=job.ended, before=before)

    def _follow(self, finish: Finish, old: Standing, new: State) -> None:
        """The event's mark follows: freed where it failed, taken where the event claims its key anew."""
        held = None if old.dedup_key is None else mark_digest(told(old.webhook), told(old.dedup_key))
        claims = finish.mark is not None and mark_state(new) is not None
        claimed = digest_of(finish.mark) if finish.mark is not None and claims else None
        if held is not None and held != claimed and (claims or mark_state(new) is None):
            self._freed.append((held, finish.event_id))
        if finish.mark is not None and not claims:
            self._freed.append((digest_of(finish.mark), finish.event_id))
        if finish.mark is not None and claimed is not None and self._marks[claimed] is Taking.KEPT:
            self._extended.append((claimed, finish.event_id, finish.mark.expires_at))

    def _emit(self, unit: Acceptance | Finish, settlement: Settlement, effect: EffectResult | None) -> None:
        if unit.emit is not None:
            self._emissions += unit.emit(settlement, effect)

    def _add(self, total: str, moved: int) -> None:
        self._totals[total] = self._totals.get(total, 0) + moved

    # --- writing

    async def _flush(self) -> None:
        for entity, count in (await self._records.flush()).items():
            self._add(total_of(entity), count)
        if self._events:
            await self._append_events()
        for statement, rows in (
            (queries.FINISH_EVENTS, self._finished),
            (queries.INSERT_ATTEMPTS, self._attempts),
            (queries.FREE_MARKS, sorted(self._freed, key=lambda row: cast("bytes", row[0]))),
            (queries.EXTEND_MARKS, self._extended),
        ):
            if rows:
                await self._connection.execute(statement, *columns(rows, 0))
        await self._jobs.flush()
        await lock_keys(self._connection, self._late_keys())
        if self._starts:
            self._hints |= (await run_starts.write(self._connection, self._starts))[1]
        self._hints |= await self._turns.flush()
        if self._emissions:
            self._hints |= (await emissions.write(self._connection, self._emissions))[1]

    def _late_keys(self) -> set[Key]:
        return self._turns.keys | run_starts.keys_of(self._starts) | emissions.keys_of(self._emissions)

    async def _append_events(self) -> None:
        try:
            await append(self._connection, "events", queries.EVENT_TABLE, self._events)
        except asyncpg.UniqueViolationError as error:
            raise Conflict("This event is in the journal already.") from error


def _nothing() -> None:
    """Where there is no effect, nothing is kept."""


_ORDER: Final = (Acceptance, Finish, Turning)
"""In which order a batch counts as written."""


def _acceptances(going: Mapping[int, Unit]) -> list[Acceptance]:
    return [unit for unit in going.values() if isinstance(unit, Acceptance)]


def _finishes(going: Mapping[int, Unit]) -> list[Finish]:
    """Those that are asked for, and those of turns that end an event with their run."""
    ends = [unit.finish for unit in going.values() if isinstance(unit, Turning)]
    asked = [unit for unit in going.values() if isinstance(unit, Finish)]
    return [*asked, *(finish for finish in ends if finish is not None)]


def names_of(unit: Unit) -> set[str | bytes]:
    """What no two units of a batch may have in common."""
    if isinstance(unit, Turning):
        return {"\0".join(unit.name), *([unit.finish.event_id] if unit.finish else [])}
    names: set[str | bytes] = {event_of(unit)}
    names |= {digest_of(unit.mark)} if unit.mark is not None else set()
    return names | ({b"turn " + turn} if (turn := turn_of(unit)) else set())


def _finished_row(finish: Finish, new: Settlement, attempts: int, started_at: int) -> Row:
    """A row for `FINISH_EVENTS`."""
    claims = finish.mark is not None and mark_state(new.state) is not None
    claimed = (kept(finish.mark.key), finish.mark.body_digest) if finish.mark and claims else (None, None)
    return (
        finish.event_id,
        new.state.value,
        new.answer_status,
        new.answer_body,
        kept(new.error),
        kept(new.record_key),
        kept(new.reason),
        0 if is_open(new.state) else finish.at,
        started_at,
        attempts,
        kept(finish.run_id),
        kept(finish.connection),
        kept(finish.entity),
        *claimed,
    )


def event_of(unit: Acceptance | Finish) -> str:
    """The id of the event that a unit is about."""
    return unit.entry.id if isinstance(unit, Acceptance) else unit.event_id


def digest_of(mark: Mark) -> bytes:
    """What a mark's key is found by."""
    return _digest(mark.webhook, mark.key)


_digest: Final = lru_cache(maxsize=1_024)(mark_digest)
"""Each step of a batch asks for it."""


def claim_of(unit: Unit) -> Claim | None:
    """The key that a unit claims, if it does."""
    if isinstance(unit, Turning) or unit.mark is None:
        return None
    if isinstance(unit, Acceptance):
        return Claim(digest_of(unit.mark), unit.mark, unit.entry.id, unit.entry.received_at)
    return Claim(digest_of(unit.mark), unit.mark, unit.event_id, unit.at, anew=True)
