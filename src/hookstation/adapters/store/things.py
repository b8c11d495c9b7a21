"""Workflows with their versions, schedules, polls and transfers, as documents."""

from __future__ import annotations

from typing import Final, cast

import apsw

from hookstation.adapters.store import run_queries as queries
from hookstation.adapters.store.jobs import JobTable
from hookstation.core.workflows.run_rules import QUEUE_OF, WORKFLOWS
from hookstation.ports.store import ConfigurationChange
from hookstation.ports.versions import MOST_VERSIONS

_DOCUMENT: Final = "SELECT document FROM things WHERE kind = ? AND name = ?"
_ANY_RUN: Final = "SELECT 1 FROM runs WHERE workflow = ? LIMIT 1"


def load(connection: apsw.Connection) -> dict[str, dict[str, str]]:
    """Every document, by kind and name."""
    found: dict[str, dict[str, str]] = {}
    rows = connection.execute("SELECT kind, name, document FROM things ORDER BY kind, name").fetchall()
    for kind, name, document in cast("list[tuple[str, str, str]]", rows):
        found.setdefault(kind, {})[name] = document
    return found


def newest_versions(connection: apsw.Connection) -> dict[str, int]:
    """The number of each workflow's newest version."""
    return dict(cast("list[tuple[str, int]]", connection.execute(queries.NEWEST_VERSIONS).fetchall()))


def save(connection: apsw.Connection, jobs: JobTable, change: ConfigurationChange) -> None:
    """Write what a change says of these."""
    for (kind, name), document in change.things.items():
        rows = connection.execute(_DOCUMENT, (kind, name)).fetchall()
        there = str(rows[0][0]) if rows else None
        if document is None:
            connection.execute("DELETE FROM things WHERE kind = ? AND name = ?", (kind, name))
            _forget(connection, jobs, kind, name)
            continue
        connection.execute("INSERT OR REPLACE INTO things VALUES (?,?,?)", (kind, name, document))
        if kind == WORKFLOWS and document != there:
            _append(connection, jobs.now(), name, document, change)


def _append(
    connection: apsw.Connection, now: int, name: str, document: str, change: ConfigurationChange
) -> None:
    [(number,)] = cast("list[tuple[int]]", connection.execute(queries.NEXT_VERSION, (name,)).fetchall())
    connection.execute(queries.INSERT_VERSION, (name, number, now, change.by, change.note, document))
    connection.execute(queries.TRIM_VERSIONS, (name, number - MOST_VERSIONS))


def _forget(connection: apsw.Connection, jobs: JobTable, kind: str, name: str) -> None:
    """What a thing that is removed leaves behind goes too; a workflow's versions stay while a run of it is there."""
    if kind == WORKFLOWS:
        if not connection.execute(_ANY_RUN, (name,)).fetchall():
            connection.execute("DELETE FROM workflow_versions WHERE name = ?", (name,))
        return
    connection.execute("DELETE FROM kept WHERE kind = ? AND name = ?", (kind, name))
    connection.execute("DELETE FROM standings WHERE kind = ? AND name = ?", (kind, name))
    if kind in QUEUE_OF:
        jobs.cancel(QUEUE_OF[kind], name)
