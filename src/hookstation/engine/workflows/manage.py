"""Workflows as people ask for them: run, tried, their versions, and what is wrong with a document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from hookstation.core.differences import Difference, differences
from hookstation.core.documents.steps import decode_steps
from hookstation.core.documents.workflow import decode_workflow
from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.compiled import CompiledWorkflow, compile_workflow
from hookstation.core.workflows.definitions import Workflow
from hookstation.core.workflows.values import Run
from hookstation.engine.workflows.ended import Ended
from hookstation.engine.workflows.plans import Live
from hookstation.engine.workflows.start import Origin, Starting
from hookstation.engine.workflows.trying import DryRuns, Tried
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.runs import WorkflowVersion
from hookstation.ports.store import Store

LONGEST_WAIT: Final = 60.0
"""Seconds that a person may wait for a run that is begun by hand."""

Save: TypeAlias = Callable[[JSON, str, str], Awaitable[None]]
"""Puts a workflow's document live, by whom and with which note. Raises `Invalid`, `Conflict`."""


class Workflows:
    """What people do with workflows."""

    def __init__(
        self,
        store: Store,
        live: Live,
        starting: Starting,
        ended: Ended,
        trials: DryRuns,
        clock: Clock,
        event_log: EventLog,
        save: Save,
    ) -> None:
        self._store, self._live, self._starting, self._ended = store, live, starting, ended
        self._trials, self._clock, self._event_log, self._save = trials, clock, event_log, save

    async def run(self, name: str, input_: JSON, who: str, *, wait: float = 0.0) -> Run:
        """Begin a run by hand; after at most `wait` seconds, how it stands.

        Raises `NotFound`, `Conflict` where it is not active, `Invalid`, `MappingFailed`.
        """
        start = self._starting.begin(name, input_, Origin(f"manual:{who}"))
        await self._store.start_runs([start])
        self._event_log.write("run_begun", run_id=start.run.id, workflow=name, by=who)
        if wait <= 0:
            return start.run
        await self._ended.wait(start.run.id, min(wait, LONGEST_WAIT))
        return await self._store.get_run(start.run.id) or start.run

    def dry_run(
        self, workflow: str | JSON, input_: JSON, samples: Mapping[str, JSON] | None = None
    ) -> list[Tried]:
        """What each step would get and put out. `workflow`: a name or a document. Raises `NotFound`, `Invalid`."""
        compiled = self._compiled(workflow)
        kept = {**compiled.workflow.samples, **(samples or {})}
        return self._trials.dry_run(compiled, input_, kept, self._clock.now())

    async def try_step(
        self,
        workflow: str | JSON,
        step: str,
        who: str,
        scope: Mapping[str, JSON],
        *,
        really: bool = False,
    ) -> Tried:
        """One step on sample data; see `trying.DryRuns.try_step`. Raises `NotFound`, `Invalid`."""
        if really:
            self._event_log.write("step_tried", step=step, by=who)
        compiled = self._compiled(workflow)
        return await self._trials.try_step(compiled, step, scope, self._clock.now(), really=really)

    async def try_alone(
        self, step: JSON, who: str, scope: Mapping[str, JSON], *, really: bool = False
    ) -> Tried:
        """The same for the document of a step, whatever else is wrong with the workflow that it is for.

        Raises `Invalid`, paths beginning at the step.
        """
        steps, problems = decode_steps([step])
        if problems:
            raise Invalid([replace(one, path=one.path[1:]) for one in problems])
        name = steps[0].name
        if really:
            self._event_log.write("step_tried", step=name, by=who)
        compiled = compile_workflow(Workflow("trial", (replace(steps[0], enabled=True),)), SPECS)
        return await self._trials.try_step(compiled, name, scope, self._clock.now(), really=really)

    def check(self, document: JSON) -> list[Problem]:
        """Everything that is wrong with a document by itself; what it names is looked for when it is saved."""
        return decode_workflow(document)[1]

    async def versions(self, name: str, limit: int = 100, before: int = 0) -> Sequence[WorkflowVersion]:
        """The saved definitions, the newest first."""
        return await self._store.list_workflow_versions(name, limit, before)

    async def version(self, name: str, number: int) -> WorkflowVersion:
        """One saved definition with its document. Raises `NotFound`."""
        found = await self._store.workflow_version(name, number)
        if found is None:
            raise NotFound("version", f"{name} {number}")
        return found

    async def difference(self, name: str, one: int, other: int) -> list[Difference]:
        """What changed from one version to another. Raises `NotFound`."""
        first, second = await self.version(name, one), await self.version(name, other)
        return list(differences(_document(first), _document(second)))

    async def roll_back(self, name: str, number: int, who: str) -> None:
        """Put an older definition live again, as a new version. Raises `NotFound`, `Invalid`, `Conflict`."""
        version = await self.version(name, number)
        await self._save(_document(version), who, f"Version {number} again")

    def _compiled(self, workflow: str | JSON) -> CompiledWorkflow:
        if isinstance(workflow, str):
            live = self._live.workflows.get(workflow)
            if live is None:
                raise NotFound("workflow", workflow)
            return compile_workflow(live, SPECS)
        decoded, problems = decode_workflow(workflow)
        if decoded is None:
            raise Invalid(problems)
        return compile_workflow(decoded, SPECS)


def _document(version: WorkflowVersion) -> JSON:
    return parse_json(version.document.encode(), depth=128, members=1_000_000).value
