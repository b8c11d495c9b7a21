"""What the front page tells of workflows: decisions and words that are waited for, and runs that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hookstation.core.workflows.values import RunState, WaitKind
from hookstation.ports.runs import RunFilter
from hookstation.web.services import Services

DAY: Final = 24 * 3600 * 1_000_000
MOST: Final = 100
"""Runs are counted up to this."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """`decisions`: those that this person is asked for. `unknown`, `failed`: runs, the failed ones of the last day."""

    decisions: int = 0
    unknown: int = 0
    failed: int = 0
    most: int = MOST

    @property
    def any(self) -> bool:
        """Whether there is anything to be done."""
        return bool(self.decisions or self.unknown or self.failed)


async def awaited(services: Services, who: str) -> Awaited:
    """What waits for a person, and for this one. Nothing is looked for where there is neither workflow nor transfer."""
    if not services.board.workflows and not services.board.transfers:
        return Awaited()
    waits = await services.store.list_waits()
    decisions = sum(
        one.kind is WaitKind.APPROVAL and one.person.casefold() == who.casefold() for one in waits
    )
    unknown = await _count(services, RunFilter(states=frozenset({RunState.UNKNOWN})))
    day = RunFilter(states=frozenset({RunState.FAILED}), since=services.clock.now() - DAY)
    return Awaited(decisions, unknown, await _count(services, day))


async def _count(services: Services, which: RunFilter) -> int:
    return len((await services.store.list_runs(which, MOST)).items)
