"""Lists of runs under any filter, of what they did, and figures of them: walks along an index each."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.delivery_lists import LAST, LOOK, Bound, Walk
from hookstation.adapters.store.postgres.rows import kept, told
from hookstation.adapters.store.postgres.run_rows import (
    ENTRY_COLUMNS,
    LISTED,
    RUN_COLUMNS,
    SIGNAL_COLUMNS,
    WAIT_COLUMNS,
    read_entry,
    read_run,
)
from hookstation.core.journal_rules import lowest_id
from hookstation.core.workflows.run_rules import MOST_COUNTED, is_kind
from hookstation.core.workflows.values import ENDED, Entry, Run, RunState
from hookstation.ports.runs import RunFigures, RunFilter, RunPage

APART: Final = 3_600_000_000
"""Microseconds by which the time in a run's id and its `created_at` may differ at most."""

OPEN: Final = tuple(state.value for state in RunState if state not in ENDED)

GET: Final = f"SELECT {RUN_COLUMNS} FROM runs r WHERE r.id = $1"
"""One run."""

THESE: Final = f"SELECT {LISTED} FROM runs r WHERE r.id = ANY($1::text[]) ORDER BY r.id DESC"
"""These runs as lists show them, newest first."""

ENTRIES_OF: Final = (
    f"SELECT e.run_id, {ENTRY_COLUMNS} FROM run_entries e WHERE e.run_id = ANY($1::text[]) "
    "ORDER BY e.run_id, e.number"
)
SIGNALS_OF: Final = (
    f"SELECT {SIGNAL_COLUMNS} FROM run_signals s WHERE s.run_id = ANY($1::text[]) "
    "ORDER BY s.run_id, s.at, s.path"
)
"""All tries of these runs in the order of their numbers, and all that came for them, the oldest first."""

WAIT_FOR: Final = f"SELECT {WAIT_COLUMNS} FROM run_waits w WHERE w.digest = $1"
"""What waits for a call."""

WAITS_OF: Final = (
    f"SELECT {WAIT_COLUMNS} FROM run_waits w WHERE w.run_id = $1 AND ($2 = '' OR (w.kind = 'approval' "
    "AND w.person = $2)) ORDER BY w.path"
)
"""What waits in one run."""

APPROVALS: Final = (
    f"SELECT {WAIT_COLUMNS} FROM run_waits w WHERE w.kind = 'approval' AND ($1 = '' OR w.person = $1) "
    "ORDER BY w.run_id, w.path"
)
"""What waits for a person."""

_LATEST: Final = (
    " AND e.attempt = (SELECT l.attempt FROM run_entries l WHERE l.run_id = e.run_id AND l.path = e.path "
    "ORDER BY l.attempt DESC LIMIT 1)"
)
"""Only the latest try of each path; asked so that it is one look at an index each, whatever the planner believes.

As an anti-join it compared all entries of a run with all of them, where the table was new or most runs were short.
"""

_SPANS: Final = (
    "e.path = $4",
    "e.path >= $4 || '/' AND e.path < $4 || '0'",
    "e.path >= $4 || '[' AND e.path < $4 || '\\'",
)
"""A path, what lies in it as a block, and in its turns: the character after the slash is the nought."""

WORKFLOWS: Final = (
    "(WITH RECURSIVE names(name) AS (SELECT min(workflow) FROM runs UNION ALL "
    "SELECT (SELECT min(r.workflow) FROM runs r WHERE r.workflow > n.name) FROM names n WHERE n.name IS NOT NULL) "
    "SELECT name FROM names WHERE name IS NOT NULL)"
)
"""The workflows that have runs, by a step along the index each."""

_TRIGGERS: Final = (
    "(WITH RECURSIVE names(name) AS (SELECT min(trigger) FROM runs WHERE trigger >= {low} AND trigger < {high} "
    "UNION ALL SELECT (SELECT min(r.trigger) FROM runs r WHERE r.trigger > n.name AND r.trigger < {high}) FROM names n "
    "WHERE n.name IS NOT NULL) SELECT name FROM names WHERE name IS NOT NULL)"
)
"""The triggers of a kind, likewise."""

FIGURES: Final = (
    f"WITH names AS MATERIALIZED (SELECT name FROM {WORKFLOWS} found) SELECT n.name, u.state, counted.number "
    f"FROM names n, unnest($1::text[]) u(state), LATERAL (SELECT count(*) AS number FROM (SELECT FROM runs r "
    f"WHERE r.workflow = n.name AND r.state = u.state LIMIT {MOST_COUNTED}) found) counted WHERE counted.number > 0 "
    "UNION ALL SELECT n.name, u.state, counted.number FROM names n, unnest($2::text[]) u(state), "
    "LATERAL (SELECT count(*) AS number FROM (SELECT FROM runs r WHERE r.workflow = n.name AND r.state = u.state "
    f"AND r.ended_at > 0 AND r.ended_at >= $3 LIMIT {MOST_COUNTED}) found) counted WHERE counted.number > 0"
)
"""How many runs of each workflow are in each state, counted as far as it matters; ended ones since a moment."""


async def list_runs(connection: Connection, which: RunFilter, limit: int, after: str) -> RunPage:
    """One page, newest first; the ids are found first, so that no plan can prefer another way."""
    if limit <= 0:
        return RunPage([])
    sql, bindings, look = list_query(which, limit, after)
    rows = await connection.fetch(sql, *bindings)
    last, walked = str(rows[0][0] or ""), int(rows[0][1])
    ids = [str(found) for *_, found in rows if found is not None]
    more = ids[limit - 1] if len(ids) > limit else last if walked == look and look > limit + 1 else ""
    shown = await connection.fetch(THESE, ids[:limit]) if ids else []
    return RunPage([read_run(row) for row in shown], more)


def list_query(which: RunFilter, limit: int, after: str) -> tuple[str, list[Bound], int]:
    """The ids of a list: how far was looked, at how many, and what was found; and how many are looked at at most.

    One filter chooses the index; what passes the others is found on the way.
    """
    walk = Walk("runs")
    leading, span, others = _filters(walk, which)
    highs = [kept(after)] if after else []
    highs += [lowest_id(which.until + APART)] if which.until else []
    low = lowest_id(which.since - APART) if which.since else ""
    span += [f"created_at >= {walk.bound(which.since)}"] if which.since else []
    span += [f"created_at < {walk.bound(which.until)}"] if which.until else []
    look = max(LOOK, limit + 2) if others else limit + 1
    passing = " AND ".join(["d.id = w.id", *others])
    walked = _along(leading, [walk.bound(low), walk.bound(min(highs, default=LAST))], span, look)
    return (
        (
            f"WITH walked AS MATERIALIZED ({walked}) "
            "SELECT (SELECT min(id) FROM walked), (SELECT count(*) FROM walked), found.id FROM (VALUES (1)) whole(it) "
            f"LEFT JOIN LATERAL (SELECT d.id FROM walked w JOIN runs d ON {passing} "
            f"ORDER BY d.id DESC LIMIT {limit + 1}) found ON true ORDER BY found.id DESC"
        ),
        walk.bindings,
        look,
    )


def _along(sources: Sequence[tuple[str, str]], between: Sequence[str], span: Sequence[str], look: int) -> str:
    """The newest ids along the index that begins with these columns, from one id on and before another.

    Rows are compared whole, so that no other index gives their order.
    """
    names = [name for name, _ in sources]
    values = "".join(f"{name}s.value, " for name in names)
    place = ", ".join([*names, "id"])
    bounds = (f"({place}) >= ({values}{between[0]})", f"({place}) < ({values}{between[1]})")
    order = ", ".join(f"{name} DESC" for name in (*names, "id"))
    walk = f"SELECT id FROM runs WHERE {' AND '.join((*bounds, *span))} ORDER BY {order} LIMIT {look}"
    if not sources:
        return walk
    apart = ", ".join(f"{source} AS {name}s(value)" for name, source in sources)
    return f"SELECT found.id FROM {apart}, LATERAL ({walk}) found ORDER BY 1 DESC LIMIT {look}"


def _filters(walk: Walk, which: RunFilter) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Columns with the sources of their values that lead, what their index says, and conditions for the rest."""
    states = sorted(state.value for state in which.states)
    asked = [
        (name, kept(value))
        for name, value in (("parent", which.parent), ("source", which.source), ("workflow", which.workflow))
        if value
    ]
    leading = [(name, walk.texts([value])) for name, value in asked[:1]]
    others = [f"d.{name} = {walk.bound(value)}" for name, value in asked[1:]]
    if which.trigger and not asked:
        leading = [("trigger", _triggers(walk, kept(which.trigger)))]
    elif which.trigger and not is_kind(which.trigger):
        others.append(f"d.trigger = {walk.bound(kept(which.trigger))}")
    elif which.trigger:
        others.append(f"starts_with(d.trigger, {walk.bound(kept(which.trigger))})")
    if not leading and states:
        leading = [("workflow", WORKFLOWS)]
    if leading and leading[0][0] == "workflow":
        leading.append(("state", walk.texts(states or [state.value for state in RunState])))
    elif states:
        others.append(f"d.state = ANY({walk.bound(states)}::text[])")
    partial = leading[0][0] if leading and leading[0][0] in ("parent", "source") else ""
    return leading, [f"{partial} <> ''"] if partial else [], others


def _triggers(walk: Walk, asked: str) -> str:
    if not is_kind(asked):
        return walk.texts([asked])
    return _TRIGGERS.format(low=walk.bound(asked), high=walk.bound(asked + LAST))


async def get_run(connection: Connection, run_id: str) -> Run | None:
    """One run."""
    row = await connection.fetchrow(GET, kept(run_id))
    return None if row is None else read_run(row)


async def list_entries(
    connection: Connection, run_id: str, limit: int, after: int, under: str, every: bool
) -> list[Entry]:
    """Entries in the order of their numbers."""
    chosen = "" if every else _LATEST
    walk = (
        f"SELECT {ENTRY_COLUMNS} FROM run_entries e WHERE e.run_id = $1 AND e.number > $2{{span}}{chosen} "
        "ORDER BY e.number LIMIT $3"
    )
    asked = (kept(run_id), after, max(limit, 0))
    if not under:
        return [read_entry(row) for row in await connection.fetch(walk.format(span=""), *asked)]
    parts = " UNION ALL ".join(f"({walk.format(span=f' AND {span}')})" for span in _SPANS)
    rows = await connection.fetch(f"{parts} ORDER BY number LIMIT $3", *asked, kept(under))
    return [read_entry(row) for row in rows]


async def figures(connection: Connection, since: int) -> list[RunFigures]:
    """How many runs of each workflow are in each state."""
    rows = await connection.fetch(FIGURES, list(OPEN), [state.value for state in ENDED], since)
    counts: dict[str, dict[RunState, int]] = {}
    for name, state, number in rows:
        counts.setdefault(told(name), {})[RunState(state)] = int(number)
    for (name,) in await connection.fetch(f"SELECT name FROM {WORKFLOWS} found"):
        counts.setdefault(told(name), {})
    return [RunFigures(name, counts[name]) for name in sorted(counts)]


def by_run(rows: Iterable[Iterable[object]]) -> dict[str, list[tuple[object, ...]]]:
    """Rows that begin with the id of a run, run by run."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for row in map(tuple, rows):
        found.setdefault(str(row[0]), []).append(row)
    return found
