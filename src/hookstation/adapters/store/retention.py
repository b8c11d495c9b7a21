"""Pruning: candidates are chosen by a reader, and go in small steps through the writer's queue."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

import apsw
import msgspec

from hookstation.adapters.store import queries
from hookstation.adapters.store.rows import mark_digest
from hookstation.core.events import OPEN_STATES, State
from hookstation.core.journal_rules import ID_SLACK, PRUNABLE_STATES, lowest_id
from hookstation.ports.store import Retention

STEP: Final = 50
"""Events that go in one transaction: about two milliseconds, in which the lane waits."""

Choice: TypeAlias = Callable[[apsw.Connection, int], list[str]]

_OPEN: Final = ", ".join(f"'{state.value}'" for state in sorted(OPEN_STATES))

_OLDEST: Final = "SELECT id FROM events WHERE state = ? AND id < ? AND received_at < ? ORDER BY id LIMIT ?"
"""The oldest events of one state that were received before a time."""

_OLDEST_REJECTED: Final = "SELECT id FROM events WHERE state = 'rejected' ORDER BY id LIMIT ?"
"""The oldest rejected events."""

_OLDEST_BODIES: Final = (
    "SELECT e.id, length(p.body) FROM events e JOIN payloads p ON p.no = e.payload_no "
    f"WHERE e.state NOT IN ({_OPEN}) AND length(p.body) > 0 ORDER BY e.id LIMIT ?"
)
"""The oldest events that may go and take a body with them, with its size."""

_TOTAL: Final = "SELECT value FROM totals WHERE name = ?"

_GOING: Final = (
    "SELECT e.id, e.webhook, e.dedup_key, e.state, e.payload_no, coalesce(length(p.body), 0) FROM events e "
    "JOIN payloads p ON p.no = e.payload_no "
    f"WHERE e.id IN (SELECT value FROM json_each(?)) AND e.state NOT IN ({_OPEN})"
)
"""What goes with some events; those that were opened again since they were chosen are left out."""

_FREE_MARKS: Final = (
    "DELETE FROM marks WHERE digest IN (SELECT unhex(value) FROM json_each(?)) "
    "AND event_id IN (SELECT value FROM json_each(?))"
)
"""Forget the marks that these events hold; another event may hold the key by now."""

_DROP: Final = (
    "DELETE FROM attempts WHERE event_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM due_work WHERE event_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM events WHERE id IN (SELECT value FROM json_each(?))",
)
"""Forget the events, and what else hangs on them."""

_DROP_PAYLOADS: Final = "DELETE FROM payloads WHERE no IN (SELECT value FROM json_each(?))"
"""Forget headers and bodies."""


def rules(retention: Retention) -> Iterable[Choice]:
    """The rules that are switched on, each choosing at most so many of the oldest events that it lets go."""
    if retention.before:
        yield lambda reader, limit: _received_before(reader, PRUNABLE_STATES, retention.before, limit)
    if retention.rejected_before:
        yield lambda reader, limit: _received_before(
            reader, (State.REJECTED,), retention.rejected_before, limit
        )
    if retention.most_rejected:
        yield lambda reader, limit: _beyond_newest(reader, retention.most_rejected, limit)
    if retention.most_bytes:
        yield lambda reader, limit: _beyond_bytes(reader, retention.most_bytes, limit)


def _received_before(reader: apsw.Connection, states: Sequence[State], before: int, limit: int) -> list[str]:
    found: list[str] = []
    for state in states:
        rows = reader.execute(_OLDEST, (state.value, lowest_id(before + ID_SLACK), before, limit)).fetchall()
        found += (str(event_id) for (event_id,) in rows)
    return sorted(found)[:limit]


def _beyond_newest(reader: apsw.Connection, most: int, limit: int) -> list[str]:
    surplus = min(_total(reader, "rejected") - most, limit)
    if surplus <= 0:
        return []
    return [str(event_id) for (event_id,) in reader.execute(_OLDEST_REJECTED, (surplus,)).fetchall()]


def _beyond_bytes(reader: apsw.Connection, most: int, limit: int) -> list[str]:
    surplus = _total(reader, "body_bytes") - most
    found: list[str] = []
    if surplus > 0:
        for event_id, size in reader.execute(_OLDEST_BODIES, (limit,)).fetchall():
            if surplus <= 0:
                break
            found.append(str(event_id))
            surplus -= int(str(size))
    return found


def _total(reader: apsw.Connection, name: str) -> int:
    [(value,)] = reader.execute(_TOTAL, (name,)).fetchall()
    return int(str(value))


def remove(connection: apsw.Connection, event_ids: Sequence[str]) -> int:
    """Delete these events with all that hangs on them but their records; those that were opened again stay.

    A statement a table and not one an event: each statement in a thread asks for the interpreter lock again, and a busy
    event loop gives it away unwillingly.
    """
    going = [
        _Going(*cast("_Going", row)) for row in connection.execute(_GOING, (_text(event_ids),)).fetchall()
    ]
    ids = _text([event.id for event in going])
    held = [mark_digest(event.webhook, event.key).hex() for event in going if event.key is not None]
    connection.execute(_FREE_MARKS, (_text(held), ids))
    connection.execute(_DROP_PAYLOADS, (_text([event.payload_no for event in going]),))
    for statement in _DROP:
        connection.execute(statement, (ids,))
    rejected = sum(event.state == State.REJECTED for event in going)
    freed = sum(event.size for event in going)
    connection.executemany(queries.ADD_TOTAL, [(-rejected, "rejected"), (-freed, "body_bytes")])
    return len(going)


class _Going(NamedTuple):
    id: str
    webhook: str
    key: str | None
    state: str
    payload_no: int
    size: int


def _text(values: Sequence[str] | Sequence[int]) -> str:
    return msgspec.json.encode(values).decode()
