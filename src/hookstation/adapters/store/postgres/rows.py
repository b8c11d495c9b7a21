"""Between values and rows. PostgreSQL keeps no NUL in a text, so texts from outside are written with an escape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.rows import headers_text, read_fields
from hookstation.core.events import Event, JournalEntry, Mark, Settlement, State
from hookstation.core.journal_rules import attempts_when_accepted, is_open, record_key
from hookstation.core.jsontext import dump_json
from hookstation.core.records import StoredRecord
from hookstation.core.values import JSON, Scalar

Value: TypeAlias = int | str | bytes | None
Row: TypeAlias = Sequence[Value]

ESCAPE: Final = "\x1a"
"""The control character that means "substitute": before a ``0`` it stands for NUL, before a ``1`` for itself."""

_ODD_IN_JSON: Final = ("\\u0000", "\\u001a")

_texts: Final = msgspec.json.Decoder(dict[str, str])
_numbers: Final = msgspec.json.Decoder(dict[str, int])
_encode: Final = msgspec.json.Encoder().encode


def kept(text: str) -> str:
    """A text as the database keeps it."""
    if "\0" in text or ESCAPE in text:
        return text.replace(ESCAPE, ESCAPE + "1").replace("\0", ESCAPE + "0")
    return text


def told(text: str) -> str:
    """A text of the database as it was given."""
    if ESCAPE in text:
        return text.replace(ESCAPE + "0", "\0").replace(ESCAPE + "1", ESCAPE)
    return text


def fields_text(fields: Mapping[str, JSON]) -> str:
    """A record's fields as JSON text in which no escape stands for NUL: PostgreSQL's own operators can read it."""
    text = dump_json(dict(fields))
    if any(odd in text for odd in _ODD_IN_JSON):
        return dump_json({kept(name): _kept(value) for name, value in fields.items()})
    return text


def _kept(value: JSON) -> JSON:
    return kept(value) if isinstance(value, str) else value


def fields_of(text: str) -> dict[str, Scalar]:
    """A record's fields with the digits they were written with."""
    fields = read_fields(text)
    if _ODD_IN_JSON[1] not in text:
        return fields
    return {told(name): told(value) if isinstance(value, str) else value for name, value in fields.items()}


def event_row(entry: JournalEntry, settlement: Settlement, mark: Mark | None, *, queued: bool) -> Row:
    """The row of an accepted event, in the order of the table."""
    state, at = settlement.state, entry.received_at
    tries = attempts_when_accepted(state, queued=queued)
    return (
        entry.id,
        kept(entry.webhook),
        state.value,
        at,
        kept(entry.sender),
        entry.size,
        settlement.answer_status,
        settlement.answer_body,
        kept(settlement.error),
        kept(entry.reason),
        kept(entry.connection),
        kept(entry.entity),
        kept(settlement.record_key),
        kept(entry.run_id),
        0 if is_open(state) else at,
        at if tries else 0,
        tries,
        _encode(entry.timings).decode(),
        headers_text(entry),
        kept(entry.query),
        kept(mark.key if mark else entry.dedup_key) or None,
        mark.body_digest if mark else None,
        entry.body,
    )


_TEXTS_OF_AN_EVENT: Final = (1, 4, 8, 9, 10, 11, 12, 13, 19, 20)
"""Places in a row of `EVENT_COLUMNS` that may hold an escape."""


def read_event(row: Iterable[object]) -> Event:
    """A row of `EVENT_COLUMNS`."""
    values = list(row)
    for place in _TEXTS_OF_AN_EVENT:
        values[place] = told(cast("str", values[place]))
    values[2] = State(cast("str", values[2]))
    values[17] = _numbers.decode(cast("str", values[17]))
    values[18] = _texts.decode(cast("str", values[18]))
    return Event(*values)  # type: ignore[arg-type]


def read_record(entity: str, row: Iterable[object]) -> StoredRecord:
    """A row of `RECORD_COLUMNS`."""
    number, party, ordinal, fields, event_id = cast("tuple[int, str, int | None, str, str]", tuple(row))
    return StoredRecord(entity, record_key(number, told(party), ordinal), fields_of(fields), event_id)


def columns(rows: Sequence[Row], width: int) -> list[list[Value]]:
    """Rows turned into arrays for `unnest`; as many empty ones where there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


async def append(connection: Connection, table: str, names: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows by COPY, which knows no ON CONFLICT: raises what the driver raises where one is there already."""
    await connection.copy_records_to_table(table, records=rows, columns=names)
