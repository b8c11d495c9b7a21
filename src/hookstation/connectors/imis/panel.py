"""Writing rows: add, change, add or change."""

from __future__ import annotations

from collections.abc import Mapping

from hookstation.connectors.imis.answers import Call
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
    """Change the one row that matches; an upsert adds it where there is none.

    The caller holds the lock of this match: between the search and the writing nobody else may add the row.
    """
    if not record.match:
        raise Terminal(f"{record.entity}: an {record.operation} needs at least one field to match on.")
    found = await find(client, form, record.match, list(record.match))
    if len(found) > 1:
        raise Terminal(f"{record.entity}: several rows match {_named(record)}; match on more fields.")
    if found:
        return await _replace(client, form, found[0], record.fields)
    if record.operation is Operation.UPDATE:
        raise Terminal(f"{record.entity}: no row matches {_named(record)}.")
    return await insert(client, form, {**record.match, **record.fields})


async def _replace(client: ImisClient, form: Form, entity: Entity, changes: Mapping[str, Scalar]) -> Written:
    elements = elements_of(entity)
    if not elements:
        raise Terminal(f"{form.spec.name}: the target's row has no key; it cannot be changed.")
    path, query = row_path(form.spec.name, elements)
    whole = changed_entity(form, entity, changes)
    await client.call("PUT", path, Call.REPLACE, query=query, document=whole)
    return Written(key_of(entity), inserted=False)


def _unwrapped(stored: JSON) -> JSON:
    """The stored entity, also where it comes as somebody's `Result`."""
    return stored["Result"] if isinstance(stored, dict) and "Result" in stored else stored


def _named(record: Record) -> str:
    return ", ".join(record.match)
