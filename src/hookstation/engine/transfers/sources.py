"""Where rows come from: each source in batches, begun behind what was read of it already where it has an order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, assert_never

from hookstation.core.outgoing.trees import compile_tree
from hookstation.core.polling.definitions import HttpSource
from hookstation.core.polling.reading import read_items
from hookstation.core.records import ACTIVITY, RECORDS, EntitySpec
from hookstation.core.template.scope import text_of
from hookstation.core.transfers.definitions import JournalRows, QueryRows, RecordRows, RowSource, TableRows
from hookstation.core.transfers.progress import Progress, read_key
from hookstation.core.values import JSON, kind_of
from hookstation.core.workflows.scope import RunScope, compile_run_template
from hookstation.engine.polls.calling import Caller, call_of
from hookstation.engine.targets import Targets
from hookstation.engine.transfers.journal import journal_rows
from hookstation.engine.workflows.fitting import Fitting
from hookstation.engine.workflows.steps.rows import rows_of, wheres
from hookstation.errors import BodyRefused, NotFound, Retriable, Terminal
from hookstation.ports.api import QueryConnector
from hookstation.ports.rows import Comparison, Row, RowQuery, Where
from hookstation.ports.store import Store

MOST_PAGES: Final = 1_000_000
"""Pages of one source; one that never ends would be read for ever."""

AT_ONCE: Final = 1_000
"""Rows that are fetched at once of sources that are read page by page."""

Batches = AsyncIterator[Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Opened:
    """Rows, batch by batch. `key`: the column that they are ordered by, so that reading goes on behind a row; empty:
    they begin anew, and what was read before has to be passed over.  `aside`: the key is not among the columns that are
    wanted.  `of`: how many there are, 0 where that is not known.
    """

    batches: Batches
    key: str = ""
    aside: bool = False
    of: int = 0


class Sources:
    """Opens sources."""

    def __init__(self, store: Store, targets: Targets, fitting: Fitting, caller: Caller) -> None:
        self._store, self._targets, self._fitting, self._caller = store, targets, fitting, caller

    async def open(
        self, source: RowSource, scope: RunScope, progress: Progress, batch: int, now: int
    ) -> Opened:
        """The rows behind `progress`. `batch`: so many are wanted at once; `now`: the run's begin, microseconds.

        Raises `ActionFailed`, `MappingFailed`.
        """
        after = read_key(progress.after) if progress.after else None
        match source:
            case TableRows():
                return await self._table(source, scope, after, batch)
            case QueryRows():
                return self._query(source, scope)
            case RecordRows():
                return await self._records(source, scope, after)
            case HttpSource():
                return Opened(self._pages(source))
            case JournalRows():
                return Opened(
                    journal_rows(self._store, source, "" if after is None else text_of(after), now), "id"
                )
        assert_never(source)

    async def _table(self, source: TableRows, scope: RunScope, after: JSON, batch: int) -> Opened:
        target = rows_of(self._targets, source.connection)
        parameters = _filled(source.parameters, scope)
        if source.statement:
            query = RowQuery(statement=source.statement, parameters=parameters, batch=batch)
            return Opened(target.select(query))
        where = list(wheres(_filled(source.where, scope)))
        try:
            keys = (await target.table(source.table)).primary_key
        except NotFound as missing:
            raise Terminal(missing.message) from missing
        key = keys[0] if len(keys) == 1 and source.order in ((), keys) else ""
        if key and after is not None:
            where.append(Where(key, Comparison.MORE, after))
        aside = bool(key and source.columns and key not in source.columns)
        columns = (*source.columns, key) if aside else source.columns
        order = source.order or tuple(keys)
        query = RowQuery(source.table, columns, tuple(where), order, batch=batch)
        return Opened(target.select(query), key, aside)

    def _query(self, source: QueryRows, scope: RunScope) -> Opened:
        target = self._targets.connectors.get(source.connection)
        if target is None:
            raise Retriable(f"The connection “{source.connection}” is not configured any more.")
        if not isinstance(target, QueryConnector):
            raise Terminal(f"The connection “{source.connection}” has no stored queries.")
        given = {name: text_of(value) for name, value in _filled(source.parameters, scope).items()}
        return Opened(target.query(source.query, given))

    async def _records(self, source: RecordRows, scope: RunScope, after: JSON) -> Opened:
        entity = source.panel or ACTIVITY
        place = self._fitting.place(RECORDS, entity)
        match = self._fitting.values(place, _filled(source.match, scope))
        of = 0 if match else await self._store.count_records(entity)
        rows = self._recorded(place.spec, match, "" if after is None else text_of(after))
        return Opened(rows, "key", of=of)

    async def _recorded(
        self, spec: EntitySpec, match: Mapping[str, object], after: str
    ) -> AsyncGenerator[Sequence[Row]]:
        """Records with all fields of their entity: each row has the same columns, whatever its record leaves out."""
        entity, empty = spec.name, dict.fromkeys(spec.fields)
        while True:
            found = await self._store.list_records(entity, AT_ONCE, after)
            rows: list[Row] = [
                {"key": one.key, **empty, **one.fields}
                for one in found
                if all(one.fields.get(name) == value for name, value in match.items())
            ]
            if rows:
                yield rows
            if len(found) < AT_ONCE:
                return
            after = found[-1].key

    async def _pages(self, source: HttpSource) -> AsyncGenerator[Sequence[Row]]:
        call, left = call_of(source, {}, {}), MOST_PAGES
        while call is not None:
            then = None
            async with aclosing(self._caller.pages(source.connection, call, source.pages)) as pages:
                async for page in pages:
                    rows = _objects(source, page.answer.body)
                    if rows:
                        yield rows
                    left -= 1
                    then = page.next if rows else None
                    if then is None:
                        return
            if left <= 0:
                raise Terminal(f"The source has more than {MOST_PAGES:,} pages; it may never end.")
            assert then is not None
            call = then


def _objects(source: HttpSource, body: bytes) -> Sequence[Row]:
    try:
        found = read_items(source.format, source.items, body) if body else []
    except BodyRefused as refused:
        raise Terminal(refused.reason) from refused
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict):
            raise Terminal(
                f"Item {number:,} of a page is {kind_of(one)}, and has to be an object; correct “items”."
            )
    return [one for one in found if isinstance(one, dict)]


def _filled(written: Mapping[str, JSON], scope: RunScope) -> dict[str, JSON]:
    """Settings whose templates read the run; what is missing is null."""
    if not written:
        return {}
    made = compile_tree(dict(written), compile_run_template)(scope)
    found = made if isinstance(made, dict) else {}
    return {name: found.get(name) for name in written}


def without(rows: Sequence[Row], name: str) -> list[Row]:
    """The rows without a column that was only asked for to know where one stands."""
    return [{column: value for column, value in row.items() if column != name} for row in rows]
