"""Every statement of the SQLite driver about jobs, by name, with a sentence each.

A partial index is taken only by a statement that repeats its condition word by word.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from typing import Final

from hookstation.core.jobs import Priority

# --- writing ---------------------------------------------------------------------------------------------------------

INSERT: Final = (
    "INSERT INTO jobs (queue, id, key, state, priority, due_at, tries, turn, node, token, until, lane, payload) "
    "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
"""Write a job that is new to its queue."""

INSERT_NEW: Final = f"{INSERT} ON CONFLICT (queue, id) DO NOTHING RETURNING queue, id"
"""Write a job, or leave the one there alone."""

DROP: Final = "DELETE FROM jobs WHERE queue = ? AND id = ? RETURNING key, token"
"""Remove a job, whoever holds it."""

DROP_MANY: Final = "DELETE FROM jobs WHERE queue = ? AND id IN (SELECT value FROM json_each(?)) RETURNING key"
"""Remove jobs, whoever holds them."""

HURRY: Final = (
    "UPDATE jobs SET due_at = :now WHERE queue = :queue AND key = :key AND key <> '' AND state <> 'leased' "
    "AND due_at > :now RETURNING state, lane"
)
"""Make what waits for its time under a key due now."""

HURRY_MANY: Final = (
    "UPDATE jobs SET due_at = min(due_at, :now), tries = 0 WHERE queue = :queue AND state <> 'leased' "
    "AND id IN (SELECT value FROM json_each(:ids)) RETURNING state, lane"
)
"""Make what waits for its time of these jobs due now, as if it had not been tried yet."""

HASTEN: Final = (
    "UPDATE jobs SET due_at = min(due_at, :now) WHERE queue = :queue AND state <> 'leased' "
    "AND id IN (SELECT value FROM json_each(:ids)) RETURNING state, lane"
)
"""Make what waits for its time of these jobs due now."""

TURN_OF_ANOTHER: Final = (
    "SELECT 1 FROM jobs WHERE turn = ? AND turn IS NOT NULL AND NOT (queue = ? AND id = ?)"
)
"""Whether another job has this turn."""

# --- leasing ---------------------------------------------------------------------------------------------------------

_ARM: Final = (
    "SELECT * FROM (SELECT rowid AS row, priority, due_at, id FROM jobs "
    "WHERE queue = :queue AND lane = :lane AND state = 'ready' AND priority = {} AND due_at <= :now "
    "ORDER BY due_at, id LIMIT :limit)"
)
_DUE: Final = " UNION ALL ".join(_ARM.format(priority.value) for priority in Priority)

DUE: Final = (
    "SELECT priority, due_at, id, key, tries, payload, turn, token, rowid FROM jobs "
    f"WHERE rowid IN (SELECT row FROM ({_DUE}) ORDER BY priority, due_at, id LIMIT :limit)"
)
"""What is due; an arm a priority, so that those of one that are not due yet are never walked over."""

LEASE: Final = "UPDATE jobs SET state = 'leased', node = ?, token = ?, until = ? WHERE rowid = ?"
"""Lease one of them. Two statements and a row at a time take a third less than an update that reads and returns."""

COUNT_LEASED: Final = "SELECT count(*) FROM jobs WHERE queue = ? AND lane = ? AND state = 'leased'"
"""How many jobs of a lane are leased."""

LEASE_ONE: Final = (
    "UPDATE jobs SET state = 'leased', node = ?, token = ?, until = ? WHERE queue = ? AND id = ?"
)
"""Lease a job in the transaction that wrote it."""

HOW_IT_STANDS: Final = "SELECT state, token FROM jobs WHERE queue = ? AND id = ?"
"""Whether a job is free to be leased, and beyond which token."""

HELD_UNDER: Final = (
    "SELECT 1 FROM jobs WHERE queue = ? AND id = ? AND state = 'leased' AND node = ? AND token = ?"
)
"""Whether a lease is its job's."""

SETTLE: Final = (
    "DELETE FROM jobs WHERE queue = ? AND id IN (SELECT value FROM json_each(?)) "
    "AND state = 'leased' AND node = ? AND token = ? RETURNING id, key"
)
"""Remove jobs that a node holds under one token, which those have that it leased together."""

DO_AGAIN: Final = (
    "UPDATE jobs SET state = ?, priority = ?, due_at = ?, tries = ?, turn = ?, payload = ?, node = '', until = 0 "
    "WHERE queue = ? AND id = ? AND state = 'leased' AND node = ? AND token = ? RETURNING lane"
)
"""Put a job back that is held under this lease."""

_ENDED: Final = (
    "state = 'leased' AND (node IN (SELECT value FROM json_each(:ended)) "
    "OR :every AND (until <= :now OR node NOT IN (SELECT value FROM json_each(:living))))"
)

GIVE_BACK: Final = (
    "UPDATE jobs SET state = iif(key = '', 'ready', 'behind'), node = '', until = 0, due_at = :now, "
    f"token = token + 1 WHERE {_ENDED} RETURNING queue, key, lane"
)
"""End leases; the token grows, so that a late word is refused."""

ANY_OVER: Final = (
    "SELECT 1 FROM jobs WHERE state = 'leased' "
    "AND (until <= ? OR node NOT IN (SELECT value FROM json_each(?))) LIMIT 1"
)
"""Whether a lease is over or its node is not there."""

# --- the order of a key ----------------------------------------------------------------------------------------------

ANY_OF_KEY: Final = "SELECT 1 FROM jobs WHERE queue = ? AND key = ? AND key <> '' LIMIT 1"
"""Whether a queue has jobs of a key."""

TWO_OF_KEY: Final = "SELECT 1 FROM jobs WHERE queue = ? AND key = ? AND key <> '' LIMIT 2"
"""Whether a queue has one job of a key or more."""

_OF_KEY: Final = "{0}.queue = {1}.value ->> 0 AND {0}.key = {1}.value ->> 1 AND {0}.key <> ''"

GIVE_WAY: Final = (
    "UPDATE jobs SET state = 'behind' WHERE rowid IN ("
    f"SELECT j.rowid FROM json_each(?) AS k CROSS JOIN jobs AS j ON {_OF_KEY.format('j', 'k')} "
    "AND j.state <> 'behind' WHERE j.state = 'ready' AND (EXISTS (SELECT 1 FROM jobs AS l "
    f"WHERE {_OF_KEY.format('l', 'k')} AND l.state <> 'behind' AND l.state = 'leased') OR EXISTS "
    f"(SELECT 1 FROM jobs AS s WHERE {_OF_KEY.format('s', 'k')} AND s.id < j.id)))"
)
"""Of these keys, let what is ready stand behind what is leased or has a smaller id. Keys: `[[queue, key], …]`."""

MOVE_UP: Final = (
    "UPDATE jobs SET state = 'ready' WHERE rowid IN ("
    f"SELECT (SELECT j.rowid FROM jobs AS j WHERE {_OF_KEY.format('j', 'k')} ORDER BY j.id LIMIT 1) "
    "FROM json_each(?) AS k WHERE NOT EXISTS (SELECT 1 FROM jobs AS h "
    f"WHERE {_OF_KEY.format('h', 'k')} AND h.state <> 'behind')) RETURNING queue, lane, due_at"
)
"""Of these keys, let the job with the smallest id be ready where none is ready or leased."""

# --- reading ---------------------------------------------------------------------------------------------------------

_COLUMNS: Final = "queue, id, key, state, priority, due_at, tries, turn, node, lane, payload"

FIND: Final = f"SELECT {_COLUMNS} FROM jobs WHERE queue = ? AND id = ?"
"""One job."""

LIST: Final = f"SELECT {_COLUMNS} FROM jobs WHERE queue = ? AND id > ? ORDER BY id LIMIT ?"
"""Jobs of a queue."""

LIST_OF_KEY: Final = (
    f"SELECT {_COLUMNS} FROM jobs WHERE queue = ? AND key = ? AND key <> '' AND id > ? ORDER BY id LIMIT ?"
)
"""Jobs of a key."""

_FIRST: Final = (
    "(SELECT min(due_at) FROM jobs WHERE queue = {0} AND lane = {1} AND state = 'ready' AND priority = {2})"
)
_FIRSTS: Final = tuple(_FIRST.format("l.queue", "l.lane", priority.value) for priority in Priority)

FIRST_DUE: Final = "SELECT " + ", ".join(_FIRST.format(":queue", ":lane", one.value) for one in Priority)
"""When the first job of each priority in a lane is due."""

_NEXT_LANE: Final = (
    "(SELECT j.lane FROM jobs AS j WHERE j.queue = {0} AND j.state = 'ready'{1} ORDER BY j.lane LIMIT 1)"
)

DUE_LANES: Final = (
    "WITH RECURSIVE l (queue, lane) AS ("
    f"SELECT q.value, {_NEXT_LANE.format('q.value', '')} FROM json_each(?) AS q UNION ALL "
    f"SELECT l.queue, {_NEXT_LANE.format('l.queue', ' AND j.lane > l.lane')} FROM l WHERE l.lane IS NOT NULL) "
    f"SELECT l.queue, l.lane, {', '.join(_FIRSTS)} FROM l WHERE l.lane IS NOT NULL"
)
"""When the first job of each priority is due, of every lane of some queues: a few probes of an index a lane."""

COUNT: Final = "SELECT key, count(*) FROM jobs WHERE queue = ? AND key <> '' AND lane = '' GROUP BY key"
"""How many jobs of the lane without a name each key has."""
