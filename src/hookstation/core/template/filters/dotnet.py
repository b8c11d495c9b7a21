"""Formats as .NET writes them, in the invariant culture: ``yyyy-MM-dd``, ``d MMMM``, ``0.00``, ``#,##0.00``, ``N2``.

Source: the .NET documentation of standard and custom format strings for dates and for numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from hookstation.core.isotime import Moment
from hookstation.core.template.filters.common import FilterFailed, quantized
from hookstation.core.template.filters.names import DAYS, MONTHS, hour12, offset_text

_LITERAL: Final = r"'([^']*+)'|\"([^\"]*+)\"|\\(.)"
_MOMENT: Final = re.compile(rf"{_LITERAL}|([yMdHhmsfFtzK])\4*|%(?=[yMdHhmsfFtzK])", re.DOTALL)
_STANDARD_MOMENTS: Final = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "f": "dddd, dd MMMM yyyy HH:mm",
    "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "M": "MMMM dd",
    "m": "MMMM dd",
    "O": "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
    "o": "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "s": "yyyy-MM-dd'T'HH:mm:ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ss'Z'",
    "Y": "yyyy MMMM",
    "y": "yyyy MMMM",
}


def format_moment(moment: Moment, pattern: str) -> str:
    """A date or date-time in a .NET format."""

    def write(found: re.Match[str]) -> str:
        sign = found[4]
        if sign is None:
            return next((part for part in found.groups() if part is not None), "")
        run = found[0]
        if sign in "fF":
            if len(run) > 7:
                raise FilterFailed("a format may have at most seven f")
            digits = moment.fraction.ljust(len(run), "0")[: len(run)]
            return digits.rstrip("0") if sign == "F" else digits
        return _MOMENT_SIGNS[sign](moment.at, len(run))

    return _MOMENT.sub(write, _STANDARD_MOMENTS.get(pattern, pattern))


def _name(names: tuple[str, ...], index: int, width: int) -> str:
    return names[index] if width > 3 else names[index][:3]


def _padded(value: int, width: int) -> str:
    return str(value).rjust(min(width, 2), "0")


def _year(at: datetime, width: int) -> str:
    if width <= 2:
        return str(at.year % 100).rjust(width, "0")
    return str(at.year).rjust(min(width, 9), "0")


def _offset(at: datetime, width: int) -> str:
    whole = offset_text(at)
    if width >= 3:
        return whole
    hours = whole[:3]
    return hours if width == 2 else hours[0] + (hours[1:].lstrip("0") or "0")


def _kind(at: datetime, _width: int) -> str:
    if at.tzinfo is None:
        return ""
    return offset_text(at) if at.utcoffset() else "Z"


_MOMENT_SIGNS: Final[Mapping[str, Callable[[datetime, int], str]]] = {
    "y": _year,
    "M": lambda at, width: _padded(at.month, width) if width < 3 else _name(MONTHS, at.month - 1, width),
    "d": lambda at, width: _padded(at.day, width) if width < 3 else _name(DAYS, at.weekday(), width),
    "H": lambda at, width: _padded(at.hour, width),
    "h": lambda at, width: _padded(hour12(at), width),
    "m": lambda at, width: _padded(at.minute, width),
    "s": lambda at, width: _padded(at.second, width),
    "t": lambda at, width: ("AM" if at.hour < 12 else "PM")[: min(width, 2)],
    "z": _offset,
    "K": _kind,
}

_STANDARD_NUMBER: Final = re.compile(r"([NnFfDdPpGg])(\d{0,2})", re.ASCII)
_NUMBER_PART: Final = re.compile(rf"{_LITERAL}|[0#.,%]", re.DOTALL)


def format_number(value: Decimal, pattern: str) -> str:
    """A number in a .NET format, rounded half away from zero where the format has fewer decimals."""
    if standard := _STANDARD_NUMBER.fullmatch(pattern):
        return _standard(value, standard[1].upper(), standard[2])
    positive, *others = _sections(pattern)
    if value < 0 and others and others[0]:
        return _custom(-value, others[0])
    if value == 0 and len(others) > 1:
        return _custom(value, others[1])
    return _custom(value, positive)


def _standard(value: Decimal, kind: str, digits: str) -> str:
    if kind == "G":
        return format(value, "f")
    if kind == "D":
        if value != value.to_integral_value():
            raise FilterFailed("the format D takes whole numbers only")
        return ("-" if value < 0 else "") + str(abs(int(value))).rjust(int(digits or 0), "0")
    places = int(digits) if digits else 2
    if kind == "P":
        return _grouped(_rounded(value.scaleb(2), places)) + " %"
    rounded = _rounded(value, places)
    return _grouped(rounded) if kind == "N" else format(rounded, "f")


def _rounded(value: Decimal, places: int) -> Decimal:
    made = quantized(value, places)
    return abs(made) if made == 0 else made


def _grouped(value: Decimal) -> str:
    return format(value, ",f")


def _sections(pattern: str) -> list[str]:
    """The parts for positive, negative and zero; a semicolon in quotes does not divide."""
    sections = [""]
    for found in re.finditer(rf"{_LITERAL}|;|[^;'\"\\]++|.", pattern, re.DOTALL):
        if found[0] == ";":
            sections.append("")
        else:
            sections[-1] += found[0]
    return sections[:3]


def _custom(value: Decimal, pattern: str) -> str:
    marks = [found[0] for found in _NUMBER_PART.finditer(pattern) if found[0] in "0#.,%"]
    before, _, after = "".join(marks).replace("%", "").partition(".")
    after = after.replace(".", "").replace(",", "")
    rounded = _rounded(value.scaleb(2) if "%" in marks else value, len(after))
    whole, _, fraction = format(abs(rounded), "f").partition(".")
    shown = _whole(whole, before)
    least = after.rfind("0") + 1
    while len(fraction) > least and fraction.endswith("0"):
        fraction = fraction[:-1]
    return ("-" if rounded < 0 else "") + _put(pattern, shown, fraction)


def _whole(digits: str, marks: str) -> str:
    places = marks.replace(",", "")
    least = len(places) - places.find("0") if "0" in places else 0
    digits = digits.lstrip("0").rjust(least, "0")
    return (
        format(int(digits), f"0{len(digits) + (len(digits) - 1) // 3},d")
        if "," in marks and digits
        else digits
    )


def _put(pattern: str, whole: str, fraction: str) -> str:
    """The digits in place of the signs; text of the pattern stays where it stands."""
    put = {"whole": whole, "fraction": f".{fraction}" if fraction else ""}
    pointed = False

    def write(found: re.Match[str]) -> str:
        nonlocal pointed
        mark = found[0]
        if mark == "%":
            return mark
        if mark not in {"0", "#", ".", ","}:
            return next((part for part in found.groups() if part is not None), "")
        if mark == "." and not pointed:
            pointed = True
            return put.pop("whole", "") + put.pop("fraction", "")
        return "" if pointed else put.pop("whole", "") if mark in {"0", "#"} else ""

    return _NUMBER_PART.sub(write, pattern)
