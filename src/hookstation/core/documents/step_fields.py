"""The fields that steps write to the built-in records database, against its own field lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from hookstation.core.activity import ACTIVITY_SPEC, TRANSACTION_DATE, canonical_name, unknown_field
from hookstation.core.definitions import Panel
from hookstation.core.records import RECORDS, EntitySpec
from hookstation.core.workflows.definitions import Step, Workflow
from hookstation.core.workflows.places import placed
from hookstation.errors import Problem

ADDING: Final = frozenset({"insert", "upsert"})
VERBS: Final = frozenset({"insert", "update", "upsert", "delete", "find"})


def check_fields(workflow: Workflow, panels: Mapping[str, Panel]) -> Iterator[Problem]:
    """Fields that are not there, or are missing; paths begin at the workflow. An unknown panel is said elsewhere."""
    for step, place in placed(workflow.steps):
        if step.settings.get("connection") == RECORDS and step.type.partition("_")[0] in VERBS:
            panel = step.settings.get("panel")
            spec = ACTIVITY_SPEC if panel is None else _spec(panels.get(str(panel)))
            if spec is not None:
                yield from (problem.under(*place, "with") for problem in _check(step, spec))


def _spec(panel: Panel | None) -> EntitySpec | None:
    return panel.spec if panel else None


def _check(step: Step, spec: EntitySpec) -> Iterator[Problem]:
    filled: set[str] = set()
    for part in ("match", "fields"):
        written = step.settings.get(part)
        first: dict[str, str] = {}
        for name in written if isinstance(written, dict) else ():
            canonical = canonical_name(spec, name)
            if canonical is None:
                yield Problem((part, name), unknown_field(spec, name))
                continue
            if part == "fields" and spec.fields[canonical].read_only:
                told = f"{canonical} is given by the target and cannot be written; take it out."
                yield Problem((part, name), told)
            if first.setdefault(canonical, name) != name:
                told = f"“{name}” and “{first[canonical]}” are the same field, {canonical}: write it once."
                yield Problem((part, name), told)
            filled.add(canonical)
    if step.type.partition("_")[0] in ADDING:
        for name, column in spec.fields.items():
            needed = column.required and not column.read_only and name != TRANSACTION_DATE
            if needed and name not in filled:
                yield Problem(("fields",), f"{name} is required and is not written. Add it.")
