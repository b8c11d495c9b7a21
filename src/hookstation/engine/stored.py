"""Stored documents read back, and as much of a webhook's as its line needs before the first call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from hookstation.core.access import RateLimit
from hookstation.core.definitions import AnswerMode, Connection, Panel, Webhook, WebhookState
from hookstation.core.documents import (
    Catalogue,
    SealedSecrets,
    decode_connection,
    decode_destination,
    decode_panel,
    decode_poll,
    decode_schedule,
    decode_subscription,
    decode_transfer,
    decode_webhook,
    decode_workflow,
)
from hookstation.core.fieldlist import Kind, Setting, read_rate
from hookstation.core.jsontext import parse_json
from hookstation.core.outgoing.definitions import Destination, Subscription
from hookstation.core.polling.definitions import Poll
from hookstation.core.schedules.definitions import Schedule
from hookstation.core.transfers.definitions import Transfer
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow
from hookstation.errors import BodyRefused, Invalid, Problem, SecretError
from hookstation.ports.secrets import Vault

LARGEST_DOCUMENT: Final = 1_000_000
RATE: Final = Setting("rate", Kind.RATE)

log = logging.getLogger(__name__)

Thing = TypeVar("Thing")


class GlanceAccess(msgspec.Struct):
    """Who may call."""

    rate: str | None = None


class GlanceAction(msgspec.Struct):
    """What is written."""

    connection: str
    panel: str = ""


class Glance(msgspec.Struct):
    """As much of a stored webhook as its line needs before the first call; of a poll too."""

    action: GlanceAction = msgspec.field(default_factory=lambda: GlanceAction(""))
    state: WebhookState = WebhookState.ACTIVE
    access: GlanceAccess = msgspec.field(default_factory=GlanceAccess)
    search: bool = True
    answer: AnswerMode = AnswerMode.OUTCOME
    workflow: str = ""


_glance = msgspec.json.Decoder(Glance).decode


def look(document: str) -> Glance:
    """What a stored webhook's line needs; of a damaged one enough to have its calls told so."""
    try:
        return _glance(document)
    except msgspec.DecodeError:
        return Glance()


def rate_limit(written: str | None) -> RateLimit | None:
    """The limit that a stored webhook has; ``None`` without one, or where it is damaged."""
    if written is None:
        return None
    try:
        rate = read_rate(RATE, written)
    except Invalid:
        return None  # the webhook cannot be compiled either, which its calls are told
    return RateLimit(rate.count, rate.seconds)


def readable(kind: str, name: str, read: Callable[[], Thing]) -> Thing | None:
    """What `read` makes of a stored thing; ``None``, with a line in the log, where it cannot be read."""
    try:
        return read()
    except (Invalid, SecretError, msgspec.DecodeError) as failure:
        log.error("the stored %s “%s” cannot be read and is left out: %s", kind, name, failure)
        return None


class StoredReader:
    """Reads stored documents. Every method raises `Invalid` for one that is damaged, or `SecretError`."""

    def __init__(self, vault: Vault, catalogue: Catalogue) -> None:
        self._secrets, self._catalogue = SealedSecrets(vault), catalogue

    def connection(self, document: str) -> Connection:
        """A connection."""
        return _whole(decode_connection(_read(document), self._catalogue, self._secrets))

    def panel(self, document: str) -> Panel:
        """A panel."""
        return _whole(decode_panel(_read(document)))

    def webhook(self, document: str) -> Webhook:
        """A webhook."""
        return _whole(decode_webhook(_read(document), self._secrets))

    def destination(self, document: str) -> Destination:
        """A destination."""
        return _whole(decode_destination(_read(document), self._secrets))

    def subscription(self, document: str) -> Subscription:
        """A subscription."""
        return _whole(decode_subscription(_read(document)))

    def workflow(self, document: str) -> Workflow:
        """A workflow."""
        return _whole(decode_workflow(_read(document)))

    def transfer(self, document: str) -> Transfer:
        """A transfer."""
        return _whole(decode_transfer(_read(document), self._secrets))

    def poll(self, document: str) -> Poll:
        """A poll."""
        return _whole(decode_poll(_read(document)))

    def schedule(self, document: str) -> Schedule:
        """A schedule."""
        return _whole(decode_schedule(_read(document)))


def _read(document: str) -> JSON:
    try:
        return parse_json(document.encode(), depth=128, members=LARGEST_DOCUMENT).value
    except BodyRefused as refused:
        raise Invalid([Problem((), f"What is stored is damaged: {refused.reason}")]) from refused


def _whole(found: tuple[Thing | None, list[Problem]]) -> Thing:
    thing, problems = found
    if thing is None:
        raise Invalid(problems)
    return thing
