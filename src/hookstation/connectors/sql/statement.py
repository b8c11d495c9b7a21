"""A statement that a person wrote: one, that reads, with its ``:names`` found outside of quotes and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.connectors.sql.engine import Quoting
from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON
from hookstation.errors import Terminal

READING: Final = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "SHOW"})
"""First words of statements that read. What they do in truth is for the database to forbid."""

FORBIDDEN: Final = frozenset({"INTO", "INSERT", "UPDATE", "DELETE", "MERGE", "EXEC", "EXECUTE", "OPENROWSET"})
"""Words that no reading statement needs; one database (SQL Server) has no other means to forbid them."""

_REST: Final = (
    r"|(?P<cast>::)|:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<end>;)"
    r"|(?P<word>[A-Za-z_@][A-Za-z0-9_$@]*)|(?P<number>[0-9]\w*)"
)
_STANDARD: Final = re.compile(
    r"(?P<quoted>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<comment>--[^\n]*|/\*.*?\*/)" + _REST,
    re.DOTALL,
)
_BRACKETS: Final = re.compile(
    r"(?P<quoted>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\[(?:[^\]]|\]\])*\])|(?P<comment>--[^\n]*|/\*.*?\*/)"
    + _REST,
    re.DOTALL,
)
_BACKSLASHES: Final = re.compile(
    r"(?P<quoted>'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|`(?:[^`]|``)*`)"
    r"|(?P<comment>--(?=\s|$)[^\n]*|\#[^\n]*|/\*.*?\*/)" + _REST,
    re.DOTALL,
)
_PIECES: Final[Mapping[Quoting, re.Pattern[str]]] = {
    Quoting.STANDARD: _STANDARD,
    Quoting.BRACKETS: _BRACKETS,
    Quoting.BACKSLASHES: _BACKSLASHES,
}


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in pieces: text, and between each two of them the name of a value."""

    texts: tuple[str, ...]
    names: tuple[str, ...]


def read_statement(text: str, quoting: Quoting = Quoting.STANDARD) -> Statement:
    """Take a statement apart. Raises `Terminal` where it is none that only reads, or more than one."""
    texts, names, words, begin = [], [], [], 0
    for found in _PIECES[quoting].finditer(text):
        if found["word"]:
            words.append(found["word"].upper())
        elif found["name"]:
            texts.append(text[begin : found.start()])
            names.append(found["name"])
            begin = found.end()
        elif found["end"]:
            _refuse_more(text[found.end() :], _PIECES[quoting])
            text = text[: found.start()]
            break
        elif found["comment"]:
            _refuse_odd(found["comment"])
    texts.append(text[begin:])
    _refuse_writing(words)
    return Statement(tuple(texts), tuple(names))


def _refuse_odd(comment: str) -> None:
    """What one database takes for a comment and another for a part of the statement."""
    if comment.startswith(("/*!", "/*M!", "/*+")) or "/*" in comment[2:]:
        raise Terminal("Comments that a database executes (/*! … */), or one in another, are not allowed.")


def _refuse_more(rest: str, pieces: re.Pattern[str]) -> None:
    left = "".join(_without_comments(rest, pieces)).strip(" \t\r\n;")
    if left:
        raise Terminal("Write one statement: what follows the first “;” would be a second one.")


def _without_comments(text: str, pieces: re.Pattern[str]) -> Iterator[str]:
    begin = 0
    for found in pieces.finditer(text):
        if found["comment"]:
            yield text[begin : found.start()]
            begin = found.end()
    yield text[begin:]


def _refuse_writing(words: Sequence[str]) -> None:
    if not words or words[0] not in READING:
        raise Terminal(
            "A statement must begin with SELECT or WITH: it only reads. To write, use a step that writes rows."
        )
    writing = next((word for word in words if word in FORBIDDEN), None)
    if writing:
        raise Terminal(
            f"A statement only reads, and may not hold the word {writing}. Put it in quotes where it is a name."
        )


def values_of(statement: Statement, parameters: Mapping[str, JSON]) -> list[JSON]:
    """The value of each name, in order. Raises `Terminal` for one that is not given."""
    for name in statement.names:
        if name not in parameters:
            raise Terminal(
                f"The statement has :{name}, but there is no parameter “{name}”."
                f"{did_you_mean(name, list(parameters))}"
            )
    return [parameters[name] for name in statement.names]


def joined(statement: Statement, marks: Sequence[str], *, doubles_percent: bool = False) -> str:
    """The statement with these placeholders in the places of its names."""
    texts = [text.replace("%", "%%") for text in statement.texts] if doubles_percent else statement.texts
    parts = [texts[0]]
    for mark, text in zip(marks, texts[1:], strict=True):
        parts += [mark, text]
    return "".join(parts)
