"""Schemas of the OpenAPI document: destinations, subscriptions, events out, deliveries."""

from __future__ import annotations

from typing import Final

from hookstation.core.documents.destination import DESTINATION
from hookstation.core.documents.subscription import SUBSCRIPTION
from hookstation.core.fieldlist import json_schema
from hookstation.core.outgoing.values import DeliveryState, Health, Trouble
from hookstation.core.values import JSON
from hookstation.web.api.schema_parts import (
    ANY,
    COUNT,
    MAYBE_TEXT,
    MOMENT,
    TEXT,
    closed,
    list_of,
    object_of,
    ref,
)

MAYBE_COUNT: Final[JSON] = {"type": ["integer", "null"], "minimum": 0}
FACTS: Final[JSON] = {"type": ["object", "array"]}
FLAG: Final[JSON] = {"type": "boolean"}
HEADERS: Final[JSON] = {"type": "array", "items": {"type": "array", "items": TEXT}}


def sending_schemas() -> dict[str, JSON]:
    """The schemas by name."""
    return {**_destinations(), **_deliveries(), **_events_out(), **_requests()}


def _destinations() -> dict[str, JSON]:
    document = json_schema(DESTINATION)
    assert isinstance(document, dict)
    properties = document["properties"]
    assert isinstance(properties, dict)
    shown: dict[str, JSON] = {
        **{name: _masked(schema) for name, schema in properties.items()},
        "health": ref("DestinationHealth"),
        "waiting": COUNT,
        "more_waiting": FLAG,
        "made_secret": TEXT,
        "problem": TEXT,
    }
    return {
        "DestinationDocument": document,
        "Destination": object_of(("name", "url", "health", "waiting", "more_waiting"), **shown),
        "Destinations": list_of("Destination"),
        "DestinationHealth": object_of(
            ("state", "until", "failing_since", "changed_at", "why"),
            state={"enum": list(Health)},
            until=MOMENT,
            failing_since=MOMENT,
            changed_at=MOMENT,
            why=TEXT,
        ),
        "RotatedSecret": object_of(("secret", "old_until"), secret=TEXT, old_until=MOMENT),
        "PortalLink": object_of(("url", "until"), url=TEXT, until=MOMENT),
        "DestinationHour": object_of(
            ("hour", "delivered", "failed", "dead", "average_microseconds"),
            hour=MOMENT,
            delivered=COUNT,
            failed=COUNT,
            dead=COUNT,
            average_microseconds=COUNT,
        ),
        "DestinationFigures": list_of("DestinationHour"),
        "SubscriptionDocument": json_schema(SUBSCRIPTION),
        "Subscriptions": list_of("SubscriptionDocument"),
        "EventType": object_of(("name", "tells", "sample"), name=TEXT, tells=TEXT, sample=ANY),
        "EventTypes": list_of("EventType"),
    }


def _masked(schema: JSON) -> JSON:
    """The schema of what is shown: a secret too, masked."""
    if isinstance(schema, dict):
        return {name: _masked(one) for name, one in schema.items() if name != "writeOnly"}
    return [_masked(one) for one in schema] if isinstance(schema, list) else schema


def _deliveries() -> dict[str, JSON]:
    line: dict[str, JSON] = {
        "id": TEXT,
        "event_id": TEXT,
        "type": TEXT,
        "subscription": MAYBE_TEXT,
        "destination": TEXT,
        "state": {"enum": list(DeliveryState)},
        "created_at": MOMENT,
        "due_at": MOMENT,
        "ended_at": MOMENT,
        "attempts": COUNT,
        "status": MAYBE_COUNT,
        "trouble": {"enum": [*(one.value for one in Trouble if one.value), None]},
        "error": TEXT,
    }
    sent = object_of(
        ("method", "url", "headers", "body"),
        method=TEXT,
        url=TEXT,
        headers=HEADERS,
        body=MAYBE_TEXT,
        body_base64=TEXT,
    )
    answer = object_of(
        ("status", "headers", "body", "cut"),
        status=COUNT,
        headers=HEADERS,
        body=MAYBE_TEXT,
        body_base64=TEXT,
        cut=FLAG,
    )
    return {
        "Delivery": object_of(tuple(line), **line),
        "Deliveries": list_of("Delivery"),
        "DeliveryInFull": object_of(
            (*line, "event", "history"),
            **line,
            event={"anyOf": [ref("EventOut"), {"type": "null"}]},
            history={"type": "array", "items": ref("DeliveryAttempt")},
        ),
        "DeliveryAttempt": object_of(
            ("number", "started_at", "trouble", "error", "request", "answer", "microseconds"),
            number=COUNT,
            started_at=MOMENT,
            trouble=line["trouble"],
            error=TEXT,
            node=MAYBE_TEXT,
            request=sent,
            answer={"anyOf": [answer, {"type": "null"}]},
            microseconds={"type": "object", "additionalProperties": MAYBE_COUNT},
        ),
        "SubscriptionPreview": object_of(
            ("event", "real", "condition", "delivered", "request", "headers_added", "failure", "problems"),
            event=ref("EventOut"),
            real=FLAG,
            condition=TEXT,
            delivered=FLAG,
            request={"anyOf": [sent, {"type": "null"}]},
            headers_added={"type": "array", "items": TEXT},
            failure=TEXT,
            problems={"type": "array", "items": ref("Detail")},
        ),
        "DeliveriesDone": object_of(("count", "next"), count=COUNT, next=MAYBE_TEXT),
        "HeardDelivery": object_of(
            ("delivery", "attempt", "missed"),
            delivery=ref("Delivery"),
            attempt={"anyOf": [ref("DeliveryAttempt"), {"type": "null"}]},
            missed=COUNT,
        ),
    }


def _events_out() -> dict[str, JSON]:
    event: dict[str, JSON] = {
        "id": TEXT,
        "type": TEXT,
        "occurred_at": MOMENT,
        "source": MAYBE_TEXT,
        "key": MAYBE_TEXT,
    }
    return {
        "EventOut": object_of((*event, "data"), **event, data=TEXT),
        "EventOutLine": object_of(tuple(event), **event),
        "EventsOut": list_of("EventOutLine"),
        "EventOutInFull": object_of(
            (*event, "data", "deliveries"),
            **event,
            data=TEXT,
            deliveries={"type": "array", "items": ref("Delivery")},
        ),
        "RaisedEvent": object_of(
            (*event, "data", "repeated"), **event, data=TEXT, repeated=FLAG, deliveries=COUNT
        ),
    }


def _requests() -> dict[str, JSON]:
    texts: dict[str, JSON] = dict.fromkeys(
        ("destination", "subscription", "status", "trouble", "type", "event_id", "since", "until", "after"),
        TEXT,
    )
    return {
        "RaiseRequest": closed(("type", "data"), type=TEXT, data=FACTS, key=TEXT),
        "RotateRequest": closed(overlap=COUNT, secret=TEXT),
        "TestRequest": closed(subscription=TEXT, type=TEXT, data=FACTS),
        "PortalRequest": closed(seconds=COUNT),
        "DeliveriesRequest": closed(**texts),
        "SubscriptionPreviewRequest": closed(
            ("subscription",),
            subscription={"type": "object", "description": "A subscription; its name may be left out."},
            real=FLAG,
        ),
    }
