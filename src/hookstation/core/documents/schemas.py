"""The documents as JSON Schema 2020-12, for OpenAPI and for editors."""

from __future__ import annotations

from typing import Final

from hookstation.core.documents.configuration import VERSION
from hookstation.core.documents.connection import BASE, Catalogue
from hookstation.core.documents.destination import DESTINATION
from hookstation.core.documents.panel import PANEL
from hookstation.core.documents.poll import POLL
from hookstation.core.documents.schedule import SCHEDULE
from hookstation.core.documents.steps import BASE as BASE_STEP
from hookstation.core.documents.steps import ENTRY, block_settings
from hookstation.core.documents.subscription import SUBSCRIPTION
from hookstation.core.documents.transfer import TRANSFER
from hookstation.core.documents.webhook import WEBHOOK
from hookstation.core.documents.workflow import WORKFLOW
from hookstation.core.fieldlist import Kind, Setting, json_schema
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import OFFERED, SPECS, StepSpec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def webhook_schema() -> dict[str, JSON]:
    """The schema of a webhook's document."""
    return json_schema(WEBHOOK)


def panel_schema() -> dict[str, JSON]:
    """The schema of a panel's document."""
    return json_schema(PANEL)


def destination_schema() -> dict[str, JSON]:
    """The schema of a destination's document."""
    return json_schema(DESTINATION)


def subscription_schema() -> dict[str, JSON]:
    """The schema of a subscription's document."""
    return json_schema(SUBSCRIPTION)


def workflow_schema(steps: str) -> dict[str, JSON]:
    """The schema of a workflow's document. `steps`: the reference under which `steps_schema` is to be found."""
    schema = json_schema(WORKFLOW)
    _put_in(schema, "steps", {"$ref": steps})
    return schema


def steps_schema(steps: str) -> dict[str, JSON]:
    """The schema of a list of steps: one alternative per type. `steps`: the reference under which it stands itself."""
    kinds: list[JSON] = [_step_schema(SPECS[name], steps) for name in OFFERED]
    return {"type": "array", "items": {"oneOf": kinds}}


def _step_schema(spec: StepSpec, steps: str) -> dict[str, JSON]:
    blocks = block_settings(spec)
    schema = json_schema((*BASE_STEP, *blocks))
    _put_in(schema, "type", {"const": spec.type, "description": spec.help})
    _put_in(schema, "with", json_schema(spec.settings))
    for setting in blocks:
        inner: JSON = {"$ref": steps}
        if setting.name == spec.named_blocks:
            entry = json_schema(ENTRY[setting.name])
            _put_in(entry, "steps", inner)
            inner = {"type": "array", "items": entry}
        _put_in(schema, setting.name, inner)
    return schema


def _put_in(schema: dict[str, JSON], name: str, value: JSON) -> None:
    """Say what a property is in another way."""
    properties = schema["properties"]
    assert isinstance(properties, dict)
    properties[name] = value


def transfer_schema() -> dict[str, JSON]:
    """The schema of a transfer's document."""
    return json_schema(TRANSFER)


def poll_schema() -> dict[str, JSON]:
    """The schema of a poll's document."""
    return json_schema(POLL)


def schedule_schema() -> dict[str, JSON]:
    """The schema of a schedule's document."""
    return json_schema(SCHEDULE)


def connection_schema(catalogue: Catalogue) -> dict[str, JSON]:
    """The schema of a connection's document: one alternative per type."""
    return {"oneOf": [json_schema(connection_settings(name, catalogue)) for name in sorted(catalogue)]}


def connection_settings(kind: str, catalogue: Catalogue) -> tuple[Setting, ...]:
    """All settings of a connection of this type."""
    name, chosen = BASE
    fixed = Setting(chosen.name, Kind.CHOICE, required=True, choices=(kind,), help=chosen.help)
    return (name, fixed, *catalogue[kind])


def configuration_schema(catalogue: Catalogue) -> dict[str, JSON]:
    """The schema of a whole config file."""
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "version": {"const": VERSION},
            "connections": {"type": "array", "items": connection_schema(catalogue)},
            "panels": {"type": "array", "items": panel_schema()},
            "webhooks": {"type": "array", "items": webhook_schema()},
            "destinations": {"type": "array", "items": destination_schema()},
            "subscriptions": {"type": "array", "items": subscription_schema()},
            "workflows": {"type": "array", "items": workflow_schema("#/$defs/steps")},
            "transfers": {"type": "array", "items": transfer_schema()},
            "polls": {"type": "array", "items": poll_schema()},
            "schedules": {"type": "array", "items": schedule_schema()},
        },
        "$defs": {"steps": steps_schema("#/$defs/steps")},
        "required": ["version"],
        "additionalProperties": False,
    }
