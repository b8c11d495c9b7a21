"""Values in the target's spelling: wrapped on the way out, unwrapped and compared on the way back."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from hookstation.core.records import FieldType
from hookstation.core.values import JSON, Number, Scalar
from hookstation.errors import Terminal

LARGEST_INT32: Final = 2**31 - 1
LARGEST_INT64: Final = 2**63 - 1
LARGEST_DECIMAL: Final = 2**96 - 1
"""The largest coefficient of a .NET ``System.Decimal``; it keeps at most 28 digits after the point."""
DECIMAL_SCALE: Final = 28

_ZERO_FRACTION: Final = re.compile(r"\.0+$")


def wrap(name: str, value: Scalar, kind: FieldType | None) -> JSON:
    """A value as a property holds it: text bare, anything else with its .NET type first.

    `kind` is the field's type; ``None`` (the field list is not known) goes by the value's own kind.
    Raises `Terminal`, naming the field, where the .NET type cannot hold the value.
    """
    if value is None:
        return None
    match kind or _own_kind(value):
        case FieldType.INTEGER:
            return _integer(name, value)
        case FieldType.DECIMAL:
            return {"$type": "System.Decimal", "$value": _decimal(name, value)}
        case FieldType.BOOLEAN:
            return {"$type": "System.Boolean", "$value": value}
        case FieldType.DATE | FieldType.DATETIME:
            return {"$type": "System.DateTime", "$value": _moment(text_of(value))}
        case FieldType.BINARY:
            return {"$type": "System.Byte[], mscorlib", "$value": text_of(value)}
        case FieldType.STRING:
            return text_of(value)


def unwrap(value: JSON) -> JSON:
    """What a property holds, without its wrapper."""
    return value.get("$value") if isinstance(value, dict) else value


def text_of(value: Scalar) -> str:
    """A value as text: numbers by their digits, nothing for null."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def same(wanted: Scalar, stored: JSON, kind: FieldType | None) -> bool:
    """Whether the target's value is the one that was meant.

    Text is compared as SQL Server's usual collations do: without case and trailing spaces.
    """
    found = unwrap(stored)
    if isinstance(found, list | dict):
        return False
    ours, theirs = text_of(wanted), text_of(found)
    if kind in (FieldType.DATE, FieldType.DATETIME):
        return _moment(ours) == _moment(theirs)
    if kind in (FieldType.DECIMAL, FieldType.INTEGER) or isinstance(wanted, Number):
        return _number(ours) == _number(theirs)
    return fold(ours) == fold(theirs)


def fold(text: str) -> str:
    """Text as the target's collation sees it."""
    return text.casefold().rstrip()


def _own_kind(value: Scalar) -> FieldType:
    match value:
        case bool():
            return FieldType.BOOLEAN
        case int():
            return FieldType.INTEGER
        case Number():
            return FieldType.DECIMAL
        case _:
            return FieldType.STRING


def _integer(name: str, value: Scalar) -> JSON:
    if not isinstance(value, int):
        raise Terminal(f"{name}: a whole number is needed.")
    if abs(value) <= LARGEST_INT32:
        return {"$type": "System.Int32", "$value": value}
    if abs(value) > LARGEST_INT64:
        raise Terminal(f"{name}: the number is too large for the target (at most {LARGEST_INT64}).")
    return {"$type": "System.Int64", "$value": value}


def _decimal(name: str, value: Scalar) -> JSON:
    """The digits as they came; without an exponent, which not every .NET reader takes for a decimal."""
    if isinstance(value, int):
        number = Decimal(value)
    elif isinstance(value, Number):
        number = value.decimal
    else:
        raise Terminal(f"{name}: a number is needed.")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or number.adjusted() > DECIMAL_SCALE or -exponent > DECIMAL_SCALE:
        raise Terminal(
            f"{name}: the number has too many digits for the target (28 before or after the point)."
        )
    if abs(int(number.scaleb(-exponent) if exponent < 0 else number)) > LARGEST_DECIMAL:
        raise Terminal(f"{name}: the number has too many digits for the target (28 in all).")
    return Number(f"{number:f}")


def _moment(text: str) -> str:
    """A date or date-time in one spelling: with a time, without zeros as its fraction."""
    whole = f"{text}T00:00:00" if len(text) == len("2026-11-22") else text
    return _ZERO_FRACTION.sub("", whole.removesuffix("Z"))


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
