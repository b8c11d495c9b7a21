"""Finding records by the values of their fields: the condition, and the index that serves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Final

import apsw

from hookstation.adapters.store.rows import ENTITY_SHIFT
from hookstation.core.journal_rules import SEQUENCE_FIELD, is_numbered
from hookstation.core.records import ACTIVITY, EntitySpec
from hookstation.core.values import Number, Scalar

_LARGEST: Final = 2**63 - 1


def condition(
    entity: int, spec: EntitySpec, match: Mapping[str, Scalar]
) -> tuple[str, list[str | int | float]]:
    """A WHERE clause that lets through every record that may match, and its values.

    The caller compares exactly; what SQLite cannot compare without loss is left out here.
    """
    parts, bindings = [f"entity = {entity}"], list[str | int | float]()
    for name in sorted(match):
        value = match[name]
        candidates = _candidates(value)
        if name == spec.party_field and isinstance(value, str) and not is_numbered(spec):
            parts.append("party = ? AND ordinal IS NOT NULL")
            bindings.append(value)
        elif spec.name == ACTIVITY and name == SEQUENCE_FIELD:
            parts.append(
                f"id IN ({','.join(str(entity << ENTITY_SHIFT | number) for number in _numbers(value))})"
            )
        elif _sayable(name) and value is None:
            parts.append(f"{_column(name)} IS NULL")
        elif _sayable(name) and candidates:
            parts.append(f"{_column(name)} IN ({','.join('?' * len(candidates))})")
            bindings.extend(candidates)
    return " AND ".join(parts), bindings


def keep_indexes(connection: apsw.Connection, entity: int, matches: Iterable[tuple[str, ...]]) -> None:
    """Have exactly one index for each set of fields that is matched on."""
    wanted = {
        _index_name(entity, fields): fields for fields in matches if fields and all(map(_sayable, fields))
    }
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND name GLOB ?", (f"match_{entity}_*",)
    )
    there = {str(name) for (name,) in rows.fetchall()}
    for name in sorted(there - wanted.keys()):
        connection.execute(f'DROP INDEX "{name}"')
    for name in sorted(wanted.keys() - there):
        columns = ", ".join(_column(column) for column in sorted(wanted[name]))
        connection.execute(f'CREATE INDEX "{name}" ON records ({columns}) WHERE entity = {entity}')


def _index_name(entity: int, fields: tuple[str, ...]) -> str:
    told = "\0".join(sorted(fields))
    return f"match_{entity}_{blake2b(told.encode(), digest_size=8).hexdigest()}"


def _column(name: str) -> str:
    quoted = f'$."{name}"'.replace("'", "''")
    return f"json_extract(fields, '{quoted}')"


def _sayable(name: str) -> bool:
    """Whether a JSON path of SQLite can name this field."""
    return not {'"', "\\", "\0"} & set(name)


def _numbers(value: Scalar) -> list[int]:
    """The numbers that a record may have which equal this value."""
    return [one for one in _candidates(value) if type(one) is int and 0 < one < 1 << ENTITY_SHIFT]


def _candidates(value: Scalar) -> list[str | int | float]:
    """What SQLite may have made of a stored value that equals this one; empty where it may have lost something."""
    if isinstance(value, str):
        return [] if "\0" in value else [value]
    if isinstance(value, bool):
        return [int(value)]
    if value is None:
        return []
    number: Decimal | int = value.decimal if isinstance(value, Number) else value
    try:
        found: list[str | int | float] = [float(number)]
    except OverflowError:
        return []
    if found[0] in (float("inf"), float("-inf")):
        return []
    if -_LARGEST <= number <= _LARGEST and number == int(number):
        found.append(int(number))
    return found
