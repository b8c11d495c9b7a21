"""A webhook's definition made ready for requests; the dry run, the checks and the lane use the same objects."""

from __future__ import annotations

from dataclasses import replace

from hookstation.core.access import AddressList
from hookstation.core.definitions import Action, Webhook
from hookstation.core.duplicates import compile_key
from hookstation.core.mapping import compile_mapping
from hookstation.core.records import ACTIVITY
from hookstation.core.schema import compile_schema
from hookstation.core.signing import compile_verifier, secret_headers
from hookstation.engine.settlements import settler
from hookstation.engine.switchboard import CompiledWebhook
from hookstation.engine.targets import Targets
from hookstation.errors import Invalid, NotFound, Problem


def entity_of(action: Action) -> str:
    """The entity that an action writes."""
    return action.panel or ACTIVITY


def compile_webhook(webhook: Webhook, targets: Targets) -> CompiledWebhook:
    """Compile everything that a request needs. Raises `Invalid` with every problem.

    The definition that is kept leaves the schema out: compiled it is there once more, and thousands are kept.
    """
    action = webhook.action
    local, remote = targets.local(action.connection), targets.remote(action.connection)
    target = local or remote
    if target is None:
        raise Invalid([Problem(("action", "connection"), f"there is no connection “{action.connection}”.")])
    try:
        spec = targets.spec(action.connection, entity_of(action))
    except NotFound as missing:
        raise Invalid([Problem(("action", "panel"), missing.message)]) from missing
    masked = secret_headers(webhook.authentication)
    return CompiledWebhook(
        replace(webhook, schema=True),
        AddressList(webhook.access.allow) if webhook.access.allow else None,
        compile_verifier(webhook.authentication),
        masked,
        compile_key(webhook.duplicates.key) if webhook.duplicates else None,
        compile_schema(webhook.schema),
        compile_mapping(action, spec, webhook.schema, target.zone, masked),
        spec,
        settler(entity_of(action)),
        local,
        remote,
    )
