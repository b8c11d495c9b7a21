"""From the name that people give a webhook to the name that commands call it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final

LONGEST: Final = 64
"""Characters of a webhook's name."""
FALLBACK: Final = "webhook"
_SPELT: Final = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "þ": "th",
        "ð": "d",
        "ı": "i",
        "&": " and ",
    }
)
_APOSTROPHE: Final = re.compile("['’‘`´]")
_GAP: Final = re.compile("[^a-z0-9]+")


def slug(title: str, taken: Collection[str] = ()) -> str:
    """A name for `title` that is free: lower-case letters, digits and ``-``, 1 to 64 characters.

    Accents are taken off, what is no Latin letter or digit becomes one ``-``; where nothing is left it is
    ``webhook``.  Among `taken` the next free number is added: ``orders``, ``orders-2``, ``orders-3``.
    """
    base = _plain(title)[:LONGEST].strip("-") or FALLBACK
    known = frozenset(taken)
    name, number = base, 1
    while name in known:
        number += 1
        ending = f"-{number}"
        name = base[: LONGEST - len(ending)].rstrip("-") + ending
    return name


def _plain(title: str) -> str:
    folded = _APOSTROPHE.sub("", title.casefold()).translate(_SPELT)
    letters = "".join(one for one in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(one))
    return _GAP.sub("-", letters.casefold()).strip("-")
