"""Hashes of the rows that deltas saw: those that count, and those of runs that are not at their end.

Those of a run that ended are moved in the transaction that ends it where they are few, else piece by piece behind it:
a transfer of a million rows must not hold up the lane.  What is not moved yet is read where it lies.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import apsw
import msgspec

from hookstation.adapters.store.rows import Row
from hookstation.core.workflows.values import ENDED, Hashes, RunState

AT_ONCE: Final = 1_000
"""Hashes that are moved in one transaction: some milliseconds, in which the lane waits."""

_PUT_PENDING: Final = "INSERT OR REPLACE INTO pending_hashes VALUES (?,?,?,?)"
"""Keep the hash of a row that a run saw, until it ends."""

_PUT: Final = "INSERT OR REPLACE INTO row_hashes VALUES (?,?,?)"
"""Let the hash of a row count."""

_OVERTAKE: Final = "DELETE FROM pending_hashes WHERE run_id = ? AND owner = ? AND key = ?"
"""A newer hash of a row takes the place of one that is not moved yet."""

_COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM pending_hashes WHERE run_id = ? LIMIT ?)"
"""How many rows a run saw, up to a number."""

_NEXT: Final = "(SELECT h.run_id FROM pending_hashes AS h{} ORDER BY h.run_id LIMIT 1)"
_STATES: Final = ", ".join(f"'{state.value}'" for state in sorted(ENDED))

_LEFT: Final = (
    f"WITH RECURSIVE p (run_id) AS (SELECT {_NEXT.format('')} UNION ALL "
    f"SELECT {_NEXT.format(' WHERE h.run_id > p.run_id')} FROM p WHERE p.run_id IS NOT NULL) "
    f"SELECT r.id, r.state FROM p CROSS JOIN runs AS r ON r.id = p.run_id WHERE r.state IN ({_STATES}) "
    "ORDER BY r.ended_at, r.id"
)
"""Runs that ended whose hashes are not moved yet, in the order of their ends; a probe of an index a run."""

_SOME: Final = "FROM pending_hashes WHERE run_id = ?1 ORDER BY owner, key LIMIT ?2"

_MOVE: Final = f"INSERT OR REPLACE INTO row_hashes SELECT owner, key, hash {_SOME}"
"""Let some hashes of the rows that a run saw count."""

_DROP: Final = f"DELETE FROM pending_hashes WHERE run_id = ?1 AND (owner, key) IN (SELECT owner, key {_SOME})"
"""Forget some hashes of the rows that a run saw."""

_KNOWN: Final = (
    "SELECT h.key, h.hash FROM json_each(?2) AS k CROSS JOIN row_hashes AS h "
    "ON h.owner = ?1 AND h.key = k.value"
)
"""The hashes of some keys that were moved."""

_KNOWN_OF: Final = (
    "SELECT h.key, h.hash FROM json_each(?3) AS k CROSS JOIN pending_hashes AS h "
    "ON h.run_id = ?1 AND h.owner = ?2 AND h.key = k.value"
)
"""The hashes of some keys that a run saw."""

_FORGET: Final = (
    "DELETE FROM row_hashes WHERE owner = ?1 "
    "AND key IN (SELECT key FROM row_hashes WHERE owner = ?1 ORDER BY key LIMIT ?2)"
)
"""Forget some hashes of an owner that were moved."""


def write(connection: apsw.Connection, hashes: Hashes, run_id: str) -> None:
    """Keep the hashes of rows: until the run ends, or without one from now on."""
    if run_id:
        pending: list[Row] = [(run_id, hashes.owner, key, hash_) for key, hash_ in hashes.rows.items()]
        connection.executemany(_PUT_PENDING, pending)
        return
    for ended, _ in left(connection):
        connection.executemany(_OVERTAKE, [(ended, hashes.owner, key) for key in hashes.rows])
    counting: list[Row] = [(hashes.owner, key, hash_) for key, hash_ in hashes.rows.items()]
    connection.executemany(_PUT, counting)


def left(connection: apsw.Connection) -> list[tuple[str, str]]:
    """Runs that ended whose hashes are not moved yet, the one that ended first before the others; with their state."""
    return cast("list[tuple[str, str]]", connection.execute(_LEFT).fetchall())


def close(connection: apsw.Connection, ended: Sequence[str]) -> bool:
    """Move the hashes of runs that ended in this transaction; whether some are left for later."""
    saw = [run_id for run_id in ended if _count(connection, run_id)]
    if not saw:
        return False
    others = left(connection)
    if len(others) > len(saw) or any(_count(connection, run_id) > AT_ONCE for run_id in saw):
        return True
    for run_id, state in others:
        move(connection, run_id, state)
    return False


def _count(connection: apsw.Connection, run_id: str) -> int:
    [(count,)] = connection.execute(_COUNT, (run_id, AT_ONCE + 1)).fetchall()
    return cast("int", count)


def move(connection: apsw.Connection, run_id: str, state: str) -> None:
    """Let some hashes of a run that ended count, or forget them where it did not succeed."""
    if state == RunState.SUCCEEDED:
        connection.execute(_MOVE, (run_id, AT_ONCE))
    connection.execute(_DROP, (run_id, AT_ONCE))


def move_all(connection: apsw.Connection) -> None:
    """Move whatever is left, in transactions of its own."""
    while found := left(connection):
        with connection:
            move(connection, *found[0])


def known(connection: apsw.Connection, owner: str, keys: Sequence[str]) -> dict[str, bytes]:
    """The hashes of some keys that count, as of one moment: where several runs saw a row, the last one's."""
    asked = msgspec.json.encode(keys).decode()
    connection.execute("BEGIN")
    try:
        found = _pairs(connection, _KNOWN, (owner, asked))
        for run_id, state in left(connection):
            if state == RunState.SUCCEEDED:
                found |= _pairs(connection, _KNOWN_OF, (run_id, owner, asked))
        return found
    finally:
        connection.execute("COMMIT")


def _pairs(connection: apsw.Connection, statement: str, asked: Row) -> dict[str, bytes]:
    return dict(cast("list[tuple[str, bytes]]", connection.execute(statement, asked).fetchall()))


def forget(connection: apsw.Connection, owner: str, limit: int) -> int:
    """Forget at most so many hashes of an owner that were moved; returns how many went."""
    connection.execute(_FORGET, (owner, limit))
    return connection.changes()
