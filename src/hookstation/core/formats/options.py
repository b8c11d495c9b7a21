"""How rows stand in text: the format and its details."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON, kind_of
from hookstation.errors import Invalid, Problem


class FormatType(StrEnum):
    """The formats that rows are written in and read from.

    `CSV`: RFC 4180.  `TSV` and `PIPE`: the same with tabs and with ``|`` between values, quoted by the same rule.
    `JSON`: one array of objects (RFC 8259).  `NDJSON`: an object a line.  `XML`: an element a row.
    """

    CSV = "csv"
    TSV = "tsv"
    PIPE = "pipe"
    JSON = "json"
    NDJSON = "ndjson"
    XML = "xml"


DELIMITERS: Final[Mapping[FormatType, str]] = {
    FormatType.CSV: ",",
    FormatType.TSV: "\t",
    FormatType.PIPE: "|",
}
"""What stands between two values; the formats that have no lines of values are not among them."""

LINE_ENDS: Final[Mapping[str, str]] = {"crlf": "\r\n", "lf": "\n"}
ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252")
MOST_COLUMNS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows stand in text.

    `header`: the first line names the columns.  `columns`: which ones, and their order; empty: those of the first row
    where rows come one by one, of all of them where they are together, or of the header.  `delimiter`: one sign.
    `quote_all`: every value stands in quotes, not only where it must.  `line_end`: the signs themselves.  `encoding`:
    one of `ENCODINGS`; ``utf-8-sig`` is UTF-8 with a byte-order mark.  `safe_formulas`: a text that a spreadsheet would
    take for a formula gets an apostrophe before it.  `root` and `row`: names of elements.
    """

    type: FormatType = FormatType.CSV
    header: bool = True
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    quote_all: bool = False
    line_end: str = "\r\n"
    encoding: str = "utf-8"
    safe_formulas: bool = False
    root: str = "rows"
    row: str = "row"


def read_layout(type_name: str, options: Mapping[str, JSON] | None = None) -> Layout:
    """The layout that a person wrote: the format's name, and options as the step ``convert`` has them.

    Raises `Invalid` with every mistake; paths begin at the options.
    """
    reader = _Options(options or {})
    known = [one.value for one in FormatType]
    if type_name not in known:
        said = f"There is no format “{type_name[:40]}”; known are {', '.join(known)}.{did_you_mean(type_name, known)}"
        raise Invalid([Problem((), said)])
    kind = FormatType(type_name)
    layout = Layout(
        kind,
        header=reader.flag("header", True),
        columns=reader.columns(),
        delimiter=reader.delimiter(DELIMITERS.get(kind, ",")),
        quote_all=reader.flag("quote_all", False),
        line_end=LINE_ENDS[reader.choice("line_end", tuple(LINE_ENDS), "crlf")],
        encoding=reader.choice("encoding", ENCODINGS, "utf-8"),
        safe_formulas=reader.flag("safe_formulas", False),
        root=reader.name("root", "rows"),
        row=reader.name("row", "row"),
    )
    if kind not in DELIMITERS and layout.encoding not in ("utf-8", "utf-8-sig"):
        reader.say("encoding", f"{kind.value} is written in UTF-8; leave it out.")
    if reader.problems:
        raise Invalid(reader.problems)
    return layout


class _Options:
    """Reads options one by one, and gathers what is wrong with them."""

    def __init__(self, given: Mapping[str, JSON]) -> None:
        self._given = given
        self.problems: list[Problem] = []

    def say(self, name: str, message: str) -> None:
        self.problems.append(Problem((name,), message))

    def flag(self, name: str, default: bool) -> bool:
        value = self._given.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.say(name, f"is {kind_of(value)}; write true or false.")
            return default
        return value

    def choice(self, name: str, known: tuple[str, ...], default: str) -> str:
        value = self._given.get(name)
        if value is None:
            return default
        if value not in known:
            self.say(name, f"must be one of {', '.join(known)}.")
            return default
        return str(value)

    def columns(self) -> tuple[str, ...]:
        value = self._given.get("columns")
        if value is None:
            return ()
        names = [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []
        if not isinstance(value, list) or len(names) != len(value) or len(set(names)) != len(names):
            self.say("columns", "must be a list of names, each of them once.")
        elif len(names) > MOST_COLUMNS:
            self.say("columns", f"has {len(names):,} names; at most {MOST_COLUMNS:,} are allowed.")
        return tuple(names)

    def delimiter(self, default: str) -> str:
        value = self._given.get("delimiter")
        if value is None or value == "":
            return default
        if not isinstance(value, str) or len(value) != 1 or value in '"\r\n\0 ':
            self.say("delimiter", "must be one sign, and no quote, space or line end; for example “;”.")
            return default
        return value

    def name(self, option: str, default: str) -> str:
        value = self._given.get(option)
        if value is None or value == "":
            return default
        if not isinstance(value, str) or not _XML_NAME.fullmatch(value) or value.lower().startswith("xml"):
            self.say(
                option, "must be a name in XML: letters, digits, “_”, “-” and “.”, beginning with a letter."
            )
            return default
        return value


_XML_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


def decoder_of(encoding: str) -> codecs.IncrementalDecoder:
    """A strict decoder for text that comes in pieces; a byte-order mark of UTF-8 is taken off."""
    return codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
