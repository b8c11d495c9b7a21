"""The OpenAPI 3.1 document, made from the operations and the field lists that decode requests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from hookstation.core.definitions import WebhookState
from hookstation.core.documents.connection import BASE, Catalogue
from hookstation.core.documents.panel import PANEL
from hookstation.core.documents.webhook import WEBHOOK
from hookstation.core.events import State
from hookstation.core.fieldlist import json_schema
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON
from hookstation.ports.connector import LookUpVerdict
from hookstation.web.api.chain.schemas import chain_schemas
from hookstation.web.api.changes_schemas import changes_schemas
from hookstation.web.api.figure_shapes import LAST_DAY, figure_schemas
from hookstation.web.api.routes import Operation
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
from hookstation.web.api.sending_schemas import sending_schemas
from hookstation.web.api.wizard_schemas import wizard_schemas

ROOT: Final = "/api/v1"
TITLES: Final = {
    400: "The request's body cannot be read",
    401: "No API key, or one that is not known",
    403: "The role does not allow it, or a session came without its token",
    404: "There is nothing of that name",
    409: "The state of the thing forbids it",
    413: "The request's body is too large",
    422: "Something in the request is not valid; `problems` says what and where",
    429: "Too much is asked for at once; try again after Retry-After",
    502: "The target failed",
    503: "The database is not available; try again after Retry-After",
}

OPTIONAL: Final = frozenset(
    {
        "ReplayRequest", "RotateRequest", "TestRequest", "PortalRequest", "RunRequest", "RetryRequest",
        "DryRunRequest", "PollTrialRequest", "RepairRequest",
    }
)  # fmt: skip
"""Requests whose body may be left out."""


def document(operations: Iterable[Operation], catalogue: Catalogue, version: str) -> dict[str, JSON]:
    """The whole document."""
    paths: dict[str, JSON] = {}
    for operation in operations:
        entry = paths.setdefault(ROOT + operation.path, {})
        assert isinstance(entry, dict)
        entry[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hookstation",
            "version": version,
            "description": "Webhooks in, records written, exactly once, and the truth in the answer.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"key": []}, {"session": [], "token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
                "token": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
            "schemas": _schemas(catalogue),
        },
    }


def _operation(operation: Operation) -> dict[str, JSON]:
    parameters: list[JSON] = [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": help_text, "schema": _parameter(name)}
        for name, help_text in operation.query.items()
    ]
    parameters += [
        {"name": name, "in": "header", "description": help_text, "schema": TEXT}
        for name, help_text in operation.headers.items()
    ]
    responses: dict[str, JSON] = {str(operation.status): _response(operation)}
    if operation.repeated:
        responses[str(operation.repeated)] = _response(operation)
    for status in sorted({401, 403, 503, *operation.refusals, *((413,) if operation.body else ())}):
        responses[str(status)] = {
            "description": TITLES[status],
            "content": {"application/problem+json": {"schema": ref("Problem")}},
        }
    entry: dict[str, JSON] = {
        "operationId": operation.view.__name__,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    }
    if operation.body:
        entry["requestBody"] = {
            "required": operation.body not in OPTIONAL,
            "content": {"application/json": {"schema": ref(operation.body)}},
        }
    return entry


def _response(operation: Operation) -> dict[str, JSON]:
    if not operation.result:
        return {"description": "Done"}
    return {
        "description": operation.summary,
        "content": {operation.media_type: {"schema": ref(operation.result)}},
    }


def _parameter(name: str) -> JSON:
    if name == "limit":
        return {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}
    return TEXT


def _schemas(catalogue: Catalogue) -> dict[str, JSON]:
    webhook = json_schema(WEBHOOK)
    connections: list[JSON] = [
        _typed_connection(json_schema((*BASE, *settings)), name)
        for name, settings in sorted(catalogue.items())
    ]
    return {
        **_things(webhook, {"oneOf": connections}, json_schema(PANEL)),
        **_happenings(),
        **figure_schemas(),
        **_requests(),
        **changes_schemas(webhook),
        **wizard_schemas(),
        **sending_schemas(),
        **chain_schemas(),
    }


def _typed_connection(schema: JSON, name: str) -> JSON:
    assert isinstance(schema, dict)
    properties = schema.get("properties")
    assert isinstance(properties, dict)
    return {**schema, "properties": {**properties, "type": {"const": name}}}


def _things(webhook: JSON, connection: JSON, panel: JSON) -> dict[str, JSON]:
    return {
        "WebhookDocument": webhook,
        "ConnectionDocument": connection,
        "PanelDocument": panel,
        "Webhook": object_of(
            ("name", "title", "state", "answer", "url", "path"),
            name=TEXT,
            title=TEXT,
            state=TEXT,
            answer=TEXT,
            url=TEXT,
            path=TEXT,
            created_at=MOMENT,
            updated_at=MOMENT,
            problem=TEXT,
            **LAST_DAY,
        ),
        "Webhooks": list_of("Webhook"),
        "Connection": {
            "anyOf": [
                ref("ConnectionDocument"),
                closed(("name", "type"), name={"const": RECORDS}, type={"const": RECORDS}),
            ]
        },
        "Connections": list_of("Connection"),
        "Panels": list_of("PanelDocument"),
        "Check": object_of(
            ("name", "reached"), name=TEXT, reached=TEXT, entities={"type": "array", "items": TEXT}
        ),
        "ConnectionTrial": object_of(
            ("name", "steps"), name=TEXT, steps={"type": "array", "items": ref("TriedStep")}
        ),
        "TriedStep": object_of(
            ("step", "passed", "detail"), step=TEXT, passed={"type": "boolean"}, detail=TEXT
        ),
        "Configuration": FREE,
        "Plan": object_of(
            ("changes", "problems", "changed"),
            changes={"type": "array", "items": FREE},
            problems={"type": "array", "items": ref("Detail")},
            changed=COUNT,
            secrets={"type": "object", "additionalProperties": TEXT},
        ),
        "Detail": object_of(("pointer", "message", "severity"), pointer=TEXT, message=TEXT, severity=TEXT),
        "Problem": object_of(
            ("type", "title", "status", "detail"),
            type=TEXT,
            title=TEXT,
            status={"type": "integer"},
            detail=TEXT,
            problems={"type": "array", "items": ref("Detail")},
        ),
    }


_REPLAY: Final[dict[str, JSON]] = {
    "id": TEXT,
    "by": TEXT,
    "began_at": MOMENT,
    "total": COUNT,
    "again": {"type": "boolean"},
    "cancelled_by": MAYBE_TEXT,
}


def _happenings() -> dict[str, JSON]:
    record: JSON = {
        "type": ["object", "null"],
        "properties": {"connection": TEXT, "entity": TEXT, "key": TEXT},
    }
    event: dict[str, JSON] = {
        "id": TEXT,
        "webhook": TEXT,
        "state": {"enum": list(State)},
        "received_at": MOMENT,
        "settled_at": MOMENT,
        "sender": TEXT,
        "size": COUNT,
        "answer_status": {"type": ["integer", "null"]},
        "record": record,
        "error": TEXT,
        "reason": TEXT,
        "attempts": COUNT,
        "run_id": TEXT,
        "timings": FREE,
    }
    required = ("id", "webhook", "state", "received_at", "answer_status", "record", "error")
    full: dict[str, JSON] = {
        **event,
        "headers": FREE,
        "query": TEXT,
        "answer": MAYBE_TEXT,
        "body": MAYBE_TEXT,
        "body_base64": MAYBE_TEXT,
        "history": {"type": "array", "items": FREE},
        "details": FREE,
    }
    return {
        **_operated(),
        "Event": object_of(required, **event),
        "EventInFull": object_of(required, **full),
        "Events": list_of("Event"),
        "SearchState": object_of(("lag_seconds",), lag_seconds={"type": ["number", "null"]}),
        **_taken_in_hand(),
        "Record": object_of(("key", "fields"), key=TEXT, fields=FREE, event_id=TEXT),
        "Records": list_of("Record"),
        "Count": object_of(("count",), count=COUNT),
        "Trial": object_of(
            ("verdict", "status", "answer", "stages", "record"),
            verdict={"enum": ["accepted", "rejected"]},
            status={"type": "integer"},
            answer=FREE,
            stages={"type": "array", "items": ref("Stage")},
            record={"type": ["object", "null"]},
        ),
        "Stage": object_of(("stage", "verdict", "detail"), stage=TEXT, verdict=TEXT, detail=TEXT),
    }


def _operated() -> dict[str, JSON]:
    """What the operations of nodes, keys, people and copies answer."""
    return {
        "Node": object_of(
            ("id", "role", "address", "version", "started_at", "seen_at"),
            id=TEXT,
            role=TEXT,
            address=TEXT,
            version=TEXT,
            started_at=MOMENT,
            seen_at=MOMENT,
        ),
        "Nodes": list_of("Node"),
        "Setting": object_of(
            ("name", "value", "source", "help"), name=TEXT, value=TEXT, source=TEXT, help=TEXT
        ),
        "Settings": object_of(
            ("address", "revision", "items"),
            address=TEXT,
            revision=COUNT,
            items={"type": "array", "items": {"$ref": "#/components/schemas/Setting"}},
        ),
        "Key": object_of(("name", "role"), name=TEXT, role=TEXT, created_at=MOMENT),
        "Keys": list_of("Key"),
        "NewKey": object_of(("name", "role", "key"), name=TEXT, role=TEXT, key=TEXT),
        **_people(),
        "Backup": object_of(("path", "bytes", "master_key"), path=TEXT, bytes=COUNT, master_key=MAYBE_TEXT),
    }


def _taken_in_hand() -> dict[str, JSON]:
    """What the operations of `events` answer."""
    return {
        "Fixed": object_of(
            ("id", "status", "answer", "edited_from"),
            id=TEXT,
            status={"type": "integer"},
            answer=TEXT,
            edited_from=TEXT,
        ),
        "Replay": object_of(("id", "by", "total"), **_REPLAY),
        "Replays": list_of("Replay"),
        "ReplayProgress": object_of(
            ("total", "counts"),
            **_REPLAY,
            left=COUNT,
            counts=FREE,
            looked_through=COUNT,
            items={"type": "array", "items": FREE},
        ),
        "ReplayItem": object_of(("id", "verdict", "why"), id=TEXT, verdict=MAYBE_TEXT, why=TEXT),
        "ReplayItems": list_of("ReplayItem"),
        "LookUp": object_of(
            ("verdict", "found", "record", "as_sent", "marker"),
            verdict={"enum": [*LookUpVerdict]},
            found={"type": "array", "items": object_of(("key", "owner"), key=TEXT, owner=MAYBE_TEXT)},
            record=FREE,
            as_sent={"type": "boolean"},
            marker=MAYBE_TEXT,
        ),
    }


def _people() -> dict[str, JSON]:
    user: dict[str, JSON] = {
        "email": TEXT,
        "role": TEXT,
        "disabled": {"type": "boolean"},
        "has_password": {"type": "boolean"},
        "created_at": MOMENT,
        "changed_at": MOMENT,
    }
    return {
        "User": object_of(("email", "role", "disabled", "has_password"), **user),
        "Users": list_of("User"),
        "NewUser": object_of(("email", "role", "link"), **user, link=TEXT, link_until=MOMENT),
        "Session": object_of(
            ("id", "address", "agent"),
            id=TEXT,
            address=TEXT,
            agent=TEXT,
            browser=TEXT,
            opened_at=MOMENT,
            seen_at=MOMENT,
            until=MOMENT,
        ),
        "Sessions": list_of("Session"),
    }


def _requests() -> dict[str, JSON]:
    return {
        "StateRequest": closed(("state",), state={"enum": list(WebhookState)}),
        "TrialRequest": closed(
            payload=ANY,
            body=TEXT,
            body_base64=TEXT,
            headers=FREE,
            query=TEXT,
            document=FREE,
            version=COUNT,
            draft={"type": "boolean"},
        ),
        "PlanRequest": closed(("document",), document=FREE, references=FREE, prune={"type": "boolean"}),
        "ReplayRequest": closed(again={"type": "boolean"}),
        "FixRequest": closed(("note",), body=TEXT, payload=ANY, note=TEXT, again={"type": "boolean"}),
        "ReplayManyRequest": closed(
            ids={"type": "array", "items": TEXT},
            filter=FREE,
            again={"type": "boolean"},
            dry_run={"type": "boolean"},
        ),
        "ResolveRequest": closed(written=TEXT, not_written={"type": "boolean"}),
        "KeyRequest": closed(("name", "role"), name=TEXT, role=TEXT),
        "UserRequest": closed(("email",), email=TEXT, role=TEXT),
        "UserChange": closed(role=TEXT, disabled={"type": "boolean"}),
        "BackupRequest": closed(("path",), path=TEXT),
    }
