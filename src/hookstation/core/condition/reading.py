"""The text of a condition, read from left to right: words, literals and paths, each with its position."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from hookstation.core.condition.terms import BARE, Property
from hookstation.core.jsontext import number_refused
from hookstation.core.template.paths import MOST_PARTS, Path, PathMistake, as_part, read_bracket, unescaped
from hookstation.core.values import Number, PathPart, Scalar
from hookstation.errors import Invalid, Problem

LONGEST_INTEGER: Final = 1_000
"""Digits of a whole number in a condition."""

_SPACE: Final = re.compile(r"\s*+")
_STRING: Final = re.compile(r"\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?(?![\w.])")
_MEMBER: Final = re.compile(r"[\w-]++")
_WORDS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}


def mistake(message: str, position: int) -> Invalid:
    """A condition's one problem."""
    return Invalid([Problem((), message, position=position)])


class Reader:
    """Where one stands in the source. Every reading method begins and ends before what is no space."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.skip()

    def skip(self) -> None:
        """Go on to what is no space."""
        found = _SPACE.match(self.source, self.at)
        self.at = found.end() if found else self.at

    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.source)

    def at_end_of_term(self) -> bool:
        """Whether what stands here can only follow a whole term."""
        return self.ended() or self.source[self.at] == ")" or self.peek() in ("and", "or")

    def sign(self, text: str) -> bool:
        """Take these characters where they stand here."""
        if not self.source.startswith(text, self.at):
            return False
        self.at += len(text)
        self.skip()
        return True

    def peek(self) -> str:
        """The bare word that stands here, empty where none does."""
        found = BARE.match(self.source, self.at)
        return found[0] if found else ""

    def word(self, word: str) -> bool:
        """Take this word where it stands here as a whole."""
        if self.peek() != word:
            return False
        self.at += len(word)
        self.skip()
        return True

    def call(self) -> str:
        """The bare word that stands here with an opening parenthesis behind it, both taken; else empty."""
        name, start = self.peek(), self.at
        self.at += len(name)
        self.skip()
        if name and self.sign("("):
            return name
        self.at = start
        return ""

    def literal(self) -> tuple[bool, Scalar]:
        """Take a text, number, true, false or null where one stands here. Raises `Invalid`."""
        if found := _STRING.match(self.source, self.at):
            text = self._text(found)
            return True, text
        if self.source[self.at : self.at + 1] in ('"', "'"):
            raise mistake("The text that begins here has no closing quote.", self.at)
        if found := _NUMBER.match(self.source, self.at):
            number = self._number(found)
            return True, number
        word = self.peek()
        if word in _WORDS:
            self.word(word)
            return True, _WORDS[word]
        return False, None

    def _text(self, found: re.Match[str]) -> str:
        try:
            text = unescaped(found[0][1:-1], found.start())
        except PathMistake as wrong:
            raise mistake(wrong.message, wrong.position) from wrong
        self._go(found.end())
        return text

    def _number(self, found: re.Match[str]) -> int | Number:
        text = found[0]
        is_whole = found[1] is None and found[2] is None
        if is_whole and len(text) > LONGEST_INTEGER:
            raise mistake(f"A number in a condition has at most {LONGEST_INTEGER:,} digits.", found.start())
        if not is_whole and (refused := number_refused(text)):
            raise mistake(refused, found.start())
        self._go(found.end())
        return int(text) if is_whole and text != "-0" else Number(text)

    def _go(self, end: int) -> None:
        self.at = end
        self.skip()

    def path(self) -> Property:
        """Take a path: ``a.b``, ``items[0].sku``, ``["odd name"].x``. Raises `Invalid`."""
        start = self.at
        parts: list[PathPart] = []
        try:
            parts.append(self._first())
            while self._continues():
                parts.append(self._next())
        except PathMistake as wrong:
            raise mistake(wrong.message, wrong.position) from wrong
        if len(parts) > MOST_PARTS:
            raise mistake(f"A path may have at most {MOST_PARTS} parts.", start)
        self.skip()
        path: Path = tuple(parts)
        return Property(path)

    def _continues(self) -> bool:
        return self.source[self.at : self.at + 1] in (".", "[")

    def _first(self) -> PathPart:
        word = self.peek()
        if word:
            self.at += len(word)
            return word
        return self._bracket() if self.source.startswith("[", self.at) else self._nothing()

    def _next(self) -> PathPart:
        if self.source.startswith("[", self.at):
            return self._bracket()
        found = _MEMBER.match(self.source, self.at + 1)
        if found is None:
            raise PathMistake("A property name is expected after the dot.", self.at + 1)
        self.at = found.end()
        return as_part(found[0])

    def _bracket(self) -> PathPart:
        part, self.at = read_bracket(self.source, self.at)
        return part

    def _nothing(self) -> NoReturn:
        if self.ended():
            raise PathMistake("A property or a value is expected here, but the condition ends.", self.at)
        raise PathMistake(
            'A property or a value is expected here: a name, ["odd name"], a text in quotes, a number, true, false or '
            "null.",
            self.at,
        )
