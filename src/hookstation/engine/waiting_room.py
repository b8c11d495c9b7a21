"""Runs as people see them: events whose senders were told a status address, and what each of them waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hookstation.core.events import OPEN_STATES, Event, State
from hookstation.core.jobs import EVENTS, JobState, StoredJob
from hookstation.engine.retrying import GAVE_UP, PARKED, key_shown
from hookstation.engine.runs import word_of
from hookstation.engine.settlements import CANCELLED
from hookstation.engine.unfinished import read_unfinished
from hookstation.errors import NotFound
from hookstation.ports.store import EventFilter, Store


class Kind(StrEnum):
    """Which runs to list."""

    ALL = "all"
    WAITING = "waiting"
    PARKED = "parked"
    DEAD = "dead"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


STATES: Final = {
    Kind.ALL: frozenset(State),
    Kind.WAITING: OPEN_STATES,
    Kind.PARKED: frozenset({State.HELD, State.UNKNOWN}),
    Kind.DEAD: frozenset({State.FAILED}),
    Kind.CANCELLED: frozenset({State.FAILED}),
    Kind.SUCCEEDED: frozenset({State.SUCCEEDED}),
    Kind.FAILED: frozenset({State.FAILED}),
}
REASONS: Final = {Kind.PARKED: PARKED, Kind.DEAD: GAVE_UP, Kind.CANCELLED: CANCELLED}


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `order`: its order value, empty without one.

    `behind`: it stands behind another one of its order.  `parked`: it waits for a person.  `due_at`: when it is tried
    next, microseconds since the epoch by the store's clock; 0 where that is not known, or it is at work.
    """

    event: Event
    order: str = ""
    behind: bool = False
    parked: bool = False
    at_work: bool = False
    due_at: int = 0

    @property
    def status(self) -> str:
        """How it stands, as its status address says it."""
        return word_of(self.event)


class WaitingRoom:
    """Lists and shows runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(
        self, webhook: str, kind: Kind, limit: int, after: str = "", since: int = 0
    ) -> tuple[Sequence[Run], str]:
        """A page, newest first, which may have fewer than `limit`; and the `after` of the next one."""
        page = await self._store.list_events(EventFilter(webhook, STATES[kind], since), limit, after)
        reason = REASONS.get(kind)
        runs = [
            await self._run(event)
            for event in page.items
            if event.run_id and (reason is None or event.reason == reason)
        ]
        return runs, page.next

    async def show(self, name: str) -> Run:
        """The run with this id, or of the event with this id. Raises `NotFound`."""
        event = await self._store.find_run(name) if name else None
        event = event or await self._store.get_event(name)
        if event is None:
            raise NotFound("run", name)
        return await self._run(event)

    async def _run(self, event: Event) -> Run:
        found = await self._store.find_job(EVENTS, event.id) if event.state in OPEN_STATES else None
        return Run(event) if found is None else _waiting(event, found)


def _waiting(event: Event, found: StoredJob) -> Run:
    order = key_shown(found.job.key) if found.job.lane else ""
    parked = read_unfinished(found.job).parked
    at_work, behind = found.state is JobState.LEASED, found.state is JobState.BEHIND
    return Run(event, order, behind, parked, at_work, 0 if parked or at_work or behind else found.due_at)
