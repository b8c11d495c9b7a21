"""The configuration that the tests of the lane share: a webhook for each thing to be shown."""

from __future__ import annotations

from typing import Any

TOKEN = "a token of the tests"
HMAC_SECRET = "an hmac secret of the tests"
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

COURSE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "memberId": {"type": "string"},
        "note": {"type": "string"},
        "amount": {"type": "number"},
        "count": {"type": "integer"},
    },
    "required": ["memberId"],
}


def activity(connection: str = "records", **fields: str) -> dict[str, Any]:
    """An action that inserts an activity of the person `memberId`."""
    return {
        "type": "insert_activity",
        "connection": connection,
        "fields": {"ActivityType": "TEST", "ID": "$$memberId$$", "Note": "$$note$$", **fields},
    }


def webhook(name: str, **more: Any) -> dict[str, Any]:
    """A webhook that takes courses from anybody."""
    return {
        "name": name,
        "authentication": {"type": "none"},
        "schema": COURSE_SCHEMA,
        "action": activity(UF_1="$$event_id$$"),
        **more,
    }


def imis(name: str, sandbox: str, **more: Any) -> dict[str, Any]:
    """A connection to the iMIS stand-in that soon believes that nothing was written."""
    return {
        "name": name,
        "type": "imis",
        "url": sandbox,
        "networks": ["127.0.0.0/8"],
        "username": "manager",
        "password": "sandbox",
        "timeout": "2s",
        "settle_after": "3s",
        **more,
    }


TOKEN_AUTHENTICATION = {"type": "token", "header": "X-Token", "secret": TOKEN}
HMAC_AUTHENTICATION = {
    "type": "hmac",
    "header": "X-Signature",
    "prefix": "sha256=",
    "secret": HMAC_SECRET,
}
FAR = {"allow": ["203.0.113.0/24"]}
NEAR = {"allow": ["127.0.0.0/8"]}
NUMBER_FIELDS = {
    "Quantity": "$$quantity$$",
    "UF_1": "$$text$$",
    "UF_2": "is $$text$$",
    "Amount": "$$amount$$",
}


def lane_document(sandbox: str) -> dict[str, Any]:
    """Every webhook that the tests of the lane call."""
    marked = activity("imis", SourceCode="{{ event_id }}")
    return {
        "version": 1,
        "connections": [imis("imis", sandbox)],
        "panels": [
            {
                "name": "Courses",
                "parent": "party",
                "instances": "multi",
                "fields": {
                    "CourseCode": {"type": "string", "length": 20, "required": True},
                    "Grade": {"type": "string", "length": 10, "values": ["pass", "fail"]},
                },
            }
        ],
        "webhooks": [
            webhook("plain"),
            webhook("paused", state="paused", access=FAR),
            webhook("disabled", state="disabled"),
            webhook("archived", state="archived"),
            webhook("token", authentication=TOKEN_AUTHENTICATION),
            webhook("hmac", authentication=HMAC_AUTHENTICATION),
            webhook("standard", authentication={"type": "standard-webhooks", "secret": STANDARD_SECRET}),
            webhook("far", access={**FAR, "rate": "1/h"}, limits={"body": 10}),
            webhook("near", access=NEAR),
            webhook("rated", access={"rate": "1/h"}, limits={"body": 10}),
            webhook("tiny", authentication=TOKEN_AUTHENTICATION, limits={"body": 40}),
            webhook("tiny-hmac", authentication=HMAC_AUTHENTICATION, limits={"body": 40}),
            webhook("keeping", keep_rejected_bodies=True),
            webhook("by-header", duplicates={"key": "header:webhook-id"}),
            webhook("by-path", duplicates={"key": "body:note"}),
            webhook("by-hash", duplicates={"key": "body-hash"}),
            webhook("numbers", schema={"type": "object"}, action=activity(**NUMBER_FIELDS)),
            webhook("dated", action=activity(TransactionDate="$$count$$")),
            webhook("long", action=activity(Category="$$note$$"), duplicates={"key": "header:webhook-id"}),
            webhook(
                "update",
                action={
                    "type": "update_panel",
                    "connection": "records",
                    "panel": "Courses",
                    "match": {"ID": "$$memberId$$"},
                    "fields": {"CourseCode": "$$note$$"},
                },
            ),
            webhook("imis", action=marked, limits={"time": "20s"}, duplicates={"key": "header:webhook-id"}),
            webhook("quick", action=marked, limits={"time": "0.3s"}, duplicates={"key": "header:webhook-id"}),
            webhook("unmarked", action=activity("imis"), duplicates={"key": "header:webhook-id"}),
        ],
    }
