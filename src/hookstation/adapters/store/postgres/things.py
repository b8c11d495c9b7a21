"""Documents of workflows, schedules, polls and transfers, and the versions of workflows."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.keys import NOW
from hookstation.adapters.store.postgres.rows import kept, told
from hookstation.adapters.store.postgres.run_lists import OPEN
from hookstation.core.workflows.run_rules import QUEUE_OF, WORKFLOWS
from hookstation.ports.runs import WorkflowVersion
from hookstation.ports.store import ConfigurationChange
from hookstation.ports.versions import MOST_VERSIONS

_PUT: Final = (
    "INSERT INTO things VALUES ($1, $2, $3) "
    "ON CONFLICT (kind, name) DO UPDATE SET document = excluded.document"
)
_NEXT_NUMBER: Final = (
    "INSERT INTO workflow_numbers AS n VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET last = n.last + 1 "
    "RETURNING last"
)
_APPEND: Final = f"INSERT INTO workflow_versions VALUES ($1, $2, {NOW}, $3, $4, $5)"
_TRIM: Final = (
    "DELETE FROM workflow_versions WHERE name = $1 AND number <= $2 AND number NOT IN "
    "(SELECT DISTINCT r.version FROM runs r WHERE r.workflow = $1 AND r.state = ANY($3::text[]))"
)
"""Forget old versions, but for those that open runs go by."""

_FORGET_VERSIONS: Final = (
    "DELETE FROM workflow_versions WHERE name = $1 AND NOT EXISTS (SELECT FROM runs r WHERE r.workflow = $1)"
)
_NEWEST: Final = (
    "SELECT n.name, n.last FROM workflow_numbers n JOIN things t ON t.kind = 'workflows' AND t.name = n.name"
)
_VERSION: Final = "name, number, at, author, note"


async def load(connection: Connection) -> dict[str, dict[str, str]]:
    """The documents of each kind, by name."""
    found: dict[str, dict[str, str]] = {}
    for kind, name, document in await connection.fetch("SELECT kind, name, document FROM things"):
        found.setdefault(kind, {})[name] = document
    return found


async def newest_versions(connection: Connection) -> dict[str, int]:
    """The number of each workflow's newest version."""
    return {str(name): int(last) for name, last in await connection.fetch(_NEWEST)}


async def save(connection: Connection, change: ConfigurationChange) -> None:
    """Write what a change says of things, within its transaction, whoever holds the revision."""
    for (kind, name), document in sorted(change.things.items()):
        if document is None:
            await _remove(connection, kind, name)
            continue
        if kind == WORKFLOWS:
            await _append(connection, name, document, change)
        await connection.execute(_PUT, kind, name, document)


async def _append(connection: Connection, name: str, document: str, change: ConfigurationChange) -> None:
    old = await connection.fetchval(
        "SELECT document FROM things WHERE kind = $1 AND name = $2", WORKFLOWS, name
    )
    if old == document:
        return
    number = int(await connection.fetchval(_NEXT_NUMBER, name))
    await connection.execute(_APPEND, name, number, kept(change.by), kept(change.note), document)
    if number > MOST_VERSIONS:
        await connection.execute(_TRIM, name, number - MOST_VERSIONS, list(OPEN))


async def _remove(connection: Connection, kind: str, name: str) -> None:
    await connection.execute("DELETE FROM things WHERE kind = $1 AND name = $2", kind, name)
    if kind == WORKFLOWS:
        await connection.execute(_FORGET_VERSIONS, name)
    if kind in QUEUE_OF:
        await connection.execute("DELETE FROM jobs WHERE queue = $1 AND id = $2", QUEUE_OF[kind], kept(name))
    await connection.execute("DELETE FROM kept WHERE kind = $1 AND name = $2", kind, kept(name))
    await connection.execute("DELETE FROM standings WHERE kind = $1 AND name = $2", kind, kept(name))


async def version(connection: Connection, name: str, number: int) -> WorkflowVersion | None:
    """One version with its document, 0: the newest."""
    row = await connection.fetchrow(
        f"SELECT {_VERSION}, document FROM workflow_versions WHERE name = $1 AND ($2::bigint = 0 OR number = $2) "
        "ORDER BY number DESC LIMIT 1",
        name,
        number,
    )
    return None if row is None else _read(row)


async def versions(connection: Connection, name: str, limit: int, before: int) -> list[WorkflowVersion]:
    """Versions, the newest first, without their documents."""
    rows = await connection.fetch(
        f"SELECT {_VERSION} FROM workflow_versions WHERE name = $1 AND ($2::bigint = 0 OR number < $2) "
        "ORDER BY number DESC LIMIT $3",
        name,
        before,
        max(limit, 0),
    )
    return [_read(row) for row in rows]


def _read(row: Iterable[object]) -> WorkflowVersion:
    name, number, at, by, note, *document = row
    shown = str(document[0]) if document else ""
    return WorkflowVersion(
        str(name), cast("int", number), cast("int", at), told(str(by)), told(str(note)), shown
    )
