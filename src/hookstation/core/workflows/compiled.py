"""A workflow made ready: each step's templates and conditions are compiled once, and what cannot run is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hookstation.core.condition import Condition, compile_condition
from hookstation.core.outgoing.trees import Make, compile_tree
from hookstation.core.template import MISSING, Value
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import SPECS, StepSpec
from hookstation.core.workflows.definitions import Rule, Step, Steps, Then, Workflow
from hookstation.core.workflows.places import ROOT, Place, blocks_of, case_values
from hookstation.core.workflows.rules import read_rule
from hookstation.core.workflows.scope import RunScope, compile_run_template
from hookstation.errors import Invalid, MappingFailed, Problem

DEEPEST: Final = 16
"""Blocks inside one another."""

FAILS: Final = Rule()
Specs: TypeAlias = Mapping[str, StepSpec]
FillRow: TypeAlias = Callable[[str, JSON, int], JSON]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledStep:
    """A step, ready; safe to share.

    `output`: the name of its result in ``steps.<name>``, empty where it has none.  `static`: settings as written, or
    their defaults.  `when`: ``None`` where it always holds.  `otherwise`: what follows where a gate does not hold.
    `cases`: of a switch, each value with its block.  `failures`: so many turns of a loop may fail, ``None``: any.
    """

    step: Step
    spec: StepSpec
    output: str
    static: Mapping[str, JSON]
    templates: Mapping[str, Make]
    row_templates: Mapping[str, Make]
    when: Condition | None = None
    condition: Condition | None = None
    otherwise: Rule = FAILS
    cases: tuple[tuple[JSON, str], ...] = ()
    failures: int | None = 0
    blocks: Mapping[str, tuple[CompiledStep, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step.name

    @property
    def type(self) -> str:
        """The step's type."""
        return self.step.type

    def fill(self, scope: RunScope) -> dict[str, JSON]:
        """All settings with their templates filled; one whose only property is missing is left out.

        Those that are filled for each row are left out too.  Raises `MappingFailed` naming the setting.
        """
        settings = dict(self.static)
        for name, make in self.templates.items():
            value = _made(make, scope, name)
            if value is not MISSING:
                settings[name] = value
        return settings

    def fill_one(self, name: str, scope: RunScope) -> JSON:
        """One setting, ``None`` where its only property is missing. Raises `MappingFailed` naming it."""
        make = self.templates.get(name)
        if make is None:
            return self.static.get(name)
        value = _made(make, scope, name)
        return None if value is MISSING else value

    def per_row(self, scope: RunScope) -> FillRow:
        """A function that fills a setting for one row: its name, the row, its number. It raises `MappingFailed`."""
        of = scope.rows()

        def fill(name: str, row: JSON, index: int) -> JSON:
            value = _made(self.row_templates[name], of(row, index), name)
            return None if value is MISSING else value

        return fill


@dataclass(frozen=True, slots=True, eq=False)
class CompiledWorkflow:
    """A workflow, ready; safe to share. `by_name`: every step, those within others too."""

    workflow: Workflow
    steps: tuple[CompiledStep, ...]
    by_name: Mapping[str, CompiledStep]


def _made(make: Make, scope: RunScope, name: str) -> Value:
    try:
        return make(scope)
    except MappingFailed as failed:
        place = name if failed.field in ("body", "template") else f"{name}.{failed.field}"
        raise MappingFailed(place, failed.reason) from failed


def compile_workflow(workflow: Workflow, specs: Specs = SPECS) -> CompiledWorkflow:
    """Compile every step. Raises `Invalid` with every mistake; paths begin at the workflow's document."""
    compiler = _Compiler(specs)
    steps = compiler.line(workflow.steps, ROOT, 1)
    if compiler.problems:
        raise Invalid(compiler.problems)
    return CompiledWorkflow(workflow, steps, compiler.by_name)


class _Compiler:
    """Compiles steps, and gathers what is wrong with them."""

    def __init__(self, specs: Specs) -> None:
        self._specs = specs
        self.problems: list[Problem] = []
        self.by_name: dict[str, CompiledStep] = {}

    def line(self, steps: Steps, path: Place, depth: int) -> tuple[CompiledStep, ...]:
        """The steps of one block."""
        if depth > DEEPEST:
            self._say(
                path, f"blocks may stand {DEEPEST} deep inside one another, no deeper; use another workflow."
            )
            return ()
        names = [step.name for step in steps]
        made = []
        for index, step in enumerate(steps):
            place = (*path, index)
            spec = self._specs.get(step.type)
            if spec is None:
                self._say((*place, "type"), f"There is no type of step “{step.type}”.")
                continue
            if step.name in self.by_name:
                said = f"Another step is called “{step.name}” too; names are unique in the whole workflow."
                self._say((*place, "name"), said)
            self._check_rules(step, names[index + 1 :], place)
            compiled = self._step(step, spec, place, depth)
            self._check_target(compiled.otherwise, names[index + 1 :], (*place, "with", "otherwise"))
            self.by_name[step.name] = compiled
            made.append(compiled)
        return tuple(made)

    def _step(self, step: Step, spec: StepSpec, place: Place, depth: int) -> CompiledStep:
        settings = {one.name: spec.value(step.settings, one.name) for one in spec.settings}
        given = {**settings, **step.settings}
        under = (*place, "with")
        templates: dict[str, Make] = {
            name: self._tree(given[name], (*under, name)) for name in _given(spec.templates, given)
        }
        rows = {name: self._tree(given[name], (*under, name)) for name in _given(spec.row_templates, given)}
        blocks = {
            name: self.line(steps, (*place, *where), depth + 1) for name, where, steps in blocks_of(step)
        }
        return CompiledStep(
            step,
            spec,
            step.output or spec.output_of(step.settings),
            {name: value for name, value in given.items() if value is not None and spec.static(name)},
            templates,
            rows,
            when=self._condition(step.when, (*place, "when")),
            condition=self._condition(given.get("condition"), (*under, "condition"))
            if "condition" in spec.conditions
            else None,
            otherwise=self._rule(given.get("otherwise"), (*under, "otherwise")),
            cases=tuple((value, name) for name, value in case_values(step).items()),
            failures=_allowed(given.get("failures")),
            blocks=blocks,
        )

    def _tree(self, content: JSON, place: Place) -> Make:
        try:
            return compile_tree(content, compile_run_template)
        except Invalid as refusal:
            self.problems += [problem.under(*place) for problem in refusal.problems]
            return lambda _scope: None

    def _condition(self, source: JSON, place: Place) -> Condition | None:
        if not isinstance(source, str) or not source:
            return None
        try:
            return compile_condition(source)
        except Invalid as refusal:
            self.problems += [problem.under(*place) for problem in refusal.problems]
            return None

    def _rule(self, written: JSON, place: Place) -> Rule:
        try:
            return Rule() if written is None else read_rule(written)
        except Invalid as refusal:
            self.problems += [problem.under(*place) for problem in refusal.problems]
            return Rule()

    def _check_rules(self, step: Step, later: list[str], place: Place) -> None:
        self._check_target(step.on_failure, later, (*place, "on_failure"))
        self._check_target(step.when_disabled, later, (*place, "when_disabled"))
        if step.blocks and step.retry.attempts > 1:
            said = "A block is not tried again as a whole; say it at the steps in it."
            self._say((*place, "retry"), said)

    def _check_target(self, rule: Rule, later: list[str], place: Place) -> None:
        if rule.then is Then.GO_TO and rule.step not in later:
            known = f" These are: {', '.join(later)}." if later else " There is none."
            self._say(place, f"“{rule.step}” is no later step of the same block.{known}")

    def _say(self, path: Place, message: str) -> None:
        self.problems.append(Problem(path, message))


def _given(names: frozenset[str], settings: Mapping[str, JSON]) -> Iterator[str]:
    return (name for name in sorted(names) if settings.get(name) is not None)


def _allowed(written: JSON) -> int | None:
    if isinstance(written, dict):
        most = written.get("most")
        return most if isinstance(most, int) else 0
    return None if written == "continue" else 0
