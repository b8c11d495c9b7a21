"""What the front page tells of the sending side: destinations that take nothing, and deliveries that were given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.outgoing.values import DeliveryState
from hookstation.engine.outgoing.figures import HOUR, Standing
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.web.services import Services

DAY_HOURS: Final = 24
TROUBLED: Final = frozenset({"open", "gone", "given_up"})
MOST: Final = 100
"""Dead letters are counted up to this."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """`dead`: deliveries of the last day that were given up and not sent again, counted up to `MOST`."""

    destinations: Sequence[Standing] = ()
    dead: int = 0

    @property
    def many(self) -> bool:
        """Whether there may be more dead ones than were counted."""
        return self.dead >= MOST


async def troubled(services: Services) -> Troubled:
    """What needs a person. Dead ones are looked for only where the figures of the day tell of any."""
    standing = await services.outgoing.figures.all()
    if not standing:
        return Troubled()
    now = services.clock.now()
    since = now // HOUR * HOUR - (DAY_HOURS - 1) * HOUR
    dead = 0
    if any(one.dead for one in await services.store.delivery_figures(since, now + HOUR)):
        which = DeliveryFilter(states=frozenset({DeliveryState.DEAD}), since=since)
        dead = len((await services.store.list_deliveries(which, MOST)).items)
    return Troubled([one for one in standing if one.word in TROUBLED], dead)
