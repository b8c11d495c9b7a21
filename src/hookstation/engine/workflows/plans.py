"""Workflows made ready for their runs: each version is compiled once, and a run goes on with the one it began with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from hookstation.core.definitions import Retry
from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.compiled import CompiledWorkflow, compile_workflow
from hookstation.core.workflows.definitions import Step, TriggerKind, Workflow
from hookstation.core.workflows.history import History
from hookstation.core.workflows.values import Entry, EntryState, Run
from hookstation.engine.workflows.calls import plan_calls
from hookstation.engine.workflows.texts import read_text
from hookstation.errors import NotFound
from hookstation.ports.runs import WorkflowVersion

KEPT: Final = "transfer"
"""The fact of a transfer's run that holds the transfer as it was when the run began."""

PATIENT: Final = Retry(attempts=5)
"""How often the record of a change is asked for."""

MOST_PLANS: Final = 2_000
"""Versions that are kept compiled; the one that was longest not asked for goes first."""

TRANSFER: Final = "transfer:"
"""What the workflow of a transfer's run is named with."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow, ready. `calls`: as `calls.plan_calls` finds them; `fetches`: it begins with `FETCH`."""

    compiled: CompiledWorkflow
    calls: Sequence[tuple[str, str]] = ()
    fetches: bool = False


FETCH: Final = "fetch-the-changed-record"
"""The step with which a run begins that has the full record of a change: its answer is ``trigger.record``."""


def put_record(history: History, entry: Entry, answer: JSON) -> None:
    """The full record of a change belongs to what triggered the run. `entry`: any of it; `answer`: what it put out."""
    trigger = history.root.frame.trigger
    done = entry.path == FETCH and entry.state is EntryState.DONE
    if done and isinstance(trigger, dict) and isinstance(answer, dict):
        trigger["record"] = answer.get("body")


def _fetch(workflow: Workflow) -> Step:
    settings: dict[str, JSON] = {
        "connection": workflow.trigger.connection,
        "path": "$$trigger.entity$$/$$trigger.key$$",
    }
    return Step(FETCH, "imis_call", settings=settings, when='trigger.action != "Deleted"', retry=PATIENT)


class Live(Protocol):
    """What is configured: replaced, never changed."""

    @property
    def workflows(self) -> Mapping[str, Workflow]:
        """Workflows by name."""
        ...

    def workflow_version(self, name: str) -> int:
        """The number of a workflow's newest version, 0 where there is none of that name."""
        ...


class Transfers(Protocol):
    """Transfers as workflows: one step that moves the rows, and what tells of its end."""

    def begin(self, name: str) -> tuple[Workflow, JSON]:
        """The workflow of a transfer as it is now, and what a run keeps to have it again.

        Raises `NotFound`, and `Conflict` where it is not active.
        """
        ...

    def of(self, kept: JSON) -> Workflow:
        """The workflow of a run that kept this. Raises `Invalid`."""
        ...


class Versions(Protocol):
    """Where definitions are kept."""

    async def workflow_version(self, name: str, number: int = 0) -> WorkflowVersion | None:
        """As `ports.runs.Runs.workflow_version`."""
        ...


class Plans:
    """Compiled workflows. `decode` reads a stored document; `transfers`: ``None`` where there are none."""

    def __init__(self, live: Live, versions: Versions, decode: Callable[[JSON], Workflow]) -> None:
        self._live, self._versions, self._decode = live, versions, decode
        self.transfers: Transfers | None = None
        self._plans: OrderedDict[tuple[str, int], Plan] = OrderedDict()

    def ready(self, run: Run) -> Plan | None:
        """The run's workflow where it is compiled, or can be at once. Raises `Invalid`."""
        key = (run.workflow, run.version)
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
            return plan
        if run.workflow.startswith(TRANSFER):
            facts = read_text(run.facts)
            kept = facts.get(KEPT) if isinstance(facts, dict) else None
            return None if self.transfers is None else self._keep(run.id, 0, self.transfers.of(kept))
        live = self._live.workflows.get(run.workflow)
        if live is None or self._live.workflow_version(run.workflow) != run.version:
            return None
        return self._keep(run.workflow, run.version, live)

    async def get(self, run: Run) -> Plan:
        """The run's workflow. Raises `Invalid` where it cannot be compiled, `NotFound` where it is not kept."""
        plan = self.ready(run)
        if plan is not None:
            return plan
        found = await self._versions.workflow_version(run.workflow, run.version)
        if found is None:
            raise NotFound("version", f"{run.workflow} {run.version}")
        document = parse_json(found.document.encode(), depth=128, members=1_000_000).value
        return self._keep(run.workflow, run.version, self._decode(document))

    def _keep(self, name: str, version: int, workflow: Workflow) -> Plan:
        fetches = workflow.trigger.kind is TriggerKind.CHANGE and bool(workflow.trigger.connection)
        whole = replace(workflow, steps=(_fetch(workflow), *workflow.steps)) if fetches else workflow
        compiled = compile_workflow(whole, SPECS)
        plan = Plan(compiled, plan_calls(compiled), fetches)
        if version:
            self._plans[name, version] = plan
            if len(self._plans) > MOST_PLANS:
                self._plans.popitem(last=False)
        return plan
