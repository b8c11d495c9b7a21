"""Which formats a text shows: looked for strictly, and confirmed by the validator that will check payloads."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from hookstation.core.jsontext import Parsed
from hookstation.core.schema import CompiledSchema, compile_schema

_LOOKS: Final[dict[str, re.Pattern[str]]] = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII),
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "time": re.compile(r"\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII),
    "email": re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]+\.[^\s@<>\"]+"),
    "uri": re.compile(r"(?:https?|ftp|wss?)://\S+|urn:[a-z0-9][a-z0-9-]+:\S+|mailto:\S+", re.IGNORECASE),
    "uuid": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE),
    "ipv4": re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII),
    "ipv6": re.compile(r"(?=[^.]*:[^.]*:)[0-9a-f:]{3,39}", re.IGNORECASE),
}
FORMATS: Final = frozenset(_LOOKS)
"""The formats that a draft may state."""
LONGEST: Final = 2_000
"""Characters beyond which a text is not looked at: no format of these is that long."""


def formats_of(text: str) -> frozenset[str]:
    """Every one of `FORMATS` that `text` has; those that it only resembles are left out."""
    if not text or len(text) > LONGEST:
        return frozenset()
    looked = (name for name, look in _LOOKS.items() if look.fullmatch(text))
    return frozenset(name for name in looked if not _validator(name).violations(Parsed(text, text)))


@cache
def _validator(name: str) -> CompiledSchema:
    return compile_schema({"format": name})


_SLASHED: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})", re.ASCII)


def slashed(text: str) -> tuple[int, int] | None:
    """The first two numbers of a date like ``03/04/2026``, which may be day and month or the other way round."""
    found = _SLASHED.fullmatch(text)
    if found is None:
        return None
    first, second = int(found[1]), int(found[3])
    small, large = sorted((first, second))
    return (first, second) if 1 <= small <= 12 and large <= 31 else None
