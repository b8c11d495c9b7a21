"""Writing runs, inside transactions that somebody else begins and commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, cast

import apsw
import msgspec

from hookstation.adapters.store import run_hashes
from hookstation.adapters.store import run_queries as queries
from hookstation.adapters.store.jobs import JobTable
from hookstation.adapters.store.run_rows import entry_row, run_row, signal_row, standing_row, texts_row
from hookstation.core.jobs import RUNS
from hookstation.core.workflows.run_rules import parents_told
from hookstation.core.workflows.values import Kept, RunStart, Signal, Standing

ENTRIES: Final = 500
"""Entries that go in one transaction: some milliseconds, in which the lane waits."""


class Open(NamedTuple):
    """A run that is not at its end: the event that waits for it, its parent, and the path in it that waits."""

    id: str
    event_id: str
    parent: str
    path: str


def write_starts(connection: apsw.Connection, jobs: JobTable, starts: Sequence[RunStart]) -> list[bool]:
    """Write runs that begin, a statement a table; false for each whose id is there."""
    if not starts:
        return []
    rows = connection.executemany(queries.INSERT_RUN, [run_row(one.run) for one in starts]).fetchall()
    left = {str(run_id) for (run_id,) in rows}
    told, begun = [], []
    for one in starts:
        told.append(one.run.id in left)
        if told[-1]:
            left.discard(one.run.id)
            begun.append(one)
    connection.executemany(queries.INSERT_TEXTS, [texts_row(one.run) for one in begun])
    entries = [entry_row(one.run.id, entry) for one in begun for entry in one.entries]
    if entries:
        connection.executemany(queries.PUT_ENTRY, entries)
    jobs.enqueue([one.job for one in begun])
    return told


def write_signals(connection: apsw.Connection, signals: Sequence[Signal]) -> list[bool]:
    """Keep what came for runs; false for each whose path has its signal, and where the run is not open."""
    rows = connection.executemany(queries.INSERT_SIGNAL, [signal_row(one) for one in signals]).fetchall()
    left = set(cast("list[tuple[str, str]]", rows))
    connection.executemany(queries.DROP_WAIT, sorted(left))
    told = []
    for one in signals:
        place = one.run_id, one.path
        told.append(place in left)
        left.discard(place)
    return told


def tell(connection: apsw.Connection, jobs: JobTable, signals: Sequence[Signal]) -> list[bool]:
    """Keep what came for runs, and have them go on."""
    told = write_signals(connection, signals)
    jobs.hasten(RUNS, sorted({one.run_id for one, counts in zip(signals, told, strict=True) if counts}))
    return told


def has_more_signals(connection: apsw.Connection, run_id: str, seen: int) -> bool:
    """Whether a run has more signals than were seen."""
    [(count,)] = connection.execute(queries.COUNT_SIGNALS, (run_id,)).fetchall()
    return cast("int", count) > seen


def write_kept(connection: apsw.Connection, kept: Sequence[Kept]) -> None:
    """Keep small values, in their order; one that is empty goes."""
    connection.executemany(queries.PUT_KEPT, [(one.kind, one.name, one.key, one.value) for one in kept])
    connection.executemany(queries.DROP_EMPTY, [(one.kind, one.name, one.key) for one in kept])


def close_runs(connection: apsw.Connection, ids: Sequence[str]) -> bool:
    """Forget what runs that ended wait for, and see to the hashes they saw; whether some are left to be moved."""
    connection.execute(queries.DROP_WAITS, (text(ids),))
    return run_hashes.close(connection, ids)


def put_standing(connection: apsw.Connection, standing: Standing) -> None:
    """Say how a thing stands."""
    connection.execute(queries.PUT_STANDING, standing_row(standing))


def open_families(connection: apsw.Connection, ids: Sequence[str]) -> list[Open]:
    """Those of these runs and of all that they began which are not at their end."""
    rows = connection.execute(queries.OPEN_FAMILIES, (text(ids),)).fetchall()
    return [Open(*row) for row in cast("list[tuple[str, str, str, str]]", rows)]


def cancel(connection: apsw.Connection, jobs: JobTable, runs: Sequence[Open], at: int, why: str) -> bool:
    """End open runs, whoever holds them, and tell who waits; whether hashes are left to be moved."""
    ids = [one.id for one in runs]
    gone = text(ids)
    connection.execute(queries.CANCEL, (at, why, gone))
    jobs.drop_many(RUNS, gone)
    tell(connection, jobs, parents_told([(one.id, one.parent, one.path) for one in runs], at, why))
    return close_runs(connection, ids)


def remove_entries(connection: apsw.Connection, ids: Sequence[str], before: int) -> bool:
    """Forget some entries of those of these runs that ended before; whether there may be more."""
    connection.execute(queries.DROP_ENTRIES, (text(_still_old(connection, ids, before)), ENTRIES))
    return connection.changes() == ENTRIES


def remove(connection: apsw.Connection, ids: Sequence[str], before: int) -> int:
    """Forget those of these runs that ended before, whose entries are gone; returns how many."""
    going = _still_old(connection, ids, before)
    for statement in queries.DROP_RUNS:
        connection.execute(statement, (text(going),))
    return len(going)


def remove_versions(connection: apsw.Connection) -> None:
    """Forget versions of workflows that are gone, of which no run is there."""
    connection.execute(queries.DROP_LEFT_VERSIONS)


def _still_old(connection: apsw.Connection, ids: Sequence[str], before: int) -> list[str]:
    rows = connection.execute(queries.STILL_OLD, (text(ids), before)).fetchall()
    return [str(run_id) for (run_id,) in rows]


def text(values: Iterable[str]) -> str:
    """Texts as a JSON array."""
    return msgspec.json.encode(list(values)).decode()
