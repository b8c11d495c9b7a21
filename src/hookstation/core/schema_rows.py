"""A schema as a table of fields, for people who never saw one.

A row shows what most fields need; `more` names the keywords of its place that the table cannot show, so that nobody
takes the table for the whole.  `schema_edits` puts changed rows back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hookstation.core.schema_outline import Place
from hookstation.core.schema_words import pointer
from hookstation.core.template import ANY, Path, path_text
from hookstation.core.values import JSON, Number

MOST_ROWS: Final = 2_000

TYPES: Final = ("string", "integer", "number", "boolean", "object", "array")
"""The types that a row may have; *null* is said by `nullable`."""

_SHOWN: Final = frozenset(
    {"type", "format", "minLength", "maxLength", "minimum", "maximum", "pattern", "enum", "const", "examples"}
    | {"description", "properties", "required"}
)
_ROOT_ONLY: Final = frozenset({"$schema", "title", "$defs", "definitions"})


@dataclass(frozen=True, slots=True)
class Row:
    """One field.

    `place`: where its schema stands in the document; `path`: where its value stands in a payload, `ANY` for any
    element of a list.  `types` is empty for a field of any type.  `required`: its object must have it (the payload
    itself and the elements of a list always are).  Lengths in characters; `minimum` and `maximum` are numbers, `None`
    where there is none.  `values` is the closed list, empty where there is none.
    """

    place: Place
    path: Path
    types: tuple[str, ...] = ()
    nullable: bool = False
    required: bool = False
    format: str = ""
    min_length: int | None = None
    max_length: int | None = None
    minimum: int | Number | None = None
    maximum: int | Number | None = None
    pattern: str = ""
    values: tuple[JSON, ...] = ()
    example: JSON = None
    description: str = ""
    more: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The field's own name; empty for the payload itself, ``[]`` for the elements of a list."""
        return "" if not self.path else "[]" if self.path[-1] == ANY else str(self.path[-1])

    def as_json(self) -> dict[str, JSON]:
        """The row as the API tells it; by `pointer` an edit names it."""
        return {
            "pointer": pointer(self.place),
            "path": path_text(self.path),
            "name": self.name,
            "depth": len(self.path),
            "types": list(self.types),
            "nullable": self.nullable,
            "required": self.required,
            "format": self.format,
            "min_length": self.min_length,
            "max_length": self.max_length,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "pattern": self.pattern,
            "values": list(self.values),
            "example": self.example,
            "description": self.description,
            "more": list(self.more),
        }


def schema_rows(schema: JSON) -> list[Row]:
    """The fields that `schema` declares under ``properties`` and ``items``, in its order, the payload itself first.

    References and alternatives are not followed: the row where they stand says that there is more.
    """
    rows: list[Row] = []
    waiting: list[tuple[JSON, Place, Path, bool]] = [(schema, (), (), True)]
    while waiting and len(rows) < MOST_ROWS:
        inner, place, path, required = waiting.pop()
        rows.append(row_of(inner, place, path, required))
        waiting.extend(reversed(list(_inside(inner, place, path))))
    return rows


def _inside(schema: JSON, place: Place, path: Path) -> Iterator[tuple[JSON, Place, Path, bool]]:
    if not isinstance(schema, dict):
        return
    properties, required = schema.get("properties"), schema.get("required")
    named = required if isinstance(required, list) else []
    if isinstance(properties, dict):
        for name, inner in properties.items():
            yield inner, (*place, "properties", name), (*path, name), name in named
    if isinstance(items := schema.get("items"), dict):
        yield items, (*place, "items"), (*path, ANY), True


def row_of(schema: JSON, place: Place, path: Path, required: bool) -> Row:
    """The row of one subschema."""
    if not isinstance(schema, dict):
        return Row(place, path, required=required, more=("false",) if schema is False else ())
    types = _listed(schema.get("type"))
    return Row(
        place,
        path,
        tuple(kind for kind in types if kind != "null"),
        "null" in types,
        required,
        _text(schema, "format"),
        _count(schema, "minLength"),
        _count(schema, "maxLength"),
        _number(schema, "minimum"),
        _number(schema, "maximum"),
        _text(schema, "pattern"),
        _values(schema),
        _example(schema),
        _text(schema, "description"),
        _more(schema, root=not place),
    )


def _listed(types: JSON) -> list[str]:
    return [one for one in (types if isinstance(types, list) else [types]) if isinstance(one, str)]


def _text(schema: dict[str, JSON], keyword: str) -> str:
    value = schema.get(keyword)
    return value if isinstance(value, str) else ""


def _number(schema: dict[str, JSON], keyword: str) -> int | Number | None:
    value = schema.get(keyword)
    return value if isinstance(value, int | Number) and not isinstance(value, bool) else None


def _count(schema: dict[str, JSON], keyword: str) -> int | None:
    value = _number(schema, keyword)
    return value if isinstance(value, int) else None


def _values(schema: dict[str, JSON]) -> tuple[JSON, ...]:
    if "const" in schema:
        return (schema["const"],)
    listed = schema.get("enum")
    return tuple(listed) if isinstance(listed, list) else ()


def _example(schema: dict[str, JSON]) -> JSON:
    listed = schema.get("examples")
    return listed[0] if isinstance(listed, list) and listed else None


def _more(schema: dict[str, JSON], *, root: bool) -> tuple[str, ...]:
    hidden = [keyword for keyword in schema if keyword not in _SHOWN and not (root and keyword in _ROOT_ONLY)]
    return tuple(keyword for keyword in hidden if keyword != "items" or not isinstance(schema["items"], dict))
