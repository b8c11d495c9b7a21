"""Statements of ours, for any dialect. Names come from introspection and are quoted; values are always bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from hookstation.connectors.sql.engine import Bound, Column, Dialect, Table
from hookstation.connectors.sql.values import bind, text_of
from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON
from hookstation.errors import Terminal
from hookstation.ports.rows import Comparison, Row, RowQuery, Where

MOST_ALTERNATIVES: Final = 1_000
ESCAPE: Final = "!"


class Writer:
    """Puts a statement together, and its values beside it."""

    def __init__(self, dialect: Dialect, table: Table, zone: ZoneInfo) -> None:
        self._dialect, self._table, self._zone = dialect, table, zone
        self.values: list[Bound] = []

    def name(self, column: str) -> str:
        """The column as it is quoted. Raises `Terminal` for one that is not there."""
        column_of(self._table, column)
        return self._quote(column)

    def value(self, column: str, value: JSON) -> str:
        """A placeholder for a value of this column."""
        found = column_of(self._table, column)
        bound = bind(column, value, found, self._zone)
        self.values.append(str(bound) if self._dialect.casts_to_text and isinstance(bound, int) else bound)
        return self._dialect.mark(len(self.values), found)

    def condition(self, where: Where) -> str:
        """One comparison."""
        name = self.name(where.column)
        if where.value is None:
            return self._null(name, where)
        if where.comparison is Comparison.IN:
            return self._one_of(name, where)
        if where.comparison is Comparison.STARTS_WITH:
            return self._starts(name, where)
        return f"{name} {where.comparison.value} {self.value(where.column, where.value)}"

    def _quote(self, column: str) -> str:
        quoted = self._dialect.quote(column)
        return quoted if self._dialect.literal_percent else quoted.replace("%", "%%")

    def _null(self, name: str, where: Where) -> str:
        if where.comparison is Comparison.EQUAL:
            return f"{name} IS NULL"
        if where.comparison is Comparison.UNEQUAL:
            return f"{name} IS NOT NULL"
        raise Terminal(f"{where.column}: nothing can only be compared with = or <>.")

    def _one_of(self, name: str, where: Where) -> str:
        wanted = where.value if isinstance(where.value, list) else [where.value]
        if len(wanted) > MOST_ALTERNATIVES:
            raise Terminal(f"{where.column}: at most {MOST_ALTERNATIVES:,} values can be asked for at once.")
        marks = [self.value(where.column, one) for one in wanted if one is not None]
        return f"{name} IN ({', '.join(marks)})" if marks else "1 = 0"

    def _starts(self, name: str, where: Where) -> str:
        text = text_of(where.value)
        for special in (ESCAPE, "%", "_", "["):
            text = text.replace(special, ESCAPE + special)
        self.values.append(text + "%")
        subject = f"CAST({name} AS text)" if self._dialect.casts_to_text else name
        return f"{subject} LIKE {self._dialect.mark(len(self.values), None)} ESCAPE '{ESCAPE}'"


def column_of(table: Table, name: str) -> Column:
    """The column of this very name. Raises `Terminal` where there is none."""
    found = table.columns.get(name)
    if found is None:
        raise Terminal(f"{table.name} has no column “{name}”.{did_you_mean(name, list(table.columns))}")
    return found


def select(dialect: Dialect, table: Table, query: RowQuery, zone: ZoneInfo) -> tuple[str, list[Bound]]:
    """Rows of a table."""
    writer = Writer(dialect, table, zone)
    columns = ", ".join(writer.name(one) for one in query.columns or tuple(table.columns))
    top = f"TOP ({query.limit:d}) " if query.limit and dialect.top else ""
    parts = [f"SELECT {top}{columns} FROM {table.quoted}"]  # noqa: S608 - every name is the database's own, quoted
    if query.where:
        parts.append("WHERE " + " AND ".join(writer.condition(one) for one in query.where))
    if query.order:
        parts.append("ORDER BY " + ", ".join(_order(writer, one) for one in query.order))
    if query.limit and not dialect.top:
        parts.append(f"LIMIT {query.limit:d}")
    return " ".join(parts), writer.values


def _order(writer: Writer, wanted: str) -> str:
    return f"{writer.name(wanted[1:])} DESC" if wanted.startswith("-") else writer.name(wanted)


def insert(dialect: Dialect, table: Table, row: Row, zone: ZoneInfo) -> tuple[str, list[Bound]]:
    """One row; what it does not name takes its default."""
    writer = Writer(dialect, table, zone)
    names = ", ".join(writer.name(one) for one in row)
    marks = ", ".join(writer.value(name, value) for name, value in row.items())
    return f"INSERT INTO {table.quoted} ({names}) VALUES ({marks})", writer.values  # noqa: S608


def update(
    dialect: Dialect, table: Table, row: Row, match: Sequence[str], zone: ZoneInfo
) -> tuple[str, list[Bound]]:
    """The row that holds the values of `match`. Raises `Terminal` where one of them is missing."""
    writer = Writer(dialect, table, zone)
    changed = [name for name in row if name not in match] or list(match)
    put = ", ".join(f"{writer.name(name)} = {writer.value(name, row[name])}" for name in changed)
    found = " AND ".join(f"{writer.name(name)} = {writer.value(name, row[name])}" for name in match)
    return f"UPDATE {table.quoted} SET {put} WHERE {found}", writer.values  # noqa: S608


def upsert(
    dialect: Dialect, table: Table, row: Row, match: Sequence[str], zone: ZoneInfo
) -> tuple[str, list[Bound]]:
    """One row, added or changed by the engine itself; `match` is a unique key."""
    statement, values = insert(dialect, table, row, zone)
    writer = Writer(dialect, table, zone)
    names = [writer.name(name) for name in row if name not in match]
    key = ", ".join(writer.name(name) for name in match)
    if dialect.native_upsert == "on duplicate key":
        put = ", ".join(f"{name} = VALUES({name})" for name in names or [writer.name(match[0])])
        return f"{statement} ON DUPLICATE KEY UPDATE {put}", values
    put = ", ".join(f"{name} = excluded.{name}" for name in names)
    act = f"UPDATE SET {put}" if put else "NOTHING"
    return f"{statement} ON CONFLICT ({key}) DO {act}", values


def can_upsert(dialect: Dialect, table: Table, match: Sequence[str]) -> bool:
    """Whether the engine itself finds exactly the row that is meant."""
    is_key = frozenset(match) in table.keys
    only_key = len(set(table.keys)) == 1
    return is_key and bool(dialect.native_upsert) and (only_key or dialect.native_upsert == "on conflict")


def check_rows(table: Table, rows: Sequence[Row], match: Sequence[str]) -> None:
    """Raise `Terminal` for what cannot be written."""
    for row in rows:
        if not row:
            raise Terminal(f"{table.name}: a row to be written has no columns.")
        for name in match:
            if row.get(name) is None:
                raise Terminal(f"{name}: a value to match on is needed and is missing or empty.")
