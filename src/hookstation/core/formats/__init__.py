"""Rows as text and text as rows: CSV, TSV, pipe, JSON, NDJSON, XML, as streams of bounded memory."""

from hookstation.core.formats.options import ENCODINGS, FormatType, Layout, read_layout
from hookstation.core.formats.streams import Reader, Writer, from_text, to_text

__all__ = [
    "ENCODINGS",
    "FormatType",
    "Layout",
    "Reader",
    "Writer",
    "from_text",
    "read_layout",
    "to_text",
]
