"""Settings that several types of step share."""

from __future__ import annotations

from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.values import JSON

MOST_TURNS: Final = 10_000
"""Turns of one loop."""

LARGEST_ANSWER: Final = 8 * 1024 * 1024
"""Bytes of what one step takes in, as many as the characters that it may put out."""

TRIGGER: Final = "$$trigger$$"
COMPARISONS: Final = ("=", "<>", "<", "<=", ">", ">=", "in", "starts with")
TEXT_FORMATS: Final = ("csv", "tsv", "pipe", "json", "ndjson", "xml")
ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
RECORD_KEEPERS: Final = frozenset({"records", "imis"})
FILE_KEEPERS: Final = frozenset({"sftp", "ftps", "s3", "folder"})


def connection(help_text: str, example: str, *, required: bool = True) -> Setting:
    """The connection that a step works with."""
    return Setting("connection", Kind.NAME, required=required, help=help_text, example=example)


def rows(help_text: str = "The rows: a list of objects.", *, required: bool = True) -> Setting:
    """A list of objects, as a rule one template."""
    return Setting("rows", Kind.JSON, required=required, help=help_text, example="$$steps.members.rows$$")


def limit(default: int, most: int, what: str) -> Setting:
    """How many come at most."""
    return Setting(
        "limit", Kind.INTEGER, default=default, minimum=1, maximum=most, help=f"At most so many {what}."
    )


FORMAT_OPTIONS: Final = (
    Setting(
        "header",
        Kind.BOOLEAN,
        default=True,
        help="CSV, TSV and pipe: whether the first line names the columns.",
    ),
    Setting(
        "columns",
        Kind.LIST,
        maximum=1_000,
        help="The columns and their order. Left out: those of the rows as they come; where text without a header is "
        "read, `column1`, `column2` and so on.",
    ),
    Setting(
        "delimiter",
        Kind.TEXT,
        maximum=1,
        help="CSV: the sign between two values, where it is no comma.",
        example=";",
    ),
    Setting(
        "line_end",
        Kind.CHOICE,
        default="crlf",
        choices=("crlf", "lf"),
        help="CSV, TSV and pipe: how lines end.",
    ),
    Setting(
        "quote_all",
        Kind.BOOLEAN,
        default=False,
        help="CSV, TSV and pipe: every value stands in quotes, not only where it must.",
    ),
    Setting(
        "safe_formulas",
        Kind.BOOLEAN,
        default=False,
        help="CSV, TSV and pipe: a text that a spreadsheet would take for a formula gets an apostrophe before it.",
    ),
    Setting("root", Kind.TEXT, default="rows", maximum=100, help="XML: the outermost element."),
    Setting("row", Kind.TEXT, default="row", maximum=100, help="XML: the element of one row."),
)
"""How rows are written as text, and read from it."""

ROWS_SAMPLE: Final[JSON] = [{"ID": "1042", "FullName": "Ann Example", "Grade": "pass"}]
