"""Nightly lapsed members → update."""

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

SAMPLE: Final[JSON] = {"asked": "by hand"}


def _build(answers: Answers) -> Documents:
    name = answers["name"]
    return {
        "version": 1,
        "workflows": [
            {
                "name": name,
                "title": "Lapsed members",
                "trigger": {"type": "schedule"},
                "concurrency": {"runs": 1},
                "sample": SAMPLE,
                "steps": [
                    {
                        "name": "lapsed",
                        "type": "imis_query",
                        "title": "Who has lapsed",
                        "retry": {"attempts": 4, "first": "1m", "factor": 3},
                        "with": {"connection": answers["imis"], "query": answers["query"]},
                    },
                    {
                        "name": "changed",
                        "type": "delta",
                        "title": "Only who lapsed since the last night",
                        "with": {"rows": "$$steps.lapsed.rows$$", "key": [answers["key"]]},
                    },
                    {
                        "name": "each",
                        "type": "for_each",
                        "title": "One after the other",
                        "with": {
                            "items": "$$steps.changed.rows$$",
                            "at_once": 4,
                            "failures": {"most": 20},
                        },
                        "steps": [
                            {
                                "name": "mark",
                                "type": "upsert_panel",
                                "title": "Mark the member",
                                "retry": {"attempts": 3, "first": "5s"},
                                "with": {
                                    "connection": answers["connection"],
                                    "panel": answers["panel"],
                                    "match": {"ID": f"$$item.{answers['key']}$$"},
                                    "fields": {
                                        "ID": f"$$item.{answers['key']}$$",
                                        "Status": "lapsed",
                                        "Since": "$$run.created_at$$",
                                    },
                                },
                            }
                        ],
                    },
                ],
            }
        ],
        "panels": [
            {
                "name": answers["panel"],
                "parent": "party",
                "instances": "single",
                "fields": {
                    "Status": {"type": "string", "length": 20, "required": True},
                    "Since": {"type": "datetime"},
                },
            }
        ]
        if answers["connection"] == "records"
        else [],
        "schedules": [
            {
                "name": name,
                "title": "Lapsed members, every night",
                "workflow": name,
                "cron": "30 2 * * *",
                "zone": answers["zone"],
                "disable_after": 5,
            }
        ],
    }


LAPSED: Final = GalleryTemplate(
    "lapsed-members",
    "Nightly lapsed members → update",
    "Every night a stored iMIS query says whose membership has lapsed; who is new on the list is marked in a panel.",
    ("imis_query", "delta", "for_each", "upsert_panel"),
    (
        named("lapsed-members"),
        Question("imis", "iMIS", "The connection with the stored query.", Ask.CONNECTION, "imis", ("imis",)),
        Question("query", "Stored query", "Its path.", default="$/Membership/Lapsed"),
        Question("key", "Column of the member's id", "As the query puts it out.", default="ID"),
        Question(
            "connection",
            "Where members are marked",
            "iMIS, or the built-in records database.",
            Ask.CONNECTION,
            "records",
            ("records", "imis"),
        ),
        Question("panel", "Panel", "It needs the fields Status and Since.", Ask.PANEL, "ABC_Membership"),
        Question("zone", "Time zone", "Of the night: an IANA name.", default="UTC"),
    ),
    SAMPLE,
    _build,
)
