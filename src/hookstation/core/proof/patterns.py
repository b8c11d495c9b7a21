"""A text that matches a pattern: for most patterns that people write in schemas, and ``None`` for the rest.

It only proposes: whoever takes the text has it checked by the validator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

MOST_REPEATS: Final = 70_000
DEEPEST: Final = 50
"""Groups inside one another."""
_CLASSES: Final = {"d": "0", "w": "x", "s": " ", "D": "x", "W": "-", "S": "x"}
_REPEAT: Final = re.compile(r"\{(\d{1,5})(?:(,)(\d{0,5}))?\}")
_SET_WORDS: Final = re.compile(r"\[|&&|--|~~|\|\|")
"""What only the engine of the schemas reads as sets of sets."""
_IGNORED: Final = ("\\b", "\\A", "\\z", "^", "$")
_PREFERRED: Final = "x0aA1-_ .:@/"


class _Unknown(Exception):
    """The pattern has something that is not understood here."""


@dataclass(slots=True)
class _Atom:
    """A character or a group, and how often it may stand. `options`: the alternatives of a group, the first taken."""

    text: str = ""
    group: list[_Atom] | None = None
    least: int = 1
    most: int = 1
    parts: list[_Atom] = field(default_factory=list)


def matching(pattern: str, length: int = 0) -> str | None:
    """A text that probably matches `pattern`, about `length` characters long or the shortest where that is longer."""
    try:
        atoms = _Reader(pattern).read()
    except _Unknown:
        return None
    shortest = _write(atoms, _Room(0))
    if length <= len(shortest):
        return shortest
    extended = _write(atoms, _Room(length - len(shortest)))
    if len(extended) < length and not pattern.endswith("$"):
        extended += (extended[-1:] or "x") * (length - len(extended))
    return extended


class _Room:
    def __init__(self, left: int) -> None:
        self.left = left


def _write(atoms: list[_Atom], room: _Room) -> str:
    pieces = []
    for atom in atoms:
        one = atom.text if atom.group is None else _write(atom.group, _Room(0))
        more = min(atom.most - atom.least, room.left // len(one)) if one else 0
        room.left -= more * len(one)
        pieces.append(one * (atom.least + more))
    return "".join(pieces)


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern, self.at, self.depth = pattern, 0, 0

    def read(self) -> list[_Atom]:
        """The first alternative, up to the end of the pattern or of its group."""
        atoms: list[_Atom] = []
        taken = True
        while self.at < len(self.pattern) and self.pattern[self.at] != ")":
            if self.pattern[self.at] == "|":
                taken, self.at = False, self.at + 1
                continue
            atom = self._atom()
            if atom is not None and taken:
                atoms.append(atom)
        return atoms

    def _atom(self) -> _Atom | None:
        for sign in _IGNORED:
            if self.pattern.startswith(sign, self.at):
                self.at += len(sign)
                return None
        atom = self._one()
        atom.least, atom.most = self._repeat()
        return atom

    def _one(self) -> _Atom:
        sign = self.pattern[self.at]
        if sign == "(":
            return self._group()
        if sign == "[":
            return _Atom(self._class())
        self.at += 1
        if sign == "\\":
            return _Atom(self._escape())
        return _Atom("x" if sign == "." else sign)

    def _group(self) -> _Atom:
        self.at += 1
        self.depth += 1
        if self.depth > DEEPEST:
            raise _Unknown
        if self.pattern.startswith("?", self.at):
            if not self.pattern.startswith("?:", self.at):
                raise _Unknown
            self.at += 2
        inner = self.read()
        if not self.pattern.startswith(")", self.at):
            raise _Unknown
        self.at += 1
        self.depth -= 1
        return _Atom(group=inner)

    def _escape(self) -> str:
        if self.at >= len(self.pattern):
            raise _Unknown
        sign = self.pattern[self.at]
        self.at += 1
        if sign == "u" and re.fullmatch("[0-9a-fA-F]{4}", self.pattern[self.at : self.at + 4]):
            self.at += 4
            return chr(int(self.pattern[self.at - 4 : self.at], 16))
        if sign.isalnum() and sign not in _CLASSES:
            raise _Unknown
        return _CLASSES.get(sign, sign)

    def _class(self) -> str:
        found = re.compile(r"\[(\^?\]?(?:[^\]\\]|\\.)*)\]", re.DOTALL).match(self.pattern, self.at)
        if found is None:
            raise _Unknown
        self.at = found.end()
        if _SET_WORDS.search(found[1]):
            raise _Unknown
        try:
            chosen = re.compile(found[0])
        except re.error:
            raise _Unknown from None
        letters = (*_PREFERRED, *map(chr, range(0x21, 0x250)))
        text: str | None = next((letter for letter in letters if chosen.fullmatch(letter)), None)
        if text is None:
            raise _Unknown
        return text

    def _repeat(self) -> tuple[int, int]:
        sign = self.pattern[self.at : self.at + 1]
        least, most = {"*": (0, MOST_REPEATS), "+": (1, MOST_REPEATS), "?": (0, 1)}.get(sign, (1, 1))
        if found := _REPEAT.match(self.pattern, self.at):
            least = int(found[1])
            most = least if not found[2] else int(found[3] or MOST_REPEATS)
            self.at = found.end()
        elif sign in ("*", "+", "?") and sign:
            self.at += 1
        else:
            return least, most
        if self.pattern.startswith("?", self.at):
            self.at += 1
        return least, most
