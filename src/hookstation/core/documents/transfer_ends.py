"""Where a transfer takes rows from and where it brings them, as a part of its document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, assert_never

from hookstation.core.documents.action import VARIANTS as ACTIONS
from hookstation.core.documents.action import action_of, action_values, check_action
from hookstation.core.documents.credentials import (
    CREDENTIALS,
    check_credentials,
    credentials_of,
    credentials_values,
)
from hookstation.core.documents.http_source import (
    HTTP_ROWS,
    check_http,
    http_of,
    http_values,
    place_values,
)
from hookstation.core.documents.step_settings import check_source, rewritten
from hookstation.core.documents.work import written_seconds
from hookstation.core.events import State
from hookstation.core.fieldlist import Kind, Setting, Values, listed
from hookstation.core.nearest import did_you_mean
from hookstation.core.polling.definitions import HttpSource
from hookstation.core.template import rewrite
from hookstation.core.transfers.definitions import (
    FileTarget,
    How,
    HttpTarget,
    JournalRows,
    MailTarget,
    QueryRows,
    RecordRows,
    RowSource,
    TableRows,
    Target,
)
from hookstation.core.values import JSON, kind_of
from hookstation.core.workflows.catalog.common import ENCODINGS
from hookstation.core.workflows.catalog.databases import SOURCE as SQL_SOURCE
from hookstation.core.workflows.scoping import Seen, template_problems
from hookstation.errors import Problem

_STATES: Final = tuple(state.value for state in State)
_LONGEST: Final = 65_536

SOURCES: Final[Mapping[str, tuple[Setting, ...]]] = {
    "sql": (
        Setting("connection", Kind.NAME, required=True, help="The SQL connection.", example="crm-database"),
        *SQL_SOURCE,
    ),
    "imis_query": (
        Setting("connection", Kind.NAME, required=True, help="The iMIS connection.", example="imis"),
        Setting(
            "query",
            Kind.TEXT,
            required=True,
            maximum=1_000,
            help="The path of the query.",
            example="$/Membership/Lapsed",
        ),
        Setting("parameters", Kind.MAPPING, maximum=100, help="Prompts of the query and their values."),
    ),
    "records": (
        Setting("panel", Kind.NAME, help="A panel of the records database; left out: activities."),
        Setting(
            "match",
            Kind.MAPPING,
            maximum=20,
            help="Only records whose fields have these values; left out: all.",
        ),
    ),
    "http": HTTP_ROWS,
    "journal": (
        Setting("webhook", Kind.NAME, help="Only events of this webhook; left out: of all."),
        Setting("states", Kind.LIST, maximum=20, help="Only events in these states; left out: in any."),
        Setting(
            "since",
            Kind.DURATION,
            minimum=1,
            maximum=3_660 * 86_400,
            help="Only events that came so long ago at most; left out: all there are.",
            example="1d",
        ),
    ),
}
SOURCE: Final = Setting(
    "source",
    Kind.ONE_OF,
    required=True,
    variants=SOURCES,
    help="Where the rows come from.",
    example={"type": "sql", "connection": "crm-database", "table": "members"},
)
_PATH: Final = Setting(
    "path",
    Kind.TEXT,
    required=True,
    maximum=2_000,
    help="The file: a template over `run` and `trigger`, with `how: chunks` also `chunk`, its number from 1.",
    example="out/members-$$run.id$$.csv",
)
TARGETS: Final[Mapping[str, tuple[Setting, ...]]] = {
    "http": (
        Setting(
            "connection", Kind.NAME, help="An `http` connection; left out: `url` is called.", example="lms"
        ),
        Setting(
            "url",
            Kind.TEXT,
            maximum=_LONGEST,
            help="Without a connection: the address; with `how: rows` what follows the host may be a template over the "
            "row.",
            example="https://example.org/api/members/$$ID$$",
        ),
        Setting(
            "path",
            Kind.TEXT,
            maximum=_LONGEST,
            help="With a connection: the path below its address, a template as `url`.",
        ),
        Setting(
            "method",
            Kind.CHOICE,
            default="POST",
            choices=("POST", "PUT", "PATCH", "DELETE"),
            help="The method.",
        ),
        Setting(
            "how",
            Kind.CHOICE,
            default="chunks",
            choices=tuple(How),
            help="`whole`: one call with all rows; `chunks`: one for every so many rows; `rows`: one for each row.",
        ),
        Setting(
            "headers", Kind.MAPPING, maximum=100, help="Headers; with `how: rows` templates over the row."
        ),
        CREDENTIALS,
        Setting(
            "networks",
            Kind.NETWORKS,
            help="Private networks that may be called, besides public addresses.",
            example=["10.0.0.0/8"],
        ),
        Setting("ports", Kind.PORTS, help="Ports that may be called, besides 80 and 443."),
        Setting(
            "body",
            Kind.JSON,
            help="With `how: rows`: what is sent, JSON of templates over the row; left out: the row.",
            example={"id": "$$ID$$"},
        ),
        Setting(
            "then",
            Kind.ONE_OF,
            variants=ACTIONS,
            help="With `how: rows`: what is written after each call; its templates read the row, and `answer` with "
            "`status`, `headers` and `body`.",
            example={
                "type": "update_panel",
                "connection": "imis",
                "panel": "ABC_Members",
                "match": {"ID": "$$ID$$"},
                "fields": {"RemoteId": "$$answer.body.id$$"},
            },
        ),
    ),
    "files": (
        Setting(
            "connection",
            Kind.NAME,
            required=True,
            help="An `sftp`, `ftps`, `s3` or `folder` connection.",
            example="printer-sftp",
        ),
        _PATH,
        Setting(
            "how",
            Kind.CHOICE,
            default="whole",
            choices=(How.WHOLE.value, How.CHUNKS.value),
            help="`whole`: one file; `chunks`: one for every so many rows.",
        ),
        Setting(
            "replace",
            Kind.BOOLEAN,
            default=True,
            help="Whether a file of that name is replaced; else it is refused.",
        ),
        Setting("encoding", Kind.CHOICE, default="utf-8", choices=ENCODINGS, help="How text becomes bytes."),
    ),
    "mail": (
        Setting("connection", Kind.NAME, required=True, help="The `smtp` connection.", example="mail"),
        Setting(
            "to",
            Kind.LIST,
            required=True,
            minimum=1,
            maximum=50,
            help="Addresses.",
            example=["ann@example.org"],
        ),
        Setting(
            "path",
            Kind.TEXT,
            required=True,
            maximum=200,
            help="The attachment's name.",
            example="members.csv",
        ),
        Setting(
            "subject", Kind.TEXT, required=True, maximum=_LONGEST, help="The subject.", example="Members"
        ),
        Setting("text", Kind.TEXT, maximum=_LONGEST, help="The mail as plain text."),
    ),
}
DESTINATION: Final = Setting(
    "destination",
    Kind.ONE_OF,
    required=True,
    variants=TARGETS,
    help="Where they go.",
    example={"type": "files", "connection": "printer-sftp", "path": "members.csv"},
)
SOURCE_CONNECTIONS: Final[Mapping[str, frozenset[str]]] = {
    "sql": frozenset({"sql"}),
    "imis_query": frozenset({"imis"}),
    "http": frozenset({"http"}),
}
TARGET_CONNECTIONS: Final[Mapping[str, frozenset[str]]] = {
    "http": frozenset({"http"}),
    "files": frozenset({"sftp", "ftps", "s3", "folder"}),
    "mail": frozenset({"smtp"}),
}
"""The types of connection that each type of source or destination works with."""


def check_rows(values: Values) -> Iterator[Problem]:
    """What decoding the settings of a source alone cannot see."""
    match values.text("type"):
        case "sql":
            if ("table" in values) == ("statement" in values):
                yield Problem((), "needs one of “table” and “statement”.")
            yield from check_source(values)
            yield from _check_templates(values, ("where", "parameters"), Seen())
        case "imis_query":
            yield from _check_templates(values, ("parameters",), Seen())
        case "records":
            yield from _check_templates(values, ("match",), Seen())
        case "http":
            yield from check_http(values)
        case "journal":
            for index, one in enumerate(values.texts("states")):
                if one not in _STATES:
                    told = f"“{one[:40]}” is not a state; there are {listed(_STATES)}."
                    yield Problem(("states", index), told + did_you_mean(one, _STATES))


def _check_templates(values: Values, names: tuple[str, ...], seen: Seen) -> Iterator[Problem]:
    for name in names:
        written = values.get(name)
        if isinstance(written, str | list | dict):
            yield from template_problems(written, seen, (name,))


def check_destination(values: Values) -> Iterator[Problem]:
    """What decoding the settings of a destination alone cannot see."""
    match values.text("type"):
        case "http":
            yield from _check_calls(values)
        case "files":
            yield from _check_templates(values, ("path",), Seen())
        case "mail":
            yield from _check_templates(values, ("path", "subject", "text"), Seen())
            for index, address in enumerate(values.texts("to")):
                if "@" not in address:
                    told = f"“{address[:60]}” is not an address such as ann@example.org."
                    yield Problem(("to", index), told)


def _check_calls(values: Values) -> Iterator[Problem]:
    rows = values.text("how") == How.ROWS
    if "url" in values and "connection" in values:
        yield Problem(("url",), "cannot stand beside “connection”; write “path”, below its address.")
    elif "url" not in values and "connection" not in values:
        yield Problem((), "needs “connection” or “url”.")
    url = values.text("url")
    host = url.partition("://")[2].partition("/")[0]
    if url and (not url.startswith(("http://", "https://")) or not host or "$" in host or "{" in host):
        yield Problem(("url",), "must begin with http:// or https:// and a host, which cannot be a template.")
    for name in ("body", "then"):
        if name in values and not rows:
            yield Problem((name,), "is for “how: rows”; set that, or leave this out.")
    for name, one in values.mapping("headers").items():
        if not isinstance(one, str):
            yield Problem(("headers", name), f"must be a template (text), but is {kind_of(one)}.")
    yield from _check_templates(values, ("url", "path", "headers", "body"), Seen(row=rows))
    action = values.group("then")
    yield from (problem.under("then") for problem in check_action(action))
    for part in ("fields", "match"):
        yield from template_problems(dict(action.mapping(part)), Seen(row=True), ("then", part))
    proof = values.group("authentication")
    if all(one.name in proof for one in CREDENTIALS.variants.get(proof.text("type"), ()) if one.required):
        credentials = credentials_of(proof)
        yield from (problem.under("authentication") for problem in check_credentials(credentials))


def rows_of(values: Values) -> RowSource:
    """The source that was decoded without problems."""
    connection = values.text("connection")
    match values.text("type"):
        case "sql":
            return TableRows(
                connection,
                values.text("table"),
                values.text("statement"),
                values.texts("columns"),
                _rewritten(values, "where"),
                _rewritten(values, "parameters"),
                values.texts("order"),
            )
        case "imis_query":
            return QueryRows(connection, values.text("query"), _rewritten(values, "parameters"))
        case "records":
            return RecordRows(values.text("panel"), _rewritten(values, "match"))
        case "http":
            return http_of(values)
    since = values.seconds("since") if "since" in values else 0.0
    return JournalRows(values.text("webhook"), values.texts("states"), since)


def _rewritten(values: Values, name: str) -> dict[str, JSON]:
    written = rewritten(dict(values.mapping(name)))
    assert isinstance(written, dict)
    return written


def rows_values(source: RowSource) -> dict[str, object]:
    """The settings of a source, with its type."""
    match source:
        case TableRows():
            return {
                "type": "sql",
                "connection": source.connection,
                "table": source.table,
                "statement": source.statement,
                "columns": list(source.columns),
                "where": dict(source.where),
                "parameters": dict(source.parameters),
                "order": list(source.order),
            }
        case QueryRows():
            return {
                "type": "imis_query",
                "connection": source.connection,
                "query": source.query,
                "parameters": dict(source.parameters),
            }
        case RecordRows():
            return {"type": "records", "panel": source.panel, "match": dict(source.match)}
        case HttpSource():
            return {"type": "http", **http_values(source)}
        case JournalRows():
            since = written_seconds(source.since) if source.since else None
            return {
                "type": "journal",
                "webhook": source.webhook,
                "states": list(source.states),
                "since": since,
            }
    assert_never(source)


def destination_of(values: Values) -> Target:
    """The destination that was decoded without problems."""
    connection = values.text("connection")
    match values.text("type"):
        case "http":
            then = values.group("then")
            return HttpTarget(
                connection,
                rewrite(values.text("url")),
                rewrite(values.text("path")),
                values.text("method"),
                How(values.text("how")),
                {name: rewrite(str(one)) for name, one in values.mapping("headers").items()},
                credentials_of(values.group("authentication")),
                values.texts("networks"),
                values.integers("ports"),
                rewritten(values.json("body")),
                action_of(then) if then else None,
            )
        case "files":
            return FileTarget(
                connection,
                rewrite(values.text("path")),
                How(values.text("how")),
                values.flag("replace"),
                values.text("encoding"),
            )
    return MailTarget(
        connection,
        values.texts("to"),
        rewrite(values.text("path")),
        rewrite(values.text("subject")),
        rewrite(values.text("text")),
    )


def destination_values(target: Target) -> dict[str, object]:
    """The settings of a destination, with its type."""
    match target:
        case HttpTarget():
            return {
                "type": "http",
                **place_values(target.connection, target.url, target.path),
                "method": target.method,
                "how": target.how.value,
                "headers": dict(target.headers),
                "authentication": credentials_values(target.credentials),
                "networks": list(target.networks),
                "ports": list(target.ports),
                "body": target.body,
                "then": action_values(target.then) if target.then else None,
            }
        case FileTarget():
            return {
                "type": "files",
                "connection": target.connection,
                "path": target.path,
                "how": target.how.value,
                "replace": target.replace,
                "encoding": target.encoding,
            }
        case MailTarget():
            return {
                "type": "mail",
                "connection": target.connection,
                "to": list(target.to),
                "path": target.path,
                "subject": target.subject,
                "text": target.text,
            }
    assert_never(target)
