"""A condition in words, for pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

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
    property_text,
    scalar_text,
)
from hookstation.core.values import Scalar

MOST_TOLD: Final = 10
"""So many values of a list are told, and how many there are besides."""

_OPERATORS: Final[Mapping[Operator, tuple[str, str]]] = {
    Operator.EQUAL: ("is", "is not"),
    Operator.UNEQUAL: ("is not", "is"),
    Operator.LESS: ("is less than", "is not less than"),
    Operator.AT_MOST: ("is at most", "is not at most"),
    Operator.GREATER: ("is more than", "is not more than"),
    Operator.AT_LEAST: ("is at least", "is not at least"),
}
_WHERE: Final[Mapping[Where, tuple[str, str]]] = {
    Where.STARTS: ("begins with", "does not begin with"),
    Where.ENDS: ("ends with", "does not end with"),
    Where.ANYWHERE: ("contains", "does not contain"),
}


def describe(term: Term) -> str:
    """One sentence without its full stop: ``amount is at least 19.90 and member.id is there``."""
    if term == AllOf(()):
        return "always"
    return _said(term, 0)


def _said(term: Term, negated: int) -> str:
    """The term, or its opposite where `negated` is 1."""
    match term:
        case AllOf(terms):
            return _joined(" and ", terms, "not all of these: " if negated else "")
        case AnyOf(terms):
            return _joined(" or ", terms, "none of these: " if negated else "")
        case Not(inner):
            return _said(inner, 1 - negated)
        case Compare(left, operator, right):
            return f"{_operand(left)} {_OPERATORS[operator][negated]} {_operand(right)}"
        case Among(value, options):
            return f"{_operand(value)} is {('one', 'none')[negated]} of {_listed(options)}"
        case Exists(which):
            return f"{_operand(which)} is {('there', 'not there')[negated]}"
        case Search(where, whole, part):
            return f"{_operand(whole)} {_WHERE[where][negated]} {_operand(part)}"
    assert_never(term)


def _joined(word: str, terms: tuple[Term, ...], before: str) -> str:
    inner = word.join(_grouped(one) for one in terms)
    return f"{before}({inner})" if before else inner


def _grouped(term: Term) -> str:
    """In parentheses wherever a reader could wonder what belongs together."""
    return f"({_said(term, 0)})" if isinstance(term, AllOf | AnyOf) else _said(term, 0)


def _operand(operand: Operand) -> str:
    return property_text(operand.path) if isinstance(operand, Property) else _literal(operand)


def _literal(value: Scalar) -> str:
    return f"“{value}”" if isinstance(value, str) else scalar_text(value)


def _listed(options: tuple[Scalar, ...]) -> str:
    told = ", ".join(_literal(one) for one in options[:MOST_TOLD])
    rest = len(options) - MOST_TOLD
    return f"{told} and {rest} more" if rest > 0 else told
