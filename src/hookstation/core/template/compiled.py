"""A template, compiled: plain ones by us, Liquid ones by the library."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hookstation.core.template.calls import rewrite
from hookstation.core.template.lexing import Kind, Piece, cut
from hookstation.core.template.liquid import TOO_LONG, compile_liquid
from hookstation.core.template.names import Name
from hookstation.core.template.paths import Path, as_part
from hookstation.core.template.scope import (
    MOST_OUTPUT,
    NONE_DECLARED,
    Scope,
    Value,
    is_own,
    reader,
    text_of,
)
from hookstation.core.values import PathPart
from hookstation.errors import MappingFailed

EVENT_ID: Final = ("event_id",)
SURELY_SHORT: Final = MOST_OUTPUT // 4
"""Characters that cannot have more bytes than a field may have."""

_WORD: Final = r"[^\W\d][\w-]*+"
_SIMPLE: Final = re.compile(
    rf"(?:{_WORD}|\d{{1,6}}(?=\.[^\W\d])|\[\s*+(?:\"[^\"]*+\"|'[^']*+')\s*+\])"
    rf"(?:\.(?:{_WORD}|\d{{1,6}}(?![\w-]))|\[\s*+(?:-?\d{{1,6}}|\"[^\"]*+\"|'[^']*+')\s*+\])*+"
)
_PART: Final = re.compile(r"\[\s*+(?:(-?\d+)|\"([^\"]*+)\"|'([^']*+)')\s*+\]|([^.\[\]]+)")
_KEYWORDS: Final = frozenset({"true", "false", "nil", "null", "empty", "blank"})


class TemplateKind(Enum):
    """What a template is made of."""

    LITERAL = "literal"
    PROPERTY = "property"
    TEXT = "text"
    LIQUID = "liquid"


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template; safe to share.

    `evaluate` gives the value for a scope: of exactly one property its JSON value or `MISSING`, else text.  It
    raises `MappingFailed` (field ``template``) over a limit or where a filter cannot do it.  `names` are the
    properties that it reads.  `path` is the one property's path, empty for every other kind; `own` says that it is
    a fact of the call, which no payload can take the place of.
    """

    source: str
    kind: TemplateKind
    evaluate: Callable[[Scope], Value]
    names: tuple[Name, ...] = ()
    path: Path = ()
    own: bool = False

    @property
    def key(self) -> str | None:
        """The one property, where it stands at the top of the payload under this name."""
        if self.own or len(self.path) != 1:
            return None
        return self.path[0] if isinstance(self.path[0], str) else None

    @property
    def is_marker(self) -> bool:
        """Whether it is exactly the event id."""
        return self.path == EVENT_ID


def compile_template(source: str, declared: frozenset[str] = NONE_DECLARED) -> Template:
    """Compile the text of a template. Raises `Invalid`, each problem with its position in the rewritten text.

    `declared`: names of the call's facts that the schema declares as properties, so that a payload which has them
    is meant.  Calls such as ``x.format("…")`` are taken as `rewrite` writes them.
    """
    source = rewrite(source)
    written = cut(source)
    pieces = [_simplified(piece) for piece in written]
    if any(piece.kind in {Kind.OUTPUT, Kind.TAG} for piece in pieces):
        render, names = compile_liquid(source, written, declared)
        return Template(source, TemplateKind.LIQUID, render, names)
    properties = [piece for piece in pieces if piece.kind is Kind.PROPERTY]
    names = tuple(Name(piece.path, piece.position, bool(piece.name)) for piece in properties)
    if not properties:
        whole = "".join(piece.text for piece in pieces)
        return Template(source, TemplateKind.LITERAL, lambda _scope: whole)
    if len(pieces) == 1:
        path, read = pieces[0].path, _reader(pieces[0], declared)
        return Template(source, TemplateKind.PROPERTY, read, names, path, is_own(path, declared))
    return Template(source, TemplateKind.TEXT, _text(pieces, declared), names)


def _simplified(piece: Piece) -> Piece:
    """``{{ path }}`` as the property that it is; the piece's name says that Liquid's words work in it."""
    if piece.kind is not Kind.OUTPUT or piece.text in _KEYWORDS or not _SIMPLE.fullmatch(piece.text):
        return piece
    path = tuple(_part(found) for found in _PART.finditer(piece.text))
    return Piece(Kind.PROPERTY, piece.text, piece.position, path, "liquid")


def _part(found: re.Match[str]) -> PathPart:
    position, *names = found.groups()
    if position is not None:
        return int(position)
    double, single, bare = names
    return as_part(bare) if bare is not None else double if double is not None else single


def _reader(piece: Piece, declared: frozenset[str]) -> Callable[[Scope], Value]:
    return reader(piece.path, liquid=bool(piece.name), declared=declared)


def _text(pieces: list[Piece], declared: frozenset[str]) -> Callable[[Scope], Value]:
    """A function that puts the pieces together; one that is plain text is there already."""
    parts = [piece.text if piece.kind is Kind.TEXT else _reader(piece, declared) for piece in pieces]

    def write(scope: Scope) -> str:
        text = "".join([part if type(part) is str else text_of(part(scope)) for part in parts])  # type: ignore[operator]
        if len(text) > SURELY_SHORT:
            check_length(text)
        return text

    return write


def check_length(text: str) -> None:
    """Raises `MappingFailed` where the text has more bytes than a field may have."""
    if len(text) > SURELY_SHORT and len(text.encode()) > MOST_OUTPUT:
        raise MappingFailed("template", f"{TOO_LONG}.")
