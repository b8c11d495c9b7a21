"""Payloads made from a schema: a whole one, and one with a chosen value at a chosen place.

What is made is likely to fit; whoever needs it to has it checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from hookstation.core.proof.knowing import ALL_TYPES, Knowledge, Known, Level
from hookstation.core.proof.patterns import matching
from hookstation.core.template import MISSING, Path, Value
from hookstation.core.values import JSON, Number

DEEPEST: Final = 24
"""Levels up to which a payload is made; a schema that refers to itself ends there."""
MOST_ELEMENTS: Final = 50
MOST_MEMBERS: Final = 3_000
LONGEST: Final = 100_000
"""Characters of a text that is made; a schema that asks for more gets none that fits."""

FORMATS: Final = {
    "date-time": "2026-11-22T09:30:00Z",
    "date": "2026-11-22",
    "time": "09:30:00Z",
    "email": "ana@example.org",
    "idn-email": "ana@example.org",
    "uri": "https://example.org/a",
    "uri-reference": "https://example.org/a",
    "iri": "https://example.org/a",
    "uuid": "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.org",
    "duration": "P1D",
}
_ORDER: Final = ("object", "array", "string", "integer", "number", "boolean", "null")


class Maker:
    """Makes payloads. `full`: with every declared property, else with the required ones only."""

    def __init__(self, knowledge: Knowledge, *, full: bool) -> None:
        self._knowledge, self._full = knowledge, full
        self._left = MOST_MEMBERS

    def payload(self) -> JSON:
        """A whole payload."""
        self._left = MOST_MEMBERS
        return self._make([self._knowledge.root], 0)

    def at(self, path: Path) -> JSON:
        """A value for the place at `path`."""
        self._left = MOST_MEMBERS
        return self._make(self._knowledge.level(path, choose=True)[0], len(path))

    def _make(self, level: Level, depth: int) -> JSON:
        schemas = self._knowledge.expand(level, choose=True)
        known = self._knowledge.known(schemas)
        if known.values:
            return next((one for one in known.values if one is not None), None)
        kind = _kind(schemas, known.types)
        if kind == "object":
            return self._object(schemas, depth)
        if kind == "array":
            return self._array(schemas, depth)
        return next(_shown(schemas, kind), _scalar(kind, known))

    def _object(self, schemas: list[dict[str, JSON]], depth: int) -> JSON:
        inner: dict[str, list[JSON]] = {}
        for schema in schemas:
            required, properties = schema.get("required"), schema.get("properties")
            for name in required if isinstance(required, list) else []:
                inner.setdefault(str(name), [])
            for name in properties if isinstance(properties, dict) else ():
                if name in inner or (self._full and depth < DEEPEST):
                    inner.setdefault(name, [])
        for name, level in inner.items():
            for schema in schemas:
                if isinstance(properties := schema.get("properties"), dict) and name in properties:
                    level.append(properties[name])
        made: dict[str, JSON] = {}
        for name, level in inner.items():
            self._left -= 1
            if self._left > 0 and depth <= DEEPEST and False not in level:
                made[name] = self._make(level, depth + 1)
        return made

    def _array(self, schemas: list[dict[str, JSON]], depth: int) -> JSON:
        least = [count for schema in schemas if isinstance(count := schema.get("minItems"), int)]
        first = [one for schema in schemas if isinstance(one := schema.get("prefixItems"), list)]
        count = max([*least, *map(len, first), 1 if self._full and depth < DEEPEST else 0])
        made: list[JSON] = []
        for number in range(min(count, MOST_ELEMENTS)):
            level = [listed[number] for listed in first if number < len(listed)]
            level += [schema.get("items", True) for schema in schemas if "prefixItems" not in schema]
            self._left -= 1
            if self._left > 0 and depth <= DEEPEST:
                made.append(self._make(level, depth + 1))
        return made


def _kind(schemas: list[dict[str, JSON]], types: frozenset[str]) -> str:
    if types >= ALL_TYPES:
        for kind, words in (("object", ("properties", "required")), ("array", ("items", "prefixItems"))):
            if any(word in schema for schema in schemas for word in words):
                return kind
        return "string"
    return next((kind for kind in _ORDER if kind in types), "null")


def _shown(schemas: Iterable[dict[str, JSON]], kind: str) -> Iterator[JSON]:
    """The values that the schema itself gives as examples."""
    wanted = {"string": (str,), "boolean": (bool,), "null": ()}.get(kind, (int, Number))
    for schema in schemas:
        listed = schema.get("examples")
        for one in [*(listed if isinstance(listed, list) else []), schema.get("default")]:
            if type(one) in wanted:
                yield one


def _scalar(kind: str, known: Known) -> JSON:
    if kind == "string":
        return next(texts(known, known.shortest), "x")
    if kind in ("integer", "number"):
        return _figure(known)
    return True if kind == "boolean" else None


def texts(known: Known, length: int) -> Iterator[str]:
    """Texts of about `length` characters that may fit what is known of the place, the likeliest first."""
    length = min(length, LONGEST)
    for pattern in sorted(known.patterns):
        for one in (matching(pattern, length), matching(pattern)):
            if one is not None:
                yield one
    for name in sorted(known.formats):
        yield from _formatted(name, length)
    if not known.patterns and not known.formats:
        yield "x" * max(length, 1 if known.longest != 0 else 0)


def _formatted(name: str, length: int) -> Iterator[str]:
    plain = FORMATS.get(name, "x")
    room = max(0, length - len(plain))
    yield (
        {
            "date-time": f"2026-11-22T09:30:00.{'1' * max(1, room - 1)}Z",
            "time": f"09:30:00.{'1' * max(1, room - 1)}Z",
            "email": f"{'a' * min(60, room)}na@example.org",
        }.get(name, plain + "a" * room)
        if room
        else plain
    )
    if name == "email" and room:
        yield f"ana@{'a' * min(60, room)}.{'b' * 60}.{'c' * 60}.example.org"
    yield plain


def _figure(known: Known) -> JSON:
    for value in (known.least, known.most):
        if value is not None:
            whole = int(value)
            return whole + 1 if value != whole or value == known.least else whole
    step = min(known.multiples, default=None)
    return 1 if step is None or step == step.to_integral_value() else Number(str(step))


def with_value(payload: JSON, path: Path, value: Value, maker: Maker) -> JSON:
    """A copy of `payload` with `value` at `path` (`MISSING`: without it); holders that are not there are made."""
    return _placed(payload, path, 0, value, maker)


def _placed(holder: JSON, path: Path, depth: int, value: Value, maker: Maker) -> JSON:
    part, last = path[depth], depth == len(path) - 1
    if isinstance(holder, list) and isinstance(part, int):
        return _placed_in_list(holder, path, depth, value, maker)
    inner: dict[str, JSON] = dict(holder) if isinstance(holder, dict) else {}
    name = str(part)
    if last:
        inner.pop(name, None)
        if value is not MISSING:
            inner[name] = value
    else:
        before = inner[name] if name in inner else maker.at(path[: depth + 1])
        inner[name] = _placed(before, path, depth + 1, value, maker)
    return inner


def _placed_in_list(holder: list[JSON], path: Path, depth: int, value: Value, maker: Maker) -> JSON:
    part, last = path[depth], depth == len(path) - 1
    assert isinstance(part, int)
    position = max(part, 0)
    inner = list(holder)
    while len(inner) <= position:
        inner.append(maker.at((*path[:depth], position)))
    if not last:
        inner[position] = _placed(inner[position], path, depth + 1, value, maker)
    elif value is MISSING:
        del inner[position:]
    else:
        inner[position] = value
    return inner
