"""What is stored becomes what is live: targets and switchboard, rebuilt as a whole when configuration changes.

What did not change is kept with all that was compiled for it, so that a change to one of five thousand webhooks costs
that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from hookstation.core.access import RateLimit
from hookstation.core.definitions import Connection, Panel, Webhook, WebhookState
from hookstation.core.documents import (
    Catalogue,
    SealedSecrets,
    decode_connection,
    decode_panel,
    decode_webhook,
)
from hookstation.core.fieldlist import Kind, Setting, read_rate
from hookstation.core.jsontext import parse_json
from hookstation.core.records import ACTIVITY, RECORDS, EntitySpec
from hookstation.core.spectext import read_spec
from hookstation.core.values import JSON, Secret
from hookstation.engine.compiler import compile_webhook
from hookstation.engine.switchboard import CompiledWebhook, Line, Switchboard
from hookstation.engine.targets import Targets
from hookstation.errors import Invalid
from hookstation.ports.clock import Clock
from hookstation.ports.connector import Connector
from hookstation.ports.secrets import Vault
from hookstation.ports.store import Settings, StoredConfiguration, StoredWebhook

WATCH_PAUSE: Final = 0.4
TOKEN_PURPOSE: Final = "webhook/{}/token"  # noqa: S105 - what tokens are sealed for
LARGEST_DOCUMENT: Final = 1_000_000
RATE: Final = Setting("rate", Kind.RATE)

Builder = Callable[[Connection], Connector]
RecordsBuilder = Callable[[Mapping[str, Panel]], Connector]


class _Access(msgspec.Struct):
    rate: str | None = None


class _Action(msgspec.Struct):
    connection: str
    panel: str = ""


class _Glance(msgspec.Struct):
    """As much of a stored webhook as its line needs before the first call."""

    action: _Action
    state: str = "active"
    access: _Access = msgspec.field(default_factory=_Access)


_glance = msgspec.json.Decoder(_Glance).decode


class Board:
    """The live configuration of this process."""

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        catalogue: Catalogue,
        build: Builder,
        build_records: RecordsBuilder,
        targets: Targets,
        switchboard: Switchboard,
        clock: Clock,
    ) -> None:
        self._settings, self._vault, self.catalogue = settings, vault, catalogue
        self._build, self._build_records = build, build_records
        self._targets, self._switchboard, self._clock = targets, switchboard, clock
        self._secrets = SealedSecrets(vault)
        self._bases: dict[str, tuple[object, ...]] = {}
        self._specs: dict[tuple[str, str], tuple[str, EntitySpec]] = {}
        self.stored = StoredConfiguration(-1)
        self.panels: dict[str, Panel] = {}
        self.connections: dict[str, Connection] = {}

    async def refresh(self) -> None:
        """Read what is stored and put it live."""
        stored = await self._settings.load_configuration()
        if stored.revision == self.stored.revision:
            return
        retired = self._put_live(stored)
        self.stored = stored
        for connector in retired:
            await connector.close()

    async def watch(self) -> None:
        """Until cancelled: follow changes that another process made."""
        while True:
            await self._clock.sleep(WATCH_PAUSE)
            if await self._settings.revision() != self.stored.revision:
                await self.refresh()

    def webhook(self, stored: StoredWebhook) -> Webhook:
        """The definition of a stored webhook. Raises `Invalid`."""
        webhook, problems = decode_webhook(self._read(stored.document), self._secrets)
        if webhook is None:
            raise Invalid(problems)
        return webhook

    def token(self, stored: StoredWebhook) -> str:
        """The URL token of a stored webhook."""
        return self._vault.open(stored.token, TOKEN_PURPOSE.format(stored.name)).reveal()

    def seal_token(self, name: str, token: str) -> str:
        """The form in which a webhook's URL token is stored."""
        return self._vault.seal(Secret(token), TOKEN_PURPOSE.format(name))

    def _read(self, document: str) -> JSON:
        return parse_json(document.encode(), depth=128, members=LARGEST_DOCUMENT).value

    def _put_live(self, stored: StoredConfiguration) -> list[Connector]:
        before = self.stored
        connectors = dict(self._targets.connectors)
        retired: list[Connector] = []
        for name in [name for name in connectors if name != RECORDS and name not in stored.connections]:
            retired.append(connectors.pop(name))
            del self.connections[name]
        for name, document in stored.connections.items():
            if before.connections.get(name) != document or name not in connectors:
                if name in connectors:
                    retired.append(connectors[name])
                self.connections[name] = self._connection(document)
                connectors[name] = self._build(self.connections[name])
        if dict(before.panels) != dict(stored.panels) or RECORDS not in connectors:
            self.panels = {name: self._panel(document) for name, document in stored.panels.items()}
            connectors[RECORDS] = self._build_records(self.panels)
        self._specs = {place: self._spec(place, text) for place, text in stored.specs.items()}
        self._targets.replace(connectors, {place: spec for place, (_, spec) in self._specs.items()})
        self._switchboard.replace([self._line(one, stored) for one in stored.webhooks.values()])
        return retired

    def _connection(self, document: str) -> Connection:
        connection, problems = decode_connection(self._read(document), self.catalogue, self._secrets)
        if connection is None:
            raise Invalid(problems)
        return connection

    def _panel(self, document: str) -> Panel:
        panel, problems = decode_panel(self._read(document))
        if panel is None:
            raise Invalid(problems)
        return panel

    def _spec(self, place: tuple[str, str], text: str) -> tuple[str, EntitySpec]:
        known = self._specs.get(place)
        return known if known is not None and known[0] == text else (text, read_spec(text))

    def _line(self, stored: StoredWebhook, configuration: StoredConfiguration) -> Line:
        """The line of a webhook: the one that is there where nothing that it rests on has changed."""
        glance = _glance(stored.document)
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
        rate = None if glance.access.rate is None else read_rate(RATE, glance.access.rate)
        return Line(
            stored.name,
            WebhookState(glance.state),
            self.token(stored),
            None if rate is None else RateLimit(rate.count, rate.seconds),
            lambda: self._compile(stored),
        )

    def _compile(self, stored: StoredWebhook) -> CompiledWebhook:
        return compile_webhook(self.webhook(stored), self._targets)

    def specs(self) -> dict[tuple[str, str], EntitySpec]:
        """What the targets said of their entities when they were last asked, by (connection, entity)."""
        return {place: spec for place, (_, spec) in self._specs.items()}
