"""How destinations do: per-hour figures for charts, what waits, and how each one stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.outgoing.definitions import Destination, DestinationMode
from hookstation.core.outgoing.health import seen
from hookstation.core.outgoing.values import DeliveryFigures, DestinationState, Health
from hookstation.engine.outgoing.live import Live
from hookstation.errors import Invalid, Problem
from hookstation.ports.clock import Clock
from hookstation.ports.deliveries import MOST_COUNTED
from hookstation.ports.store import Store

HOUR: Final = 3_600 * 1_000_000
USUAL_HOURS: Final = 48
MOST_HOURS: Final = 31 * 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of a chart. `hour`: microseconds since the epoch; `took`: microseconds of an attempt, on average."""

    hour: int
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    took: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A destination with how it stands. `waiting`: deliveries on their way, counted up to `MOST_COUNTED`.

    `word` is what pages show in a badge: its mode where that is not active, else its health.
    """

    destination: Destination
    state: DestinationState
    waiting: int = 0

    @property
    def word(self) -> str:
        """``active``, ``paused``, ``disabled``, ``slowed``, ``open``, ``gone`` or ``given_up``."""
        if self.destination.mode is not DestinationMode.ACTIVE:
            return self.destination.mode.value
        return "active" if self.state.health is Health.GOOD else self.state.health.value

    @property
    def many(self) -> bool:
        """Whether more wait than were counted."""
        return self.waiting >= MOST_COUNTED


class Figures:
    """Reads them; every read is bounded by destinations and hours, never by deliveries."""

    def __init__(self, store: Store, live: Live, clock: Clock) -> None:
        self._store, self._live, self._clock = store, live, clock

    async def all(self) -> Sequence[Standing]:
        """Every destination with how it stands, by name; nothing is asked where there is none."""
        if not self._live.destinations:
            return []
        waiting = await self._store.count_waiting_deliveries()
        states = await self._states()
        return [
            Standing(one, states.get(one.name, DestinationState(one.name)), waiting.get(one.name, 0))
            for one in sorted(self._live.destinations.values(), key=lambda one: one.name)
        ]

    async def one(self, name: str) -> Standing:
        """One destination with how it stands. Raises `NotFound`."""
        destination = self._live.destination(name)
        waiting = await self._store.count_waiting_deliveries()
        states = await self._states()
        return Standing(destination, states.get(name, DestinationState(name)), waiting.get(name, 0))

    async def _states(self) -> Mapping[str, DestinationState]:
        now = self._clock.now()
        return {one.name: seen(one, now) for one in await self._store.destination_states()}

    async def waiting(self) -> Mapping[str, int]:
        """Deliveries on their way by destination, counted up to `MOST_COUNTED` each."""
        return await self._store.count_waiting_deliveries()

    async def chart(self, name: str, hours: int = USUAL_HOURS) -> Sequence[Bar]:
        """The last hours of a destination, oldest first, the present one last, also those without anything.

        Raises `NotFound`, `Invalid` for `hours`.
        """
        if not 1 <= hours <= MOST_HOURS:
            raise Invalid([Problem(("hours",), f"must be a whole number from 1 to {MOST_HOURS}.")])
        self._live.destination(name)
        last = self._clock.now() // HOUR * HOUR
        first = last - (hours - 1) * HOUR
        found = {one.hour: one for one in await self._store.delivery_figures(first, last + HOUR, name)}
        return [_bar(hour, found.get(hour)) for hour in range(first, last + HOUR, HOUR)]


def _bar(hour: int, figures: DeliveryFigures | None) -> Bar:
    if figures is None:
        return Bar(hour)
    ended = figures.delivered + figures.failed
    return Bar(hour, figures.delivered, figures.failed, figures.dead, figures.took // max(ended, 1))
