"""Plain scalars by the core schema of YAML 1.2, with numbers that keep their digits."""

from __future__ import annotations

import re
from typing import Final

from hookstation.core.values import Number, Scalar

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
TRUES: Final = frozenset({"true", "True", "TRUE"})
FALSES: Final = frozenset({"false", "False", "FALSE"})
INTEGER: Final = re.compile(r"[-+]?[0-9]+")
OCTAL: Final = re.compile(r"0o[0-7]+")
HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
FLOAT: Final = re.compile(r"([-+]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))([eE][-+]?[0-9]+)?")
NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
LONGEST: Final = 1_000


class Refused(ValueError):
    """A plain scalar that cannot be kept as it was meant."""


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar (YAML 1.2.2, section 10.3.2); dates, ``yes`` and ``on`` stay text.

    Raises `Refused` for numbers that JSON cannot hold or that would lose a digit.
    """
    if text in NULLS:
        return None
    if text in TRUES or text in FALSES:
        return text in TRUES
    if text[0] not in "+-.0123456789":
        return text
    if NOT_FINITE.fullmatch(text):
        raise Refused(f"{text} is not a number that JSON has; put it in quotes if it is text.")
    return _number(text)


def _number(text: str) -> Scalar:
    integer, found = INTEGER.fullmatch(text), FLOAT.fullmatch(text)
    prefixed = OCTAL.fullmatch(text) or HEXADECIMAL.fullmatch(text)
    if not (integer or found or prefixed):
        return text
    if len(text) > LONGEST:
        raise Refused(f"a number has at most {LONGEST:,} digits; put it in quotes if it is text.")
    if prefixed:
        return int(text, 0)
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        raise Refused(f"{text} begins with a zero; put it in quotes if it is text, else leave the zero out.")
    if integer:
        return int(text)
    assert found is not None
    sign, whole, fraction, bare, exponent = found.groups()
    fraction = fraction or bare
    return Number(
        f"{'-' if sign == '-' else ''}{whole or '0'}{'.' + fraction if fraction else ''}{exponent or ''}"
        if fraction or exponent
        else f"{'-' if sign == '-' else ''}{whole}.0"
    )


def is_text(text: str) -> bool:
    """Whether an unquoted scalar is read back as this text."""
    try:
        return resolve(text) == text
    except Refused:
        return False
