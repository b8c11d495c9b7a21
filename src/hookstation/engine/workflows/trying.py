"""A workflow tried on sample data: what each step would get and put out. Nothing outside is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from hookstation.core.jsontext import dump_json
from hookstation.core.template import MISSING
from hookstation.core.values import JSON
from hookstation.core.workflows.compiled import CompiledStep, CompiledWorkflow
from hookstation.core.workflows.decide import decide
from hookstation.core.workflows.decisions import Command
from hookstation.core.workflows.history import History
from hookstation.core.workflows.scope import RunScope
from hookstation.core.workflows.values import Entry, EntryState, Run, RunState
from hookstation.engine.workflows.entries import done_entry, failed_entry, failure_of, input_of
from hookstation.engine.workflows.tasks import Done, Failed, Outside, Rows, StepRunner, Task, Way, no_rows
from hookstation.engine.workflows.texts import read_text
from hookstation.errors import ActionFailed, HookstationError, MappingFailed, NotFound

MOST_TRIED: Final = 2_000
"""Steps that one dry run shows; a loop over more is cut there, which its last line says."""

TRIAL: Final = "dry-run"
CUT: Final = f"The dry run ends here: it shows {MOST_TRIED} steps. Give it less sample data."


@dataclass(frozen=True, slots=True)
class Tried:
    """One step of a dry run. `state` as `EntryState`, empty for the run's own end; `sample`: the output is made up."""

    path: str
    type: str
    state: str
    input: JSON = None
    output: JSON = None
    error: str = ""
    sample: bool = False


class DryRuns:
    """Tries workflows and steps, with the objects that real runs use."""

    def __init__(self, runners: Mapping[str, StepRunner]) -> None:
        self._runners = runners

    def dry_run(
        self, plan: CompiledWorkflow, input_: JSON, samples: Mapping[str, JSON], now: int
    ) -> list[Tried]:
        """Every step in its order, then how the run would end.

        `samples`: what steps put out that would have to ask or change something, by step; their type's sample stands
        for those that are not named.
        """
        run = Run(
            TRIAL, plan.workflow.name, 0, RunState.RUNNING, "manual:dry run", now, dump_json(input_),
            started_at=now,
        )  # fmt: skip
        history = History(plan, run)
        tried: list[Tried] = []
        decision = decide(plan, history, now)
        while True:
            tried += [_shown(entry, plan) for entry in decision.entries]
            if decision.end is not None:
                end = decision.end
                return [*tried, Tried("", "", end.state.value, None, read_text(end.output), end.error)]
            if len(tried) >= MOST_TRIED or not decision.commands:
                return [*tried, Tried("", "", "", error=CUT)]
            for command in decision.commands:
                tried.append(self._one(history, run, command, samples, now))
            decision = decide(plan, history, now)

    async def try_step(
        self, plan: CompiledWorkflow, name: str, names: Mapping[str, JSON], now: int, *, really: bool = False
    ) -> Tried:
        """One step on sample data. `names`: what stands at the root of its templates.

        `really`: it calls the other system, with whatever effect that has; what belongs into our own database is
        written by runs alone, so that its sample stands for it.  Raises `NotFound` for the step.
        """
        step = plan.by_name.get(name)
        if step is None:
            raise NotFound("step", name)
        given: dict[str, JSON] = {"trigger": None, "steps": {}, "vars": {}, "run": {"id": TRIAL}, **names}
        run = Run(TRIAL, plan.workflow.name, 0, RunState.RUNNING, "manual:trial", now, started_at=now)
        way, settings = self._way(run, step, step.name, RunScope(given, given["trigger"], now), now)
        if really and isinstance(way, Outside):
            way = await _called(way)
        return _tried(step, step.name, way, settings, {})

    def _one(
        self, history: History, run: Run, command: Command, samples: Mapping[str, JSON], now: int
    ) -> Tried:
        way, settings = self._way(run, command.step, command.path, command.scope, now)
        tried = _tried(command.step, command.path, way, settings, samples)
        if isinstance(way, Failed):
            entry = structs.replace(failed_entry(command, way, "", now, now), due_at=0)
        else:
            entry = done_entry(command, Done(tried.output), "", now, now)
        history.add(entry, tried.output if entry.state is EntryState.DONE else MISSING)
        return tried

    def _way(
        self, run: Run, step: CompiledStep, path: str, scope: RunScope, now: int
    ) -> tuple[Way, dict[str, JSON]]:
        settings: dict[str, JSON] = {}
        runner = self._runners.get(step.type)
        try:
            settings = step.fill(scope)
            if runner is None:
                return Done(step.spec.sample), settings
            rows: Rows = step.per_row(scope) if step.row_templates else no_rows
            return runner.begin(Task(run, step.step, path, 1, settings, now, rows)), settings
        except (ActionFailed, MappingFailed) as refused:
            return failure_of(refused), settings


async def _called(way: Outside) -> Way:
    try:
        return await way.call()
    except (ActionFailed, MappingFailed) as refused:
        return failure_of(refused)
    except HookstationError as refused:
        return Failed(refused.message)


def _tried(
    step: CompiledStep, path: str, way: Way, settings: dict[str, JSON], samples: Mapping[str, JSON]
) -> Tried:
    shown = read_text(input_of(step, settings))
    match way:
        case Done():
            return Tried(path, step.type, EntryState.DONE.value, shown, way.output)
        case Failed():
            return Tried(path, step.type, EntryState.FAILED.value, shown, way.output, way.error)
    output = samples.get(step.name, step.spec.sample)
    return Tried(path, step.type, EntryState.DONE.value, shown, output, sample=True)


def _shown(entry: Entry, plan: CompiledWorkflow) -> Tried:
    step = plan.by_name.get(entry.path.rpartition("/")[2])
    return Tried(
        entry.path,
        "" if step is None else step.type,
        entry.state.value,
        None,
        read_text(entry.output),
        entry.error,
    )
