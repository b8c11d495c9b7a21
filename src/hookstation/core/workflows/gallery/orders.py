"""Order → activity and fulfilment API."""

from __future__ import annotations

from typing import Final

from hookstation.core.values import JSON, Number
from hookstation.core.workflows.gallery.template import (
    Answers,
    Ask,
    Documents,
    GalleryTemplate,
    Question,
    named,
)

SAMPLE: Final[JSON] = {
    "orderId": "4711",
    "memberId": "10420",
    "placedAt": "2026-11-22T09:30:00Z",
    "total": Number("119.90"),
    "currency": "EUR",
    "lines": [
        {"sku": "BOOK-7", "title": "Handbook 2026", "quantity": 1, "price": Number("89.90")},
        {"sku": "PIN-1", "title": "Pin", "quantity": 2, "price": Number("15.00")},
    ],
    "shipTo": {"name": "Ann Example", "street": "Example Street 1", "city": "Springfield", "country": "US"},
}
_SCHEMA: Final[JSON] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["orderId", "memberId", "total", "lines"],
    "properties": {
        "orderId": {"type": "string", "minLength": 1, "maxLength": 30},
        "memberId": {"type": "string", "maxLength": 10},
        "placedAt": {"type": "string", "format": "date-time"},
        "total": {"type": "number", "minimum": 0},
        "currency": {"type": "string", "maxLength": 3},
        "lines": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"type": "object"}},
        "shipTo": {"type": "object"},
    },
}


def _build(answers: Answers) -> Documents:
    name = answers["name"]
    return {
        "version": 1,
        "workflows": [
            {
                "name": name,
                "title": "Order placed",
                "trigger": {"type": "webhook"},
                "concurrency": {"key": "$$trigger.memberId$$"},
                "sample": SAMPLE,
                "steps": [
                    {
                        "name": "activity",
                        "type": "insert_activity",
                        "title": "Activity on the member's record",
                        "retry": {"attempts": 5, "first": "10s", "factor": 3},
                        "with": {
                            "connection": answers["connection"],
                            "fields": {
                                "ID": "$$trigger.memberId$$",
                                "ActivityType": answers["activity_type"],
                                "TransactionDate": "$$trigger.placedAt$$",
                                "OtherCode": "$$trigger.orderId$$",
                                "Amount": "$$trigger.total$$",
                            },
                        },
                    },
                    {
                        "name": "fulfil",
                        "type": "http_request",
                        "title": "Order at the fulfilment house",
                        "time": "30s",
                        "when_unknown": "repeat",
                        "note": "The fulfilment house knows an order again by its Idempotency-Key, so a call whose end "
                        "is not known may be repeated.",
                        "retry": {"attempts": 6, "first": "30s", "factor": 3, "on": ["offline", "busy"]},
                        "with": {
                            "connection": answers["fulfilment"],
                            "method": "POST",
                            "path": answers["path"],
                            "headers": {"Idempotency-Key": "$$trigger.orderId$$"},
                            "body": {
                                "reference": "$$trigger.orderId$$",
                                "lines": "$$trigger.lines$$",
                                "shipTo": "$$trigger.shipTo$$",
                            },
                        },
                    },
                ],
            }
        ],
        "webhooks": [
            {
                "name": name,
                "title": "Order placed",
                "answer": "poll",
                "authentication": {"type": "none"},
                "duplicates": {"key": "body:orderId"},
                "schema": _SCHEMA,
                "workflow": name,
            }
        ],
    }


ORDERS: Final = GalleryTemplate(
    "order-fulfilment",
    "Order → activity and fulfilment API",
    "The shop tells of an order: an activity is written on the member's record, and the order goes to the API of the "
    "fulfilment house. Orders of one member go one after the other; the shop may ask how its order stands.",
    ("insert_activity", "http_request"),
    (
        named("order-placed"),
        Question(
            "connection",
            "Where the activity goes",
            "iMIS, or the built-in records database.",
            Ask.CONNECTION,
            "records",
            ("records", "imis"),
        ),
        Question("activity_type", "Activity type", "At most 10 characters.", default="SHOP"),
        Question(
            "fulfilment", "Fulfilment API", "An HTTP connection.", Ask.CONNECTION, "fulfilment", ("http",)
        ),
        Question("path", "Path of its orders", "Below the connection's address.", default="/orders"),
    ),
    SAMPLE,
    _build,
)
