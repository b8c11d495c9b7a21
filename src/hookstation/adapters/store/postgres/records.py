"""The built-in records: the effects of a batch inside the journal's transaction, and reading back.

What the effects need is locked and read in a few statements; then they are carried out one after the other on what was
read, and written in a few statements again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from hookstation.adapters.store.postgres import queries
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.matching import (
    MOST_CANDIDATES,
    MOST_NUMBERS,
    Canonical,
    by_number,
    by_party,
    canonical,
    finding,
    finding_all,
    match_lock,
    number_in,
    party_lock,
)
from hookstation.adapters.store.postgres.numbering import Numbering
from hookstation.adapters.store.postgres.rows import (
    Row,
    append,
    columns,
    fields_of,
    fields_text,
    kept,
    read_record,
    told,
)
from hookstation.core.journal_rules import (
    is_numbered,
    is_single,
    matches,
    party_of,
    record_key,
    stored_fields,
)
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

Planned: TypeAlias = tuple[EffectResult, Callable[[], None]]
Instance: TypeAlias = tuple[int, str]
Names: TypeAlias = tuple[str, ...]


class TryLater(Exception):
    """What an effect has to know cannot be known in this batch any more: it goes with the next one."""


class Stored(msgspec.Struct, frozen=True):
    """A record as it stands within the transaction."""

    entity: int
    number: int
    party: str
    ordinal: int | None
    fields: Mapping[str, Scalar]
    event_id: str

    @property
    def row(self) -> Row:
        """The row in the order of the table."""
        text = fields_text(self.fields)
        return (self.entity, self.number, kept(self.party), self.ordinal, text, self.event_id)


class View:
    """The records of one entity that a batch has read or written, found by the values that it matches on."""

    def __init__(self) -> None:
        self.rows: dict[int, Stored] = {}
        self._finders: dict[Names, dict[Canonical, set[int]]] = {}
        self._cut_short: set[tuple[Names, Canonical]] = set()

    def watch(self, names: Names) -> None:
        """Be ready to find by these fields."""
        self._finders.setdefault(names, {})

    def put(self, record: Stored) -> None:
        """Know a record, or its newer state."""
        old = self.rows.get(record.number)
        self.rows[record.number] = record
        for names, found in self._finders.items():
            if old is not None:
                found[canonical(names, old.fields)].discard(record.number)
            found.setdefault(canonical(names, record.fields), set()).add(record.number)

    def take(self, record: Stored) -> None:
        """Know that a record is gone."""
        del self.rows[record.number]
        for names, found in self._finders.items():
            found[canonical(names, record.fields)].discard(record.number)

    def cut_short(self, names: Names, values: Canonical) -> None:
        """Note that more records may match these values than were read."""
        self._cut_short.add((names, values))

    def find(self, match: Mapping[str, Scalar]) -> Sequence[Stored]:
        """The records that match."""
        names = tuple(sorted(match))
        values = canonical(names, match)
        found = sorted(self._finders[names].get(values, ()))
        if len(found) < 2 and (names, values) in self._cut_short:
            raise TryLater
        return [self.rows[number] for number in found]


class RecordBatch:
    """The effects of one transaction: `prepare`, then `plan` each, then `flush`."""

    def __init__(self, connection: Connection, numbering: Numbering) -> None:
        self._connection = connection
        self._numbering = numbering
        self._views: dict[int, View] = {}
        self._tops: dict[Instance, int | None] = {}
        self._unsure: set[Instance] = set()
        self._numbers: dict[int, list[int]] = {}
        self._used: dict[int, list[int]] = {}
        self._inserted: dict[tuple[int, int], None] = {}
        self._changed: dict[tuple[int, int], None] = {}
        self._deleted: dict[tuple[int, int], None] = {}

    async def prepare(self, effects: Sequence[Effect]) -> None:
        """Lock and read what these effects need."""
        instances = {one for effect in effects for one in self._instances(effect)}
        matching = [effect for effect in effects if effect.operation is not Operation.INSERT]
        locks = {party_lock(*instance) for instance in instances}
        locks |= {match_lock(self._entity(effect.spec), effect.match) for effect in matching}
        if locks:
            await self._connection.execute(queries.LOCK, sorted(locks))
        await self._read_tops(sorted(instances))
        await self._read_candidates(matching)
        wanted: dict[int, int] = {}
        for effect in effects:
            if effect.operation in (Operation.INSERT, Operation.UPSERT):
                entity = self._entity(effect.spec)
                wanted[entity] = wanted.get(entity, 0) + 1
        self._numbers = await self._numbering.draw(self._connection, wanted)

    def plan(self, effect: Effect, event_id: str) -> Planned:
        """What an effect does, and the call that does it."""
        if effect.operation is Operation.INSERT:
            return self._insert(effect.spec, effect.fields, event_id)
        found = self._views[self._entity(effect.spec)].find(effect.match)
        if len(found) > 1:
            return _nothing(EffectVerdict.SEVERAL_FOUND)
        if found and effect.operation is Operation.DELETE:
            return self._delete(found[0])
        if found:
            return self._update(effect.spec, found[0], effect.fields, event_id)
        if effect.operation is not Operation.UPSERT:
            return _nothing(EffectVerdict.NONE_FOUND)
        return self._insert(effect.spec, {**effect.match, **effect.fields}, event_id)

    async def flush(self) -> dict[int, int]:
        """Write what was carried out; returns how many records more each entity has."""
        if gone := sorted(self._deleted.keys() - self._inserted.keys()):
            await self._connection.execute(queries.DELETE_RECORDS, *columns(gone, 2))
        if changed := self._rows_of(self._changed.keys() - self._inserted.keys() - self._deleted.keys()):
            await self._connection.execute(queries.UPDATE_RECORDS, *columns(changed, 6))
        if inserted := self._rows_of(self._inserted.keys() - self._deleted.keys()):
            await append(self._connection, "records", queries.RECORD_TABLE, inserted)
        moved = {entity: len(numbers) for entity, numbers in self._used.items()}
        for entity, _ in self._deleted:
            moved[entity] = moved.get(entity, 0) - 1
        return moved

    def _rows_of(self, chosen: Iterable[tuple[int, int]]) -> list[Row]:
        return [self._views[entity].rows[number].row for entity, number in sorted(chosen)]

    def give_back(self, committed: bool) -> None:
        """Give back the numbers that no record has got."""
        for entity, numbers in self._numbers.items():
            self._numbering.give_back(entity, numbers)
        if not committed:
            for entity, numbers in self._used.items():
                self._numbering.give_back(entity, numbers)

    # --- reading ahead

    def _entity(self, spec: EntitySpec) -> int:
        return self._numbering.number(spec.name)

    def _instances(self, effect: Effect) -> Iterable[Instance]:
        """The parties in whose rows this effect may take an ordinal."""
        spec = effect.spec
        if is_numbered(spec) or not spec.party_field or effect.operation is Operation.DELETE:
            return
        fields = effect.fields if effect.operation is Operation.UPDATE else {**effect.match, **effect.fields}
        party = fields.get(spec.party_field)
        if party is not None and party != "":
            yield self._entity(spec), str(party)

    async def _read_tops(self, instances: Sequence[Instance]) -> None:
        if not instances:
            return
        self._tops = dict.fromkeys(instances)
        asked = columns([(entity, kept(party)) for entity, party in instances], 2)
        for entity, party, top in await self._connection.fetch(queries.LAST_INSTANCES, *asked):
            self._tops[entity, told(party)] = top

    async def _read_candidates(self, effects: Sequence[Effect]) -> None:
        groups: dict[tuple[int, Names, bool, bool], list[Effect]] = {}
        for effect in effects:
            group = (
                self._entity(effect.spec),
                tuple(sorted(effect.match)),
                by_party(effect.spec, effect.match),
                by_number(effect.spec.name, effect.match),
            )
            groups.setdefault(group, []).append(effect)
            self._view(group[0]).watch(group[1])
        for (entity, names, *ways), members in sorted(groups.items(), key=lambda item: item[0]):
            statement = finding(entity, names, *ways)
            alike = {canonical(names, effect.match): effect for effect in members}
            cut = await self._read_group(entity, statement, list(alike.values()), MOST_CANDIDATES)
            view, unclear = self._view(entity), [list(alike.values())[place] for place in cut]
            few = [effect for effect in unclear if len(view.find(effect.match)) < 2]
            await self._read_group(entity, statement, few, None)
            for effect in unclear:
                if effect not in few:
                    view.cut_short(names, canonical(names, effect.match))

    async def _read_group(
        self, entity: int, statement: str, effects: Sequence[Effect], limit: int | None
    ) -> list[int]:
        """Read the candidates of effects; returns the places of those that may have more."""
        if not effects:
            return []
        wanted = [fields_text(effect.match) for effect in effects]
        parties = [_place_of(effect) for effect in effects]
        counts = [0] * len(effects)
        view = self._view(entity)
        for place, number, party, ordinal, text, event_id in await self._connection.fetch(
            statement, wanted, parties, limit
        ):
            counts[place - 1] += 1
            view.put(Stored(entity, number, told(party), ordinal, fields_of(text), event_id))
        return [place for place, count in enumerate(counts) if count == limit]

    def _view(self, entity: int) -> View:
        return self._views.setdefault(entity, View())

    # --- carrying out

    def _insert(self, spec: EntitySpec, fields: Mapping[str, Scalar], event_id: str) -> Planned:
        entity, party = self._entity(spec), party_of(spec, fields)
        ordinal = self._next_ordinal(spec, entity, party)
        if ordinal is _TAKEN:
            return _nothing(EffectVerdict.EXISTS)
        number = self._numbers[entity][0]
        shown = cast("Mapping[str, Scalar]", stored_fields(spec, fields, number, ordinal))
        record = Stored(entity, number, party, ordinal, shown, event_id)

        def keep() -> None:
            self._used.setdefault(entity, []).append(self._numbers[entity].pop(0))
            self._inserted[entity, number] = None
            self._put(record)

        return EffectResult(EffectVerdict.WRITTEN, record_key(number, party, ordinal)), keep

    def _update(
        self, spec: EntitySpec, found: Stored, fields: Mapping[str, Scalar], event_id: str
    ) -> Planned:
        merged = {**found.fields, **fields}
        party, ordinal = party_of(spec, merged), found.ordinal
        moves = party != found.party and ordinal is not None
        if moves:
            ordinal = self._next_ordinal(spec, found.entity, party)
            if ordinal is _TAKEN:
                return _nothing(EffectVerdict.EXISTS)
        shown = cast("Mapping[str, Scalar]", stored_fields(spec, merged, found.number, ordinal))
        record = msgspec.structs.replace(found, party=party, ordinal=ordinal, fields=shown, event_id=event_id)

        def keep() -> None:
            if moves:
                self._unsure.add((found.entity, found.party))
            self._changed[found.entity, found.number] = None
            self._put(record)

        key = record_key(found.number, party, ordinal)
        return EffectResult(EffectVerdict.WRITTEN, key, inserted=False), keep

    def _delete(self, found: Stored) -> Planned:
        def keep() -> None:
            self._unsure.add((found.entity, found.party))
            self._deleted[found.entity, found.number] = None
            self._view(found.entity).take(found)

        key = record_key(found.number, found.party, found.ordinal)
        return EffectResult(EffectVerdict.WRITTEN, key, inserted=False), keep

    def _next_ordinal(self, spec: EntitySpec, entity: int, party: str) -> int | None:
        """The ordinal of a party's next row, ``None`` where rows are numbered, `_TAKEN` where there is no room."""
        if is_numbered(spec):
            return None
        if (entity, party) in self._unsure:
            raise TryLater
        top = self._tops[entity, party]
        if is_single(spec):
            return 0 if top is None else _TAKEN
        return (top or 0) + 1

    def _put(self, record: Stored) -> None:
        self._view(record.entity).put(record)
        instance = record.entity, record.party
        if record.ordinal is not None and instance in self._tops:
            self._tops[instance] = max(self._tops[instance] or 0, record.ordinal)


def _place_of(effect: Effect) -> str:
    """The party, or the number, by which a match is found quickly."""
    if by_number(effect.spec.name, effect.match):
        return str(number_in(effect.match))
    return kept(str(effect.match.get(effect.spec.party_field or "")))


_TAKEN: Final = -1
"""Stands for the ordinal of a second row where a party may have only one."""


def _nothing(verdict: EffectVerdict) -> Planned:
    return EffectResult(verdict, inserted=False), lambda: None


_LONGEST_NUMBER: Final = 19
_LONGEST_ORDINAL: Final = 10
"""Digits with which a number may no longer fit into PostgreSQL's `bigint` and `integer`."""


async def get_record(
    connection: Connection, numbering: Numbering, entity: str, key: str
) -> StoredRecord | None:
    """One record by its key."""
    number = await numbering.find(connection, entity)
    row = None if number is None else await _row(connection, number, key)
    return None if row is None else read_record(entity, row)


async def list_records(
    connection: Connection, numbering: Numbering, entity: str, limit: int, after: str
) -> Sequence[StoredRecord]:
    """Records in the order of their numbers, after the one with key `after`."""
    number = await numbering.find(connection, entity)
    if number is None:
        return []
    start = await _row(connection, number, after) if after else (0,)
    if start is None:
        return []
    rows = await connection.fetch(queries.LIST_RECORDS, number, start[0], limit)
    return [read_record(entity, row) for row in rows]


async def find_records(
    connection: Connection, numbering: Numbering, entity: str, match: Mapping[str, Scalar], limit: int
) -> list[StoredRecord]:
    """Records that match, the oldest first; those whose hashes merely agree are passed over. Raises `NotFound`."""
    number = await numbering.find(connection, entity)
    if number is None:
        if entity != ACTIVITY and not await connection.fetchval(queries.IS_PANEL, kept(entity)):
            raise NotFound("entity", entity)
        return []
    statement, wanted = finding_all(number, sorted(match)), fields_text(match)
    found: list[StoredRecord] = []
    first, last, asked = 0, MOST_NUMBERS - 1, max(limit, 0)
    if by_number(entity, match):
        first = last = number_in(match)
    while len(found) < limit:
        rows = await connection.fetch(statement, wanted, first, asked, last)
        alike = [read_record(entity, row) for row in rows]
        found += [one for one in alike if matches(one.fields, match)]
        if len(rows) < asked:
            break
        first = int(rows[-1][0]) + 1
    return found[: max(limit, 0)]


async def count_records(connection: Connection, numbering: Numbering, entity: str) -> int:
    """How many records an entity has, by its roll-up."""
    number = await numbering.find(connection, entity)
    return 0 if number is None else int(await connection.fetchval(queries.TOTAL, total_of(number)))


def total_of(entity: int) -> str:
    """The name of the roll-up that counts an entity's records."""
    return f"records:{entity}"


async def _row(connection: Connection, entity: int, key: str) -> tuple[object, ...] | None:
    """A key is a party, a party and an ordinal, or a number: which of them, only the entity's rows know."""
    party, bar, ordinal = key.rpartition("|")
    instances: list[tuple[str, int]] = [(key, 0)]
    if bar and _is_number(ordinal) and len(ordinal) < _LONGEST_ORDINAL:
        instances.append((party, int(ordinal)))
    for name, place in instances:
        row = await connection.fetchrow(queries.RECORD_BY_INSTANCE, entity, kept(name), place)
        if row is not None:
            return tuple(row)
    row = await connection.fetchrow(queries.RECORD_BY_NUMBER, entity, int(key)) if _is_number(key) else None
    return None if row is None else tuple(row)


def _is_number(text: str) -> bool:
    """Whether a text is a record number or an ordinal as this store writes them."""
    return text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER and text[0] != "0"
