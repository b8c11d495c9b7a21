"""The small vocabulary of values that everything above shares.

A JSON document in Hookstation is made of ``None``, ``bool``, ``int``, `Number`, ``str``,
``list`` and ``dict``.  `Number` holds every literal that is not a plain integer with the
digits that the sender wrote, so that ``19.90`` and ``1e5`` reach the target unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias, Union, final

JSON: TypeAlias = Union[bool, int, "Number", str, list["JSON"], dict[str, "JSON"], None]
Scalar: TypeAlias = Union[bool, int, "Number", str, None]
PathPart: TypeAlias = str | int


@final
class Number:
    """A JSON number literal that is not a plain integer, as it was written.

    Equality and hash go by the text: ``Number("1.0") != Number("1.00")``; compare `decimal`
    where the numeric value is meant.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def decimal(self) -> Decimal:
        """The numeric value, exact."""
        return Decimal(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Number({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


@final
class Secret:
    """A value that cannot be printed, logged or serialised by accident.

    `reference` is how a config file names it (``${env:NAME}``, ``${file:PATH}``), empty for a literal.
    """

    __slots__ = ("_value", "reference")

    def __init__(self, value: str, reference: str = "") -> None:
        self._value = value
        self.reference = reference

    def reveal(self) -> str:
        """The secret itself. Call it only where it is used, never to show it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("hookstation secret", self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled")


KIND_NAMES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    Number: "number",
    str: "text",
    list: "array",
    dict: "object",
}


def kind_of(value: object) -> str:
    """The word for a value's kind that errors use: null, boolean, integer, number, text, array, object."""
    return KIND_NAMES.get(type(value), type(value).__name__)
