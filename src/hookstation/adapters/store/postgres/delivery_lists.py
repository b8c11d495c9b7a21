"""Lists of deliveries and of events out, under any filter: walks along an index from its newest end."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.delivery_rows import (
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    read_delivery,
    read_event_out,
)
from hookstation.adapters.store.postgres.rows import kept
from hookstation.core.jobs import DELIVERIES
from hookstation.core.outgoing.values import Delivery, DeliveryState, EventOut, Trouble
from hookstation.ports.deliveries import DeliveryFilter, DeliveryPage

LOOK: Final = 2_000
"""Deliveries of one filter that are looked through for those that pass the others too."""

LAST: Final = "\U0010ffff"
"""The last of all characters: what begins with a text lies before the text with it."""

Bound: TypeAlias = str | int | list[str]

_SHOWN: Final = (
    f"SELECT {DELIVERY_COLUMNS}, coalesce(j.due_at, 0) FROM deliveries d "
    f"LEFT JOIN jobs j ON j.queue = '{DELIVERIES}' AND j.id = d.id WHERE d.id"
)

GET: Final = f"{_SHOWN} = $1"
"""One delivery."""

THESE: Final = f"{_SHOWN} = ANY($1::text[]) ORDER BY d.id DESC"
"""These deliveries, newest first."""

EVENTS: Final = f"SELECT {EVENT_COLUMNS} FROM events_out e WHERE e.id = ANY($1::text[]) ORDER BY e.id DESC"
"""These events out, newest first."""

_TYPES: Final = (
    "(WITH RECURSIVE types(name) AS (SELECT min(type) FROM {table} WHERE type >= {low} AND type < {high} UNION ALL "
    "SELECT (SELECT min(n.type) FROM {table} n WHERE n.type > t.name AND n.type < {high}) FROM types t "
    "WHERE t.name IS NOT NULL) SELECT name FROM types WHERE name IS NOT NULL)"
)
"""The types that begin so, by a step along the index each."""


class Walk:
    """A statement that is put together, with what it is asked."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.bindings: list[Bound] = []

    def bound(self, value: Bound) -> str:
        """A place for a value."""
        self.bindings.append(value)
        return f"${len(self.bindings)}"

    def texts(self, values: Sequence[str]) -> str:
        """A source of these texts."""
        return f"unnest({self.bound(list(values))}::text[])"

    def types(self, asked: str) -> str:
        """A source of the types that an asked one means."""
        if not asked.endswith("*"):
            return self.texts([kept(asked)])
        low = kept(asked[:-1])
        return _TYPES.format(table=self.table, low=self.bound(low), high=self.bound(low + LAST))

    def along(self, sources: Sequence[tuple[str, str]], span: Sequence[str], limit: int) -> str:
        """The newest ids along an index whose columns have these values; `sources`: column and where they come from."""
        conditions = [*(f"{column} = {column}s.value" for column, _ in sources), *span]
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        walk = f"SELECT id FROM {self.table} {where}ORDER BY id DESC LIMIT {limit}"
        if not sources:
            return walk
        apart = ", ".join(f"{source} AS {column}s(value)" for column, source in sources)
        return f"SELECT found.id FROM {apart}, LATERAL ({walk}) found ORDER BY 1 DESC LIMIT {limit}"


async def get_delivery(connection: Connection, delivery_id: str) -> Delivery | None:
    """One delivery."""
    row = await connection.fetchrow(GET, kept(delivery_id))
    return None if row is None else read_delivery(tuple(row)[:-1], row[-1])


async def list_deliveries(
    connection: Connection, which: DeliveryFilter, limit: int, after: str
) -> DeliveryPage:
    """One page, newest first; the ids are found first, so that no plan can prefer another way."""
    if limit <= 0:
        return DeliveryPage([])
    sql, bindings, look = list_query(which, limit, after)
    rows = await connection.fetch(sql, *bindings)
    last, walked = str(rows[0][0] or ""), int(rows[0][1])
    ids = [str(found) for *_, found in rows if found is not None]
    more = ids[limit - 1] if len(ids) > limit else last if walked == look and look > limit + 1 else ""
    shown = await connection.fetch(THESE, ids[:limit]) if ids else []
    return DeliveryPage([read_delivery(tuple(row)[:-1], row[-1]) for row in shown], more)


def list_query(which: DeliveryFilter, limit: int, after: str) -> tuple[str, list[Bound], int]:
    """The ids of a list: how far was looked, at how many, and what was found; and how many are looked at at most.

    One filter chooses the index, with the states that it is divided by; what passes the others is found on the way.
    """
    walk = Walk("deliveries")
    leading, others = _filters(walk, which)
    low, high = which.bounds(kept(after))
    span = ["trouble <> ''"] if leading and leading[0][0] == "trouble" else []  # as its index says
    span += [f"id >= {walk.bound(low)}"] if low else []
    span += [f"id < {walk.bound(high)}"] if high else []
    span += [f"created_at >= {walk.bound(which.since)}"] if which.since else []
    span += [f"created_at < {walk.bound(which.until)}"] if which.until else []
    look = max(LOOK, limit + 2) if others else limit + 1
    passing = " AND ".join(["d.id = w.id", *others])
    return (
        (
            f"WITH walked AS MATERIALIZED ({walk.along(leading, span, look)}) "
            "SELECT (SELECT min(id) FROM walked), (SELECT count(*) FROM walked), found.id FROM (VALUES (1)) whole(it) "
            f"LEFT JOIN LATERAL (SELECT d.id FROM walked w JOIN deliveries d ON {passing} "
            f"ORDER BY d.id DESC LIMIT {limit + 1}) found ON true ORDER BY found.id DESC"
        ),
        walk.bindings,
        look,
    )


def _filters(walk: Walk, which: DeliveryFilter) -> tuple[list[tuple[str, str]], list[str]]:
    """Columns with the sources of their values that lead, and conditions for the rest: the rarest leads."""
    states = sorted(which.states)
    troubles = sorted(which.troubles)
    asked: list[tuple[str, list[str]]] = []
    if which.event_id:
        asked.append(("event_id", [kept(which.event_id)]))
    if troubles and Trouble.NONE not in which.troubles:
        asked.append(("trouble", [one.value for one in troubles]))
    if which.subscription:
        asked.append(("subscription", [kept(which.subscription)]))
    if which.destination:
        asked.append(("destination", [kept(which.destination)]))
    by_type = which.type not in ("", "*")
    others = [f"d.{column} = ANY({walk.bound(values)}::text[])" for column, values in asked[1:]]
    if Trouble.NONE in which.troubles:
        others.append(f"d.trouble = ANY({walk.bound([one.value for one in troubles])}::text[])")
    if by_type and asked:
        others.append(_of_type(walk, which.type))
    leading = [(column, walk.texts(values)) for column, values in asked[:1]]
    if by_type and not asked:
        leading = [("type", walk.types(which.type))]
    if leading and leading[0][0] == "event_id":
        others += [f"d.state = ANY({walk.bound([one.value for one in states])}::text[])"] if states else []
    elif leading or states:
        leading.append(("state", walk.texts([one.value for one in states or sorted(DeliveryState)])))
    return leading, others


def _of_type(walk: Walk, asked: str) -> str:
    if asked.endswith("*"):
        return f"starts_with(d.type, {walk.bound(kept(asked[:-1]))})"
    return f"d.type = {walk.bound(kept(asked))}"


async def list_events_out(connection: Connection, limit: int, after: str, asked: str) -> list[EventOut]:
    """Events out, newest first."""
    if limit <= 0:
        return []
    walk = Walk("events_out")
    leading = [("type", walk.types(asked))] if asked not in ("", "*") else []
    span = [f"id < {walk.bound(kept(after))}"] if after else []
    found = await connection.fetch(walk.along(leading, span, limit), *walk.bindings)
    rows = await connection.fetch(EVENTS, [event_id for (event_id,) in found]) if found else []
    return [read_event_out(row) for row in rows]
