"""Where a poll looks for new things, as a part of its document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, assert_never

from hookstation.core.documents.http_source import (
    HTTP_ITEMS,
    PLACE,
    check_http,
    check_place,
    http_of,
    http_values,
    place_values,
)
from hookstation.core.documents.step_settings import check_source
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.polling.definitions import (
    ActivitiesSource,
    AfterFile,
    FeedSource,
    FilesSource,
    HttpSource,
    MailboxSource,
    QuerySource,
    Source,
    SqlSource,
)
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog.common import ENCODINGS, FORMAT_OPTIONS, TEXT_FORMATS
from hookstation.core.workflows.catalog.databases import SOURCE as SQL_SOURCE
from hookstation.errors import Problem

_WATERMARK: Final = re.compile(r"(?<!:):watermark\b")
FILE_FORMATS: Final = (*TEXT_FORMATS, "text", "whole")

_SQL: Final = (
    Setting("connection", Kind.NAME, required=True, help="The SQL connection.", example="crm-database"),
    Setting(
        "watermark",
        Kind.TEXT,
        required=True,
        maximum=128,
        help="The column that grows from row to row; a `statement` gets its last value as `:watermark`, and before the "
        "first turn what `parameters` say it is.",
        example="ChangedAt",
    ),
    *(setting for setting in SQL_SOURCE if setting.name != "order"),
)
_IMIS: Final = Setting("connection", Kind.NAME, required=True, help="The iMIS connection.", example="imis")
VARIANTS: Final[Mapping[str, tuple[Setting, ...]]] = {
    "http": HTTP_ITEMS,
    "rss": PLACE,
    "sql": _SQL,
    "imis_query": (
        _IMIS,
        Setting(
            "query",
            Kind.TEXT,
            required=True,
            maximum=1_000,
            help="The path of the query.",
            example="$/Events/Registrations",
        ),
        Setting("parameters", Kind.MAPPING, maximum=100, help="Prompts of the query and their values."),
        Setting(
            "watermark",
            Kind.TEXT,
            maximum=128,
            help="The column that grows from row to row; left out: all rows each time, and keys tell what is new.",
        ),
    ),
    "imis_activities": (
        _IMIS,
        Setting(
            "types",
            Kind.LIST,
            maximum=100,
            help="Types of activities; left out: all.",
            example=["COURSE"],
        ),
    ),
    "files": (
        Setting(
            "connection",
            Kind.NAME,
            required=True,
            help="An `sftp`, `ftps`, `s3` or `folder` connection.",
            example="bank-sftp",
        ),
        Setting("folder", Kind.TEXT, maximum=1_000, help="The folder; left out: the connection's own."),
        Setting(
            "pattern",
            Kind.TEXT,
            default="*",
            maximum=200,
            help="Names of files, with `*` for any signs and `?` for one.",
            example="orders-*.csv",
        ),
        Setting(
            "format",
            Kind.CHOICE,
            default="csv",
            choices=FILE_FORMATS,
            help="What a file is: rows, each an item; `text`: one item with its text; `whole`: one item with its bytes "
            "as base64.",
        ),
        Setting("options", Kind.GROUP, fields=FORMAT_OPTIONS, help="Details of the format."),
        Setting("encoding", Kind.CHOICE, default="utf-8", choices=ENCODINGS, help="How bytes become text."),
        Setting(
            "after",
            Kind.JSON,
            default="keep",
            help="What becomes of a file that was read: `keep`, `delete`, or `move: FOLDER`.",
            example={"move": "done"},
        ),
    ),
    "mailbox": (
        Setting("connection", Kind.NAME, required=True, help="The `imap` connection.", example="inbox"),
        Setting("folder", Kind.TEXT, default="INBOX", maximum=1_000, help="The folder of the mailbox."),
    ),
}
SOURCE: Final = Setting(
    "source",
    Kind.ONE_OF,
    required=True,
    variants=VARIANTS,
    help="Where it looks for new things.",
    example={"type": "http", "connection": "lms", "path": "/completions"},
)
CONNECTIONS: Final[Mapping[str, frozenset[str]]] = {
    "http": frozenset({"http"}),
    "rss": frozenset({"http"}),
    "sql": frozenset({"sql"}),
    "imis_query": frozenset({"imis"}),
    "imis_activities": frozenset({"imis"}),
    "files": frozenset({"sftp", "ftps", "s3", "folder"}),
    "mailbox": frozenset({"imap"}),
}
"""The types of connection that each type of source works with."""


def check_poll_source(values: Values) -> Iterator[Problem]:
    """What decoding the settings of a source alone cannot see."""
    match values.text("type"):
        case "http":
            yield from check_http(values)
        case "rss":
            yield from check_place(values)
        case "sql":
            if ("table" in values) == ("statement" in values):
                yield Problem((), "needs one of “table” and “statement”.")
            yield from check_source(values)
            if _WATERMARK.search(values.text("statement")) and "watermark" not in values.mapping(
                "parameters"
            ):
                told = "needs “watermark”: what it is before the first turn, such as 0 or 1900-01-01."
                yield Problem(("parameters",), told)
        case "files" if "after" in values and _after(values.json("after")) is None:
            yield Problem(("after",), "must be keep, delete, or move: FOLDER.")


def _after(written: JSON) -> tuple[AfterFile, str] | None:
    match written:
        case str() if written in ("keep", "delete"):
            return AfterFile(written), ""
        case {"move": str(folder), **more} if folder and not more:
            return AfterFile.MOVE, folder
    return None


def source_of(values: Values) -> Source:
    """The source that was decoded without problems."""
    connection = values.text("connection")
    match values.text("type"):
        case "http":
            return http_of(values)
        case "rss":
            return FeedSource(connection, values.text("url"), values.text("path"))
        case "sql":
            return SqlSource(
                connection,
                values.text("watermark"),
                values.text("table"),
                values.text("statement"),
                values.texts("columns"),
                values.mapping("where"),
                values.mapping("parameters"),
            )
        case "imis_query":
            parameters = values.mapping("parameters")
            return QuerySource(connection, values.text("query"), parameters, values.text("watermark"))
        case "imis_activities":
            return ActivitiesSource(connection, values.texts("types"))
        case "files":
            return _files(values)
    return MailboxSource(connection, values.text("folder"))


def _files(values: Values) -> FilesSource:
    after, folder = _after(values.json("after")) or (AfterFile.KEEP, "")
    options = values.group("options")
    return FilesSource(
        values.text("connection"),
        values.text("folder"),
        values.text("pattern"),
        values.text("format"),
        given_options(options),
        values.text("encoding"),
        after,
        folder,
    )


def given_options(options: Values) -> dict[str, JSON]:
    """The options of a format that are not as usual."""
    usual = {setting.name: setting.default for setting in FORMAT_OPTIONS}
    return {name: options.json(name) for name in options if options.json(name) != usual[name]}


def source_values(source: Source) -> dict[str, object]:
    """The settings of a source, with its type."""
    match source:
        case HttpSource():
            return {"type": "http", **http_values(source)}
        case FeedSource():
            return {"type": "rss", **place_values(source.connection, source.url, source.path)}
        case SqlSource():
            return {
                "type": "sql",
                "connection": source.connection,
                "watermark": source.watermark,
                "table": source.table,
                "statement": source.statement,
                "columns": list(source.columns),
                "where": dict(source.where),
                "parameters": dict(source.parameters),
            }
        case QuerySource():
            return {
                "type": "imis_query",
                "connection": source.connection,
                "query": source.query,
                "parameters": dict(source.parameters),
                "watermark": source.watermark,
            }
        case ActivitiesSource():
            return {"type": "imis_activities", "connection": source.connection, "types": list(source.types)}
        case FilesSource():
            return {
                "type": "files",
                "connection": source.connection,
                "folder": source.folder,
                "pattern": source.pattern,
                "format": source.format,
                "options": dict(source.options) or None,
                "encoding": source.encoding,
                "after": {"move": source.moved_to} if source.after is AfterFile.MOVE else source.after.value,
            }
        case MailboxSource():
            return {"type": "mailbox", "connection": source.connection, "folder": source.folder}
    assert_never(source)
