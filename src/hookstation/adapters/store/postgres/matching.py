"""Finding records by the values of their fields: what is the same, what is locked, and the statement that looks."""

# ruff: noqa: S608 -- statements are put together from our own words only, and names are quoted
from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Final, TypeAlias

import asyncpg

from hookstation.adapters.store.postgres import queries
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.rows import kept
from hookstation.core.journal_rules import SEQUENCE_FIELD, is_numbered
from hookstation.core.records import ACTIVITY, EntitySpec
from hookstation.core.values import Number, Scalar

MOST_CANDIDATES: Final = 16
"""Records fetched for one match; more than one of them already says that it is not clear."""

MOST_NUMBERS: Final = 1 << 63
"""Beyond all numbers of records."""

BUILDING: Final = 86_400.0
"""Seconds that making an index may take."""

Canonical: TypeAlias = tuple[object, ...]


def canonical(names: Iterable[str], fields: Mapping[str, Scalar]) -> Canonical:
    """A key that two sets of values share exactly where `journal_rules.same_value` holds for each of these fields."""
    return tuple(_canonical(fields.get(name)) for name in names)


def _canonical(value: Scalar) -> object:
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int):
        return Decimal(value)
    return value.decimal if isinstance(value, Number) else value


def party_lock(entity: int, party: str) -> int:
    """The number of the lock under which a party's rows in a panel are numbered."""
    return lock_number(f"party\0{entity}\0{party}")


def match_lock(entity: int, match: Mapping[str, Scalar]) -> int:
    """The number of the lock under which one node at a time looks for these values and then writes."""
    parts = [f"{name}\0{_one_notation(match[name])}" for name in sorted(match)]
    return lock_number("\0\0".join((f"match\0{entity}", *parts)))


def lock_number(text: str) -> int:
    """The number of the advisory lock for a thing of this name."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _one_notation(value: Scalar) -> str:
    """A text that equal values share; that two differing ones share it would only make one wait for the other."""
    number = _canonical(value)
    if not isinstance(number, Decimal):
        return f"{type(value).__name__}\0{value}"
    sign, digits, exponent = number.as_tuple()
    shown = "".join(map(str, digits)).lstrip("0")
    short = shown.rstrip("0")
    return f"{sign}\0{short}\0{int(exponent) + len(shown) - len(short)}" if short else "0"


def by_party(spec: EntitySpec, match: Mapping[str, Scalar]) -> bool:
    """Whether the party of a row already tells most rows apart."""
    return (
        spec.party_field in match and isinstance(match[spec.party_field or ""], str) and not is_numbered(spec)
    )


def by_number(entity: str, match: Mapping[str, Scalar]) -> bool:
    """Whether the number of a record tells it from all others."""
    return entity == ACTIVITY and SEQUENCE_FIELD in match


def number_in(match: Mapping[str, Scalar]) -> int:
    """The number of the only activity that may match; 0, which none has, where it is no such number."""
    value = _canonical(match[SEQUENCE_FIELD])
    return int(value) if isinstance(value, Decimal) and 0 < value < MOST_NUMBERS and value % 1 == 0 else 0


def finding(entity: int, names: Sequence[str], with_party: bool, with_number: bool = False) -> str:
    """The statement that finds and locks what may match each of $1 (JSON texts); $2 are their parties, or numbers.

    The entity and the names stand in it as they do in the index.
    """
    conditions = [f"r.entity = {entity}"]
    conditions += [f"{_column('r.fields', name)} = {_column('t.wanted::json', name)}" for name in names]
    if with_party:
        conditions.append("r.party = t.party AND r.ordinal IS NOT NULL")
    if with_number:
        conditions.append("r.number = t.party::bigint")
    return (
        "SELECT t.place, r.number, r.party, r.ordinal, r.fields, r.event_id "
        "FROM unnest($1::text[], $2::text[]) WITH ORDINALITY t(wanted, party, place), "
        "LATERAL (SELECT r.number, r.party, r.ordinal, r.fields::text, r.event_id FROM records r "
        f"WHERE {' AND '.join(conditions)} LIMIT $3 FOR UPDATE) r"
    )


def finding_all(entity: int, names: Sequence[str]) -> str:
    """The statement that reads what may match $1 (a JSON text), from the number $2 to $4, at most $3 in one order."""
    same = [f"{_column('r.fields', name)} = {_column('$1::text::json', name)}" for name in names]
    return (
        f"SELECT {queries.RECORD_COLUMNS} FROM records r WHERE {' AND '.join([f'r.entity = {entity}', *same])} "
        "AND r.number BETWEEN $2 AND $4 AND $1::text IS NOT NULL ORDER BY r.number LIMIT $3"
    )


def _column(fields: str, name: str) -> str:
    quoted = kept(name).replace("'", "''")
    return f"match_hash({fields}, '{quoted}')"


async def keep_indexes(connection: Connection, entity: int, matches: Iterable[tuple[str, ...]]) -> None:
    """Have exactly one index for each set of fields that is matched on; made while others write.

    An index makes looking quick and changes no result, so that one that another node makes at this moment, or that
    was left half made, is passed over or made again.
    """
    wanted = {_index_name(entity, fields): fields for fields in matches if fields}
    rows = await connection.fetch(
        "SELECT c.relname, x.indisvalid FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid "
        "WHERE x.indrelid = 'records'::regclass AND starts_with(c.relname, $1)",
        f"match_{entity}_",
    )
    there = {str(name) for name, valid in rows if valid}
    for name in sorted({str(name) for name, _ in rows} - (wanted.keys() & there)):
        await connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"', timeout=BUILDING)
    for name in sorted(wanted.keys() - there):
        columns = ", ".join(_column("fields", column) for column in sorted(wanted[name]))
        with contextlib.suppress(asyncpg.DuplicateTableError, asyncpg.UniqueViolationError):
            await connection.execute(
                f'CREATE INDEX CONCURRENTLY "{name}" ON records ({columns}) WHERE entity = {entity}',
                timeout=BUILDING,
            )


def _index_name(entity: int, fields: tuple[str, ...]) -> str:
    told = "\0".join(sorted(fields))
    return f"match_{entity}_{blake2b(told.encode(), digest_size=8).hexdigest()}"
