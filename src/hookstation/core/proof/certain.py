"""Whether every value that a schema allows fits a field: yes only where it is sure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from hookstation.core.coerce import LARGEST_INTEGER, MOST_DIGITS, NUL, SMALLEST_INTEGER, Coercer
from hookstation.core.proof.knowing import Known
from hookstation.core.records import FieldSpec, FieldType
from hookstation.core.template import MOST_OUTPUT
from hookstation.core.values import Number
from hookstation.errors import MappingFailed

LONGEST_TEXT: Final = MOST_OUTPUT // 4
"""Characters that surely have no more bytes than a field may have."""
LONGEST_FIGURE: Final = 4_400
"""Characters that no number of a payload has more of (`jsontext`): bounds are no help, ``1`` may be ``1.000…``."""

NO_NUL: Final = "^[^\\u0000]*$"
STRICT_DATE: Final = "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$"
STRICT_MOMENT: Final = (
    "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-5][0-9]"
    "(\\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
"""With the formats of the same name: dates that every target takes (no leap second, no year 0, no endless fraction)."""

FORMAT_LENGTHS: Final = {"date": 10, "uuid": 36, "ipv4": 15, "ipv6": 45}
_WITHOUT_NUL: Final = frozenset({"date", "date-time", "time", "uuid", "ipv4", "ipv6", "email", "uri"})
_PATTERNS_WITHOUT_NUL: Final = frozenset({NO_NUL, STRICT_DATE, STRICT_MOMENT, "^[0-9]+$"})


WHOLE_TEXT: Final = "^-?[0-9]{1,9}$"
TRUTH_TEXTS: Final = ("true", "false")
_FIGURE_TEXT: Final = re.compile(r"\^-\?\[0-9\]\{1,(\d+)\}(?:\(\\\.\[0-9\]\{1,(\d+)\}\)\?)?\$")


def figure_text(whole: int, decimals: int) -> str:
    """The pattern of a text that is a number of so many digits before the point and after it."""
    fraction = f"(\\.[0-9]{{1,{decimals}}})?" if decimals else ""
    return f"^-?[0-9]{{1,{whole}}}{fraction}$"


def surely_fits(known: Known, spec: FieldSpec, fit: Coercer) -> bool:
    """Whether each value that may be there fits the field `spec`; that it may be missing is not looked at."""
    if known.values is not None and not any(isinstance(one, int | Number) for one in _plain(known)):
        return all(_takes(fit, one) for one in known.values)
    return all(_slice(kind, known, spec) for kind in known.types)


def _plain(known: Known) -> list[object]:
    return [one for one in known.values or () if not isinstance(one, bool)]


def _takes(fit: Coercer, value: object) -> bool:
    try:
        fit(value)  # type: ignore[arg-type]  # a value of a schema is JSON
    except MappingFailed:
        return False
    return True


def _slice(kind: str, known: Known, spec: FieldSpec) -> bool:
    if kind == "null":
        return not spec.required
    return _SURE[spec.type](kind, known, spec)


def _string(kind: str, known: Known, spec: FieldSpec) -> bool:
    most = text_room(spec)
    if kind == "string":
        length = longest_text(known)
        long_enough = not spec.required or known.shortest > 0 or bool(known.formats & _WITHOUT_NUL)
        return length is not None and length <= most and long_enough and no_nul(known) and not spec.values
    if kind == "boolean":
        return most >= len("false") and (not spec.values or {"true", "false"} <= set(spec.values))
    return kind in ("integer", "number") and most >= LONGEST_FIGURE and not spec.values


def text_room(spec: FieldSpec) -> int:
    """Characters that the field surely takes."""
    return LONGEST_TEXT if spec.length is None or spec.length < 0 else min(spec.length, LONGEST_TEXT)


def longest_text(known: Known) -> int | None:
    """The most characters that a text may have there, ``None`` where nothing bounds it."""
    lengths = [FORMAT_LENGTHS[name] for name in known.formats if name in FORMAT_LENGTHS]
    if known.longest is not None:
        lengths.append(known.longest)
    if known.values is not None:
        lengths.append(max((len(one) for one in known.values if isinstance(one, str)), default=0))
    return min(lengths, default=None)


def no_nul(known: Known) -> bool:
    """Whether a text there surely has no U+0000, which no field takes."""
    if known.values is not None:
        return not any(isinstance(one, str) and NUL in one for one in known.values)
    return bool(known.formats & _WITHOUT_NUL or known.patterns & _PATTERNS_WITHOUT_NUL)


def _integer(kind: str, known: Known, _spec: FieldSpec) -> bool:
    if kind == "string":
        return WHOLE_TEXT in known.patterns
    return kind == "integer" and _between(known, SMALLEST_INTEGER, LARGEST_INTEGER)


def _between(known: Known, least: int, most: int) -> bool:
    return known.least is not None and known.most is not None and known.least >= least and known.most <= most


def _decimal(kind: str, known: Known, spec: FieldSpec) -> bool:
    if kind == "string":
        return any(_figures_fit(pattern, spec) for pattern in known.patterns)
    if kind not in ("integer", "number") or known.least is None or known.most is None:
        return False
    decimals = 0 if kind == "integer" else _decimals(known)
    if decimals is None:
        return False
    return _room_for(len(str(int(max(abs(known.least), abs(known.most))))), decimals, spec)


def _figures_fit(pattern: str, spec: FieldSpec) -> bool:
    found = _FIGURE_TEXT.fullmatch(pattern)
    return found is not None and _room_for(int(found[1]), int(found[2] or 0), spec)


def _room_for(digits: int, decimals: int, spec: FieldSpec) -> bool:
    most = spec.precision or MOST_DIGITS
    whole_most = most if spec.scale is None else most - spec.scale
    return (
        digits <= whole_most and digits + decimals <= most and (spec.scale is None or decimals <= spec.scale)
    )


def _decimals(known: Known) -> int | None:
    """Decimals that a number there may have, ``None`` where nothing bounds them."""
    places = [-int(str(step.as_tuple().exponent)) for step in known.multiples if step > 0]
    return max(0, min(places)) if places else None


def _boolean(kind: str, _known: Known, _spec: FieldSpec) -> bool:
    return kind == "boolean"


def _moment(kind: str, known: Known, _spec: FieldSpec) -> bool:
    strict = {("date", STRICT_DATE), ("date-time", STRICT_MOMENT)}
    return kind == "string" and any(name in known.formats and own in known.patterns for name, own in strict)


def _never(_kind: str, _known: Known, _spec: FieldSpec) -> bool:
    return False


_SURE: Final[Mapping[FieldType, Callable[[str, Known, FieldSpec], bool]]] = {
    FieldType.STRING: _string,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _moment,
    FieldType.DATETIME: _moment,
    FieldType.BINARY: _never,
}


def longest_piece(known: Known) -> int | None:
    """The most characters that a value may have inside text, ``None`` where nothing bounds it."""
    lengths: list[int | None] = [0]
    for kind in known.types:
        if kind == "string":
            lengths.append(longest_text(known))
        elif kind in ("object", "array"):
            lengths.append(None)
        else:
            lengths.append({"boolean": 5, "null": 0}.get(kind, LONGEST_FIGURE))
    return None if None in lengths else max(one for one in lengths if one is not None)


def digits_of(known: Known) -> int | None:
    """Characters of a whole number written without point and exponent, ``None`` where nothing bounds it."""
    if known.types - {"null"} != {"integer"} or known.least is None or known.most is None:
        return None
    return max(len(str(int(Decimal(one)))) for one in (known.least, known.most))
