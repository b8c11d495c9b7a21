"""What every database engine gives the connector: sessions, and its own words for things."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol, TypeAlias

from hookstation.core.records import FieldSpec, FieldType
from hookstation.core.values import JSON, Secret
from hookstation.errors import ActionFailed
from hookstation.ports.rows import Row, TableSpec

Bound: TypeAlias = str | int | float | bytes | None
"""A value as drivers bind it; decimals go as text where the engine keeps their digits that way."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is. `file`: of SQLite; `timeout`: seconds for connecting and for each statement."""

    host: str = ""
    port: int = 0
    database: str = ""
    username: str = ""
    password: Secret | None = None
    tls: str = "verify"
    tls_ca: str = ""
    networks: tuple[str, ...] = ()
    timeout: float = 60.0
    schema: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as values are bound for it. `wire`: the type's name for a cast, quoted; `zoned`: it keeps an offset."""

    spec: FieldSpec
    wire: str = ""
    zoned: bool = False
    json_list: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table as statements name it. `keys`: columns that are unique together; the primary key is the first.

    `rolls_back`: what failed half-way leaves nothing behind.
    """

    name: str
    quoted: str
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] = ()
    keys: tuple[frozenset[str], ...] = ()
    rolls_back: bool = True

    @property
    def spec(self) -> TableSpec:
        """What others see of it."""
        return TableSpec(self.name, {name: one.spec for name, one in self.columns.items()}, self.primary_key)


class Quoting(Enum):
    """What an engine takes for quotes and comments."""

    STANDARD = auto()
    BRACKETS = auto()
    """``[name]`` besides."""
    BACKSLASHES = auto()
    """A backslash escapes, and ``#`` begins a comment."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine spells statements. `mark`: the placeholder of the n-th value, from 1, for a column or none.

    `top`: rows are limited by ``TOP``.  `literal_percent`: “%” is written once.  `casts_to_text`: the types of values
    are settled by the server, which reads them from text.  `native_upsert`: ``on conflict``, ``on duplicate key``, or
    empty.
    """

    quote: Callable[[str], str]
    mark: Callable[[int, Column | None], str]
    top: bool = False
    literal_percent: bool = True
    quoting: Quoting = Quoting.STANDARD
    native_upsert: str = ""
    casts_to_text: bool = False


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What introspection found of one column."""

    name: str
    type: FieldType
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    required: bool = False
    generated: bool = False
    values: tuple[str, ...] = field(default=())

    @property
    def spec(self) -> FieldSpec:
        """The column as a field."""
        return FieldSpec(
            self.name,
            self.type,
            self.length,
            self.required,
            self.values,
            self.precision,
            self.scale,
            self.generated,
        )


class Session(Protocol):
    """One connection with one transaction at a time. Everything raises the driver's own errors but `close`."""

    async def begin(self, *, reads_only: bool) -> None:
        """Begin a transaction."""
        ...

    async def commit(self) -> None:
        """Keep what was done."""
        ...

    async def fetch(self, statement: str, values: Sequence[Bound] = ()) -> Sequence[Sequence[object]]:
        """All rows of a statement of ours, which are few."""
        ...

    def stream(
        self, statement: str, values: Sequence[Bound], batch: int, *, foreign: bool
    ) -> AsyncIterator[Sequence[Row]]:
        """Rows in batches. `foreign`: a person wrote the statement; what it does but read is refused."""
        ...

    async def run(self, statement: str, values: Sequence[Bound]) -> int:
        """Run a statement; how many rows it found."""
        ...

    async def run_many(self, statement: str, rows: Sequence[Sequence[Bound]]) -> None:
        """Run a statement for each row."""
        ...

    async def close(self) -> None:
        """End the session; what was not committed is undone. Never raises."""
        ...


class Engine(Protocol):
    """A kind of database."""

    @property
    def dialect(self) -> Dialect:
        """How statements are spelled."""
        ...

    async def open(self, *, reads_only: bool) -> Session:
        """Connect. Raises `ActionFailed`, or the driver's own errors."""
        ...

    async def names(self, session: Session) -> Mapping[str, tuple[str, str]]:
        """Tables and views by the name that people use; each with schema and name as the engine has them."""
        ...

    async def table(self, session: Session, name: str, place: tuple[str, str]) -> Table:
        """A table's columns and keys."""
        ...

    async def greeting(self, session: Session) -> str:
        """What was reached, with its version."""
        ...

    def failure(self, error: Exception, *, committing: bool) -> ActionFailed:
        """What a driver's error means. Anything but an error of the driver is unknown to it and told as such."""
        ...

    def is_duplicate(self, error: Exception) -> bool:
        """Whether a row with the same key is there already."""
        ...


Reader: TypeAlias = Callable[[object], JSON]
