"""A run that begins: its row and its job, made of the workflow as it is live and of what triggers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from hookstation.core.jsontext import dump_json
from hookstation.core.outgoing.hops import MOST as MOST_HOPS
from hookstation.core.schedules.definitions import Starts
from hookstation.core.template import Template
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow, WorkflowState
from hookstation.core.workflows.scope import compile_run_template, first_frame
from hookstation.core.workflows.values import LARGEST_OUTPUT, Run, RunStart, RunState, run_job
from hookstation.engine.workflows.plans import KEPT, TRANSFER, Live, Transfers
from hookstation.engine.workflows.steps.children import DEEPEST
from hookstation.engine.workflows.texts import read_text
from hookstation.errors import Conflict, Invalid, MappingFailed, NotFound, Problem, Terminal
from hookstation.ports.clock import Clock, Identifiers

LONGEST_KEY: Final = 200
"""Characters of a concurrency key; of a longer one its digest stands."""

MOST_TEMPLATES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Origin:
    """What begins a run.

    `trigger` as `Run.trigger`; `facts` what is known besides the input (headers, query, received_at); `event_id` the
    journal's event that it finishes; `run_id` its id where that was told somebody already, and `created_at` the time in
    that, 0: now.
    """

    trigger: str
    facts: Mapping[str, JSON] = field(default_factory=dict)
    event_id: str = ""
    run_id: str = ""
    hops: int = 0
    parent: str = ""
    parent_path: str = ""
    source: str = ""
    created_at: int = 0


class Starting:
    """Makes runs of the workflows that are live, and of `transfers` where there are any."""

    def __init__(self, live: Live, clock: Clock, identifiers: Identifiers) -> None:
        self._live, self._clock, self._identifiers = live, clock, identifiers
        self._keys: dict[str, Template] = {}
        self.transfers: Transfers | None = None

    def begin(self, name: str, input_: JSON, origin: Origin, text: str = "", key: str = "") -> RunStart:
        """A run with its job. `text`: the input's JSON text where it is there already; `key`: takes the place of the
        workflow's own concurrency key.

        Raises `NotFound` where there is no such workflow, `Conflict` where it is not active, `Invalid` for an input
        that is too large, `MappingFailed` where its concurrency key cannot be made.
        """
        workflow, facts = self.active(name), dict(origin.facts)
        if self.transfers is not None and name.startswith(TRANSFER):
            facts[KEPT] = self.transfers.begin(name.removeprefix(TRANSFER))[1]
        written = text or dump_json(input_)
        if len(written) > LARGEST_OUTPUT:
            raise Invalid(
                [Problem(("input",), f"has {len(written)} characters, and may have {LARGEST_OUTPUT}.")]
            )
        run = Run(
            origin.run_id or self._identifiers.run_id(),
            name,
            self._live.workflow_version(name),
            RunState.QUEUED,
            origin.trigger,
            origin.created_at or self._clock.now(),
            written,
            dump_json(facts) if facts else "{}",
            key or (self._key(workflow, input_) if workflow.concurrency.key else ""),
            origin.event_id,
            origin.parent,
            origin.parent_path,
            origin.source,
            hops=origin.hops,
        )
        return RunStart(run, run_job(run))

    def for_schedule(self, kind: Starts, name: str, input_: JSON, trigger: str, *, key: str = "") -> RunStart:
        """A run that a schedule begins; see `engine.schedules.firing.Begin`."""
        whole = TRANSFER + name if kind is Starts.TRANSFER else name
        return self.begin(whole, input_, Origin(trigger), key=key)

    def active(self, name: str) -> Workflow:
        """The workflow, whose runs may begin. Raises `NotFound`, `Conflict`."""
        if self.transfers is not None and name.startswith(TRANSFER):
            return self.transfers.begin(name.removeprefix(TRANSFER))[0]
        workflow = self._live.workflows.get(name)
        if workflow is None:
            raise NotFound("workflow", name)
        if workflow.state is not WorkflowState.ACTIVE:
            raise Conflict(f"The workflow “{name}” is {workflow.state.value}: set its state to active first.")
        return workflow

    def child(self, workflow: str, input_: JSON, parent: Run, path: str) -> RunStart:
        """A run that another run begins; see `steps.children.Starting`."""
        facts = read_text(parent.facts)
        said = facts.get("depth") if isinstance(facts, dict) else 0
        depth = said if isinstance(said, int) else 0
        if depth >= DEEPEST:
            raise Terminal(f"Workflows may stand {DEEPEST} deep within one another; this would be one more.")
        if parent.hops > MOST_HOPS:
            raise Terminal("Too many events led to this run.")
        origin = Origin(
            f"workflow:{parent.workflow}",
            {"depth": depth + 1},
            hops=parent.hops,
            parent=parent.id if path else "",
            parent_path=path,
        )
        try:
            return self.begin(workflow, input_, origin)
        except (NotFound, Conflict, Invalid, MappingFailed) as refused:
            kind = "transfer" if workflow.startswith(TRANSFER) else "workflow"
            raise Terminal(f"The {kind} cannot begin: {refused.message}") from refused

    def _key(self, workflow: Workflow, input_: JSON) -> str:
        source = workflow.concurrency.key
        template = self._keys.get(source)
        if template is None:
            if len(self._keys) >= MOST_TEMPLATES:
                self._keys.clear()
            template = self._keys[source] = compile_run_template(source)
        frame = first_frame(input_, {}, self._clock.now())
        try:
            value = text_of(template.evaluate(frame.scope()))
        except MappingFailed as failed:
            raise MappingFailed("concurrency.key", failed.reason) from failed
        return value if len(value) <= LONGEST_KEY else sha256(value.encode()).hexdigest()
