"""Turns of the in-memory twin: what leased work writes, all of it or nothing; and runs that somebody cancels."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import is_dataclass

from msgspec import structs

from hookstation.core.events import OPEN_STATES
from hookstation.core.jobs import RUNS, Job, JobEnd, Lease
from hookstation.core.records import EffectResult
from hookstation.core.workflows.run_rules import cancelled, changed, event_cancelled, moved, parents_told
from hookstation.core.workflows.values import (
    ENDED,
    EventEnd,
    Hashes,
    Outcome,
    Run,
    RunState,
    Standing,
)
from hookstation.ports.runs import Turn, Turned, TurnEnd
from hookstation.ports.store import Acceptance, Committed, Finish
from hookstation.testing.memory_deliveries import MemoryDeliveries
from hookstation.testing.memory_records import MemoryRecords

Heard = list[tuple[Acceptance | Finish, Committed]]
"""What whoever observes the journal is told once all is written."""


class MemoryTurns(MemoryDeliveries):
    """Implements the writing part of `ports.runs.Runs` on the twin's journal and records."""

    _records: MemoryRecords

    def turn(self, turn: Turn) -> asyncio.Future[Turned]:
        """Write the end of a turn, or nothing of it."""
        future: asyncio.Future[Turned] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(self._turn(turn))
        except Exception as error:
            future.set_exception(error)
        return future

    async def cancel_runs(self, ids: Sequence[str], at: int, why: str) -> Sequence[str]:
        """End runs that are not at their end."""
        self._check()
        heard: Heard = []
        gone = self._with_children(ids)
        for run in gone:
            self._runs[run.id] = cancelled(run, at, why)
            self._remove(RUNS, run.id)
            self._drop_waits(run.id)
            self._pending.pop(run.id, None)
            self._end_event(EventEnd(run.event_id, event_cancelled(why), at), heard)
        self._signal(parents_told([(run.id, run.parent, run.parent_path) for run in gone], at, why))
        self._tell_all(heard)
        return [run.id for run in gone]

    # --- for the journal

    def _accept(self, acceptance: Acceptance) -> Committed:
        """Keep one event, or nothing of it."""
        raise NotImplementedError

    def _finish(self, finish: Finish) -> Committed:
        """Settle or move an event."""
        raise NotImplementedError

    def _heard(self, unit: Acceptance | Finish, committed: Committed) -> None:
        """Tell whoever observes the journal."""
        raise NotImplementedError

    # --- inside

    def _turn(self, turn: Turn) -> Turned:
        self._check()
        if not self._is_held(turn.lease):
            return Turned(held=False)
        result, keep = self._records.plan(turn.effect, turn.run_id) if turn.effect else (None, _nothing)
        end = turn.end(result)
        heard: Heard = []
        back = self._remember() if end.accepts else _nothing
        try:
            keep()
            accepted = self._accept_all(end.accepts, heard)
            turned = self._write_turn(turn, end, result, accepted, heard)
        except Exception:
            back()
            raise
        self._tell_all(heard)
        return turned

    def _accept_all(self, accepts: Iterable[Acceptance], heard: Heard) -> list[Committed]:
        told = []
        for one in accepts:
            told.append(self._accept(one))
            heard.append((one, told[-1]))
        return told

    def _write_turn(
        self,
        turn: Turn,
        end: TurnEnd,
        result: EffectResult | None,
        accepted: Sequence[Committed],
        heard: Heard,
    ) -> Turned:
        begun = self._start(end.starts)
        self._write_run(turn.run_id, end)
        self._signal(end.signals)
        self._emit(end.emissions)
        self._keep_values(end.kept)
        for outcome in end.outcomes:
            self._count_outcome(outcome)
        if end.event is not None:
            self._end_event(end.event, heard)
        self._settle_turn(turn.lease, end, turn.run_id)
        return Turned(True, end, result, accepted, begun)

    def _write_run(self, run_id: str, end: TurnEnd) -> None:
        """What a turn changes of its run: waits first, since entries that are at their end take them along."""
        self._waits.update({(one.run_id, one.path): one for one in end.waits})
        if run_id:
            self._write_entries(run_id, end.entries)
        if end.hashes is not None:
            self._keep_hashes(run_id, end.hashes)
        if end.run is None:
            return
        self._runs[run_id] = changed(self._runs[run_id], end.run)
        if end.run.state in ENDED:
            self._drop_waits(run_id)
            seen = self._pending.pop(run_id, {})
            if end.run.state is RunState.SUCCEEDED:
                for owner, rows in seen.items():
                    self._hashes.setdefault(owner, {}).update(rows)

    def _keep_hashes(self, run_id: str, hashes: Hashes) -> None:
        """They count at once where there is no run."""
        owned = self._pending.setdefault(run_id, {}) if run_id else self._hashes
        owned.setdefault(hashes.owner, {}).update(hashes.rows)

    def _count_outcome(self, outcome: Outcome) -> None:
        place = (outcome.kind, outcome.name)
        self._standings[place] = moved(self._standings.get(place) or Standing(*place), outcome)

    def _settle_turn(self, lease: Lease, end: TurnEnd, run_id: str) -> None:
        if end.again is None and end.keep_seconds:
            self._jobs[lease.queue, lease.id].until = self._now() + round(end.keep_seconds * 1_000_000)
            return
        again = end.again and self._due_at_once(end.again, run_id, end.signals_seen)
        self._settle_job(JobEnd(lease, again), self._now())

    def _due_at_once(self, again: Job, run_id: str, seen: int) -> Job:
        """A job as it goes on: at once where its run has signals that nobody saw."""
        unseen = len(self._signals.get(run_id, {})) > seen
        return structs.replace(again, delay=0) if unseen else again

    def _end_event(self, event: EventEnd, heard: Heard) -> None:
        finish = Finish(event.event_id, OPEN_STATES, lambda _: event.settlement, event.at)
        committed = self._finish(finish)
        if committed.settlement is not None:
            heard.append((finish, committed))

    def _with_children(self, ids: Iterable[str]) -> list[Run]:
        """Those of these runs that are not at their end, and all that they wait for."""
        found: dict[str, Run] = {}
        asked = list(ids)
        while asked:
            run = self._runs.get(asked.pop(0))
            if run is not None and run.state not in ENDED and run.id not in found:
                found[run.id] = run
                asked += [one.id for one in self._runs.values() if one.parent == run.id]
        return list(found.values())

    def _tell_all(self, heard: Heard) -> None:
        self._tell_ready()
        for unit, committed in heard:
            self._heard(unit, committed)

    def _remember(self) -> Callable[[], None]:
        """Everything as it stands; the call that comes back to it."""
        then = {name: _copied(value) for name, value in vars(self).items()}
        return lambda: vars(self).update(then)


def _copied(value: object) -> object:
    """What may change, as it is now."""
    if isinstance(value, dict):
        return {name: _copied(one) for name, one in value.items()}
    if isinstance(value, MemoryRecords):
        return value.copied()
    return copy.copy(value) if is_dataclass(value) or isinstance(value, list | set) else value


def _nothing() -> None:
    """There is no record to keep, and nothing to take back."""
