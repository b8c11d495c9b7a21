"""How a property is named: ``a.b.c``, ``items.0.sku``, ``["GL Account"]``, and all of them mixed.

A path is a tuple of names and positions.  A name of digits only is a position as long as it is written as one
(``0``, ``12``, not ``007``); in an object a position stands for the name of the same digits.
"""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias

from hookstation.core.values import PathPart

Path: TypeAlias = tuple[PathPart, ...]

ANY: Final = -1
"""The position that means any element of an array, where the template says which only at run time."""

MOST_PARTS: Final = 64
"""A path is never deeper than a payload may be."""

_BARE: Final = re.compile(r"(?:[^.\[\]\"'$\x00-\x1f]|\$(?!\$))+")
_QUOTED: Final = re.compile(r"\[\s*+(\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+')\s*+\]")
_POSITION: Final = re.compile(r"\[\s*+(\d{1,6})\s*+\]", re.ASCII)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPED: Final = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "/": "/"
}  # fmt: skip
_SIMPLE: Final = re.compile(r"[^\W\d][\w-]*")


class PathMistake(ValueError):
    """A path that cannot be read. `position` is the offset of the mistake in the text that was given."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message, self.position = message, position


def read_path(source: str, start: int) -> tuple[Path, int]:
    """The path that begins at `start` and the offset behind it. Raises `PathMistake`.

    It ends at the first character that cannot go on with it; the caller knows what must stand there.
    """
    parts: list[PathPart] = []
    at = start
    while True:
        part, at = _read_part(source, at, first=not parts)
        parts.append(part)
        if len(parts) > MOST_PARTS:
            raise PathMistake(f"A path may have at most {MOST_PARTS} parts.", start)
        if source.startswith(".", at):
            at += 1
        elif not source.startswith("[", at):
            return tuple(parts), at


def _read_part(source: str, at: int, *, first: bool) -> tuple[PathPart, int]:
    if source.startswith("[", at):
        return read_bracket(source, at)
    bare = _BARE.match(source, at)
    name = bare[0].strip() if bare else ""
    if bare is None or not name:
        if first:
            raise PathMistake("A property name is expected here.", at)
        raise PathMistake("A property name is expected after the dot.", at)
    return as_part(name), bare.end()


def read_bracket(source: str, at: int) -> tuple[PathPart, int]:
    """The position or quoted name whose ``[`` stands at `at`, and the offset behind its ``]``. Raises `PathMistake`."""
    if found := _POSITION.match(source, at):
        return int(found[1]), found.end()
    if found := _QUOTED.match(source, at):
        return unescaped(found[1][1:-1], at), found.end()
    raise PathMistake('Write a position or a name in quotes between the brackets: [0] or ["GL Account"].', at)


def as_part(name: str) -> PathPart:
    """A bare name, or the position that it writes."""
    if name.isdecimal() and name.isascii() and len(name) <= 6 and (name == "0" or name[0] != "0"):
        return int(name)
    return name


def unescaped(text: str, at: int) -> str:
    """What stood between two quotes, its escapes resolved. `at`: where it began. Raises `PathMistake`."""

    def replace(found: re.Match[str]) -> str:
        code = found[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPED:
            raise PathMistake(f'The escape \\{code} is unknown; \\", \\\\, \\n, \\t and \\u0000 are.', at)
        return _ESCAPED[code]

    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(replace, text)
    try:
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise PathMistake("A surrogate escape has no partner.", at) from None


def path_text(path: Path) -> str:
    """`path` as a person writes it; `read_path` reads it back."""
    text = ""
    for part in path:
        if part == ANY:
            text += "[…]"
        elif isinstance(part, int) or _SIMPLE.fullmatch(part):
            text += f".{part}" if text else str(part)
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text
