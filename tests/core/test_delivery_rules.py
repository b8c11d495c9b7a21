"""What every store decides in the same way about deliveries."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hookstation.core.jobs import DELIVERIES
from hookstation.core.outgoing.delivery_rules import (
    ENDED,
    HOUR,
    begun,
    delivery_job,
    figures_moved,
    is_of_type,
    together,
)
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryFigures,
    DeliveryState,
    EventOut,
    NewDelivery,
    Timing,
    Trouble,
)


def test_order_keys_are_of_one_destination() -> None:
    """The job of a delivery stands in its destination's lane; the same order key elsewhere is another key."""
    shop, crm, free = (
        delivery_job(*one) for one in (("a", "shop", "7"), ("b", "crm", "7"), ("c", "shop", ""))
    )

    assert (DELIVERIES, "a", "shop", 0, 0) == (shop.queue, shop.id, shop.lane, shop.delay, shop.tries)
    assert ["shop\n7", "crm\n7", ""] == [one.key for one in (shop, crm, free)]


def test_a_delivery_begins_with_its_event() -> None:
    """A new delivery waits, untried, from when its event occurred."""
    event = EventOut("E1", "record.inserted", 70, "{}")

    assert Delivery("D1", "E1", "record.inserted", "s", "shop", "k", DeliveryState.WAITING, 70) == begun(
        event, NewDelivery("D1", "s", "shop", "k")
    )
    assert {DeliveryState.WAITING} == set(DeliveryState) - set(ENDED)


@pytest.mark.parametrize(
    ("told", "asked", "is_one"),
    [
        ("record.inserted", "", True),
        ("record.inserted", "*", True),
        ("record.inserted", "record.*", True),
        ("record.inserted", "record.inserted", True),
        ("record.inserted", "record", False),
        ("recorder", "record.*", False),
        ("test", "record.*", False),
    ],
)
def test_types(told: str, asked: str, is_one: bool) -> None:
    """A type is asked for whole, or by its beginning."""
    assert is_one is is_of_type(told, asked)


def attempt(started_at: int = 5, total: int = 10) -> DeliveryAttempt:
    return DeliveryAttempt(
        "D1", 1, started_at, "POST", "https://a.example", timing=Timing(total=total), trouble=Trouble.NONE
    )


def test_figures() -> None:
    """An attempt counts where it delivered or failed, a delivery that is given up besides; nothing tried is nothing."""
    states = (DeliveryState.DELIVERED, DeliveryState.WAITING, DeliveryState.DEAD, DeliveryState.CANCELLED)

    tried = [figures_moved("shop", state, attempt(), 7) for state in states]
    untried = [figures_moved("shop", state, None, 7) for state in states[1:]]

    assert [
        DeliveryFigures("shop", 0, delivered=1, took=10),
        DeliveryFigures("shop", 0, failed=1, took=10),
        DeliveryFigures("shop", 0, failed=1, dead=1, took=10),
        DeliveryFigures("shop", 0, failed=1, took=10),
    ] == tried
    assert [None, DeliveryFigures("shop", 0, dead=1), None] == untried


def test_hour_of_the_figures() -> None:
    """The hour is that of the end: as it is told, else when the attempt was over; a part not reached takes nothing."""
    told = figures_moved("shop", DeliveryState.DEAD, attempt(), 3 * HOUR + 1)
    by_attempt = figures_moved("shop", DeliveryState.WAITING, attempt(HOUR - 1, 2), 0)
    unreached = figures_moved("shop", DeliveryState.WAITING, attempt(HOUR - 1, -1), 0)

    assert told is not None
    assert by_attempt is not None
    assert unreached is not None
    assert [(3 * HOUR, 10), (HOUR, 2), (0, 0)] == [
        (one.hour, one.took) for one in (told, by_attempt, unreached)
    ]


counts = some.builds(
    DeliveryFigures,
    some.just("shop"),
    some.just(HOUR),
    *(some.integers(0, 9) for _ in range(4)),
)


@given(counts, counts, counts)
def test_figures_add_up(one: DeliveryFigures, other: DeliveryFigures, third: DeliveryFigures) -> None:
    """In whatever order ends come together, the hour's figures are the same."""
    assert together(one, together(other, third)) == together(together(one, other), third)
    assert together(one, other) == together(other, one)
    assert one == together(one, DeliveryFigures("shop", HOUR))
