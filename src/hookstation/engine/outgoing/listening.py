"""What happens to deliveries, as it happens, for whoever listens.

What this node does is told at once; what others do is looked for in the database while somebody listens, so that it
makes no difference which node is asked.  Each listener has a place of its own with bounded room: who reads too slowly
misses some, and is told how many.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hookstation.core.outgoing.values import Delivery, DeliveryAttempt
from hookstation.engine.bell import Bell
from hookstation.errors import StoreError, TryLater
from hookstation.ports.clock import Clock
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.ports.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_EVERY: Final = 1.0
"""Seconds between two looks for what other nodes did."""

LOOKED_AT: Final = 200
"""The newest deliveries, among which a look finds what has changed; what is older is told by its own node alone."""

ROOM: Final = 1_000
"""What waits for one listener at most."""

MOST_LISTENERS: Final = 50
REMEMBERED: Final = 4 * ROOM

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """A delivery as it stands now. `attempt`: what was just tried, where it was tried here; `missed`: so many before
    it were not told."""

    delivery: Delivery
    attempt: DeliveryAttempt | None = None
    missed: int = 0


@dataclass(slots=True)
class _Ear:
    destination: str
    bell: Bell
    waiting: deque[Heard] = field(default_factory=deque)
    missed: int = 0

    def tell(self, heard: Heard) -> None:
        if self.destination and heard.delivery.destination != self.destination:
            return
        if len(self.waiting) >= ROOM:
            self.missed += 1
            return
        missed, self.missed = self.missed, 0
        self.waiting.append(Heard(heard.delivery, heard.attempt, missed))
        self.bell.ring()


class Listening:
    """Tells listeners; nothing of it costs anything while there are none."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._ears: list[_Ear] = []
        self._known: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._looker: asyncio.Task[None] | None = None

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._ears)

    def tell(self, delivery: Delivery, attempt: DeliveryAttempt | None) -> None:
        """This node has just tried a delivery, which now stands so."""
        if self._ears and self._is_news(delivery):
            for ear in self._ears:
                ear.tell(Heard(delivery, attempt))

    async def listen(self, destination: str = "") -> AsyncGenerator[Heard, None]:
        """What happens from now on, to one destination or to all; until the caller stops. Raises `TryLater`."""
        async with aclosing(self.breaths(destination)) as breaths:
            async for heard in breaths:
                if heard is not None:
                    yield heard

    async def breaths(self, destination: str = "") -> AsyncGenerator[Heard | None, None]:
        """As `listen`, with ``None`` at the beginning and after each `LOOK_EVERY` seconds of silence."""
        with self._ear(destination) as ear:
            await self._remember()
            yield None
            while True:
                while ear.waiting:
                    yield ear.waiting.popleft()
                if not await ear.bell.wait(LOOK_EVERY):
                    yield None

    @contextmanager
    def _ear(self, destination: str) -> Iterator[_Ear]:
        if len(self._ears) >= MOST_LISTENERS:
            raise TryLater(30, f"{MOST_LISTENERS} listeners are there already. End one, or try again later.")
        ear = _Ear(destination, Bell(self._clock))
        self._ears.append(ear)
        try:
            yield ear
        finally:
            self._ears.remove(ear)
            if not self._ears and self._looker is not None:
                self._looker.cancel()
                self._looker = None

    async def _remember(self) -> None:
        """What stands before the first listener comes is no news."""
        if self._looker is None:
            for delivery in await self._newest():
                self._is_news(delivery)
            self._looker = self._looker or asyncio.get_running_loop().create_task(self._look(), name="listen")

    async def _look(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY)
            try:
                for delivery in (await self._newest())[::-1]:
                    self.tell(delivery, None)
            except StoreError as failure:
                log.warning("deliveries cannot be looked at just now: %s", failure.message)

    async def _newest(self) -> Sequence[Delivery]:
        return (await self._store.list_deliveries(DeliveryFilter(), LOOKED_AT)).items

    def _is_news(self, delivery: Delivery) -> bool:
        """Whether it stands otherwise than was told; what was told last is remembered, within bounds."""
        stands = (delivery.attempts, delivery.state.value)
        before = self._known.get(delivery.id)
        if before == stands or (before is not None and before[0] > delivery.attempts):
            return False
        self._known[delivery.id] = stands
        self._known.move_to_end(delivery.id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return True
