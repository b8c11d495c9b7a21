"""What templates and conditions of a workflow may read at each place, and what is wrong with what they do read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from hookstation.core.condition import compile_condition
from hookstation.core.nearest import did_you_mean
from hookstation.core.template import ANY, FACTS, Name, compile_template, path_text
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.definitions import Step, all_steps
from hookstation.core.workflows.places import Place
from hookstation.errors import Invalid, Problem

RUN: Final = (
    "id",
    "workflow",
    "version",
    "trigger",
    "created_at",
    "started_at",
    "headers",
    "query",
    "received_at",
    "event_id",
    "calls",
)
"""Members of `run`."""
DECLARED: Final = frozenset(FACTS)
"""What a call knows, a run has as members of `run`: at the root those names are the trigger's own properties."""
LOOP: Final = "for_each"
ERROR: Final = "error"
"""Under this name a step that failed, and whose rule goes on, has why."""
ANYTHING: Final = "*"


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be read at a place: outputs of steps by name, variables, and whether it is in a loop.

    `inner`: steps within a loop that has ended, with the loop's name.  `names`: all steps of the workflow.  `calls`:
    those that wait for a call.  `row`: it is evaluated once for each row.
    """

    names: Collection[str] = ()
    calls: Collection[str] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    inner: Mapping[str, str] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()
    loop: bool = False
    row: bool = False

    def after(self, step: Step) -> Seen:
        """What can be read behind this step."""
        below = [one for block in step.blocks.values() for one in all_steps(block)]
        variables = {name for one in (step, *below) for name in _variables(one)}
        within = {} if step.type == LOOP else {one.name: output_of(one) for one in below}
        hidden = {one.name: step.name for one in below} if step.type == LOOP else {}
        return replace(
            self,
            outputs={**self.outputs, step.name: output_of(step), **within},
            inner={**self.inner, **hidden},
            variables=self.variables | variables,
        )

    def within(self, step: Step) -> Seen:
        """What can be read at the beginning of this step's blocks."""
        return replace(self, loop=True) if step.type == LOOP else self


def output_of(step: Step) -> str:
    """The name under which its result stands in ``steps.<name>``, empty where it has none; `ANYTHING` where its type is
    not known.
    """
    spec = SPECS.get(step.type)
    if spec is None:
        return ANYTHING
    usual = spec.output_of(step.settings)
    return (step.output or usual) if usual else ""


def _variables(step: Step) -> list[str]:
    values = step.settings.get("values") if step.type == "set" else None
    return list(values) if isinstance(values, dict) else []


def template_problems(value: JSON, seen: Seen, place: Place = ()) -> list[Problem]:
    """What is wrong with a value in which every text is a template."""
    match value:
        case str():
            return [problem.under(*place) for problem in _text_problems(value, seen)]
        case dict():
            pairs = list(value.items())
            return [one for name, part in pairs for one in template_problems(part, seen, (*place, name))]
        case list():
            return [
                one
                for index, part in enumerate(value)
                for one in template_problems(part, seen, (*place, index))
            ]
    return []


def _text_problems(source: str, seen: Seen) -> list[Problem]:
    try:
        names = compile_template(source, DECLARED).names
    except Invalid as refusal:
        return list(refusal.problems)
    return _names_problems(names, seen)


def condition_problems(source: str, seen: Seen) -> list[Problem]:
    """What is wrong with a condition."""
    try:
        names = compile_condition(source).names
    except Invalid as refusal:
        return list(refusal.problems)
    return _names_problems(names, seen)


def _names_problems(names: tuple[Name, ...], seen: Seen) -> list[Problem]:
    said = ((name, _wrong(name, seen)) for name in names)
    return [Problem((), wrong, position=name.position) for name, wrong in said if wrong]


def _wrong(name: Name, seen: Seen) -> str:
    head, *rest = name.path
    part = str(rest[0]) if rest and rest[0] != ANY else ""
    match head:
        case "steps" if part:
            return _wrong_step(name, part, seen)
        case "vars" if part and part not in seen.variables:
            return _unknown_variable(part, seen)
        case "item" | "index" if not (seen.loop or seen.row):
            own = f"a property of the trigger with this name is trigger.{head}"
            return f"“{head}” is there inside a for_each only; {own}."
        case "run" if part and part not in RUN:
            return (
                f"“{path_text(name.path)}” is not known; “run” has {', '.join(RUN)}.{did_you_mean(part, RUN)}"
            )
        case "run" if part == "calls" and len(rest) > 1 and rest[1] != ANY:
            return _wrong_call(str(rest[1]), seen)
    return ""


def _wrong_step(name: Name, step: str, seen: Seen) -> str:
    if step in seen.outputs:
        return _wrong_output(name, step, seen.outputs[step])
    if step in seen.inner:
        loop = seen.inner[step]
        return f"“{step}” runs once for each turn of “{loop}”, and is read inside it only; behind it read steps.{loop}."
    if step in seen.names:
        return f"“{step}” cannot have run before this step; only what stands above it can be read."
    known = [one for one, output in seen.outputs.items() if output]
    there = (
        f"above this one there are {', '.join(known[:20])}"
        if known
        else "above this one there is none to read"
    )
    return f"there is no step “{step[:64]}”; {there}.{did_you_mean(step, known)}"


def _wrong_output(name: Name, step: str, output: str) -> str:
    if name.path[2:3] == (ERROR,):
        return ""
    if not output:
        return f"“{step}” puts nothing out."
    if len(name.path) > 2 and output != ANYTHING and name.path[2] not in (output, ANY):
        return (
            f"“{path_text(name.path)}” is not known: the step “{step}” puts out “{output}”, which is "
            f"steps.{step}.{output}."
        )
    return ""


def _unknown_variable(variable: str, seen: Seen) -> str:
    known = sorted(seen.variables)
    there = f"set above are {', '.join(known[:20])}" if known else "no step above sets any"
    return f"no step above sets the variable “{variable[:64]}”; {there}.{did_you_mean(variable, known)}"


def _wrong_call(step: str, seen: Seen) -> str:
    if step in seen.calls:
        return ""
    known = ", ".join(seen.calls)
    there = f"there are {known}" if known else "there is none"
    return f"no step “{step[:64]}” of type wait waits for a call; {there}.{did_you_mean(step, seen.calls)}"
