"""Certification feed → panel."""

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
    "id": "C-99",
    "memberId": "10420",
    "credential": "CAE",
    "status": "granted",
    "validUntil": "2029-11-30",
    "updatedAt": "2026-11-22T09:30:00Z",
}
_SCHEMA: Final[JSON] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id", "memberId", "credential", "status"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 40},
        "memberId": {"type": "string", "maxLength": 10},
        "credential": {"type": "string", "maxLength": 20},
        "status": {"type": "string", "maxLength": 20},
        "validUntil": {"type": "string", "format": "date"},
        "updatedAt": {"type": "string", "format": "date-time"},
    },
}


def _panel(name: str) -> JSON:
    return {
        "name": name,
        "parent": "party",
        "instances": "multi",
        "fields": {
            "Credential": {"type": "string", "length": 20, "required": True},
            "Status": {"type": "string", "length": 20},
            "ValidUntil": {"type": "date"},
        },
    }


def _build(answers: Answers) -> Documents:
    name = answers["name"]
    return {
        "version": 1,
        "workflows": [
            {
                "name": name,
                "title": "Certification",
                "trigger": {"type": "poll"},
                "concurrency": {"key": "$$trigger.memberId$$"},
                "sample": SAMPLE,
                "steps": [
                    {
                        "name": "keep",
                        "type": "upsert_panel",
                        "title": "Row in the panel",
                        "retry": {"attempts": 5, "first": "10s", "factor": 3},
                        "with": {
                            "connection": answers["connection"],
                            "panel": answers["panel"],
                            "match": {"ID": "$$trigger.memberId$$", "Credential": "$$trigger.credential$$"},
                            "fields": {
                                "ID": "$$trigger.memberId$$",
                                "Credential": "$$trigger.credential$$",
                                "Status": "$$trigger.status$$",
                                "ValidUntil": "$$trigger.validUntil$$",
                            },
                        },
                    },
                    {
                        "name": "granted",
                        "type": "if",
                        "title": "New credential?",
                        "with": {"condition": 'trigger.status == "granted"'},
                        "then": [
                            {
                                "name": "tell",
                                "type": "emit",
                                "title": "Tell others",
                                "with": {
                                    "type": "certification.granted",
                                    "payload": {
                                        "memberId": "$$trigger.memberId$$",
                                        "credential": "$$trigger.credential$$",
                                    },
                                },
                            }
                        ],
                    },
                ],
            }
        ],
        "panels": [_panel(answers["panel"])] if answers["connection"] == "records" else [],
        "polls": [
            {
                "name": name,
                "title": "Certifications",
                "every": "15m",
                "first": "everything",
                "source": {
                    "type": "http",
                    "connection": answers["feed"],
                    "path": answers["path"],
                    "items": answers["items"],
                    "cursor": {"type": "field", "field": "updatedAt", "parameter": "since"},
                },
                "key": "$$id$$-$$updatedAt$$",
                "schema": _SCHEMA,
                "workflow": name,
            }
        ],
    }


CERTIFICATIONS: Final = GalleryTemplate(
    "certification-feed",
    "Certification feed → panel",
    "The certification board cannot call us, so its feed is asked every quarter of an hour; each credential that is "
    "new or changed gets its row, and others are told when one is granted.",
    ("upsert_panel", "if", "emit"),
    (
        named("certifications"),
        Question("feed", "The board's API", "An HTTP connection.", Ask.CONNECTION, "board", ("http",)),
        Question("path", "Path of its feed", "Below the connection's address.", default="/credentials"),
        Question("items", "Where the items are", "A path into the answer.", default="items"),
        Question(
            "connection",
            "Where the rows go",
            "iMIS, or the built-in records database.",
            Ask.CONNECTION,
            "records",
            ("records", "imis"),
        ),
        Question(
            "panel", "Panel", "It needs Credential, Status and ValidUntil.", Ask.PANEL, "ABC_Credentials"
        ),
    ),
    SAMPLE,
    _build,
)
