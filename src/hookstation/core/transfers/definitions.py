"""A transfer as a person defined it: rows out of a source, in a format, to a destination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from hookstation.core.definitions import Action
from hookstation.core.outgoing.definitions import Credentials, NoCredentials
from hookstation.core.polling.definitions import HttpSource
from hookstation.core.values import JSON


class TransferState(StrEnum):
    """Whether runs begin. Those that began go on in any state."""

    ACTIVE = "active"
    DISABLED = "disabled"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of a table, or of a statement that only reads; the rest as the step ``sql_select`` has it."""

    connection: str
    table: str = ""
    statement: str = ""
    columns: tuple[str, ...] = ()
    where: Mapping[str, JSON] = field(default_factory=dict)
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryRows:
    """Rows of a stored query of iMIS."""

    connection: str
    query: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordRows:
    """Records of the built-in database. `panel`: empty for activities. `match`: field → value; empty: all."""

    panel: str = ""
    match: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JournalRows:
    """Events of the journal. `webhook`: empty for all. `states`: as the journal names them; empty: all.

    `since`: seconds back from the run's begin, 0: from the oldest one on.
    """

    webhook: str = ""
    states: tuple[str, ...] = ()
    since: float = 0.0


RowSource: TypeAlias = TableRows | QueryRows | RecordRows | HttpSource | JournalRows


@dataclass(frozen=True, slots=True)
class Column:
    """A column that comes out: the column `source` that comes in, or `value` (template or constant); else its own."""

    name: str
    source: str = ""
    value: JSON = None


@dataclass(frozen=True, slots=True)
class Delta:
    """Only rows that are new or changed since the last run that succeeded. `columns`: those that count, empty: all."""

    key: tuple[str, ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """How rows are written: csv, tsv, pipe, json, ndjson or xml. `options`: as the step ``convert`` has them."""

    type: str = "csv"
    options: Mapping[str, JSON] = field(default_factory=dict)


WITHOUT: Final = NoCredentials()


class How(StrEnum):
    """What one call carries: everything, a chunk of rows, or one row."""

    WHOLE = "whole"
    CHUNKS = "chunks"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """Calls. `url`, or `path` below a connection's address: templates, with `How.ROWS` over the row.

    `body`: with `How.ROWS` what is sent (JSON of templates over the row), ``None``: the row as JSON.  `then`: what is
    written after each call, with `How.ROWS`; its templates read the row, and the call's ``answer`` (status, headers,
    body).  `networks`/`ports`: see `ports.sender.Dispatch`.
    """

    connection: str = ""
    url: str = ""
    path: str = ""
    method: str = "POST"
    how: How = How.CHUNKS
    headers: Mapping[str, str] = field(default_factory=dict)
    credentials: Credentials = WITHOUT
    networks: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    body: JSON = None
    then: Action | None = None


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file. `path`: a template over ``run`` and ``trigger``; with `How.CHUNKS` also ``chunk``, its number from 1."""

    connection: str
    path: str
    how: How = How.WHOLE
    replace: bool = True
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class MailTarget:
    """A mail with the rows as an attachment named `path`. Texts are templates over ``run``, ``trigger``, ``rows``."""

    connection: str
    to: tuple[str, ...]
    path: str
    subject: str
    text: str = ""


Target: TypeAlias = HttpTarget | FileTarget | MailTarget


class AlertOn(StrEnum):
    """After which ends somebody is told."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Alerts:
    """Who is told by mail, and after what."""

    connection: str
    to: tuple[str, ...]
    on: frozenset[AlertOn] = frozenset({AlertOn.FAILURE})


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer. `chunk`: rows of one step of the work, after which it can be resumed. `pgp`: an OpenPGP public key.

    `columns`: empty for all as they are.
    """

    name: str
    source: RowSource
    destination: Target
    title: str = ""
    note: str = ""
    state: TransferState = TransferState.ACTIVE
    delta: Delta | None = None
    columns: tuple[Column, ...] = ()
    format: Format = Format()
    zip: bool = False
    pgp: str = ""
    chunk: int = 5_000
    alerts: Alerts | None = None
