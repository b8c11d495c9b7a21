"""Reading the journal: the list under any filter, and what hangs on one event."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from typing import cast

import apsw

from hookstation.adapters.store import queries, search
from hookstation.adapters.store.records import get_record
from hookstation.adapters.store.rows import Row, mark_digest, read_event, read_mark
from hookstation.core.events import Attempt, Event, Mark, State
from hookstation.core.records import RECORDS
from hookstation.ports.store import EventFilter, Page, Payload


def list_events(connection: apsw.Connection, which: EventFilter, limit: int, after: str) -> Page:
    """One page, newest first."""
    if (wanted := which.needle) is not None:
        bindings: dict[str, str | int] = {}
        return search.find(
            connection, which, wanted, _conditions(which, after, bindings), bindings, limit, after
        )
    sql, bindings = list_query(which, limit + 1, after)
    rows = connection.execute(sql, bindings).fetchall()
    events = [read_event(row) for row in rows[:limit]]
    return Page(events, events[-1].id if len(rows) > limit and events else "")


def list_query(which: EventFilter, limit: int, after: str) -> tuple[str, dict[str, str | int]]:
    """The statement of a list: one arm a state, each walking its index from the newest down; then merged and cut."""
    bindings: dict[str, str | int] = {"limit": limit}
    span = _span(which, after, bindings)
    if which.webhook:
        bindings["webhook"] = which.webhook
        span.append("webhook = :webhook")
    states = sorted(which.states) or (sorted(State) if which.webhook else [])
    arms = [_arm([*span, f"state = '{state.value}'"]) for state in states] or [_arm(span)]
    ids = f"SELECT id FROM ({' UNION ALL '.join(arms)}) ORDER BY id DESC LIMIT :limit"
    sql = f"SELECT {queries.EVENT_COLUMNS} {queries.EVENT_SOURCE} WHERE e.id IN ({ids}) ORDER BY e.id DESC"
    return sql, bindings


def _arm(conditions: list[str]) -> str:
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT id FROM (SELECT id FROM events {where}ORDER BY id DESC LIMIT :limit)"


def _span(which: EventFilter, after: str, bindings: dict[str, str | int]) -> list[str]:
    """Bounds on the id, which sorts by time, so that an index is entered where the span begins."""
    conditions: list[str] = []
    low, high = which.bounds(after)
    if low:
        bindings["lowest"] = low
        conditions.append("id >= :lowest")
    if high:
        bindings["highest"] = high
        conditions.append("id < :highest")
    if which.since:
        bindings["since"] = which.since
        conditions.append("received_at >= :since")
    if which.until:
        bindings["until"] = which.until
        conditions.append("received_at < :until")
    return conditions


def _conditions(which: EventFilter, after: str, bindings: dict[str, str | int]) -> list[str]:
    """Everything that an event has to fulfil besides having the words."""
    conditions = _span(which, after, bindings)
    for column in ("webhook", "sender", "dedup_key", "record_key"):
        if asked := getattr(which, column):
            bindings[column] = asked
            conditions.append(f"{column} = :{column}")
    if which.states:
        names = ", ".join(f"'{state.value}'" for state in sorted(which.states))
        conditions.append(f"state IN ({names})")
    return conditions


def get_event(connection: apsw.Connection, event_id: str) -> Event | None:
    """One event."""
    return _event(connection, queries.GET_EVENT, event_id)


def find_run(connection: apsw.Connection, run_id: str) -> Event | None:
    """The event of a status address."""
    return _event(connection, queries.FIND_RUN, run_id)


def _event(connection: apsw.Connection, query: str, value: str) -> Event | None:
    for row in connection.execute(query, (value,)).fetchall():
        return read_event(row)
    return None


def find_mark(connection: apsw.Connection, webhook: str, key: str, now: int) -> Mark | None:
    """The live mark of a key."""
    for row in connection.execute(queries.FIND_MARK, (mark_digest(webhook, key), now)).fetchall():
        return read_mark(webhook, row)
    return None


def get_payload(connection: apsw.Connection, event_id: str) -> Payload | None:
    """The raw body, where it is kept."""
    for (body,) in connection.execute(queries.GET_BODY, (event_id,)).fetchall():
        return Payload(event_id, cast("bytes", body))
    return None


def list_attempts(connection: apsw.Connection, event_id: str) -> list[Attempt]:
    """Finished attempts, oldest first."""
    rows = connection.execute(queries.LIST_ATTEMPTS, (event_id, event_id)).fetchall()
    return [_attempt(row) for row in rows]


def _attempt(row: Row) -> Attempt:
    number, started_at, ended_at, state, error, key = cast("tuple[int, int, int, str, str, str]", row)
    return Attempt(number, started_at, ended_at, State(state), error, key)


def owner_of(connection: apsw.Connection, target: str, entity: str, key: str) -> str:
    """The newest event that wrote this record: elsewhere the journal knows it, our own records name theirs."""
    if target == RECORDS:
        record = get_record(connection, entity, key)
        return record.event_id if record and get_event(connection, record.event_id) else ""
    for (event_id,) in connection.execute(queries.OWNER_ELSEWHERE, (target, entity, key)).fetchall():
        return str(event_id)
    return ""
