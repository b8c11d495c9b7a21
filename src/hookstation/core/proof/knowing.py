"""What a schema surely says of the value at one place: never more than it says, so that proofs may rest on it.

Keywords that are not understood here are passed over: then less is known, and nothing false.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final
from urllib.parse import unquote

from jsonschema_rs import Draft4Validator, Draft6Validator, Draft7Validator

from hookstation.core.draft.seen import json_type
from hookstation.core.schema import draft_of
from hookstation.core.schema_inspect import FORMATS
from hookstation.core.template import Path
from hookstation.core.values import JSON, Number

ALL_TYPES: Final = frozenset({"object", "array", "string", "number", "boolean", "null"})
"""Every type; *integer* is a *number* that is whole."""
MOST_SCHEMAS: Final = 300
"""Subschemas that are looked at for one place."""

MOST_BRANCHES: Final = 1_000
"""Alternatives that are looked into for one place; beyond that any type is possible."""

Level = Sequence[JSON]
"""Schemas that all hold for one value."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is sure of one value, where it is there.

    `may_miss`: it may be missing.  `types`: no other type can occur; with ``number`` any number may, with ``integer``
    alone whole ones only (which may be written ``1.0``).  Lengths in characters.  `values`: no other value can occur.
    """

    may_miss: bool = True
    types: frozenset[str] = ALL_TYPES
    shortest: int = 0
    longest: int | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    multiples: frozenset[Decimal] = frozenset()
    formats: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    values: tuple[JSON, ...] | None = None

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole."""
        return "number" not in self.types


class Knowledge:
    """Reads one schema."""

    def __init__(self, schema: JSON) -> None:
        self.root = schema
        self._left = MOST_BRANCHES
        draft = draft_of(schema)
        self._alone = draft in (Draft4Validator, Draft6Validator, Draft7Validator)
        self._formats = FORMATS[draft] if draft is not None else frozenset()
        self._follows = not _renamed_inside(schema)

    def at(self, path: Path) -> Known:
        """What is known of the value at `path`; a negative position is any element."""
        level, may_miss = self.level(path)
        return replace(self.known(level), may_miss=may_miss)

    def level(self, path: Path, *, choose: bool = False) -> tuple[list[JSON], bool]:
        """The schemas for the value at `path`, and whether it may be missing. `choose`: also follow first choices."""
        level, may_miss = self.expand([self.root], choose=choose), False
        for part in path:
            self._left = MOST_BRANCHES
            inner, there = self._step(level, part)
            may_miss = may_miss or not there
            level = self.expand(inner, choose=choose)
        return list(level), may_miss

    def expand(self, level: Level, *, choose: bool = False) -> list[dict[str, JSON]]:
        """The schemas and all that they refer to or combine; with `choose` the first of alternatives too."""
        found: list[dict[str, JSON]] = []
        waiting = list(level)
        while waiting and len(found) < MOST_SCHEMAS:
            schema = waiting.pop(0)
            if not isinstance(schema, dict) or any(schema is one for one in found):
                continue
            reference = schema.get("$ref")
            if isinstance(reference, str):
                waiting.append(self._resolve(reference))
                if self._alone:  # up to draft 7 a reference puts everything beside it out of force
                    continue
            found.append(schema)
            waiting.extend(_list_at(schema, "allOf"))
            if choose:
                waiting.extend(branch for key in ("anyOf", "oneOf") for branch in _list_at(schema, key)[:1])
        return found

    def _resolve(self, reference: str) -> JSON:
        place, _, pointer = reference.partition("#")
        if place or not self._follows or (pointer and not pointer.startswith("/")):
            return True
        node: JSON = self.root
        for raw in unquote(pointer).split("/")[1:]:
            part = raw.replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and part in node:
                node = node[part]
            elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
                node = node[int(part)]
            else:
                return True
        return node

    def _step(self, level: list[dict[str, JSON]], part: str | int) -> tuple[list[JSON], bool]:
        types = self.types(level)
        if types == {"array"} and isinstance(part, int):
            return self._element(level, part)
        if types == {"object"}:
            return self._member(level, str(part))
        # Of which kind the holder is decides what is inside; where it may be several, only names are certain.
        return ([], False) if isinstance(part, int) else (self._member(level, part)[0], False)

    @staticmethod
    def _member(level: list[dict[str, JSON]], name: str) -> tuple[list[JSON], bool]:
        inner = [
            properties[name]
            for schema in level
            if isinstance(properties := schema.get("properties"), dict) and name in properties
        ]
        return inner, any(name in _list_at(schema, "required") for schema in level)

    @staticmethod
    def _element(level: list[dict[str, JSON]], part: int) -> tuple[list[JSON], bool]:
        inner: list[JSON] = []
        for schema in level:
            first = _list_at(schema, "prefixItems") or _list_at(schema, "items")
            if 0 <= part < len(first):
                inner.append(first[part])
            elif not first and isinstance(schema.get("items"), dict):
                inner.append(schema["items"])
        least = [found for schema in level if (found := _figure(schema, "minItems")) is not None]
        return inner, part >= 0 and any(part < figure for figure in least)

    def types(self, level: Level, depth: int = 0) -> frozenset[str]:
        """The types that a value may have, alternatives looked into."""
        self._left -= 1
        types = ALL_TYPES | {"integer"}
        if self._left <= 0:
            return ALL_TYPES
        for schema in self.expand(level):
            types &= _stated(schema)
            for key in ("anyOf", "oneOf"):
                branches = _list_at(schema, key)
                if branches and depth < 4:
                    types &= frozenset().union(*(self._branch(one, depth) for one in branches))
        return types - {"integer"} if "number" in types else types

    def _branch(self, branch: JSON, depth: int) -> frozenset[str]:
        types = frozenset() if branch is False else self.types([branch], depth + 1)
        return types | {"integer"} if "number" in types else types

    def known(self, level: Level) -> Known:
        """What all the schemas of a level say together."""
        self._left = MOST_BRANCHES
        schemas = self.expand(level)
        lists = [listed for schema in schemas if (listed := _values(schema)) is not None]
        return Known(
            types=self.types(level),
            shortest=int(max(_figures(schemas, "minLength"), default=Decimal(0))),
            longest=_whole(min(_figures(schemas, "maxLength"), default=None)),
            least=max(_figures(schemas, "minimum", "exclusiveMinimum"), default=None),
            most=min(_figures(schemas, "maximum", "exclusiveMaximum"), default=None),
            multiples=frozenset(_figures(schemas, "multipleOf")),
            formats=frozenset(_texts(schemas, "format")) & self._formats,
            patterns=frozenset(_texts(schemas, "pattern")),
            values=min(lists, key=len, default=None),
        )


def _renamed_inside(schema: JSON) -> bool:
    """Whether a subschema has an identifier of its own, so that references inside it start somewhere else."""
    stack = [*schema.values()] if isinstance(schema, dict) else []
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if isinstance(node.get("$id", node.get("id")), str):
                return True
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return False


def _list_at(schema: dict[str, JSON], keyword: str) -> list[JSON]:
    value = schema.get(keyword)
    return value if isinstance(value, list) else []


def _stated(schema: dict[str, JSON]) -> frozenset[str]:
    stated = schema.get("type")
    everything = ALL_TYPES | {"integer"}
    types = frozenset(map(str, stated if isinstance(stated, list) else [stated])) if stated else everything
    if "number" in types:
        types |= {"integer"}
    listed = _values(schema)
    if listed is None:
        return types
    return types & frozenset().union(*(_number_too(json_type(one)) for one in listed))


def _number_too(kind: str) -> frozenset[str]:
    return frozenset({"number", "integer"} if kind == "number" else {kind})


def _values(schema: dict[str, JSON]) -> tuple[JSON, ...] | None:
    if "const" in schema:
        return (schema["const"],)
    listed = schema.get("enum")
    return tuple(listed) if isinstance(listed, list) else None


def _figure(schema: dict[str, JSON], keyword: str) -> Decimal | None:
    value = schema.get(keyword)
    if isinstance(value, Number):
        return value.decimal
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _figures(schemas: Iterable[dict[str, JSON]], *keywords: str) -> list[Decimal]:
    return [
        found for schema in schemas for keyword in keywords if (found := _figure(schema, keyword)) is not None
    ]


def _texts(schemas: Iterable[dict[str, JSON]], keyword: str) -> list[str]:
    return [found for schema in schemas if isinstance(found := schema.get(keyword), str)]


def _whole(figure: Decimal | None) -> int | None:
    return None if figure is None else int(figure)
