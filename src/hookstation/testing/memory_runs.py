"""Runs of the in-memory twin: how they begin, what they wait for, and how they are found again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs

from hookstation.core.jobs import RUNS, JobState
from hookstation.core.workflows.run_rules import (
    MOST_COUNTED,
    PAST,
    is_begun_by,
    is_under,
    latest_tries,
    listed,
)
from hookstation.core.workflows.values import (
    ENDED,
    Entry,
    Kept,
    Run,
    RunStart,
    RunState,
    Signal,
    Standing,
    Wait,
    WaitKind,
)
from hookstation.ports.runs import LeasedRun, RunFigures, RunFilter, RunPage, WorkflowVersion
from hookstation.testing.memory_jobs import MemoryWork

Owned = dict[str, dict[str, bytes]]
"""Hashes by owner and key."""


class MemoryRuns(MemoryWork):
    """Implements the reading part of `ports.runs.Runs`, starts and signals, on the twin's jobs."""

    def _begin_runs(self) -> None:
        self._runs: dict[str, Run] = {}
        self._entries: dict[str, dict[tuple[str, int], Entry]] = {}
        self._signals: dict[str, dict[str, Signal]] = {}
        self._waits: dict[tuple[str, str], Wait] = {}
        self._values: dict[tuple[str, str], dict[str, str]] = {}
        self._hashes: Owned = {}
        self._pending: dict[str, Owned] = {}
        self._standings: dict[tuple[str, str], Standing] = {}
        self._flows: dict[str, list[WorkflowVersion]] = {}
        self._flow_numbers: dict[str, int] = {}

    async def start_runs(self, starts: Sequence[RunStart]) -> Sequence[bool]:
        """Begin runs."""
        self._check()
        told = self._start(starts)
        self._tell_ready()
        return told

    async def lease_runs(
        self, workflow: str, node_id: str, seconds: float, limit: int, most: int = 0
    ) -> Sequence[LeasedRun]:
        """Lease runs that are due."""
        found = await self.lease(RUNS, node_id, seconds, limit, workflow, most)
        return [
            LeasedRun(
                one,
                self._runs[one.job.id],
                tuple(latest_tries(self._history(one.job.id))),
                tuple(await self.list_signals(one.job.id)),
            )
            for one in found
        ]

    async def get_run(self, run_id: str) -> Run | None:
        """One run."""
        return self._runs.get(run_id)

    async def list_runs(self, which: RunFilter, limit: int, after: str = "") -> RunPage:
        """Runs, newest first."""
        found = [
            run.id for run in self._runs.values() if _passes(run, which) and not (after and run.id >= after)
        ]
        chosen = sorted(found, reverse=True)[:limit]
        items = [listed(self._runs[one]) for one in chosen]
        return RunPage(items, chosen[-1] if chosen and len(found) > limit else "")

    async def list_entries(
        self, run_id: str, limit: int, after: int = 0, *, under: str = "", every: bool = False
    ) -> Sequence[Entry]:
        """Entries in the order of their numbers."""
        kept = self._history(run_id)
        found = kept if every else latest_tries(kept)
        return [one for one in found if one.number > after and (not under or is_under(one.path, under))][
            :limit
        ]

    async def list_signals(self, run_id: str) -> Sequence[Signal]:
        """Signals, oldest first."""
        return sorted(self._signals.get(run_id, {}).values(), key=lambda one: (one.at, one.path))

    async def signal(self, signals: Sequence[Signal]) -> Sequence[bool]:
        """Tell runs what they wait for."""
        self._check()
        told = self._signal(signals)
        self._tell_ready()
        return told

    async def find_wait(self, digest: bytes) -> Wait | None:
        """What waits for a call."""
        return next((one for one in self._waits.values() if one.digest == digest), None)

    async def list_waits(self, person: str = "", run_id: str = "") -> Sequence[Wait]:
        """What waits for somebody."""
        found = (self._waits[place] for place in sorted(self._waits))
        return [
            one
            for one in found
            if person in ("", one.person)
            and run_id in ("", one.run_id)
            and ((run_id and not person) or one.kind is WaitKind.APPROVAL)
        ]

    async def figures_of_runs(self, since: int) -> Sequence[RunFigures]:
        """How many runs are in each state, by workflow."""
        counts: dict[str, dict[RunState, int]] = {}
        for run in self._runs.values():
            if run.state not in ENDED or run.ended_at >= since:
                of = counts.setdefault(run.workflow, {})
                most = self._most_counted(run.state)
                of[run.state] = min(of.get(run.state, 0) + 1, most)
        return [RunFigures(name, counts[name]) for name in sorted(counts)]

    async def prune_runs(self, before: int, limit: int) -> int:
        """Forget runs that ended long ago."""
        self._check()
        old = [run for run in self._runs.values() if run.state in ENDED and run.ended_at < before]
        going = sorted(old, key=lambda run: (run.ended_at, run.id))[:limit]
        for run in going:
            del self._runs[run.id]
            self._entries.pop(run.id, None)
            self._signals.pop(run.id, None)
        for name in {run.workflow for run in going}:
            self._tidy_versions(name)
        return len(going)

    async def known_hashes(self, owner: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Hashes that count."""
        known = self._hashes.get(owner, {})
        return {key: known[key] for key in keys if key in known}

    async def forget_hashes(self, owner: str, limit: int) -> int:
        """Forget hashes of an owner."""
        self._check()
        known = self._hashes.get(owner, {})
        going = sorted(known)[:limit]
        for key in going:
            del known[key]
        return len(going)

    async def get_kept(self, kind: str, name: str) -> Mapping[str, str]:
        """What one thing keeps."""
        return dict(self._values.get((kind, name), {}))

    async def keep(self, kept: Sequence[Kept]) -> None:
        """Keep values."""
        self._check()
        self._keep_values(kept)

    async def standings(self, kind: str) -> Mapping[str, Standing]:
        """How the things of a kind stand."""
        return {name: one for (of, name), one in sorted(self._standings.items()) if of == kind}

    async def save_standing(self, standing: Standing) -> None:
        """Keep how a thing stands."""
        self._check()
        self._standings[standing.kind, standing.name] = standing

    async def workflow_version(self, name: str, number: int = 0) -> WorkflowVersion | None:
        """One version, 0: the newest."""
        found = [one for one in self._flows.get(name, []) if number in (0, one.number)]
        return found[-1] if found else None

    async def list_workflow_versions(
        self, name: str, limit: int, before: int = 0
    ) -> Sequence[WorkflowVersion]:
        """Versions, newest first."""
        found = [one for one in reversed(self._flows.get(name, [])) if not before or one.number < before]
        return [_without_document(one) for one in found[:limit]]

    # --- for the journal, what goes out, and turns; who asks tells the hints when all is done

    def _start(self, starts: Iterable[RunStart]) -> list[bool]:
        """Begin those that are not there."""
        told = []
        for start in starts:
            told.append(start.run.id not in self._runs)
            if told[-1]:
                self._runs[start.run.id] = start.run
                self._write_entries(start.run.id, start.entries)
                self._keep(start.job, self._now())
        return told

    def _signal(self, signals: Iterable[Signal]) -> list[bool]:
        """Keep the first signal of each path of runs that have not ended."""
        return [self._signal_one(one) for one in signals]

    def _write_entries(self, run_id: str, entries: Iterable[Entry]) -> None:
        """Put entries in the place of those with their path and attempt."""
        kept = self._entries.setdefault(run_id, {})
        for entry in entries:
            place = (entry.path, entry.attempt)
            number = kept[place].number if place in kept else len(kept) + 1
            kept[place] = structs.replace(entry, number=number)
            if entry.state in PAST:
                self._waits.pop((run_id, entry.path), None)

    def _keep_values(self, kept: Iterable[Kept]) -> None:
        """Keep values, or remove those whose text is empty."""
        for one in kept:
            values = self._values.setdefault((one.kind, one.name), {})
            if one.value:
                values[one.key] = one.value
            else:
                values.pop(one.key, None)

    def _drop_waits(self, run_id: str) -> None:
        """A run waits for nobody any more."""
        self._waits = {place: one for place, one in self._waits.items() if place[0] != run_id}

    def _tidy_versions(self, workflow: str) -> None:
        """Forget the versions of a workflow that is not configured and has no run."""
        if not self._is_configured(workflow) and all(run.workflow != workflow for run in self._runs.values()):
            self._flows.pop(workflow, None)

    def _is_configured(self, workflow: str) -> bool:
        """Whether there is a workflow of this name now."""
        raise NotImplementedError

    # --- inside

    def _history(self, run_id: str) -> list[Entry]:
        return list(self._entries.get(run_id, {}).values())

    def _most_counted(self, state: RunState) -> int:
        return len(self._runs) if state in ENDED else MOST_COUNTED

    def _signal_one(self, signal: Signal) -> bool:
        run, kept = self._runs.get(signal.run_id), self._signals.setdefault(signal.run_id, {})
        if run is None or run.state in ENDED or signal.path in kept:
            return False
        kept[signal.path] = signal
        self._waits.pop((signal.run_id, signal.path), None)
        job = self._jobs.get((RUNS, signal.run_id))
        if job is not None and job.state is not JobState.LEASED:
            job.due_at = min(job.due_at, self._now())
            self._note_ready(job)
        return True


def _passes(run: Run, which: RunFilter) -> bool:
    """Whether a run is one of these."""
    asked = (
        (which.workflow, run.workflow),
        (which.parent, run.parent),
        (which.source, run.source),
    )
    return (
        all(wanted in ("", told) for wanted, told in asked)
        and (not which.states or run.state in which.states)
        and is_begun_by(run, which.trigger)
        and which.since <= run.created_at
        and (not which.until or run.created_at < which.until)
    )


def _without_document(one: WorkflowVersion) -> WorkflowVersion:
    return WorkflowVersion(one.name, one.number, one.at, one.by, one.note)
