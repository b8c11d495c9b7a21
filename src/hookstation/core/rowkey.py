"""Which row of a target a record means, so that two that mean the same one are not written at once."""

from __future__ import annotations

import re
from decimal import Decimal
from hashlib import sha256
from typing import Final, TypeAlias

from hookstation.core.records import Operation, Record
from hookstation.core.values import Number, Scalar

RowKey: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]
"""Connection, entity, and the values matched on by field name."""

LONGEST_WRITTEN_OUT: Final = 40
"""Digits before or after the point up to which a number is compared without its exponent, as text would write it."""

_ZERO_FRACTION: Final = re.compile(r"\.0+$")


def turn_of(record: Record) -> bytes:
    """What one event at a time holds while it writes this row; empty for what is no upsert and needs no turn."""
    if record.operation is not Operation.UPSERT:
        return b""
    return sha256(repr(row_key(record)).encode("utf-8", "surrogatepass")).digest()[:16]


def row_key(record: Record) -> RowKey:
    """The row that a record's match names.

    Values are compared as the most forgiving target compares them: text without case and trailing spaces (the usual
    collations of SQL Server), numbers by what they are worth, moments without zeros as their fraction.  Two records
    with equal keys may still mean two rows, and then wait for each other without need.
    """
    match = sorted((name, _comparable(value)) for name, value in record.match.items())
    return record.connection, record.entity, tuple(match)


def _comparable(value: Scalar) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Number():
            return _worth(value.decimal)
        case str():
            return _ZERO_FRACTION.sub("", value.casefold().rstrip())


def _worth(number: Decimal) -> str:
    """The same text for every way to write a number, exact whatever its size."""
    sign, digits, exponent = number.as_tuple()
    written = "".join(map(str, digits))
    significant = written.rstrip("0")
    if not significant or not isinstance(exponent, int):
        return "0"
    short = Decimal((sign, tuple(map(int, significant)), exponent + len(written) - len(significant)))
    return f"{short:f}" if abs(short.adjusted()) < LONGEST_WRITTEN_OUT else str(short)
