"""Configuration as a person changes it: plan, apply, rotate, delete; checked and saved as a whole, live at once."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from hookstation.core.activity import canonical_name
from hookstation.core.definitions import Configuration, Panel, Webhook
from hookstation.core.documents import (
    Catalogue,
    PersonSecrets,
    SealedSecrets,
    carried_elsewhere,
    decode_configuration,
    encode_configuration,
    encode_connection,
    encode_destination,
    encode_panel,
    encode_subscription,
    encode_webhook,
    known_secrets,
    with_references,
)
from hookstation.core.documents.destination_secrets import (
    destination_carried_elsewhere,
    lacks_secret,
    with_secret,
)
from hookstation.core.documents.sending import out_of_reach, subscribers, with_kept_signings
from hookstation.core.jsontext import dump_json
from hookstation.core.outgoing.names import unknown_names
from hookstation.core.plan import Change, Verb, plan
from hookstation.core.records import RECORDS
from hookstation.core.spectext import write_spec
from hookstation.core.standard_keys import SEED, new_standard_secret
from hookstation.core.values import JSON, Secret
from hookstation.engine.board import Board
from hookstation.engine.checks import Checks, Findings, merged
from hookstation.engine.targets import Targets
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.deliveries import PORTAL_ROUND
from hookstation.ports.secrets import Vault
from hookstation.ports.store import ConfigurationChange, Settings, StoredWebhook

PLURALS: Final = {
    "connection": "connections",
    "panel": "panels",
    "webhook": "webhooks",
    "destination": "destinations",
    "subscription": "subscriptions",
}


@dataclass(slots=True)
class Plan:
    """What applying a document would do. Nothing can be applied while one of `problems` is an error.

    `made`: secrets that the station made for destinations when the plan was carried out; nothing else shows them.
    """

    wanted: Configuration
    changes: list[Change]
    problems: list[Problem] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    revision: int = 0
    made: dict[str, Secret] = field(default_factory=dict)

    @property
    def errors(self) -> list[Problem]:
        """The problems that stand in the way."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def done(self) -> list[Change]:
        """The changes that are more than *keep*."""
        return [change for change in self.changes if change.verb is not Verb.KEEP]


@dataclass(frozen=True, slots=True)
class Saving:
    """Who makes a change, why, and which version of a webhook it began from (by name)."""

    by: str = ""
    note: str = ""
    began: Mapping[str, int] = field(default_factory=dict)


MOST_NAMED: Final = 10
"""So many things that still need another one are named."""

UNNAMED: Final = Saving()
"""A change of which nobody says who made it."""


class Configurator:
    """Changes configuration. One change at a time is saved; a change underneath is a `Conflict`."""

    def __init__(
        self,
        settings: Settings,
        board: Board,
        checks: Checks,
        targets: Targets,
        catalogue: Catalogue,
        vault: Vault,
        clock: Clock,
        identifiers: Identifiers,
    ) -> None:
        self._settings, self._board, self._checks, self._targets = settings, board, checks, targets
        self._catalogue, self._clock, self._identifiers = catalogue, clock, identifiers
        self._sealed = SealedSecrets(vault)

    @property
    def checks(self) -> Checks:
        """What a configuration is checked with before it is saved."""
        return self._checks

    async def plan(
        self, document: JSON, references: Mapping[str, str] | None = None, *, prune: bool = False
    ) -> Plan:
        """What applying `document` would do, with everything that is wrong with it.

        `references`: JSON pointers of secrets to how the file names them.
        """
        await self._board.refresh()
        document = with_references(document, references or {})
        current = self._current(None if prune else _names(document))
        wanted, problems = decode_configuration(
            document,
            self._catalogue,
            PersonSecrets(known_secrets(current)),
            replace(current, webhooks={}) if not prune else None,
        )
        wanted = with_kept_signings(current.destinations, wanted)
        changes = plan(current, wanted, prune)
        planned = Plan(wanted, changes, problems, revision=self._board.stored.revision)
        await self._check(planned, current, document, prune)
        return planned

    async def apply(
        self,
        document: JSON,
        references: Mapping[str, str] | None = None,
        *,
        prune: bool = False,
        saving: Saving = UNNAMED,
    ) -> Plan:
        """Do what `plan` says, all or nothing. Raises `Invalid` with every problem, warnings too.

        Raises `Conflict` where somebody was quicker.
        """
        planned = await self.plan(document, references, prune=prune)
        if planned.errors:
            raise Invalid(planned.problems)
        _make_secrets(planned)
        change = ConfigurationChange(began=dict(saving.began), by=saving.by, note=saving.note)
        for one in planned.done:
            self._put(change, one, planned.wanted)
        for place, spec in planned.findings.specs.items():
            change.specs[place] = write_spec(spec)
        panels = {**self._board.panels, **planned.wanted.panels}
        self._forget(change)
        change.matches = _matches(planned.wanted.webhooks.values(), panels)
        stored = self._board.stored.specs
        if planned.done or any(stored.get(place) != text for place, text in change.specs.items()):
            await self._settings.save_configuration(change, planned.revision)
            await self._board.refresh()
        return planned

    async def export(self) -> dict[str, JSON]:
        """The whole configuration as a document; secrets as their references, or masked."""
        await self._board.refresh()
        return encode_configuration(self._current(None), self._catalogue, PersonSecrets())

    async def rotate(self, name: str) -> str:
        """Give a webhook a new URL token; the old one is dead at once. Returns the new one. Raises `NotFound`."""
        await self._board.refresh()
        stored = self._stored(name)
        token = self._identifiers.token()
        changed = StoredWebhook(
            name,
            self._board.seal_token(name, token),
            stored.document,
            stored.created_at,
            self._clock.now(),
        )
        await self._save(ConfigurationChange(webhooks={name: changed}))
        return token

    async def delete(self, kind: str, name: str) -> None:
        """Take away one thing, of any kind in `PLURALS`. Events, records and deliveries stay.

        Raises `NotFound`, or `Conflict` where a webhook or subscription still needs it.
        """
        await self._board.refresh()
        if name not in self._names_of(kind):
            raise NotFound(kind, name)
        users = self._users(kind, name)
        if users:
            named = ", ".join(f"“{one}”" for one in users[:MOST_NAMED])
            more = f" and {len(users) - MOST_NAMED} more" if len(users) > MOST_NAMED else ""
            what = "subscription" if kind == "destination" else "webhook"
            whose, those = (f"the {what}", "that") if len(users) == 1 else (f"the {what}s", "those")
            raise Conflict(
                f"The {kind} “{name}” is used by {whose} {named}{more}; change or delete {those} first."
            )
        change = ConfigurationChange()
        getattr(change, PLURALS[kind])[name] = None
        self._forget(change)
        await self._save(change)

    async def refresh_fields(self, connection: str) -> list[str]:
        """Ask a target again for the fields of every entity that webhooks write; return the entities.

        Raises `NotFound`, or `ActionFailed` where it cannot be asked.
        """
        await self._board.refresh()
        connector = self._targets.connectors.get(connection)
        if connector is None:
            raise NotFound("connection", connection)
        entities = sorted(entity for place, entity in self._board.stored.specs if place == connection)
        change = ConfigurationChange()
        for entity in entities:
            change.specs[connection, entity] = write_spec(await connector.describe(entity))
        if connection != RECORDS and change.specs:
            await self._save(change)
        return entities

    def _forget(self, change: ConfigurationChange) -> None:
        """What a connection said of its entities goes with it, and so do the links to a destination: others may get
        their names.
        """
        gone = {name for name, document in change.connections.items() if document is None}
        for place in self._board.stored.specs:
            if place[0] in gone:
                change.specs[place] = None
        for name in (name for name, document in change.destinations.items() if document is None):
            change.facts[PORTAL_ROUND + name] = f".{self._clock.now()}"

    async def _save(self, change: ConfigurationChange) -> None:
        await self._settings.save_configuration(change, self._board.stored.revision)
        await self._board.refresh()

    def _stored(self, name: str) -> StoredWebhook:
        stored = self._board.stored.webhooks.get(name)
        if stored is None:
            raise NotFound("webhook", name)
        return stored

    def _names_of(self, kind: str) -> Mapping[str, object]:
        return {
            "webhook": self._board.stored.webhooks,
            "connection": self._board.stored.connections,
            "panel": self._board.stored.panels,
            "destination": self._board.stored.destinations,
            "subscription": self._board.stored.subscriptions,
        }[kind]

    def _users(self, kind: str, name: str) -> list[str]:
        """Webhooks whose action names this connection or panel, or subscriptions that lead to this destination."""
        if kind in ("webhook", "subscription"):
            return []
        if kind == "destination":
            return subscribers(name, self._board.subscriptions)
        webhooks = self._current(None).webhooks.values()
        if kind == "connection":
            return [one.name for one in webhooks if one.connection == name]
        return [one.name for one in webhooks if _panel_of(one) == name]

    def _current(self, names: Iterable[str] | None) -> Configuration:
        """What is configured now, with the webhooks of these names (``None``: all)."""
        webhooks = self._board.webhooks(self._board.stored.webhooks if names is None else names)
        board = self._board
        return Configuration(
            dict(board.connections),
            dict(board.panels),
            webhooks,
            dict(board.destinations),
            dict(board.subscriptions),
        )

    async def _check(self, planned: Plan, current: Configuration, document: JSON, prune: bool) -> None:
        """Add what the checks find: at its place in the document, or by name where it is not in there."""
        unfit = await self._check_connections(planned, current, document)
        planned.problems += _carried_secrets(planned, current, document)
        planned.problems += self._unknown_names(planned, document)
        changed, named = _done(planned, "destination"), enumerate(_names(document, "destinations"))
        planned.problems += out_of_reach(
            (index, planned.wanted.destinations[name]) for index, name in named if name in changed
        )
        webhooks = {name: planned.wanted.webhooks[name] for name in _done(planned, "webhook")}
        dependents = self._dependents(planned, set(webhooks))
        among = planned.wanted if prune else merged(current, planned.wanted)
        retargeted = _done(planned, "connection")
        known = {place: spec for place, spec in self._board.specs().items() if place[0] not in retargeted}
        planned.findings = await self._checks.check(
            [*webhooks.values(), *dependents.values()],
            {
                name: among.connections[name]
                for name in _connections(webhooks, dependents) - unfit
                if name in among.connections
            },
            among.panels,
            known,
        )
        places = {name: index for index, name in enumerate(_names(document))}
        found = planned.findings.problems
        for name in sorted(found, key=lambda name: places.get(name, len(places))):
            for problem in found[name]:
                if name in webhooks:
                    planned.problems.append(problem.under("webhooks", places[name]))
                elif problem.severity == "error":
                    planned.problems.append(
                        Problem((), f"The webhook “{name}” would not work any more: {problem}", "error")
                    )

    def _unknown_names(self, planned: Plan, document: JSON) -> list[Problem]:
        """Warnings for what changed subscriptions read and no event of theirs is known to have."""
        changed = _done(planned, "subscription")
        if not changed:
            return []
        patterns = (one for name in changed for one in planned.wanted.subscriptions[name].events)
        meant = {pattern.partition(".")[2] for pattern in patterns}
        schemas: dict[str, JSON] = dict.fromkeys(self._board.stored.webhooks, True)
        schemas |= {name: one.schema for name, one in self._board.webhooks(meant).items()}
        schemas |= {name: one.schema for name, one in planned.wanted.webhooks.items()}
        return [
            problem.under("subscriptions", index)
            for index, name in enumerate(_names(document, "subscriptions"))
            if name in changed
            for problem in unknown_names(planned.wanted.subscriptions[name], schemas)
        ]

    async def _check_connections(self, planned: Plan, current: Configuration, document: JSON) -> set[str]:
        """Add what is wrong with connections; return the names of those that must not even be tried."""
        changed, unfit = _done(planned, "connection"), set()
        for index, name in enumerate(_names(document, "connections")):
            if name in changed:
                wanted, before = planned.wanted.connections[name], current.connections.get(name)
                wrong = carried_elsewhere(before, wanted, self._catalogue) if before else []
                wrong = wrong or await self._checks.check_connection(wanted)
                planned.problems += [problem.under("connections", index) for problem in wrong]
                unfit |= {name} if wrong else set()
        return unfit

    def _dependents(self, planned: Plan, named: set[str]) -> dict[str, Webhook]:
        """Webhooks that stay as they are, and write to a connection or panel which the document changes."""
        connections, panels = _done(planned, "connection"), _done(planned, "panel")
        if not connections and not panels:
            return {}
        gone = {one.name for one in planned.done if one.kind == "webhook" and one.verb is Verb.REMOVE}
        return {
            name: one
            for name, one in self._current(None).webhooks.items()
            if name not in named | gone and (one.connection in connections or _panel_of(one) in panels)
        }

    def _put(self, change: ConfigurationChange, one: Change, wanted: Configuration) -> None:
        target = getattr(change, PLURALS[one.kind])
        if one.verb is Verb.REMOVE:
            target[one.name] = None
        elif one.kind == "connection":
            target[one.name] = dump_json(
                encode_connection(wanted.connections[one.name], self._catalogue, self._sealed)
            )
        elif one.kind == "panel":
            target[one.name] = dump_json(encode_panel(wanted.panels[one.name]))
        elif one.kind == "destination":
            target[one.name] = dump_json(encode_destination(wanted.destinations[one.name], self._sealed))
        elif one.kind == "subscription":
            target[one.name] = dump_json(encode_subscription(wanted.subscriptions[one.name]))
        else:
            target[one.name] = self._stored_webhook(wanted.webhooks[one.name])

    def _stored_webhook(self, webhook: Webhook) -> StoredWebhook:
        before = self._board.stored.webhooks.get(webhook.name)
        now = self._clock.now()
        return StoredWebhook(
            webhook.name,
            before.token if before else self._board.seal_token(webhook.name, self._identifiers.token()),
            dump_json(encode_webhook(webhook, self._sealed)),
            before.created_at if before else now,
            now,
        )


def _make_secrets(planned: Plan) -> None:
    """Give every destination that is saved, and signs without a secret, one of its own."""
    saved = _done(planned, "destination")
    lacking = {
        name: one for name, one in planned.wanted.destinations.items() if name in saved and lacks_secret(one)
    }
    planned.made = {name: new_standard_secret(secrets.token_bytes(SEED)) for name in lacking}
    complete = {name: with_secret(one, planned.made[name]) for name, one in lacking.items()}
    planned.wanted = replace(planned.wanted, destinations={**planned.wanted.destinations, **complete})


def _carried_secrets(planned: Plan, current: Configuration, document: JSON) -> list[Problem]:
    """Secrets that a changed destination would use at another place than the one they were given for."""
    changed = _done(planned, "destination") & current.destinations.keys()
    return [
        problem.under("destinations", index)
        for index, name in enumerate(_names(document, "destinations"))
        if name in changed
        for problem in destination_carried_elsewhere(
            current.destinations[name], planned.wanted.destinations[name]
        )
    ]


def _names(document: JSON, kind: str = "webhooks") -> list[str]:
    """The names of a document's things of a kind, in their places; empty where there is none."""
    things = document.get(kind) if isinstance(document, dict) else None
    if not isinstance(things, list):
        return []
    names = (one.get("name") if isinstance(one, dict) else None for one in things)
    return [name if isinstance(name, str) else "" for name in names]


def _done(planned: Plan, kind: str) -> set[str]:
    """The things of a kind that are added or changed."""
    return {one.name for one in planned.done if one.kind == kind and one.verb is not Verb.REMOVE}


def _connections(*groups: Mapping[str, Webhook]) -> set[str]:
    return {one.connection for group in groups for one in group.values()} - {""}


def _panel_of(webhook: Webhook) -> str:
    """The panel of the records database that it writes, empty where it writes none."""
    action = webhook.action
    return action.panel if action is not None and action.connection == RECORDS else ""


def _matches(
    webhooks: Iterable[Webhook], panels: Mapping[str, Panel]
) -> dict[str, frozenset[tuple[str, ...]]]:
    """The sets of fields, by canonical name, that actions match rows of the records database on, by panel."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for action in (one.action for one in webhooks if one.action is not None):
        if action.connection == RECORDS and action.match:
            spec = panels[action.panel].spec
            names = (canonical_name(spec, written) for written in action.match)
            found.setdefault(action.panel, set()).add(tuple(sorted(name for name in names if name)))
    return {panel: frozenset(sets) for panel, sets in found.items()}
