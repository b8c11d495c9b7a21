"""A condition's terms as functions of a payload. They are total: whatever the payload is, they say true or false.

A property that is not there, an object and an array are equal to nothing, and values of two kinds are neither equal
nor in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException
from operator import ge, gt, le, lt
from typing import Any, Final, TypeAlias, assert_never

from hookstation.core.condition.terms import (
    AllOf,
    Among,
    AnyOf,
    Compare,
    Exists,
    Not,
    Operand,
    Operator,
    Property,
    Search,
    Term,
    Where,
)
from hookstation.core.template.paths import Path
from hookstation.core.template.scope import MISSING, Value, element
from hookstation.core.values import JSON, Number

Facts: TypeAlias = Mapping[str, JSON]
Test: TypeAlias = Callable[[JSON, Facts], bool]
Read: TypeAlias = Callable[[JSON, Facts], Value]
Worth: TypeAlias = tuple[str, str | bool | int | Decimal | None]
"""A value's kind and what it is worth: two values are equal where both are."""

MOST_ELEMENTS: Final = 10_000
"""An array with more elements contains nothing. No payload that the station takes has as many."""

LONGEST_PART: Final = 10_000
"""Characters of a text that is looked for in another one; a longer one is in none. Literals are never as long."""

_ORDERED: Final = frozenset({"text", "number"})
_ORDERS: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    Operator.LESS: lt, Operator.AT_MOST: le, Operator.GREATER: gt, Operator.AT_LEAST: ge
}  # fmt: skip


def test_of(term: Term) -> Test:
    """The term as a function of a payload and of facts; a path that begins with a fact's name means the fact."""
    match term:
        case AllOf(terms):
            return _all_of([test_of(one) for one in terms])
        case AnyOf(terms):
            return _any_of([test_of(one) for one in terms])
        case Not(inner):
            return _negated(test_of(inner))
        case Compare(left, operator, right):
            return _compare(_reader(left), operator, _reader(right))
        case Among(value, options):
            return _among(_reader(value), frozenset(map(worth_of, options)) - {None})
        case Exists(which):
            return _exists(_reader(which))
        case Search(where, whole, part):
            return _search(where, _reader(whole), _reader(part))
    assert_never(term)


def _all_of(tests: list[Test]) -> Test:
    return lambda payload, facts: all(test(payload, facts) for test in tests)


def _any_of(tests: list[Test]) -> Test:
    return lambda payload, facts: any(test(payload, facts) for test in tests)


def _negated(test: Test) -> Test:
    return lambda payload, facts: not test(payload, facts)


def _exists(read: Read) -> Test:
    return lambda payload, facts: read(payload, facts) is not MISSING


def _compare(left: Read, operator: Operator, right: Read) -> Test:
    if operator is Operator.EQUAL:
        return lambda payload, facts: _equal(left(payload, facts), right(payload, facts))
    if operator is Operator.UNEQUAL:
        return lambda payload, facts: not _equal(left(payload, facts), right(payload, facts))
    order = _ORDERS[operator]

    def test(payload: JSON, facts: Facts) -> bool:
        one, other = worth_of(left(payload, facts)), worth_of(right(payload, facts))
        if one is None or other is None or one[0] != other[0] or one[0] not in _ORDERED:
            return False
        return order(one[1], other[1])  # both are texts, or both numbers

    return test


def _equal(one: Value, other: Value) -> bool:
    worth = worth_of(one)
    return worth is not None and worth == worth_of(other)


def worth_of(value: Value) -> Worth | None:
    """The kind and worth of a value; ``None`` where nothing is equal to it."""
    if isinstance(value, str):
        return "text", value
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, int):
        return "number", value
    if value is None:
        return "null", None
    return _number(value) if isinstance(value, Number) else None


def _number(number: Number) -> Worth | None:
    try:
        worth = number.decimal
    except (
        DecimalException
    ):  # more digits of an exponent than Decimal knows; no payload that we take has them
        return None
    return ("number", worth) if worth.is_finite() else None


def _among(read: Read, options: frozenset[Worth | None]) -> Test:
    return lambda payload, facts: worth_of(read(payload, facts)) in options


def _search(where: Where, whole: Read, part: Read) -> Test:
    def test(payload: JSON, facts: Facts) -> bool:
        inside, wanted = whole(payload, facts), part(payload, facts)
        if isinstance(inside, list):
            return where is Where.ANYWHERE and _has(inside, worth_of(wanted))
        if not isinstance(inside, str) or not isinstance(wanted, str):
            return False
        if where is Where.ANYWHERE and len(wanted) > LONGEST_PART:
            return False
        if where is Where.STARTS:
            return inside.startswith(wanted)
        return inside.endswith(wanted) if where is Where.ENDS else wanted in inside

    return test


def _has(array: list[JSON], wanted: Worth | None) -> bool:
    if wanted is None or len(array) > MOST_ELEMENTS:
        return False
    return any(worth_of(one) == wanted for one in array)


def _reader(operand: Operand) -> Read:
    """A function that finds an operand's value, `MISSING` where the payload does not have it."""
    return _property(operand.path) if isinstance(operand, Property) else lambda _payload, _facts: operand


def _property(path: Path) -> Read:
    head, rest = path[0], path[1:]

    def read(payload: JSON, facts: Facts) -> Value:
        value: Value = facts[str(head)] if head in facts else _child(payload, head)
        for part in rest:
            value = _child(value, part)
        return value

    return read


def _child(value: Value, part: str | int) -> Value:
    if isinstance(value, dict):
        return value.get(str(part), MISSING)
    return element(value, part) if isinstance(value, list) and isinstance(part, int) else MISSING
