"""The built-in records: effects inside the journal's transaction, and reading back."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, cast

import apsw

from hookstation.adapters.store import queries
from hookstation.adapters.store.matching import condition
from hookstation.adapters.store.rows import ENTITY_SHIFT, Row, read_fields, read_record
from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.documents import decode_panel
from hookstation.core.journal_rules import (
    is_numbered,
    is_single,
    matches,
    party_of,
    record_key,
    stored_fields,
)
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.records import (
    ACTIVITY,
    Effect,
    EffectResult,
    EffectVerdict,
    EntitySpec,
    Operation,
    StoredRecord,
)
from hookstation.core.values import Scalar
from hookstation.errors import NotFound

_NUMBER_MASK: Final = (1 << ENTITY_SHIFT) - 1


@dataclass(slots=True)
class EntityCount:
    """Where an entity's numbering stands within a transaction."""

    number: int
    last: int
    records: int


@dataclass(frozen=True, slots=True)
class Found:
    """A stored record that an effect means."""

    id: int
    party: str
    ordinal: int | None
    fields: Mapping[str, Scalar]
    event_id: str = ""

    @property
    def key(self) -> str:
        """The record's key."""
        return record_key(self.id & _NUMBER_MASK, self.party, self.ordinal)


class RecordBatch:
    """The effects of one transaction. Records are gathered, and written at the latest by `flush`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rows: list[Row] = []
        self._counts: dict[str, EntityCount] = {}
        self._ordinals: dict[tuple[int, str], int | None] = {}

    def apply(self, effect: Effect, event_id: str) -> EffectResult:
        """Do what the effect says, as far as the records there allow."""
        if effect.operation is Operation.INSERT:
            return self._insert(effect.spec, effect.fields, event_id)
        found = self._find(effect.spec, effect.match)
        if len(found) > 1:
            return EffectResult(EffectVerdict.SEVERAL_FOUND, inserted=False)
        if found and effect.operation is Operation.DELETE:
            return self._delete(effect.spec, found[0])
        if found:
            return self._update(effect.spec, found[0], effect.fields, event_id)
        if effect.operation is not Operation.UPSERT:
            return EffectResult(EffectVerdict.NONE_FOUND, inserted=False)
        return self._insert(effect.spec, {**effect.match, **effect.fields}, event_id)

    def flush(self) -> None:
        """Write what was gathered."""
        self._write_rows()
        if self._counts:
            moved = [(count.last, count.records, count.number) for count in self._counts.values()]
            self._connection.executemany(queries.MOVE_ENTITY, moved)

    def _write_rows(self) -> None:
        if self._rows:
            self._connection.executemany(queries.INSERT_RECORD, self._rows)
            self._rows = []

    def _count(self, entity: str) -> EntityCount:
        count = self._counts.get(entity)
        if count is None:
            row = self._connection.execute(queries.GET_ENTITY, (entity,)).fetchone()
            count = EntityCount(*row) if row else EntityCount(add_entity(self._connection, entity), 0, 0)
            self._counts[entity] = count
        return count

    def _insert(self, spec: EntitySpec, fields: Mapping[str, Scalar], event_id: str) -> EffectResult:
        count = self._count(spec.name)
        party = party_of(spec, fields)
        ordinal = self._next_ordinal(spec, count.number, party)
        if ordinal is _TAKEN:
            return EffectResult(EffectVerdict.EXISTS, inserted=False)
        count.last += 1
        count.records += 1
        text = dump_json(stored_fields(spec, fields, count.last, ordinal))
        self._rows.append(
            (count.number << ENTITY_SHIFT | count.last, count.number, party, ordinal, text, event_id)
        )
        return EffectResult(EffectVerdict.WRITTEN, record_key(count.last, party, ordinal))

    def _next_ordinal(self, spec: EntitySpec, entity: int, party: str) -> int | None:
        """The ordinal of a party's next row, ``None`` where rows are numbered, `_TAKEN` where there is no room."""
        if is_numbered(spec):
            return None
        instance = (entity, party)
        if instance not in self._ordinals:
            [(last,)] = self._connection.execute(queries.LAST_INSTANCE, instance).fetchall()
            self._ordinals[instance] = cast("int | None", last)
        last = self._ordinals[instance]
        if is_single(spec) and last is not None:
            return _TAKEN
        ordinal = 0 if is_single(spec) else (last or 0) + 1
        self._ordinals[instance] = ordinal
        return ordinal

    def _find(self, spec: EntitySpec, match: Mapping[str, Scalar]) -> Sequence[Found]:
        """At most two of the records that match."""
        self._write_rows()
        where, bindings = condition(self._count(spec.name).number, spec, match)
        return _first(self._connection, where, bindings, match, 2)

    def _delete(self, spec: EntitySpec, found: Found) -> EffectResult:
        count = self._count(spec.name)
        self._connection.execute(queries.DELETE_RECORD, (found.id,))
        count.records -= 1
        self._ordinals.pop((count.number, found.party), None)
        return EffectResult(EffectVerdict.WRITTEN, found.key, inserted=False)

    def _update(
        self, spec: EntitySpec, found: Found, fields: Mapping[str, Scalar], event_id: str
    ) -> EffectResult:
        merged = {**found.fields, **fields}
        party, ordinal = party_of(spec, merged), found.ordinal
        count = self._count(spec.name)
        if party != found.party and ordinal is not None:
            ordinal = self._next_ordinal(spec, count.number, party)
            if ordinal is _TAKEN:
                return EffectResult(EffectVerdict.EXISTS, inserted=False)
            self._ordinals.pop((count.number, found.party), None)
        number = found.id & _NUMBER_MASK
        text = dump_json(stored_fields(spec, merged, number, ordinal))
        self._connection.execute(queries.UPDATE_RECORD, (party, ordinal, text, event_id, found.id))
        return EffectResult(EffectVerdict.WRITTEN, record_key(number, party, ordinal), inserted=False)


_TAKEN: Final = -1
"""Stands for the ordinal of a second row where a party may have only one."""


def _exact(rows: apsw.Cursor, match: Mapping[str, Scalar]) -> Iterator[Found]:
    """The index compares as SQLite does, in binary fractions; what is the same is said by `matches`."""
    found = cast("Iterator[tuple[int, str, int | None, str, str]]", rows)
    for identity, party, ordinal, text, event_id in found:
        fields = read_fields(text)
        if matches(fields, match):
            yield Found(identity, party, ordinal, fields, event_id)


def _first(
    connection: apsw.Connection,
    where: str,
    bindings: Sequence[str | int | float],
    match: Mapping[str, Scalar],
    limit: int,
) -> list[Found]:
    """At most `limit` of the records that match, the oldest first where the clause ends in an order."""
    rows = connection.execute(
        f"SELECT id, party, ordinal, fields, event_id FROM records WHERE {where}", bindings
    )
    found = list(islice(_exact(rows, match), limit))
    rows.close(True)
    return found


def add_entity(connection: apsw.Connection, name: str) -> int:
    """Number a new entity."""
    [(number,)] = connection.execute(queries.ADD_ENTITY, (name,)).fetchall()
    return cast("int", number)


def entity_count(connection: apsw.Connection, name: str) -> EntityCount | None:
    """Where an entity's numbering stands, or ``None`` where it has no records yet."""
    rows = connection.execute(queries.GET_ENTITY, (name,)).fetchall()
    return EntityCount(*cast("tuple[int, int, int]", rows[0])) if rows else None


def get_record(connection: apsw.Connection, entity: str, key: str) -> StoredRecord | None:
    """One record by its key."""
    row = _row(connection, entity, key)
    return None if row is None else read_record(entity, row)


def list_records(connection: apsw.Connection, entity: str, limit: int, after: str) -> Sequence[StoredRecord]:
    """Records in the order of writing, after the one with key `after`."""
    count = entity_count(connection, entity)
    start = _row(connection, entity, after) if after else None
    if count is None or (after and start is None):
        return []
    first = cast("int", start[0]) if start else count.number << ENTITY_SHIFT
    rows = connection.execute(queries.LIST_RECORDS, (first, (count.number + 1 << ENTITY_SHIFT) - 1, limit))
    return [read_record(entity, row) for row in rows.fetchall()]


def find_records(
    connection: apsw.Connection, entity: str, match: Mapping[str, Scalar], limit: int
) -> list[StoredRecord]:
    """At most `limit` records with these values, the oldest first. Raises `NotFound`."""
    spec = _spec(connection, entity)
    count = entity_count(connection, entity)
    if spec is None and count is None:
        raise NotFound("entity", entity)
    unknown = [name for name in match if spec and not spec.open and name not in spec.fields]
    if unknown:
        raise NotFound("field", f"{entity}.{unknown[0]}")
    if count is None:
        return []
    where, bindings = condition(count.number, spec or _unnamed(entity), match)
    lowest = count.number << ENTITY_SHIFT
    within = f"{where} AND id > {lowest} AND id <= {lowest | _NUMBER_MASK} ORDER BY id"
    found = _first(connection, within, bindings, match, limit)
    return [StoredRecord(entity, one.key, one.fields, one.event_id) for one in found]


def _spec(connection: apsw.Connection, entity: str) -> EntitySpec | None:
    """What is known of an entity: the Activity is always there, panels are configured."""
    if entity == ACTIVITY:
        return ACTIVITY_SPEC
    for (document,) in connection.execute(queries.PANEL, (entity,)).fetchall():
        panel, _ = decode_panel(parse_json(str(document).encode()).value)
        return panel.spec if panel else _unnamed(entity)
    return None


def _unnamed(entity: str) -> EntitySpec:
    """An entity of which nothing is known but its records."""
    return EntitySpec(entity, {}, party_field=None, open=True)


def _row(connection: apsw.Connection, entity: str, key: str) -> Row | None:
    """A key is a party, a party and an ordinal, or a number: which of them, only the entity's rows know."""
    count = entity_count(connection, entity)
    if count is None:
        return None
    party, bar, ordinal = key.rpartition("|")
    instances: list[tuple[str, int]] = [(key, 0)]
    if bar and _is_number(ordinal):
        instances.append((party, int(ordinal)))
    for instance in instances:
        for row in connection.execute(queries.RECORD_BY_INSTANCE, (count.number, *instance)).fetchall():
            return row
    if _is_number(key):
        for row in connection.execute(
            queries.RECORD_BY_NUMBER, (count.number << ENTITY_SHIFT | int(key),)
        ).fetchall():
            return row
    return None


def _is_number(text: str) -> bool:
    """Whether a text is a record number or an ordinal as this store writes them."""
    return text.isascii() and text.isdigit() and len(text) <= 12 and text[0] != "0"
