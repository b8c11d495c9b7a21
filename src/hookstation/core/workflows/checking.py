"""What holds between the steps of a workflow; paths begin at its document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hookstation.core.nearest import did_you_mean
from hookstation.core.workflows.catalog import SPECS, StepSpec
from hookstation.core.workflows.definitions import Rule, Step, Steps, Then, Workflow, all_steps
from hookstation.core.workflows.places import ROOT, Place, blocks_of, placed
from hookstation.core.workflows.rules import read_rule
from hookstation.core.workflows.scoping import Seen, condition_problems, template_problems
from hookstation.errors import Invalid, Problem

MOST_STEPS: Final = 500


def check_workflow(workflow: Workflow) -> list[Problem]:
    """Everything that is wrong between its steps, and in its templates and conditions."""
    problems = list(_check_names(workflow.steps))
    if not workflow.steps:
        problems.append(Problem(("steps",), "is empty: write at least one step."))
    count = sum(1 for _ in all_steps(workflow.steps))
    if count > MOST_STEPS:
        told = f"are {count:,}, those inside others counted; a workflow has at most {MOST_STEPS}."
        problems.append(Problem(("steps",), f"{told} Put a part into a workflow of its own."))
    names = [step.name for step in all_steps(workflow.steps)]
    calls = [step.name for step in all_steps(workflow.steps) if step.settings.get("call") is True]
    seen = Seen(names=names, calls=calls)
    problems += _check_whole(workflow, Seen())
    return problems + list(_check_block(workflow.steps, ROOT, seen))


def _check_whole(workflow: Workflow, nothing: Seen) -> Iterator[Problem]:
    for problem in template_problems(workflow.concurrency.key, nothing):
        yield problem.under("concurrency", "key")
    for problem in condition_problems(workflow.trigger.condition, nothing):
        yield problem.under("trigger", "condition")


def _check_names(steps: Steps) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for step, place in ((step, place) for step, place in placed(steps) if step.name):
        before = first.setdefault(step.name, place)
        if before is not place:
            where = ".".join(str(part) for part in before)
            told = f"“{step.name}” is there twice, first as {where}; names are unique in the whole workflow."
            yield Problem((*place, "name"), told)


def _check_block(steps: Steps, place: Place, seen: Seen) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        here = (*place, index)
        later = [one.name for one in steps[index + 1 :]]
        for problem in _check_step(step, later, seen):
            yield problem.under(*here)
        for _, below, block in blocks_of(step):
            yield from _check_block(block, (*here, *below), seen.within(step))
        seen = seen.after(step)


def _check_step(step: Step, later: list[str], seen: Seen) -> Iterator[Problem]:
    spec = SPECS.get(step.type)
    if spec is None:
        return
    for problem in condition_problems(step.when, seen):
        yield problem.under("when")
    if step.output and not spec.output:
        told = "is not for this type: it puts nothing out. Leave it out."
        yield Problem(("output",), told)
    for name, rule in _rules(step, spec):
        for problem in _check_target(rule, later):
            yield problem.under(*name)
    for problem in _check_settings(step, spec, seen):
        yield problem.under("with")


def _rules(step: Step, spec: StepSpec) -> Iterator[tuple[Place, Rule]]:
    yield ("on_failure",), step.on_failure
    yield ("when_disabled",), step.when_disabled
    for name in spec.rules & step.settings.keys():
        try:
            yield ("with", name), read_rule(step.settings[name])
        except Invalid:
            continue  # said where its settings were read


def _check_target(rule: Rule, later: list[str]) -> list[Problem]:
    if rule.then is not Then.GO_TO or rule.step in later:
        return []
    there = f"these are {', '.join(later)}" if later else "there is none"
    told = f"“{rule.step[:64]}” is no later step of the same block; {there}.{did_you_mean(rule.step, later)}"
    return [Problem(("go_to",), told)]


def _check_settings(step: Step, spec: StepSpec, seen: Seen) -> Iterator[Problem]:
    row = Seen(seen.names, seen.calls, seen.outputs, seen.inner, seen.variables, seen.loop, row=True)
    for name, value in step.settings.items():
        if name in spec.templates:
            yield from template_problems(value, seen, (name,))
        elif name in spec.row_templates:
            yield from template_problems(value, row, (name,))
        elif name in spec.conditions and isinstance(value, str):
            yield from (problem.under(name) for problem in condition_problems(value, seen))
