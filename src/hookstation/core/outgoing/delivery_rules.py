"""What every store decides in the same way about deliveries: their jobs, how they begin and end, and the figures.

All functions are pure; the SQL drivers and the in-memory twin call them, so that they cannot drift apart.
"""

from __future__ import annotations

from typing import Final

from hookstation.core.jobs import DELIVERIES, Job
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryFigures,
    DeliveryState,
    EventOut,
    NewDelivery,
)

ENDED: Final = (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.CANCELLED)
"""States in which a delivery has no job."""

HOUR: Final = 3_600 * 1_000_000
"""Microseconds that one row of figures stands for."""


def job_key(destination: str, key: str) -> str:
    """The key of a delivery's job: deliveries to one destination with the same order key go one after the other."""
    return f"{destination}\n{key}" if key else ""


def delivery_job(delivery_id: str, destination: str, key: str) -> Job:
    """The job of a delivery that is due now and was not tried yet."""
    return Job(DELIVERIES, delivery_id, key=job_key(destination, key), lane=destination)


def begun(event: EventOut, new: NewDelivery) -> Delivery:
    """A delivery as it begins with its event, whose time is its own too."""
    told = (new.id, event.id, event.type, new.subscription, new.destination, new.key)
    return Delivery(*told, DeliveryState.WAITING, event.occurred_at)


def is_of_type(told: str, asked: str) -> bool:
    """Whether an event's type is the one that is asked for; that may end in ``*``, and an empty one is any."""
    if asked.endswith("*"):
        return told.startswith(asked[:-1])
    return not asked or told == asked


def figures_moved(
    destination: str, state: DeliveryState, attempt: DeliveryAttempt | None, ended_at: int
) -> DeliveryFigures | None:
    """What the end of a try adds to the hour in which it ended, ``None`` where nothing was tried.

    A try that did not deliver counts as failed, whether it was the last one or not; a delivery that is given up counts
    as dead, tried or not.  The hour is that of `ended_at`, without one that of the attempt's end.
    """
    if attempt is None and state in (DeliveryState.WAITING, DeliveryState.CANCELLED):
        return None
    took = max(attempt.timing.total, 0) if attempt else 0
    at = ended_at or (attempt.started_at + took if attempt else 0)
    delivered = state is DeliveryState.DELIVERED
    return DeliveryFigures(
        destination,
        at - at % HOUR,
        delivered=int(delivered),
        failed=int(attempt is not None and not delivered),
        dead=int(state is DeliveryState.DEAD),
        took=took,
    )


def together(one: DeliveryFigures, other: DeliveryFigures) -> DeliveryFigures:
    """The figures of an hour and what is added to them."""
    return DeliveryFigures(
        one.destination,
        one.hour,
        one.delivered + other.delivered,
        one.failed + other.failed,
        one.dead + other.dead,
        one.took + other.took,
    )
