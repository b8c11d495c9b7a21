"""What goes out, in the in-memory twin: events, deliveries, attempts, figures, and how destinations stand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import structs

from hookstation.core.jobs import DELIVERIES, JobEnd, JobState
from hookstation.core.outgoing.delivery_rules import (
    ENDED,
    HOUR,
    begun,
    delivery_job,
    figures_moved,
    is_of_type,
    together,
)
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryFigures,
    DeliveryState,
    DestinationState,
    Emission,
    EventOut,
)
from hookstation.ports.deliveries import (
    DESTINATIONS_CHANGED,
    MOST_COUNTED,
    DeliveryEnd,
    DeliveryFilter,
    DeliveryPage,
    LeasedDelivery,
)
from hookstation.testing.memory_runs import MemoryRuns


class MemoryDeliveries(MemoryRuns):
    """Implements `ports.deliveries.Deliveries` on the twin's jobs."""

    def _begin_deliveries(self) -> None:
        self._events_out: dict[str, EventOut] = {}
        self._raised: dict[str, str] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._attempts_made: dict[str, list[DeliveryAttempt]] = {}
        self._figures: dict[tuple[int, str], DeliveryFigures] = {}
        self._standing: dict[str, DestinationState] = {}

    async def emit(self, emissions: Sequence[Emission]) -> Sequence[str]:
        """Keep what goes out."""
        self._check()
        told = self._emit(emissions)
        self._tell_ready()
        return told

    async def lease_deliveries(
        self, destination: str, node_id: str, seconds: float, limit: int, most: int = 0
    ) -> Sequence[LeasedDelivery]:
        """Lease deliveries that are due."""
        found = await self.lease(DELIVERIES, node_id, seconds, limit, destination, most)
        deliveries = [self._deliveries[one.job.id] for one in found]
        return [
            LeasedDelivery(one, delivery, self._events_out[delivery.event_id])
            for one, delivery in zip(found, deliveries, strict=True)
        ]

    async def settle_deliveries(self, ends: Sequence[DeliveryEnd]) -> Sequence[bool]:
        """Say how tries ended."""
        self._check()
        now = self._now()
        told = []
        for end in ends:
            told.append(self._settle_job(JobEnd(end.lease, end.again), now))
            if told[-1]:
                self._end(end)
        self._tell_ready()
        return told

    async def get_event_out(self, event_id: str) -> EventOut | None:
        """One event out."""
        return self._events_out.get(event_id)

    async def list_events_out(self, limit: int, after: str = "", type_: str = "") -> Sequence[EventOut]:
        """Events out, newest first."""
        found = [
            event
            for event in self._events_out.values()
            if is_of_type(event.type, type_) and not (after and event.id >= after)
        ]
        return sorted(found, key=lambda event: event.id, reverse=True)[:limit]

    async def get_delivery(self, delivery_id: str) -> Delivery | None:
        """One delivery."""
        found = self._deliveries.get(delivery_id)
        return found and self._shown(found)

    async def list_deliveries(self, which: DeliveryFilter, limit: int, after: str = "") -> DeliveryPage:
        """Deliveries, newest first."""
        found = [
            delivery_id
            for delivery_id, delivery in self._deliveries.items()
            if which.passes(delivery) and not (after and delivery_id >= after)
        ]
        chosen = sorted(found, reverse=True)[:limit]
        items = [self._shown(self._deliveries[delivery_id]) for delivery_id in chosen]
        return DeliveryPage(items, chosen[-1] if chosen and len(found) > limit else "")

    async def list_delivery_attempts(self, delivery_id: str) -> Sequence[DeliveryAttempt]:
        """Attempts, oldest first."""
        return sorted(self._attempts_made.get(delivery_id, ()), key=lambda attempt: attempt.number)

    async def revive(self, ids: Sequence[str]) -> int:
        """Have deliveries tried again."""
        self._check()
        found = self._known(ids)
        for delivery in found:
            self._make_due(delivery)
            self._deliveries[delivery.id] = structs.replace(delivery, state=DeliveryState.WAITING, ended_at=0)
        self._tell_ready()
        return len(found)

    async def cancel_deliveries(self, ids: Sequence[str], at: int) -> int:
        """End deliveries that wait."""
        self._check()
        found = [one for one in self._known(ids) if one.state is DeliveryState.WAITING]
        for delivery in found:
            self._remove(DELIVERIES, delivery.id)
            self._deliveries[delivery.id] = structs.replace(
                delivery, state=DeliveryState.CANCELLED, ended_at=at
            )
        self._tell_ready()
        return len(found)

    async def count_waiting_deliveries(self) -> Mapping[str, int]:
        """How many wait, by destination."""
        counts: dict[str, int] = {}
        for delivery in self._deliveries.values():
            if delivery.state is DeliveryState.WAITING:
                counts[delivery.destination] = min(counts.get(delivery.destination, 0) + 1, MOST_COUNTED)
        return counts

    async def delivery_figures(
        self, since: int, until: int, destination: str = ""
    ) -> Sequence[DeliveryFigures]:
        """Hours, oldest first."""
        return [
            self._figures[place]
            for place in sorted(self._figures)
            if since <= place[0] < until and destination in ("", place[1])
        ]

    async def destination_states(self) -> Sequence[DestinationState]:
        """Every state, by name."""
        return [self._standing[name] for name in sorted(self._standing)]

    async def save_destination_state(self, state: DestinationState) -> bool:
        """Keep a state that follows on the one there."""
        self._check()
        before = self._standing.get(state.name)
        if state.revision != (before.revision if before else 0) + 1:
            return False
        self._standing[state.name] = state
        self._tell(DESTINATIONS_CHANGED)
        return True

    async def prune_deliveries(self, before: int, limit: int) -> int:
        """Forget what is old."""
        self._check()
        old = [one for one in self._deliveries.values() if one.state in ENDED and one.created_at < before]
        going = sorted(old, key=lambda one: one.id)[:limit]
        for one in going:
            del self._deliveries[one.id]
            self._attempts_made.pop(one.id, None)
        events = self._forget_events({one.event_id for one in going}, before, limit)
        for place in [place for place in self._figures if place[0] + HOUR <= before]:
            del self._figures[place]
        return len(going) + events

    # --- for the journal

    def _emit(self, emissions: Iterable[Emission]) -> list[str]:
        """Keep what goes out; whoever asks tells the hints when all is done."""
        return [self._emit_one(one.event, one) for one in emissions]

    # --- inside

    def _emit_one(self, event: EventOut, emission: Emission) -> str:
        if event.key and event.key in self._raised:
            return self._raised[event.key]
        self._events_out[event.id] = event
        if event.key:
            self._raised[event.key] = event.id
        for new in emission.deliveries:
            self._deliveries[new.id] = begun(event, new)
            self._keep(delivery_job(new.id, new.destination, new.key), self._now())
        self._start(emission.starts)
        return event.id

    def _make_due(self, delivery: Delivery) -> None:
        waiting = self._jobs.get((DELIVERIES, delivery.id))
        if waiting is None:
            self._keep(delivery_job(delivery.id, delivery.destination, delivery.key), self._now())
        elif waiting.state is not JobState.LEASED:
            waiting.job = structs.replace(waiting.job, tries=0)
            waiting.due_at = min(waiting.due_at, self._now())
            self._note_ready(waiting)

    def _end(self, end: DeliveryEnd) -> None:
        delivery, attempt = self._deliveries[end.lease.id], end.attempt
        ended_at = end.ended_at if end.state in ENDED else 0
        delivery = structs.replace(delivery, state=end.state, ended_at=ended_at)
        if attempt is not None:
            self._attempts_made.setdefault(delivery.id, []).append(attempt)
            delivery = structs.replace(
                delivery,
                attempts=attempt.number,
                status=attempt.status,
                trouble=attempt.trouble,
                error=attempt.error,
            )
        self._deliveries[delivery.id] = delivery
        moved = figures_moved(end.destination, end.state, attempt, end.ended_at)
        if moved is not None:
            self._add_figures(moved)
        self._emit(end.emissions)

    def _add_figures(self, moved: DeliveryFigures) -> None:
        place = (moved.hour, moved.destination)
        there = self._figures.get(place)
        self._figures[place] = together(there, moved) if there else moved

    def _shown(self, delivery: Delivery) -> Delivery:
        job = self._jobs.get((DELIVERIES, delivery.id))
        return structs.replace(delivery, due_at=job.due_at if job else 0)

    def _known(self, ids: Collection[str]) -> list[Delivery]:
        return [self._deliveries[one] for one in dict.fromkeys(ids) if one in self._deliveries]

    def _forget_events(self, first: Collection[str], before: int, limit: int) -> int:
        """Old events without a delivery: the ones named, then the oldest, at most so many of these."""
        wanted = {one.event_id for one in self._deliveries.values()}
        old = [
            event_id
            for event_id, event in self._events_out.items()
            if event.occurred_at < before and event_id not in wanted
        ]
        chosen = [event_id for event_id in old if event_id in first]
        chosen += sorted(event_id for event_id in old if event_id not in first)[:limit]
        for event_id in chosen:
            self._raised.pop(self._events_out.pop(event_id).key, None)
        return len(chosen)
