"""The twin of a target that is called: its outcomes are scripted, and it remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import TypeAlias

from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.records import ACTIVITY, EntitySpec, Operation, Record
from hookstation.errors import NotFound
from hookstation.ports.connector import LookUp, LookUpVerdict, Written

Outcome: TypeAlias = "Written | Exception | asyncio.Future[Written]"


class ScriptedConnector:
    """Implements `ports.connector.RemoteConnector`.

    `outcomes` are the ends of the next calls, first in, first out: a record that stands, an error, or a future that
    the call waits for; without one the call succeeds with the next key.  `found` answers look-ups in the same way;
    without one there is nothing.  `entities` are the field lists; `refusal` is raised wherever it is asked for them.
    """

    def __init__(self, name: str = "far", settle_after: float = 300.0, zone: str = "UTC") -> None:
        self.name, self.settle_after, self.zone = name, settle_after, zone
        self.operations = frozenset(Operation)
        self.entities: Mapping[str, EntitySpec] = {ACTIVITY: ACTIVITY_SPEC}
        self.outcomes: deque[Outcome] = deque()
        self.found: deque[LookUp | Exception] = deque()
        self.refusal: Exception | None = None
        self.executed: list[Record] = []
        self.looked_up: list[tuple[Record, str]] = []
        self.described: list[str] = []
        self.closed = 0

    async def execute(self, record: Record, _spec: EntitySpec) -> Written:
        """The next scripted end."""
        self.executed.append(record)
        if not self.outcomes:
            return Written(str(len(self.executed)))
        outcome = self.outcomes.popleft()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome if isinstance(outcome, Written) else await outcome

    async def look_up(self, record: Record, _spec: EntitySpec, marker: str) -> LookUp:
        """The next scripted answer."""
        self.looked_up.append((record, marker))
        answer = self.found.popleft() if self.found else LookUp(LookUpVerdict.NONE)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def describe(self, entity: str) -> EntitySpec:
        """The entity's field list. Raises `NotFound`, or `refusal`."""
        self.described.append(entity)
        if self.refusal is not None:
            raise self.refusal
        return self.presumed(entity)

    def presumed(self, entity: str) -> EntitySpec:
        """The same field list. Raises `NotFound`."""
        if entity not in self.entities:
            raise NotFound("panel", entity)
        return self.entities[entity]

    async def check(self) -> str:
        """Reached, or `refusal`."""
        if self.refusal is not None:
            raise self.refusal
        return f"Reached {self.name}."

    async def close(self) -> None:
        """Count it."""
        self.closed += 1
