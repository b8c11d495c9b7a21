"""Values that try a field: what an ordinary sender might send first, oddities last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hookstation.core.coerce import NUL
from hookstation.core.proof.certain import LONGEST_TEXT
from hookstation.core.proof.knowing import Known
from hookstation.core.proof.making import LONGEST, texts
from hookstation.core.records import FieldSpec, FieldType
from hookstation.core.template import MISSING, MOST_OUTPUT, Value
from hookstation.core.values import JSON, Number

MOST_VALUES: Final = 200
"""Values of a closed list that are tried."""


class Risk(StrEnum):
    """How a field can fail."""

    MISSING = "missing"
    NULL = "null"
    EMPTY = "empty"
    TOO_LONG = "too-long"
    NOT_AMONG = "not-among-values"
    WRONG_TYPE = "wrong-type"
    OUT_OF_RANGE = "out-of-range"
    NOT_A_DATE = "not-a-date"
    NULL_CHARACTER = "null-character"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Probe:
    """A value to put where a template reads. `rare`: only an odd sender sends such a thing."""

    value: Value
    rare: bool = False


def probes(known: Known, spec: FieldSpec, room: int) -> Iterator[Probe]:
    """What to try at a place of which `known` is known. `room`: the characters that are left to it in the field."""
    if known.may_miss:
        yield Probe(MISSING)
    for value in (known.values or ())[:MOST_VALUES]:
        yield Probe(value)
    if known.values is not None:
        return
    for kind, tries in (("null", (None,)), ("boolean", (True, False))):
        if kind in known.types:
            yield from map(Probe, tries)
    if "string" in known.types:
        yield from _texts(known, spec, room)
    if known.types & {"integer", "number"}:
        yield from _figures(known, room)
    if "array" in known.types:
        yield Probe([])
        yield from (Probe(["x" * length]) for length in (1, room + 1))
    if "object" in known.types:
        yield Probe({})
        yield Probe({"x": "x" * (room + 1)})
    yield from _oddities(known, spec)


def _texts(known: Known, spec: FieldSpec, room: int) -> Iterator[Probe]:
    yield from map(Probe, texts(known, known.shortest))
    yield Probe("")
    if spec.type is FieldType.STRING:
        for length in dict.fromkeys((room + 1, min(known.longest or room + 1, room + 60))):
            yield from map(Probe, texts(known, length))
        yield Probe("something else")
        return
    yield from (Probe(one, rare=True) for one in texts(known, 40))
    yield from map(Probe, ("soon", "2026-11-22", "1.5", "99999999999", "-1"))


def _figures(known: Known, room: int) -> Iterator[Probe]:
    bounds = [int(one) for one in (known.least, known.most) if one is not None]
    fixed = [0, 1, 2**31, 10 ** min(room, 40), 10**20, -(10**20)]
    for figure in (*bounds, *fixed):
        yield Probe(figure)
    if not known.whole:
        yield from map(Probe, map(Number, ("1.5", "0.001", "0.00001", "-0.5")))
        yield from (Probe(Number(f"{figure}.5")) for figure in bounds)


ODD_TEXTS: Final = ("0000-01-01", "0000-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "9999-12-31T23:59:59-14:00",
                    "2026-01-01T00:00:00.1234567890123Z", "0001-01-01T00:00:00+14:00")  # fmt: skip


def _oddities(known: Known, spec: FieldSpec) -> Iterator[Probe]:
    if "string" in known.types:
        shortest = next(texts(known, known.shortest), "x")
        yield Probe(NUL * max(1, min(known.shortest, LONGEST)), rare=True)
        yield Probe(shortest + NUL, rare=True)
        yield Probe(shortest[:-1] + NUL, rare=True)
        if spec.type is FieldType.STRING:
            for length in (MOST_OUTPUT + 1, LONGEST_TEXT + 1):
                yield from (Probe(one, rare=True) for one in texts(known, length))
            yield Probe("\U0001f600" * min(LONGEST_TEXT + 1, known.longest or LONGEST_TEXT + 1), rare=True)
        yield from (Probe(one, rare=True) for one in ODD_TEXTS)
    if known.types & {"integer", "number"}:
        written = next((int(one) for one in (known.least, known.most) if one is not None), 1)
        yield from (Probe(Number(f"{written}.{'0' * count}"), rare=True) for count in (1, 20, 300, 900))
        yield from (Probe(Number(text), rare=True) for text in ("1e300", "1e-300", "0e500", "0e9999"))
    if "array" in known.types:
        yield Probe(["x" * MOST_OUTPUT], rare=True)
    if "object" in known.types:
        yield Probe({"x": "x" * MOST_OUTPUT}, rare=True)


def risk_of(value: Value, spec: FieldSpec) -> Risk:
    """What is wrong with a value (a template's, not the payload's) that the field `spec` did not take."""
    if value is MISSING:
        return Risk.MISSING
    if value is None:
        return Risk.NULL
    if spec.type is FieldType.STRING:
        nul = isinstance(value, str) and NUL in value
        return Risk.NULL_CHARACTER if nul else _text_risk(value, spec)
    if spec.type in (FieldType.DATE, FieldType.DATETIME):
        return Risk.NOT_A_DATE if isinstance(value, str) else Risk.WRONG_TYPE
    numeric = isinstance(value, int | Number) and not isinstance(value, bool)
    return Risk.OUT_OF_RANGE if numeric and spec.type is not FieldType.BOOLEAN else Risk.WRONG_TYPE


def _text_risk(value: JSON, spec: FieldSpec) -> Risk:
    if value == "":
        return Risk.EMPTY if spec.required else Risk.NOT_AMONG
    shown = len(value) if isinstance(value, str) else len(str(value))
    if spec.values and (spec.length is None or shown <= spec.length):
        return Risk.NOT_AMONG
    return Risk.TOO_LONG
