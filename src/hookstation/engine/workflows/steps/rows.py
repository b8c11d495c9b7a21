"""Rows of SQL databases, and of stored queries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import cast

from hookstation.core.values import JSON
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.reading import (
    MOST_ROWS,
    mapping,
    names,
    needed,
    rows,
    text,
    whole,
)
from hookstation.engine.workflows.tasks import Done, Outside, Task, Way
from hookstation.errors import Retriable, Terminal
from hookstation.ports.api import QueryConnector
from hookstation.ports.rows import Comparison, Row, RowQuery, RowsConnector, RowWrite, Where

TOO_MANY = f"More than {MOST_ROWS} rows came. Set “limit”, or use a transfer, which moves any number."


class SelectRows:
    """``sql_select``: rows of a table, or of a statement that only reads."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def begin(self, task: Task) -> Way:
        """A look."""
        settings = task.settings
        connection = needed(settings, "connection")
        target = rows_of(self._targets, connection)
        limit = whole(settings, "limit")
        query = RowQuery(
            text(settings, "table"),
            names(settings, "columns"),
            tuple(wheres(mapping(settings, "where"))),
            names(settings, "order"),
            min(limit or MOST_ROWS + 1, MOST_ROWS + 1),
            text(settings, "statement"),
            mapping(settings, "parameters"),
        )
        if bool(query.table) == bool(query.statement):
            raise Terminal("Name either “table” or “statement”.")

        async def call() -> Done:
            return Done(await gathered(target.select(query)))

        return Outside(call, reads=True, connection=connection)


class WriteRows:
    """``sql_insert``, ``sql_update``, ``sql_upsert``: one row from `fields`, or all of `rows`, in one transaction."""

    def __init__(self, write: RowWrite, targets: Targets) -> None:
        self._write, self._targets = write, targets

    def begin(self, task: Task) -> Way:
        """A call; without rows there is nothing to do."""
        settings = task.settings
        connection, table = needed(settings, "connection"), needed(settings, "table")
        target = rows_of(self._targets, connection)
        given: Sequence[Mapping[str, JSON]] = rows(settings, "rows")
        if settings.get("fields"):
            given = [*given, mapping(settings, "fields")]
        match = names(settings, "match")
        if self._write is not RowWrite.INSERT and not match:
            raise Terminal("“match” is empty: it names the columns by whose values a row is found.")
        if not given:
            return Done(0)

        async def call() -> Done:
            return Done(await target.write(self._write, table, given, match))

        return Outside(call, connection=connection)


class QueryRows:
    """``imis_query``: rows of a stored query."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def begin(self, task: Task) -> Way:
        """A look."""
        settings = task.settings
        connection, query = needed(settings, "connection"), needed(settings, "query")
        target = _target(self._targets, connection)
        if not isinstance(target, QueryConnector):
            raise Terminal(f"The connection “{connection}” has no stored queries.")
        parameters = mapping(settings, "parameters")
        given = {name: text(parameters, name) for name in parameters}
        limit = min(whole(settings, "limit") or MOST_ROWS + 1, MOST_ROWS + 1)

        async def call() -> Done:
            return Done(await gathered(target.query(query, given, limit=limit)))

        return Outside(call, reads=True, connection=connection)


def rows_of(targets: Targets, connection: str) -> RowsConnector:
    """The connection, which has to hold rows."""
    target = _target(targets, connection)
    if not isinstance(target, RowsConnector):
        raise Terminal(f"The connection “{connection}” is no SQL database.")
    return target


async def gathered(batches: AsyncIterator[Sequence[Row]]) -> JSON:
    """All rows, within bounds."""
    found: list[JSON] = []
    async with aclosing(batches) as closing:  # type: ignore[type-var]
        async for batch in closing:
            found += [cast("JSON", dict(row)) for row in batch]
            if len(found) > MOST_ROWS:
                raise Terminal(TOO_MANY)
    return found


def _target(targets: Targets, connection: str) -> object:
    target = targets.connectors.get(connection)
    if target is None:
        raise Retriable(f"The connection “{connection}” is not configured any more.")
    return target


def wheres(written: Mapping[str, JSON]) -> Iterator[Where]:
    """``{column: value}``, or ``{column: {comparison: value}}``."""
    for column, wanted in written.items():
        if not isinstance(wanted, dict):
            yield Where(column, Comparison.EQUAL, wanted)
            continue
        for name, value in wanted.items():
            try:
                yield Where(column, Comparison(name), value)
            except ValueError:
                known = ", ".join(one.value for one in Comparison)
                raise Terminal(f"There is no comparison “{name}”. There are {known}.") from None
