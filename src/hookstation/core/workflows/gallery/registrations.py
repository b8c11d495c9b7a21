"""Event registrations → panel."""

from __future__ import annotations

from typing import Final

from hookstation.core.values import JSON
from hookstation.core.workflows.gallery.template import (
    Answers,
    Ask,
    Documents,
    GalleryTemplate,
    Question,
    named,
)

SAMPLE: Final[JSON] = {
    "registrationId": "R-2026-0815",
    "event": {"code": "CONF26", "title": "Annual conference 2026"},
    "registeredAt": "2026-11-22T09:30:00Z",
    "attendees": [
        {"memberId": "10420", "name": "Ann Example", "ticket": "full"},
        {"memberId": "10577", "name": "Ben Sample", "ticket": "day"},
    ],
}
_SCHEMA: Final[JSON] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["registrationId", "event", "attendees"],
    "properties": {
        "registrationId": {"type": "string", "minLength": 1, "maxLength": 40},
        "event": {
            "type": "object",
            "required": ["code"],
            "properties": {
                "code": {"type": "string", "maxLength": 20},
                "title": {"type": "string", "maxLength": 200},
            },
        },
        "registeredAt": {"type": "string", "format": "date-time"},
        "attendees": {
            "type": "array",
            "minItems": 1,
            "maxItems": 500,
            "items": {
                "type": "object",
                "required": ["memberId"],
                "properties": {
                    "memberId": {"type": "string", "maxLength": 10},
                    "name": {"type": "string", "maxLength": 100},
                    "ticket": {"type": "string", "maxLength": 20},
                },
            },
        },
    },
}


def _build(answers: Answers) -> Documents:
    name = answers["name"]
    return {
        "version": 1,
        "workflows": [
            {
                "name": name,
                "title": "Event registration",
                "trigger": {"type": "webhook"},
                "concurrency": {"key": "$$trigger.registrationId$$"},
                "sample": SAMPLE,
                "steps": [
                    {
                        "name": "each",
                        "type": "for_each",
                        "title": "Every attendee",
                        "with": {"items": "$$trigger.attendees$$", "most": 500},
                        "steps": [
                            {
                                "name": "register",
                                "type": "upsert_panel",
                                "title": "Row in the panel",
                                "with": {
                                    "connection": answers["connection"],
                                    "panel": answers["panel"],
                                    "match": {
                                        "ID": "$$item.memberId$$",
                                        "Event": "$$trigger.event.code$$",
                                    },
                                    "fields": {
                                        "ID": "$$item.memberId$$",
                                        "Event": "$$trigger.event.code$$",
                                        "Registration": "$$trigger.registrationId$$",
                                        "Ticket": "$$item.ticket$$",
                                    },
                                },
                            }
                        ],
                    },
                    {
                        "name": "answer",
                        "type": "respond",
                        "title": "The truth for the event platform",
                        "with": {
                            "status": 200,
                            "body": {"success": True, "registered": "$$steps.each.results.succeeded$$"},
                        },
                    },
                ],
            }
        ],
        "panels": [
            {
                "name": answers["panel"],
                "parent": "party",
                "instances": "multi",
                "fields": {
                    "Event": {"type": "string", "length": 20, "required": True},
                    "Registration": {"type": "string", "length": 40},
                    "Ticket": {"type": "string", "length": 20},
                },
            }
        ]
        if answers["connection"] == "records"
        else [],
        "webhooks": [
            {
                "name": name,
                "title": "Event registration",
                "answer": "outcome",
                "authentication": {"type": "none"},
                "duplicates": {"key": "body:registrationId"},
                "schema": _SCHEMA,
                "workflow": name,
            }
        ],
    }


REGISTRATIONS: Final = GalleryTemplate(
    "event-registrations",
    "Event registrations → panel",
    "The event platform tells of a registration with all its attendees: each gets a row in a panel, and the platform "
    "is answered when all of them stand.",
    ("for_each", "upsert_panel", "respond"),
    (
        named("event-registration"),
        Question(
            "connection",
            "Where the rows go",
            "iMIS, or the built-in records database.",
            Ask.CONNECTION,
            "records",
            ("records", "imis"),
        ),
        Question(
            "panel",
            "Panel",
            "It needs the fields Event, Registration and Ticket.",
            Ask.PANEL,
            "ABC_Registrations",
        ),
    ),
    SAMPLE,
    _build,
)
