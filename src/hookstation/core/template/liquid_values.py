"""Payload values as Liquid handles them: exact numbers, and containers that know their weight.

Liquid gets only text, ``int``, ``bool``, ``None`` and the three classes here: nothing that has an attribute or a
method which a template could reach.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON, Number

CHARACTERS_A_STEP: Final = 256
MEMBERS_A_STEP: Final = 8


class Digits(Decimal):
    """A decimal that remembers how it was written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Digits:
        """The number that `text` writes."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __str__(self) -> str:
        return self.text


class Items(list[object]):
    """An array. `weight`: the steps that reading all of it costs."""

    __slots__ = ("weight",)

    def __init__(self, items: Iterable[object]) -> None:
        super().__init__(items)
        self.weight = 1 + sum(weight_of(item) for item in self) + len(self) // MEMBERS_A_STEP

    def __str__(self) -> str:
        return liquid_text(self)


class Members(dict[str, object]):
    """An object. `weight` as of `Items`."""

    __slots__ = ("weight",)

    def __init__(self, members: Iterable[tuple[str, object]]) -> None:
        super().__init__(members)
        self.weight = 1 + sum(weight_of(item) for item in self.values()) + len(self) // MEMBERS_A_STEP

    def __str__(self) -> str:
        return liquid_text(self)


class Headers(Members):
    """The headers of a call; names in any case."""

    __slots__ = ()


def weight_of(value: object) -> int:
    """The steps, beyond the usual one, that handling this value costs."""
    if isinstance(value, str):
        return len(value) // CHARACTERS_A_STEP
    if isinstance(value, Items | Members):
        return value.weight
    return 0


def to_liquid(value: JSON) -> object:
    """A payload value for Liquid."""
    if isinstance(value, Number):
        return Digits(value.text)
    if isinstance(value, list):
        return Items(to_liquid(item) for item in value)
    if isinstance(value, dict):
        return Members((name, to_liquid(item)) for name, item in value.items())
    return value


def to_json(value: object) -> JSON:
    """A Liquid value as JSON."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return Number(str(value) if isinstance(value, Digits) else format(value, "f"))
    if isinstance(value, dict):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, range):
        return f"{value.start}..{value.stop - 1}"
    return None


def liquid_text(value: object) -> str:
    """A Liquid value inside text."""
    return value if isinstance(value, str) else text_of(to_json(value))
