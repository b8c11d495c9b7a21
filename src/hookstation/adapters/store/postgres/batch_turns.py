"""The turns of one transaction: whose lease stands, what each leaves behind, and what becomes of its job.

What a turn will end with is known before its effect is carried out, or guessed: that says which events and jobs are to
be locked before anything is written.  A turn that was foreseen wrongly goes with the next batch, foreseen rightly.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from msgspec import structs

from hookstation.adapters.store.observing import WrittenTurn
from hookstation.adapters.store.postgres import jobs as queues
from hookstation.adapters.store.postgres import row_hashes, run_starts, turn_rows
from hookstation.adapters.store.postgres.batch_jobs import KEYED_JOBS_OF, Name, Stood
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.jobs import MICROSECONDS
from hookstation.adapters.store.postgres.keys import NOW, Key, promote
from hookstation.adapters.store.postgres.records import TryLater
from hookstation.adapters.store.postgres.rows import Row, columns, kept, told
from hookstation.core.events import OPEN_STATES
from hookstation.core.jobs import RUNS, JobEnd
from hookstation.core.records import Effect, EffectResult, EffectVerdict
from hookstation.core.workflows.values import Entry, Hashes, RunChange, RunState, Wait
from hookstation.ports.runs import Turn, Turned, TurnEnd
from hookstation.ports.store import Acceptance, Committed, Finish

KEEP: Final = (
    f"UPDATE jobs j SET until = {NOW} + u.stretched FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) "
    f"u(queue, id, held, stretched) WHERE j.queue = u.queue AND j.id = u.id "
    f"AND j.until NOT BETWEEN {NOW} + u.held AND {NOW} + u.stretched"
)
"""Let leases of locked jobs go on; one that goes on for long enough as it is costs no write."""

LONG: Final = 10.0
STRETCH: Final = 1.5
"""A lease of so many seconds or more is written for so much longer, so that the next turns need not write it again."""

_KeptRow: TypeAlias = tuple[str, str, int, int]

_GUESS: Final = EffectResult(EffectVerdict.WRITTEN, "0")
"""What most effects do."""


@dataclass(slots=True, eq=False)
class Turning:
    """A turn that waits to be written. `foreseen`: how it will end, where its effect does what `result` says.

    `singly`: its events have to be written one by one, since one needs to see what another did.
    """

    turn: Turn
    foreseen: TurnEnd = field(default_factory=TurnEnd)
    result: EffectResult | None = None
    singly: bool = False

    @property
    def effect(self) -> Effect | None:
        """The record that it writes."""
        return self.turn.effect

    @property
    def name(self) -> Name:
        """Its job."""
        return self.turn.lease.queue, self.turn.lease.id

    @property
    def accepts(self) -> Sequence[Acceptance]:
        """Events that come in with it."""
        return self.foreseen.accepts

    @property
    def finish(self) -> Finish | None:
        """The end of the journal's event that it will end."""
        return _finish_of(self.foreseen)

    def sees(self, result: EffectResult | None, end: TurnEnd) -> bool:
        """Whether it was foreseen well enough to be written so."""
        if end.accepts or self.accepts:
            return self.effect is None or result == self.result
        targets = {signal.run_id for signal in end.signals}
        return (end.event is None or _event_of(end) == _event_of(self.foreseen)) and targets <= {
            signal.run_id for signal in self.foreseen.signals
        }


class Undone(Exception):
    """Nothing of a turn, nor of the events that came with it, may stand: what its caller hears."""

    def __init__(self, outcome: Committed | Turned | Exception) -> None:
        super().__init__()
        self.outcome = outcome


def foresee(turn: Turn) -> Turning:
    """A turn that is to be written. Raises what its end raises, where it does not hang on an effect."""
    if turn.effect is None:
        return Turning(turn, turn.end(None))
    turning = Turning(turn, result=_GUESS)
    with contextlib.suppress(Exception):  # a guess that it does not understand is none
        turning.foreseen = turn.end(_GUESS)
    return turning


def _event_of(end: TurnEnd) -> str:
    return end.event.event_id if end.event is not None else ""


def _finish_of(end: TurnEnd) -> Finish | None:
    event = end.event
    if event is None:
        return None
    return Finish(event.event_id, OPEN_STATES, lambda _: event.settlement, event.at)


class BatchTurns:
    """The turns of one batch: `know` their jobs, `carry_out` each, then `flush` under the locks of `keys`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stood: dict[Name, Stood] = {}
        self._done: list[tuple[Turning, TurnEnd, WrittenTurn]] = []

    # --- before

    def names(self, turns: Iterable[Turning]) -> set[Name]:
        """The jobs that may change: those of the turns, and of the runs that are told something."""
        turns = list(turns)
        targets = {(RUNS, signal.run_id) for one in turns for signal in one.foreseen.signals}
        return {one.name for one in turns} | targets

    def know(self, stood: Mapping[Name, Stood]) -> None:
        """Hear how these jobs stand; those without a key are locked."""
        self._stood.update(stood)

    def refuse(self, turning: Turning) -> Turned | None:
        """What a turn's caller hears whose lease is not its job's. Raises `Undone` where events came with it."""
        if _holds(self._stood.get(turning.name), turning):
            return None
        if turning.accepts:
            raise Undone(Turned(False))
        return Turned(False)

    # --- carrying out

    def carry_out(self, turning: Turning, result: EffectResult | None, end: TurnEnd) -> WrittenTurn:
        """Gather what a turn leaves behind."""
        turned = WrittenTurn(True, end, result)
        self._done.append((turning, end, turned))
        return turned

    @property
    def keys(self) -> set[Key]:
        """The keys whose locks have to be held when this is flushed."""
        return self._keys_of_jobs() | run_starts.keys_of(
            start for _, end, _ in self._done for start in end.starts
        )

    def _touched(self) -> set[Name]:
        told_others = {(RUNS, signal.run_id) for _, end, _ in self._done for signal in end.signals}
        return {turning.name for turning, _, _ in self._done} | told_others

    def _keys_of_jobs(self) -> set[Key]:
        stood = [self._stood[name] for name in self._touched() if name in self._stood]
        return {(one.queue, one.key) for one in stood if one.key}

    # --- writing

    async def flush(self) -> set[str]:
        """Write what was gathered; returns the hints. Raises `TryLater` where a lease was lost at this moment."""
        if not self._done:
            return set()
        await self._lock_keyed()
        ends = [end for _, end, _ in self._done]
        await turn_rows.put_signals(self._connection, [one for end in ends for one in end.signals])
        hints = await self._end_jobs()
        hints |= await turn_rows.hurry(
            self._connection, {(RUNS, signal.run_id) for end in ends for signal in end.signals}
        )
        await self._write_runs()
        hints |= await self._begin_runs()
        await turn_rows.keep(self._connection, [one for end in ends for one in end.kept])
        await row_hashes.put(self._connection, self._hashes())
        await row_hashes.count_in(self._connection, self._succeeded())
        await turn_rows.move_standings(self._connection, [one for end in ends for one in end.outcomes])
        return hints

    async def _lock_keyed(self) -> None:
        """Under the locks of their keys, jobs that have keys are looked at once more, and locked."""
        keyed = {name for name in self._touched() if name in self._stood and self._stood[name].key}
        if not keyed:
            return
        asked = columns(sorted((kept(queue), kept(job_id)) for queue, job_id in keyed), 2)
        found = [Stood(*row) for row in await self._connection.fetch(KEYED_JOBS_OF, *asked)]
        now = {(told(one.queue), told(one.id)): one for one in found}
        if any(
            turning.name in keyed and not _holds(now.get(turning.name), turning) for turning, *_ in self._done
        ):
            raise TryLater

    async def _end_jobs(self) -> set[str]:
        more = await self._more_signals()
        free: list[JobEnd] = []
        keyed: list[JobEnd] = []
        kept_on: list[_KeptRow] = []
        for turning, end, _ in self._done:
            again, lease = end.again, turning.turn.lease
            if again is None and end.keep_seconds:
                kept_on.append(_kept_row(turning, end.keep_seconds))
                continue
            if again is not None and turning.turn.run_id in more:
                again = structs.replace(again, delay=0)
            (keyed if self._stood[turning.name].key else free).append(JobEnd(lease, again))
        hints = set[str]()
        if kept_on:
            await self._connection.execute(KEEP, *columns(sorted(kept_on), 4))
        if free:
            hints = (await queues.end_free(self._connection, free))[1]
        if keyed:
            await queues.end_keyed(self._connection, keyed)
            hints |= await promote(self._connection, self._keys_of_jobs())
        return hints

    async def _more_signals(self) -> set[str]:
        """The runs that are to go on at once, since more came for them than they saw."""
        asked = {
            turning.turn.run_id: end.signals_seen
            for turning, end, _ in self._done
            if end.again is not None and turning.turn.run_id
        }
        if not asked:
            return set()
        rows = await self._connection.fetch(turn_rows.MORE_SIGNALS, *columns(sorted(asked.items()), 2))
        return {str(run_id) for (run_id,) in rows}

    async def _write_runs(self) -> None:
        entries: list[tuple[str, Entry]] = []
        changes: list[tuple[str, RunChange]] = []
        waits: list[Wait] = []
        over: list[Row] = []
        for turning, end, _ in self._done:
            run_id = turning.turn.run_id
            waits += end.waits
            if not run_id:
                continue
            entries += [(run_id, entry) for entry in end.entries]
            if end.run is not None:
                changes.append((run_id, end.run))
            over += turn_rows.over(run_id, end.entries, end.run)
        await turn_rows.change_runs(self._connection, changes)
        await run_starts.put_entries(self._connection, entries)
        await turn_rows.put_waits(self._connection, waits, over)

    async def _begin_runs(self) -> set[str]:
        starts = [start for _, end, _ in self._done for start in end.starts]
        begun, hints = await run_starts.write(self._connection, starts)
        told_of = iter(begun)
        for _, end, turned in self._done:
            turned.begun = [next(told_of) for _ in end.starts]
        return hints

    def _succeeded(self) -> list[str]:
        changed = [(one.turn.run_id, end.run) for one, end, _ in self._done if end.run is not None]
        return [run_id for run_id, change in changed if change.state is RunState.SUCCEEDED]

    def _hashes(self) -> list[tuple[str, Hashes]]:
        return [(one.turn.run_id, end.hashes) for one, end, _ in self._done if end.hashes is not None]


def _holds(stood: Stood | None, turning: Turning) -> bool:
    lease = turning.turn.lease
    return (
        stood is not None
        and (stood.node, stood.token) == (kept(lease.node), lease.token)
        and stood.state == 2
    )


def _kept_row(turning: Turning, seconds: float) -> _KeptRow:
    stretched = seconds * STRETCH if seconds >= LONG else seconds
    name = kept(turning.turn.lease.queue), kept(turning.turn.lease.id)
    return *name, int(seconds * MICROSECONDS), int(stretched * MICROSECONDS)
