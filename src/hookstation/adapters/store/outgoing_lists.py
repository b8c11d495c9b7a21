"""Reading what goes out: the lists under any filter, and what hangs on one delivery."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, cast

import apsw
import msgspec

from hookstation.adapters.store import outgoing_queries as queries
from hookstation.adapters.store.outgoing_rows import (
    DELIVERY_WIDTH,
    read_attempt,
    read_delivery,
    read_event,
    read_figures,
    read_state,
)
from hookstation.core.jobs import Leased
from hookstation.core.outgoing.delivery_rules import is_of_type
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryFigures,
    DeliveryState,
    DestinationState,
    EventOut,
    Trouble,
)
from hookstation.ports.deliveries import DeliveryFilter, DeliveryPage, LeasedDelivery

LOOK: Final = 500
"""Deliveries that are looked at in one read where not all of them have to pass."""

MOST_LOOKED: Final = 5_000
"""Deliveries that are looked at for one page."""

MOST_TYPES: Final = 50
"""Types for each of which the index is asked; where more begin alike, deliveries are looked at one by one."""

_ANY: Final = ("", "*")

_LAST: Final = "\x7f"
"""Beyond every id."""


class _Way(NamedTuple):
    """How ids are found: conditions of which one holds, and whether that is all that was asked."""

    arms: Sequence[str]
    whole: bool


def list_deliveries(
    connection: apsw.Connection, which: DeliveryFilter, limit: int, after: str
) -> DeliveryPage:
    """One page, newest first."""
    way, bindings = _way(connection, which)
    step = limit + 1 if way.whole else max(LOOK, limit + 1)
    found: list[Delivery] = []
    for looked in range(step, MOST_LOOKED + step, step):
        ids = _ids(connection, way.arms, {**bindings, "limit": step}, which, after)
        found += [one for one in _among(connection, ids) if which.passes(one)]
        if len(found) > limit:
            return DeliveryPage(found[:limit], found[limit - 1].id)
        if len(ids) < step:
            return DeliveryPage(found)
        after = ids[-1]
        if looked >= MOST_LOOKED:
            break
    return DeliveryPage(found, after)


def _way(connection: apsw.Connection, which: DeliveryFilter) -> tuple[_Way, Mapping[str, str]]:
    """The index that the filter enters, the narrowest first."""
    others = [
        bool(asked) for asked in (which.event_id, which.destination, which.subscription, which.troubles)
    ]
    others.append(which.type not in _ANY)
    alone = sum(others) <= 1
    states = sorted(which.states) or sorted(DeliveryState)
    if which.event_id:
        whole = alone and not which.states
        return _Way(["event_id = :event_id"], whole), {"event_id": which.event_id}
    for column, asked in (("destination", which.destination), ("subscription", which.subscription)):
        if asked:
            return _Way(_with_states([f"{column} = :{column}"], states), alone), {column: asked}
    if which.troubles and Trouble.NONE not in which.troubles:
        arms = [f"trouble = '{trouble.value}' AND trouble <> ''" for trouble in sorted(which.troubles)]
        return _Way(_with_states(arms, states), alone), {}
    types = [] if which.type in _ANY else _types(connection, "deliveries", which.type)
    if which.type not in _ANY and len(types) <= MOST_TYPES:
        bindings = {f"type{number}": type_ for number, type_ in enumerate(types)}
        arms = [f"type = :{name}" for name in bindings]
        return _Way(_with_states(arms, states) or ["0"], alone), bindings
    return _Way(_with_states([""], states) if which.states else [""], whole=not any(others)), {}


def _with_states(arms: Sequence[str], states: Sequence[DeliveryState]) -> list[str]:
    return [
        f"{arm} AND state = '{state.value}'" if arm else f"state = '{state.value}'"
        for arm in arms
        for state in states
    ]


def ids_query(arms: Sequence[str], which: DeliveryFilter, after: str) -> tuple[str, dict[str, str]]:
    """The statement that finds the newest ids before one, and the bounds that it binds; it is given `:limit`."""
    low, high = which.bounds(after)
    bounds = {name: value for name, value in (("low", low), ("high", high)) if value}
    span = [text for text, value in (("id >= :low", low), ("id < :high", high)) if value]
    chosen = []
    for arm in arms:
        conditions = " AND ".join([part for part in (arm, *span) if part]) or "1"
        chosen.append(
            f"SELECT id FROM (SELECT id FROM deliveries WHERE {conditions} ORDER BY id DESC LIMIT :limit)"
        )
    return f"SELECT id FROM ({' UNION ALL '.join(chosen)}) ORDER BY id DESC LIMIT :limit", bounds


def _ids(
    connection: apsw.Connection,
    arms: Sequence[str],
    bindings: Mapping[str, str | int],
    which: DeliveryFilter,
    after: str,
) -> list[str]:
    statement, bounds = ids_query(arms, which, after)
    rows = connection.execute(statement, {**bindings, **bounds}).fetchall()
    return [str(delivery_id) for (delivery_id,) in rows]


def _among(connection: apsw.Connection, ids: Sequence[str]) -> list[Delivery]:
    rows = connection.execute(queries.DELIVERIES_AMONG, (_text(ids),)).fetchall()
    return [read_delivery(row) for row in rows]


def _types(connection: apsw.Connection, table: str, asked: str) -> list[str]:
    """The types there are of those that are asked for; one more than `MOST_TYPES` where there are more."""
    if not asked.endswith("*"):
        return [asked]
    found: list[str] = []
    for type_ in _types_from(connection, table, asked[:-1]):
        if not is_of_type(type_, asked) or len(found) > MOST_TYPES:
            break
        found.append(type_)
    return found


def _types_from(connection: apsw.Connection, table: str, beginning: str) -> Iterator[str]:
    """All types from this text on; a probe of the index each."""
    statement = f"SELECT type FROM {table} WHERE type {{}} ? ORDER BY type LIMIT 1"
    rows = connection.execute(statement.format(">="), (beginning,)).fetchall()
    while rows:
        type_ = str(rows[0][0])
        yield type_
        rows = connection.execute(statement.format(">"), (type_,)).fetchall()


def list_events_out(connection: apsw.Connection, limit: int, after: str, type_: str) -> list[EventOut]:
    """Events out, newest first."""
    high = after or _LAST
    if type_ in _ANY:
        rows = connection.execute(queries.LIST_EVENTS, (high, limit)).fetchall()
        return [read_event(row) for row in rows]
    types = _types_from(connection, "events_out", type_[:-1]) if type_.endswith("*") else iter([type_])
    ids: list[str] = []
    for one in types:
        if not is_of_type(one, type_):
            break
        least = ids[-1] if len(ids) == limit else ""
        found = connection.execute(queries.NEWEST_OF_TYPE, (one, least, high, limit)).fetchall()
        ids = sorted([*ids, *(str(event_id) for (event_id,) in found)], reverse=True)[:limit]
    rows = connection.execute(queries.EVENTS_AMONG, (_text(ids),)).fetchall()
    return [read_event(row) for row in rows]


def get_event_out(connection: apsw.Connection, event_id: str) -> EventOut | None:
    """One event out."""
    for row in connection.execute(queries.GET_EVENT, (event_id,)).fetchall():
        return read_event(row)
    return None


def get_delivery(connection: apsw.Connection, delivery_id: str) -> Delivery | None:
    """One delivery."""
    return next(iter(_among(connection, [delivery_id])), None)


def to_send(connection: apsw.Connection, leased: Sequence[Leased]) -> list[LeasedDelivery]:
    """Leased jobs with their deliveries and events."""
    rows = connection.execute(queries.TO_SEND, (_text([one.job.id for one in leased]),)).fetchall()
    found = {str(row[0]): row for row in rows}
    return [
        LeasedDelivery(one, read_delivery(row[:DELIVERY_WIDTH]), read_event(row[DELIVERY_WIDTH:]))
        for one in leased
        if (row := found.get(one.job.id)) is not None
    ]


def list_attempts(connection: apsw.Connection, delivery_id: str) -> list[DeliveryAttempt]:
    """Attempts of a delivery, oldest first."""
    return [read_attempt(row) for row in connection.execute(queries.LIST_ATTEMPTS, (delivery_id,)).fetchall()]


def count_waiting(connection: apsw.Connection) -> dict[str, int]:
    """How many deliveries wait, by destination."""
    rows = cast("list[tuple[str, int]]", connection.execute(queries.COUNT_WAITING).fetchall())
    return {destination: count for destination, count in rows if count}


def figures(connection: apsw.Connection, since: int, until: int, destination: str) -> list[DeliveryFigures]:
    """The hours between, oldest first."""
    if destination:
        rows = connection.execute(queries.FIGURES_OF_ONE, (since, until, destination))
    else:
        rows = connection.execute(queries.FIGURES, (since, until))
    return [read_figures(row) for row in rows.fetchall()]


def states(connection: apsw.Connection) -> list[DestinationState]:
    """Every destination's state."""
    return [read_state(row) for row in connection.execute(queries.STATES).fetchall()]


def _text(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()
