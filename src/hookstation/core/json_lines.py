"""On which line of a JSON text a value stands, for errors that are shown beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from hookstation.core.values import PathPart

_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)


def line_of(text: str, path: tuple[PathPart, ...]) -> int:
    """The line, counted from 1, of the value at `path`, or of the deepest value on the way to it that is there.

    `text` is JSON; what is none gives some line of it and no error.
    """
    best, depth = 0, -1
    for place, offset in _places(text):
        common = len(place)
        if common > depth and place == tuple(str(part) for part in path[:common]):
            best, depth = offset, common
    return text.count("\n", 0, best) + 1


def line_at(text: str, offset: int) -> int:
    """The line of a character."""
    return text.count("\n", 0, offset) + 1


def _places(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each value's place with the offset at which it, or its name, begins."""
    holders: list[list[object]] = []  # [is an object, the part under which the next value stands, its offset]
    for token in _TOKEN.finditer(text):
        said = token[0]
        if said in ("}", "]"):
            if holders:
                holders.pop()
            continue
        holder = holders[-1] if holders else None
        if said == ",":
            if holder is not None and not holder[0]:
                holder[1] = int(str(holder[1])) + 1
            elif holder is not None:
                holder[1] = None
            continue
        if said == ":":
            continue
        if holder is not None and holder[0] and holder[1] is None:
            holder[1], holder[2] = _name(said), token.start()
            continue
        begins = holder[2] if holder is not None and holder[0] else token.start()
        yield tuple(str(one[1]) for one in holders), int(str(begins))
        if said in ("{", "["):
            holders.append([said == "{", None if said == "{" else 0, token.start()])


def _name(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return token
