"""Between values and rows."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, cast

import msgspec

from hookstation.core.events import Event, JournalEntry, Mark, MarkState, Settlement, State
from hookstation.core.journal_rules import attempts_when_accepted, is_open, mark_state, record_key
from hookstation.core.jsontext import parse_json
from hookstation.core.records import StoredRecord
from hookstation.core.values import Scalar

ENTITY_SHIFT: Final = 40
"""Bits of a record's id below its entity: its number within the entity."""

Value = None | int | float | str | bytes
Row = tuple[Value, ...]

_texts: Final = msgspec.json.Decoder(dict[str, str])
_numbers: Final = msgspec.json.Decoder(dict[str, int])
_encode: Final = msgspec.json.Encoder().encode


def mark_digest(webhook: str, key: str) -> bytes:
    """What a dedup key is found by: the beginning of its texts, then 12 bytes of a hash of all of them.

    Many senders number their calls or put the time first.  Keeping that order puts the marks of calls that come
    together into the same pages; a hash alone would touch another page of a large table with each event.
    """
    whole = f"{webhook}\0{key}".encode()
    return f"{webhook[:8]}{key[:20]}".encode() + blake2b(whole, digest_size=12).digest()


def headers_text(entry: JournalEntry) -> str:
    """Headers as JSON text."""
    return _encode(entry.headers).decode()


def event_row(
    entry: JournalEntry, settlement: Settlement, mark: Mark | None, payload_no: int, *, queued: bool = False
) -> Row:
    """The row of an accepted event, in the order of the table. `queued`: its job has no holder."""
    state = settlement.state
    tries = attempts_when_accepted(state, queued=queued)
    at = entry.received_at
    key, digest = (entry.dedup_key or None, None) if mark is None else (mark.key, mark.body_digest)
    return (
        entry.id,
        entry.webhook,
        state,
        at,
        entry.sender,
        entry.size,
        settlement.answer_status,
        settlement.answer_body,
        settlement.error,
        entry.reason,
        entry.connection,
        entry.entity,
        settlement.record_key,
        entry.run_id,
        0 if is_open(state) else at,
        at if tries else 0,
        tries,
        _encode(entry.timings).decode(),
        entry.query,
        payload_no,
        key,
        digest,
    )


def read_event(row: Row) -> Event:
    """A row of `EVENT_COLUMNS`."""
    values = list(row)
    values[2] = State(cast("str", row[2]))
    values[17] = _numbers.decode(cast("str", row[17]))  # type: ignore[call-overload]
    values[18] = _texts.decode(cast("str", row[18]))  # type: ignore[call-overload]
    return Event(*values)  # type: ignore[arg-type]


def read_mark(webhook: str, row: Row) -> Mark | None:
    """A row of `FIND_MARK`; ``None`` where the event's state holds no mark."""
    key, digest, event_id, state, expires_at, run_id, status, body = cast(
        "tuple[str, bytes, str, str, int, str, int, bytes]", row
    )
    held = mark_state(State(state))
    if held is None:
        return None
    answer = (status, body) if held is MarkState.SUCCEEDED else (0, b"")
    return Mark(webhook, key, digest, event_id, held, expires_at, run_id, *answer)


def read_fields(text: str) -> dict[str, Scalar]:
    """A record's fields with the digits they were written with."""
    return cast("dict[str, Scalar]", parse_json(text.encode()).value)


def read_record(entity: str, row: Row) -> StoredRecord:
    """A row of `RECORD_COLUMNS`."""
    number, party, ordinal, fields, event_id = cast("tuple[int, str, int | None, str, str]", row)
    key = record_key(number & ((1 << ENTITY_SHIFT) - 1), party, ordinal)
    return StoredRecord(entity, key, read_fields(fields), event_id)
