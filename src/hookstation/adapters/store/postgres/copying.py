"""A PostgreSQL database that is moved: read in the order of keys, written by COPY, a batch a transaction."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

import asyncpg

from hookstation.adapters.store.postgres import configuration, migrations
from hookstation.adapters.store.postgres.connecting import Access, Connection, connect, let_go, translated
from hookstation.adapters.store.postgres.jobs import STATES
from hookstation.adapters.store.postgres.matching import keep_indexes
from hookstation.adapters.store.postgres.partitions import Partitions
from hookstation.adapters.store.postgres.rows import fields_of, fields_text, kept, told
from hookstation.adapters.store.rows import read_fields
from hookstation.core.copying import IDENTITY, OWN_FACTS, UNFINISHED, Matches, Row, Table, Value
from hookstation.core.jobs import JobState
from hookstation.core.jsontext import dump_json
from hookstation.errors import Conflict, StoreError

PATIENCE: Final = 3_600.0
"""Seconds that a statement may take: a large table has to be counted, and its indexes made."""

ALIVE: Final = 10
"""Seconds without a heartbeat after which nobody counts a node as living."""

_NODES: Final = (
    "SELECT role, address FROM nodes "
    f"WHERE seen_at > (extract(epoch FROM clock_timestamp()) - {ALIVE}) * 1000000 ORDER BY started_at, id"
)

_ESCAPED: Final = {
    "entities": {"name"},
    "records": {"party", "event_id"},
    "events": {
        "webhook",
        "sender",
        "error",
        "reason",
        "connection",
        "entity",
        "record_key",
        "run_id",
        "query",
        "dedup_key",
    },
    "attempts": {"error", "record_key"},
    "jobs": {"queue", "id", "key", "payload", "node", "lane"},
    "events_out": {"type", "source", "key", "payload"},
    "deliveries": {"type", "subscription", "destination", "key", "error"},
    "delivery_attempts": {"method", "url", "error", "node"},
    "delivery_figures": {"destination"},
    "destination_states": {"name", "why"},
    "workflow_versions": {"author", "note"},
    "runs": {
        "workflow",
        "trigger",
        "input",
        "facts",
        "key",
        "event_id",
        "parent",
        "parent_path",
        "source",
        "error",
        "output",
        "answer",
    },
    "run_entries": {"path", "input", "output", "error", "fault", "detail"},
    "run_signals": {"path", "payload", "who"},
    "run_waits": {"path", "person", "title"},
    "kept": {"name", "key", "value"},
    "standings": {"name", "why"},
    "row_hashes": {"owner", "key"},
    "pending_hashes": {"owner", "key"},
    "tallies": {"webhook"},
    "findings": {"dismissed_by"},
    "learned": {"webhook"},
}
"""Columns of text from outside, in which NUL is written as an escape."""

_ODD_IN_JSON: Final = ("\\u0000", "\\u001a")


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a table is read: expressions in the order of its columns, its key, and how large a row is."""

    columns: str
    source: str
    key: str
    weight: str = "0"


_OWN: Final = ", ".join(f"'{name}'" for name in OWN_FACTS)
_STATE: Final = "CASE state " + " ".join(
    f"WHEN {number} THEN '{state.value}'" for number, state in enumerate(STATES)
)
_TOTAL: Final = "(SELECT coalesce(sum(t.value), 0)::bigint FROM totals t WHERE t.name = n.name)"

_SPECIAL: Final[Mapping[str, _Reading]] = {
    "facts": _Reading("name, value", f"(SELECT * FROM facts WHERE name NOT IN ({_OWN})) f", "name"),
    "entities": _Reading(
        "number, name, coalesce((SELECT s.last_value FROM pg_sequences s WHERE s.schemaname = current_schema() "
        "AND s.sequencename = 'record_numbers_' || e.number), 0)",
        "entities e",
        "number",
    ),
    "records": _Reading(
        "entity, number, party, ordinal, fields::text, event_id",
        "records",
        "entity, number",
        "octet_length(fields::text)",
    ),
    "totals": _Reading(
        "name, value",
        f"(SELECT n.name, {_TOTAL} AS value FROM (SELECT unnest('{{body_bytes,rejected}}'::text[]) AS name "
        "UNION ALL SELECT 'records:' || number FROM entities) n "
        "UNION ALL SELECT 'revision', value FROM revision) whole",
        'name COLLATE "C"',
    ),
    "delivery_figures": _Reading(
        "destination, hour, delivered, failed, dead, took",
        "(SELECT destination, hour, sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed, "
        "sum(dead)::bigint AS dead, sum(took)::bigint AS took FROM delivery_figures GROUP BY 1, 2) whole",
        "destination, hour",
    ),
    "row_hashes": _Reading(
        "owner, key, hash",
        "(SELECT DISTINCT ON (owner, key) owner, key, hash FROM (SELECT owner, key, 0 AS at, hash FROM row_hashes "
        "UNION ALL SELECT h.owner, h.key, r.ended_at, h.hash FROM pending_hashes h JOIN runs r ON r.id = h.run_id "
        "WHERE r.state = 'succeeded') h ORDER BY owner, key, at DESC) whole",
        "owner, key",
    ),
    "pending_hashes": _Reading(
        "run_id, owner, key, hash",
        "(SELECT h.* FROM pending_hashes h JOIN runs r ON r.id = h.run_id WHERE r.ended_at = 0) whole",
        "run_id, owner, key",
    ),
    "standings": _Reading(
        'kind, name, failures, succeeded_at, failed_at, "off", why', "standings", "kind, name"
    ),
}
"""Tables that do not lie in the database as they are moved."""

_WEIGHTS: Final = {
    "events": "octet_length(headers) + octet_length(answer_body) + coalesce(octet_length(body), 0)",
    "jobs": "octet_length(payload)",
    "events_out": "octet_length(payload)",
    "delivery_attempts": "octet_length(headers) + octet_length(body) + octet_length(answer)",
    "versions": "octet_length(document)",
    "workflow_versions": "octet_length(document)",
    "runs": "octet_length(input) + octet_length(output)",
    "run_entries": "octet_length(input) + octet_length(output)",
    "run_signals": "octet_length(payload)",
    "captured_calls": "octet_length(headers) + octet_length(body)",
}


def _reading(table: Table) -> _Reading:
    if table.name in _SPECIAL:
        return _SPECIAL[table.name]
    columns = [f"{_STATE} END" if (table.name, name) == ("jobs", "state") else name for name in table.columns]
    key = ", ".join(table.columns[: table.key])
    return _Reading(", ".join(columns), table.name, key, _WEIGHTS.get(table.name, "0"))


_MATCHING: Final = (
    "SELECT c.relname, pg_get_indexdef(x.indexrelid) FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid "
    "WHERE x.indrelid = 'records'::regclass AND starts_with(c.relname, 'match_') AND x.indisvalid"
)
_FIELD: Final = re.compile(r"match_hash\(fields, '((?:[^']|'')*)'::text\)")
_ENTITY: Final = re.compile(r"match_(\d+)_")

_UNSET: Final = "INSERT INTO facts VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1"
_SET: Final = "UPDATE facts SET value = $2 WHERE name = $1 AND value = $3 RETURNING 1"
_OVER: Final = "DELETE FROM facts WHERE name = $1 AND value = $2 RETURNING 1"

_PUT_FACT: Final = "INSERT INTO facts VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_PUT_TOTAL: Final = (
    "INSERT INTO totals VALUES ($1, 0, $2) ON CONFLICT (name, slot) DO UPDATE SET value = excluded.value"
)


async def open_postgres_to_copy(access: Access, side: Literal["source", "target"]) -> PostgresCopying:
    """Open a database by its URL; a target is migrated as needed.

    Raises `NewerDatabase`, `StoreUnavailable`, and `StoreError` where it cannot be used, or a source has to be migrated
    first.
    """
    patient = replace(access, statement_timeout=PATIENCE, application_name="hookstation copy")
    connection: asyncpg.Connection[asyncpg.Record] | None = None
    with translated():
        try:
            connection = await connect(patient)
            await (migrations.migrate if side == "target" else _check_version)(connection)
        except BaseException:
            await let_go(connection)
            raise
    return PostgresCopying(patient, connection)


async def _check_version(connection: Connection) -> None:
    if await migrations.number_of(connection) != migrations.known_number():
        raise StoreError(
            "The database to be copied is empty or of an older version: see that the URL is right, or run "
            "`hookstation migrate` on it first."
        )


class PostgresCopying:
    """Implements `ports.copying.CopyTarget`, on one connection. Made by `open_postgres_to_copy`."""

    def __init__(self, access: Access, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._access, self._connection = access, connection
        self._partitions = Partitions()

    async def identify(self) -> str:
        """The name of this database."""
        with translated():
            return await configuration.claim_fact(self._connection, IDENTITY, secrets.token_hex(16))

    async def get_fact(self, name: str) -> str:
        """A small fact."""
        with translated():
            return await configuration.get_fact(self._connection, name)

    async def stations(self) -> Sequence[str]:
        """The nodes that live, by role and address."""
        with translated():
            rows = await self._connection.fetch(_NODES)
        return [f"{role} at {address}" if address else str(role) for role, address in rows]

    async def count(self, table: Table) -> int:
        """How many rows there are."""
        with translated():
            return int(await self._connection.fetchval(f"SELECT count(*) FROM {_reading(table).source}"))

    async def rows(self, table: Table, after: Row, limit: int, most_bytes: int) -> Sequence[Row]:
        """The rows after a key."""
        reading, place = _reading(table), _as_kept(table, after)
        marks = ", ".join(f"${number}" for number in range(1, len(place) + 1))
        condition = f"WHERE ({reading.key}) > ({marks})" if place else ""
        rest = f"FROM {reading.source} {condition} ORDER BY {reading.key} LIMIT ${len(place) + 1}"
        with translated():
            if reading.weight != "0":
                weights = await self._connection.fetch(f"SELECT {reading.weight} {rest}", *place, limit)
                limit = _fitting([int(weight) for (weight,) in weights], most_bytes)
            found = await self._connection.fetch(f"SELECT {reading.columns} {rest}", *place, limit)
        return [_as_given(table, tuple(row)) for row in found]

    async def matches(self) -> Matches:
        """The fields of the indexes there are."""
        with translated():
            rows = await self._connection.fetch(_MATCHING)
        found = set()
        for name, definition in rows:
            entity = _ENTITY.match(name)
            fields = tuple(told(field.replace("''", "'")) for field in _FIELD.findall(definition))
            if entity and fields:
                found.add((int(entity[1]), fields))
        return frozenset(found)

    async def write(self, table: Table, rows: Sequence[Row], before: str, after: str) -> None:
        """Add rows and move the mark, in one transaction; the partitions that events need are made first."""
        with translated():
            if table.name == "events" and (weeks := self._partitions.missing(str(row[0]) for row in rows)):
                await self._partitions.make(self._connection, weeks)
            await self._connection.execute(self._access.begin)
            try:
                await self._move(before, after)
                await self._add(table, [_as_kept(table, row) for row in rows])
                await self._connection.execute("COMMIT")
            except BaseException:
                if not self._connection.is_closed():
                    await self._connection.execute("ROLLBACK")
                raise

    async def _move(self, before: str, after: str) -> None:
        if not before:
            moved = await self._connection.fetch(_UNSET, UNFINISHED, after)
        elif after:
            moved = await self._connection.fetch(_SET, UNFINISHED, after, before)
        else:
            moved = await self._connection.fetch(_OVER, UNFINISHED, before)
        if not moved:
            raise Conflict("Another copy writes into this database: let that one end.")

    async def _add(self, table: Table, rows: Sequence[Row]) -> None:
        match table.name:
            case "facts":
                await self._connection.executemany(_PUT_FACT, rows)
            case "totals":
                await self._put_totals(rows)
            case "entities":
                await self._add_entities(rows)
            case "jobs":
                await self._stream(table.name, (*table.columns, "call"), [(*row, 0) for row in rows])
            case _:
                await self._stream(table.name, table.columns, rows)

    async def _stream(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        if rows:
            await self._connection.copy_records_to_table(name, records=rows, columns=list(columns))

    async def _put_totals(self, rows: Sequence[Row]) -> None:
        for name, value in rows:
            if name == "revision":
                await self._connection.execute("UPDATE revision SET value = $1", value)
            else:
                await self._connection.execute(_PUT_TOTAL, name, value)

    async def _add_entities(self, rows: Sequence[Row]) -> None:
        await self._stream("entities", ("number", "name"), [row[:2] for row in rows])
        for number, _, last in cast("Sequence[tuple[int, str, int]]", rows):
            sequence = f"record_numbers_{number}"
            await self._connection.execute(f"CREATE SEQUENCE {sequence}")
            if last:
                await self._connection.execute(f"SELECT setval('{sequence}', {last})")

    async def make_ready(self, matches: Matches) -> None:
        """Have these indexes, and let the planner know how full the tables are."""
        with translated():
            for entity in sorted({entity for entity, _ in matches}):
                wanted = sorted(fields for other, fields in matches if other == entity)
                await keep_indexes(self._connection, entity, wanted)
            await self._connection.execute("ANALYZE")

    async def close(self) -> None:
        """Let go of the connection."""
        await let_go(self._connection)


def _fitting(weights: Sequence[int], most: int) -> int:
    """How many of the first rows are at most so large together, at least one."""
    held = 0
    for place, weight in enumerate(weights):
        held += weight
        if place and held > most:
            return place
    return max(len(weights), 1)


def _as_kept(table: Table, row: Row) -> Row:
    """A row, or the key of one, as the database keeps it."""
    escaped = _ESCAPED.get(table.name)
    if not escaped:
        return row
    return tuple(
        _value_kept(table.name, name, value, name in escaped)
        for name, value in zip(table.columns, row, strict=False)
    )


def _value_kept(table: str, name: str, value: Value, escaped: bool) -> Value:
    if escaped and isinstance(value, str):
        return kept(value)
    if (table, name) == ("jobs", "state"):
        return STATES.index(JobState(cast("str", value)))
    if (table, name) == ("records", "fields") and any(odd in str(value) for odd in _ODD_IN_JSON):
        return fields_text(read_fields(str(value)))
    return value


def _as_given(table: Table, row: Row) -> Row:
    """A row as it was given to the database."""
    escaped = _ESCAPED.get(table.name)
    if not escaped:
        return row
    return tuple(
        told(value)
        if name in escaped and isinstance(value, str)
        else _fields_given(str(value))
        if (table.name, name) == ("records", "fields")
        else value
        for name, value in zip(table.columns, row, strict=True)
    )


def _fields_given(text: str) -> str:
    """A record's fields as they are kept where NUL needs no escape."""
    return dump_json(dict(fields_of(text))) if _ODD_IN_JSON[1] in text else text
