"""The part of the PostgreSQL driver that holds what goes out."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import asyncpg

from hookstation.adapters.store.postgres import (
    delivery_ends,
    delivery_lists,
    delivery_pruning,
    emissions,
    jobs,
)
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.delivery_rows import (
    ATTEMPT,
    DELIVERY,
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    read_attempt,
    read_delivery,
    read_event_out,
)
from hookstation.adapters.store.postgres.jobs import Asked, Missed, read_leased
from hookstation.adapters.store.postgres.rows import kept, told
from hookstation.adapters.store.postgres.sessions import Sessions
from hookstation.adapters.store.postgres.sharing import SharedWork
from hookstation.core.jobs import DELIVERIES
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryFigures,
    DestinationState,
    Emission,
    EventOut,
    Health,
)
from hookstation.ports.deliveries import (
    DESTINATIONS_CHANGED,
    MOST_COUNTED,
    DeliveryEnd,
    DeliveryFilter,
    DeliveryPage,
    LeasedDelivery,
)

AT_ONCE: Final = 500
"""Deliveries that are revived or cancelled in one transaction."""

_WITH_THEM: Final = (
    f"SELECT l.*, {DELIVERY_COLUMNS}, {EVENT_COLUMNS} FROM leased l JOIN deliveries d ON d.id = l.id "
    "JOIN events_out e ON e.id = d.event_id"
)

LEASE: Final = f"WITH leased AS ({jobs.LEASE}) {_WITH_THEM}"
"""Lease deliveries, with their events."""

LEASED_BY_CALL: Final = f"WITH leased AS MATERIALIZED ({jobs.LEASED_BY_CALL}) {_WITH_THEM}"
"""What a call leased whose answer was lost."""

ATTEMPTS: Final = f"SELECT {', '.join(ATTEMPT)} FROM delivery_attempts WHERE delivery_id = $1 ORDER BY number"
"""The attempts of a delivery."""

WAITING: Final = (
    "WITH RECURSIVE names(name) AS (SELECT min(destination) FROM deliveries UNION ALL "
    "SELECT (SELECT min(d.destination) FROM deliveries d WHERE d.destination > n.name) FROM names n "
    "WHERE n.name IS NOT NULL) SELECT n.name, counted.number FROM names n, LATERAL (SELECT count(*) AS number FROM "
    f"(SELECT FROM deliveries d WHERE d.destination = n.name AND d.state = 'waiting' LIMIT {MOST_COUNTED}) found) "
    "counted WHERE n.name IS NOT NULL AND counted.number > 0"
)
"""How many deliveries wait, destination by destination, counted as far as it matters."""

FIGURES: Final = (
    "SELECT destination, hour, sum(delivered)::bigint, sum(failed)::bigint, sum(dead)::bigint, sum(took)::bigint "
    "FROM delivery_figures WHERE hour >= $1 AND hour < $2 AND ($3 = '' OR destination = $3) "
    "GROUP BY destination, hour ORDER BY hour, destination"
)
"""The figures of hours, of all slots together."""

_STATE: Final = "name, health, until, opened, failing_since, changed_at, why, revision"
STATES: Final = f"SELECT {_STATE} FROM destination_states ORDER BY name"
"""How destinations stand."""

FIRST_STATE: Final = (
    f"INSERT INTO destination_states ({_STATE}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
    "ON CONFLICT (name) DO NOTHING RETURNING name"
)
"""Write the first state of a destination."""

NEXT_STATE: Final = (
    "UPDATE destination_states SET health = $2, until = $3, opened = $4, failing_since = $5, changed_at = $6, "
    "why = $7, revision = $8 WHERE name = $1 AND revision = $8 - 1 RETURNING name"
)
"""Write the state that follows on the one there."""


class PostgresDeliveries(SharedWork):
    """Implements `ports.deliveries`."""

    _sessions: Sessions
    _slot: int

    async def emit(self, emissions_: Sequence[Emission]) -> Sequence[str]:
        """Write emissions in one transaction."""
        while emissions_:
            try:
                return await self._hinting(partial(emissions.emit, emissions=emissions_), self._sessions)
            except Missed:
                continue
        return []

    async def lease_deliveries(
        self, destination: str, node_id: str, seconds: float, limit: int, most: int = 0
    ) -> Sequence[LeasedDelivery]:
        """Lease what is due to a destination, in one statement."""
        asked = Asked(DELIVERIES, destination, node_id, seconds, limit, most)
        return await self._lease(asked, _lease, _leased_by)

    async def settle_deliveries(self, ends: Sequence[DeliveryEnd]) -> Sequence[bool]:
        """Write how tries ended, in one transaction."""
        work = partial(delivery_ends.settle, ends=ends, slot=self._slot)
        return await self._hinting(work) if ends else []

    async def get_event_out(self, event_id: str) -> EventOut | None:
        """One event out."""
        rows = await self._sessions.read(_fetch, delivery_lists.EVENTS, [kept(event_id)])
        return read_event_out(rows[0]) if rows else None

    async def list_events_out(self, limit: int, after: str = "", type_: str = "") -> Sequence[EventOut]:
        """Events out, newest first."""
        return await self._sessions.page(delivery_lists.list_events_out, limit, after, type_)

    async def get_delivery(self, delivery_id: str) -> Delivery | None:
        """One delivery."""
        return await self._sessions.read(delivery_lists.get_delivery, delivery_id)

    async def list_deliveries(self, which: DeliveryFilter, limit: int, after: str = "") -> DeliveryPage:
        """One page, newest first."""
        return await self._sessions.page(delivery_lists.list_deliveries, which, limit, after)

    async def list_delivery_attempts(self, delivery_id: str) -> Sequence[DeliveryAttempt]:
        """Attempts, oldest first."""
        rows = await self._sessions.page(_fetch, ATTEMPTS, kept(delivery_id))
        return [read_attempt(row) for row in rows]

    async def revive(self, ids: Sequence[str]) -> int:
        """Have deliveries tried (again)."""
        asked = sorted(set(ids))
        found = 0
        for start in range(0, len(asked), AT_ONCE):
            work = partial(delivery_ends.revive, ids=asked[start : start + AT_ONCE])
            found += await self._hinting(work, self._sessions)
        return found

    async def cancel_deliveries(self, ids: Sequence[str], at: int) -> int:
        """End deliveries that wait."""
        asked = sorted(set(ids))
        ended = 0
        for start in range(0, len(asked), AT_ONCE):
            work = partial(delivery_ends.cancel, ids=asked[start : start + AT_ONCE], at=at)
            ended += await self._hinting(work, self._sessions)
        return ended

    async def count_waiting_deliveries(self) -> Mapping[str, int]:
        """How many wait, by destination."""
        rows = await self._sessions.page(_fetch, WAITING)
        return {told(name): int(number) for name, number in rows}

    async def delivery_figures(
        self, since: int, until: int, destination: str = ""
    ) -> Sequence[DeliveryFigures]:
        """Hours, oldest first."""
        rows = await self._sessions.page(_fetch, FIGURES, since, until, kept(destination))
        return [DeliveryFigures(told(name), *numbers) for name, *numbers in rows]

    async def destination_states(self) -> Sequence[DestinationState]:
        """Every state that was saved."""
        rows = await self._sessions.read(_fetch, STATES)
        return [
            DestinationState(told(name), Health(health), until, opened, since, at, told(why), revision)
            for name, health, until, opened, since, at, why, revision in rows
        ]

    async def save_destination_state(self, state: DestinationState) -> bool:
        """Write a state that follows on the one there."""
        statement = FIRST_STATE if state.revision == 1 else NEXT_STATE
        row = (kept(state.name), state.health.value, state.until, state.opened, state.failing_since)
        rest = (state.changed_at, kept(state.why), state.revision)
        saved = await self._sessions.change(lambda connection: connection.fetch(statement, *row, *rest))
        if saved:
            self._bulletin.send([DESTINATIONS_CHANGED])
        return bool(saved)

    async def prune_deliveries(self, before: int, limit: int) -> int:
        """Delete what is old, in steps."""
        gone = await self._prune(delivery_pruning.prune, before, limit)
        gone += await self._prune(delivery_pruning.prune_bare, before, limit)
        while await self._sessions.change(partial(delivery_pruning.prune_figures, before=before)):
            pass
        return gone

    async def _prune(self, prune: delivery_pruning.Step, before: int, limit: int) -> int:
        gone, left = 0, limit
        while left > 0:
            asked = min(left, delivery_pruning.STEP)
            done = await self._sessions.change(partial(prune, before=before, limit=asked))
            gone, left = gone + done.gone, left - done.counted
            if done.looked < asked:
                break
        return gone


async def _fetch(connection: Connection, statement: str, *asked: object) -> list[asyncpg.Record]:
    return await connection.fetch(statement, *asked)


async def _lease(connection: Connection, asked: Asked, call: int, durability: str) -> list[LeasedDelivery]:
    return _read_leased(asked, await connection.fetch(LEASE, *asked.bound(call, durability)))


async def _leased_by(connection: Connection, asked: Asked, call: int) -> list[LeasedDelivery]:
    rows = await connection.fetch(LEASED_BY_CALL, kept(asked.queue), kept(asked.node), call)
    return _read_leased(asked, rows)


def _read_leased(asked: Asked, rows: Iterable[Iterable[object]]) -> list[LeasedDelivery]:
    found = []
    for leased, _, more in read_leased(asked, rows):
        delivery = read_delivery(more[: len(DELIVERY)], 0)
        found.append(LeasedDelivery(leased, delivery, read_event_out(more[len(DELIVERY) :])))
    return found
