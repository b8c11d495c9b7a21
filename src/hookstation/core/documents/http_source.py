"""An HTTP API that rows or items are read from, as a part of the documents of polls and transfers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from hookstation.core.documents.step_settings import rewritten
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.polling.definitions import Cursor, CursorKind, HttpSource
from hookstation.core.values import JSON, kind_of
from hookstation.errors import Problem

FORMATS: Final = ("json", "ndjson", "xml", "csv", "tsv")

_PARAMETER: Final = Setting(
    "parameter", Kind.TEXT, maximum=100, help="The parameter of the query that carries it."
)
_LINK: Final = (
    Setting(
        "path",
        Kind.TEXT,
        maximum=300,
        help="Where the answer has the URL of the next page; left out: in the header Link (RFC 8288).",
        example="links.next",
    ),
)
_PAGE: Final = (
    Setting("parameter", Kind.TEXT, default="page", maximum=100, help="The parameter of the query."),
    Setting(
        "first", Kind.INTEGER, default=1, minimum=0, maximum=1_000_000, help="The number of the first page."
    ),
    Setting(
        "step",
        Kind.INTEGER,
        default=1,
        minimum=1,
        maximum=100_000,
        help="What is added for each page: 1 for numbers of pages, their length for offsets.",
    ),
)
_CURSOR: Final = (
    Setting("parameter", Kind.TEXT, default="cursor", maximum=100, help="The parameter of the query."),
    Setting(
        "path",
        Kind.TEXT,
        required=True,
        maximum=300,
        help="Where the answer has the cursor of the next page.",
        example="meta.next_cursor",
    ),
)
CURSORS: Final[Mapping[str, tuple[Setting, ...]]] = {
    CursorKind.FIELD: (
        Setting(
            "field",
            Kind.TEXT,
            required=True,
            maximum=300,
            help="The field that grows from item to item, as a path.",
            example="updatedAt",
        ),
        _PARAMETER,
    ),
    CursorKind.CHANGED: (),
    CursorKind.NEXT_LINK: _LINK,
    CursorKind.PAGE: _PAGE,
    CursorKind.CURSOR: _CURSOR,
}
PAGES: Final[Mapping[str, tuple[Setting, ...]]] = {
    CursorKind.NEXT_LINK: _LINK,
    CursorKind.PAGE: _PAGE,
    CursorKind.CURSOR: _CURSOR,
}
PLACE: Final = (
    Setting("connection", Kind.NAME, help="An `http` connection; left out: `url` is called.", example="lms"),
    Setting(
        "url",
        Kind.ENDPOINT,
        help="Without a connection: the address.",
        example="https://example.org/api/events",
    ),
    Setting(
        "path",
        Kind.TEXT,
        maximum=2_000,
        help="With a connection: the path below its address.",
        example="/events",
    ),
)
_PAGING: Final = Setting(
    "pages",
    Kind.ONE_OF,
    variants=PAGES,
    help="How the following pages are found; left out: one answer is all.",
    example={"type": "next_link"},
)
HTTP: Final = (
    *PLACE,
    Setting("query", Kind.MAPPING, maximum=200, help="Parameters of the query.", example={"status": "done"}),
    Setting("headers", Kind.MAPPING, maximum=100, help="Headers."),
    Setting("format", Kind.CHOICE, default="json", choices=FORMATS, help="What an answer is."),
    Setting(
        "items",
        Kind.TEXT,
        maximum=300,
        help="Where the items stand in an answer, as a path, and of XML the name of an item's element; left out: the "
        "answer is the list.",
        example="data.items",
    ),
)
HTTP_ROWS: Final = (*HTTP, _PAGING)
"""The settings of a source that is read as a whole."""
HTTP_ITEMS: Final = (
    *HTTP,
    Setting(
        "cursor",
        Kind.ONE_OF,
        variants=CURSORS,
        help="What is remembered from turn to turn: the greatest value of a field (`field`), the answer's `ETag` or "
        "`Last-Modified` (`changed`), or where the last page was. Left out: nothing, and the items' keys alone tell "
        "what is new.",
        example={"type": "field", "field": "updatedAt", "parameter": "since"},
    ),
    _PAGING,
)
"""The settings of a source that is looked at again and again."""


def http_of(values: Values) -> HttpSource:
    """The source that was decoded without problems."""
    query = rewritten(dict(values.mapping("query")))
    assert isinstance(query, dict)
    return HttpSource(
        values.text("connection"),
        values.text("url"),
        values.text("path"),
        query,
        {name: str(one) for name, one in values.mapping("headers").items()},
        values.text("format"),
        values.text("items"),
        _cursor(values.group("cursor")),
        _cursor(values.group("pages")),
    )


def _cursor(values: Values) -> Cursor | None:
    if not values:
        return None
    return Cursor(
        CursorKind(values.text("type")),
        values.text("field"),
        values.text("parameter"),
        values.text("path"),
        values.integer("first") if "first" in values else 1,
        values.integer("step") if "step" in values else 1,
    )


def http_values(source: HttpSource) -> dict[str, object]:
    """The values of the settings, without a type."""
    return {
        **place_values(source.connection, source.url, source.path),
        "query": dict(source.query),
        "headers": dict(source.headers),
        "format": source.format,
        "items": source.items,
        "cursor": _cursor_values(source.cursor),
        "pages": _cursor_values(source.pages),
    }


def place_values(connection: str, url: str, path: str) -> dict[str, object]:
    """The values of `PLACE`."""
    return {"connection": connection, "url": url or None, "path": path}


def _cursor_values(cursor: Cursor | None) -> dict[str, object] | None:
    if cursor is None:
        return None
    names = {setting.name for setting in CURSORS[cursor.kind]}
    values: dict[str, object] = {
        "field": cursor.field,
        "parameter": cursor.parameter,
        "path": cursor.path,
        "first": cursor.first,
        "step": cursor.step,
    }
    return {"type": cursor.kind.value, **{name: one for name, one in values.items() if name in names}}


def check_place(values: Values) -> Iterator[Problem]:
    """A whole address, or a connection with a path below its address."""
    if "url" in values and "connection" in values:
        yield Problem(("url",), "cannot stand beside “connection”; write “path”, below its address.")
    elif "url" not in values and "connection" not in values:
        yield Problem((), "needs “connection” or “url”.")
    elif "path" in values and "connection" not in values:
        yield Problem(("path",), "is for a connection; write the whole address as “url”.")


def check_http(values: Values) -> Iterator[Problem]:
    """What decoding the settings of an HTTP source alone cannot see."""
    yield from check_place(values)
    for part in ("query", "headers"):
        for name, one in values.mapping(part).items():
            if isinstance(one, list | dict) or (part == "headers" and not isinstance(one, str)):
                yield Problem((part, name), f"must be text, but is {kind_of(one)}.")
    cursor, pages = values.group("cursor"), values.group("pages")
    if pages and cursor.text("type") in PAGES:
        yield Problem(("pages",), "is said by “cursor” already; leave it out.")
    elif pages and cursor.text("type") == CursorKind.CHANGED:
        told = "cannot stand beside a cursor “changed”: whether a later page has changed, the first one does not say."
        yield Problem(("pages",), told)


def where_values(values: Values) -> tuple[Mapping[str, JSON], Mapping[str, JSON]]:
    """``where`` and ``parameters`` of a source, as constants."""
    return dict(values.mapping("where")), dict(values.mapping("parameters"))
