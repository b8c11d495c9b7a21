"""What turns leave behind them besides their jobs: how runs stand, entries, waits, signals, values and standings.

Each function writes what many turns of a transaction left, a statement a table, in one order on every node.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, cast

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.keys import NOW, hint_of
from hookstation.adapters.store.postgres.rows import Row, columns, kept, told
from hookstation.adapters.store.postgres.run_rows import SIGNAL, WAIT, arrays, signal_row, wait_row
from hookstation.core.workflows.run_rules import PAST, moved
from hookstation.core.workflows.values import (
    ENDED,
    Entry,
    Kept,
    Outcome,
    RunChange,
    Signal,
    Standing,
    Wait,
)

CHANGE_RUNS: Final = (
    "UPDATE runs r SET state = u.state, started_at = coalesce(nullif(u.started_at, 0), r.started_at), "
    "ended_at = coalesce(nullif(u.ended_at, 0), r.ended_at), due_at = coalesce(nullif(u.due_at, 0), r.due_at), "
    "error = coalesce(u.error, r.error), output = coalesce(u.output, r.output), answer = coalesce(u.answer, r.answer) "
    f"FROM {arrays(('text', 'text', 'bigint', 'bigint', 'bigint', 'text', 'text', 'text'))} "
    "u(id, state, started_at, ended_at, due_at, error, output, answer) WHERE r.id = u.id"
)
"""Write how runs stand; NULL, or a moment that is 0, leaves what there is."""

PUT_WAITS: Final = (
    f"INSERT INTO run_waits ({', '.join(WAIT)}) SELECT * FROM "
    f"{arrays(('text', 'text', 'text', 'bytea', 'bigint', 'text', 'text'))} ON CONFLICT (run_id, path) DO UPDATE SET "
    "kind = excluded.kind, digest = excluded.digest, expires_at = excluded.expires_at, person = excluded.person, "
    "title = excluded.title"
)
"""Write what waits from now on."""

DROP_WAITS: Final = (
    f"DELETE FROM run_waits w USING {arrays(('text', 'text'))} u(run_id, path) "
    "WHERE w.run_id = u.run_id AND (u.path = '' OR w.path = u.path)"
)
"""Forget what waits no more; an empty path stands for a whole run."""

PUT_SIGNALS: Final = (
    f"INSERT INTO run_signals ({', '.join(SIGNAL)}) SELECT u.* FROM "
    f"{arrays(('text', 'text', 'bigint', 'text', 'text'))} u(run_id, path, at, payload, who) "
    "WHERE EXISTS (SELECT FROM runs r WHERE r.id = u.run_id AND r.ended_at = 0) "
    "ON CONFLICT (run_id, path) DO NOTHING RETURNING run_id, path"
)
"""Write what came for runs that have not ended, where their paths have nothing yet."""

HURRY: Final = (
    f"UPDATE jobs j SET due_at = {NOW} FROM {arrays(('text', 'text'))} u(queue, id) "
    f"WHERE j.queue = u.queue AND j.id = u.id AND j.state <> 2 AND j.due_at > {NOW} RETURNING j.queue, j.lane, j.state"
)
"""Let jobs whose rows are locked be due now, but for those that are being done."""

MORE_SIGNALS: Final = (
    f"SELECT u.run_id FROM {arrays(('text', 'bigint'))} u(run_id, seen) "
    "WHERE (SELECT count(*) FROM run_signals s WHERE s.run_id = u.run_id) > u.seen"
)
"""The runs for which more came than was seen."""

PUT_KEPT: Final = (
    f"INSERT INTO kept SELECT * FROM {arrays(('text', 'text', 'text', 'text'))} "
    "ON CONFLICT (kind, name, key) DO UPDATE SET value = excluded.value"
)
DROP_KEPT: Final = (
    f"DELETE FROM kept k USING {arrays(('text', 'text', 'text'))} u(kind, name, key) "
    "WHERE k.kind = u.kind AND k.name = u.name AND k.key = u.key"
)
"""Keep values, or forget them."""

_STANDING: Final = 'kind, name, failures, succeeded_at, failed_at, "off", why'
STANDINGS: Final = f"SELECT {_STANDING} FROM standings WHERE kind = $1"
"""How the things of a kind stand."""

_FIRST_STANDINGS: Final = (
    f"INSERT INTO standings ({_STANDING}) SELECT u.kind, u.name, 0, 0, 0, 0, '' FROM {arrays(('text', 'text'))} "
    "u(kind, name) ON CONFLICT (kind, name) DO NOTHING"
)
_LOCK_STANDINGS: Final = (
    f"SELECT {_STANDING} FROM standings WHERE (kind, name) IN (SELECT * FROM {arrays(('text', 'text'))}) "
    "ORDER BY kind, name FOR UPDATE"
)
PUT_STANDINGS: Final = (
    f"INSERT INTO standings ({_STANDING}) SELECT * FROM "
    f"{arrays(('text', 'text', 'bigint', 'bigint', 'bigint', 'smallint', 'text'))} ON CONFLICT (kind, name) DO UPDATE "
    "SET failures = excluded.failures, succeeded_at = excluded.succeeded_at, failed_at = excluded.failed_at, "
    '"off" = excluded."off", why = excluded.why'
)
"""Write how things stand."""


async def change_runs(connection: Connection, changes: Iterable[tuple[str, RunChange]]) -> None:
    """Write how runs stand."""
    rows = [
        (
            run_id,
            change.state.value,
            change.started_at,
            change.ended_at,
            change.due_at,
            *(None if text is None else kept(text) for text in (change.error, change.output, change.answer)),
        )
        for run_id, change in sorted(changes, key=lambda one: one[0])
    ]
    if rows:
        await connection.execute(CHANGE_RUNS, *columns(rows, 8))


def over(run_id: str, entries: Iterable[Entry], change: RunChange | None) -> list[Row]:
    """Rows for `DROP_WAITS`: what a turn of a run ends that may have waited."""
    if change is not None and change.state in ENDED:
        return [(run_id, "")]
    return [(run_id, kept(entry.path)) for entry in entries if entry.state in PAST]


async def put_waits(connection: Connection, waits: Sequence[Wait], gone: Sequence[Row]) -> None:
    """Write what waits from now on, then forget what does no more."""
    latest = {(wait.run_id, wait.path): wait for wait in waits}
    if latest:
        rows = [wait_row(latest[place]) for place in sorted(latest)]
        await connection.execute(PUT_WAITS, *columns(rows, len(WAIT)))
    if gone:
        await connection.execute(DROP_WAITS, *columns(gone, 2))


async def put_signals(connection: Connection, signals: Sequence[Signal]) -> list[bool]:
    """Tell runs what they wait for, each path once, and forget the waits of these paths."""
    first: dict[tuple[str, str], Signal] = {}
    for signal in signals:
        first.setdefault((signal.run_id, signal.path), signal)
    rows = [signal_row(first[place]) for place in sorted(first)]
    written = await connection.fetch(PUT_SIGNALS, *columns(rows, len(SIGNAL))) if rows else []
    new = {(str(run_id), told(str(path))) for run_id, path in written}
    if written:
        await connection.execute(DROP_WAITS, *columns([tuple(row) for row in written], 2))
    return [first[one.run_id, one.path] is one and (one.run_id, one.path) in new for one in signals]


async def hurry(connection: Connection, names: Collection[tuple[str, str]]) -> set[str]:
    """Let these jobs, whose rows are locked, be due; returns the hints."""
    if not names:
        return set()
    rows = sorted((kept(queue), kept(job_id)) for queue, job_id in names)
    found = await connection.fetch(HURRY, *columns(rows, 2))
    return {hint_of(told(queue), told(lane)) for queue, lane, state in found if state == 0}


async def keep(connection: Connection, values: Iterable[Kept]) -> None:
    """Keep small values; of one key the last counts."""
    latest = {(kept(one.kind), kept(one.name), kept(one.key)): kept(one.value) for one in values}
    put = [(*place, latest[place]) for place in sorted(latest) if latest[place]]
    gone = [place for place in sorted(latest) if not latest[place]]
    if put:
        await connection.execute(PUT_KEPT, *columns(put, 4))
    if gone:
        await connection.execute(DROP_KEPT, *columns(gone, 3))


async def move_standings(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Count ends in, one after the other."""
    if not outcomes:
        return
    asked = columns(sorted({(kept(one.kind), kept(one.name)) for one in outcomes}), 2)
    await connection.execute(_FIRST_STANDINGS, *asked)
    found = [read_standing(row) for row in await connection.fetch(_LOCK_STANDINGS, *asked)]
    stand = {(one.kind, one.name): one for one in found}
    for outcome in outcomes:
        place = outcome.kind, outcome.name
        stand[place] = moved(stand[place], outcome)
    await put_standings(connection, stand.values())


async def put_standings(connection: Connection, standings: Iterable[Standing]) -> None:
    """Write how things stand."""
    rows = sorted(
        (
            kept(one.kind),
            kept(one.name),
            one.failures,
            one.succeeded_at,
            one.failed_at,
            int(one.off),
            kept(one.why),
        )
        for one in standings
    )
    await connection.execute(PUT_STANDINGS, *columns(rows, 7))


def read_standing(row: Iterable[object]) -> Standing:
    """A row of `STANDINGS`."""
    kind, name, failures, succeeded_at, failed_at, off, why = cast(
        "tuple[str, str, int, int, int, int, str]", tuple(row)
    )
    return Standing(told(kind), told(name), failures, succeeded_at, failed_at, bool(off), told(why))
