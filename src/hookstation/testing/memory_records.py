"""The built-in records of the in-memory twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from hookstation.core.journal_rules import (
    is_numbered,
    is_single,
    matches,
    party_of,
    record_key,
    stored_fields,
)
from hookstation.core.records import Effect, EffectResult, EffectVerdict, EntitySpec, Operation, StoredRecord
from hookstation.core.values import Scalar

Planned: TypeAlias = tuple[EffectResult, Callable[[], None]]


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    party: str
    ordinal: int | None
    fields: Mapping[str, Scalar]
    event_id: str

    @property
    def key(self) -> str:
        return record_key(self.number, self.party, self.ordinal)


class MemoryRecords:
    """Rows by entity and number."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, _Row]] = {}
        self._last: dict[str, int] = {}

    def copied(self) -> MemoryRecords:
        """The same records, which go their own way from now on."""
        other = MemoryRecords()
        other._rows = {name: dict(rows) for name, rows in self._rows.items()}
        other._last = dict(self._last)
        return other

    def plan(self, effect: Effect, event_id: str) -> Planned:
        """What an effect would do, and the call that does it."""
        if effect.operation is Operation.INSERT:
            return self._insert(effect.spec, effect.fields, event_id)
        rows = self._rows.get(effect.spec.name, {}).values()
        found = [row for row in rows if matches(row.fields, effect.match)]
        if len(found) > 1:
            return _nothing(EffectVerdict.SEVERAL_FOUND)
        if found and effect.operation is Operation.DELETE:
            return self._delete(effect.spec, found[0])
        if found:
            return self._update(effect.spec, found[0], effect.fields, event_id)
        if effect.operation is not Operation.UPSERT:
            return _nothing(EffectVerdict.NONE_FOUND)
        return self._insert(effect.spec, {**effect.match, **effect.fields}, event_id)

    def listed(self, entity: str, limit: int, after: str) -> Sequence[StoredRecord]:
        """Records in the order of writing, after the one with key `after`."""
        rows = list(self._rows.get(entity, {}).values())
        if after:
            numbers = [row.number for row in rows if row.key == after]
            rows = [row for row in rows if numbers and row.number > numbers[0]]
        return [StoredRecord(entity, row.key, row.fields, row.event_id) for row in rows[:limit]]

    def found(self, entity: str, match: Mapping[str, Scalar], limit: int) -> Sequence[StoredRecord]:
        """Records that match, in the order of writing."""
        rows = [row for row in self._rows.get(entity, {}).values() if matches(row.fields, match)]
        return [StoredRecord(entity, row.key, row.fields, row.event_id) for row in rows[:limit]]

    def knows(self, entity: str) -> bool:
        """Whether an entity ever had a record."""
        return entity in self._last

    def one(self, entity: str, key: str) -> StoredRecord | None:
        """One record."""
        return next(
            (record for record in self.listed(entity, self.count(entity), "") if record.key == key), None
        )

    def count(self, entity: str) -> int:
        """How many records an entity has."""
        return len(self._rows.get(entity, {}))

    def _insert(self, spec: EntitySpec, fields: Mapping[str, Scalar], event_id: str) -> Planned:
        rows = self._rows.setdefault(spec.name, {})
        party = party_of(spec, fields)
        ordinals = self._ordinals(spec, party)
        if is_single(spec) and ordinals:
            return _nothing(EffectVerdict.EXISTS)
        return self._write(
            rows,
            spec,
            _Row(self._last.get(spec.name, 0) + 1, party, _next(spec, ordinals), fields, event_id),
            True,
        )

    def _update(self, spec: EntitySpec, row: _Row, fields: Mapping[str, Scalar], event_id: str) -> Planned:
        merged = {**row.fields, **fields}
        party, ordinal = party_of(spec, merged), row.ordinal
        if party != row.party and ordinal is not None:
            ordinals = self._ordinals(spec, party)
            if is_single(spec) and ordinals:
                return _nothing(EffectVerdict.EXISTS)
            ordinal = _next(spec, ordinals)
        changed = _Row(row.number, party, ordinal, merged, event_id)
        return self._write(self._rows[spec.name], spec, changed, False)

    def _delete(self, spec: EntitySpec, row: _Row) -> Planned:
        def keep() -> None:
            del self._rows[spec.name][row.number]

        return EffectResult(EffectVerdict.WRITTEN, row.key, inserted=False), keep

    def _ordinals(self, spec: EntitySpec, party: str) -> list[int]:
        rows = self._rows.get(spec.name, {}).values()
        return [row.ordinal for row in rows if row.party == party and row.ordinal is not None]

    def _write(self, rows: dict[int, _Row], spec: EntitySpec, row: _Row, inserted: bool) -> Planned:
        kept = cast("Mapping[str, Scalar]", stored_fields(spec, row.fields, row.number, row.ordinal))
        whole = _Row(row.number, row.party, row.ordinal, kept, row.event_id)

        def keep() -> None:
            rows[row.number] = whole
            self._last[spec.name] = max(self._last.get(spec.name, 0), row.number)

        return EffectResult(EffectVerdict.WRITTEN, whole.key, inserted), keep


def _next(spec: EntitySpec, ordinals: Sequence[int]) -> int | None:
    if is_numbered(spec):
        return None
    return 0 if is_single(spec) else max(ordinals, default=0) + 1


def _nothing(verdict: EffectVerdict) -> Planned:
    return EffectResult(verdict, inserted=False), lambda: None
