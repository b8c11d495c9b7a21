"""Runs that are done once more: whole, with another input, or from where they failed; and runs that are ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import structs

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.core.workflows.compiled import CompiledStep
from hookstation.core.workflows.paths import name_at
from hookstation.core.workflows.run_rules import cancelled
from hookstation.core.workflows.values import (
    ENDED,
    Entry,
    EntryState,
    Run,
    RunStart,
    RunState,
    run_job,
)
from hookstation.engine.workflows.ended import Ended
from hookstation.engine.workflows.plans import Plans
from hookstation.engine.workflows.start import Origin, Starting
from hookstation.engine.workflows.texts import read_text, sent_back
from hookstation.errors import Conflict, NotFound
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

ALL: Final = 100_000
"""Entries that a run may have."""

NOT_ENDED: Final = "The run is {state}. Cancel it first, or wait for its end."
NOTHING_FAILED: Final = "The run has succeeded, so no step of it failed. Do it again as a whole."
CANCELLED: Final = "Cancelled by {who}."
HAS_ENDED: Final = "The run has ended already ({state}); there is nothing to cancel."

DUE: Final = 1
"""A moment that has come."""

_FIRST: Final = re.compile(r"[^/\[]+")
_SAYS_AGAIN: Final = frozenset({"stop", "gate"})
"""Types whose entries say how the run goes on: they are asked anew."""


class RunAgain:
    """Begins runs anew, and ends them."""

    def __init__(
        self,
        store: Store,
        plans: Plans,
        starting: Starting,
        ended: Ended,
        clock: Clock,
        identifiers: Identifiers,
        event_log: EventLog,
        broken_off: Callable[[str], None],
    ) -> None:
        self._store, self._plans, self._starting, self._ended = store, plans, starting, ended
        self._clock, self._identifiers, self._event_log = clock, identifiers, event_log
        self._broken_off = broken_off

    async def again(self, run_id: str, who: str, *, whole: bool = True, text: str | None = None) -> Run:
        """A new run of what a run did; not `whole`: from the step where it ended.

        `text`: JSON text of another input; what is masked in it, as the run was shown, stays what it was.
        A whole run is of the workflow as it is now, one from a step of the version that it goes on with.  Raises
        `NotFound`, `Conflict`, `Invalid`, `MappingFailed`.
        """
        run = await self._get(run_id)
        if run.state not in ENDED:
            raise Conflict(NOT_ENDED.format(state=run.state.value))
        start = await self._from_step(run, who) if not whole and text is None else self._whole(run, who, text)
        await self._store.start_runs([start])
        self._event_log.write(
            "run_begun_again", run_id=start.run.id, source=run.id, workflow=run.workflow, by=who, whole=whole
        )
        return start.run

    async def cancel(self, run_id: str, who: str) -> Run:
        """End a run, whoever does it, with all runs that it waits for. Raises `NotFound`, `Conflict`."""
        run = await self._get(run_id)
        if run.state in ENDED:
            raise Conflict(HAS_ENDED.format(state=run.state.value))
        now, why = self._clock.now(), CANCELLED.format(who=who)
        ids = await self._store.cancel_runs([run.id], now, why)
        if run.id not in ids:
            raise Conflict("The run ended at this very moment. Look at it again.")
        for one in ids:
            self._broken_off(one)
        stands = cancelled(run, now, why)
        self._ended.tell(stands)
        self._event_log.write(
            "run_cancelled", run_id=run.id, workflow=run.workflow, event_id=run.event_id, by=who
        )
        return stands

    def _whole(self, run: Run, who: str, text: str | None) -> RunStart:
        written = run.input if text is None else sent_back(text, run.input)
        origin = _origin(run, who)
        return self._starting.begin(run.workflow, read_text(written), origin, written)

    async def _from_step(self, run: Run, who: str) -> RunStart:
        if run.state is RunState.SUCCEEDED:
            raise Conflict(NOTHING_FAILED)
        self._starting.active(run.workflow)
        plan = await self._plans.get(run)
        entries = await self._store.list_entries(run.id, ALL)
        new = Run(
            self._identifiers.run_id(),
            run.workflow,
            run.version,
            RunState.QUEUED,
            f"manual:{who}",
            self._clock.now(),
            run.input,
            dump_json(read_text(run.facts)),
            run.key,
            source=run.id,
            hops=run.hops,
        )
        kept = kept_entries(plan.compiled.steps, entries)
        return RunStart(new, run_job(new), tuple(structs.replace(one, number=0) for one in kept))

    async def _get(self, run_id: str) -> Run:
        run = await self._store.get_run(run_id)
        if run is None:
            raise NotFound("run", run_id)
        return run


def kept_entries(steps: Sequence[CompiledStep], entries: Sequence[Entry]) -> list[Entry]:
    """What stays done in a run that goes on at the step where another one ended.

    Everything of the steps before it, and, where that step holds others, what was done within it.  Long work that
    failed goes on from where it came to, whatever was done after that.
    """
    goes_on = {step.name for step in steps if step.spec.goes_on}
    for entry in entries:
        if entry.path in goes_on and entry.state is EntryState.FAILED:
            return [structs.replace(entry, due_at=DUE)]
    order = {step.name: number for number, step in enumerate(steps)}
    places = [order.get(_outermost(entry.path), -1) for entry in entries]
    last = max(places, default=-1)
    types = {one.name: one for step in steps for one in _with_inner(step)}
    return [
        entry
        for entry, place in zip(entries, places, strict=True)
        if 0 <= place < last or (place == last and _stays(entry, types))
    ]


def _stays(entry: Entry, types: dict[str, CompiledStep]) -> bool:
    step = types.get(name_at(entry.path).partition("[")[0])
    if step is None or entry.state is not EntryState.DONE:
        return False
    return not (step.spec.holds_steps or step.type in _SAYS_AGAIN)


def _with_inner(step: CompiledStep) -> list[CompiledStep]:
    return [step, *(one for block in step.blocks.values() for inner in block for one in _with_inner(inner))]


def _outermost(path: str) -> str:
    found = _FIRST.match(path)
    return found[0] if found else path


def _origin(run: Run, who: str) -> Origin:
    facts = read_text(run.facts)
    return Origin(f"manual:{who}", facts if isinstance(facts, dict) else {}, hops=run.hops, source=run.id)


def edited(input_: JSON) -> str:
    """Another input, as `RunAgain.again` takes it."""
    return dump_json(input_)
