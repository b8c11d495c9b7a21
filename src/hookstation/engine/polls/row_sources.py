"""SQL databases, stored queries and activities of iMIS as sources."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from hookstation.core.polling.definitions import ActivitiesSource, QuerySource, SqlSource
from hookstation.core.polling.position import key_digest
from hookstation.core.polling.turns import Asked, Found, Item, beyond, rank, unseen
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.engine.polls.http_source import BEGUN
from hookstation.engine.polls.keys import Keys
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.rows import rows_of, wheres
from hookstation.errors import Retriable, Terminal
from hookstation.ports.api import QueryConnector
from hookstation.ports.rows import Comparison, Row, RowQuery, RowsConnector, Where

MOST_ROWS: Final = 100_000
"""Rows of a source that is read whole."""


async def ask_sql(source: SqlSource, keys: Keys, asked: Asked, targets: Targets) -> Found:
    """One turn with a table or statement: rows behind the watermark, in its order. Raises `ActionFailed`."""
    target = rows_of(targets, source.connection)
    if asked.baseline:
        return await _newest(source, target, keys, asked)
    last = asked.at.get("value", asked.since or None)
    primary = () if source.statement else (await target.table(source.table)).primary_key
    known, new = set(asked.seen), list[tuple[JSON, Item]]()
    floor = None if last is None else rank(last)
    async for row in _each(target.select(_behind(source, last, primary, asked.until))):
        value = row.get(source.watermark)
        if value is None:
            _check(row, source.watermark)
            continue
        item = _item(row, keys, _usual(row, source.watermark, primary))
        if floor is not None and (
            rank(value) < floor or (rank(value) == floor and key_digest(item.key) in known)
        ):
            continue
        new.append((value, item))
        if len(new) > asked.most:  # one more than is taken says that there is more
            break
    return beyond(new, asked)


async def ask_query(source: QuerySource, keys: Keys, asked: Asked, targets: Targets) -> Found:
    """One turn with a stored query. Raises `ActionFailed`."""
    target = _queries(targets, source.connection)
    given = {name: text_of(value) for name, value in source.parameters.items()}
    rows = [row async for row in _each(target.query(source.query, given))]
    if len(rows) > MOST_ROWS:
        raise Terminal(f"The query has more than {MOST_ROWS:,} rows; give it a prompt that asks for fewer.")
    if not source.watermark:
        return unseen([_item(row, keys) for row in rows], asked, BEGUN)
    for row in rows:
        _check(row, source.watermark)
    found = [(row[source.watermark], _item(row, keys)) for row in rows]
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
    wanted = [row for row in taken if _is_wanted(row, source, asked)]
    items = [_item(row, keys, text_of(row.get("SEQN"))) for row in wanted]
    top = taken[-1]["SEQN"] if taken else last
    return Found(items, {"value": top}, more=len(rows) > len(taken))


def _is_wanted(row: Row, source: ActivitiesSource, asked: Asked) -> bool:
    if source.types and row.get("ACTIVITY_TYPE") not in source.types:
        return False
    at = row.get("TRANSACTION_DATE")
    return not asked.since or not isinstance(at, str) or at >= asked.since


def _queries(targets: Targets, connection: str) -> QueryConnector:
    target = targets.connectors.get(connection)
    if target is None:
        raise Retriable(f"The connection “{connection}” is not configured any more.")
    if not isinstance(target, QueryConnector):
        raise Terminal(f"The connection “{connection}” has no stored queries.")
    return target


def _behind(source: SqlSource, last: JSON, primary: Sequence[str], until: JSON) -> RowQuery:
    """Rows from the watermark on, in its order and among equals in that of the primary key."""
    if source.statement:
        parameters = {**source.parameters, "watermark": last}
        return RowQuery(statement=source.statement, parameters=parameters)
    where = [*wheres(source.where)]
    if last is not None:
        where.append(Where(source.watermark, Comparison.AT_LEAST, last))
    if until is not None:
        where.append(Where(source.watermark, Comparison.AT_MOST, until))
    order = (source.watermark, *(one for one in primary if one != source.watermark))
    columns = source.columns and tuple(dict.fromkeys((*source.columns, source.watermark, *primary)))
    return RowQuery(source.table, columns, tuple(where), order)


async def _newest(source: SqlSource, target: RowsConnector, keys: Keys, asked: Asked) -> Found:
    """The greatest watermark there is, and the rows that have it."""
    if source.statement:
        rows = [row async for row in _each(target.select(_behind(source, None, (), None)))]
        return beyond([(row.get(source.watermark), _item(row, keys)) for row in rows], asked)
    where = tuple(wheres(source.where))
    top = RowQuery(source.table, (source.watermark,), where, (f"-{source.watermark}",), limit=1, batch=1)
    values = [row[source.watermark] async for row in _each(target.select(top))]
    if not values or values[0] is None:
        return Found((), {**BEGUN})
    primary = (await target.table(source.table)).primary_key
    equal = _behind(source, values[0], primary, None)
    seen = [
        key_digest(_item(row, keys, _usual(row, source.watermark, primary)).key)
        async for row in _each(target.select(equal))
    ]
    return Found((), {"value": values[0]}, seen)


async def _each(batches: AsyncIterator[Sequence[Row]]) -> AsyncIterator[Mapping[str, JSON]]:
    try:
        async for batch in batches:
            for row in batch:
                yield row
    finally:
        close = getattr(batches, "aclose", None)
        if close is not None:
            await close()


def _item(row: Row, keys: Keys, usual: str = "") -> Item:
    value: JSON = dict(row)
    return Item(keys.of(value, usual), value)


def _usual(row: Row, watermark: str, primary: Sequence[str]) -> str:
    """A row is known by its primary key and its watermark: a row that is changed is new once more."""
    if not primary or any(one not in row for one in primary):
        return ""
    return "/".join(text_of(row[one]) for one in (*primary, watermark))


def _check(row: Row, watermark: str) -> None:
    if watermark not in row:
        columns = ", ".join(list(row)[:20])
        raise Terminal(f"The rows have no column “{watermark}”; they have {columns}. Correct the watermark.")
