"""A workflow as a person defined it: one trigger, and steps that may hold other steps.

A step's settings are kept as its document has them; what they mean is said by its `StepSpec`, of which
`core.workflows.catalog` has one for each type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from hookstation.core.definitions import Retry
from hookstation.core.values import JSON


class WorkflowState(StrEnum):
    """Whether runs begin. Those that began go on in any state."""

    ACTIVE = "active"
    DISABLED = "disabled"
    ARCHIVED = "archived"


class TriggerKind(StrEnum):
    """What begins a run. A person may begin one of any active workflow by hand, and a workflow one of another."""

    MANUAL = "manual"
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"
    POLL = "poll"
    CHANGE = "change"
    EVENT = "event"
    WORKFLOW = "workflow"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What begins a run by itself.

    `types` (`EVENT`): the station's own events, ``*`` at the end for any that begin so.  `changes` (`CHANGE`): filters
    ``Entity.Action`` with wildcards, empty: all; `connection`: where the full record is fetched, empty: it is not.
    `condition` (both): over what came; empty: any.  Webhooks, polls and schedules name the workflow themselves.
    """

    kind: TriggerKind = TriggerKind.MANUAL
    types: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    connection: str = ""
    condition: str = ""


class Then(StrEnum):
    """What follows a step that failed for good, or that is switched off."""

    FAIL = "fail"
    SUCCEED = "succeed"
    CONTINUE = "continue"
    GO_TO = "go_to"


@dataclass(frozen=True, slots=True)
class Rule:
    """`step`, for `Then.GO_TO`, is a later step of the same block."""

    then: Then = Then.FAIL
    step: str = ""


class WhenUnknown(StrEnum):
    """What becomes of a step that may or may not have had its effect, and that cannot be looked up.

    `ASK`: the run waits, *unknown*, until a person says.  `REPEAT`: the author says that repeating does no harm.
    `FAIL`: it is taken as failed.
    """

    ASK = "ask"
    REPEAT = "repeat"
    FAIL = "fail"


NO_RETRY: Final = Retry(attempts=1)


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Its name is unique in the whole workflow.

    `settings`: name → value or template, in the form that templates are compiled from.  `when`: a condition; where it
    does not hold the step is skipped.  `output`: under which name its result stands in ``steps.<name>``; empty: its
    type's usual one.  `time`: seconds for one try, 0: its type's own limit.  `blocks`: the steps that it holds, by the
    block's name (``steps``; ``then`` and ``else``; ``default`` and the cases; the branches), in order.
    """

    name: str
    type: str
    title: str = ""
    note: str = ""
    enabled: bool = True
    settings: Mapping[str, JSON] = field(default_factory=dict)
    when: str = ""
    output: str = ""
    on_failure: Rule = Rule()
    when_disabled: Rule = Rule(Then.CONTINUE)
    when_unknown: WhenUnknown = WhenUnknown.ASK
    retry: Retry = NO_RETRY
    time: float = 0.0
    blocks: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)


Steps: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Concurrency:
    """`runs`: so many are at work at once, all nodes together, 0: any number (waiting ones do not count).

    `key`: a template over what triggers the run; runs with the same value go one after the other, empty: in any order.
    """

    runs: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow. `time`: seconds after which a run is given up, 0: never.

    `sample`: what triggers it, and `samples`: what steps put out, by step, for trying it.
    """

    name: str
    steps: Steps
    title: str = ""
    note: str = ""
    state: WorkflowState = WorkflowState.ACTIVE
    trigger: Trigger = Trigger()
    concurrency: Concurrency = Concurrency()
    time: float = 0.0
    sample: JSON = None
    samples: Mapping[str, JSON] = field(default_factory=dict)


def all_steps(steps: Steps) -> Iterator[Step]:
    """Every step, those within others too, each before what it holds."""
    for step in steps:
        yield step
        for block in step.blocks.values():
            yield from all_steps(block)
