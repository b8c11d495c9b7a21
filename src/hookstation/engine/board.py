"""What is stored becomes what is live: targets and switchboard, rebuilt as a whole when configuration changes.

What did not change is kept with all that was compiled for it, so that a change to one of five thousand webhooks costs
that one.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final

from hookstation.core.answers import voice_in
from hookstation.core.definitions import Connection, Panel, Webhook
from hookstation.core.documents import (
    PLURALS,
    Catalogue,
)
from hookstation.core.outgoing.definitions import Destination, Subscription
from hookstation.core.polling.definitions import Poll
from hookstation.core.records import ACTIVITY, RECORDS, EntitySpec
from hookstation.core.schedules.definitions import Schedule
from hookstation.core.spectext import read_spec
from hookstation.core.transfers.definitions import Transfer
from hookstation.core.values import Secret
from hookstation.core.workflows.definitions import Workflow
from hookstation.engine.bell import Bell
from hookstation.engine.compiler import SchemaShelf, compile_webhook
from hookstation.engine.stored import GlanceAction, StoredReader, Thing, look, rate_limit, readable
from hookstation.engine.switchboard import CompiledWebhook, Line, Switchboard
from hookstation.engine.targets import Targets
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.connector import Connector
from hookstation.ports.leases import CONFIGURATION_CHANGED
from hookstation.ports.secrets import Vault
from hookstation.ports.store import Store, StoredConfiguration, StoredWebhook

WATCH_PAUSE: Final = 0.8
"""Seconds between looks at the revision, for hints that were lost: a change is live on every node within a second."""

TOKEN_PURPOSE: Final = "webhook/{}/token"  # noqa: S105 - what tokens are sealed for
THINGS: Final = frozenset({"workflows", "transfers", "polls", "schedules"})
"""Kinds that are stored as documents alone."""

log = logging.getLogger(__name__)

Builder = Callable[[Connection], Connector]
RecordsBuilder = Callable[[Mapping[str, Panel]], Connector]


def _basis(document: str, action: GlanceAction, configuration: StoredConfiguration) -> tuple[object, ...]:
    """Everything that the compiled form of a webhook rests on."""
    connection, entity = action.connection, action.panel
    return (
        document,
        configuration.connections.get(connection),
        configuration.panels.get(entity) if connection == RECORDS else None,
        configuration.specs.get((connection, entity or ACTIVITY)),
    )


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
        self._reader = StoredReader(vault, catalogue)
        self._schemas = SchemaShelf()
        self._bases: dict[str, tuple[object, ...]] = {}
        self._listeners: list[Callable[[], Awaitable[None]]] = []
        self._sending_listeners: list[Callable[[], None]] = []
        self._thing_listeners: list[Callable[[], None]] = []
        self._specs: dict[tuple[str, str], tuple[str, EntitySpec]] = {}
        self.stored = StoredConfiguration(-1)
        self.panels: dict[str, Panel] = {}
        self.connections: dict[str, Connection] = {}
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.workflows: dict[str, Workflow] = {}
        self.transfers: dict[str, Transfer] = {}
        self.polls: dict[str, Poll] = {}
        self.schedules: dict[str, Schedule] = {}

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
        things = self.workflows, self.transfers, self.polls, self.schedules
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
        if any(
            now is not was
            for now, was in zip(
                (self.workflows, self.transfers, self.polls, self.schedules), things, strict=True
            )
        ):
            for tell in self._thing_listeners:
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

    def on_new_things(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a workflow, transfer, poll or schedule was changed, put in or taken away, once live.

        It must be quick and never raise.  `workflows`, `transfers`, `polls` and `schedules` are each a new object where
        one of the kind has changed, and only then.
        """
        self._thing_listeners.append(listener)

    def documents(self, kind: str) -> Mapping[str, object]:
        """What is stored of a kind (as `PLURALS` has it), by name."""
        many = PLURALS[kind]
        if many in THINGS:
            return self.stored.things.get(many, {})
        found: Mapping[str, object] = getattr(self.stored, many)
        return found

    def workflow_version(self, name: str) -> int:
        """The number of a stored workflow's newest version, 0 where there is none of that name."""
        return self.stored.workflow_versions.get(name, 0)

    def starting(self) -> dict[str, str]:
        """The webhooks that start a workflow: name → workflow."""
        found = ((name, look(one.document).workflow) for name, one in self.stored.webhooks.items())
        return {name: workflow for name, workflow in found if workflow}

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
        found = (readable("webhook", one.name, partial(self.webhook, one)) for one in there)
        return {webhook.name: webhook for webhook in found if webhook is not None}

    def webhook(self, stored: StoredWebhook) -> Webhook:
        """The definition of a stored webhook. Raises `Invalid`."""
        return self._reader.webhook(stored.document)

    def token(self, stored: StoredWebhook) -> str:
        """The URL token of a stored webhook. Raises `SecretError`."""
        return self._vault.open(stored.token, TOKEN_PURPOSE.format(stored.name)).reveal()

    def seal_token(self, name: str, token: str) -> str:
        """The form in which a webhook's URL token is stored."""
        return self._vault.seal(Secret(token), TOKEN_PURPOSE.format(name))

    def _put_live(self, stored: StoredConfiguration) -> list[Connector]:
        before, live = self.stored, self._targets.connectors
        connectors: dict[str, Connector] = {}
        connections: dict[str, Connection] = {}
        for name, document in stored.connections.items():
            if before.connections.get(name) == document and name in live:
                connections[name], connectors[name] = self.connections[name], live[name]
            elif (made := readable("connection", name, partial(self._connect, document))) is not None:
                connections[name], connectors[name] = made
        if dict(before.panels) != dict(stored.panels) or RECORDS not in live:
            panels = (
                readable("panel", name, partial(self._reader.panel, document))
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
            if (spec := readable("field list", "/".join(place), partial(self._spec, place, text))) is not None
        }
        self._targets.replace(connectors, {place: spec for place, (_, spec) in self._specs.items()})
        self._put_up_things(stored)
        self._put_up_lines(stored)
        self._put_up_sending(stored)
        return [connector for name, connector in live.items() if connectors.get(name) is not connector]

    def _put_up_lines(self, stored: StoredConfiguration) -> None:
        lines = (
            readable("webhook", name, partial(self._line, one, stored))
            for name, one in stored.webhooks.items()
        )
        polls = [
            self._poll_line(poll, stored) for poll in self.polls.values() if poll.name not in stored.webhooks
        ]
        self._switchboard.replace([*(line for line in lines if line is not None), *polls])
        there = {*stored.webhooks, *self.polls}
        self._bases = {name: basis for name, basis in self._bases.items() if name in there}

    def _put_up_things(self, stored: StoredConfiguration) -> None:
        """Workflows, transfers, polls and schedules: those that are there where nothing of their kind has changed."""
        readers: dict[str, Callable[[str], object]] = {
            "workflow": self._reader.workflow,
            "transfer": self._reader.transfer,
            "poll": self._reader.poll,
            "schedule": self._reader.schedule,
        }
        for kind, read in readers.items():
            many = PLURALS[kind]
            had, have = self.stored.things.get(many, {}), stored.things.get(many, {})
            if dict(had) != dict(have):
                setattr(self, many, self._decoded(kind, had, have, getattr(self, many), read))

    def _put_up_sending(self, stored: StoredConfiguration) -> None:
        """Destinations and subscriptions: those that are there where nothing of their kind has changed."""
        before = self.stored
        if dict(before.destinations) != dict(stored.destinations):
            self.destinations = self._decoded(
                "destination",
                before.destinations,
                stored.destinations,
                self.destinations,
                self._reader.destination,
            )
        if dict(before.subscriptions) != dict(stored.subscriptions):
            self.subscriptions = self._decoded(
                "subscription",
                before.subscriptions,
                stored.subscriptions,
                self.subscriptions,
                self._reader.subscription,
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
            elif (made := readable(kind, name, partial(read, document))) is not None:
                found[name] = made
        return found

    def _connect(self, document: str) -> tuple[Connection, Connector]:
        connection = self._reader.connection(document)
        return connection, self._build(connection)

    def _spec(self, place: tuple[str, str], text: str) -> tuple[str, EntitySpec]:
        known = self._specs.get(place)
        return known if known is not None and known[0] == text else (text, read_spec(text))

    def _line(self, stored: StoredWebhook, configuration: StoredConfiguration) -> Line:
        """The line of a webhook: the one that is there where nothing that it rests on has changed."""
        glance = look(stored.document)
        basis = (stored.token, *_basis(stored.document, glance.action, configuration))
        line = self._switchboard.named(stored.name)
        if line is not None and self._bases.get(stored.name) == basis:
            return line
        self._bases[stored.name] = basis
        return Line(
            stored.name,
            glance.state,
            self.token(stored),
            rate_limit(glance.access.rate),
            lambda: self._compile(stored),
            search=glance.search,
            voice=voice_in(glance.answer),
        )

    def _poll_line(self, poll: Poll, configuration: StoredConfiguration) -> Line:
        """The line of a poll, by which its items are processed; it has no URL."""
        webhook = poll.webhook
        document = configuration.things["polls"][poll.name]
        basis = ("", *_basis(document, look(document).action, configuration))
        line = self._switchboard.named(poll.name)
        if line is not None and self._bases.get(poll.name) == basis:
            return line
        self._bases[poll.name] = basis
        return Line(
            poll.name,
            webhook.state,
            "",
            None,
            lambda: compile_webhook(webhook, self._targets, self._schemas),
            search=webhook.search,
            voice=voice_in(webhook.answer),
        )

    def _compile(self, stored: StoredWebhook) -> CompiledWebhook:
        return compile_webhook(self.webhook(stored), self._targets, self._schemas)

    def specs(self) -> dict[tuple[str, str], EntitySpec]:
        """What the targets said of their entities when they were last asked, by (connection, entity)."""
        return {place: spec for place, (_, spec) in self._specs.items()}
