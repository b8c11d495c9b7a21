"""The ends of turns: gathered for a batch, and written a statement a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import apsw
from msgspec import structs

from hookstation.adapters.store import run_hashes, running
from hookstation.adapters.store import run_queries as queries
from hookstation.adapters.store.jobs import JobTable
from hookstation.adapters.store.rows import Row
from hookstation.adapters.store.run_rows import change_row, entry_row, outcome_row, wait_row
from hookstation.core.jobs import RUNS, JobEnd, Lease
from hookstation.core.workflows.run_rules import PAST
from hookstation.core.workflows.values import (
    ENDED,
    Entry,
    Hashes,
    Kept,
    Outcome,
    RunChange,
    RunStart,
    Signal,
)
from hookstation.ports.runs import Turn, Turned, TurnEnd


class TurnBatch:
    """The turns of one transaction, and all runs that begin in it. `left`: hashes are to be moved behind it."""

    def __init__(self, connection: apsw.Connection, jobs: JobTable) -> None:
        self._connection, self._jobs = connection, jobs
        self.left = False
        self._held: set[Lease] = set()
        self._starts: list[RunStart] = []
        self._beginners: list[tuple[Turned, int, int]] = []
        self._entries: list[Row] = []
        self._closed: list[Row] = []
        self._changes: list[Row] = []
        self._texts: list[Row] = []
        self._waits: dict[tuple[str, str], Row] = {}
        self._ended: list[str] = []
        self._signals: list[Signal] = []
        self._kept: list[Kept] = []
        self._hashes: list[tuple[Hashes, str]] = []
        self._outcomes: list[Outcome] = []
        self._keeps: list[Row] = []
        self._ends: list[tuple[JobEnd, str, int]] = []

    def look(self, turns: Sequence[Turn]) -> None:
        """See which of these turns are held under their leases."""
        asked = [
            (number, lease.queue, lease.id, lease.node, lease.token)
            for number, lease in enumerate(turn.lease for turn in turns)
        ]
        rows = cast("list[tuple[int]]", self._connection.executemany(queries.HELD_AMONG, asked).fetchall())
        self._held = {turns[number].lease for (number,) in rows}

    def is_held(self, lease: Lease) -> bool:
        """Whether the lease was its job's at the beginning, and no turn of this batch gave it away."""
        return lease in self._held

    def begin(self, starts: Sequence[RunStart], beginner: Turned | None = None) -> None:
        """Gather runs that begin."""
        if beginner is not None and starts:
            first = len(self._starts)
            self._beginners.append((beginner, first, first + len(starts)))
        self._starts += starts

    def add(self, turn: Turn, turned: Turned, end: TurnEnd) -> None:
        """Gather what a turn says, but for what belongs to the journal and to what goes out."""
        run_id = turn.run_id
        self._waits.update({(one.run_id, one.path): wait_row(one) for one in end.waits})
        if run_id:
            self._tried(run_id, end.entries)
        if end.run is not None:
            self._change(run_id, end.run)
        self.begin(end.starts, turned)
        self._signals += end.signals
        self._kept += end.kept
        self._outcomes += end.outcomes
        if end.hashes is not None:
            self._hashes.append((end.hashes, run_id))
        self._settle(turn, end)

    def flush(self) -> None:
        """Write what was gathered; runs that are signalled go on at the end, once their turns let them go."""
        self._begin_all()
        many = self._connection.executemany
        if self._entries:
            many(queries.PUT_ENTRY, self._entries)
        if self._changes:
            many(queries.CHANGE_RUN, self._changes)
        if self._texts:
            many(queries.CHANGE_TEXTS, self._texts)
        self._write_waits()
        self._write_rest()
        told = running.write_signals(self._connection, self._signals) if self._signals else []
        self._end_turns()
        if told:
            told_to = {one.run_id for one, counts in zip(self._signals, told, strict=True) if counts}
            self._jobs.hasten(RUNS, sorted(told_to))

    def _tried(self, run_id: str, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._entries.append(entry_row(run_id, entry))
            if entry.state in PAST:
                self._closed.append((run_id, entry.path))
                self._waits.pop((run_id, entry.path), None)

    def _change(self, run_id: str, change: RunChange) -> None:
        self._changes.append(change_row(run_id, change))
        if change.output is not None or change.answer is not None:
            self._texts.append((change.output, change.answer, run_id))
        if change.state in ENDED:
            self._ended.append(run_id)

    def _settle(self, turn: Turn, end: TurnEnd) -> None:
        lease = turn.lease
        if end.again is None and end.keep_seconds:
            until = self._jobs.now() + round(end.keep_seconds * 1_000_000)
            self._keeps.append((until, lease.queue, lease.id))
            return
        self._held.discard(lease)
        self._ends.append((JobEnd(lease, end.again), turn.run_id, end.signals_seen))

    def _begin_all(self) -> None:
        told = running.write_starts(self._connection, self._jobs, self._starts)
        for beginner, first, beyond in self._beginners:
            beginner.begun = told[first:beyond]

    def _write_waits(self) -> None:
        many = self._connection.executemany
        if self._closed and self._connection.execute(queries.ANY_WAIT).fetchall():
            many(queries.DROP_WAIT, self._closed)
        if self._waits:
            many(queries.PUT_WAIT, list(self._waits.values()))

    def _write_rest(self) -> None:
        for hashes, run_id in self._hashes:
            run_hashes.write(self._connection, hashes, run_id)
        if self._ended:
            self.left = running.close_runs(self._connection, self._ended)
        if self._kept:
            running.write_kept(self._connection, self._kept)
        for outcome in self._outcomes:
            statement = queries.ADD_SUCCESS if outcome.succeeded else queries.ADD_FAILURE
            self._connection.execute(statement, outcome_row(outcome))

    def _end_turns(self) -> None:
        if self._keeps:
            self._connection.executemany(queries.KEEP, self._keeps)
        if self._ends:
            self._jobs.settle([self._job_end(*one) for one in self._ends])

    def _job_end(self, end: JobEnd, run_id: str, seen: int) -> JobEnd:
        """A job that is done again is due at once where a signal came that its turn did not see."""
        again = end.again
        if again is None or not again.delay or not run_id:
            return end
        if not running.has_more_signals(self._connection, run_id, seen):
            return end
        return JobEnd(end.lease, structs.replace(again, delay=0))
