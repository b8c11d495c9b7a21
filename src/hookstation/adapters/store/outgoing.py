"""Writing what goes out, inside transactions that somebody else begins and commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import apsw
import msgspec
from msgspec import structs

from hookstation.adapters.store import outgoing_queries as queries
from hookstation.adapters.store.jobs import JobTable
from hookstation.adapters.store.outgoing_rows import attempt_row, delivery_rows, event_row, figures_row
from hookstation.adapters.store.rows import Row
from hookstation.adapters.store.running import write_starts
from hookstation.core.jobs import DELIVERIES, JobEnd
from hookstation.core.outgoing.delivery_rules import ENDED, HOUR, delivery_job, figures_moved, together
from hookstation.core.outgoing.values import DeliveryFigures, DestinationState, Emission
from hookstation.ports.deliveries import DeliveryEnd


def write_emissions(connection: apsw.Connection, jobs: JobTable, emissions: Sequence[Emission]) -> list[str]:
    """Write events out with their deliveries, jobs and runs, a statement a table; for each the id that stands."""
    told, new = _apart(connection, emissions)
    rows = [row for one in new for row in delivery_rows(one)]
    connection.executemany(queries.INSERT_EVENT, [event_row(one.event) for one in new])
    if rows:
        connection.executemany(queries.INSERT_DELIVERY, rows)
        jobs.enqueue(
            [delivery_job(begun.id, begun.destination, begun.key) for one in new for begun in one.deliveries]
        )
    write_starts(connection, jobs, [start for one in new for start in one.starts])
    return told


def _apart(connection: apsw.Connection, emissions: Iterable[Emission]) -> tuple[list[str], list[Emission]]:
    """The id that stands for each emission, and those that are not there under their key yet."""
    told: list[str] = []
    new: list[Emission] = []
    raised: dict[str, str] = {}
    for one in emissions:
        event = one.event
        standing = (raised.get(event.key) or _raised(connection, event.key)) if event.key else ""
        told.append(standing or event.id)
        if not standing:
            new.append(one)
            if event.key:
                raised[event.key] = event.id
    return told, new


def _raised(connection: apsw.Connection, key: str) -> str:
    for (event_id,) in connection.execute(queries.RAISED, (key,)).fetchall():
        return str(event_id)
    return ""


def settle(connection: apsw.Connection, jobs: JobTable, ends: Sequence[DeliveryEnd]) -> list[bool]:
    """Say how tries ended, a statement a table; false for each whose lease is over."""
    told = jobs.settle([JobEnd(end.lease, end.again) for end in ends])
    good = [end for end, counts in zip(ends, told, strict=True) if counts]
    connection.executemany(queries.END_TRY, [_tried(end) for end in good if end.attempt is not None])
    connection.executemany(queries.END_WITHOUT_TRY, [_stands(end) for end in good if end.attempt is None])
    connection.executemany(
        queries.INSERT_ATTEMPT, [attempt_row(end.attempt) for end in good if end.attempt is not None]
    )
    connection.executemany(queries.ADD_FIGURES, _figures(good))
    emissions = [emission for end in good for emission in end.emissions]
    if emissions:
        write_emissions(connection, jobs, emissions)
    return told


def _stands(end: DeliveryEnd) -> Row:
    return end.state.value, end.ended_at if end.state in ENDED else 0, end.lease.id


def _tried(end: DeliveryEnd) -> Row:
    attempt = end.attempt
    assert attempt is not None
    state, ended_at, delivery_id = _stands(end)
    return state, ended_at, attempt.number, attempt.status, attempt.trouble.value, attempt.error, delivery_id


def _figures(ends: Iterable[DeliveryEnd]) -> list[Row]:
    """One row an hour and destination."""
    hours: dict[tuple[str, int], DeliveryFigures] = {}
    for end in ends:
        moved = figures_moved(end.destination, end.state, end.attempt, end.ended_at)
        if moved is None:
            continue
        place = (moved.destination, moved.hour)
        there = hours.get(place)
        hours[place] = moved if there is None else together(there, moved)
    return [figures_row(hours[place]) for place in sorted(hours)]


def revive(connection: apsw.Connection, jobs: JobTable, ids: Sequence[str]) -> int:
    """Have deliveries tried again, due now; returns how many of them there are."""
    asked = _text(ids)
    waiting = _ids(connection, queries.WAITING, asked)
    ended = cast("list[tuple[str, str, str]]", connection.execute(queries.REVIVE, (asked,)).fetchall())
    jobs.hurry_many(DELIVERIES, _text(waiting))
    jobs.enqueue([delivery_job(*one) for one in sorted(ended)])
    return len(waiting) + len(ended)


def cancel(connection: apsw.Connection, jobs: JobTable, ids: Sequence[str], at: int) -> int:
    """End those of these deliveries that wait; returns how many."""
    rows = connection.execute(queries.CANCEL, (at, _text(ids))).fetchall()
    jobs.drop_many(DELIVERIES, _text([str(delivery_id) for (delivery_id,) in rows]))
    return len(rows)


def save_state(connection: apsw.Connection, state: DestinationState) -> bool:
    """Write a destination's state where it follows on the one there."""
    asked = {**structs.asdict(state), "health": state.health.value}
    return bool(connection.execute(queries.SAVE_STATE, asked).fetchall())


def remove(connection: apsw.Connection, ids: Sequence[str], before: int) -> int:
    """Forget ended deliveries, and those of their events that have none left; returns how many of both went."""
    rows = cast(
        "list[tuple[str, str]]", connection.execute(queries.DROP_DELIVERIES, (_text(ids),)).fetchall()
    )
    connection.execute(queries.DROP_ATTEMPTS, (_text([delivery_id for delivery_id, _ in rows]),))
    return len(rows) + remove_events(connection, sorted({event_id for _, event_id in rows}), before)


def remove_events(connection: apsw.Connection, ids: Sequence[str], before: int) -> int:
    """Forget those of these events that occurred before and have no delivery; returns how many."""
    count = connection.total_changes()
    connection.execute(queries.DROP_EVENTS, (_text(ids), before))
    return connection.total_changes() - count


def remove_figures(connection: apsw.Connection, before: int) -> None:
    """Forget the hours that ended before."""
    connection.execute(queries.DROP_FIGURES, (before - HOUR,))


def _ids(connection: apsw.Connection, statement: str, asked: str) -> list[str]:
    return [str(found) for (found,) in connection.execute(statement, (asked,)).fetchall()]


def _text(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()
