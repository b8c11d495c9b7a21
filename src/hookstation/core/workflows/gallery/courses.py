"""Course completion → activity and a thank-you mail."""

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
    "memberId": "10420",
    "firstName": "Ann",
    "lastName": "Example",
    "email": "ann@example.org",
    "course": {"code": "SAFE-101", "title": "Safety at work", "credits": Number("1.5")},
    "completedAt": "2026-11-22T09:30:00Z",
    "grade": "pass",
}
_SCHEMA: Final[JSON] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["memberId", "email", "course", "completedAt"],
    "properties": {
        "memberId": {"type": "string", "minLength": 1, "maxLength": 10},
        "firstName": {"type": "string", "maxLength": 60},
        "lastName": {"type": "string", "maxLength": 60},
        "email": {"type": "string", "format": "email"},
        "course": {
            "type": "object",
            "required": ["code", "title"],
            "properties": {
                "code": {"type": "string", "maxLength": 31},
                "title": {"type": "string", "maxLength": 200},
                "credits": {"type": "number"},
            },
        },
        "completedAt": {"type": "string", "format": "date-time"},
        "grade": {"type": "string"},
    },
}


def _build(answers: Answers) -> Documents:
    name = answers["name"]
    return {
        "version": 1,
        "workflows": [
            {
                "name": name,
                "title": "Course completed",
                "trigger": {"type": "webhook"},
                "sample": SAMPLE,
                "steps": [
                    {
                        "name": "passed",
                        "type": "gate",
                        "title": "Only who passed",
                        "with": {"condition": 'trigger.grade != "fail"', "otherwise": "succeed"},
                    },
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
                                "TransactionDate": "$$trigger.completedAt$$",
                                "ProductCode": "$$trigger.course.code$$",
                                "Description": "$$trigger.course.title$$",
                            },
                        },
                    },
                    {
                        "name": "thanks",
                        "type": "mail",
                        "title": "Thank-you mail",
                        "on_failure": "continue",
                        "retry": {"attempts": 5, "first": "30s", "factor": 4},
                        "with": {
                            "connection": answers["mail"],
                            "to": "$$trigger.email$$",
                            "subject": "Well done: $$trigger.course.title$$",
                            "text": "Dear $$trigger.firstName$$,\n\nthank you for completing "
                            "“$$trigger.course.title$$”. It is on your record now.\n",
                        },
                    },
                ],
            }
        ],
        "webhooks": [
            {
                "name": name,
                "title": "Course completed",
                "answer": "queued",
                "authentication": {"type": "none"},
                "duplicates": {"key": "body-hash"},
                "schema": _SCHEMA,
                "workflow": name,
            }
        ],
    }


COURSES: Final = GalleryTemplate(
    "course-completion",
    "Course completion → activity and thank-you mail",
    "The learning platform tells that somebody completed a course: an activity is written on the member's record, and "
    "the member is thanked by mail.",
    ("gate", "insert_activity", "mail"),
    (
        named("course-completed"),
        Question(
            "connection",
            "Where the activity goes",
            "iMIS, or the built-in records database.",
            Ask.CONNECTION,
            "records",
            ("records", "imis"),
        ),
        Question("activity_type", "Activity type", "At most 10 characters.", default="COURSE"),
        Question("mail", "Mail server", "The connection that sends mail.", Ask.CONNECTION, "mail", ("smtp",)),
    ),
    SAMPLE,
    _build,
)
