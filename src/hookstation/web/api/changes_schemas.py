"""Schemas of the OpenAPI document: drafts, versions, back-tests and captures."""

from __future__ import annotations

from hookstation.core.values import JSON
from hookstation.engine.listen import ANSWERS
from hookstation.ports.versions import VersionState
from hookstation.web.api.schema_parts import (
    ANY,
    COUNT,
    FREE,
    MAYBE_TEXT,
    MOMENT,
    TEXT,
    closed,
    list_of,
    object_of,
    ref,
)

MAYBE_COUNT: JSON = {"type": ["integer", "null"], "minimum": 0}
MAYBE_FREE: JSON = {"type": ["object", "null"]}


def changes_schemas(webhook: JSON) -> dict[str, JSON]:
    """The schemas by name. `webhook`: that of a whole document, of which a draft may lack anything."""
    return {**_versions(webhook), **_comparing(), **_captures(), **_requests()}


def _listed(name: str) -> JSON:
    return {"type": "array", "items": ref(name)}


def _versions(webhook: JSON) -> dict[str, JSON]:
    assert isinstance(webhook, dict)
    version: dict[str, JSON] = {
        "webhook": TEXT,
        "version": {"type": "integer", "minimum": 1},
        "at": MOMENT,
        "by": TEXT,
        "note": TEXT,
        "state": {"enum": list(VersionState)},
    }
    required = ("webhook", "version", "at", "by", "note", "state")
    return {
        "DraftDocument": {"type": "object", "properties": webhook["properties"]},
        "Version": object_of(required, **version),
        "Versions": list_of("Version"),
        "VersionInFull": object_of((*required, "document"), **version, document=FREE),
        "Draft": object_of(
            ("webhook", "began", "is_draft", "document", "problems", "sections"),
            webhook=TEXT,
            began=COUNT,
            is_draft={"type": "boolean"},
            may_be_published={"type": "boolean"},
            document=FREE,
            newest={"anyOf": [ref("Version"), {"type": "null"}]},
            live={"anyOf": [ref("Version"), {"type": "null"}]},
            problems=_listed("Detail"),
            sections={"type": "object", "additionalProperties": _listed("Detail")},
        ),
        "Checked": object_of(
            ("problems", "sections"),
            problems=_listed("Detail"),
            sections={"type": "object", "additionalProperties": _listed("Detail")},
        ),
        "Discarded": object_of(("discarded",), discarded=COUNT),
        "Editor": object_of(("who", "until"), who=TEXT, until=MOMENT),
        "Editors": list_of("Editor"),
    }


def _comparing() -> dict[str, JSON]:
    return {
        "Difference": object_of(
            ("path", "change", "before", "after"),
            path=TEXT,
            change={"enum": ["added", "removed", "changed"]},
            before=ANY,
            after=ANY,
        ),
        "Differences": list_of("Difference"),
        "Judgement": object_of(
            ("verdict", "stage", "detail", "record"),
            verdict={"enum": ["accepted", "refused", "unjudged"]},
            stage=TEXT,
            detail=TEXT,
            record=MAYBE_FREE,
        ),
        "BackTestLine": {
            "description": "One line of the answer; each is one of these, and the last one has `ended`.",
            "anyOf": [
                object_of(
                    ("event", "before", "after", "differences"),
                    event=FREE,
                    before=ref("Judgement"),
                    after=ref("Judgement"),
                    differences=_listed("Difference"),
                ),
                object_of(
                    ("wanted", "done", "same", "changed", "unjudged", "ended"),
                    wanted=COUNT,
                    done=COUNT,
                    looked_at=COUNT,
                    same=COUNT,
                    changed=COUNT,
                    unjudged=COUNT,
                    newly_refused=COUNT,
                    newly_accepted=COUNT,
                    ended=TEXT,
                ),
            ],
        },
        "Sent": object_of(
            ("status", "answer", "event"),
            status={"type": "integer"},
            answer=FREE,
            event={"anyOf": [ref("Event"), {"type": "null"}]},
        ),
    }


def _captures() -> dict[str, JSON]:
    capture: dict[str, JSON] = {
        "id": TEXT,
        "url": TEXT,
        "path": TEXT,
        "by": TEXT,
        "webhook": TEXT,
        "opened_at": MOMENT,
        "until": MOMENT,
        "answer": {"enum": list(ANSWERS)},
    }
    required = ("id", "url", "path", "by", "until", "answer")
    return {
        "Capture": object_of(required, **capture),
        "Captures": list_of("Capture"),
        "CaptureInFull": object_of((*required, "calls"), **capture, calls=_listed("CapturedCall")),
        "CapturedCall": object_of(
            ("number", "received_at", "sender", "headers", "body", "body_base64"),
            number=COUNT,
            received_at=MOMENT,
            sender=TEXT,
            headers=FREE,
            query=TEXT,
            body=MAYBE_TEXT,
            body_base64=MAYBE_TEXT,
        ),
    }


def _requests() -> dict[str, JSON]:
    draft = ref("DraftDocument")
    return {
        "DraftRequest": closed(("document", "began"), document=draft, began=COUNT, note=TEXT),
        "CheckRequest": closed(("document",), document=draft),
        "RenameRequest": closed(("name", "began"), name=TEXT, began=COUNT),
        "PublishRequest": closed(("began",), began=COUNT, note=TEXT),
        "RollbackRequest": closed(("version",), version=COUNT, began=COUNT),
        "TakeUpRequest": closed(("version", "began"), version=COUNT, began=COUNT),
        "BackTestRequest": closed(
            events={"type": "integer", "minimum": 1, "maximum": 1000}, document=draft, version=COUNT
        ),
        "SendRequest": closed(payload=ANY, body=TEXT, body_base64=TEXT, headers=FREE, query=TEXT),
        "CaptureRequest": closed(
            webhook=TEXT,
            seconds={"type": "integer", "minimum": 60, "maximum": 86_400},
            answer={"enum": list(ANSWERS)},
        ),
    }
