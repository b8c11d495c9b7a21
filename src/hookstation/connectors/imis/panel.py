"""Writing rows: add, change, add or change, take away."""

from __future__ import annotations

from collections.abc import Mapping

from hookstation.connectors.imis.answers import Call, NoSuchThing
from hookstation.connectors.imis.client import ImisClient, entity_path, row_path
from hookstation.connectors.imis.envelope import (
    Entity,
    Form,
    changed_entity,
    elements_of,
    key_of,
    new_entity,
)
from hookstation.connectors.imis.find import find
from hookstation.core.records import Operation, Record
from hookstation.core.values import JSON, Scalar
from hookstation.errors import Terminal
from hookstation.ports.connector import Written


async def insert(client: ImisClient, form: Form, fields: Mapping[str, Scalar]) -> Written:
    """Add a row."""
    entity = new_entity(form, fields)
    stored = await client.call("POST", entity_path(form.spec.name), Call.ADD, document=entity)
    return Written(key_of(_unwrapped(stored)))


async def change(client: ImisClient, form: Form, record: Record) -> Written:
    """Change or take away the one row that matches; an upsert adds it where there is none.

    The caller holds the lock of this match: between the search and the writing nobody else may add the row.
    """
    if not record.match:
        raise Terminal(f"{record.entity}: an {record.operation} needs at least one field to match on.")
    found = await find(client, form, record.match, list(record.match))
    if len(found) > 1:
        raise Terminal(f"{record.entity}: several rows match {_named(record)}; match on more fields.")
    if found and record.operation is Operation.DELETE:
        return await _remove(client, form, found[0])
    if found:
        return await _replace(client, form, found[0], record.fields)
    if record.operation is not Operation.UPSERT:
        raise Terminal(f"{record.entity}: no row matches {_named(record)}.")
    return await insert(client, form, {**record.match, **record.fields})


async def _remove(client: ImisClient, form: Form, entity: Entity) -> Written:
    """Take a row away by its key; one that has gone meanwhile is what was wanted."""
    path, query = _own_path(form, entity)
    try:
        await client.call("DELETE", path, Call.REPLACE, query=query)
    except NoSuchThing as missing:
        if not missing.gone:
            raise
    return Written(key_of(entity), inserted=False)


async def _replace(client: ImisClient, form: Form, entity: Entity, changes: Mapping[str, Scalar]) -> Written:
    path, query = _own_path(form, entity)
    whole = changed_entity(form, entity, changes)
    await client.call("PUT", path, Call.REPLACE, query=query, document=whole)
    return Written(key_of(entity), inserted=False)


def _own_path(form: Form, entity: Entity) -> tuple[str, dict[str, str]]:
    elements = elements_of(entity)
    if not elements:
        raise Terminal(f"{form.spec.name}: the target's row has no key; it cannot be changed.")
    return row_path(form.spec.name, elements)


def _unwrapped(stored: JSON) -> JSON:
    """The stored entity, also where it comes as somebody's `Result`."""
    return stored["Result"] if isinstance(stored, dict) and "Result" in stored else stored


def _named(record: Record) -> str:
    return ", ".join(record.match)
