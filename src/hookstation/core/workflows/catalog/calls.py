"""Steps that call the API of iMIS, or any other."""

from __future__ import annotations

from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.workflows.catalog.common import (
    LARGEST_ANSWER,
    METHODS,
    ROWS_SAMPLE,
    connection,
    limit,
)
from hookstation.core.workflows.catalog.spec import Group, Reach, StepSpec

IMIS: Final = frozenset({"imis"})
_LONGEST: Final = 65_536
_METHOD: Final = Setting("method", Kind.CHOICE, default="GET", choices=METHODS, help="The method.")
_QUERY: Final = Setting(
    "query",
    Kind.MAPPING,
    maximum=200,
    help="Parameters of the query and their templates; a list repeats its name.",
    example={"email": "$$trigger.email$$"},
)
_BODY: Final = Setting(
    "body",
    Kind.JSON,
    help="The body: an object or list is sent as JSON, a text as it is; left out: none.",
    example={"id": "$$trigger.memberId$$"},
)
_ITEMS: Final = Setting(
    "items",
    Kind.TEXT,
    maximum=300,
    help="Where the items stand in an answer, as a path; left out: the answer is the list.",
    example="data.items",
)
_MOST: Final = Setting(
    "most", Kind.INTEGER, default=100, minimum=1, maximum=10_000, help="At most so many pages."
)

PAGES: Final = Setting(
    "pages",
    Kind.ONE_OF,
    help="How the following pages are found; left out: one answer is all.",
    variants={
        "next_link": (
            Setting(
                "path",
                Kind.TEXT,
                maximum=300,
                help="Where the answer has the URL of the next page; left out: in the header Link (RFC 8288).",
                example="links.next",
            ),
            _ITEMS,
            _MOST,
        ),
        "page": (
            Setting("parameter", Kind.TEXT, default="page", maximum=100, help="The parameter of the query."),
            Setting("first", Kind.INTEGER, default=1, minimum=0, help="The number of the first page."),
            Setting(
                "step",
                Kind.INTEGER,
                default=1,
                minimum=1,
                maximum=100_000,
                help="What is added for each page: 1 for numbers of pages, their length for offsets.",
            ),
            _ITEMS,
            _MOST,
        ),
        "cursor": (
            Setting(
                "parameter", Kind.TEXT, default="cursor", maximum=100, help="The parameter of the query."
            ),
            Setting(
                "path",
                Kind.TEXT,
                required=True,
                maximum=300,
                help="Where the answer has the cursor of the next page.",
                example="meta.next_cursor",
            ),
            _ITEMS,
            _MOST,
        ),
    },
    example={"type": "page", "parameter": "page", "items": "data"},
)

CALLS: Final = (
    StepSpec(
        "http_request",
        "HTTP request",
        "Calls any HTTP API, with the credentials of a connection or without any.",
        Group.CALLS,
        Reach.ELSEWHERE,
        settings=(
            connection("An `http` connection; left out: `url` is called as it is.", "lms", required=False),
            Setting(
                "url",
                Kind.TEXT,
                maximum=_LONGEST,
                help="Without a connection: the address.",
                example="https://example.org/api/members/$$trigger.memberId$$",
            ),
            Setting(
                "path",
                Kind.TEXT,
                maximum=_LONGEST,
                help="With a connection: the path below its address.",
                example="/members/$$trigger.memberId$$",
            ),
            _METHOD,
            _QUERY,
            Setting("headers", Kind.MAPPING, maximum=100, help="Headers and their templates."),
            _BODY,
            Setting("form", Kind.MAPPING, maximum=500, help="Fields of a form, instead of a body."),
            Setting(
                "response",
                Kind.CHOICE,
                default="json",
                choices=("json", "text", "file"),
                help="What the answer is read as; `file`: bytes, as base64 with name and type. One that does not call "
                "itself JSON, and is none, is text all the same.",
            ),
            Setting(
                "largest",
                Kind.SIZE,
                default="1MiB",
                minimum=1,
                maximum=LARGEST_ANSWER,
                help="The largest answer that is taken.",
            ),
            Setting(
                "hosts",
                Kind.LIST,
                minimum=1,
                maximum=100,
                help="Hosts that may be called, `*.` before one for all below it; needed where a template stands in "
                "the host of `url`.",
                example=["api.example.org"],
            ),
            PAGES,
        ),
        templates=frozenset({"url", "path", "query", "headers", "body", "form"}),
        needs_one=(("url", "path"),),
        output="answer",
        holds="The answer; with `pages` its body is the list of all items.",
        sample={"status": 200, "headers": {"content-type": "application/json"}, "body": {"id": "1042"}},
        connections=frozenset({"http"}),
    ),
    StepSpec(
        "imis_call",
        "iMIS API",
        "Calls the REST API of iMIS.",
        Group.IMIS,
        Reach.ELSEWHERE,
        settings=(
            connection("The iMIS connection.", "imis"),
            _METHOD,
            Setting(
                "path",
                Kind.TEXT,
                required=True,
                maximum=_LONGEST,
                help="The path after `/api/`.",
                example="Party/$$trigger.memberId$$",
            ),
            _QUERY,
            _BODY,
            Setting(
                "all_pages",
                Kind.BOOLEAN,
                default=False,
                help="Whether all pages are fetched; then the result is `items`, the items of all of them.",
            ),
        ),
        templates=frozenset({"path", "query", "body"}),
        output="answer",
        holds="Status and body of the answer, or the items of all pages.",
        sample={"status": 200, "body": {"Id": "23"}},
        outputs={("all_pages", "true"): "items"},
        connections=IMIS,
    ),
    StepSpec(
        "imis_query",
        "iMIS query",
        "Runs a stored query (IQA).",
        Group.IMIS,
        Reach.READS,
        settings=(
            connection("The iMIS connection.", "imis"),
            Setting(
                "query",
                Kind.TEXT,
                required=True,
                maximum=1_000,
                help="The path of the query.",
                example="$/Membership/Lapsed",
            ),
            Setting("parameters", Kind.MAPPING, maximum=100, help="Prompts of the query and their values."),
            limit(10_000, 100_000, "rows"),
        ),
        templates=frozenset({"query", "parameters"}),
        output="rows",
        holds="The rows.",
        sample=ROWS_SAMPLE,
        connections=IMIS,
    ),
)
