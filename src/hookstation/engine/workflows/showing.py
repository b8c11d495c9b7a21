"""Runs as pages, API and commands show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from hookstation.core.workflows.definitions import Workflow
from hookstation.core.workflows.run_rules import left
from hookstation.core.workflows.values import Entry, EntryState, Run, RunState, Signal, Wait
from hookstation.engine.workflows.plans import Plans
from hookstation.engine.workflows.texts import shown_output
from hookstation.errors import Invalid, NotFound
from hookstation.ports.store import Store

OPEN: Final = frozenset({EntryState.WAITING, EntryState.STARTED, EntryState.FAILED})
MOST_SHOWN: Final = 1_000
"""Entries that are shown with a run; the others are asked for page by page."""


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run with the beginning of its history, the latest try of each step.

    `workflow`: the definition that it keeps, ``None`` where that cannot be read any more.  `next`: the `after` of the
    following entries, 0 at the end.
    """

    run: Run
    workflow: Workflow | None
    entries: Sequence[Entry] = ()
    signals: Sequence[Signal] = ()
    waits: Sequence[Wait] = ()
    next: int = 0


@dataclass(frozen=True, slots=True)
class Steps:
    """A page of a run's history. `next`: the `after` of the following one, 0 at the end."""

    items: Sequence[Entry] = field(default_factory=tuple)
    next: int = 0


class ShowRuns:
    """Shows runs."""

    def __init__(self, store: Store, plans: Plans) -> None:
        self._store, self._plans = store, plans

    async def show(self, run_id: str) -> ShownRun:
        """One run. Raises `NotFound`."""
        run = await self._store.get_run(run_id)
        if run is None:
            raise NotFound("run", run_id)
        page = await self.steps(run_id, 0, MOST_SHOWN)
        return ShownRun(
            run,
            await self._workflow(run),
            page.items,
            await self._store.list_signals(run_id),
            await self._store.list_waits(run_id=run_id),
            page.next,
        )

    async def steps(
        self, run_id: str, after: int = 0, limit: int = MOST_SHOWN, *, under: str = "", every: bool = False
    ) -> Steps:
        """Entries in the order in which they were written, with secrets in what they put out masked.

        See `ports.runs.Runs.list_entries`.  Of a run that a person cancelled they stand as they were left.
        """
        found = await self._store.list_entries(run_id, limit, after, under=under, every=every)
        shown = [structs.replace(one, output=shown_output(one.output)) for one in found]
        if any(one.state in OPEN for one in shown):
            run = await self._store.get_run(run_id)
            shown = [one if run is None else _left(one, run) for one in shown]
        return Steps(shown, found[-1].number if len(found) == limit else 0)

    async def _workflow(self, run: Run) -> Workflow | None:
        try:
            return (await self._plans.get(run)).compiled.workflow
        except (Invalid, NotFound):
            return None


def _left(entry: Entry, run: Run) -> Entry:
    """Who cancels a run writes no entries."""
    return entry if run.state is not RunState.CANCELLED else left(entry, run.ended_at) or entry
