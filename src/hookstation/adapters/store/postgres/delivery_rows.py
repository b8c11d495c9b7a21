"""Between rows and what goes out: events, deliveries, attempts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

import msgspec

from hookstation.adapters.store.postgres.rows import Row, kept, told
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    EventOut,
    Timing,
    Trouble,
)

EVENT: Final = ("id", "type", "occurred_at", "source", "key", "hops", "payload")
"""Columns of an event out."""

DELIVERY: Final = (
    "id", "event_id", "type", "subscription", "destination", "key", "state", "created_at", "attempts", "status",
    "trouble", "error", "ended_at",
)  # fmt: skip
"""Columns of a delivery."""

ATTEMPT: Final = (
    "delivery_id", "number", "started_at", "method", "url", "headers", "body", "status", "answer_headers", "answer",
    "cut", "dns", "connect", "tls", "first_byte", "total", "trouble", "error", "node",
)  # fmt: skip
"""Columns of an attempt."""

EVENT_COLUMNS: Final = ", ".join(f"e.{name}" for name in EVENT)
DELIVERY_COLUMNS: Final = ", ".join(f"d.{name}" for name in DELIVERY)

Headers = tuple[tuple[str, str], ...]

_encode: Final = msgspec.json.Encoder().encode
_headers: Final = msgspec.json.Decoder(Headers).decode


def event_out_row(event: EventOut) -> tuple[str, str, int, str, str, int, str]:
    """A row of `EVENT`."""
    source, key, payload = kept(event.source), kept(event.key), kept(event.payload)
    return event.id, kept(event.type), event.occurred_at, source, key, event.hops, payload


def read_event_out(row: Iterable[object]) -> EventOut:
    """What `event_out_row` made."""
    event_id, type_, occurred_at, source, key, hops, payload = cast(
        "tuple[str, str, int, str, str, int, str]", tuple(row)
    )
    return EventOut(event_id, told(type_), occurred_at, told(payload), told(source), told(key), hops)


def delivery_row(delivery: Delivery) -> Row:
    """A row of `DELIVERY`."""
    return (
        delivery.id,
        delivery.event_id,
        kept(delivery.type),
        kept(delivery.subscription),
        kept(delivery.destination),
        kept(delivery.key),
        delivery.state.value,
        delivery.created_at,
        delivery.attempts,
        delivery.status,
        delivery.trouble.value,
        kept(delivery.error),
        delivery.ended_at,
    )


def read_delivery(row: Iterable[object], due_at: int) -> Delivery:
    """What `delivery_row` made; `due_at` is its job's."""
    delivery_id, event_id, *texts = cast("tuple[str, ...]", tuple(row))
    type_, subscription, destination, key = map(told, texts[:4])
    state, created_at, attempts, status, trouble, error, ended_at = cast(
        "tuple[str, int, int, int, str, str, int]", tuple(texts[4:])
    )
    return Delivery(
        delivery_id,
        event_id,
        type_,
        subscription,
        destination,
        key,
        DeliveryState(state),
        created_at,
        attempts,
        status,
        Trouble(trouble),
        told(error),
        due_at,
        ended_at,
    )


def attempt_row(attempt: DeliveryAttempt) -> Row:
    """A row of `ATTEMPT`."""
    timing = attempt.timing
    return (
        attempt.delivery_id,
        attempt.number,
        attempt.started_at,
        kept(attempt.method),
        kept(attempt.url),
        _encode(attempt.headers).decode(),
        attempt.body,
        attempt.status,
        _encode(attempt.answer_headers).decode(),
        attempt.answer,
        int(attempt.cut),
        timing.dns,
        timing.connect,
        timing.tls,
        timing.first_byte,
        timing.total,
        attempt.trouble.value,
        kept(attempt.error),
        kept(attempt.node),
    )


def read_attempt(row: Iterable[object]) -> DeliveryAttempt:
    """What `attempt_row` made."""
    sent, came, timing, end = _parts(tuple(row))
    delivery_id, number, started_at, method, url, headers, body = sent
    status, answer_headers, answer, cut = came
    trouble, error, node = end
    return DeliveryAttempt(
        delivery_id,
        number,
        started_at,
        told(method),
        told(url),
        _headers(headers.encode()),
        body,
        status,
        _headers(answer_headers.encode()),
        answer,
        bool(cut),
        Timing(*timing),
        Trouble(trouble),
        told(error),
        told(node),
    )


_Sent = tuple[str, int, int, str, str, str, bytes]
_Came = tuple[int, str, bytes, int]
_Times = tuple[int, int, int, int, int]
_End = tuple[str, str, str]


def _parts(row: tuple[object, ...]) -> tuple[_Sent, _Came, _Times, _End]:
    return cast("tuple[_Sent, _Came, _Times, _End]", (row[:7], row[7:11], row[11:16], row[16:]))
