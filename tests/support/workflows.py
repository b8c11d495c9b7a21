"""Documents of workflows, and strategies for more of them."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from hookstation.core.definitions import Fault, Retry
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import (
    NO_RETRY,
    Concurrency,
    Rule,
    Step,
    Steps,
    Then,
    Trigger,
    TriggerKind,
    WhenUnknown,
    Workflow,
    WorkflowState,
)

SCALARS: Final = (
    st.none() | st.booleans() | st.integers(-99, 99) | st.sampled_from(["", "a", "$$trigger.b$$"])
)
VALUES: Final[SearchStrategy[JSON]] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)
SETTINGS: Final[dict[str, SearchStrategy[dict[str, JSON]]]] = {
    "set": st.fixed_dictionaries({"values": st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1)}),
    "validate": st.fixed_dictionaries({"schema": st.sampled_from([True, {"type": "object"}])}),
    "stop": st.fixed_dictionaries({}, optional={"as": st.just("failure"), "message": st.just("$$id$$")}),
    "gate": st.fixed_dictionaries(
        {"condition": st.just("a == 1")}, optional={"otherwise": st.just("succeed")}
    ),
    "wait": st.sampled_from([{"for": "2h"}, {"call": True, "expires": "1d"}, {"until": "$$trigger.at$$"}]),
    "emit": st.just({"type": "order.paid"}),
    "delete_activity": st.just({"connection": "records", "match": {"ID": "$$trigger.id$$"}}),
}
RETRIES: Final = st.just(NO_RETRY) | st.builds(
    Retry,
    st.integers(1, 100),
    st.just(5.0),
    st.integers(1, 10),
    st.sampled_from([60.0, 90.5]),
    st.sampled_from([0.0, 0.2, 1.0]),
    st.frozensets(st.sampled_from(list(Fault)), min_size=1),
)


def step(**settings: Any) -> dict[str, Any]:
    """The document of a step that sets a variable."""
    return {"name": "keep", "type": "set", "with": {"values": {"id": "$$trigger.memberId$$"}}, **settings}


def workflow_document(**settings: Any) -> dict[str, JSON]:
    """The document of a small workflow."""
    return {"name": "courses", "steps": [step()], **settings}


@st.composite
def blocks(draw: st.DrawFn, names: list[int], depth: int) -> Steps:
    """A few steps, some of which hold others; `names` counts those that were made."""
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 3))):
        names.append(len(names))
        steps.append(draw(_steps(f"s{len(names)}", names, depth)))
    return tuple(steps)


@st.composite
def _steps(draw: st.DrawFn, name: str, names: list[int], depth: int) -> Step:
    kinds = [*SETTINGS, *(("if", "switch", "for_each", "parallel") if depth else ())]
    kind = draw(st.sampled_from(kinds))
    held: dict[str, Steps] = {}
    match kind:
        case "if":
            settings: dict[str, JSON] = {"condition": "trigger.a == 1"}
            held = {"then": draw(blocks(names, depth - 1))}
        case "switch":
            settings = {
                "value": "$$trigger.a$$",
                "cases": [{"name": "one", "value": 1}, {"name": "b", "value": "B"}],
            }
            held = {"one": draw(blocks(names, depth - 1)), "b": (), "default": draw(blocks(names, depth - 1))}
        case "for_each":
            settings = {"items": "$$trigger.rows$$", "at_once": 3}
            held = {"steps": draw(blocks(names, depth - 1))}
        case "parallel":
            settings = {}
            held = {"a": draw(blocks(names, depth - 1)), "b": draw(blocks(names, depth - 1))}
        case _:
            settings = draw(SETTINGS[kind])
    return Step(
        name,
        kind,
        title=draw(st.sampled_from(["", "A title"])),
        enabled=draw(st.booleans()),
        settings=settings,
        when=draw(st.sampled_from(["", "trigger.x == 1"])),
        on_failure=draw(st.sampled_from([Rule(), Rule(Then.SUCCEED), Rule(Then.CONTINUE)])),
        when_disabled=draw(st.sampled_from([Rule(Then.CONTINUE), Rule(Then.FAIL)])),
        when_unknown=draw(st.sampled_from(list(WhenUnknown))),
        retry=NO_RETRY if held else draw(RETRIES),
        time=draw(st.sampled_from([0.0, 30.0, 1.5])),
        blocks=held,
    )


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    """Workflows that can stand."""
    return Workflow(
        name="w",
        steps=draw(blocks([], 2)),
        title=draw(st.sampled_from(["", "A title"])),
        state=draw(st.sampled_from(list(WorkflowState))),
        trigger=draw(
            st.sampled_from(
                [
                    Trigger(),
                    Trigger(TriggerKind.EVENT, ("record.*", "order.paid"), condition="a == 1"),
                    Trigger(TriggerKind.CHANGE, changes=("Party.Updated", "Event.*"), connection="imis"),
                    Trigger(TriggerKind.WEBHOOK),
                ]
            )
        ),
        concurrency=draw(st.builds(Concurrency, st.integers(0, 9), st.sampled_from(["", "$$trigger.id$$"]))),
        time=draw(st.sampled_from([0.0, 3_600.0])),
        sample=draw(VALUES),
        samples=draw(st.sampled_from([{}, {"find": [{"ID": "23"}]}])),
    )
