"""Property values: from the wire into a row, out again, and as a find compares them."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from hookstation.testing.sandbox.definitions import Column, PropertyType

Stored: TypeAlias = str | int | bool | Decimal | None
"""What a row holds: dates as ``2026-11-22T09:30:00``, binary as base64 text."""

WRAPPERS: Final[dict[PropertyType, str]] = {
    "Integer": "System.Int32",
    "Boolean": "System.Boolean",
    "Decimal": "System.Decimal",
    "Monetary": "System.Decimal",
    "Date": "System.DateTime",
    "Binary": "System.Byte[], mscorlib",
}
"""The ``$type`` around a value of each type that is not a bare string."""

_LOCAL_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\d)?(\.\d{1,7})?", re.ASCII)
_FIRST_YEAR: Final = 1753
_LARGEST_INT32: Final = 2**31 - 1


def read_value(column: Column, raw: object) -> Stored:
    """The value to store. Raises `ValueError` with the sentence that tells what is allowed."""
    if raw is None:
        return None
    if column.type == "String":
        return _text(column, raw)
    return _typed(column, _unwrap(column, raw))


def wrap(column: Column, value: Stored) -> object:
    """A stored value as it goes over the wire."""
    if value is None or column.type == "String":
        return value
    return {"$type": WRAPPERS[column.type], "$value": value}


def comparable(column: Column, text: str) -> str:
    """The text of a find in the form that `indexed` gives for an equal stored value."""
    if column.type in ("Decimal", "Monetary"):
        try:
            return _plain(Decimal(text))
        except InvalidOperation:
            return text.casefold()
    if column.type == "Date" and len(text) == len("2026-11-22"):
        return f"{text}t00:00:00"
    return text.casefold()


def indexed(value: Stored) -> str:
    """The text by which a find compares: no case (a common SQL Server collation has none); null is empty."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return _plain(value)
    return str(value).casefold()


def _plain(number: Decimal) -> str:
    return str(number.normalize()) if number else "0"


def _text(column: Column, raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"{column.name}: a bare string is expected.")  # noqa: TRY004  every refusal is one kind
    if 0 <= column.length < len(raw):
        raise ValueError(f"{column.name}: {len(raw)} characters, at most {column.length} are allowed.")
    if column.values and raw and raw not in column.values:
        raise ValueError(f"{column.name}: allowed are {', '.join(column.values)}.")
    return raw


def _unwrap(column: Column, raw: object) -> object:
    wrapper = WRAPPERS[column.type]
    if not isinstance(raw, dict) or raw.get("$type") != wrapper or "$value" not in raw:
        raise ValueError(f'{column.name}: {{"$type": "{wrapper}", "$value": ...}} is expected.')
    return raw["$value"]


def _typed(column: Column, value: object) -> Stored:
    match column.type:
        case "Boolean" if isinstance(value, bool):
            return value
        case "Integer" if type(value) is int and -_LARGEST_INT32 - 1 <= value <= _LARGEST_INT32:
            return value
        case "Decimal" | "Monetary" if type(value) is int or isinstance(value, Decimal):
            return _decimal(column, Decimal(value))
        case "Date" if isinstance(value, str):
            return _local_time(column, value)
        case "Binary" if isinstance(value, str):
            return _binary(column, value)
    raise ValueError(f"{column.name}: the value is no {column.type}.")


def _decimal(column: Column, value: Decimal) -> Decimal:
    whole = column.digits - (column.scale or 0)
    if value and value.adjusted() >= whole:
        raise ValueError(f"{column.name}: at most {whole} digits may stand before the point.")
    if column.scale is not None and round(value, column.scale) != value:
        raise ValueError(f"{column.name}: at most {column.scale} digits may stand after the point.")
    return value


def _local_time(column: Column, text: str) -> str:
    parts = _LOCAL_TIME.fullmatch(text)
    if parts is None or (parts[3] and not parts[2]):
        raise ValueError(f"{column.name}: a local time without zone is expected, 2026-11-22T09:30:00.")
    try:
        year = datetime.fromisoformat(parts[1] + (parts[2] or "")).year
    except ValueError as error:
        raise ValueError(f"{column.name}: {text} is on no calendar.") from error
    if year < _FIRST_YEAR:
        raise ValueError(f"{column.name}: no day before {_FIRST_YEAR} can be stored.")
    return parts[1] + (parts[2] or "T00:00:00") + (parts[3] or "")


def _binary(column: Column, text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{column.name}: base64 is expected.") from error
    return text
