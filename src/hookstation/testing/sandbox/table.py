"""Rows in memory, with an index for every property that a find has asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeAlias

from hookstation.testing.sandbox.answers import Refused, invalid
from hookstation.testing.sandbox.definitions import ORDINAL, PARTY, Column, Entity
from hookstation.testing.sandbox.values import Stored, comparable, indexed

Key: TypeAlias = tuple[str, ...]
Operator: TypeAlias = Literal["eq", "contains", "startswith"]

_OPERATORS: Final[Mapping[str, Operator]] = {
    "eq": "eq",
    "contains": "contains",
    "startswith": "startswith",
}


@dataclass(slots=True)
class Row:
    """One row: its running number, its key, and the values that are not null by property name."""

    number: int
    key: Key
    values: dict[str, Stored]


_Bucket: TypeAlias = dict[Key, Row]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a find; it holds where any of `texts` does."""

    property: str
    operator: Operator
    texts: tuple[str, ...]

    def holds(self, row: Row) -> bool:
        """Whether the row meets it."""
        value = indexed(row.values.get(self.property))
        match self.operator:
            case "eq":
                return value in self.texts
            case "contains":
                return any(text in value for text in self.texts)
            case "startswith":
                return value.startswith(self.texts)


def read_condition(column: Column, text: str) -> Condition:
    """``op:value|value``; a prefix that is no known operator belongs to the value."""
    prefix, colon, rest = text.partition(":")
    operator = _OPERATORS.get(prefix.lower()) if colon else None
    values = rest if operator else text
    texts = tuple(comparable(column, value) for value in values.split("|"))
    return Condition(column.name, operator or "eq", texts)


class Table:
    """The rows of one entity."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.rows: dict[Key, Row] = {}
        self._indexes: dict[str, dict[str, _Bucket]] = {}
        self._numbers = 0
        self._ordinals: dict[str, int] = {}

    def insert(self, values: Mapping[str, Stored]) -> Row:
        """Add a row with the next sequence number or ordinal. Raises `Refused` 409 where its key is taken."""
        stored: dict[str, Stored] = {name: value for name, value in values.items() if value is not None}
        self._number(stored)
        key = tuple(str(stored[name]) for name in self.entity.key_columns)
        if key in self.rows or (self.rows and self._only_one):
            raise Refused(409, f"{self.entity.name}: the one row that may be there is there already.")
        self._numbers += 1
        row = self.rows[key] = Row(self._numbers, key, stored)
        for name, index in self._indexes.items():
            index.setdefault(indexed(stored.get(name)), {})[key] = row
        return row

    def update(self, row: Row, changes: Mapping[str, Stored]) -> None:
        """Change a row in place; null clears."""
        for name, index in self._indexes.items():
            if name in changes:
                index[indexed(row.values.get(name))].pop(row.key)
                index.setdefault(indexed(changes[name]), {})[row.key] = row
        row.values.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del row.values[name]

    def delete(self, row: Row) -> None:
        """Take a row away; its number is not given again."""
        del self.rows[row.key]
        for name, index in self._indexes.items():
            index[indexed(row.values.get(name))].pop(row.key)

    def find(self, conditions: Sequence[Condition]) -> Collection[Row]:
        """The rows that meet all conditions, in the order of writing."""
        if not conditions:
            return self.rows.values()
        found = (row for row in self._candidates(conditions) if all(each.holds(row) for each in conditions))
        return sorted(found, key=lambda row: row.number)

    def rename(self, entity: Entity, old: str, new: str) -> None:
        """Become another dialect of the same entity: the property `old` is called `new`."""
        self.entity = entity
        self._indexes.clear()
        for row in self.rows.values():
            row.values[new] = row.values.pop(old)

    @property
    def _only_one(self) -> bool:
        return self.entity.kind == "Single" and not self.entity.party_column

    def _number(self, stored: dict[str, Stored]) -> None:
        given = [column.name for column in self.entity.columns.values() if column.given]
        for name in given:
            owner = str(stored.get(self.entity.party_column, "")) if name == ORDINAL else ""
            stored[name] = self._ordinals[owner] = self._ordinals.get(owner, 0) + 1

    def _candidates(self, conditions: Sequence[Condition]) -> Iterable[Row]:
        exact = [self._buckets(each) for each in conditions if each.operator == "eq"]
        if not exact:
            return self.rows.values()
        fewest = min(exact, key=lambda buckets: sum(map(len, buckets)))
        return (row for bucket in fewest for row in bucket.values())

    def _buckets(self, condition: Condition) -> list[_Bucket]:
        index = self._indexes.get(condition.property)
        if index is None:
            index = self._indexes[condition.property] = self._index(condition.property)
        return [index[text] for text in dict.fromkeys(condition.texts) if text in index]

    def _index(self, name: str) -> dict[str, _Bucket]:
        index: dict[str, _Bucket] = {}
        for row in self.rows.values():
            index.setdefault(indexed(row.values.get(name)), {})[row.key] = row
        return index


def order(rows: Collection[Row], entity: Entity, orderby: str) -> Sequence[Row]:
    """Rows by ``Property``, ``Property desc`` or a comma-separated list of them. Raises `Refused` 400."""
    ordered = list(rows)
    for part in reversed(orderby.split(",")) if orderby else ():
        name, _, direction = part.strip().partition(" ")
        column = column_of(entity, name)
        if column is None or direction.lower() not in ("", "asc", "desc"):
            raise invalid(f"orderby: “{part.strip()}” is no property of {entity.name} with asc or desc.")
        ordered.sort(key=partial(_sortable, column.name), reverse=direction.lower() == "desc")
    return ordered


def column_of(entity: Entity, name: str) -> Column | None:
    """The column that a query parameter names, in any case; ``PartyId`` also finds a Party by its id."""
    wanted = name.casefold()
    if entity.name == PARTY and wanted == "partyid":
        wanted = "id"
    return next((each for each in entity.columns.values() if each.name.casefold() == wanted), None)


def _sortable(name: str, row: Row) -> tuple[bool, bool, float, str]:
    """Nulls first, then numbers by value, then texts without case."""
    value = row.values.get(name)
    if value is None or isinstance(value, str):
        return value is not None, True, 0.0, indexed(value)
    return True, False, float(value), ""
