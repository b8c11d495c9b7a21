"""How schedules stand, and the switching off of one that fails too often."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from hookstation.core.jobs import POLLS, SCHEDULES
from hookstation.core.schedules.definitions import Schedule, ScheduleState, Starts
from hookstation.core.schedules.fires import Fire, fires, next_fire, why_never
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Run, Standing
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.schedules.firing import Begin, Known, trigger_of
from hookstation.errors import Conflict, NotFound, StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.runs import RunFilter
from hookstation.ports.store import Store

MOST_PREVIEWED: Final = 1_000
IT_DID: Final = "It has fired for the last time."
LOOK_EVERY: Final = 5.0
"""Seconds between two looks for schedules that fail too often."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScheduleStanding:
    """A schedule as lists show it.

    `next`: when it fires by itself, ``None`` where it does not.  `last`: the run that it started last.  `said`: why it
    started or will start none.
    """

    schedule: Schedule
    standing: Standing
    next: Fire | None
    last: Run | None
    said: str = ""

    @property
    def off(self) -> bool:
        """Whether it was switched off for its failures."""
        return self.standing.off


class Schedules:
    """What people ask of schedules."""

    def __init__(
        self, store: Store, known: Known, begin: Begin, emitter: Emitter, clock: Clock, event_log: EventLog
    ) -> None:
        self._store, self._known, self._begin = store, known, begin
        self._emitter, self._clock, self._event_log = emitter, clock, event_log

    def named(self, name: str) -> Schedule:
        """One schedule. Raises `NotFound`."""
        found = self._known.schedules.get(name)
        if found is None:
            raise NotFound("schedule", name)
        return found

    def preview(self, schedule: str | Schedule, count: int = 20) -> list[Fire]:
        """The next times of a schedule, whatever its state. Raises `NotFound`."""
        one = self.named(schedule) if isinstance(schedule, str) else schedule
        found = fires(one, self._clock.now())
        return [fire for fire, _ in zip(found, range(min(count, MOST_PREVIEWED)), strict=False)]

    async def all(self) -> list[ScheduleStanding]:
        """Every schedule, by name."""
        return await self.these(self._known.schedules)

    async def these(self, names: Iterable[str]) -> list[ScheduleStanding]:
        """Those with these names that there are, by name."""
        standings = await self._store.standings(SCHEDULES)
        known = self._known.schedules
        return [await self._show(known[name], standings) for name in sorted(names) if name in known]

    async def one(self, name: str) -> ScheduleStanding:
        """How one stands. Raises `NotFound`."""
        return await self._show(self.named(name), await self._store.standings(SCHEDULES))

    async def run_now(self, name: str, who: str) -> Run | None:
        """Start what it starts, besides its times; ``None`` for a poll, which is due then. Raises `NotFound`."""
        schedule = self.named(name)
        self._event_log.write("schedule_run", schedule=name, who=who)
        if schedule.kind is Starts.POLL:
            await self._store.hurry(POLLS, schedule.target)
            return None
        start = self._begin(schedule.kind, schedule.target, schedule.input, trigger_of(name))
        await self._store.start_runs([start])
        return start.run

    async def enable(self, name: str, who: str) -> None:
        """Let one fire again that was switched off. Raises `NotFound`, `Conflict` where it was not."""
        schedule = self.named(name)
        standing = (await self._store.standings(SCHEDULES)).get(name)
        if standing is None or not standing.off:
            raise Conflict(
                f"The schedule “{name}” was not switched off for failures; set its state to change it."
            )
        await self._store.save_standing(structs.replace(standing, failures=0, off=False, why=""))
        await self._store.hurry(SCHEDULES, schedule.name)
        self._event_log.write("schedule_enabled", schedule=name, who=who)

    async def run(self) -> None:
        """Until cancelled: switch off what fails too often."""
        while True:
            try:
                await self.look()
            except StoreError as failure:
                log.error("how schedules stand cannot be read just now: %s", failure.message)
            await self._clock.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Switch off, and tell of, each schedule whose runs failed too often in a row. Raises `StoreError`."""
        limited = {
            name: one.disable_after for name, one in self._known.schedules.items() if one.disable_after
        }
        if not limited:
            return
        for name, standing in (await self._store.standings(SCHEDULES)).items():
            if not standing.off and standing.failures >= limited.get(name, standing.failures + 1):
                await self._switch_off(name, standing)

    async def _switch_off(self, name: str, standing: Standing) -> None:
        await self._store.save_standing(structs.replace(standing, off=True))
        told: dict[str, JSON] = {
            "schedule": {"name": name},
            "failures": standing.failures,
            "why": standing.why,
        }
        key = f"schedule.disabled/{name}/{standing.failed_at}"
        await self._store.emit(self._emitter.own("schedule.disabled", told, key=key))
        self._event_log.write(
            "schedule_disabled", schedule=name, failures=standing.failures, why=standing.why
        )

    async def _show(self, schedule: Schedule, standings: Mapping[str, Standing]) -> ScheduleStanding:
        name = schedule.name
        page = await self._store.list_runs(RunFilter(trigger=trigger_of(name)), 1)
        kept = await self._store.get_kept(SCHEDULES, name)
        standing, now = standings.get(name, Standing(SCHEDULES, name)), self._clock.now()
        following = next_fire(schedule, now)
        never = _why_never(schedule, kept.get("fired", ""), now) if following is None else ""
        fires_itself = schedule.state is ScheduleState.ACTIVE and not standing.off
        return ScheduleStanding(
            schedule,
            standing,
            following if fires_itself else None,
            page.items[0] if page.items else None,
            " ".join(filter(None, (kept.get("said", ""), never))),
        )


def _why_never(schedule: Schedule, fired: str, now: int) -> str:
    """Why it does not fire any more. `fired`: the time at which it did last, as it is kept."""
    never = why_never(schedule, now)
    if never is None:
        return ""
    last = next_fire(schedule, int(fired) - 1) if fired else None
    return IT_DID if last is not None and last.at == int(fired) else never.message
