"""What a run did, as its page tells it: steps one after the other, the turns of loops gathered into one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from msgspec import structs

from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.definitions import Step, Workflow, all_steps
from hookstation.core.workflows.paths import name_at
from hookstation.core.workflows.values import Entry, EntryState, Run, RunState, WaitKind
from hookstation.engine.workflows.showing import ShownRun
from hookstation.web.pages.chain.words import advice
from hookstation.web.services import Services

TURNS: Final = 100
"""Entries of a loop on one page."""

LOOKED_THROUGH: Final = 20
"""Pages of a thousand entries that are looked through for failures."""

BAD: Final = frozenset({EntryState.FAILED, EntryState.UNKNOWN})


@dataclass(slots=True)
class Loop:
    """The turns of a loop that were seen. `failed`: steps in them that failed, or whose outcome is unknown."""

    turns: set[str] = field(default_factory=set)
    failed: int = 0


@dataclass(slots=True)
class Line:
    """One line of the timeline: a step's latest try, or a loop with its turns, whose own try comes last."""

    path: str
    title: str
    what: str
    entry: Entry | None = None
    loop: Loop | None = None

    @property
    def depth(self) -> int:
        """In how many blocks it stands."""
        return min(self.path.count("/") // 2, 5)

    @property
    def block(self) -> str:
        """The block that it stands in, for people."""
        return self.path.rpartition("/")[0].replace("/", " › ")

    @property
    def state(self) -> str:
        """How it stands."""
        if self.entry is not None:
            return self.entry.state.value
        return EntryState.STARTED.value

    @property
    def bad(self) -> bool:
        """Whether it has to be seen."""
        return (self.entry is not None and self.entry.state in BAD) or bool(self.loop and self.loop.failed)

    @property
    def took(self) -> int:
        """Microseconds, 0 where it has not ended."""
        one = self.entry
        return one.ended_at - one.started_at if one and one.ended_at > one.started_at > 0 else 0

    @property
    def advice(self) -> str:
        """What to do about its failure."""
        return advice(self.entry.fault) if self.entry is not None else ""


Place: TypeAlias = tuple[int, int, int]
"""Where a line stands: when it began, its number, and how deep it is; what holds others comes before them."""


def lines(entries: Iterable[Entry], workflow: Workflow | None) -> list[Line]:
    """The timeline, in the order in which steps began; what happened within a loop is one line with the loop."""
    steps = {one.name: one for one in all_steps(workflow.steps)} if workflow else {}
    found: dict[str, Line] = {}
    order: dict[str, Place] = {}
    for one in entries:
        loop, turn, _ = one.path.partition("[")
        line = found.get(loop)
        if line is None:
            line = found[loop] = _line(loop, steps)
            order[loop] = (one.started_at or one.ended_at, one.number, loop.count("/"))
        if not turn:
            line.entry = one
            if one.started_at:
                order[loop] = min(order[loop], (one.started_at, one.number, loop.count("/")))
            continue
        line.loop = line.loop or Loop()
        line.loop.turns.add(one.path[: one.path.index("]", len(loop))])
        line.loop.failed += one.state in BAD
    for path in sorted(found, key=lambda one: -one.count("/")):
        holder = path.rpartition("/")[0].rpartition("/")[0]
        if holder in found:
            order[holder] = min(order[holder], (*order[path][:2], holder.count("/")))
    return [found[path] for path in sorted(found, key=order.__getitem__)]


def flat(entries: Iterable[Entry], workflow: Workflow | None) -> list[Line]:
    """A line for each entry."""
    steps = {one.name: one for one in all_steps(workflow.steps)} if workflow else {}
    made = []
    for one in entries:
        line = _line(one.path, steps)
        line.entry = one
        made.append(line)
    return made


def titles(paths: Iterable[str], workflow: Workflow) -> dict[str, str]:
    """What people call the steps at these paths."""
    steps = {one.name: one for one in all_steps(workflow.steps)}
    return {path: _line(path, steps).title for path in paths}


def _line(path: str, steps: Mapping[str, Step]) -> Line:
    step = steps.get(name_at(path))
    spec = SPECS.get(step.type) if step else None
    what = spec.title if spec else step.type if step else ""
    return Line(path, (step.title if step else "") or what or name_at(path), what)


async def beyond(shown: ShownRun, services: Services) -> list[Entry]:
    """The entries of steps outside loops that lie beyond those that were read: of one step, one look."""
    if not shown.next or shown.workflow is None:
        return []
    read = {one.path for one in shown.entries}
    found: list[Entry] = []
    for step in shown.workflow.steps:
        if step.type != "for_each" and not step.blocks and step.name not in read:
            found += (await services.chain.runs.steps(shown.run.id, shown.next, 1, under=step.name)).items
    return found


async def tries(run_id: str, path: str, services: Services) -> Sequence[Entry]:
    """Every try of one step, the first one first."""
    page = await services.chain.runs.steps(run_id, 0, 1_000, under=path, every=True)
    return [one for one in page.items if one.path == path]


async def turns(
    run_id: str, loop: str, after: int, only_bad: bool, services: Services
) -> tuple[list[Entry], int]:
    """A page of what happened in a loop, and the `after` of the next one; with `only_bad` what did not go well."""
    found: list[Entry] = []
    for _ in range(LOOKED_THROUGH):
        page = await services.chain.runs.steps(run_id, after, 1_000 if only_bad else TURNS, under=loop)
        inner = [one for one in page.items if one.path != loop]
        found += [one for one in inner if one.state in BAD] if only_bad else inner
        after = page.next
        if not after or not only_bad or len(found) >= TURNS:
            break
    if len(found) > TURNS:
        return found[:TURNS], found[TURNS - 1].number
    return found, after


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked to decide in a run."""

    path: str
    person: str
    title: str
    expires_at: int


def asked(shown: ShownRun) -> list[Asked]:
    """Approvals that a run waits for."""
    return [
        Asked(one.path, one.person, one.title, one.expires_at)
        for one in shown.waits
        if one.kind is WaitKind.APPROVAL
    ]


def told_failed(entries: Sequence[Entry], run: Run) -> Sequence[Entry]:
    """The entries, of which the one that ended its run as a failure counts as failed, although it did what it says."""
    if run.state is not RunState.FAILED:
        return entries
    name = run.error.partition(":")[0]
    return [
        structs.replace(one, state=EntryState.FAILED, error=run.error)
        if one.state is EntryState.DONE and name_at(one.path) == name
        else one
        for one in entries
    ]


def failed(found: Sequence[Line], error: str) -> Line | None:
    """The step that a run failed at: the one that its error names, else the last one that failed."""
    named = [one for one in found if name_at(one.path) == error.partition(":")[0]]
    own = [one for one in found if one.entry is not None and one.entry.state is EntryState.FAILED]
    return next(reversed(named or own or [one for one in found if one.bad]), None)
