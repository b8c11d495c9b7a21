"""Arithmetic that keeps digits: ``19.90 | minus: 0.10`` is 19.80, not 19.799999999999997 and not 19.8."""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from typing import Final

from hookstation.core.template.filters.common import FilterFailed, number, quantized, whole
from hookstation.core.template.liquid_values import Digits

MOST_DIGITS: Final = 100
"""Most digits of a result."""

DIVISION_DIGITS: Final = 28
"""Digits of a quotient that does not come out even, the last one rounded half up."""

MOST_DECIMALS: Final = 30

_EXACT: Final = Context(
    prec=MOST_DIGITS, Emax=400, Emin=-400, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero]
)
_DIVISION: Final = Context(
    prec=DIVISION_DIGITS, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero]
)


def result(value: Decimal, *, whole_number: bool = False) -> int | Digits:
    """A result as Liquid handles it: an integer, or a decimal that is written without an exponent."""
    if value and not -400 < value.adjusted() < 400:
        raise FilterFailed("the result is too large or too small")
    return int(value) if whole_number else Digits(format(value, "f"))


def _exactly(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[object, object], object]:
    def calculate(value: object, other: object) -> object:
        left, right = number(value), number(other)
        try:
            made = operation(Decimal(left), Decimal(right))
        except DivisionByZero:
            raise FilterFailed("division by zero") from None
        except DecimalException:
            raise FilterFailed(f"the result has more than {MOST_DIGITS} digits") from None
        return result(made, whole_number=isinstance(left, int) and isinstance(right, int))

    return calculate


plus: Final = _exactly(_EXACT.add)
minus: Final = _exactly(_EXACT.subtract)
times: Final = _exactly(_EXACT.multiply)


def divided_by(value: object, other: object) -> object:
    """The quotient; of two integers the whole part, rounded down."""
    left, right = number(value), number(other)
    if right == 0:
        raise FilterFailed("division by zero")
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    try:
        return result(_DIVISION.divide(Decimal(left), Decimal(right)))
    except DecimalException:
        raise FilterFailed("the quotient is too large or too small") from None


def modulo(value: object, other: object) -> object:
    """What is left of a division rounded down; it has the sign of the divisor."""
    left, right = number(value), number(other)
    if right == 0:
        raise FilterFailed("division by zero")
    if isinstance(left, int) and isinstance(right, int):
        return left % right
    try:
        rest = _EXACT.remainder(Decimal(left), Decimal(right))
        return result(_EXACT.add(rest, Decimal(right)) if rest and (rest < 0) != (right < 0) else rest)
    except DecimalException:
        raise FilterFailed(f"the quotient has more than {MOST_DIGITS} digits") from None


def round_(value: object, decimals: object = 0) -> object:
    """Rounded to so many decimals, half away from zero; to none: an integer."""
    places = whole(decimals)
    if not -MOST_DECIMALS <= places <= MOST_DECIMALS:
        raise FilterFailed(f"a number is rounded to at most {MOST_DECIMALS} decimals")
    return rounded(number(value), places, ROUND_HALF_UP)


def rounded(figure: int | Decimal, places: int, rounding: str) -> int | Digits:
    """`figure` rounded to `places` decimals in the given way."""
    return result(quantized(Decimal(figure), places, rounding), whole_number=places <= 0)


def _absolute(value: object) -> object:
    figure = number(value)
    if isinstance(figure, int):
        return abs(figure)
    return Digits(str(figure).removeprefix("-"))


NUMBER_FILTERS: Final[dict[str, Callable[..., object]]] = {
    "abs": _absolute,
    "at_least": lambda value, least: max(number(value), number(least)),
    "at_most": lambda value, most: min(number(value), number(most)),
    "ceil": lambda value: rounded(number(value), 0, ROUND_CEILING),
    "divided_by": divided_by,
    "floor": lambda value: rounded(number(value), 0, ROUND_FLOOR),
    "minus": minus,
    "modulo": modulo,
    "plus": plus,
    "round": round_,
    "times": times,
}
