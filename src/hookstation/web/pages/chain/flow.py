"""A workflow's steps as they are drawn: one under the other, blocks inside the steps that hold them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.definitions import Step, Steps
from hookstation.core.workflows.paths import name_at
from hookstation.core.workflows.values import Entry, EntryState

WORST_FIRST: Final = (
    EntryState.FAILED,
    EntryState.UNKNOWN,
    EntryState.STARTED,
    EntryState.WAITING,
    EntryState.CANCELLED,
    EntryState.DONE,
    EntryState.SKIPPED,
)
"""Of several tries of one step, in turns of a loop, the first of these tells how it stands."""

TWICE_NAMED: Final = frozenset({"steps"})
"""Blocks whose name tells nothing."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How the tries of one step stand. `path`: of the one that tells most."""

    states: Counter[EntryState]
    path: str

    @property
    def state(self) -> EntryState:
        """The state that tells most."""
        return next(one for one in WORST_FIRST if self.states[one])

    @property
    def words(self) -> str:
        """How many stand how; empty for a single one."""
        if self.states.total() < 2:
            return ""
        return ", ".join(f"{self.states[one]:,} {one.value}" for one in WORST_FIRST if self.states[one])


@dataclass(frozen=True, slots=True)
class Node:
    """One step. `ways`: its blocks, each with what it is called, empty where that tells nothing."""

    step: Step
    title: str
    what: str
    tally: Tally | None
    ways: tuple[tuple[str, tuple[Node, ...]], ...]

    @property
    def state(self) -> str:
        """How it stands in a run; empty where it was not reached, or nothing ran."""
        return self.tally.state.value if self.tally else ""


def tallies(entries: Iterable[Entry]) -> dict[str, Tally]:
    """How steps stand, by name: names are unique in a workflow, so that all turns of a loop count for one step."""
    states: dict[str, Counter[EntryState]] = defaultdict(Counter)
    worst: dict[str, Entry] = {}
    rank = {state: number for number, state in enumerate(WORST_FIRST)}
    for one in entries:
        name = name_at(one.path)
        states[name][one.state] += 1
        if name not in worst or rank[one.state] < rank[worst[name].state]:
            worst[name] = one
    return {name: Tally(found, worst[name].path) for name, found in states.items()}


NOTHING: Final[Mapping[str, Tally]] = {}


def flow(steps: Steps, done: Mapping[str, Tally] = NOTHING) -> tuple[Node, ...]:
    """The steps as they are drawn, with how they stand."""
    return tuple(_node(step, done) for step in steps)


def _node(step: Step, done: Mapping[str, Tally]) -> Node:
    spec = SPECS.get(step.type)
    what = spec.title if spec else step.type
    ways = tuple(
        ("" if name in TWICE_NAMED else name, flow(inner, done)) for name, inner in step.blocks.items()
    )
    return Node(step, step.title or what, what, done.get(step.name), ways)
