"""Every filter, by name.

A filter takes Liquid values (text, integers, booleans, nothing, `Digits`, `Items`, `Members`, ranges) and returns one.
It raises `FilterFailed` with the reason.  None reads a clock: ``now`` is the moment of receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Final

from hookstation.core.template.filters.arrays import ARRAY_FILTERS
from hookstation.core.template.filters.dates import DATE_FILTERS
from hookstation.core.template.filters.numbers import NUMBER_FILTERS
from hookstation.core.template.filters.texts import TEXT_FILTERS


def default(value: object, instead: object = "", *, allow_false: object = False) -> object:
    """`instead` where the value is missing, null, false or empty; a zero is a value."""
    if value is False:
        return value if allow_false is True else instead
    if value is None or (isinstance(value, str | list | dict) and not value):
        return instead
    return value


FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    **TEXT_FILTERS,
    **ARRAY_FILTERS,
    **NUMBER_FILTERS,
    **DATE_FILTERS,
    "default": default,
}

TIMED: Final = frozenset(DATE_FILTERS)
"""Filters that are handed the moment of receipt first."""


def _arity(name: str, function: Callable[..., object]) -> tuple[int, int]:
    parameters = [
        one for one in signature(function).parameters.values() if one.kind is Parameter.POSITIONAL_OR_KEYWORD
    ]
    own = parameters[2:] if name in TIMED else parameters[1:]
    return sum(one.default is Parameter.empty for one in own), len(own)


ARITY: Final[Mapping[str, tuple[int, int]]] = {name: _arity(name, FILTERS[name]) for name in FILTERS}
"""The fewest and the most arguments after the value."""

KEYWORDS: Final[Mapping[str, frozenset[str]]] = {"default": frozenset({"allow_false"})}

__all__ = ["ARITY", "FILTERS", "KEYWORDS", "TIMED", "default"]
