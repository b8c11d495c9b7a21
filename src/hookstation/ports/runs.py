"""Runs of workflows, and the turns in which leased work says what it did.

A driver passes `hookstation.testing.run_suite`, which is part of the store's own suite.  All methods may raise
`StoreUnavailable`, in which case nothing of what was asked has been written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from hookstation.core.jobs import Job, Lease, Leased
from hookstation.core.outgoing.values import Emission
from hookstation.core.records import Effect, EffectResult
from hookstation.core.workflows.values import (
    Entry,
    EventEnd,
    Hashes,
    Kept,
    Outcome,
    Run,
    RunChange,
    RunStart,
    RunState,
    Signal,
    Standing,
    Wait,
)

if TYPE_CHECKING:
    from hookstation.ports.store import Acceptance, Committed


class LeasedRun(msgspec.Struct, frozen=True):
    """A run that is to go on now, with the lease, its whole history (the latest try of each path) and its signals."""

    leased: Leased
    run: Run
    entries: tuple[Entry, ...] = ()
    signals: tuple[Signal, ...] = ()


@dataclass(slots=True)
class TurnEnd:
    """What is written at the end of a turn, all of it in one transaction.

    `again`: the job is to be done once more, as it is said there, by whoever leases it; ``None``: it goes, unless
    `keep_seconds` is not 0: then the lease goes on for so many seconds from now, under the same token.  `signals_seen`:
    where `again` is given and the run has more signals than these, the job is due at once.
    `entries` take the place of those with their path and attempt.  `run`: how the run stands.  `event`: the event in
    the journal that ends with it, written only where it is still open; its mark follows as `Acceptance` says.
    `starts`: runs that begin (one whose id is there already is left alone).  `signals`: to other runs, whose jobs are
    due at once where they wait.  `waits`: what steps wait for from now on; those of a path with an entry that is at its
    end go, and all of a run that ended go.  `accepts`: events that came in; each is written as `Journal.accept` would
    alone, one after the other, and a `conflict` of one keeps none of the others.  `hashes` of a run that is not at its
    end are pending; they count when a `RunChange` says that it succeeded, and are forgotten when it says that it failed
    or was cancelled; those of a turn without a run count at once.  `outcomes` move a `Standing`: success sets its
    failures to 0.
    """

    entries: tuple[Entry, ...] = ()
    run: RunChange | None = None
    again: Job | None = None
    keep_seconds: float = 0.0
    signals_seen: int = 0
    event: EventEnd | None = None
    starts: tuple[RunStart, ...] = ()
    signals: tuple[Signal, ...] = ()
    waits: tuple[Wait, ...] = ()
    emissions: tuple[Emission, ...] = ()
    accepts: tuple[Acceptance, ...] = ()
    kept: tuple[Kept, ...] = ()
    hashes: Hashes | None = None
    outcomes: tuple[Outcome, ...] = ()


@dataclass(slots=True)
class Turn:
    """Work under a lease has come so far. Written only while the job is held under it; else nothing is.

    `run_id`: the run that this is a turn of, empty for a schedule's or a poll's; the record that `effect` writes names
    it as its event.  `end` is called inside the transaction with the result of `effect` (``None`` where there is none);
    it must be pure and quick, and it may be called again where the transaction is tried again.
    """

    lease: Lease
    end: Callable[[EffectResult | None], TurnEnd]
    run_id: str = ""
    effect: Effect | None = None


@dataclass(slots=True)
class Turned:
    """What a turn did. `held`: the lease stood, and everything is written. `accepted`: of `TurnEnd.accepts`, in order.

    `begun`: of `TurnEnd.starts`, whether each did.
    """

    held: bool
    end: TurnEnd | None = None
    effect: EffectResult | None = None
    accepted: Sequence[Committed] = ()
    begun: Sequence[bool] = ()


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list; empty fields do not filter.

    `trigger`: what began them (``schedule:nightly``), or of which kind that is (``schedule:``, with its colon).
    `since`/`until`: microseconds since the epoch, of `created_at`.
    """

    workflow: str = ""
    states: frozenset[RunState] = frozenset()
    trigger: str = ""
    parent: str = ""
    source: str = ""
    since: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of runs, newest first, without `input`, `facts` and `output`. `next` as `ports.store.Page`."""

    items: Sequence[Run]
    next: str = ""


@dataclass(frozen=True, slots=True)
class WorkflowVersion:
    """A saved definition. `document`: JSON text, empty in lists."""

    name: str
    number: int
    at: int
    by: str
    note: str
    document: str = ""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Runs of a workflow by state: open ones all, counted up to 10,000 each, ended ones those since a moment."""

    workflow: str
    states: Mapping[RunState, int] = field(default_factory=dict)


class Runs(Protocol):
    """Runs, their history, and all that takes turns under a lease."""

    async def start_runs(self, starts: Sequence[RunStart]) -> Sequence[bool]:
        """Write these in one transaction; false for each whose id is there already, which is left alone."""
        ...

    async def lease_runs(
        self, workflow: str, node_id: str, seconds: float, limit: int, most: int = 0
    ) -> Sequence[LeasedRun]:
        """`Jobs.lease` in the workflow's lane of the queue `RUNS`, with all that a turn needs."""
        ...

    def turn(self, turn: Turn) -> asyncio.Future[Turned]:
        """Write the end of a turn with whatever else waits to be committed; done after the commit that holds it.

        Where the effect, `end` or one of `accepts` raises, nothing of this turn is written and the future has the
        error.  Whoever observes the journal hears of `accepts`, and of `event` as a `Finish`.
        """
        ...

    async def get_run(self, run_id: str) -> Run | None:
        """One run."""
        ...

    async def list_runs(self, which: RunFilter, limit: int, after: str = "") -> RunPage:
        """Runs newest first, keyset paged by id, before the id `after`."""
        ...

    async def list_entries(
        self, run_id: str, limit: int, after: int = 0, *, under: str = "", every: bool = False
    ) -> Sequence[Entry]:
        """Entries in the order of `number`, after this one: the latest try of each path, or with `every` all tries.

        `under`: only that path and what lies below it.
        """
        ...

    async def list_signals(self, run_id: str) -> Sequence[Signal]:
        """Everything that came for a run, the oldest first."""
        ...

    async def signal(self, signals: Sequence[Signal]) -> Sequence[bool]:
        """Tell runs what they wait for, and make them due; false where the path has its signal, or the run has ended.

        The path's `Wait` goes with it: a one-time token is good once.
        """
        ...

    async def find_wait(self, digest: bytes) -> Wait | None:
        """What waits for the call with this token."""
        ...

    async def list_waits(self, person: str = "", run_id: str = "") -> Sequence[Wait]:
        """What waits for a person's decision (empty: anybody's), or for anything in one run; the oldest run first.

        Of one run in the order of the paths.
        """
        ...

    async def cancel_runs(self, ids: Sequence[str], at: int, why: str) -> Sequence[str]:
        """End those that are not at their end, whoever holds them, with their waits and children; the ids that were.

        These are the children's ids too.  A run that goes on and waits for one of them is told with it, as
        `run_rules.child_told` says, and is due at once.  A journal's event that such a run would have ended is failed
        with `why`, answer status 500, reason ``cancelled``.
        """
        ...

    async def figures_of_runs(self, since: int) -> Sequence[RunFigures]:
        """Of every workflow that has any."""
        ...

    async def prune_runs(self, before: int, limit: int) -> int:
        """Delete at most `limit` runs that ended before, the first ones first, with their history.

        Returns how many went.
        """
        ...

    async def known_hashes(self, owner: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The hashes that count, of those of these keys that have one."""
        ...

    async def forget_hashes(self, owner: str, limit: int) -> int:
        """Delete at most so many hashes of an owner; returns how many went."""
        ...

    async def get_kept(self, kind: str, name: str) -> Mapping[str, str]:
        """Everything that one thing keeps, by key."""
        ...

    async def keep(self, kept: Sequence[Kept]) -> None:
        """Keep these, outside any turn."""
        ...

    async def standings(self, kind: str) -> Mapping[str, Standing]:
        """How the things of a kind stand, by name; one that never ended anything is left out."""
        ...

    async def save_standing(self, standing: Standing) -> None:
        """A person switched it on again, or a turn of it found that it has to be off."""
        ...

    async def workflow_version(self, name: str, number: int = 0) -> WorkflowVersion | None:
        """One saved definition with its document, 0: the newest."""
        ...

    async def list_workflow_versions(
        self, name: str, limit: int, before: int = 0
    ) -> Sequence[WorkflowVersion]:
        """The newest first, before the number `before`."""
        ...
