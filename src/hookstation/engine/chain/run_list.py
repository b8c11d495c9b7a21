"""All runs in one list: those of workflows, and those of webhooks whose senders were answered before the work was done.

Both kinds of id begin with the time at which they were made, so that they can be put in one order.  An event that a
workflow works on shares its run's id and is listed as that run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from hookstation.core.workflows.values import ENDED, Run, RunState
from hookstation.engine.waiting_room import Kind, WaitingRoom
from hookstation.engine.waiting_room import Run as EventRun
from hookstation.ports.runs import RunFilter
from hookstation.ports.store import Store

AnyRun: TypeAlias = Run | EventRun

LOOKS: Final = 10
"""Pages of events that are looked through for one page of runs, where few of them have any."""


class Status(StrEnum):
    """Which runs to list, whatever began them; those before `SUCCEEDED` are not at their end.

    `OPEN`: all of these.  `WAITING`: for a time, a call, a person, another run; of a webhook, as `OPEN`.  `PARKED`:
    for a person.  `DEAD`: of a webhook, given up after all tries.
    """

    ALL = "all"
    OPEN = "open"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PARKED = "parked"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"


_STATES: Final[dict[Status, frozenset[RunState]]] = {
    Status.ALL: frozenset(),
    Status.OPEN: frozenset(RunState) - ENDED,
    Status.PARKED: frozenset({RunState.UNKNOWN}),
}
_EVENTS: Final = {
    Status.OPEN: Kind.WAITING,
    Status.QUEUED: Kind.WAITING,
    Status.RUNNING: Kind.WAITING,
    Status.UNKNOWN: Kind.WAITING,
}
_WORDS: Final = frozenset({Status.QUEUED, Status.RUNNING, Status.UNKNOWN})
"""Those of which a run of a webhook says the very word."""


@dataclass(frozen=True, slots=True)
class RunsAsked:
    """Which runs; empty fields do not filter. `webhook`: a webhook or poll.

    `workflow`, `trigger`, `parent` and `source` as in `RunFilter`: with one of them no run of a webhook is meant.
    `since`: microseconds since the epoch.
    """

    status: Status = Status.ALL
    webhook: str = ""
    workflow: str = ""
    trigger: str = ""
    parent: str = ""
    source: str = ""
    since: int = 0

    @property
    def of_workflows(self) -> bool:
        """Whether runs of workflows are meant."""
        return self.status is not Status.DEAD

    @property
    def of_webhooks(self) -> bool:
        """Whether runs of webhooks are meant."""
        return not (self.workflow or self.trigger or self.parent or self.source)


class RunList:
    """Lists and shows runs of both kinds."""

    def __init__(self, store: Store, waiting_room: WaitingRoom) -> None:
        self._store, self._waiting_room = store, waiting_room

    async def list(self, asked: RunsAsked, limit: int, after: str = "") -> tuple[Sequence[AnyRun], str]:
        """A page, newest first, which may have fewer than `limit`; and the `after` of the next one."""
        found: list[AnyRun] = []
        for _ in range(LOOKS):
            page, after = await self._page(asked, limit - len(found), after)
            found += page
            if not after or len(found) >= limit:
                break
        return found, after

    async def show(self, name: str) -> AnyRun:
        """The run with this id, or of the event with this id. Raises `NotFound`."""
        run = await self._store.get_run(name) if name else None
        if run is not None:
            return run
        found = await self._waiting_room.show(name)
        run_id = found.event.run_id
        return (await self._store.get_run(run_id) if run_id else None) or found

    async def _page(self, asked: RunsAsked, limit: int, after: str) -> tuple[Sequence[AnyRun], str]:
        """What comes next of both kinds: no further than to where both were read."""
        runs, runs_next = await self._of_workflows(asked, limit, after)
        events, events_next = await self._of_webhooks(asked, limit, after)
        known = {one.id for one in runs}
        lines: dict[str, AnyRun] = {one.id: one for one in runs}
        read_to = max(runs_next, events_next)
        for one in events:
            if one.event.id >= read_to and not await self._is_of_a_workflow(one, known):
                lines[one.event.id] = one
        keys = sorted((key for key in lines if key >= read_to), reverse=True)
        following = keys[limit - 1] if len(keys) > limit else read_to
        return [lines[key] for key in keys[:limit]], following

    async def _of_workflows(self, asked: RunsAsked, limit: int, after: str) -> tuple[Sequence[Run], str]:
        if not asked.of_workflows:
            return (), ""
        triggers = [asked.trigger]
        if asked.webhook:
            triggers = [f"webhook:{asked.webhook}", f"poll:{asked.webhook}"]
        pages = [await self._store.list_runs(_filter(asked, one), limit, after) for one in triggers]
        read_to = max(one.next for one in pages)
        found = [one for page in pages for one in page.items if one.id >= read_to]
        return found, read_to

    async def _of_webhooks(self, asked: RunsAsked, limit: int, after: str) -> tuple[Sequence[EventRun], str]:
        if not asked.of_webhooks:
            return (), ""
        status = asked.status
        kind = _EVENTS.get(status) or Kind(status.value)
        found, following = await self._waiting_room.list(asked.webhook, kind, limit, after, asked.since)
        return [one for one in found if status not in _WORDS or one.status == status.value], following

    async def _is_of_a_workflow(self, one: EventRun, known: set[str]) -> bool:
        """Whether a workflow's run has its id: the journal's event is listed as that run."""
        run_id = one.event.run_id
        return run_id in known or await self._store.get_run(run_id) is not None


def _filter(asked: RunsAsked, trigger: str) -> RunFilter:
    states = _STATES.get(asked.status)
    return RunFilter(
        workflow=asked.workflow,
        states=frozenset({RunState(asked.status.value)}) if states is None else states,
        trigger=trigger,
        parent=asked.parent,
        source=asked.source,
        since=asked.since,
    )
