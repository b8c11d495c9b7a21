"""SQL databases, stored queries and activities of iMIS as sources."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from hookstation.core.polling.definitions import ActivitiesSource, QuerySource, SqlSource
from hookstation.core.polling.position import key_digest
from hookstation.core.polling.turns import (
    Asked,
    Found,
    Item,
    beyond,
    check_seen,
    check_since,
    in_order,
    is_before,
    rank,
    since_of,
    unseen,
)
from hookstation.core.records import FieldType
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.engine.polls.http_source import BEGUN
from hookstation.engine.polls.keys import Keys
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.rows import rows_of, wheres
from hookstation.errors import Retriable, Terminal
from hookstation.ports.api import QueryConnector
from hookstation.ports.rows import Comparison, Row, RowQuery, RowsConnector, TableSpec, Where

MOST_ROWS: Final = 100_000
"""Rows of a source that is read whole."""


async def ask_sql(source: SqlSource, keys: Keys, asked: Asked, targets: Targets) -> Found:
    """One turn with a table or statement: rows behind the watermark. Raises `ActionFailed`, `NotFound`."""
    target = rows_of(targets, source.connection)
    return await (_of_statement if source.statement else _of_table)(source, target, keys, asked)


async def _of_table(source: SqlSource, target: RowsConnector, keys: Keys, asked: Asked) -> Found:
    """Rows in the database's own order; it alone knows how it compares texts."""
    table = await target.table(source.table)
    source = replace(source, watermark=_spelled(table, source.watermark))
    if asked.baseline:
        return await _newest(source, target, keys, table.primary_key)
    last = asked.at.get("value", asked.since or None)
    if table.columns[source.watermark].type in (FieldType.INTEGER, FieldType.DECIMAL):
        check_since(0, asked)
    known, new = set(asked.seen), list[tuple[JSON, Item]]()
    async with aclosing(_each(target.select(_behind(source, last, table.primary_key, asked.until)))) as rows:
        async for row in rows:
            value = row[source.watermark]
            item = keys.item(dict(row), _usual(row, source.watermark, table.primary_key))
            if value == last and key_digest(item.key) in known:
                continue
            new.append((value, item))
            if len(new) > asked.most:  # one more than is taken says that there is more
                break
    return in_order(new, asked)


async def _of_statement(source: SqlSource, target: RowsConnector, keys: Keys, asked: Asked) -> Found:
    """Rows in any order: all of them are read before the first ones by the watermark are taken."""
    last = asked.at.get("value", asked.since or source.parameters.get("watermark"))
    query = RowQuery(statement=source.statement, parameters={**source.parameters, "watermark": last})
    found: list[tuple[JSON, Item]] = []
    async with aclosing(_each(target.select(query))) as rows:
        async for row in rows:
            _check(row, source.watermark)
            if (value := row[source.watermark]) is None:
                continue
            check_since(value, asked)
            if asked.until is None or rank(value) <= rank(asked.until):
                found.append((value, keys.item(dict(row))))
            if len(found) > MOST_ROWS:
                raise Terminal(
                    f"More than {MOST_ROWS:,} rows came. Order them by “{source.watermark}” with a limit."
                )
    return beyond(found, asked)


async def ask_query(source: QuerySource, keys: Keys, asked: Asked, targets: Targets) -> Found:
    """One turn with a stored query. Raises `ActionFailed`."""
    target = _queries(targets, source.connection)
    given = {name: text_of(value) for name, value in source.parameters.items()}
    rows: list[Row] = []
    async with aclosing(_each(target.query(source.query, given))) as all_rows:
        async for row in all_rows:
            rows.append(row)
            if len(rows) > MOST_ROWS:
                raise Terminal(
                    f"The query has more than {MOST_ROWS:,} rows; give it a prompt that asks for fewer."
                )
    if not source.watermark:
        return unseen([keys.item(dict(row)) for row in rows], asked, BEGUN)
    for row in rows:
        _check(row, source.watermark)
        check_since(row[source.watermark], asked)
    found = [(row[source.watermark], keys.item(dict(row))) for row in rows]
    if not asked.at and asked.since:
        found = [one for one in found if rank(one[0]) >= rank(asked.since)]
    if asked.until is not None:
        found = [one for one in found if rank(one[0]) <= rank(asked.until)]
    return beyond(found, asked)


async def ask_activities(source: ActivitiesSource, keys: Keys, asked: Asked, targets: Targets) -> Found:
    """One turn with the activities of iMIS, by their sequence numbers. Raises `ActionFailed`."""
    target = _queries(targets, source.connection)
    if asked.baseline:
        return Found((), {"value": await target.newest_activity()})
    last = asked.at.get("value", 0)
    rows = await target.activities_after(last if isinstance(last, int) else 0, asked.most + 1)
    if asked.until is not None:
        rows = [row for row in rows if rank(row.get("SEQN")) <= rank(asked.until)]
    taken = rows[: asked.most]
    since = since_of(asked)
    wanted = [row for row in taken if _is_wanted(row, source, since)]
    items = [keys.item(dict(row), text_of(row.get("SEQN"))) for row in wanted]
    more = len(rows) > len(taken)
    at: dict[str, JSON] = {"value": taken[-1]["SEQN"] if taken else last}
    return Found(items, {**at, "since": since} if more and since else at, more=more)


def _is_wanted(row: Row, source: ActivitiesSource, since: str) -> bool:
    if source.types and row.get("ACTIVITY_TYPE") not in source.types:
        return False
    return not is_before(row.get("TRANSACTION_DATE"), since)


def _queries(targets: Targets, connection: str) -> QueryConnector:
    target = targets.connectors.get(connection)
    if target is None:
        raise Retriable(f"The connection “{connection}” is not configured any more.")
    if not isinstance(target, QueryConnector):
        raise Terminal(f"The connection “{connection}” has no stored queries.")
    return target


def _behind(source: SqlSource, last: JSON, primary: Sequence[str], until: JSON) -> RowQuery:
    """Rows from the watermark on, in its order and among equals in that of the primary key; NULL is none."""
    where = [*wheres(source.where), Where(source.watermark, Comparison.UNEQUAL, None)]
    if last is not None:
        where.append(Where(source.watermark, Comparison.AT_LEAST, last))
    if until is not None:
        where.append(Where(source.watermark, Comparison.AT_MOST, until))
    order = (source.watermark, *(one for one in primary if one != source.watermark))
    columns = source.columns and tuple(dict.fromkeys((*source.columns, source.watermark, *primary)))
    return RowQuery(source.table, columns, tuple(where), order)


async def _newest(source: SqlSource, target: RowsConnector, keys: Keys, primary: Sequence[str]) -> Found:
    """The greatest watermark there is, and the rows that have it."""
    where = (*wheres(source.where), Where(source.watermark, Comparison.UNEQUAL, None))
    top = RowQuery(source.table, (source.watermark,), where, (f"-{source.watermark}",), limit=1, batch=1)
    async with aclosing(_each(target.select(top))) as rows:
        values = [row[source.watermark] async for row in rows]
    if not values:
        return Found((), {**BEGUN})
    seen: list[str] = []
    async with aclosing(_each(target.select(_behind(source, values[0], primary, None)))) as rows:
        async for row in rows:
            seen.append(key_digest(keys.item(dict(row), _usual(row, source.watermark, primary)).key))
            check_seen(seen, values[0])
    return Found((), {"value": values[0]}, seen)


def _spelled(table: TableSpec, watermark: str) -> str:
    """The watermark's column as the table has it, which may not care for its case. Raises `Terminal`."""
    if watermark in table.columns:
        return watermark
    found = [name for name in table.columns if name.lower() == watermark.lower()]
    if len(found) != 1:
        columns = ", ".join(list(table.columns)[:20])
        raise Terminal(f"The table has no column “{watermark}”; it has {columns}. Correct the watermark.")
    return found[0]


async def _each(batches: AsyncIterator[Sequence[Row]]) -> AsyncGenerator[Row]:
    try:
        async for batch in batches:
            for row in batch:
                yield row
    finally:
        close = getattr(batches, "aclose", None)
        if close is not None:
            await close()


def _usual(row: Row, watermark: str, primary: Sequence[str]) -> str:
    """A row is known by its primary key and its watermark: a row that is changed is new once more."""
    if not primary or any(one not in row for one in primary):
        return ""
    return "/".join(text_of(row[one]) for one in (*primary, watermark))


def _check(row: Row, watermark: str) -> None:
    if watermark not in row:
        columns = ", ".join(list(row)[:20])
        raise Terminal(f"The rows have no column “{watermark}”; they have {columns}. Correct the watermark.")
