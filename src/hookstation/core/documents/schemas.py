"""The documents as JSON Schema 2020-12, for OpenAPI and for editors."""

from __future__ import annotations

from typing import Final

from hookstation.core.documents.configuration import VERSION
from hookstation.core.documents.connection import BASE, Catalogue
from hookstation.core.documents.destination import DESTINATION
from hookstation.core.documents.panel import PANEL
from hookstation.core.documents.subscription import SUBSCRIPTION
from hookstation.core.documents.webhook import WEBHOOK
from hookstation.core.fieldlist import Kind, Setting, json_schema
from hookstation.core.values import JSON

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
        },
        "required": ["version"],
        "additionalProperties": False,
    }
