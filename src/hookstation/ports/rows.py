"""Systems that hold rows: SQL databases, and whatever else can be asked for rows.

Identifiers go into statements only as the system itself spells them (introspection); values are always bound.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

from hookstation.core.records import FieldSpec
from hookstation.core.values import JSON
from hookstation.ports.connector import Connector

Row: TypeAlias = Mapping[str, JSON]
"""Column → value: text, integers, `Number`, booleans, ``None``; dates and times as ISO 8601; bytes as base64."""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table or view. `name` as the system spells it, with its schema where that is not the usual one."""

    name: str
    columns: Mapping[str, FieldSpec]
    primary_key: tuple[str, ...] = ()


class Comparison(StrEnum):
    """How a column is compared."""

    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "in"
    STARTS_WITH = "starts with"


@dataclass(frozen=True, slots=True)
class Where:
    """One comparison; several hold together. A value of ``None`` with `EQUAL` or `UNEQUAL` asks for NULL."""

    column: str
    comparison: Comparison
    value: JSON


@dataclass(frozen=True, slots=True)
class RowQuery:
    """Rows that are wanted: of a `table`, or of a `statement` that a person wrote, which only reads.

    `columns`: empty for all.  `parameters`: values for ``:name`` in the statement.  `order`: columns, ``-`` before one
    for descending.  `limit`: 0 for all.  `batch`: rows that are fetched at once.
    """

    table: str = ""
    columns: tuple[str, ...] = ()
    where: tuple[Where, ...] = ()
    order: tuple[str, ...] = ()
    limit: int = 0
    statement: str = ""
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    batch: int = 1_000


class RowWrite(StrEnum):
    """What is done with rows."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"


@runtime_checkable
class RowsConnector(Connector, Protocol):
    """A system that holds rows. Every method raises as `RemoteConnector.execute`."""

    async def tables(self) -> Sequence[str]:
        """Names of the tables and views that may be used."""
        ...

    async def table(self, name: str) -> TableSpec:
        """A table's columns. Raises `NotFound` with the names that come near."""
        ...

    def select(self, query: RowQuery) -> AsyncIterator[Sequence[Row]]:
        """Rows in batches, in flat memory; the connection is held until the last one, or until it is closed."""
        ...

    async def write(self, write: RowWrite, table: str, rows: Sequence[Row], match: Sequence[str] = ()) -> int:
        """Write rows in one transaction; how many rows were inserted or changed.

        `match`: columns by whose values a row is found (`UPDATE`, `UPSERT`).  Raises `Terminal` where an update would
        find several rows for one, `UnknownOutcome` where the commit was sent and its end is not known.
        """
        ...
