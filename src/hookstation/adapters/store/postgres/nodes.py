"""Who works on the database: joining, beating, leaving, and ending the leases of the dead."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.jobs import MICROSECONDS, Hinted
from hookstation.adapters.store.postgres.keys import NOW, Key, hint_of, lock_keys, promote
from hookstation.adapters.store.postgres.rows import Row, columns, kept, told
from hookstation.core.jobs import Node, Reaped

STEP: Final = 1_000
"""Leases that are ended in one statement."""

JOIN: Final = (
    f"INSERT INTO nodes SELECT $1, $2, $3, $4, now, now FROM (SELECT {NOW} AS now) moment "
    "ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at RETURNING seen_at"
)
"""Let a node in, and say what time it is."""

BEAT: Final = (
    f"UPDATE nodes SET seen_at = {NOW} WHERE id = $1 AND set_config('synchronous_commit', 'off', true) = 'off' "
    "RETURNING seen_at"
)
"""Note that a node lives, and say what time it is.

No disk and no standby is waited for: what is lost of it is said again at once, and while a standby is away every node
would fall silent for the others and be buried when it comes back.
"""

LIVING: Final = "SELECT id, role, address, version, started_at, seen_at FROM nodes ORDER BY started_at, id"
"""Every node that is not known to be dead."""

LEAVE: Final = "DELETE FROM nodes WHERE id = $1"
"""Forget a node."""

_HOLDERS: Final = (
    f"WITH RECURSIVE moment AS MATERIALIZED (SELECT {NOW} AS now), "
    "holders(node) AS (SELECT min(node) FROM jobs WHERE state = 2 UNION ALL "
    "SELECT (SELECT min(j.node) FROM jobs j WHERE j.state = 2 AND j.node > h.node) FROM holders h "
    "WHERE h.node IS NOT NULL), "
    "dead AS (SELECT h.node, NOT EXISTS (SELECT FROM nodes n WHERE n.id = h.node) AS unknown FROM holders h "
    "WHERE h.node IS NOT NULL) "
)
"""Whoever holds leases, by a step along the index each, and whether it is not known (any more)."""

_OVER: Final = (
    "FROM dead d, moment, LATERAL (SELECT queue, id, key, token FROM jobs "
    "WHERE state = 2 AND node = d.node AND (d.unknown OR until <= moment.now) LIMIT {limit}) j"
)

ANY_DEAD: Final = (
    f"{_HOLDERS} SELECT EXISTS (SELECT FROM nodes, moment WHERE seen_at <= moment.now - $1) "
    f"OR EXISTS (SELECT {_OVER.format(limit=1)})"
)
"""Whether there is a dead node, or a lease that has ended: all that an idle node asks."""

BURY: Final = (
    f"DELETE FROM nodes WHERE id = ANY(ARRAY(SELECT id FROM nodes WHERE seen_at <= {NOW} - $1 "
    "FOR UPDATE SKIP LOCKED)) RETURNING id"
)
"""Forget nodes that have been silent; one that is just beating, or that another buries, is passed over."""

ENDED: Final = f"{_HOLDERS} SELECT j.queue, j.id, j.token, j.key {_OVER.format(limit=STEP)} ORDER BY 1, 2"
"""Leases whose time is over, or whose holder is not known (any more)."""

HELD_BY: Final = (
    f"SELECT queue, id, token, key FROM jobs WHERE state = 2 AND node = $1 ORDER BY 1, 2 LIMIT {STEP}"
)
"""The leases of a node."""

_NOBODYS: Final = f"node = '', until = 0, call = 0, due_at = {NOW}, token = j.token + 1"
_LEASES: Final = "unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) u(queue, id, token, key)"
_SAME: Final = "j.queue = u.queue AND j.id = u.id AND j.token = u.token AND j.key = u.key AND j.node <> ''"

GIVE_BACK: Final = (
    f"UPDATE jobs j SET state = 0, {_NOBODYS} WHERE j.ctid = ANY(ARRAY(SELECT j.ctid FROM {_LEASES} "
    f"JOIN jobs j ON {_SAME} WHERE length(j.key) = 0 FOR UPDATE OF j SKIP LOCKED)) RETURNING j.queue, j.lane"
)
"""End leases of jobs without a key, but for those that somebody settles at this moment."""

GIVE_BACK_KEYED: Final = (
    f"UPDATE jobs j SET state = 1, {_NOBODYS} FROM {_LEASES} WHERE {_SAME} AND length(j.key) > 0"
)
"""End leases of jobs whose keys' locks are held; they stand behind until `PROMOTE`."""


async def join(connection: Connection, node: Node) -> int:
    """Let a node in."""
    row = tuple(kept(text) for text in (node.id, node.role, node.address, node.version))
    return int(await connection.fetchval(JOIN, *row))


async def beat(connection: Connection, node_id: str) -> int | None:
    """Note that a node lives; ``None`` where it is not known."""
    now = await connection.fetchval(BEAT, kept(node_id))
    return None if now is None else int(now)


async def living(connection: Connection) -> list[Node]:
    """Every node, the longest there first."""
    return [
        Node(told(name), told(role), told(address), told(version), started_at, seen_at)
        for name, role, address, version, started_at, seen_at in await connection.fetch(LIVING)
    ]


async def any_dead(connection: Connection, silent: float) -> bool:
    """Whether there is anything for `reap`."""
    return bool(await connection.fetchval(ANY_DEAD, int(silent * MICROSECONDS)))


async def reap(connection: Connection, silent: float) -> Hinted[Reaped]:
    """Forget the dead, and end what is over."""
    buried = await connection.fetch(BURY, int(silent * MICROSECONDS))
    leases, hints = await _end_all(connection, ENDED)
    return Reaped(tuple(sorted(told(node) for (node,) in buried)), leases), hints


async def leave(connection: Connection, node_id: str) -> Hinted[None]:
    """Forget a node, and end its leases."""
    await connection.execute(LEAVE, kept(node_id))
    return None, (await _end_all(connection, HELD_BY, kept(node_id)))[1]


async def _end_all(connection: Connection, looking: str, *asked: str) -> tuple[int, set[str]]:
    """End the leases that a statement finds, as many as there are; what others ended meanwhile is not counted."""
    leases, hints = 0, set[str]()
    while found := [tuple(row) for row in await connection.fetch(looking, *asked)]:
        ended, more = await _give_back(connection, found)
        leases, hints = leases + ended, hints | more
        if len(found) < STEP or not ended:
            break
    return leases, hints


async def _give_back(connection: Connection, found: Sequence[Row]) -> tuple[int, set[str]]:
    """Those without a key come first: whoever waits for the lock of a key may hold rows of theirs."""
    free = await connection.fetch(GIVE_BACK, *columns(found, 4))
    hints = {hint_of(told(queue), told(lane)) for queue, lane in free}
    keys: set[Key] = {(told(str(queue)), told(str(key))) for queue, _, _, key in found if key}
    if not keys:
        return len(free), hints
    await lock_keys(connection, keys)
    done = await connection.execute(GIVE_BACK_KEYED, *columns(found, 4))
    return len(free) + int(done.rpartition(" ")[2]), hints | await promote(connection, keys)
