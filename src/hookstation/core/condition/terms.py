"""What a condition is made of, and how each part of it is written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from hookstation.core.template.paths import Path, path_text
from hookstation.core.values import Scalar

RESERVED: Final = frozenset({"and", "or", "not", "in", "true", "false", "null"})
"""Words that no property at the top is called without quotes and brackets."""

BARE: Final = re.compile(r"[^\W\d][\w-]*+")


class Operator(StrEnum):
    """How two values are compared."""

    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="


class Where(StrEnum):
    """Where in a value another one is looked for; also the function's name."""

    STARTS = "starts_with"
    ENDS = "ends_with"
    ANYWHERE = "contains"


@dataclass(frozen=True, slots=True)
class Property:
    """A property of the payload."""

    path: Path


Operand: TypeAlias = Property | Scalar


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of them holds; without any it always holds, which only the empty condition does."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them holds."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    term: Term


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values compared."""

    left: Operand
    operator: Operator
    right: Operand


@dataclass(frozen=True, slots=True)
class Among:
    """A value is one of these."""

    value: Operand
    options: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """The payload has the property; null is there, too."""

    which: Property


@dataclass(frozen=True, slots=True)
class Search:
    """A text begins with, ends with or has another in it, or an array has the element."""

    where: Where
    whole: Operand
    part: Operand


Term: TypeAlias = AllOf | AnyOf | Not | Compare | Among | Exists | Search


def text_of_term(term: Term) -> str:
    """The term as a person writes it; read again it is the same term."""
    match term:
        case AllOf(terms):
            return " and ".join(_grouped(one, AllOf, AnyOf) for one in terms)
        case AnyOf(terms):
            return " or ".join(_grouped(one, AnyOf) for one in terms)
        case Not(inner):
            return f"not {_grouped(inner, AllOf, AnyOf)}"
        case Compare(left, operator, right):
            return f"{operand_text(left)} {operator} {operand_text(right)}"
        case Among(value, options):
            return f"{operand_text(value)} in [{', '.join(scalar_text(one) for one in options)}]"
        case Exists(which):
            return f"exists({operand_text(which)})"
        case Search(where, whole, part):
            return f"{where}({operand_text(whole)}, {operand_text(part)})"
    assert_never(term)


def _grouped(term: Term, *kinds: type[AllOf | AnyOf]) -> str:
    text = text_of_term(term)
    return f"({text})" if isinstance(term, kinds) else text


def operand_text(operand: Operand) -> str:
    """A property's path or a literal."""
    return property_text(operand.path) if isinstance(operand, Property) else scalar_text(operand)


def property_text(path: Path) -> str:
    """A path whose first part cannot be taken for a number or a word of the language."""
    head, rest = path[0], path[1:]
    if isinstance(head, str) and BARE.fullmatch(head) and head not in RESERVED:
        return path_text(path)
    first = f"[{json.dumps(head, ensure_ascii=False)}]"
    return first + path_text(("_", *rest))[1:]


def scalar_text(value: Scalar) -> str:
    """A literal: text in double quotes, a number with the digits that it came with."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None:
        return "null"
    return ("false", "true")[value] if isinstance(value, bool) else str(value)
