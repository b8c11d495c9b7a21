"""The text of a template cut into pieces: plain text, ``$$property$$``, ``{{ output }}`` and ``{% tag %}``.

We cut ourselves, also for Liquid: in one pass over the text whatever it holds, with the offset of every piece, and
so that what stands between two pieces is never looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hookstation.core.template.paths import Path, PathMistake, read_path
from hookstation.errors import Invalid, Problem

LONGEST_EXPRESSION: Final = 1_000
"""Most characters between ``{{`` and ``}}`` or ``{%`` and ``%}``."""

LONGEST_TEMPLATE: Final = 64 * 1024
"""Most characters of a template, as many as the bytes that it may put out."""


class Kind(Enum):
    """What a piece is."""

    TEXT = "text"
    PROPERTY = "property"
    OUTPUT = "output"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a template.

    `text` is the plain text, the expression of an output, or what follows a tag's `name`; `position` is the offset of
    that in the source.  `named_at`: the offset of the name.  `path` is a property's.
    """

    kind: Kind
    text: str
    position: int
    path: Path = ()
    name: str = ""
    named_at: int = 0


_OPENING: Final = re.compile(r"\$\$|\{\{|\{%")
_CLOSING: Final = {
    "{{": re.compile(r"((?:[^\"'}]|\"[^\"]*+\"|'[^']*+'|\}(?!\}))*+)\}\}"),
    "{%": re.compile(r"((?:[^\"'%]|\"[^\"]*+\"|'[^']*+'|%(?!\}))*+)%\}"),
}
_TAG: Final = re.compile(r"\s*+(#|\w++|)\s*+")
_END_RAW: Final = re.compile(r"\{%-?+\s*+endraw\s*+-?+%\}")
_COMMENTS: Final = re.compile(r"\{%-?+\s*+(comment|endcomment)\b[^%]*+%\}")


def cut(source: str) -> list[Piece]:
    """The pieces of `source`, in order, no empty text among them. Raises `Invalid` with the first mistake."""
    if len(source) > LONGEST_TEMPLATE:
        raise mistake(
            f"A template may have at most {LONGEST_TEMPLATE:,} characters; this one has {len(source):,}.", 0
        )
    cutter = _Cutter(source)
    cutter.run()
    return list(_joined(cutter.pieces))


def mistake(message: str, position: int) -> Invalid:
    """A template's one problem."""
    return Invalid([Problem((), message, position=position)])


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    """Neighbouring texts as one."""
    held: list[Piece] = []
    for piece in pieces:
        if piece.kind is Kind.TEXT:
            held.append(piece)
            continue
        yield from _merged(held)
        held = []
        yield piece
    yield from _merged(held)


def _merged(texts: list[Piece]) -> Iterator[Piece]:
    whole = "".join(piece.text for piece in texts)
    if whole:
        yield Piece(Kind.TEXT, whole, texts[0].position)


class _Cutter:
    def __init__(self, source: str) -> None:
        self.source = source
        self.pieces: list[Piece] = []
        self.at = 0
        self.trimming = False

    def run(self) -> None:
        """Cut the whole source."""
        while found := _OPENING.search(self.source, self.at):
            self._text(self.source[self.at : found.start()], self.at)
            self.at = found.start()
            if found[0] == "$$":
                self._dollars()
            else:
                self._code(found[0])
        self._text(self.source[self.at :], self.at)

    def _text(self, text: str, position: int) -> None:
        if self.trimming:
            text = text.lstrip()
        self.trimming = self.trimming and not text
        self.pieces.append(Piece(Kind.TEXT, text, position))

    def _dollars(self) -> None:
        start = self.at
        self.trimming = False
        if self.source.startswith("$$$$", start):
            self.pieces.append(Piece(Kind.TEXT, "$$", start))
            self.at = start + 4
            return
        path, self.at = read_property(self.source, start)
        self.pieces.append(Piece(Kind.PROPERTY, "", start, path))

    def _code(self, opening: str) -> None:
        start = self.at
        closed = _CLOSING[opening].match(self.source, start + 2)
        if closed is None:
            end = "}}" if opening == "{{" else "%}"
            raise mistake(
                f"“{opening}” is never closed: “{end}” is missing, or a quotation mark before it.", start
            )
        inner, position = closed[1], start + 2
        self.at = closed.end()
        if inner.startswith("-"):
            inner, position = inner[1:], position + 1
            self._trim_before()
        self.trimming = inner.endswith("-")
        inner = inner.removesuffix("-").rstrip()
        if len(inner) > LONGEST_EXPRESSION:
            raise mistake(
                f"At most {LONGEST_EXPRESSION:,} characters may stand in one “{opening}”; here are {len(inner):,}.",
                start,
            )
        if opening == "{{":
            self._output(inner, position, start)
        else:
            self._tag(inner, position, start)

    def _trim_before(self) -> None:
        last = self.pieces[-1]
        if last.kind is Kind.TEXT:
            self.pieces[-1] = Piece(Kind.TEXT, last.text.rstrip(), last.position)

    def _output(self, inner: str, position: int, start: int) -> None:
        expression = inner.lstrip()
        if not expression:
            raise mistake("Between “{{” and “}}” stands nothing: write a property's name there.", start)
        position += len(inner) - len(expression)
        self.pieces.append(Piece(Kind.OUTPUT, expression, position))

    def _tag(self, inner: str, position: int, start: int) -> None:
        named = _TAG.match(inner)
        assert named is not None
        name = named[1]
        if name == "raw":
            self._raw(start)
        elif name == "comment":
            self._comment(start)
        elif name != "#":
            expression, named_at = inner[named.end() :], position + named.start(1)
            self.pieces.append(Piece(Kind.TAG, expression, position + named.end(), (), name, named_at))

    def _raw(self, start: int) -> None:
        end = _END_RAW.search(self.source, self.at)
        if end is None:
            raise mistake("“{% raw %}” is never closed: “{% endraw %}” is missing.", start)
        self.pieces.append(Piece(Kind.TEXT, self.source[self.at : end.start()], self.at))
        self.at = end.end()
        self.trimming = False

    def _comment(self, start: int) -> None:
        depth = 1
        for found in _COMMENTS.finditer(self.source, self.at):
            depth += 1 if found[1] == "comment" else -1
            if depth == 0:
                self.at = found.end()
                return
        raise mistake("“{% comment %}” is never closed: “{% endcomment %}” is missing.", start)


def read_property(source: str, start: int) -> tuple[Path, int]:
    """The property whose ``$$`` begins at `start`, and the offset behind its end. Raises `Invalid`."""
    try:
        path, end = read_path(source, start + 2)
    except PathMistake as wrong:
        if "$$" not in source[start + 2 :]:
            raise _unclosed(start) from wrong
        raise mistake(
            f"{wrong.message} To write two dollar signs, double them: $$$$.", wrong.position
        ) from wrong
    if source.startswith("$$", end):
        return path, end + 2
    if "$$" not in source[end:]:
        raise _unclosed(start)
    raise mistake("A property's name ends here, but “$$” does not follow.", end)


def _unclosed(start: int) -> Invalid:
    return mistake("“$$” is never closed: write $$name$$, or $$$$ for two dollar signs.", start)
