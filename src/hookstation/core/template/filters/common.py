"""What all filters share: how they fail, and how they read what they are given."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Final

from hookstation.core.template.liquid_values import Digits, Items, liquid_text
from hookstation.core.values import Number, kind_of

LONGEST_TEXT: Final = 1024 * 1024
"""Most characters of a text that a filter makes."""

MOST_ITEMS: Final = 10_000
"""Most elements of an array that a filter makes."""

MOST_ROUNDED: Final = 800
"""Most digits of a number that is rounded or formatted."""

LONGEST_NUMBER: Final = 1_000
"""Most characters of a text that is read as a number."""

LONGEST_FORMAT: Final = 200
"""Most characters of a date or number format."""

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


class FilterFailed(Exception):
    """A filter cannot do it; the message says why, without the payload's text."""


def words_for(value: object) -> str:
    """The word for a value's kind that errors use."""
    if isinstance(value, Decimal):
        return kind_of(Number("0.0"))
    if isinstance(value, range):
        return "range"
    for kind, sample in ((list, []), (dict, {})):
        if isinstance(value, kind):
            return kind_of(sample)
    return kind_of(value)


def text(value: object) -> str:
    """The value as text."""
    return liquid_text(value)


def items(value: object) -> list[object]:
    """The value as an array: nothing is empty, anything else that is not an array its only element."""
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, range):
        bounded(len(value) if value.stop - value.start <= MOST_ITEMS else MOST_ITEMS + 1)
        return list(value)
    return [value]


def number(value: object) -> int | Decimal:
    """The value as a number; nothing is 0, as Liquid has it."""
    if value is None:
        return 0
    if isinstance(value, bool):
        raise FilterFailed("a number is expected, not a boolean")
    if isinstance(value, int | Decimal):
        return value
    if isinstance(value, str):
        return parsed(value)
    raise FilterFailed(f"a number is expected, not {words_for(value)}")


def is_number(written: str) -> bool:
    """Whether a text writes a number, all of it."""
    return len(written) <= LONGEST_NUMBER and _NUMBER.fullmatch(written.strip()) is not None


def parsed(written: str) -> int | Decimal:
    """The number that a text writes, all of it."""
    if is_number(written):
        trimmed = written.strip()
        try:
            return int(trimmed) if trimmed.lstrip("+-").isdigit() else Digits(trimmed)
        except InvalidOperation:
            pass
    raise FilterFailed("a number is expected, but the text is not one")


def quantized(figure: Decimal, places: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """`figure` with exactly `places` decimals."""
    context = Context(prec=MOST_ROUNDED, rounding=rounding, traps=[InvalidOperation])
    try:
        return figure.quantize(Decimal(1).scaleb(-places), context=context)
    except InvalidOperation:
        raise FilterFailed(f"the number has more than {MOST_ROUNDED} digits") from None


def whole(value: object) -> int:
    """The value as an integer of reasonable size."""
    figure = number(value)
    if not -1_000_000_000 <= figure <= 1_000_000_000 or figure != int(figure):
        raise FilterFailed("a whole number of at most 1,000,000,000 is expected")
    return int(figure)


def bounded(count: int) -> None:
    """Refuse to make an array of `count` elements where that is too many."""
    if count > MOST_ITEMS:
        raise FilterFailed(f"an array in a template may have at most {MOST_ITEMS:,} elements")


def fitting(length: int) -> None:
    """Refuse to make a text of `length` characters where that is too long."""
    if length > LONGEST_TEXT:
        raise FilterFailed(f"a text inside a template may have at most {LONGEST_TEXT:,} characters")


def property_of(value: object, name: object) -> object:
    """A property of an object, or nothing."""
    return value.get(text(name)) if isinstance(value, dict) else None


def array(values: list[object]) -> Items:
    """The elements as an array that knows its weight."""
    bounded(len(values))
    return Items(values)
