"""JSON into nodes, as strict as received bodies are read: no duplicate keys, digits kept."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Final

from hookstation.config.nodes import DEEPEST, MOST_NODES, Member, Node, Place, Source, fail
from hookstation.core.values import Number, Scalar

SPACE: Final = re.compile(r"[ \t\r\n]*")
NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
WORDS: Final = re.compile(r"true|false|null")
VALUES: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}
ENDINGS: Final = re.compile(r"( string)?( starting)?( at|: .*)$")
"""What the standard library's complaints end with, meant for a position behind them."""
SURROGATE: Final = re.compile("[\ud800-\udfff]")
LONGEST_NUMBER: Final = 1_000
_STRINGS: Final = json.JSONDecoder()


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source, self.text = source, source.text
        self.at = 0
        self.count = 0
        self._lines = [0, *(found.end() for found in re.finditer("\n", source.text))]

    def place(self, at: int) -> Place:
        line = bisect_right(self._lines, at)
        return Place(self.source.name, line, at - self._lines[line - 1] + 1)

    def skip(self) -> str:
        """Pass white space; the character that follows, empty at the end."""
        found = SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.text[self.at : self.at + 1]

    def expect(self, allowed: str, words: str) -> str:
        following = self.skip()
        if not following or following not in allowed:
            self.refuse(f"expected {words}, but found {following or 'the end of the file'}.")
        self.at += 1
        return following

    def refuse(self, message: str) -> None:
        fail(self.place(self.at), f"is not good JSON: {message}")

    def value(self, depth: int) -> Node:
        following = self.skip()
        self.count += 1
        if depth > DEEPEST:
            fail(self.place(self.at), f"is nested deeper than {DEEPEST} levels.")
        if self.count > MOST_NODES:
            fail(self.place(self.at), f"the file holds more than {MOST_NODES:,} values.")
        start = self.at
        match following:
            case "{":
                return Node(self.source, self.place(start), self.table(depth))
            case "[":
                return Node(self.source, self.place(start), self.items(depth))
            case '"':
                return Node(self.source, self.place(start), self.string(), start + 1)
        return Node(self.source, self.place(start), self.word())

    def string(self) -> str:
        try:
            text, end = _STRINGS.raw_decode(self.text, self.at)
        except json.JSONDecodeError as error:
            self.at = min(error.pos, len(self.text))
            what = ENDINGS.sub("", error.msg)
            self.refuse(f"{what[0].lower()}{what[1:]} in the text.")
        if SURROGATE.search(text):
            self.refuse("a text holds half of a surrogate pair.")
        self.at = end
        return str(text)

    def word(self) -> Scalar:
        if found := WORDS.match(self.text, self.at):
            self.at = found.end()
            return VALUES[found[0]]
        number = NUMBER.match(self.text, self.at)
        if number is None:
            self.refuse("expected a value: text in double quotes, a number, true, false, null, { or [.")
            raise AssertionError
        if len(number[0]) > LONGEST_NUMBER:
            self.refuse(f"a number has at most {LONGEST_NUMBER:,} digits.")
        self.at = number.end()
        return Number(number[0]) if number[1] or number[2] else int(number[0])

    def items(self, depth: int) -> list[Node]:
        self.at += 1
        found: list[Node] = []
        if self.skip() == "]":
            self.at += 1
            return found
        while True:
            found.append(self.value(depth + 1))
            if self.expect(",]", "a comma or ]") == "]":
                return found

    def table(self, depth: int) -> dict[str, Member]:
        self.at += 1
        found: dict[str, Member] = {}
        if self.skip() == "}":
            self.at += 1
            return found
        while True:
            self.member(found, depth)
            if self.expect(",}", "a comma or }") == "}":
                return found

    def member(self, found: dict[str, Member], depth: int) -> None:
        if self.skip() != '"':
            self.refuse("expected a key in double quotes.")
        key = self.place(self.at)
        name = self.string()
        if name in found:
            first = found[name].key.line
            fail(key, f"“{name[:80]}” stands twice in the same place, first in line {first}; remove one.")
        self.expect(":", "a colon")
        found[name] = Member(key, self.value(depth + 1))


def read_json(source: Source) -> Node:
    """The document of a JSON file. Raises `Invalid` with the place of what is wrong."""
    reader = _Reader(source)
    node = reader.value(0)
    if following := reader.skip():
        reader.refuse(f"expected the end of the file, but found {following}.")
    return node
