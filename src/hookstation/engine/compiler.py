"""A webhook's definition made ready for requests; the dry run, the checks and the lane use the same objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from weakref import WeakValueDictionary

from hookstation.core.access import AddressList
from hookstation.core.definitions import Action, Webhook
from hookstation.core.duplicates import compile_key
from hookstation.core.jsontext import dump_json
from hookstation.core.mapping import NOTHING_WRITTEN, compile_mapping
from hookstation.core.records import ACTIVITY, EntitySpec
from hookstation.core.schema import CompiledSchema, compile_schema
from hookstation.core.schema_paths import declared_facts
from hookstation.core.signing import compile_verifier, secret_headers
from hookstation.core.template import compile_template
from hookstation.core.values import JSON
from hookstation.engine.settlements import settler
from hookstation.engine.switchboard import CompiledWebhook
from hookstation.engine.targets import Targets
from hookstation.errors import Invalid, NotFound, Problem

NOTHING: Final = EntitySpec("", {})
"""The entity of a webhook that writes none itself."""


def entity_of(action: Action) -> str:
    """The entity that an action writes."""
    return action.panel or ACTIVITY


class SchemaShelf:
    """Compiled schemas by their text: webhooks that were made from one another share theirs.

    A compiled schema is the largest part of a compiled webhook; it goes when the last webhook that has it goes.
    """

    def __init__(self) -> None:
        self._compiled: WeakValueDictionary[str, CompiledSchema] = WeakValueDictionary()

    def compile(self, schema: JSON) -> CompiledSchema:
        """The schema, compiled now or before. Raises `Invalid`."""
        text = dump_json(schema)
        compiled = self._compiled.get(text)
        if compiled is None:
            compiled = self._compiled[text] = compile_schema(schema)
        return compiled


def _spec_of(action: Action, targets: Targets) -> EntitySpec:
    """The field list of what the action writes. Raises `Invalid` where its connection is not there or has none."""
    connector = targets.connectors.get(action.connection)
    if connector is None:
        raise Invalid([Problem(("action", "connection"), f"there is no connection “{action.connection}”.")])
    try:
        return targets.spec(action.connection, entity_of(action))
    except NotFound as missing:
        named = "panel" if connector.operations else "connection"
        raise Invalid([Problem(("action", named), missing.message)]) from missing


def compile_webhook(webhook: Webhook, targets: Targets, schemas: SchemaShelf) -> CompiledWebhook:
    """Compile everything that a request needs. Raises `Invalid` with every problem.

    The definition that is kept leaves the schema out: compiled it is there once more, and thousands are kept.
    """
    masked = secret_headers(webhook.authentication)
    order = (
        compile_template(webhook.work.order, declared_facts(webhook.schema)) if webhook.work.order else None
    )
    action = webhook.action
    if action is None:
        return CompiledWebhook(
            replace(webhook, schema=True),
            AddressList(webhook.access.allow) if webhook.access.allow else None,
            compile_verifier(webhook.authentication),
            masked,
            compile_key(webhook.duplicates.key) if webhook.duplicates else None,
            schemas.compile(webhook.schema),
            NOTHING_WRITTEN,
            NOTHING,
            settler(webhook.workflow),
            None,
            None,
            order,
            webhook.workflow,
        )
    local, remote = targets.local(action.connection), targets.remote(action.connection)
    target = local or remote
    spec = _spec_of(action, targets)
    assert target is not None  # what holds records is one or the other
    return CompiledWebhook(
        replace(webhook, schema=True),
        AddressList(webhook.access.allow) if webhook.access.allow else None,
        compile_verifier(webhook.authentication),
        masked,
        compile_key(webhook.duplicates.key) if webhook.duplicates else None,
        schemas.compile(webhook.schema),
        compile_mapping(action, spec, webhook.schema, target.zone, masked),
        spec,
        settler(entity_of(action)),
        local,
        remote,
        order,
    )
