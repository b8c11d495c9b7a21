"""Between values and rows of what goes out."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from hookstation.adapters.store.rows import Row
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryFigures,
    DeliveryState,
    DestinationState,
    Emission,
    EventOut,
    Health,
    Timing,
    Trouble,
)

Headers = tuple[tuple[str, str], ...]

DELIVERY_WIDTH: Final = 14
"""Columns of a delivery as it is read."""

_write: Final = msgspec.json.Encoder().encode
_read_headers: Final = msgspec.json.Decoder(Headers).decode


def event_row(event: EventOut) -> Row:
    """A row for `INSERT_EVENT`."""
    return event.id, event.type, event.occurred_at, event.source, event.key, event.hops, event.payload


def delivery_rows(emission: Emission) -> list[Row]:
    """Rows for `INSERT_DELIVERY`."""
    event = emission.event
    return [
        (new.id, event.id, event.type, new.subscription, new.destination, new.key, event.occurred_at)
        for new in emission.deliveries
    ]


def attempt_row(attempt: DeliveryAttempt) -> Row:
    """A row for `INSERT_ATTEMPT`."""
    timing = attempt.timing
    return (
        attempt.delivery_id,
        attempt.number,
        attempt.started_at,
        attempt.method,
        attempt.url,
        _write(attempt.headers).decode(),
        attempt.body,
        attempt.status,
        _write(attempt.answer_headers).decode(),
        attempt.answer,
        int(attempt.cut),
        timing.dns,
        timing.connect,
        timing.tls,
        timing.first_byte,
        timing.total,
        attempt.trouble.value,
        attempt.error,
        attempt.node,
    )


def figures_row(figures: DeliveryFigures) -> Row:
    """A row for `ADD_FIGURES`."""
    counts = (figures.delivered, figures.failed, figures.dead, figures.took)
    return figures.destination, figures.hour, *counts


def read_event(row: Row) -> EventOut:
    """A row of `EVENT_COLUMNS`."""
    return EventOut(*cast("tuple[str, str, int, str, str, str, int]", row))


def read_delivery(row: Row) -> Delivery:
    """A row of `DELIVERY_COLUMNS`."""
    values = list(row)
    values[6] = DeliveryState(cast("str", row[6]))
    values[10] = Trouble(cast("str", row[10]))
    return Delivery(*values)  # type: ignore[arg-type]


def read_attempt(row: Row) -> DeliveryAttempt:
    """A row of `LIST_ATTEMPTS`."""
    values: list[object] = list(row[:11])
    values[5] = _read_headers(cast("str", row[5]))
    values[8] = _read_headers(cast("str", row[8]))
    values[10] = bool(row[10])
    timing = Timing(*cast("tuple[int, int, int, int, int]", row[11:16]))
    values += [timing, Trouble(cast("str", row[16])), *row[17:]]
    return DeliveryAttempt(*values)  # type: ignore[arg-type]


def read_figures(row: Row) -> DeliveryFigures:
    """A row of `FIGURES`."""
    return DeliveryFigures(*cast("tuple[str, int, int, int, int, int]", row))


def read_state(row: Row) -> DestinationState:
    """A row of `STATES`."""
    values: list[object] = list(row)
    values[1] = Health(cast("str", row[1]))
    return DestinationState(*values)  # type: ignore[arg-type]
