"""The workflow that is measured beside DBOS: validate, map, insert; and a payload for it."""

from __future__ import annotations

from typing import Final

from hookstation.core.values import JSON

NAME: Final = "enrol"
PANEL: Final = "Courses"
SCHEMA: Final[dict[str, JSON]] = {
    "type": "object",
    "required": ["memberId", "course", "grade"],
    "properties": {
        "memberId": {"type": "string", "pattern": "^[0-9]+$"},
        "course": {"type": "string", "maxLength": 40},
        "grade": {"enum": ["pass", "fail"]},
        "completedAt": {"type": "string"},
    },
}
PAYLOAD: Final[dict[str, JSON]] = {
    "memberId": "10420",
    "course": "CPR-2",
    "grade": "pass",
    "completedAt": "2026-11-22T09:00:00Z",
    "note": "n" * 200,
}
DOCUMENT: Final[dict[str, JSON]] = {
    "name": NAME,
    "steps": [
        {"name": "check", "type": "validate", "with": {"schema": SCHEMA}},
        {
            "name": "map",
            "type": "set",
            "with": {
                "values": {
                    "title": "$$trigger.course$$ ($$trigger.grade$$)",
                    "member": "$$trigger.memberId$$",
                    "done": "$$trigger.completedAt$$",
                }
            },
        },
        {
            "name": "insert",
            "type": "insert_panel",
            "with": {
                "connection": "records",
                "panel": PANEL,
                "fields": {"ID": "$$vars.member$$", "Course": "$$vars.title$$", "Note": "$$vars.done$$"},
            },
        },
    ],
}
FIELDS: Final[dict[str, JSON]] = {
    "Course": {"type": "string", "length": 80},
    "Note": {"type": "string", "length": 200},
}
