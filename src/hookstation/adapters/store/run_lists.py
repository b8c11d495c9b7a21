"""Reading runs, their history, and what takes turns."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, cast

import apsw

from hookstation.adapters.store import run_queries as queries
from hookstation.adapters.store.rows import Row
from hookstation.adapters.store.run_rows import (
    read_entry,
    read_run,
    read_signal,
    read_standing,
    read_version,
    read_wait,
)
from hookstation.adapters.store.running import text
from hookstation.core.jobs import Leased
from hookstation.core.workflows.run_rules import is_begun_by, is_kind
from hookstation.core.workflows.values import Entry, Run, RunState, Signal, Standing, Wait
from hookstation.ports.runs import LeasedRun, RunFigures, RunFilter, RunPage, WorkflowVersion
from hookstation.ports.store import EventFilter

LOOK: Final = 500
"""Runs that are looked at in one read where not all of them have to pass."""

MOST_LOOKED: Final = 5_000
"""Runs that are looked at for one page."""

MOST_BEGINNINGS: Final = 50
"""Triggers for each of which the index is asked; where more begin alike, runs are looked at one by one."""


class _Way(NamedTuple):
    """How ids are found: conditions of which one holds, and whether that is all that was asked."""

    arms: Sequence[str]
    whole: bool


def get_run(connection: apsw.Connection, run_id: str) -> Run | None:
    """One run."""
    for row in connection.execute(queries.GET_RUN, (run_id,)).fetchall():
        return read_run(row)
    return None


def list_runs(connection: apsw.Connection, which: RunFilter, limit: int, after: str) -> RunPage:
    """One page, newest first."""
    way, bindings = _way(connection, which)
    step = limit + 1 if way.whole else max(LOOK, limit + 1)
    found: list[Run] = []
    looked = 0
    while looked < MOST_LOOKED:
        statement, bounds = ids_query(way.arms, which, after)
        rows = connection.execute(statement, {**bindings, **bounds, "limit": step}).fetchall()
        ids = [str(run_id) for (run_id,) in rows]
        found += [run for run in _shown(connection, ids) if _passes(which, run)]
        if len(found) > limit:
            return RunPage(found[:limit], found[limit - 1].id)
        if len(ids) < step:
            return RunPage(found)
        after, looked = ids[-1], looked + step
    return RunPage(found, after)


def _shown(connection: apsw.Connection, ids: Sequence[str]) -> list[Run]:
    return [read_run(row) for row in connection.execute(queries.SHOWN_AMONG, (text(ids),)).fetchall()]


def _passes(which: RunFilter, run: Run) -> bool:
    return (
        (not which.workflow or run.workflow == which.workflow)
        and (not which.states or run.state in which.states)
        and is_begun_by(run, which.trigger)
        and (not which.parent or run.parent == which.parent)
        and (not which.source or run.source == which.source)
        and run.created_at >= which.since
        and (not which.until or run.created_at < which.until)
    )


def _way(connection: apsw.Connection, which: RunFilter) -> tuple[_Way, Mapping[str, str]]:
    """The index that the filter enters, the narrowest first."""
    others = [bool(asked) for asked in (which.parent, which.source, which.trigger, which.workflow)]
    alone = sum(others) <= 1 and not (which.since or which.until)
    for column, asked in (("parent", which.parent), ("source", which.source)):
        if asked:
            whole = alone and not which.states
            return _Way([f"{column} = :{column} AND {column} <> ''"], whole), {column: asked}
    beginnings = list(_beginnings(connection, which.trigger)) if which.trigger else []
    if which.trigger and len(beginnings) <= MOST_BEGINNINGS:
        bindings = {f"trigger{number}": beginning for number, beginning in enumerate(beginnings)}
        arms = [f"began_by = :{name}" for name in bindings]
        return _Way(arms or ["0"], alone and not which.states), bindings
    states = sorted(which.states) or sorted(RunState)
    if which.workflow:
        arms = [f"workflow = :workflow AND state = '{state.value}'" for state in states]
        return _Way(arms, alone), {"workflow": which.workflow}
    if which.states:
        return _Way([f"state = '{state.value}'" for state in states], alone and not which.trigger), {}
    return _Way([""], alone and not which.trigger), {}


def _beginnings(connection: apsw.Connection, asked: str) -> Iterator[str]:
    """What is asked for, or what runs of that kind began by: a probe of the index each, `MOST_BEGINNINGS` and one more
    at most.
    """
    if not is_kind(asked):
        yield asked
        return
    statement = "SELECT began_by FROM runs WHERE began_by {} ? ORDER BY began_by LIMIT 1"
    rows = connection.execute(statement.format(">="), (asked,)).fetchall()
    for _ in range(MOST_BEGINNINGS + 1):
        if not rows or not str(rows[0][0]).startswith(asked):
            return
        yield str(rows[0][0])
        rows = connection.execute(statement.format(">"), (rows[0][0],)).fetchall()


def ids_query(arms: Sequence[str], which: RunFilter, after: str) -> tuple[str, dict[str, str]]:
    """The statement that finds the newest ids before one, and the bounds that it binds; it is given `:limit`."""
    low, high = EventFilter(since=which.since, until=which.until).bounds(after)
    bounds = {name: value for name, value in (("low", low), ("high", high)) if value}
    span = [part for part, value in (("id >= :low", low), ("id < :high", high)) if value]
    chosen = []
    for arm in arms:
        conditions = " AND ".join([part for part in (arm, *span) if part]) or "1"
        chosen.append(
            f"SELECT id FROM (SELECT id FROM runs WHERE {conditions} ORDER BY id DESC LIMIT :limit)"
        )
    return f"SELECT id FROM ({' UNION ALL '.join(chosen)}) ORDER BY id DESC LIMIT :limit", bounds


def leased_runs(
    connection: apsw.Connection, leased: Sequence[Leased], most_entries: int = 0
) -> list[LeasedRun]:
    """Leased jobs with their runs; nothing where these have more than `most_entries`, which is not 0."""
    asked = [(one.job.id,) for one in leased]
    entries: dict[str, list[Entry]] = {}
    cursor = connection.executemany(queries.ENTRIES_OF_RUN, asked)
    for count, row in enumerate(cast("Iterator[Row]", cursor), 1):
        if most_entries and count > most_entries:
            cursor.close(True)
            return []
        entries.setdefault(str(row[0]), []).append(read_entry(row[1:]))
    signals: dict[str, list[Signal]] = {}
    for row in connection.executemany(queries.LIST_SIGNALS, asked).fetchall():
        signal = read_signal(row)
        signals.setdefault(signal.run_id, []).append(signal)
    runs = {str(row[0]): read_run(row) for row in connection.executemany(queries.GET_RUN, asked).fetchall()}
    return [
        LeasedRun(one, run, tuple(entries.get(run.id, ())), tuple(signals.get(run.id, ())))
        for one in leased
        if (run := runs.get(one.job.id)) is not None
    ]


def list_entries(
    connection: apsw.Connection, run_id: str, limit: int, after: int, under: str, every: bool
) -> list[Entry]:
    """Entries in their order, after a number."""
    statement, bindings = entries_query(run_id, limit, after, under, every)
    return [read_entry(row) for row in connection.execute(statement, bindings).fetchall()]


def entries_query(
    run_id: str, limit: int, after: int, under: str, every: bool
) -> tuple[str, dict[str, str | int]]:
    """The statement that lists entries: in the order of the run, or for what lies below a path arm by arm."""
    bindings: dict[str, str | int] = {"run": run_id, "after": after, "limit": limit}
    only = ["e.run_id = :run", "e.number > :after"] + ([] if every else [queries.LATEST])
    head = f"SELECT {queries.ENTRY_COLUMNS} FROM run_entries AS e WHERE"
    if not under:
        return f"{head} {' AND '.join(only)} ORDER BY e.number LIMIT :limit", bindings
    arms = []
    for name, below in (("block", "/"), ("turn", "[")):
        bindings[name], bindings[f"{name}_end"] = under + below, under + chr(ord(below) + 1)
        arms.append(f"e.path >= :{name} AND e.path < :{name}_end")
    bindings["under"] = under
    chosen = [f"{head} {' AND '.join([*only, arm])}" for arm in ("e.path = :under", *arms)]
    return f"{' UNION ALL '.join(chosen)} ORDER BY number LIMIT :limit", bindings


def list_signals(connection: apsw.Connection, run_id: str) -> list[Signal]:
    """What came for a run, the oldest first."""
    return [read_signal(row) for row in connection.execute(queries.LIST_SIGNALS, (run_id,)).fetchall()]


def find_wait(connection: apsw.Connection, digest: bytes) -> Wait | None:
    """What waits for a call."""
    for row in connection.execute(queries.FIND_WAIT, (digest,)).fetchall():
        return read_wait(row)
    return None


def list_waits(connection: apsw.Connection, person: str, run_id: str) -> list[Wait]:
    """What waits for a decision, or for anything in a run."""
    if run_id:
        waits = _waits(connection, queries.WAITS_OF_RUN, run_id)
        return [wait for wait in waits if not person or wait.person == person]
    if person:
        return _waits(connection, queries.WAITS_FOR_ONE, person)
    return _waits(connection, queries.WAITS_FOR_PEOPLE)


def _waits(connection: apsw.Connection, statement: str, *asked: str) -> list[Wait]:
    return [read_wait(row) for row in connection.execute(statement, asked).fetchall()]


def figures(connection: apsw.Connection, since: int) -> list[RunFigures]:
    """How many runs each workflow has, by state."""
    found: dict[str, dict[RunState, int]] = {}
    rows = connection.execute(queries.FIGURES, (since,)).fetchall()
    for workflow, state, count in cast("list[tuple[str, str, int]]", rows):
        states = found.setdefault(workflow, {})
        if count:
            states[RunState(state)] = count
    return [RunFigures(workflow, found[workflow]) for workflow in sorted(found)]


def old_runs(connection: apsw.Connection, before: int, limit: int) -> list[str]:
    """The runs that ended first, of those that ended before."""
    rows = connection.execute(queries.OLD_ENDED, (before, limit)).fetchall()
    return [str(run_id) for (run_id,) in rows]


def get_kept(connection: apsw.Connection, kind: str, name: str) -> dict[str, str]:
    """Everything that one thing keeps."""
    rows = connection.execute(queries.GET_KEPT, (kind, name)).fetchall()
    return dict(cast("list[tuple[str, str]]", rows))


def standings(connection: apsw.Connection, kind: str) -> dict[str, Standing]:
    """How the things of a kind stand."""
    rows = connection.execute(queries.STANDINGS, (kind,)).fetchall()
    return {standing.name: standing for standing in map(read_standing, rows)}


def get_version(connection: apsw.Connection, name: str, number: int) -> WorkflowVersion | None:
    """One version, or with number 0 the newest."""
    asked: Row = (name, number) if number else (name,)
    statement = queries.GET_VERSION if number else queries.NEWEST_VERSION
    for row in connection.execute(statement, asked).fetchall():
        return read_version(row)
    return None


def list_versions(connection: apsw.Connection, name: str, limit: int, before: int) -> list[WorkflowVersion]:
    """Versions, the newest first."""
    rows = connection.execute(queries.LIST_VERSIONS, (name, before, limit)).fetchall()
    return [read_version(row) for row in rows]
