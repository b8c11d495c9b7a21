"""The back-test: a changed webhook over the last real events, against what is live, and nothing written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from hookstation.core.differences import Difference
from hookstation.core.events import Event
from hookstation.core.values import JSON
from hookstation.engine.judging import ACCEPTED, UNJUDGED, Judgement, changes, judge
from hookstation.engine.retrying import GAVE_UP, PARKED
from hookstation.engine.runs import moment
from hookstation.engine.settlements import CANCELLED
from hookstation.engine.switchboard import CompiledWebhook, Switchboard
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.ports.clock import Clock
from hookstation.ports.store import EventFilter, History

MOST_EVENTS: Final = 1_000
"""Events that a back-test judges at most."""

USUAL_EVENTS: Final = 200
LOOKED_AT: Final = 10
"""How many events are looked at for each that is wanted, where many ended before their body was read."""

PAGE: Final = 50
SECONDS: Final = 60.0
"""How long a back-test goes on."""

MOST_AT_ONCE: Final = 3
"""Back-tests that a node runs at once: calls go first."""

BODILESS: Final = frozenset({"", "schema", "body", "mapping", GAVE_UP, PARKED, CANCELLED})
"""Reasons of events whose body had been read: refused earlier, an event says nothing of schema and mapping."""

GONE: Final = Judgement(UNJUDGED, "body", "The body was not kept, so nobody can say.")


@dataclass(frozen=True, slots=True)
class Compared:
    """One event under what is live and under the change. `differences` is empty where both come to the same."""

    event: Event
    before: Judgement
    after: Judgement
    differences: tuple[Difference, ...]

    @property
    def is_judged(self) -> bool:
        """Whether both sides could be told."""
        return UNJUDGED not in (self.before.verdict, self.after.verdict)

    def as_json(self) -> dict[str, JSON]:
        """The shape that the API shows."""
        return {
            "event": {
                "id": self.event.id,
                "received_at": moment(self.event.received_at),
                "state": self.event.state.value,
            },
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "differences": [one.as_json() for one in self.differences],
        }


@dataclass(slots=True)
class Tally:
    """How far a back-test has come.

    `same` and `changed` are of judged events; of the changed ones `newly_refused` were accepted, and `newly_accepted`
    were not.  `unjudged` events lack what is needed.  `wanted` is how many were asked for; `ended` says why it is over:
    ``all``, ``no more events``, ``looked far enough``, ``time``, or empty while it goes on.
    """

    wanted: int
    looked_at: int = 0
    same: int = 0
    changed: int = 0
    unjudged: int = 0
    newly_refused: int = 0
    newly_accepted: int = 0
    ended: str = ""

    @property
    def done(self) -> int:
        """How many events were compared, or could not be."""
        return self.same + self.changed + self.unjudged

    def count(self, one: Compared) -> None:
        """Count one event in."""
        if not one.is_judged:
            self.unjudged += 1
        elif not one.differences:
            self.same += 1
        else:
            self.changed += 1
            verdicts = (one.before.verdict == ACCEPTED, one.after.verdict == ACCEPTED)
            self.newly_refused += verdicts == (True, False)
            self.newly_accepted += verdicts == (False, True)

    def as_json(self) -> dict[str, JSON]:
        """The shape that the API shows."""
        return {
            "wanted": self.wanted,
            "done": self.done,
            "looked_at": self.looked_at,
            "same": self.same,
            "changed": self.changed,
            "unjudged": self.unjudged,
            "newly_refused": self.newly_refused,
            "newly_accepted": self.newly_accepted,
            "ended": self.ended,
        }


@dataclass(slots=True, eq=False)
class BackTest:
    """One back-test: iterate over `run` once; `tally` tells meanwhile how far it is. To cancel it, stop iterating."""

    name: str
    before: CompiledWebhook
    after: CompiledWebhook
    history: History
    clock: Clock
    tally: Tally
    running: set[BackTest]
    seconds: float = SECONDS
    _until: float = field(init=False, default=0.0)

    async def run(self) -> AsyncGenerator[Compared, None]:
        """Compare events, the newest first, one at a time."""
        self.running.add(self)
        try:
            async with aclosing(self._compared()) as compared:
                async for one in compared:
                    yield one
        finally:
            self.running.discard(self)

    async def _compared(self) -> AsyncGenerator[Compared, None]:
        self._until = self.clock.monotonic() + self.seconds
        after = ""
        while True:
            page = await self.history.list_events(EventFilter(self.name), PAGE, after)
            for event in page.items:
                self.tally.looked_at += 1
                if event.reason in BODILESS:
                    one = await self._compare(event)
                    self.tally.count(one)
                    yield one
                if self._is_over():
                    return
                await asyncio.sleep(0)
            after = page.next
            if not after:
                self.tally.ended = "no more events"
                return

    def _is_over(self) -> bool:
        tally = self.tally
        if tally.done >= tally.wanted:
            tally.ended = "all"
        elif tally.looked_at >= tally.wanted * LOOKED_AT:
            tally.ended = "looked far enough"
        elif self.clock.monotonic() >= self._until:
            tally.ended = "time"
        return bool(tally.ended)

    async def _compare(self, event: Event) -> Compared:
        payload = await self.history.get_payload(event.id)
        if payload is None:
            return Compared(event, GONE, GONE, ())
        before, after = (judge(hook, event, payload.body) for hook in (self.before, self.after))
        return Compared(event, before, after, tuple(changes(before, after)))


class BackTests:
    """Makes back-tests."""

    def __init__(self, switchboard: Switchboard, history: History, clock: Clock) -> None:
        self._switchboard, self._history, self._clock = switchboard, history, clock
        self._running: set[BackTest] = set()

    def begin(self, name: str, changed: CompiledWebhook, events: int = USUAL_EVENTS) -> BackTest:
        """A back-test of `changed` against what is live under `name`, over its last `events` events.

        Raises `NotFound` where nothing is live, `Invalid` for a number that may not be, and `Conflict` where what is
        live does not work itself, or too many run already.
        """
        if len(self._running) >= MOST_AT_ONCE:
            raise Conflict(
                f"{MOST_AT_ONCE} back-tests run on this node already: wait until one of them has ended."
            )
        if not 1 <= events <= MOST_EVENTS:
            raise Invalid([Problem(("events",), f"must be a whole number from 1 to {MOST_EVENTS:,}.")])
        line = self._switchboard.named(name)
        if line is None:
            raise NotFound("live webhook", name)
        try:
            live = self._switchboard.compiled(line)
        except Invalid as invalid:
            raise Conflict(
                f"What is live does not work itself, so there is nothing to compare with: {invalid.message}"
            ) from invalid
        return BackTest(name, live, changed, self._history, self._clock, Tally(events), self._running)
