"""Lines of values: CSV, TSV and values between pipes.

One rule for all three (RFC 4180): a value that holds the delimiter, a quote or a line end stands in quotes, a quote in
it is written twice.  Null is written as nothing, an object or array as JSON; what is read is always text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from hookstation.core.formats.options import Layout
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON, Number
from hookstation.errors import BodyRefused, MappingFailed

MOST_CHARACTERS: Final = 1024 * 1024
"""Characters of one line of values; a quote that is never closed would make one of all that follows."""

_PLAIN: Final = frozenset({str, int, type(None), Number})
"""Values that the library writes as we do."""
_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9 .,]*%?")

Row = Mapping[str, JSON]


class DelimitedWriter:
    """Writes lines. `columns`: known from the first row on; `written`: rows so far."""

    def __init__(self, layout: Layout, columns: tuple[str, ...], written: int) -> None:
        self._layout = layout
        self.columns = layout.columns or columns
        self.written = written
        self._pick = self._picker()
        self._names = frozenset(self.columns)

    def head(self) -> str:
        """What stands before the rows, where that is known without any."""
        return self._header() if self.written == 0 and self.columns else ""

    def body(self, rows: Iterable[Row]) -> str:
        """The lines of these rows. Raises `MappingFailed` naming the row."""
        out: list[str] = []
        writer, given = self._writer(out), rows if isinstance(rows, list) else list(rows)
        if given and not self.columns:
            out.append(self._begin(given[0]))
        alike = self._alike(given)
        if alike is not None:
            writer.writerows(alike)
            self.written += len(alike)
        for row in given if alike is None else ():
            writer.writerow(self._cells(row))
            self.written += 1
        return "".join(out) if self._layout.line_end == "\r\n" else self._with_line_ends(out)

    def tail(self) -> str:
        """What stands behind the rows."""
        return ""

    def _writer(self, out: list[str]) -> Any:
        return csv.writer(
            _Lines(out),
            delimiter=self._layout.delimiter,
            quoting=csv.QUOTE_ALL if self._layout.quote_all else csv.QUOTE_MINIMAL,
            lineterminator="\r\n",
        )

    def _with_line_ends(self, lines: list[str]) -> str:
        return "".join([line[:-2] + self._layout.line_end for line in lines if line])

    def _begin(self, row: Row) -> str:
        if not row:
            raise MappingFailed("row 1", "has no columns; name them in the option `columns`.")
        self.columns = tuple(row)
        self._names = frozenset(self.columns)
        self._pick = self._picker()
        return self._header(plain=True)

    def _header(self, *, plain: bool = False) -> str:
        if not self._layout.header:
            return ""
        out: list[str] = []
        self._writer(out).writerow(self.columns)
        return out[0] if plain or self._layout.line_end == "\r\n" else self._with_line_ends(out)

    def _picker(self) -> Callable[[Row], tuple[JSON, ...]] | None:
        return itemgetter(*self.columns) if len(self.columns) > 1 else None

    def _alike(self, rows: list[Row]) -> list[tuple[JSON, ...]] | None:
        """The cells of rows that all have the same columns, and values that the library writes as we do."""
        if self._pick is None or self._layout.safe_formulas:
            return None
        try:
            picked = list(map(self._pick, rows))
        except KeyError:
            return None
        if not self._layout.columns and not {len(self.columns)}.issuperset(map(len, rows)):
            return None
        return picked if _PLAIN.issuperset(map(type, chain.from_iterable(picked))) else None

    def _cells(self, row: Row) -> Iterable[JSON]:
        if not self._layout.columns and not row.keys() <= self._names:
            extra = next(name for name in row if name not in self._names)
            raise MappingFailed(
                f"row {self.written + 1:,}",
                f"has the column “{extra[:100]}”, which the first row does not have; name all columns in the option "
                "`columns`, or select them before.",
            )
        if self._pick is not None and len(row) >= len(self.columns):
            try:
                cells = self._pick(row)
            except KeyError:
                cells = tuple(map(row.get, self.columns))
        else:
            cells = tuple(map(row.get, self.columns))
        if self._layout.safe_formulas:
            return [_harmless(text_of(cell)) if type(cell) is str else _written(cell) for cell in cells]
        return cells if _PLAIN.issuperset(map(type, cells)) else map(_written, cells)


class _Lines:
    """Takes the lines that the library writes, one by one."""

    __slots__ = ("write",)

    def __init__(self, out: list[str]) -> None:
        self.write = out.append


def _written(cell: JSON) -> JSON:
    return cell if type(cell) in _PLAIN else text_of(cell)


def _harmless(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


class DelimitedReader:
    """Reads lines as they come. A row is an object of texts."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._names: tuple[str, ...] = () if layout.header else layout.columns
        self._rest = ""
        self._enough = 0
        self._line = 0

    def feed(self, text: str) -> list[dict[str, JSON]]:
        """The rows that are complete with this text. Raises `BodyRefused` naming the line."""
        text = self._rest + text
        end = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
        if len(text) < self._enough or not end:
            self._rest = text
            self._check_length(len(text))
            return []
        rows, read = self._read(text[:end], last=False)
        self._rest = text[read:]
        self._check_length(len(self._rest) - (len(text) - end))
        self._enough = min(2 * len(self._rest), MOST_CHARACTERS) if read < end else 0
        return rows

    def close(self) -> list[dict[str, JSON]]:
        """The rows that are left. Raises `BodyRefused`."""
        rows, _ = self._read(self._rest, last=True)
        self._rest = ""
        return rows

    def _check_length(self, length: int) -> None:
        if length > MOST_CHARACTERS:
            raise BodyRefused(
                f"Line {self._line + 1:,}: a row has more than {MOST_CHARACTERS:,} characters; a quote that opens in "
                "it may not be closed.",
                rule=self._layout.type.value,
            )

    def _read(self, text: str, *, last: bool) -> tuple[list[dict[str, JSON]], int]:
        lines = StringIO(text, newline="")
        reader = csv.reader(lines, delimiter=self._layout.delimiter, strict=True)
        rows: list[dict[str, JSON]] = []
        read = number = 0
        try:
            for values in reader:
                if values:
                    self._take(values, rows, self._line + number + 1)
                read, number = lines.tell(), reader.line_num
        except csv.Error as error:
            if last or lines.tell() < len(text) or "unexpected end" not in str(error):
                raise self._refused(self._line + number + 1, str(error)) from None
        self._line += number
        return rows, read

    def _take(self, values: list[str], rows: list[dict[str, JSON]], line: int) -> None:
        names = self._names
        if not names:
            self._names = names = self._named(values, line)
            if self._layout.header:
                return
        if len(values) != len(names):
            raise BodyRefused(
                f"Line {line:,} has {len(values):,} values, but there are {len(names):,} columns; a delimiter or a "
                "quote may be missing or too many.",
                rule=self._layout.type.value,
            )
        row: dict[str, JSON] = dict(zip(names, values, strict=True))
        if self._layout.header and self._layout.columns:
            row = {name: row[name] for name in self._layout.columns}
        rows.append(row)

    def _named(self, values: list[str], line: int) -> tuple[str, ...]:
        if not self._layout.header:
            return tuple(f"column{number}" for number in range(1, len(values) + 1))
        names = tuple(value.strip() or f"column{number}" for number, value in enumerate(values, 1))
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise BodyRefused(
                f"Line {line:,}: two columns are called “{twice[:100]}”; each needs a name of its own.",
                rule=self._layout.type.value,
            )
        missing = [name for name in self._layout.columns if name not in names]
        if missing:
            raise BodyRefused(
                f"Line {line:,}: there is no column “{missing[0][:100]}”; there are {', '.join(names)[:500]}.",
                rule=self._layout.type.value,
            )
        return names

    def _refused(self, line: int, said: str) -> BodyRefused:
        if "field limit" in said:
            why = f"a value has more than {csv.field_size_limit():,} characters"
        elif "unexpected end" in said:
            why = "a quote opens, but is never closed"
        else:
            why = "a quote closes inside a value; a quote in a value is written twice, and the value stands in quotes"
        return BodyRefused(f"Line {line:,}: {why}.", rule=self._layout.type.value)
