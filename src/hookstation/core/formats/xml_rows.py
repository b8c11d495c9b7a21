"""Rows as XML: an element a row, its columns elements inside it.

Writing is as for bodies of outgoing webhooks: ``@name`` members are attributes, ``#text`` is text, a list repeats its
element.  Reading makes the same of what it finds.  A document type, and with it every entity of its own, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NoReturn
from xml.parsers import expat  # nosec: document types are refused below, so that nothing is expanded or fetched

from hookstation.core.formats.options import Layout
from hookstation.core.outgoing.xml import HEAD, TEXT, write_xml
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused, MappingFailed

DEEPEST: Final = 64
"""Elements inside one another."""
MOST_CHARACTERS: Final = 8 * 1024 * 1024
"""Characters of names and texts in one row."""

Row = Mapping[str, JSON]


class XmlWriter:
    """Writes rows, those columns of `Layout.columns` only where it names any."""

    def __init__(self, layout: Layout, columns: tuple[str, ...], written: int) -> None:
        self._layout = layout
        self.columns = layout.columns or columns
        self.written = written

    def head(self) -> str:
        """What stands before the rows."""
        return "" if self.written else f"{HEAD}<{self._layout.root}>\n"

    def body(self, rows: Iterable[Row]) -> str:
        """These rows. Raises `MappingFailed` naming the row."""
        return "".join([self._element(row) for row in rows])

    def tail(self) -> str:
        """What stands behind the rows."""
        return f"</{self._layout.root}>\n"

    def _element(self, row: Row) -> str:
        wanted = self._layout.columns
        self.written += 1
        try:
            chosen = {name: row.get(name) for name in wanted} if wanted else dict(row)
            text = write_xml({self._layout.row: chosen})
        except MappingFailed as failed:
            raise MappingFailed(f"row {self.written:,}", failed.message) from failed
        return text[len(HEAD) :] + "\n"


class _Element:
    """An element that is being read."""

    __slots__ = ("members", "name", "pieces")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.members: dict[str, JSON] = {f"@{key}": value for key, value in attributes.items()}
        self.pieces: list[str] = []

    def add(self, name: str, value: JSON) -> None:
        """An element in it has ended; one of the same name makes a list of them."""
        if name not in self.members:
            self.members[name] = value
            return
        known = self.members[name]
        if isinstance(known, list):
            known.append(value)
        else:
            self.members[name] = [known, value]

    def value(self) -> JSON:
        """What it holds: text alone is text, an element with nothing in it the empty text."""
        text = "".join(self.pieces)
        if not self.members:
            return text
        if text.strip():
            self.members[TEXT] = text.strip()
        return self.members


class XmlReader:
    """Reads elements named `Layout.row` inside the root as they come."""

    def __init__(self, layout: Layout) -> None:
        self._wanted, self._columns = layout.row, layout.columns
        self._rows: list[dict[str, JSON]] = []
        self._open: list[_Element] = []
        self._depth = self._size = self._found = 0
        self._others: dict[str, None] = {}
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._no_document_type

    def feed(self, text: str | bytes) -> list[dict[str, JSON]]:
        """The rows that are complete with this text. Raises `BodyRefused` naming the line."""
        return self._parse(text, last=False)

    def close(self) -> list[dict[str, JSON]]:
        """The rows that are left. Raises `BodyRefused`."""
        rows = self._parse(b"", last=True)
        if not self._found and self._others:
            names = ", ".join(list(self._others)[:10])
            self._fail(
                f"no element inside the root is called “{self._wanted}”; there are {names}: say which is a row"
            )
        return rows

    def _parse(self, text: str | bytes, *, last: bool) -> list[dict[str, JSON]]:
        try:
            self._parser.Parse(text, last)
        except expat.ExpatError as error:
            raise BodyRefused(
                f"Line {error.lineno:,}: this is not XML: {expat.ErrorString(error.code)}.", rule="xml"
            ) from None
        rows, self._rows = self._rows, []
        return rows

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            self._fail(f"elements may stand {DEEPEST} deep inside one another, no deeper")
        if self._open or (self._depth == 2 and _local(name) == self._wanted):
            self._open.append(_Element(_local(name), attributes))
            self._grow(len(name) + sum(len(key) + len(value) for key, value in attributes.items()))
        elif self._depth == 2:
            self._others.setdefault(_local(name))

    def _end(self, name: str) -> None:  # noqa: ARG002 - the element that is open says it
        self._depth -= 1
        if not self._open:
            return
        element = self._open.pop()
        if self._open:
            self._open[-1].add(element.name, element.value())
            return
        self._found += 1
        self._size = 0
        value = element.value()
        row: dict[str, JSON] = value if isinstance(value, dict) else {TEXT: value} if value else {}
        self._rows.append({name: row.get(name) for name in self._columns} if self._columns else row)

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].pieces.append(text)
            self._grow(len(text))

    def _grow(self, by: int) -> None:
        self._size += by
        if self._size > MOST_CHARACTERS:
            self._fail(f"a row has more than {MOST_CHARACTERS:,} characters")

    def _no_document_type(self, *_: object) -> None:
        self._fail("a document type is not taken; send the elements alone")

    def _fail(self, why: str) -> NoReturn:
        raise BodyRefused(f"Line {self._parser.CurrentLineNumber:,}: {why}.", rule="xml")


def _local(name: str) -> str:
    return name.rpartition(":")[2]
