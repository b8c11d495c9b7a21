"""How things go, for people and programs: read from roll-ups, so that a large journal makes nothing slow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.detect.findings import NEEDS_A_PERSON, Finding
from hookstation.core.events import State
from hookstation.core.jobs import EVENTS
from hookstation.core.tallies import (
    DAY,
    HOUR,
    MINUTE,
    STATION,
    Figures,
    Span,
    Tally,
    end_name,
    figures,
    total,
)
from hookstation.engine.retrying import GAVE_UP, PARKED
from hookstation.errors import Conflict, NotFound
from hookstation.ports.clock import Clock
from hookstation.ports.store import Store

DAY_HOURS: Final = 24
MOST_HOURS: Final = 24 * 31
"""How many hours can be looked back."""

BY_MINUTE: Final = 2
"""Up to so many hours are shown by minute."""

MOST_FINDINGS: Final = 200
BUSIEST: Final = 10


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of an hour or a minute. `at`: when it begins, microseconds since the epoch."""

    at: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Course:
    """How it went: the whole, and each day, hour or minute (`step` microseconds long), oldest first, empty ones too."""

    whole: Figures
    points: Sequence[Point]
    step: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events whose senders were answered before the work is done, to within a few seconds.

    `waiting`: at work or before it; `parked`: waiting for a person; `dead`: given up, of those that came in the time
    that is looked at.
    """

    waiting: int = 0
    parked: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The station at a glance.

    `course` covers all webhooks; `busiest`: those with most calls in the last day (or in `hours`, where these are
    fewer).  `needs`: findings that do not go on by themselves, `unusual`: the others; neither has dismissed ones.
    `held`: webhook → events that wait until their target works again.  `backlog`: what is done after the answer.
    """

    hours: int
    course: Course
    busiest: Sequence[tuple[str, Figures]]
    needs: Sequence[Finding]
    unusual: Sequence[Finding]
    held: Mapping[str, int]
    backlog: Backlog


@dataclass(frozen=True, slots=True)
class LastDay:
    """A webhook in the list: its last call (microseconds since the epoch, 0: none), and its last 24 hours.

    `by_hour` and `failed_by_hour` are 24 numbers, the oldest first, the last one of the hour that runs.
    """

    last_call: int
    calls: int
    failures: int
    by_hour: tuple[int, ...]
    failed_by_hour: tuple[int, ...]
    held: int


class Glance:
    """Reads roll-ups and findings."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def dashboard(self, hours: int = DAY_HOURS, *, by_day: bool = False) -> Dashboard:
        """The station in the last `hours`, 1 to `MOST_HOURS`; `by_day`: its course by days (UTC), today among them."""
        now = self._clock.now()
        found = await self._store.list_findings(MOST_FINDINGS, is_open=True)
        open_ones = [one for one in found if one.needs_attention]
        course = await self._course(STATION, hours, now, by_day=by_day)
        return Dashboard(
            hours,
            course,
            await self._busiest(min(hours, DAY_HOURS), now),
            [one for one in open_ones if one.signal.kind in NEEDS_A_PERSON],
            [one for one in open_ones if one.signal.kind not in NEEDS_A_PERSON],
            await self._store.count_waiting(EVENTS),
            await self.backlog(course.whole),
        )

    async def backlog(self, whole: Figures | None = None) -> Backlog:
        """What is done after the answer. `whole`: the figures of the time whose dead letters are counted."""
        counts = total(one.counts for one in await self._store.list_tallies(Span.EVER, 0, 1, [STATION]))
        parked = sum(counts.get(end_name(state, PARKED), 0) for state in (State.HELD, State.UNKNOWN))
        waiting = sum(counts.get(state.value, 0) for state in (State.WORKING, State.SENDING))
        return Backlog(max(waiting, 0), max(parked, 0), (whole or figures(counts)).reasons.get(GAVE_UP, 0))

    async def figures(self, webhook: str, hours: int = DAY_HOURS, *, by_day: bool = False) -> Course:
        """How one webhook went in the last `hours`, as `dashboard` says of all."""
        return await self._course(webhook, hours, self._clock.now(), by_day=by_day)

    async def last_day(self, webhooks: Sequence[str]) -> dict[str, LastDay]:
        """What the list shows of these webhooks, by name."""
        now = self._clock.now()
        first = now - now % HOUR - (DAY_HOURS - 1) * HOUR
        hours: dict[str, dict[int, Figures]] = {}
        for one in await self._store.list_tallies(Span.HOUR, first, now + HOUR, webhooks):
            hours.setdefault(one.webhook, {})[one.at] = figures(one.counts)
        ever = {one.webhook: one for one in await self._store.list_tallies(Span.EVER, 0, 1, webhooks)}
        held = await self._store.count_waiting(EVENTS)
        times = range(first, first + DAY, HOUR)
        return {
            name: _last_day(hours.get(name, {}), ever.get(name), times, held.get(name, 0))
            for name in webhooks
        }

    async def vitals(self) -> tuple[Mapping[str, int], Counter[str]]:
        """For monitoring: held events by webhook, and open findings by kind that nobody has dismissed."""
        found = await self._store.list_findings(MOST_FINDINGS, is_open=True)
        kinds = Counter(one.signal.kind.value for one in found if one.needs_attention)
        return await self._store.count_waiting(EVENTS), kinds

    async def findings(self, limit: int, after: str = "", *, is_open: bool = False) -> Sequence[Finding]:
        """What was noticed, the latest first, after the id `after`."""
        return await self._store.list_findings(limit, after, is_open=is_open)

    async def dismiss(self, finding_id: str, who: str) -> Finding:
        """A person has seen to it: it is not shown any more until it happens anew.

        Raises `NotFound`, and `Conflict` where it is over already.
        """
        found = await self._store.get_finding(finding_id)
        if found is None:
            raise NotFound("finding", finding_id)
        if found.closed_at:
            raise Conflict("This finding is over: there is nothing to dismiss.")
        dismissed = await self._store.dismiss_finding(finding_id, who, self._clock.now())
        return dismissed or found

    async def _course(self, webhook: str, hours: int, now: int, *, by_day: bool = False) -> Course:
        span, step = (Span.MINUTE, MINUTE) if hours <= BY_MINUTE else (Span.HOUR, DAY if by_day else HOUR)
        first = now - now % step + step - hours * HOUR
        told = await self._store.list_tallies(span, first, now + HOUR, [webhook])
        of: dict[int, list[Mapping[str, int]]] = {}
        for one in told:
            of.setdefault(one.at - one.at % step, []).append(one.counts)
        times = range(first - first % step, now + 1, step)
        points = [Point(at, figures(total(of.get(at, ())))) for at in times]
        return Course(figures(total(one.counts for one in told)), points, step)

    async def _busiest(self, hours: int, now: int) -> list[tuple[str, Figures]]:
        """By hours of the clock, the one that runs among them."""
        first = now - now % HOUR - (hours - 1) * HOUR
        of: dict[str, list[Mapping[str, int]]] = {}
        for one in await self._store.list_tallies(Span.HOUR, first, now + HOUR):
            if one.webhook != STATION:
                of.setdefault(one.webhook, []).append(one.counts)
        found = [(name, figures(total(many))) for name, many in of.items()]
        return sorted(found, key=lambda pair: (-pair[1].calls, pair[0]))[:BUSIEST]


def _last_day(hours: Mapping[int, Figures], ever: Tally | None, times: range, held: int) -> LastDay:
    by_hour = [hours.get(at, Figures()) for at in times]
    return LastDay(
        figures(ever.counts).last if ever else 0,
        sum(one.calls for one in by_hour),
        sum(one.failures for one in by_hour),
        tuple(one.calls for one in by_hour),
        tuple(one.failures for one in by_hour),
        held,
    )
