"""What a call must be, as a table for people who never saw a JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hookstation.core.schema_rows import Row, schema_rows
from hookstation.core.template import path_text
from hookstation.core.values import JSON
from hookstation.web.pages.wizard.fields_table import FORMATS, TYPES

MOST: Final = 100
"""Fields in the table; the JSON below it has them all."""

_TYPES: Final = dict(TYPES)
_FORMATS: Final = dict(FORMATS)


@dataclass(frozen=True, slots=True)
class Described:
    """One field: its path in the payload, what it is in words, and whether a call must have it."""

    path: str
    what: str
    required: bool


def described(schema: JSON) -> list[Described]:
    """The fields of a call, as they stand in the schema, at most `MOST`."""
    return [
        Described(path_text(row.path), ", ".join(_words(row)), row.required)
        for row in schema_rows(schema)[1 : MOST + 1]
    ]


def _words(row: Row) -> Iterator[str]:
    yield " or ".join(_TYPES.get(one, one) for one in row.types or ("",))
    if row.format:
        yield _FORMATS.get(row.format, row.format)
    if row.values:
        yield f"one of {len(row.values)} values"
    if row.max_length is not None:
        yield f"up to {row.max_length:,} characters"
    if row.nullable:
        yield "may be null"
