"""Pruning: candidates are chosen by a reader, and go in small steps through the writer's queue."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeAlias, cast

import apsw
import msgspec

from hookstation.adapters.store import queries, search
from hookstation.adapters.store.jobs import JobTable
from hookstation.adapters.store.rows import Row, mark_digest
from hookstation.adapters.store.sweeps import LOOK, Choice, Sweep, Sweeps
from hookstation.core.events import OPEN_STATES, State
from hookstation.core.jobs import EVENTS
from hookstation.core.journal_rules import ID_SLACK, PRUNABLE_STATES, lowest_id
from hookstation.ports.store import Retention

STEP: Final = 50
"""Events that go in one transaction: about two milliseconds, in which the lane waits."""

_OPEN: Final = ", ".join(f"'{state.value}'" for state in sorted(OPEN_STATES))

_OLDEST: Final = (
    "SELECT id FROM events WHERE state = ? AND id > ? AND id < ? AND received_at < ? ORDER BY id LIMIT ?"
)
"""The oldest events of one state, after an id, that were received before a time."""

_KEYS: Final = "SELECT id, webhook, dedup_key FROM events WHERE id IN (SELECT value FROM json_each(?))"
"""The dedup keys of some events."""

_OLDEST_REJECTED: Final = "SELECT id FROM events WHERE state = 'rejected' ORDER BY id LIMIT ?"
"""The oldest rejected events."""

_OLDEST_BODIES: Final = (
    "SELECT e.id, length(p.body) FROM events e JOIN payloads p ON p.no = e.payload_no "
    f"WHERE e.state NOT IN ({_OPEN}) AND e.id > ? AND length(p.body) > 0 ORDER BY e.id LIMIT ?"
)
"""The oldest events that may go and take a body with them, with its size."""

_TOTAL: Final = "SELECT value FROM totals WHERE name = ?"

_GOING: Final = (
    "SELECT e.id, e.webhook, e.dedup_key, e.state, e.payload_no, coalesce(length(p.body), 0) FROM events e "
    "JOIN payloads p ON p.no = e.payload_no "
    f"WHERE e.id IN (SELECT value FROM json_each(?)) AND e.state NOT IN ({_OPEN})"
)
"""What goes with some events; those that were opened again since they were chosen are left out."""

_HOLDERS: Final = (
    "SELECT event_id FROM marks WHERE digest IN (SELECT unhex(value) FROM json_each(?)) "
    "AND event_id IN (SELECT value FROM json_each(?)) AND expires_at > ?"
)
"""Which of some events hold a mark that is alive."""

_FREE_MARKS: Final = (
    "DELETE FROM marks WHERE digest IN (SELECT unhex(value) FROM json_each(?)) "
    "AND event_id IN (SELECT value FROM json_each(?))"
)
"""Forget the marks that these events hold; another event may hold the key by now."""

_DROP: Final = (
    "DELETE FROM attempts WHERE event_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM events WHERE id IN (SELECT value FROM json_each(?))",
)
"""Forget the events, and what else hangs on them."""

_DROP_PAYLOADS: Final = "DELETE FROM payloads WHERE no IN (SELECT value FROM json_each(?))"
"""Forget headers and bodies."""

_DROP_BODIES: Final = "UPDATE payloads SET body = NULL WHERE no IN (SELECT value FROM json_each(?))"
"""Forget bodies; their events stay."""


Look: TypeAlias = Callable[[apsw.Connection, int], Choice]
"""One look for at most so many events that may go; asked again until it says that it has ended."""


def rules(retention: Retention, sweeps: Sweeps) -> Iterator[Look]:
    """The rules that are switched on, each choosing at most so many of the oldest events that it lets go."""
    if retention.before:
        sweeps.age.begin(retention.now)
        yield partial(_settled_before, sweeps.age, retention)
    if retention.rejected_before:
        yield partial(_rejected_before, retention.rejected_before)
    if retention.most_rejected:
        yield partial(_beyond_newest, retention.most_rejected)
    if retention.most_bytes:
        sweeps.bodies.begin(retention.now)
        yield partial(_beyond_bytes, sweeps.bodies, retention)


def _settled_before(sweep: Sweep, retention: Retention, reader: apsw.Connection, limit: int) -> Choice:
    seen: list[str] = []
    for state in PRUNABLE_STATES:
        seen += _received_before(reader, state, retention.before, LOOK, sweep.after)
    seen = sorted(seen)[:LOOK]
    staying = _holders(reader, reader.execute(_KEYS, (_text(seen),)).fetchall(), retention.now)
    return sweep.choose(seen, staying, limit)


def _rejected_before(before: int, reader: apsw.Connection, limit: int) -> Choice:
    return Choice(_received_before(reader, State.REJECTED, before, limit), ended=True)


def _received_before(
    reader: apsw.Connection, state: State, before: int, limit: int, after: str = ""
) -> list[str]:
    bounds = (state.value, after, lowest_id(before + ID_SLACK), before, limit)
    return [str(event_id) for (event_id,) in reader.execute(_OLDEST, bounds).fetchall()]


def _beyond_newest(most: int, reader: apsw.Connection, limit: int) -> Choice:
    surplus = min(_total(reader, "rejected") - most, limit)
    if surplus <= 0:
        return Choice([], ended=True)
    rows = reader.execute(_OLDEST_REJECTED, (surplus,)).fetchall()
    return Choice([str(event_id) for (event_id,) in rows], ended=True)


def _beyond_bytes(sweep: Sweep, retention: Retention, reader: apsw.Connection, limit: int) -> Choice:
    surplus = _total(reader, "body_bytes") - retention.most_bytes
    found: list[str] = []
    if surplus > 0:
        for event_id, size in reader.execute(_OLDEST_BODIES, (sweep.after, limit)).fetchall():
            if surplus <= 0:
                break
            found.append(str(event_id))
            surplus -= int(str(size))
    if found:
        sweep.after = found[-1]
        staying = _holders(reader, reader.execute(_KEYS, (_text(found),)).fetchall(), retention.now)
        sweep.stayed += len(staying)
    return Choice(found, ended=True, only_bodies=True)


def _holders(connection: apsw.Connection, keys: Iterable[Row], now: int) -> set[str]:
    """Which of these events (id, webhook, dedup key) hold a mark that is alive at `now`."""
    asked = [
        (event_id, mark_digest(str(webhook), str(key)).hex())
        for event_id, webhook, key in keys
        if key is not None
    ]
    if not asked:
        return set()
    ids, digests = zip(*asked, strict=True)
    rows = connection.execute(_HOLDERS, (_text(digests), _text(ids), now)).fetchall()
    return {str(event_id) for (event_id,) in rows}


def _total(reader: apsw.Connection, name: str) -> int:
    [(value,)] = reader.execute(_TOTAL, (name,)).fetchall()
    return int(str(value))


def remove(
    connection: apsw.Connection, jobs: JobTable, event_ids: Sequence[str], now: int, *, only_bodies: bool
) -> int:
    """Delete these events with all that hangs on them but their records; those that were opened again stay.

    One that holds a mark at `now` stays too; `only_bodies` says that it loses its body then.  Returns how many went
    or lost theirs.  A statement a table and not one an event: each statement in a thread asks for the interpreter lock
    again, and a busy event loop gives it away unwillingly.
    """
    found = [
        _Going(*cast("_Going", row)) for row in connection.execute(_GOING, (_text(event_ids),)).fetchall()
    ]
    staying = _holders(connection, [(event.id, event.webhook, event.key) for event in found], now)
    going = [event for event in found if event.id not in staying]
    emptied = [event for event in found if only_bodies and event.id in staying]
    ids = _text([event.id for event in going])
    held = [mark_digest(event.webhook, event.key).hex() for event in going if event.key is not None]
    connection.execute(_FREE_MARKS, (_text(held), ids))
    connection.execute(_DROP_PAYLOADS, (_text([event.payload_no for event in going]),))
    connection.execute(_DROP_BODIES, (_text([event.payload_no for event in emptied]),))
    search.forget(connection, _text([event.id for event in (*going, *emptied)]))
    for statement in _DROP:
        connection.execute(statement, (ids,))
    jobs.drop_many(EVENTS, ids)
    rejected = sum(event.state == State.REJECTED for event in going)
    freed = sum(event.size for event in (*going, *emptied))
    connection.executemany(queries.ADD_TOTAL, [(-rejected, "rejected"), (-freed, "body_bytes")])
    return len(going) + len(emptied)


class _Going(NamedTuple):
    id: str
    webhook: str
    key: str | None
    state: str
    payload_no: int
    size: int


def _text(values: Sequence[str] | Sequence[int]) -> str:
    return msgspec.json.encode(values).decode()
