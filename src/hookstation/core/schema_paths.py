"""Which names a JSON Schema declares: what a mapping may read without guessing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import unquote

from hookstation.core.jsontext import Parsed
from hookstation.core.nearest import nearest
from hookstation.core.schema import compile_schema
from hookstation.core.template import ALWAYS_HIDDEN, ANY, FACTS, Name, Path, path_text
from hookstation.core.values import JSON, PathPart
from hookstation.errors import Invalid

MOST_SCHEMAS: Final = 5_000
"""Subschemas that are looked at for one name; beyond that nothing is known, and nothing is said."""

MOST_PATTERNS: Final = 100

_BRANCHES: Final = ("allOf", "anyOf", "oneOf")
_CONDITIONS: Final = ("if", "then", "else")
_SPECIAL: Final = frozenset({"size", "first", "last"})


class Verdict(Enum):
    """What a schema says of a name."""

    DECLARED = "declared"
    UNDECLARED = "undeclared"
    ADDITIONAL = "additional"
    """Not declared, but the schema says explicitly that there may be more."""
    OPEN = "open"
    """The schema says nothing of what may be there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found. `nearest`: the whole path of the known name that was probably meant, where there is one."""

    verdict: Verdict
    nearest: str = ""


class _TooMuch(Exception):
    """The schema is larger than one name is worth."""


@dataclass(slots=True)
class _Step:
    """What one part of a path meets in all alternatives of a schema."""

    found: list[JSON]
    known: list[str]
    closed: bool = False
    additional: bool = False


def declared_facts(schema: JSON) -> frozenset[str]:
    """The facts of a call whose names `schema` declares under ``properties``, in any of its alternatives.

    Patterns do not count: what a payload merely may bring along must not take the place of what the station knows.
    """
    try:
        level = _Walker(schema).roots()
    except _TooMuch:
        return frozenset()
    named = [properties for one in level if isinstance(properties := one.get("properties"), dict)]
    return frozenset(name for name in FACTS if any(name in properties for properties in named))


def find(schema: JSON, path: Path) -> Finding:
    """What `schema` says of `path`. A part that is `ANY` stands for any element of an array."""
    walker = _Walker(schema)
    try:
        return walker.walk(path)
    except _TooMuch:
        return Finding(Verdict.OPEN)


class _Walker:
    def __init__(self, root: JSON) -> None:
        self.root = root
        self.left = MOST_SCHEMAS

    def walk(self, path: Path) -> Finding:
        """Follow the path part by part, in all alternatives at once."""
        level = self.roots()
        for depth, part in enumerate(path):
            step = self._step(level, part)
            if step.found:
                level = self._alternatives(step.found)
                continue
            if step.additional:
                return Finding(Verdict.ADDITIONAL, self._meant(path, depth, step.known))
            if step.closed or step.known:
                return Finding(Verdict.UNDECLARED, self._meant(path, depth, step.known))
            return Finding(Verdict.OPEN)
        return Finding(Verdict.DECLARED)

    def roots(self) -> list[dict[str, JSON]]:
        """All alternatives that the whole payload may be checked by."""
        return self._alternatives([self.root])

    @staticmethod
    def _meant(path: Path, depth: int, known: list[str]) -> str:
        name = nearest(str(path[depth]), known)
        return path_text((*path[:depth], name)) if name else ""

    def _alternatives(self, schemas: list[JSON]) -> list[dict[str, JSON]]:
        """The schemas and all that they refer to or combine; an empty one among them where anything goes."""
        found: list[dict[str, JSON]] = []
        seen: set[int] = set()
        waiting = list(schemas)
        while waiting:
            schema = waiting.pop()
            if schema is True:
                found.append({})
            if not isinstance(schema, dict) or id(schema) in seen:
                continue
            self.left -= 1
            if self.left < 0:
                raise _TooMuch
            seen.add(id(schema))
            found.append(schema)
            waiting.extend(self._related(schema))
        return found

    def _related(self, schema: dict[str, JSON]) -> Iterator[JSON]:
        for keyword in ("$ref", "$recursiveRef", "$dynamicRef"):
            if isinstance(reference := schema.get(keyword), str):
                yield self._resolve(reference)
        for keyword in _BRANCHES:
            if isinstance(branches := schema.get(keyword), list):
                yield from branches
        for keyword in _CONDITIONS:
            if isinstance(branch := schema.get(keyword), dict):
                yield branch
        for keyword in ("dependentSchemas", "dependencies"):
            if isinstance(dependent := schema.get(keyword), dict):
                yield from (one for one in dependent.values() if isinstance(one, dict))

    def _resolve(self, reference: str) -> JSON:
        """The schema that a local reference names; ``True`` where it cannot be followed."""
        place, _, pointer = reference.partition("#")
        if place or (pointer and not pointer.startswith("/")):
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

    def _step(self, level: list[dict[str, JSON]], part: PathPart) -> _Step:
        step = _Step([], [])
        impossible = True
        for schema in level:
            kinds = _kinds(schema)
            as_object = kinds is None or "object" in kinds
            as_array = isinstance(part, int) and (kinds is None or "array" in kinds)
            impossible = impossible and not (as_object or as_array)
            if as_object:
                self._member(schema, part, step)
            if as_array and isinstance(part, int):
                self._element(schema, part, step)
        # Every alternative combines with those that say what the value is: a text has no parts at all.
        step.closed = step.closed or impossible or _never(level, part)
        return step

    def _member(self, schema: dict[str, JSON], part: PathPart, step: _Step) -> None:
        properties = schema.get("properties")
        name = str(part)
        if isinstance(properties, dict):
            step.known.extend(properties)
            if part == ANY:
                step.found.append(True)
            elif name in properties:
                step.found.append(properties[name])
        patterns = schema.get("patternProperties")
        if isinstance(patterns, dict):
            step.found.extend(
                sub for pattern, sub in list(patterns.items())[:MOST_PATTERNS] if _fits(pattern, name)
            )
            step.closed = step.closed or bool(patterns)
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            more = schema.get(keyword)
            step.additional = step.additional or more is True or isinstance(more, dict)
            step.closed = step.closed or more is False

    @staticmethod
    def _element(schema: dict[str, JSON], part: int, step: _Step) -> None:
        items, first = schema.get("items"), schema.get("prefixItems")
        listed = first if isinstance(first, list) else items if isinstance(items, list) else []
        rest = schema.get("additionalItems") if isinstance(items, list) else items
        if part < 0:
            step.found.extend(listed)
        elif part < len(listed):
            step.found.append(listed[part])
            return
        if isinstance(rest, dict) or rest is True:
            step.found.append(rest)
        elif rest is False and not (part < 0 and listed):
            step.closed = True


def _kinds(schema: dict[str, JSON]) -> list[JSON] | None:
    kinds = schema.get("type")
    return kinds if isinstance(kinds, list) else [kinds] if isinstance(kinds, str) else None


def _never(level: list[dict[str, JSON]], part: PathPart) -> bool:
    """Whether some type is stated, and every stated type is one that cannot have the part."""
    stated = [kinds for schema in level if (kinds := _kinds(schema)) is not None]
    able = {"object", "array"} if isinstance(part, int) else {"object"}
    return bool(stated) and all(able.isdisjoint(str(kind) for kind in kinds) for kinds in stated)


def _fits(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern, by the linear engine that checks payloads."""
    try:
        return not compile_schema({"pattern": pattern}).violations(Parsed(name, name))
    except Invalid:
        return False


_EXTRA_NAMES: Final = ("received_at", "event_id", "webhook.name")


@dataclass(frozen=True, slots=True)
class NameProblem:
    """What is wrong with a name that a template reads. `warning`: it may be there at run time all the same."""

    message: str
    warning: bool = False


def check_name(schema: JSON, name: Name, hidden_headers: frozenset[str]) -> NameProblem | None:
    """What a person should be told about `name`, or ``None``.

    A name that the schema declares is the payload's, else that of a fact of the call.  `hidden_headers`: lower-case
    names of the headers that prove the sender.
    """
    head = name.path[0]
    if head in FACTS and head not in declared_facts(schema):
        return _check_extra(name.path, hidden_headers)
    finding = _find_liquid(schema, name) if name.liquid else find(schema, name.path)
    if finding.verdict in {Verdict.DECLARED, Verdict.OPEN}:
        return None
    meant = finding.nearest or (nearest(path_text(name.path), _EXTRA_NAMES) if len(name.path) <= 2 else "")
    hint = f" Did you mean “{meant}”?" if meant else ""
    if finding.verdict is Verdict.ADDITIONAL:
        return NameProblem(
            f"The schema does not declare “{path_text(name.path)}”; it only allows for more.{hint}", True
        )
    way_out = hint or " Declare it under “properties”, or allow more with additionalProperties."
    return NameProblem(f"The schema does not declare “{path_text(name.path)}”.{way_out}")


def _find_liquid(schema: JSON, name: Name) -> Finding:
    """As `find`, with Liquid's ``size``, ``first`` and ``last`` where the schema has no property of that name."""
    finding = find(schema, name.path)
    if finding.verdict is Verdict.DECLARED or _SPECIAL.isdisjoint(str(part) for part in name.path[1:]):
        return finding
    path: list[PathPart] = []
    for part in name.path:
        if path and part in _SPECIAL and find(schema, (*path, part)).verdict is not Verdict.DECLARED:
            if part == "size":
                break
            path.append(ANY)
        else:
            path.append(part)
    return find(schema, tuple(path))


def _check_extra(path: Path, hidden: frozenset[str]) -> NameProblem | None:
    text = path_text(path)
    if path[0] in {"received_at", "event_id"}:
        return None if len(path) == 1 else NameProblem(f"“{path[0]}” is a text; “{text}” reaches into it.")
    if path[0] == "webhook":
        return (
            None
            if path == ("webhook", "name")
            else NameProblem(f"“{text}” is not known; there is “webhook.name”.")
        )
    if len(path) != 2:
        return NameProblem(f'“{text}” is not one value: name one, such as {path[0]}["x-name"].')
    header = str(path[1]).lower()
    if path[0] == "headers" and (header in ALWAYS_HIDDEN or header in hidden):
        return NameProblem(f"The header “{path[1]}” proves who the sender is: no template may read it.")
    return None
