"""Templates and conditions tried on what a run has: what a step would read that stood behind all that have ended.

They read what people may see of the run, secrets masked, so that nobody reads with a template what no page shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from hookstation.core.condition import compile_condition
from hookstation.core.outgoing.trees import compile_tree
from hookstation.core.template import MISSING
from hookstation.core.values import JSON
from hookstation.core.workflows.decide import decide
from hookstation.core.workflows.history import History
from hookstation.core.workflows.scope import RunScope, compile_run_template
from hookstation.core.workflows.values import Entry, Run
from hookstation.engine.workflows.plans import Plan, Plans, put_record
from hookstation.engine.workflows.texts import read_text, shown_output, shown_run
from hookstation.errors import MappingFailed, NotFound
from hookstation.ports.clock import Clock
from hookstation.ports.store import Store

ALL: Final = 100_000
"""Entries that a run may have."""


@dataclass(frozen=True, slots=True)
class Given:
    """What an expression gives. `missing`: the only property that it reads is not there; `error`: why it fails."""

    value: JSON = None
    missing: bool = False
    error: str = ""


class Expressions:
    """Tries expressions on runs, whether these have ended or not."""

    def __init__(self, store: Store, plans: Plans, clock: Clock) -> None:
        self._store, self._plans, self._clock = store, plans, clock

    async def template(self, run_id: str, source: JSON) -> Given:
        """What a template gives, or a tree of them. Raises `NotFound`, and `Invalid` where it cannot be read."""
        make = compile_tree(source, compile_run_template)
        scope = await self._scope(run_id)
        try:
            value = make(scope)
        except MappingFailed as failed:
            return Given(error=failed.message)
        return Given(missing=True) if value is MISSING else Given(value)

    async def condition(self, run_id: str, source: str) -> Given:
        """Whether a condition holds. Raises `NotFound`, and `Invalid` where it cannot be read."""
        condition = compile_condition(source)
        scope = await self._scope(run_id)
        return Given(condition.holds(scope.behind, scope.names))

    async def _scope(self, run_id: str) -> RunScope:
        run = await self._store.get_run(run_id)
        if run is None:
            raise NotFound("run", run_id)
        plan = await self._plans.get(run)
        entries = await self._store.list_entries(run_id, ALL)
        return await asyncio.to_thread(_scope_of, plan, run, entries, self._clock.now())


def _scope_of(plan: Plan, run: Run, entries: Iterable[Entry], now: int) -> RunScope:
    """What the run's own line of steps has seen so far."""
    shown = [structs.replace(one, output=shown_output(one.output)) for one in entries]
    history = History(plan.compiled, shown_run(run), shown)
    if plan.fetches:
        for entry in shown:
            put_record(history, entry, read_text(entry.output))
    decide(plan.compiled, history, now)
    return history.root.frame.scope()
