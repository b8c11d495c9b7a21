"""Where the steps of a workflow stand in its document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from hookstation.core.values import JSON, PathPart
from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.definitions import Step, Steps

Place: TypeAlias = tuple[PathPart, ...]
ROOT: Final[Place] = ("steps",)
CASES: Final = "cases"
"""The setting of a decoded ``switch``: a list of objects, each the ``name`` of a block and the ``value`` of it."""


def blocks_of(step: Step) -> Iterator[tuple[str, Place, Steps]]:
    """The blocks of a step: the name, the place of its list seen from the step, and its steps."""
    spec = SPECS.get(step.type)
    named = [name for name in step.blocks if spec is None or name not in spec.blocks]
    for name, steps in step.blocks.items():
        if spec is not None and name in spec.blocks:
            yield name, (name,), steps
        elif spec is not None and spec.named_blocks:
            yield name, (spec.named_blocks, named.index(name), "steps"), steps


def placed(steps: Steps, place: Place = ROOT) -> Iterator[tuple[Step, Place]]:
    """Every step with its place, each before what it holds."""
    for index, step in enumerate(steps):
        here = (*place, index)
        yield step, here
        for _, below, block in blocks_of(step):
            yield from placed(block, (*here, *below))


def case_values(step: Step) -> dict[str, JSON]:
    """The cases of a ``switch``: block → value."""
    cases = step.settings.get(CASES)
    found = [one for one in cases if isinstance(one, dict)] if isinstance(cases, list) else []
    return {str(one.get("name")): one.get("value") for one in found}
