"""Deliveries on their way: leased for their destination, tried, and settled.

At least once: what is under way when a node dies is tried again by another one, and nothing else is tried twice.  A
node that stood still asks the database whether it still counts before it sends anything.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from msgspec import structs

from hookstation.core.jobs import DELIVERIES
from hookstation.core.outgoing.health import Ended
from hookstation.core.outgoing.retrying import Again, Delivered, Verdict, after
from hookstation.core.outgoing.subscribing import CompiledSubscription
from hookstation.core.outgoing.values import Delivery, DeliveryState, Emission
from hookstation.core.values import JSON
from hookstation.engine.lane_worker import Room
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.attempt import Tried, Trying
from hookstation.engine.outgoing.counts import DeliveryCounts
from hookstation.engine.outgoing.destinations import Destinations
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.outgoing.listening import Listening
from hookstation.engine.outgoing.live import Live, Place
from hookstation.engine.outgoing.slots import Slots
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.deliveries import DeliveryEnd, LeasedDelivery
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

AT_ONCE: Final = 1_000
"""Deliveries that one node tries at the same time, for all destinations together."""

SENDS: Final = 4
"""Requests of one try at most: a token, the delivery, and both once more where the token was refused."""

LEASE_SLACK: Final = 60.0
"""Seconds of a lease besides what the requests may take."""

BROKE: Final = 30.0
"""Seconds until a delivery is tried again whose try a mistake of ours broke."""

STOOD_STILL: Final = 1.0
"""Seconds until a delivery is tried again that was leased by a node which was buried meanwhile."""

STALE: Final = 1.0
"""Seconds after which a delivery that was leased ahead is looked at again before it leaves."""

SECOND: Final = 1_000_000
DEAD: Final = "delivery.dead"

log = logging.getLogger(__name__)


class Done(NamedTuple):
    """The end of a try, with what was tried."""

    end: DeliveryEnd
    item: LeasedDelivery


class Deliver:
    """Does the jobs of the queue `DELIVERIES`. Implements `engine.lane_worker.LaneWork`.

    `follow`: makes sure that the newest configuration is live.  `chance`: random numbers from 0 to 1.  `stopping`: what
    has not left yet is put back.
    """

    def __init__(  # noqa: PLR0913 - the meeting point of the sending side
        self,
        store: Store,
        live: Live,
        trying: Trying,
        destinations: Destinations,
        emitter: Emitter,
        listening: Listening,
        counts: DeliveryCounts,
        membership: Membership,
        clock: Clock,
        event_log: EventLog,
        follow: Callable[[], Awaitable[None]],
        chance: Callable[[], float],
    ) -> None:
        self._store, self._live, self._trying = store, live, trying
        self._destinations, self._emitter = destinations, emitter
        self._listening, self._counts = listening, counts
        self._membership, self._clock, self._event_log = membership, clock, event_log
        self._follow, self._chance = follow, chance
        self._asking = asyncio.Lock()
        self.stopping = False

    @property
    def queue(self) -> str:
        """The queue's name."""
        return DELIVERIES

    def room(self, lane: str, at_work: int) -> Room:
        """How many deliveries may leave for a destination now."""
        return Room(0) if self.stopping else self._destinations.room(lane, at_work)

    async def lease(self, lane: str, limit: int, most: int) -> Sequence[LeasedDelivery]:
        """Lease deliveries of a destination."""
        place = self._live.place(lane)
        found = await self._store.lease_deliveries(
            lane, self._membership.node_id, _lease_seconds(place, most), limit, most
        )
        self._destinations.leave(lane, len(found))
        return found

    async def next_due(self, lane: str) -> int | None:
        """When the next delivery of a destination is due."""
        return await self._store.next_due(DELIVERIES, lane)

    async def do(self, item: LeasedDelivery) -> Done:
        """Try a delivery, or put it back where it may not leave now."""
        delivery = item.delivery
        if not self._is_known(delivery):
            await self._follow()
            if not self._is_known(delivery):
                return self._cancelled(item)
        place, shape = self._live.place(delivery.destination), self._live.shape(delivery.subscription)
        if place is None or shape is None:
            return self.put_off(item)
        slots = self._destinations.slots(place.destination)
        is_fresh = slots.take() or await self._waited(slots)
        try:
            if not is_fresh and not await self._still_waits(delivery):
                return self._put_back(item, 0.0)
            return await self._try(item, place, shape)
        finally:
            slots.give()

    async def _waited(self, slots: Slots) -> bool:
        """Wait for a place; whether that was so short that what was leased surely stands."""
        asked = self._clock.monotonic()
        await slots.wait()
        return self._clock.monotonic() - asked <= STALE

    async def _try(self, item: LeasedDelivery, place: Place, shape: CompiledSubscription) -> Done:
        delivery = item.delivery
        if self.stopping or not self._destinations.may_leave(delivery.destination):
            return self._put_back(item, 0.0)
        if not self._membership.was_heard:
            await self._ask()
        if item.leased.lease.node != self._membership.node_id:
            return self._put_back(item, STOOD_STILL)
        tried = await self._trying.try_once(place, shape, item.event, delivery.id, delivery.attempts + 1)
        return await self._ended(item, place, tried)

    def put_off(self, item: LeasedDelivery) -> Done:
        """The end of a delivery whose try broke."""
        return self._put_back(item, BROKE)

    async def settle(self, ends: Sequence[Done]) -> None:
        """Write how tries ended, and tell who listens."""
        told = await self._store.settle_deliveries([one.end for one in ends])
        for one, stands in zip(ends, told, strict=True):
            if stands and self._listening.is_heard:
                self._listening.tell(_standing(one), one.end.attempt)
            elif not stands:
                log.warning("a delivery was taken over or cancelled meanwhile: %s", one.item.delivery.id)

    def _is_known(self, delivery: Delivery) -> bool:
        named = not delivery.subscription or self._live.has_subscription(delivery.subscription)
        return named and self._live.has(delivery.destination)

    async def _still_waits(self, delivery: Delivery) -> bool:
        """Whether nobody has cancelled it while it waited for its place here."""
        found = await self._store.get_delivery(delivery.id)
        return found is not None and found.state is DeliveryState.WAITING

    async def _ask(self) -> None:
        """Make sure that this node counts as alive: else others have leased what it holds, and it has another id."""
        async with self._asking:
            if not self._membership.was_heard:
                await self._membership.beat()

    def _put_back(self, item: LeasedDelivery, seconds: float) -> Done:
        again = structs.replace(item.leased.job, delay=int(seconds * SECOND))
        place = item.delivery.destination
        return Done(DeliveryEnd(item.leased.lease, place, DeliveryState.WAITING, again=again), item)

    def _cancelled(self, item: LeasedDelivery) -> Done:
        """It goes nowhere any more."""
        delivery = item.delivery
        self._event_log.write(
            "delivery_cancelled",
            delivery=delivery.id,
            destination=delivery.destination,
            subscription=delivery.subscription,
            why="The destination or the subscription is not configured any more.",
        )
        end = DeliveryEnd(
            item.leased.lease, delivery.destination, DeliveryState.CANCELLED, ended_at=self._clock.now()
        )
        return Done(end, item)

    async def _ended(self, item: LeasedDelivery, place: Place, tried: Tried) -> Done:
        job, attempt, now = item.leased.job, tried.attempt, self._clock.now()
        ended = Ended(attempt.started_at, now, attempt.trouble, tried.wait)
        if not self._destinations.goes_on_well(place.destination, ended):
            await self._observe(place, ended)
        verdict = after(place.destination.retry, job.tries + 1, attempt.trouble, tried.wait, self._chance())
        self._tell(item, tried, verdict)
        lease, name = item.leased.lease, place.destination.name
        if isinstance(verdict, Again):
            delay = int(verdict.seconds * SECOND)
            again = structs.replace(job, delay=delay, tries=job.tries + 1)
            return Done(DeliveryEnd(lease, name, DeliveryState.WAITING, attempt, again), item)
        if isinstance(verdict, Delivered):
            return Done(DeliveryEnd(lease, name, DeliveryState.DELIVERED, attempt, ended_at=now), item)
        emissions = self._of_death(item, tried)
        end = DeliveryEnd(lease, name, DeliveryState.DEAD, attempt, ended_at=now, emissions=emissions)
        return Done(end, item)

    async def _observe(self, place: Place, ended: Ended) -> None:
        """What it says of the destination; the delivery's own end stands, whatever comes of that."""
        try:
            await self._destinations.observe(place.destination, ended)
        except StoreError as failure:
            name = place.destination.name
            log.error("how the destination “%s” stands could not be saved: %s", name, failure.message)
        except Exception:  # else what was just delivered would be sent again, and again
            log.exception("what an attempt says of the destination “%s” broke", place.destination.name)

    def _of_death(self, item: LeasedDelivery, tried: Tried) -> tuple[Emission, ...]:
        """Others are told of a dead delivery; of one by which they were to be told of that, nobody is."""
        delivery, attempt = item.delivery, tried.attempt
        if delivery.type == DEAD:
            return ()
        payload: dict[str, JSON] = {
            "id": delivery.id,
            "type": delivery.type,
            "destination": delivery.destination,
            "subscription": delivery.subscription,
            "attempts": attempt.number,
            "status": attempt.status,
            "trouble": attempt.trouble.value,
            "error": attempt.error,
        }
        event = item.event
        return tuple(
            self._emitter.own(DEAD, payload, source=event.source, but=delivery.destination, hops=event.hops)
        )

    def _tell(self, item: LeasedDelivery, tried: Tried, verdict: Verdict) -> None:
        """One line with everything, secrets masked; and one count."""
        delivery, attempt = item.delivery, tried.attempt
        timing = attempt.timing
        self._counts.tried(delivery.destination, attempt)
        self._event_log.write(
            "delivery_attempted",
            delivery=delivery.id,
            event_out=delivery.event_id,
            event_id=item.event.source,
            type=delivery.type,
            subscription=delivery.subscription,
            destination=delivery.destination,
            node=attempt.node,
            attempt=attempt.number,
            method=attempt.method,
            size=len(attempt.body),
            status=attempt.status,
            trouble=attempt.trouble.value,
            error=attempt.error,
            verdict=type(verdict).__name__.lower(),
            again_ms=int(verdict.seconds * 1000) if isinstance(verdict, Again) else None,
            duration_us=timing.total,
            dns_us=timing.dns,
            connect_us=timing.connect,
            tls_us=timing.tls,
            first_byte_us=timing.first_byte,
            answer_size=len(attempt.answer),
        )


def _lease_seconds(place: Place | None, most: int) -> float:
    """So long that what is leased is done by then, also what waits for others of its destination that hang."""
    if place is None:
        return LEASE_SLACK
    rounds = math.ceil(most / place.destination.concurrency)
    return rounds * SENDS * place.destination.timeout + LEASE_SLACK


def _standing(done: Done) -> Delivery:
    """The delivery as it stands after its end."""
    end, delivery = (
        done.end,
        structs.replace(done.item.delivery, state=done.end.state, ended_at=done.end.ended_at),
    )
    if end.attempt is None:
        return delivery
    tried = end.attempt
    return structs.replace(
        delivery, attempts=tried.number, status=tried.status, trouble=tried.trouble, error=tried.error
    )
