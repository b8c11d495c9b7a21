"""Random payloads for a schema, ordinary and odd ones: an independent opinion on what a schema allows."""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import Final

from hookstation.core.jsontext import Parsed, plain_of
from hookstation.core.schema import CompiledSchema
from hookstation.core.values import JSON, Number

TEXTS: Final = (
    "", "x", "\0", "a\0b", "😀" * 3, "true", "FALSE", "1", "-1.50", "1e3", "99999999999", "2026-11-22", "0000-01-01",
    "2026-11-22T09:30:00Z", "2016-12-31T23:59:60Z", "2026-11-22T09:30:00.12345678901234567Z", "ana@example.org",
    "9999-12-31T23:59:59-14:00", "1000-01-01T00:00:00+23:59", "2999-12-31T23:59:59.999999999-23:59", "2999-12-31",
    "https://example.org/a", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "192.0.2.1", "pass", "fail", "other",
)  # fmt: skip
NUMBERS: Final = (
    "1.0",
    "-0",
    "1.50",
    "0.001",
    "1e2",
    "1e300",
    "1e-300",
    "12.000000000000000000000",
    "-99.99",
    "2e0",
)
LENGTHS: Final = (1, 2, 9, 10, 11, 20, 255, 256, 70_000)
TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")


def payloads(schema: JSON, compiled: CompiledSchema, seed: int, count: int) -> list[JSON]:
    """Up to `count` random payloads that fit, of ten times as many tries."""
    random = Random(seed)
    made = (_value(schema, random, 0) for _ in range(count * 10))
    return list(islice((one for one in made if _fits(compiled, one)), count))


def _fits(compiled: CompiledSchema, payload: JSON) -> bool:
    return isinstance(payload, dict | list) and compiled.fits(Parsed(payload, plain_of(payload)))


def _value(schema: JSON, random: Random, depth: int) -> JSON:
    if not isinstance(schema, dict):
        schema = {}
    branches = [
        one for key in ("allOf", "anyOf") if isinstance(listed := schema.get(key), list) for one in listed
    ]
    if branches and random.random() < 0.8:
        schema = {**schema, **branch} if isinstance(branch := random.choice(branches), dict) else schema
    if "const" in schema:
        return schema["const"]
    if isinstance(values := schema.get("enum"), list):
        return random.choice(values)
    stated = schema.get("type", [*TYPES])
    kinds = [str(one) for one in stated] if isinstance(stated, list) else [str(stated)]
    kind = random.choice(kinds)
    if kind == "object":
        return _object(schema, random, depth)
    if kind == "array":
        return _array(schema, random, depth)
    if kind == "string":
        return _text(schema, random)
    if kind in ("integer", "number"):
        return _number(schema, random)
    return random.random() < 0.5 if kind == "boolean" else None


def _object(schema: dict[str, JSON], random: Random, depth: int) -> JSON:
    properties, required = schema.get("properties"), schema.get("required")
    made: dict[str, JSON] = {}
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        needed = isinstance(required, list) and name in required
        if depth < 6 and (needed or random.random() < 0.7):
            made[name] = _value(inner, random, depth + 1)
    return made


def _array(schema: dict[str, JSON], random: Random, depth: int) -> JSON:
    least = schema.get("minItems", 0)
    count = (least if isinstance(least, int) else 0) + random.choice((0, 0, 1, 2))
    return [_value(schema.get("items", {}), random, depth + 1) for _ in range(count if depth < 6 else 0)]


def _text(schema: dict[str, JSON], random: Random) -> str:
    if str(schema.get("format", "")).startswith("date") and random.random() < 0.9:
        return random.choice([one for one in TEXTS if one[4:5] == "-"])
    if random.random() < 0.6:
        return random.choice(TEXTS)
    longest = schema.get("maxLength")
    length = longest if isinstance(longest, int) and random.random() < 0.5 else random.choice(LENGTHS)
    return random.choice("x0😀é-") * length


def _number(schema: dict[str, JSON], random: Random) -> JSON:
    bounds = [one for key in ("minimum", "maximum") if isinstance(one := schema.get(key), int)]
    if bounds and random.random() < 0.4:
        bound = random.choice(bounds)
        return random.choice((bound, Number(f"{bound}.000"), Number(f"{bound}e0")))
    if random.random() < 0.4:
        return Number(random.choice(NUMBERS))
    return random.choice((0, 1, -1, 7, 10420, 2**31 - 1, 2**31, -(2**31), 10**12, 10**40))
