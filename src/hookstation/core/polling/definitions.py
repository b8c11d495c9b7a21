"""A polling webhook as a person defined it: where new things are looked for, and how they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from hookstation.core.definitions import Webhook, WebhookState
from hookstation.core.values import JSON


class CursorKind(StrEnum):
    """How a source is asked for what follows.

    `FIELD`: a field of the items grows, and its greatest value is remembered.  `CHANGED`: the answer's ``ETag`` or
    ``Last-Modified``.  `NEXT_LINK`: an answer has the URL of the next page.  `PAGE`: pages have numbers.  `CURSOR`: an
    answer has a text with which the next page is asked for.
    """

    FIELD = "field"
    CHANGED = "changed"
    NEXT_LINK = "next_link"
    PAGE = "page"
    CURSOR = "cursor"


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is remembered, or how pages follow one another.

    `field`: a path in an item (`FIELD`).  `parameter`: of the query, in which it is sent, empty: it is not.  `path`:
    where an answer has the link or cursor, empty: in its header ``Link``.  `first` and `step`: numbers of pages.
    """

    kind: CursorKind
    field: str = ""
    parameter: str = ""
    path: str = ""
    first: int = 1
    step: int = 1


@dataclass(frozen=True, slots=True)
class HttpSource:
    """An HTTP API: the whole `url`, or a `path` below a connection's address.

    `format`: json, ndjson, xml, csv or tsv.  `items`: where the list is in the answer, empty: it is the list; of XML
    the name of an item's element.  `cursor`: what is remembered between turns, ``None``: nothing, only keys tell what
    is new.  `pages`: how an answer that does not hold all goes on within a turn.
    """

    connection: str = ""
    url: str = ""
    path: str = ""
    query: Mapping[str, JSON] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    format: str = "json"
    items: str = ""
    cursor: Cursor | None = None
    pages: Cursor | None = None


@dataclass(frozen=True, slots=True)
class FeedSource:
    """An RSS or Atom feed."""

    connection: str = ""
    url: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class SqlSource:
    """Rows of a table, or of a statement that reads ``:watermark``. `watermark`: the column that grows."""

    connection: str
    watermark: str
    table: str = ""
    statement: str = ""
    columns: tuple[str, ...] = ()
    where: Mapping[str, JSON] = field(default_factory=dict)
    parameters: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QuerySource:
    """A stored query of iMIS. `watermark`: a column that grows, empty: all rows come each time, keys tell."""

    connection: str
    query: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    watermark: str = ""


@dataclass(frozen=True, slots=True)
class ActivitiesSource:
    """Activities of iMIS by their sequence number. `types`: only these; empty: all."""

    connection: str
    types: tuple[str, ...] = ()


class AfterFile(StrEnum):
    """What becomes of a file that was read."""

    KEEP = "keep"
    MOVE = "move"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class FilesSource:
    """New files of a folder, row by row.

    `format`: csv, tsv, pipe, json, ndjson, xml (rows), text (one item, its text) or whole (one item, base64).
    `options`: as the step ``convert`` has them.  `moved_to`: the folder for `AfterFile.MOVE`.
    """

    connection: str
    folder: str = ""
    pattern: str = "*"
    format: str = "csv"
    options: Mapping[str, JSON] = field(default_factory=dict)
    encoding: str = "utf-8"
    after: AfterFile = AfterFile.KEEP
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class MailboxSource:
    """Mails of one folder of a mailbox."""

    connection: str
    folder: str = "INBOX"


Source: TypeAlias = (
    HttpSource | FeedSource | SqlSource | QuerySource | ActivitiesSource | FilesSource | MailboxSource
)


def begins_with_date(source: Source) -> bool:
    """Whether a source says when its items came, so that a first turn can begin with a date."""
    match source:
        case HttpSource():
            return source.cursor is not None and source.cursor.kind is CursorKind.FIELD
        case QuerySource():
            return bool(source.watermark)
    return True


class First(StrEnum):
    """With what the first turn begins: what comes from now on, all there is, or what came since a date."""

    NOW = "now"
    EVERYTHING = "everything"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class Poll:
    """A polling webhook. `webhook`: what is done with each item, as if it had been posted; it has no URL.

    `every`: seconds between turns, 0: a schedule names it.  `since`: ISO 8601, for `First.SINCE`.  `most`: items of one
    turn.  `key`: a template over an item, by whose value it is known again; empty: as its source has it.
    """

    webhook: Webhook
    source: Source
    every: float = 0.0
    first: First = First.NOW
    since: str = ""
    most: int = 500
    key: str = ""

    @property
    def name(self) -> str:
        """Its name, which no webhook has."""
        return self.webhook.name

    @property
    def state(self) -> WebhookState:
        """Whether it looks for anything."""
        return self.webhook.state
