"""What the API shows of things: webhooks, events, records."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from hookstation.core.definitions import Webhook
from hookstation.core.documents import PersonSecrets, encode_webhook
from hookstation.core.events import Attempt, Event
from hookstation.core.jobs import Node
from hookstation.core.records import StoredRecord
from hookstation.core.values import JSON
from hookstation.engine.runs import moment
from hookstation.ports.people import ApiKey
from hookstation.ports.store import Payload, StoredWebhook


def webhook(definition: Webhook, stored: StoredWebhook, token: str, base_url: str) -> dict[str, JSON]:
    """A webhook with its URL; secrets as references or masked."""
    path = f"/hooks/{token}"
    return {
        **encode_webhook(definition, PersonSecrets(), defaults=True),
        "title": definition.title,
        "state": definition.state.value,
        "answer": definition.answer.value,
        "url": base_url + path,
        "path": path,
        "created_at": moment(stored.created_at),
        "updated_at": moment(stored.updated_at),
    }


def unreadable_webhook(stored: StoredWebhook, problem: str) -> dict[str, JSON]:
    """A webhook that is stored in a form that cannot be read: what is known of it, and why."""
    return {
        "name": stored.name,
        "title": "",
        "state": "unreadable",
        "answer": "",
        "url": "",
        "path": "",
        "created_at": moment(stored.created_at),
        "updated_at": moment(stored.updated_at),
        "problem": problem,
    }


def event(one: Event) -> dict[str, JSON]:
    """A line of the journal."""
    return {
        "id": one.id,
        "webhook": one.webhook,
        "state": one.state.value,
        "received_at": moment(one.received_at),
        "settled_at": moment(one.settled_at),
        "sender": one.sender,
        "size": one.size,
        "answer_status": one.answer_status or None,
        "record": record_of(one),
        "error": one.error,
        "reason": one.reason,
        "attempts": one.attempts,
        "run_id": one.run_id,
        "timings": dict(one.timings),
    }


def record_of(one: Event) -> JSON:
    """The record that an event wrote, ``None`` where it wrote none."""
    if not one.record_key:
        return None
    return {"connection": one.connection, "entity": one.entity, "key": one.record_key}


def event_in_full(one: Event, payload: Payload | None, attempts: Sequence[Attempt]) -> dict[str, JSON]:
    """An event with everything that the journal keeps of it. A body that is not text is shown as base64."""
    shown = event(one)
    shown["headers"] = dict(one.headers)
    shown["query"] = one.query
    shown["answer"] = one.answer_body.decode() or None
    shown["body"], shown["body_base64"] = None, None
    if payload is not None:
        try:
            shown["body"] = payload.body.decode()
        except UnicodeDecodeError:
            shown["body_base64"] = base64.b64encode(payload.body).decode()
    shown["history"] = [
        {
            "attempt": attempt.number,
            "started_at": moment(attempt.started_at),
            "ended_at": moment(attempt.ended_at),
            "state": attempt.state.value,
            "error": attempt.error,
            "record_key": attempt.record_key,
        }
        for attempt in attempts
    ]
    return shown


def record(one: StoredRecord) -> dict[str, JSON]:
    """A row of the built-in records."""
    return {"key": one.key, "fields": dict(one.fields), "event_id": one.event_id}


def node(one: Node) -> dict[str, JSON]:
    """A process that works on the database; its times are the database's."""
    return {
        "id": one.id,
        "role": one.role,
        "address": one.address,
        "version": one.version,
        "started_at": moment(one.started_at),
        "seen_at": moment(one.seen_at),
    }


def key(one: ApiKey) -> dict[str, JSON]:
    """A key, without what would open it."""
    return {"name": one.name, "role": one.role, "created_at": moment(one.created_at)}
