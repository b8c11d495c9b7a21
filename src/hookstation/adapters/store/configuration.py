"""Configuration, keys and facts."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import apsw

from hookstation.adapters.store import queries, things, versions
from hookstation.adapters.store.jobs import JobTable
from hookstation.adapters.store.matching import keep_indexes
from hookstation.adapters.store.records import add_entity, entity_count
from hookstation.errors import Conflict
from hookstation.ports.people import ApiKey
from hookstation.ports.store import ConfigurationChange, StoredConfiguration, StoredWebhook


def revision(connection: apsw.Connection) -> int:
    """The configuration's revision."""
    [(number,)] = connection.execute(queries.REVISION).fetchall()
    return cast("int", number)


def load(connection: apsw.Connection) -> StoredConfiguration:
    """Everything configured, as of one moment."""
    connection.execute("BEGIN")
    try:
        webhooks = [
            StoredWebhook(*cast("tuple[str, str, str, int, int]", row))
            for row in connection.execute(
                "SELECT name, token, document, created_at, updated_at FROM webhooks"
            )
        ]
        specs = cast(
            "list[tuple[str, str, str]]",
            connection.execute("SELECT connection, entity, document FROM specs").fetchall(),
        )
        return StoredConfiguration(
            revision(connection),
            {webhook.name: webhook for webhook in webhooks},
            _documents(connection, "connections"),
            _documents(connection, "panels"),
            _documents(connection, "destinations"),
            _documents(connection, "subscriptions"),
            {(connection_name, entity): document for connection_name, entity, document in specs},
            things.load(connection),
            things.newest_versions(connection),
        )
    finally:
        connection.execute("COMMIT")


def _documents(connection: apsw.Connection, table: str) -> dict[str, str]:
    rows = connection.execute(f"SELECT name, document FROM {table}").fetchall()
    return {str(name): str(document) for name, document in rows}


def save(connection: apsw.Connection, jobs: JobTable, change: ConfigurationChange, expected: int) -> int:
    """Write a change inside the transaction that is open, and return the new revision."""
    if revision(connection) != expected:
        raise Conflict(
            "The configuration was changed by somebody else meanwhile: read it again, then repeat the change."
        )
    versions.follow(connection, change)
    _save_webhooks(connection, change.webhooks)
    _save_documents(connection, "connections", change.connections)
    _save_documents(connection, "panels", change.panels)
    _save_documents(connection, "destinations", change.destinations)
    _save_documents(connection, "subscriptions", change.subscriptions)
    for name in (name for name, document in change.destinations.items() if document is None):
        connection.execute("DELETE FROM destination_states WHERE name = ?", (name,))
    things.save(connection, jobs, change)
    for name, value in change.facts.items():
        set_fact(connection, name, value)
    for (target, entity), document in change.specs.items():
        connection.execute("DELETE FROM specs WHERE connection = ? AND entity = ?", (target, entity))
        if document is not None:
            connection.execute("INSERT INTO specs VALUES (?,?,?)", (target, entity, document))
    for panel, matches in change.matches.items():
        count = entity_count(connection, panel)
        keep_indexes(connection, count.number if count else add_entity(connection, panel), matches)
    connection.execute(queries.ADD_TOTAL, (1, "revision"))
    return expected + 1


def _save_webhooks(connection: apsw.Connection, webhooks: Mapping[str, StoredWebhook | None]) -> None:
    for name, webhook in webhooks.items():
        if webhook is None:
            connection.execute("DELETE FROM webhooks WHERE name = ?", (name,))
        else:
            row = (name, webhook.token, webhook.document, webhook.created_at, webhook.updated_at)
            connection.execute("INSERT OR REPLACE INTO webhooks VALUES (?,?,?,?,?)", row)


def _save_documents(connection: apsw.Connection, table: str, documents: Mapping[str, str | None]) -> None:
    for name, document in documents.items():
        if document is None:
            connection.execute(f"DELETE FROM {table} WHERE name = ?", (name,))
        else:
            connection.execute(f"INSERT OR REPLACE INTO {table} VALUES (?,?)", (name, document))


def add_key(connection: apsw.Connection, key: ApiKey) -> None:
    """Keep a key of the API."""
    try:
        connection.execute(
            "INSERT INTO keys VALUES (?,?,?,?)", (key.name, key.role, key.digest, key.created_at)
        )
    except apsw.ConstraintError as error:
        raise Conflict(f"There is a key “{key.name}” already: choose another name.") from error


def remove_key(connection: apsw.Connection, name: str) -> bool:
    """Forget a key of the API."""
    connection.execute("DELETE FROM keys WHERE name = ?", (name,))
    return bool(connection.changes())


def keys(connection: apsw.Connection) -> Sequence[ApiKey]:
    """All keys by name."""
    rows = connection.execute("SELECT name, role, digest, created_at FROM keys ORDER BY name").fetchall()
    return [ApiKey(*cast("tuple[str, str, str, int]", row)) for row in rows]


def get_fact(connection: apsw.Connection, name: str) -> str:
    """A small fact, or an empty text."""
    for (value,) in connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchall():
        return str(value)
    return ""


def set_fact(connection: apsw.Connection, name: str, value: str) -> None:
    """Keep a small fact."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?,?)", (name, value))


def claim_fact(connection: apsw.Connection, name: str, value: str) -> str:
    """Keep a small fact that is unset; returns the one that stands."""
    connection.execute("INSERT OR IGNORE INTO facts VALUES (?,?)", (name, value))
    return get_fact(connection, name)
