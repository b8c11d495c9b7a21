"""What is stored becomes what is live: targets and switchboard, rebuilt as a whole when configuration changes.

What did not change is kept with all that was compiled for it, so that a change to one of five thousand webhooks costs
that one.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypeVar

import msgspec

from hookstation.core.access import RateLimit
from hookstation.core.answers import voice_in
from hookstation.core.definitions import AnswerMode, Connection, Panel, Webhook, WebhookState
from hookstation.core.documents import (
    Catalogue,
    SealedSecrets,
    decode_connection,
    decode_destination,
    decode_panel,
    decode_subscription,
    decode_webhook,
)
from hookstation.core.fieldlist import Kind, Setting, read_rate
from hookstation.core.jsontext import parse_json
from hookstation.core.outgoing.definitions import Destination, Subscription
from hookstation.core.records import ACTIVITY, RECORDS, EntitySpec
from hookstation.core.spectext import read_spec
from hookstation.core.values import JSON, Secret
from hookstation.engine.bell import Bell
from hookstation.engine.compiler import SchemaShelf, compile_webhook
from hookstation.engine.switchboard import CompiledWebhook, Line, Switchboard
from hookstation.engine.targets import Targets
from hookstation.errors import BodyRefused, Invalid, Problem, SecretError, StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.connector import Connector
from hookstation.ports.leases import CONFIGURATION_CHANGED
from hookstation.ports.secrets import Vault
from hookstation.ports.store import Store, StoredConfiguration, StoredWebhook

WATCH_PAUSE: Final = 0.8
"""Seconds between looks at the revision, for hints that were lost: a change is live on every node within a second."""

TOKEN_PURPOSE: Final = "webhook/{}/token"  # noqa: S105 - what tokens are sealed for
LARGEST_DOCUMENT: Final = 1_000_000
RATE: Final = Setting("rate", Kind.RATE)

log = logging.getLogger(__name__)

Thing = TypeVar("Thing")
Builder = Callable[[Connection], Connector]
RecordsBuilder = Callable[[Mapping[str, Panel]], Connector]


class _Access(msgspec.Struct):
    rate: str | None = None


class _Action(msgspec.Struct):
    connection: str
    panel: str = ""


class _Glance(msgspec.Struct):
    """As much of a stored webhook as its line needs before the first call."""

    action: _Action = msgspec.field(default_factory=lambda: _Action(""))
    state: WebhookState = WebhookState.ACTIVE
    access: _Access = msgspec.field(default_factory=_Access)
    search: bool = True
    answer: AnswerMode = AnswerMode.OUTCOME


_glance = msgspec.json.Decoder(_Glance).decode


def _look(document: str) -> _Glance:
    """What a stored webhook's line needs; of a damaged one enough to have its calls told so."""
    try:
        return _glance(document)
    except msgspec.DecodeError:
        return _Glance()


def _rate_limit(written: str | None) -> RateLimit | None:
    if written is None:
        return None
    try:
        rate = read_rate(RATE, written)
    except Invalid:
        return None  # the webhook cannot be compiled either, which its calls are told
    return RateLimit(rate.count, rate.seconds)


def _readable(kind: str, name: str, read: Callable[[], Thing]) -> Thing | None:
    """What `read` makes of a stored thing; ``None``, with a line in the log, where it cannot be read."""
    try:
        return read()
    except (Invalid, SecretError, msgspec.DecodeError) as failure:
        log.error("the stored %s “%s” cannot be read and is left out: %s", kind, name, failure)
        return None


class Board:
    """The live configuration of this process.

    A stored thing that cannot be read is left out and logged, and everything else is live: one damaged row must not
    stop the station.  What it was calls get the answer of a webhook that is not set up correctly.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        catalogue: Catalogue,
        build: Builder,
        build_records: RecordsBuilder,
        targets: Targets,
        switchboard: Switchboard,
        clock: Clock,
    ) -> None:
        self._store, self._vault, self.catalogue = store, vault, catalogue
        self._build, self._build_records = build, build_records
        self._targets, self._switchboard, self._clock = targets, switchboard, clock
        self._secrets = SealedSecrets(vault)
        self._schemas = SchemaShelf()
        self._bases: dict[str, tuple[object, ...]] = {}
        self._listeners: list[Callable[[], Awaitable[None]]] = []
        self._sending_listeners: list[Callable[[], None]] = []
        self._specs: dict[tuple[str, str], tuple[str, EntitySpec]] = {}
        self.stored = StoredConfiguration(-1)
        self.panels: dict[str, Panel] = {}
        self.connections: dict[str, Connection] = {}
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}

    async def refresh(self) -> None:
        """Read what is stored and put it live, unless something newer was put live meanwhile.

        What is older than what was live before it was read is put live, too: the database was put back.
        """
        began = self.stored.revision
        stored = await self._store.load_configuration()
        if stored.revision == self.stored.revision or stored.revision < self.stored.revision != began:
            return
        if stored.revision < began:
            log.warning(
                "the database was put back: revision %d of the configuration takes the place of %d",
                stored.revision,
                began,
            )
        before = self._targets.connectors
        sent = self.destinations, self.subscriptions
        retired = self._put_live(stored)
        is_first, self.stored = self.stored.revision < 0, stored
        for connector in retired:
            try:
                await connector.close()
            except Exception:
                log.exception("the connection “%s” could not be closed", connector.name)
        if self.destinations is not sent[0] or self.subscriptions is not sent[1]:
            for tell in self._sending_listeners:
                tell()
        if not is_first and dict(before) != dict(self._targets.connectors):
            await self._tell_listeners()

    async def _tell_listeners(self) -> None:
        """What they do may fail without the change being less live."""
        for listener in self._listeners:
            try:
                await listener()
            except StoreError as failure:
                log.error("a new connection was not acted upon: %s", failure.message)

    def on_new_connections(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Call `listener` whenever a connection was changed, put in or taken away, once that is live."""
        self._listeners.append(listener)

    def on_new_destinations(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a destination or subscription was changed, put in or taken away, once that is live.

        It must be quick and never raise.  `destinations` and `subscriptions` are new objects then, and only then.
        """
        self._sending_listeners.append(listener)

    async def watch(self) -> None:
        """Until cancelled: follow changes that another process made, at a hint or at the latest after `WATCH_PAUSE`."""
        bell = Bell(self._clock)
        stop = self._store.subscribe(lambda hint: bell.ring() if hint == CONFIGURATION_CHANGED else None)
        try:
            while True:
                await bell.wait(WATCH_PAUSE)
                await self._follow()
        finally:
            stop()

    async def _follow(self) -> None:
        try:
            if await self._store.revision() != self.stored.revision:
                await self.refresh()
        except StoreError as failure:
            log.error("configuration not read: %s", failure.message)
        except Exception:
            log.exception("following the configuration broke, and goes on")

    def webhooks(self, names: Iterable[str]) -> dict[str, Webhook]:
        """The definitions of these stored webhooks by name; what cannot be read, or is not there, is left out."""
        stored = self.stored.webhooks
        there = (stored[name] for name in names if name in stored)
        found = (_readable("webhook", one.name, partial(self.webhook, one)) for one in there)
        return {webhook.name: webhook for webhook in found if webhook is not None}

    def webhook(self, stored: StoredWebhook) -> Webhook:
        """The definition of a stored webhook. Raises `Invalid`."""
        webhook, problems = decode_webhook(self._read(stored.document), self._secrets)
        if webhook is None:
            raise Invalid(problems)
        return webhook

    def token(self, stored: StoredWebhook) -> str:
        """The URL token of a stored webhook. Raises `SecretError`."""
        return self._vault.open(stored.token, TOKEN_PURPOSE.format(stored.name)).reveal()

    def seal_token(self, name: str, token: str) -> str:
        """The form in which a webhook's URL token is stored."""
        return self._vault.seal(Secret(token), TOKEN_PURPOSE.format(name))

    def _read(self, document: str) -> JSON:
        try:
            return parse_json(document.encode(), depth=128, members=LARGEST_DOCUMENT).value
        except BodyRefused as refused:
            raise Invalid([Problem((), f"What is stored is damaged: {refused.reason}")]) from refused

    def _put_live(self, stored: StoredConfiguration) -> list[Connector]:
        before, live = self.stored, self._targets.connectors
        connectors: dict[str, Connector] = {}
        connections: dict[str, Connection] = {}
        for name, document in stored.connections.items():
            if before.connections.get(name) == document and name in live:
                connections[name], connectors[name] = self.connections[name], live[name]
            elif (made := _readable("connection", name, partial(self._connect, document))) is not None:
                connections[name], connectors[name] = made
        if dict(before.panels) != dict(stored.panels) or RECORDS not in live:
            panels = (
                _readable("panel", name, partial(self._panel, document))
                for name, document in stored.panels.items()
            )
            self.panels = {panel.name: panel for panel in panels if panel is not None}
            connectors[RECORDS] = self._build_records(self.panels)
        else:
            connectors[RECORDS] = live[RECORDS]
        self.connections = connections
        self._specs = {
            place: spec
            for place, text in stored.specs.items()
            if (spec := _readable("field list", "/".join(place), partial(self._spec, place, text)))
            is not None
        }
        self._targets.replace(connectors, {place: spec for place, (_, spec) in self._specs.items()})
        self._put_up_lines(stored)
        self._put_up_sending(stored)
        return [connector for name, connector in live.items() if connectors.get(name) is not connector]

    def _put_up_lines(self, stored: StoredConfiguration) -> None:
        lines = (
            _readable("webhook", name, partial(self._line, one, stored))
            for name, one in stored.webhooks.items()
        )
        self._switchboard.replace([line for line in lines if line is not None])
        self._bases = {name: basis for name, basis in self._bases.items() if name in stored.webhooks}

    def _put_up_sending(self, stored: StoredConfiguration) -> None:
        """Destinations and subscriptions: those that are there where nothing of their kind has changed."""
        before = self.stored
        if dict(before.destinations) != dict(stored.destinations):
            self.destinations = self._decoded(
                "destination", before.destinations, stored.destinations, self.destinations, self._destination
            )
        if dict(before.subscriptions) != dict(stored.subscriptions):
            self.subscriptions = self._decoded(
                "subscription",
                before.subscriptions,
                stored.subscriptions,
                self.subscriptions,
                self._subscription,
            )

    def _decoded(
        self,
        kind: str,
        before: Mapping[str, str],
        stored: Mapping[str, str],
        live: Mapping[str, Thing],
        read: Callable[[str], Thing],
    ) -> dict[str, Thing]:
        """The stored things of a kind by name; one whose document is as it was is the one that is live."""
        found: dict[str, Thing] = {}
        for name, document in stored.items():
            if name in live and before.get(name) == document:
                found[name] = live[name]
            elif (made := _readable(kind, name, partial(read, document))) is not None:
                found[name] = made
        return found

    def _connect(self, document: str) -> tuple[Connection, Connector]:
        connection, problems = decode_connection(self._read(document), self.catalogue, self._secrets)
        if connection is None:
            raise Invalid(problems)
        return connection, self._build(connection)

    def _panel(self, document: str) -> Panel:
        panel, problems = decode_panel(self._read(document))
        if panel is None:
            raise Invalid(problems)
        return panel

    def _destination(self, document: str) -> Destination:
        destination, problems = decode_destination(self._read(document), self._secrets)
        if destination is None:
            raise Invalid(problems)
        return destination

    def _subscription(self, document: str) -> Subscription:
        subscription, problems = decode_subscription(self._read(document))
        if subscription is None:
            raise Invalid(problems)
        return subscription

    def _spec(self, place: tuple[str, str], text: str) -> tuple[str, EntitySpec]:
        known = self._specs.get(place)
        return known if known is not None and known[0] == text else (text, read_spec(text))

    def _line(self, stored: StoredWebhook, configuration: StoredConfiguration) -> Line:
        """The line of a webhook: the one that is there where nothing that it rests on has changed."""
        glance = _look(stored.document)
        connection, entity = glance.action.connection, glance.action.panel
        basis = (
            stored.document,
            stored.token,
            configuration.connections.get(connection),
            configuration.panels.get(entity) if connection == RECORDS else None,
            configuration.specs.get((connection, entity or ACTIVITY)),
        )
        line = self._switchboard.named(stored.name)
        if line is not None and self._bases.get(stored.name) == basis:
            return line
        self._bases[stored.name] = basis
        return Line(
            stored.name,
            glance.state,
            self.token(stored),
            _rate_limit(glance.access.rate),
            lambda: self._compile(stored),
            search=glance.search,
            voice=voice_in(glance.answer),
        )

    def _compile(self, stored: StoredWebhook) -> CompiledWebhook:
        return compile_webhook(self.webhook(stored), self._targets, self._schemas)

    def specs(self) -> dict[tuple[str, str], EntitySpec]:
        """What the targets said of their entities when they were last asked, by (connection, entity)."""
        return {place: spec for place, (_, spec) in self._specs.items()}
