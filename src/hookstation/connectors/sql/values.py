"""Values on their way into a database and out of it."""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from hookstation.connectors.sql.engine import Bound, Column, Reader
from hookstation.core.jsontext import dump_json
from hookstation.core.records import FieldType
from hookstation.core.values import JSON, Number
from hookstation.errors import Terminal
from hookstation.ports.rows import Row

TRUTHS: Final[Mapping[str, int]] = {"true": 1, "false": 0, "1": 1, "0": 0, "yes": 1, "no": 0}


AS_IT_IS: Final = frozenset({bool, int, str, type(None)})
"""Values that are JSON already."""


def read_value(value: object) -> JSON:
    """A driver's value as JSON: digits exact, dates and times as ISO 8601, bytes as base64, anything else as text."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return Number(f"{value:f}") if value.is_finite() else str(value)
        case float():
            return Number(repr(value)) if math.isfinite(value) else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return clock_text(value)
        case bytes() | bytearray() | memoryview():
            return b64encode(bytes(value)).decode()
        case list() | tuple():
            return [read_value(one) for one in value]
        case dict():
            return {str(name): read_value(one) for name, one in value.items()}
    return str(value)


def clock_text(span: timedelta) -> str:
    """A span as hours, minutes and seconds, of which a day has more than one."""
    micros = round(span / timedelta(microseconds=1))
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, fraction = divmod(micros, 1_000_000)
    text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:06}" if fraction else text


def distinct(names: Sequence[str]) -> list[str]:
    """Names of a statement's columns, each once: a second ``id`` is ``id_2``."""
    taken: set[str] = set()
    found = []
    for name in names:
        free = next(one for one in _candidates(name) if one not in taken)
        taken.add(free)
        found.append(free)
    return found


def _candidates(name: str) -> Iterator[str]:
    yield name
    count = 2
    while True:
        yield f"{name}_{count}"
        count += 1


def row_reader(names: Sequence[str], readers: Sequence[Reader | None]) -> Callable[[Sequence[object]], Row]:
    """Makes rows of tuples; a column without a reader is taken as it is."""
    keys = distinct(names)
    to_read = [(key, reader) for key, reader in zip(keys, readers, strict=True) if reader is not None]

    def read(values: Sequence[object]) -> Row:
        row: dict[str, JSON] = dict(zip(keys, values, strict=True))  # type: ignore[arg-type]
        for key, reader in to_read:
            value = row[key]
            if value is not None and (reader is not read_value or type(value) not in AS_IT_IS):
                row[key] = reader(value)
        return row

    return read


def batch_reader(
    names: Sequence[str], readers: Sequence[Reader | None]
) -> Callable[[Sequence[Sequence[object]]], list[Row]]:
    """Makes rows of many tuples; most of them hold nothing that has to be read."""
    keys, read = distinct(names), row_reader(names, readers)
    may_be_plain = all(reader is None or reader is read_value for reader in readers)

    def read_all(batch: Sequence[Sequence[object]]) -> list[Row]:
        if may_be_plain and AS_IT_IS.issuperset(map(type, chain.from_iterable(batch))):
            return [dict(zip(keys, values, strict=True)) for values in batch]  # type: ignore[arg-type]
        return [read(values) for values in batch]

    return read_all


def bind(name: str, value: JSON, column: Column, zone: ZoneInfo) -> Bound:
    """A value for a column. Raises `Terminal`, naming the column, for one that it cannot hold."""
    if value is None:
        return None
    match column.spec.type:
        case FieldType.BINARY:
            return _bytes(name, value)
        case FieldType.BOOLEAN:
            return _truth(name, value)
        case FieldType.DATETIME if isinstance(value, str) and not column.zoned:
            return _local(value, zone)
        case FieldType.INTEGER if isinstance(value, bool):
            return int(value)
        case FieldType.INTEGER if isinstance(value, int) and -(2**63) <= value < 2**63:
            return value
    if isinstance(value, list) and column.json_list:
        return array_text(value)
    return text_of(value)


def bind_plain(value: JSON) -> Bound:
    """A parameter of a person's statement, where the engine does not say what type it wants."""
    if isinstance(value, Number):
        return float(value.decimal)
    if isinstance(value, bool):
        return int(value)
    return text_of(value) if isinstance(value, list | dict) else value


def text_of(value: JSON) -> str:
    """A value as text: numbers by their digits, lists and objects as JSON."""
    match value:
        case bool():
            return "true" if value else "false"
        case list() | dict():
            return dump_json(value)
    return str(value)


def array_text(value: Sequence[JSON]) -> str:
    """A list as PostgreSQL writes an array."""
    parts = [
        "NULL" if one is None else array_text(one) if isinstance(one, list) else _array_item(text_of(one))
        for one in value
    ]
    return "{" + ",".join(parts) + "}"


def _array_item(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _bytes(name: str, value: JSON) -> bytes:
    try:
        return b64decode(str(value), validate=True)
    except ValueError:
        raise Terminal(f"{name}: bytes are written as base64, which this value is not.") from None


def _truth(name: str, value: JSON) -> int:
    found = TRUTHS.get(text_of(value).strip().lower())
    if found is None:
        raise Terminal(f"{name}: must be true or false.")
    return found


def _local(text: str, zone: ZoneInfo) -> str:
    """A moment with an offset in the connection's zone, without one; anything else as it is written."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        return text
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(text[10:11])
