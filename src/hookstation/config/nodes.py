"""What a config file holds, with the place of every value and key kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NoReturn

from hookstation.core.values import JSON, PathPart, Scalar
from hookstation.errors import Invalid, Problem

DEEPEST: Final = 100
MOST_NODES: Final = 500_000


@dataclass(frozen=True, slots=True)
class Source:
    """A text file: `name` as the user named it, `folder` that relative paths in it start from."""

    name: str
    folder: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; lines and columns count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A member of a table: the place of its key, and its value."""

    key: Place
    node: Node


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value and where it begins.

    `offset` is where a text's first character stands in the source, and `block` whether it is a literal
    block, so that a position inside the text can be shown; `weight` counts the values in it, aliases spelt
    out.
    """

    source: Source
    place: Place
    value: Scalar | list[Node] | dict[str, Member]
    offset: int = -1
    block: bool = False
    weight: int = 1


def fail(place: Place | str, message: str) -> NoReturn:
    """Refuse a file: ``file:line:column: message``."""
    raise Invalid([Problem((), f"{place}: {message}")])


def to_json(node: Node) -> JSON:
    """The document that a node holds."""
    match node.value:
        case dict() as members:
            return {name: to_json(member.node) for name, member in members.items()}
        case list() as items:
            return [to_json(item) for item in items]
        case scalar:
            return scalar


def find(node: Node, path: Iterable[PathPart], position: int | None = None) -> Place:
    """Where the thing at `path` is written, or what holds it where it is not there itself.

    A member is where its key is; with `position`, where that character of its text is.  An item of a list may
    be named by its ``name`` instead of counted.
    """
    place = node.place
    for part in path:
        step = _step(node, part)
        if step is None:
            return place
        place, node = step
    return place if position is None else _inside(node, position)


def _step(node: Node, part: PathPart) -> tuple[Place, Node] | None:
    match node.value, part:
        case dict() as members, str() if part in members:
            return members[part].key, members[part].node
        case list() as items, int() if 0 <= part < len(items):
            return items[part].place, items[part]
        case list() as items, str():
            return next(((item.place, item) for item in items if name_of(item) == part), None)
    return None


def name_of(node: Node) -> str:
    """The text under ``name``, or an empty one."""
    named = node.value.get("name") if isinstance(node.value, dict) else None
    return named.node.value if named and isinstance(named.node.value, str) else ""


def _inside(node: Node, position: int) -> Place:
    text, source = node.value, node.source
    if not isinstance(text, str) or node.offset < 0 or not 0 <= position <= len(text):
        return node.place
    if node.block:
        return _inside_block(node, text, position)
    if source.text[node.offset : node.offset + position] != text[:position]:
        return node.place
    moved = node.place.column + (node.offset - _index(source, node.place)) + position
    return Place(node.place.file, node.place.line, moved)


def _index(source: Source, place: Place) -> int:
    """The offset of a place in its source."""
    lines = source.text.split("\n", place.line)
    return sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1


def _inside_block(node: Node, text: str, position: int) -> Place:
    """A literal block keeps its lines; each stands behind the block's indentation."""
    before = text[:position]
    row, column = before.count("\n"), position - (before.rfind("\n") + 1)
    lines = node.source.text.split("\n")
    line = node.place.line + row
    written = lines[line].removesuffix("\r") if line < len(lines) else ""
    indent = len(written) - len(text.split("\n")[row])
    return Place(node.place.file, line + 1, max(indent, 0) + column + 1) if indent >= 0 else node.place
