"""Where somebody who has signed in goes back to: a path of this station and nowhere else."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

HOME: Final = "/"
LONGEST: Final = 2_000
_NOT_BACK_TO: Final = ("/sign-in", "/sign-out", "/setup", "/password")


def return_path(asked: str) -> str:
    """`asked` where it is a plain path of this origin (with its query), else the first page.

    Browsers take a backslash for a slash, and leave out tabs and line ends (WHATWG URL, 4.4): with either, what looks
    like a path may name another host.
    """
    if not asked.startswith("/") or asked.startswith("//") or len(asked) > LONGEST:
        return HOME
    if "\\" in asked or not asked.isascii() or not asked.isprintable() or " " in asked:
        return HOME
    path = urlsplit(asked).path
    first = "/" + path.split("/", 2)[1]
    return HOME if first in _NOT_BACK_TO else asked
