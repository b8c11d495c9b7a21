"""Which changes would keep a field from failing in one of its ways."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hookstation.core.activity import TRANSACTION_DATE
from hookstation.core.coerce import LARGEST_INTEGER, SMALLEST_INTEGER
from hookstation.core.proof.certain import (
    FORMAT_LENGTHS,
    NO_NUL,
    STRICT_DATE,
    STRICT_MOMENT,
    TRUTH_TEXTS,
    WHOLE_TEXT,
    figure_text,
    no_nul,
    text_room,
)
from hookstation.core.proof.changes import Change, Demand, NewTemplate
from hookstation.core.proof.knowing import Known
from hookstation.core.proof.probes import Risk
from hookstation.core.records import FieldSpec, FieldType
from hookstation.core.template import Path, path_text
from hookstation.core.values import JSON, Number

LARGEST_DECIMAL: Final = 15
"""Digits before the point that are asked of a decimal whose field names no precision."""
DECIMALS: Final = 6
LIQUID_ROOM: Final = 1_000
"""Characters that are asked at most of what a Liquid template reads: what it makes of them is not followed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One field as it is filled. `known`: what is known of each path that its template reads.

    `lone`: the template is exactly one property.  `fixed`: characters of its own text.  `party`: it holds the
    person's id.  `liquid`: what becomes of its properties is not followed.
    """

    part: str
    written: str
    spec: FieldSpec
    known: Mapping[Path, Known]
    lone: bool
    fixed: int = 0
    party: bool = False
    liquid: bool = False

    def room(self) -> int:
        """Characters that each property may have in the field."""
        if self.liquid:
            return LIQUID_ROOM
        left = text_room(self.spec) - self.fixed
        return max(1, left // max(1, len(self.known)))


def remedies(case: Case, risk: Risk) -> Iterator[Change]:
    """Changes that may help against `risk`, the best first; whoever offers one tries it before."""
    if case.known and risk is Risk.MISSING:
        names = ", ".join(map(path_text, case.known))
        demands = tuple(Demand(path, {}, present=True) for path in case.known)
        yield Change(f"Require {names} in the schema", demands)
    elif case.known:
        demands = tuple(_demand(case, risk, path, known) for path, known in case.known.items())
        needed = tuple(one for one in demands if one.keywords)
        if needed:
            yield Change(_said(needed), needed)
        if risk is Risk.TOO_LONG and case.lone and (whole := _digits_only(case)) is not None:
            yield Change("Write the number without decimals", needed, (whole,))
    if risk in (Risk.MISSING, Risk.NULL, Risk.EMPTY) and (template := _default(case)) is not None:
        yield Change(f"Use a default: {template.template}", (), (template,))


def certainty(case: Case) -> Change | None:
    """One change that should make the field certain; ``None`` where it reads nothing."""
    if not case.known:
        return None
    demands = []
    for path, known in case.known.items():
        keywords = dict(_all(case, known))
        needed = case.lone and case.spec.required and case.spec.name != TRANSACTION_DATE
        demands.append(Demand(path, keywords, present=needed))
    whole = _digits_only(case) if case.lone else None
    return Change("Make this field certain", tuple(demands), () if whole is None else (whole,))


def _demand(case: Case, risk: Risk, path: Path, known: Known) -> Demand:
    if risk is Risk.NULL:
        return Demand(path, {"type": _types(known.types - {"null"})} if "null" in known.types else {})
    if risk is Risk.EMPTY:
        return Demand(path, {"minLength": 1} if "string" in known.types else {})
    if risk is Risk.NULL_CHARACTER:
        return Demand(path, {"pattern": NO_NUL} if "string" in known.types and not no_nul(known) else {})
    return Demand(path, dict(_all(case, known)))


def _types(types: frozenset[str]) -> JSON:
    listed: list[JSON] = [*sorted(types)]
    return listed[0] if len(listed) == 1 else listed


def _all(case: Case, known: Known) -> Iterator[tuple[str, JSON]]:
    """Every keyword that the field needs of one property."""
    spec = case.spec
    if case.liquid:
        if "string" in known.types:
            yield "maxLength", LIQUID_ROOM
            yield "pattern", NO_NUL
        return
    null = {"null"} & known.types if not (spec.required and case.lone) and case.part == "fields" else set()
    if spec.type is FieldType.STRING:
        yield from _text_keywords(case, known, frozenset(null))
    elif spec.type in (FieldType.DATE, FieldType.DATETIME):
        plain = "date" in known.formats or (spec.type is FieldType.DATE and "date-time" not in known.formats)
        yield "type", _types(frozenset({"string", *null}))
        yield "format", "date" if plain else "date-time"
        yield "pattern", STRICT_DATE if plain else STRICT_MOMENT
    elif known.types - {"null"} == {"string"}:
        yield from _figures_as_text(spec, frozenset(null))
    elif spec.type is FieldType.INTEGER:
        yield "type", _types(frozenset({"integer", *null}))
        yield "minimum", SMALLEST_INTEGER
        yield "maximum", LARGEST_INTEGER
    elif spec.type is FieldType.DECIMAL:
        yield from _figure_keywords(spec, known, frozenset(null))
    elif spec.type is FieldType.BOOLEAN:
        yield "type", _types(frozenset({"boolean", *null}))


def _figures_as_text(spec: FieldSpec, null: frozenset[str]) -> Iterator[tuple[str, JSON]]:
    """A sender that writes numbers and truth values as text goes on doing so."""
    yield "type", _types(frozenset({"string"}) | null)
    if spec.type is FieldType.BOOLEAN:
        yield "enum", [*TRUTH_TEXTS, *([None] if null else [])]
    elif spec.type is FieldType.INTEGER:
        yield "pattern", WHOLE_TEXT
    elif spec.type is FieldType.DECIMAL:
        yield "pattern", figure_text(*_digits(spec))


def _digits(spec: FieldSpec) -> tuple[int, int]:
    """Digits before and after the point that are asked of a decimal."""
    decimals = DECIMALS if spec.scale is None else spec.scale
    whole = (spec.precision or LARGEST_DECIMAL + decimals) - decimals
    return max(1, min(whole, LARGEST_DECIMAL)), decimals


def _text_keywords(case: Case, known: Known, null: frozenset[str]) -> Iterator[tuple[str, JSON]]:
    room = case.room()
    if "string" not in known.types and "integer" in known.types and not case.spec.values:
        digits = min(room, LARGEST_DECIMAL)
        yield "type", _types(frozenset({"integer"}) | null)
        yield "minimum", -(10 ** (digits - 1)) + 1
        yield "maximum", 10**digits - 1
        return
    kept = (known.types & {"boolean"}) if room >= 5 and not case.spec.values else frozenset()
    yield "type", _types(frozenset({"string"}) | kept | null)
    if case.spec.values and case.lone:
        yield "enum", [*case.spec.values, *([None] if null else [])]
        return
    if not any(FORMAT_LENGTHS.get(name, room + 1) <= room for name in known.formats):
        yield "maxLength", room
    if case.spec.required and case.lone:
        yield "minLength", 1
    if not no_nul(known):
        yield "pattern", NO_NUL


def _figure_keywords(spec: FieldSpec, known: Known, null: frozenset[str]) -> Iterator[tuple[str, JSON]]:
    digits, decimals = _digits(spec)
    yield (
        "type",
        _types(frozenset({"integer" if known.whole and "integer" in known.types else "number"}) | null),
    )
    yield "minimum", -(10**digits) + 1
    yield "maximum", 10**digits - 1
    if not known.whole or "integer" not in known.types:
        yield "multipleOf", Number("0." + "0" * (decimals - 1) + "1") if decimals else 1


def _said(demands: tuple[Demand, ...]) -> str:
    pieces = []
    for demand in demands:
        words = [_words(name, value) for name, value in demand.keywords.items()]
        pieces.append(f"{path_text(demand.path)} ({', '.join(words)})")
    return "Require of every call: " + "; ".join(pieces)


def _words(keyword: str, value: JSON) -> str:
    if keyword == "pattern":
        return (
            "without the invisible character U+0000"
            if value == NO_NUL
            else "in the form that the field takes"
        )
    several = value if isinstance(value, list) else [value]
    names = ["null" if one is None else str(one) for one in several]
    if keyword == "type":
        names = [_TYPES[one] for one in names]
    return _WORDS[keyword].format(" or ".join(names))


_TYPES: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "yes or no",
    "null": "null",
    "object": "an object",
    "array": "a list",
}
_WORDS: Final = {
    "type": "{}",
    "minLength": "at least {} character",
    "maxLength": "at most {} characters",
    "minimum": "from {}",
    "maximum": "to {}",
    "multipleOf": "in steps of {}",
    "format": "format {}",
    "enum": "only {}",
}


def _digits_only(case: Case) -> NewTemplate | None:
    """The template that writes a whole number's digits alone, for a text field that gets a number."""
    (path, known), *others = case.known.items()
    number = known.types & {"integer", "number"} and not known.types & {"string", "object", "array"}
    if others or case.spec.type is not FieldType.STRING or not number or "null" in known.types:
        return None
    return NewTemplate(case.part, case.written, f"{{{{ {path_text(path)} | floor }}}}")


def _default(case: Case) -> NewTemplate | None:
    """A template with a default, for a text field that is not the person's id: of those nobody may be invented."""
    if not case.lone or case.party or case.part != "fields" or case.spec.type is not FieldType.STRING:
        return None
    if len(case.known) != 1:  # a fact of the call: what it lacks no schema can ask for
        return None
    (path,) = case.known
    value = case.spec.values[0] if case.spec.values else "unknown"[: case.spec.length or None]
    if "'" in value or "}" in value:
        return None
    return NewTemplate(case.part, case.written, f"{{{{ {path_text(path)} | default: '{value}' }}}}")


DEFAULTED: Final = re.compile(r"\{\{ ([^|{}]+) \| default: '([^']*)' \}\}")
FLOORED: Final = re.compile(r"\{\{ ([^|{}]+) \| floor \}\}")
"""The templates that the changes write, so that a proof understands them."""
