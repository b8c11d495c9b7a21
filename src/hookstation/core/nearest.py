"""The nearest known name, for errors that say what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

LONGEST: Final = 80
"""Names longer than this are not compared: nobody mistypes a page."""

MOST: Final = 2_000
"""At most so many known names are looked at, so that an error never costs more than the work."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that `name` most resembles, or an empty text; case does not count."""
    if len(name) > LONGEST:
        return ""
    by_folded = {one.casefold(): one for one in list(known)[:MOST]}
    found = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean “x”?`` with a leading space, or an empty text."""
    found = nearest(name, known)
    return f" Did you mean “{found}”?" if found else ""
