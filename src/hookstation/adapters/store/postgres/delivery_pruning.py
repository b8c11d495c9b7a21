"""Pruning of what went out, the oldest first, in small steps. Several nodes may do so at once."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.core.journal_rules import ID_SLACK, lowest_id
from hookstation.core.outgoing.delivery_rules import ENDED, HOUR

STEP: Final = 200
"""Deliveries, or events, that go in one transaction."""

HOURS: Final = 5_000
"""Rows of figures that go in one transaction."""

OLDEST: Final = (
    "SELECT found.id FROM unnest($1::text[]) u(state), LATERAL (SELECT id FROM deliveries WHERE state = u.state "
    "AND id < $2 AND created_at < $3 ORDER BY id LIMIT $4) found ORDER BY 1 LIMIT $4"
)
"""The oldest deliveries that have ended."""

GOING: Final = (
    "SELECT id, event_id FROM deliveries WHERE id = ANY($1::text[]) AND state <> 'waiting' ORDER BY id "
    "FOR UPDATE SKIP LOCKED"
)
"""Those that have not been revived meanwhile, nor are just now."""

LOCK_EVENTS: Final = "SELECT FROM events_out WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
"""Events some of whose deliveries go; whoever lets the others go waits, and then sees that there are none left."""

DROP_ATTEMPTS: Final = "DELETE FROM delivery_attempts WHERE delivery_id = ANY($1::text[])"
DROP_DELIVERIES: Final = "DELETE FROM deliveries WHERE id = ANY($1::text[])"

DROP_EVENTS: Final = (
    "DELETE FROM events_out e WHERE e.id = ANY($1::text[]) AND e.occurred_at < $2 "
    "AND NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = e.id)"
)
"""Forget events that have no deliveries."""

BARE: Final = "SELECT id FROM events_out WHERE bare AND id < $1 AND occurred_at < $2 ORDER BY id LIMIT $3"
"""The oldest events that may never have had deliveries."""

NOT_BARE: Final = "UPDATE events_out SET bare = false WHERE id = ANY($1::text[])"
"""Events that have deliveries after all, as a copied database does not tell."""

DROP_FIGURES: Final = (
    "DELETE FROM delivery_figures "
    "WHERE ctid = ANY(ARRAY(SELECT ctid FROM delivery_figures WHERE hour <= $1 LIMIT $2))"
)
"""Forget hours that were over long ago."""


class Pruned(NamedTuple):
    """One step: how many rows were looked at, how many of them went, and how many with what hung on them."""

    looked: int = 0
    counted: int = 0
    gone: int = 0


class Step(Protocol):
    """One transaction that forgets at most `limit` of what is older than `before`."""

    async def __call__(self, connection: Connection, before: int, limit: int) -> Pruned:
        """Within the transaction that is open."""
        ...


async def prune(connection: Connection, before: int, limit: int) -> Pruned:
    """Forget the oldest deliveries that have ended, and their events that have none left."""
    states = [state.value for state in ENDED]
    found = await connection.fetch(OLDEST, states, lowest_id(before + ID_SLACK), before, limit)
    going = await connection.fetch(GOING, [delivery_id for (delivery_id,) in found])
    if not going:
        return Pruned()
    ids, events = [row[0] for row in going], sorted({row[1] for row in going})
    await connection.execute(LOCK_EVENTS, events)
    await connection.execute(DROP_ATTEMPTS, ids)
    await connection.execute(DROP_DELIVERIES, ids)
    gone = await connection.execute(DROP_EVENTS, events, before)
    return Pruned(len(ids), len(ids), len(ids) + _count(gone))


async def prune_bare(connection: Connection, before: int, limit: int) -> Pruned:
    """Forget the oldest events that have no deliveries."""
    found = await connection.fetch(BARE, lowest_id(before + ID_SLACK), before, limit)
    ids = [event_id for (event_id,) in found]
    if not ids:
        return Pruned()
    gone = _count(await connection.execute(DROP_EVENTS, ids, before))
    if gone < len(ids):
        await connection.execute(NOT_BARE, ids)
    return Pruned(len(ids), gone, gone)


async def prune_figures(connection: Connection, before: int) -> int:
    """One step: how many rows of figures went."""
    return _count(await connection.execute(DROP_FIGURES, before - HOUR, HOURS))


def _count(done: str) -> int:
    return int(done.rpartition(" ")[2])
