"""Rows to bytes and bytes to rows, piece by piece, in memory that does not grow with their number."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Protocol

from hookstation.core.formats.delimited import DelimitedReader, DelimitedWriter
from hookstation.core.formats.json_rows import JsonLinesReader, JsonReader, JsonWriter
from hookstation.core.formats.options import FormatType, Layout, decoder_of
from hookstation.core.formats.xml_rows import XmlReader, XmlWriter
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused, MappingFailed


class _Writes(Protocol):
    columns: tuple[str, ...]
    written: int

    def head(self) -> str: ...
    def body(self, rows: Iterable[Mapping[str, JSON]]) -> str: ...
    def tail(self) -> str: ...


class _Reads(Protocol):
    def feed(self, text: str) -> list[dict[str, JSON]]: ...
    def close(self) -> list[dict[str, JSON]]: ...


class Writer:
    """Writes rows as bytes: `begin`, `rows` as often as there are any, `end`.

    A writer that takes up the work of another one is made with that one's `columns` and `written`; its `begin` is
    empty then.
    """

    def __init__(self, layout: Layout, columns: tuple[str, ...] = (), written: int = 0) -> None:
        self._text = _writer(layout, columns, written)
        self._encoding = layout.encoding
        self._encoder = codecs.getincrementalencoder(layout.encoding)()
        if written:
            self._encoder.encode(" ")  # a byte-order mark stands at the very beginning only

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, empty as long as they are not known."""
        return self._text.columns

    @property
    def written(self) -> int:
        """Rows so far."""
        return self._text.written

    def begin(self) -> bytes:
        """What stands before the rows; a header that only the first row can name comes with it."""
        return self._encoded(self._text.head())

    def rows(self, rows: Iterable[Mapping[str, JSON]]) -> bytes:
        """These rows. Raises `MappingFailed` naming the row that cannot be written."""
        return self._encoded(self._text.body(rows))

    def end(self) -> bytes:
        """What stands behind the rows."""
        return self._encoded(self._text.tail())

    def _encoded(self, text: str) -> bytes:
        if not text:
            return b""
        if self._encoding == "utf-8":
            try:
                return text.encode()
            except UnicodeEncodeError as error:
                raise self._refused(text, error) from None
        try:
            return self._encoder.encode(text)
        except UnicodeEncodeError as error:
            raise self._refused(text, error) from None

    def _refused(self, text: str, error: UnicodeEncodeError) -> MappingFailed:
        sign = text[error.start]
        shown = f"U+{ord(sign):04X}" if "\ud800" <= sign <= "\udfff" else f"“{sign}”"
        return MappingFailed("rows", f"{shown} cannot be written in {self._encoding}; use utf-8.")


class Reader:
    """Reads rows out of bytes: `feed` as often as there are any, `close`. XML says itself how it is encoded."""

    def __init__(self, layout: Layout) -> None:
        self._text: _Reads | XmlReader = _reader(layout)
        self._type, self._encoding = layout.type, layout.encoding
        self._decoder = decoder_of(layout.encoding)

    def feed(self, data: bytes) -> list[dict[str, JSON]]:
        """The rows that are complete with these bytes. Raises `BodyRefused` naming the line."""
        if isinstance(self._text, XmlReader):
            return self._text.feed(data)
        return self._text.feed(self._decoded(data, last=False))

    def close(self) -> list[dict[str, JSON]]:
        """The rows that are left. Raises `BodyRefused`."""
        if not isinstance(self._text, XmlReader):
            self._decoded(b"", last=True)
        return self._text.close()

    def _decoded(self, data: bytes, *, last: bool) -> str:
        try:
            return self._decoder.decode(data, last)
        except UnicodeDecodeError as error:
            raise BodyRefused(
                f"The text is not {self._encoding}: the byte 0x{error.object[error.start]:02x} cannot stand where it "
                "is; say which encoding it has.",
                rule=self._type.value,
            ) from None


def _writer(layout: Layout, columns: tuple[str, ...], written: int) -> _Writes:
    match layout.type:
        case FormatType.JSON | FormatType.NDJSON:
            return JsonWriter(layout, columns, written)
        case FormatType.XML:
            return XmlWriter(layout, columns, written)
    return DelimitedWriter(layout, columns, written)


def _reader(layout: Layout) -> _Reads:
    match layout.type:
        case FormatType.JSON:
            return JsonReader()
        case FormatType.NDJSON:
            return JsonLinesReader()
        case FormatType.XML:
            return XmlReader(layout)
    return DelimitedReader(layout)


def to_text(rows: Iterable[Mapping[str, JSON]], layout: Layout) -> str:
    """All rows as one text, with the columns of all of them; what a row lacks is empty.

    Raises `MappingFailed` naming the row.
    """
    given = list(rows)
    writer = _writer(layout, tuple(dict.fromkeys(chain.from_iterable(given))), 0)
    head = writer.head()
    return head + writer.body(given) + writer.tail()


def from_text(text: str, layout: Layout) -> list[dict[str, JSON]]:
    """All rows of a text. Raises `BodyRefused` naming the line."""
    reader = _reader(layout)
    rows = reader.feed(text.removeprefix("\ufeff"))
    return rows + reader.close()
