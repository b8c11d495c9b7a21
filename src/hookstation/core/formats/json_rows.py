"""Rows as JSON: one array of objects, or an object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, NoReturn

from hookstation.core.formats.options import FormatType, Layout
from hookstation.core.jsontext import dump_json, number_refused, parse_json
from hookstation.core.values import JSON, Number, kind_of
from hookstation.errors import BodyRefused

MOST_CHARACTERS: Final = 8 * 1024 * 1024
"""Characters of one row."""
MOST_MEMBERS: Final = 100_000
"""Members and elements in one row of NDJSON."""

_SPACE: Final = re.compile(r"[ \t\r\n]*+")
_BATCH: Final = 1_000

Row = Mapping[str, JSON]


class JsonWriter:
    """Writes rows as they are, those of `Layout.columns` only where it names any."""

    def __init__(self, layout: Layout, columns: tuple[str, ...], written: int) -> None:
        self._lines = layout.type is FormatType.NDJSON
        self._wanted = layout.columns
        self.columns = layout.columns or columns
        self.written = written

    def head(self) -> str:
        """What stands before the rows."""
        return "" if self._lines or self.written else "["

    def body(self, rows: Iterable[Row]) -> str:
        """These rows."""
        pieces, source = [], iter(rows)
        while batch := [self._chosen(row) for row in islice(source, _BATCH)]:
            if self._lines:
                pieces += [dump_json(row) + "\n" for row in batch]
            else:
                pieces.append(("," if self.written else "") + dump_json(batch)[1:-1])
            self.written += len(batch)
        return "".join(pieces)

    def tail(self) -> str:
        """What stands behind the rows."""
        return "" if self._lines else "]\n"

    def _chosen(self, row: Row) -> JSON:
        return {name: row.get(name) for name in self._wanted} if self._wanted else dict(row)


class JsonLinesReader:
    """Reads an object a line; empty lines are passed over."""

    def __init__(self) -> None:
        self._rest: list[str] = []
        self._held = self._line = 0

    def feed(self, text: str) -> list[dict[str, JSON]]:
        """The rows that are complete with this text. Raises `BodyRefused` naming the line."""
        *whole, rest = text.split("\n")
        if not whole:
            self._hold(rest)
            return []
        whole[0] = "".join([*self._rest, whole[0]])
        self._rest, self._held = [], 0
        self._hold(rest)
        return [row for line in whole if (row := self._row(line)) is not None]

    def close(self) -> list[dict[str, JSON]]:
        """The row that is left. Raises `BodyRefused`."""
        row = self._row("".join(self._rest))
        self._rest, self._held = [], 0
        return [] if row is None else [row]

    def _hold(self, rest: str) -> None:
        self._rest.append(rest)
        self._held += len(rest)
        if self._held > MOST_CHARACTERS:
            raise _refused(self._line + 1, f"a row has more than {MOST_CHARACTERS:,} characters", "ndjson")

    def _row(self, line: str) -> dict[str, JSON] | None:
        self._line += 1
        if not line.strip():
            return None
        try:
            value = parse_json(line.encode(), members=MOST_MEMBERS).value
        except BodyRefused as refused:
            raise _refused(
                self._line, f"{refused.reason[:1].lower()}{refused.reason[1:]}", "ndjson"
            ) from None
        if not isinstance(value, dict):
            raise _refused(self._line, f"each row must be an object, but this is {kind_of(value)}", "ndjson")
        return value


class JsonReader:
    """Reads one array of objects as it comes; a lone object is one row."""

    def __init__(self) -> None:
        self._text = ""
        self._enough = 0
        self._line = 1
        self._state = "begin"

    def feed(self, text: str) -> list[dict[str, JSON]]:
        """The rows that are complete with this text. Raises `BodyRefused` naming the line."""
        self._text += text
        if len(self._text) < self._enough:
            return []
        rows, at = self._rows(last=False)
        self._cut(at)
        self._enough = 2 * len(self._text) if self._text else 0
        if len(self._text) > MOST_CHARACTERS:
            self._fail(0, f"a row has more than {MOST_CHARACTERS:,} characters, or cannot be read")
        return rows

    def close(self) -> list[dict[str, JSON]]:
        """The rows that are left. Raises `BodyRefused`."""
        rows, at = self._rows(last=True)
        self._cut(at)
        if self._state != "end":
            self._fail(len(self._text), "the text ends before the JSON document is complete")
        return rows

    def _cut(self, at: int) -> None:
        self._line += self._text.count("\n", 0, at)
        self._text = self._text[at:]

    def _rows(self, *, last: bool) -> tuple[list[dict[str, JSON]], int]:
        rows: list[dict[str, JSON]] = []
        at = 0
        while True:
            start = _past_space(self._text, at)
            if start >= len(self._text):
                return rows, at
            sign = self._text[start]
            if sign == "{" and self._state in ("begin", "first", "next"):
                found = self._object(start, last=last)
                if found is None:
                    return rows, at
                rows.append(found[0])
                at = found[1]
                self._state = "end" if self._state == "begin" else "after"
            else:
                self._punctuation(sign, start)
                at = start + 1

    def _punctuation(self, sign: str, at: int) -> None:
        follows = _FOLLOWS.get((self._state, sign))
        if follows is None:
            self._fail(at, _EXPECTED[self._state])
        self._state = follows

    def _object(self, at: int, *, last: bool) -> tuple[dict[str, JSON], int] | None:
        try:
            value, end = _decoder.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            if last or len(self._text) - at > MOST_CHARACTERS:
                self._fail(error.pos, f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}")
            return None
        except _Wrong as wrong:
            self._fail(at, f"in the row that begins here {wrong}")
        except RecursionError:
            self._fail(at, "the row that begins here is nested too deeply")
        if self._text.find("\\ud", at, end) >= 0 or self._text.find("\\uD", at, end) >= 0:
            self._check_surrogates(value, at)
        return value, end

    def _check_surrogates(self, value: dict[str, JSON], at: int) -> None:
        """Half of a pair stands for no character, and can be written nowhere."""
        try:
            dump_json(value)
        except UnicodeEncodeError:
            self._fail(at, "in the row that begins here a \\ud800 to \\udfff stands without its other half")

    def _fail(self, at: int, why: str) -> NoReturn:
        raise _refused(self._line + self._text.count("\n", 0, at), why, "json")


_FOLLOWS: Final[Mapping[tuple[str, str], str]] = {
    ("begin", "["): "first",
    ("first", "]"): "end",
    ("after", ","): "next",
    ("after", "]"): "end",
}
_EXPECTED: Final[Mapping[str, str]] = {
    "begin": "an array of objects is expected",
    "first": "an object or the end of the array is expected here",
    "next": "an object is expected here",
    "after": "a comma or the end of the array is expected here",
    "end": "the document ended before this; there may be one JSON document",
}


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


class _Wrong(Exception):
    """A row holds what no value may be."""


def _decimal(text: str) -> Number:
    if reason := number_refused(text):
        raise _Wrong(f"a value cannot be taken: {reason}")
    return Number(text)


def _integer(text: str) -> int | Number:
    if len(text) > 4_300:
        raise _Wrong("an integer has more than 4,300 digits; send it as text")
    return Number(text) if text == "-0" else int(text)


def _constant(name: str) -> NoReturn:
    raise _Wrong(f"stands {name}, which is not JSON")


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Wrong("a name is used twice in one object")
    return made


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
)


def _refused(line: int, why: str, rule: str) -> BodyRefused:
    return BodyRefused(f"Line {line:,}: {why.rstrip('.')}.", rule=rule)
