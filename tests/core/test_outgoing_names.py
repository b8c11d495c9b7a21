"""Names that no event of a subscription is known to have are warned of; where nothing is known, nothing is."""

from __future__ import annotations

import pytest

from hookstation.core.outgoing.definitions import Body, BodyForm, Subscription
from hookstation.core.outgoing.names import unknown_names
from hookstation.core.outgoing.types import OWN_TYPES, OwnType
from hookstation.core.values import JSON

ORDERS: dict[str, JSON] = {
    "orders": {
        "type": "object",
        "properties": {
            "total": {"type": "number"},
            "items": {"type": "array", "items": {"type": "object", "properties": {"sku": {}}}},
        },
    },
    "open": True,
}


def told(events: list[str], condition: str = "", content: JSON = None) -> list[tuple[str, int | None]]:
    body = Body(BodyForm.TEMPLATE, content) if content is not None else Body()
    subscription = Subscription(
        "s", "d", tuple(events), condition=condition, body=body, headers={"X-A": "$$headr$$"}
    )
    problems = unknown_names(subscription, ORDERS)
    assert {"warning"} >= {problem.severity for problem in problems}
    return [(str(problem), problem.position) for problem in problems]


def test_a_misspelt_property_is_told_where_it_is_read_with_the_nearest_one() -> None:
    said = "none of these events is known to have"
    assert [
        (f"condition: {said} “totl”. Did you mean “total”?", 0),
        (f"body.content.a.0: {said} “nope”.", 3),
        (f"headers.X-A: {said} “headr”.", 0),
    ] == told(["inbound.orders"], "totl > 5", {"a": ["a: $$nope$$"]})


@pytest.mark.parametrize(
    "condition",
    [
        "total > 5",
        "payload.total > 5",
        'items[0].sku == "a"',
        'event.type == "x"',
        'record.entity == "ACTIVITY" or fields.ANYTHING == 1',
    ],
)
def test_what_one_of_the_events_has_is_taken(condition: str) -> None:
    assert ["headers.X-A"] == [
        one.partition(":")[0] for one, _ in told(["inbound.orders", "record.*"], condition)
    ]


def test_what_liquid_finds_in_arrays_is_taken() -> None:
    assert 1 == len(
        told(["inbound.orders"], "", "{{ items.size }} {{ items.first.sku }} {{ delivery.attempt }}")
    )


@pytest.mark.parametrize(
    "events", [["*"], ["order.paid"], ["inbound.*"], ["inbound.open"], ["record.*", "order.*"]]
)
def test_where_an_event_may_have_anything_nothing_is_told(events: list[str]) -> None:
    assert [] == told(events, "anything == 1")


def test_a_webhook_that_is_not_there_is_told() -> None:
    [(said, _)] = told(["inbound.oders", "*"])
    assert said.startswith("events.0: there is no webhook “oders”")
    assert said.endswith("Did you mean “orders”?")


@pytest.mark.parametrize("one", OWN_TYPES, ids=[one.name for one in OWN_TYPES])
def test_every_property_of_an_own_sample_is_known(one: OwnType) -> None:
    assert isinstance(one.sample, dict)
    condition = " or ".join(f"exists({name})" for name in one.sample)
    assert ["headers.X-A"] == [said.partition(":")[0] for said, _ in told([one.name], condition)]
