"""Sample payloads that a person pasted: one JSON document, or several one after the other."""

from __future__ import annotations

import re
from typing import Final

from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused, Invalid, Problem

MOST_SAMPLES: Final = 50
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def read_samples(text: str) -> list[JSON]:
    """The payloads in `text`. Raises `Invalid` with the line, counted in the whole text, of what is no JSON."""
    if not text.strip():
        raise Invalid([Problem(("samples",), "Paste what the sender sends: a JSON document, or several.")])
    pieces = _pieces(text)
    if len(pieces) > MOST_SAMPLES:
        said = f"These are {len(pieces)} samples; at most {MOST_SAMPLES} are looked at. Leave some out."
        raise Invalid([Problem(("samples",), said)])
    return [_read(text, begin, end) for begin, end in pieces]


def _pieces(text: str) -> list[tuple[int, int]]:
    """Begin and end of each document; what is left over goes to the last one, so that its reader says what is wrong."""
    found: list[tuple[int, int]] = []
    level = begin = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("{", "["):
            level += 1
        elif token[0] in ("}", "]"):
            level -= 1
            if level == 0:
                found.append((begin, token.end()))
                begin = token.end()
    if text[begin:].strip(" \t\r\n,;"):
        found.append((begin, len(text)))
    return found


def _read(text: str, begin: int, end: int) -> JSON:
    """One document, read at its own lines of the text."""
    chunk = text[begin:end].lstrip(" \t\r\n,;")
    above = text.count("\n", 0, end - len(chunk))
    try:
        return parse_json(("\n" * above + chunk).encode()).value
    except BodyRefused as refused:
        raise Invalid([Problem(("samples",), refused.reason.replace("The body", "The sample"))]) from refused
