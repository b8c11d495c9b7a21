"""Configuration, keys and facts."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Mapping, Sequence

from hookstation.adapters.store.postgres import queries, things, versions
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.errors import Conflict
from hookstation.ports.people import ApiKey
from hookstation.ports.store import ConfigurationChange, StoredConfiguration, StoredWebhook

_PUT_WEBHOOK = (
    "INSERT INTO webhooks VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET token = excluded.token, "
    "document = excluded.document, created_at = excluded.created_at, updated_at = excluded.updated_at"
)


async def revision(connection: Connection) -> int:
    """The configuration's revision."""
    return int(await connection.fetchval(queries.REVISION))


async def load(connection: Connection) -> StoredConfiguration:
    """Everything configured, as of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        number = await revision(connection)
        webhooks = [
            StoredWebhook(*row)
            for row in await connection.fetch(
                "SELECT name, token, document, created_at, updated_at FROM webhooks"
            )
        ]
        specs = await connection.fetch("SELECT connection, entity, document FROM specs")
        return StoredConfiguration(
            number,
            {webhook.name: webhook for webhook in webhooks},
            await _documents(connection, "connections"),
            await _documents(connection, "panels"),
            await _documents(connection, "destinations"),
            await _documents(connection, "subscriptions"),
            {(target, entity): document for target, entity, document in specs},
            await things.load(connection),
            await things.newest_versions(connection),
        )


async def _documents(connection: Connection, table: str) -> dict[str, str]:
    rows = await connection.fetch(f"SELECT name, document FROM {table}")
    return {str(name): str(document) for name, document in rows}


async def save(connection: Connection, change: ConfigurationChange, expected: int) -> int:
    """Write a change inside the transaction that is open, and return the new revision."""
    if await connection.fetchval(f"{queries.REVISION} FOR UPDATE") != expected:
        raise Conflict(
            "The configuration was changed by somebody else meanwhile: read it again, then repeat the change."
        )
    await versions.follow(connection, change)
    await _save_webhooks(connection, change.webhooks)
    await _save_documents(connection, "connections", change.connections)
    await _save_documents(connection, "panels", change.panels)
    await _save_documents(connection, "destinations", change.destinations)
    await _save_documents(connection, "subscriptions", change.subscriptions)
    gone = [name for name, document in change.destinations.items() if document is None]
    if gone:
        await connection.execute("DELETE FROM destination_states WHERE name = ANY($1::text[])", gone)
    await things.save(connection, change)
    for name, value in change.facts.items():
        await set_fact(connection, name, value)
    for (target, entity), document in change.specs.items():
        await connection.execute("DELETE FROM specs WHERE connection = $1 AND entity = $2", target, entity)
        if document is not None:
            await connection.execute("INSERT INTO specs VALUES ($1, $2, $3)", target, entity, document)
    await connection.execute("UPDATE revision SET value = value + 1")
    return expected + 1


async def _save_webhooks(connection: Connection, webhooks: Mapping[str, StoredWebhook | None]) -> None:
    for name, webhook in webhooks.items():
        if webhook is None:
            await connection.execute("DELETE FROM webhooks WHERE name = $1", name)
        else:
            row = (name, webhook.token, webhook.document, webhook.created_at, webhook.updated_at)
            await connection.execute(_PUT_WEBHOOK, *row)


async def _save_documents(connection: Connection, table: str, documents: Mapping[str, str | None]) -> None:
    for name, document in documents.items():
        if document is None:
            await connection.execute(f"DELETE FROM {table} WHERE name = $1", name)
        else:
            await connection.execute(
                f"INSERT INTO {table} VALUES ($1, $2) "
                "ON CONFLICT (name) DO UPDATE SET document = excluded.document",
                name,
                document,
            )


async def add_key(connection: Connection, key: ApiKey) -> None:
    """Keep a key of the API."""
    row = (key.name, key.role, key.digest, key.created_at)
    added = await connection.execute(
        "INSERT INTO keys VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING", *row
    )
    if added != "INSERT 0 1":
        raise Conflict(f"There is a key “{key.name}” already: choose another name.")


async def remove_key(connection: Connection, name: str) -> bool:
    """Forget a key of the API."""
    return await connection.execute("DELETE FROM keys WHERE name = $1", name) == "DELETE 1"


async def keys(connection: Connection) -> Sequence[ApiKey]:
    """All keys by name."""
    rows = await connection.fetch("SELECT name, role, digest, created_at FROM keys ORDER BY name")
    return [ApiKey(*row) for row in rows]


async def get_fact(connection: Connection, name: str) -> str:
    """A small fact, or an empty text."""
    return str(await connection.fetchval("SELECT value FROM facts WHERE name = $1", name) or "")


async def set_fact(connection: Connection, name: str, value: str) -> None:
    """Keep a small fact."""
    await connection.execute(
        "INSERT INTO facts VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )


async def claim_fact(connection: Connection, name: str, value: str) -> str:
    """Keep a small fact that is unset; returns the one that stands, in a statement that sees who was quicker."""
    await connection.execute("INSERT INTO facts VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, value)
    return await get_fact(connection, name)
