"""Configuration as a person changes it: plan, apply, rotate, delete; checked and saved as a whole, live at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from hookstation.core.definitions import Configuration, Webhook
from hookstation.core.documents import (
    PLURALS,
    Catalogue,
    PersonSecrets,
    SealedSecrets,
    carried_elsewhere,
    decode_configuration,
    encode_configuration,
    encode_connection,
    encode_destination,
    encode_panel,
    encode_poll,
    encode_schedule,
    encode_subscription,
    encode_transfer,
    encode_webhook,
    encode_workflow,
    known_secrets,
    users_of,
    with_references,
)
from hookstation.core.documents.sending import out_of_reach, subscribers, with_kept_signings
from hookstation.core.jsontext import dump_json
from hookstation.core.outgoing.names import unknown_names
from hookstation.core.plan import Change, Verb, plan
from hookstation.core.records import RECORDS
from hookstation.core.schedules.fires import why_never
from hookstation.core.spectext import write_spec
from hookstation.core.values import JSON
from hookstation.engine.board import Board
from hookstation.engine.checks import Checks
from hookstation.engine.plans import (
    UNNAMED,
    Plan,
    Saving,
    broken_links,
    carried_secrets,
    connections_of,
    make_secrets,
    matches,
    names_in,
    panel_of,
    taken_names,
)
from hookstation.engine.targets import Targets
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.deliveries import PORTAL_ROUND
from hookstation.ports.secrets import Vault
from hookstation.ports.store import ConfigurationChange, Settings, StoredWebhook

MOST_NAMED: Final = 10
"""So many things that still need another one are named."""


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
        current = self._current(None if prune else names_in(document))
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
        self._refuse_overtaken(saving)
        if planned.errors:
            raise Invalid(planned.problems)
        make_secrets(planned)
        change = ConfigurationChange(began=dict(saving.began), by=saving.by, note=saving.note)
        for one in planned.done:
            self._put(change, one, planned.wanted)
        for place, spec in planned.findings.specs.items():
            change.specs[place] = write_spec(spec)
        panels = {**self._board.panels, **planned.wanted.panels}
        self._forget(change)
        change.matches = matches(planned.wanted, panels)
        stored = self._board.stored.specs
        if planned.done or any(stored.get(place) != text for place, text in change.specs.items()):
            await self._settings.save_configuration(change, planned.revision)
            await self._board.refresh()
        return planned

    def _refuse_overtaken(self, saving: Saving) -> None:
        for name, began in saving.workflows.items():
            newest = self._board.workflow_version(name)
            if newest != began:
                raise Conflict(
                    f"The workflow “{name}” has version {newest} now, and this began from {began}."
                )

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
        if name not in self._board.documents(kind):
            raise NotFound(kind, name)
        users = self._users(kind, name)
        if users:
            those = "that" if len(users) == 1 else "those"
            raise Conflict(f"The {kind} “{name}” is used by {_named(users)}; change or delete {those} first.")
        change = ConfigurationChange()
        self._put_document(change, kind, name, None)
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

    def _users(self, kind: str, name: str) -> list[tuple[str, str]]:
        """Kind and name of everything that names this thing."""
        if kind == "destination":
            return [("subscription", one) for one in subscribers(name, self._board.subscriptions)]
        if kind in ("webhook", "subscription", "schedule"):
            return []
        return users_of(kind, name, self._current(None))

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
            dict(board.workflows),
            dict(board.transfers),
            dict(board.polls),
            dict(board.schedules),
        )

    async def _check(self, planned: Plan, current: Configuration, document: JSON, prune: bool) -> None:
        """Add what the checks find: at its place in the document, or by name where it is not in there."""
        unfit = await self._check_connections(planned, current, document)
        planned.problems += carried_secrets(planned, current, document)
        stored = {kind: self._board.documents(kind).keys() for kind in ("poll", "webhook")}
        planned.problems += taken_names(planned, stored, document)
        planned.problems += self._unknown_names(planned, document)
        changed, named = planned.changed("destination"), enumerate(names_in(document, "destinations"))
        planned.problems += out_of_reach(
            (index, planned.wanted.destinations[name]) for index, name in named if name in changed
        )
        planned.problems += self._never_fire(planned, document)
        await self._check_steps(planned, document)
        if any(planned.changed(kind) for kind in ("workflow", "connection", "panel")):
            starting = {
                name for name, one in self._board.starting().items() if one in planned.changed("workflow")
            }
            users = {**current.webhooks, **self._board.webhooks(starting)}
            planned.problems += broken_links(planned, replace(current, webhooks=users), prune)
        hooks = planned.hooks()
        wanted = [one for _, one in hooks.values()]
        dependents = self._dependents(planned, set(hooks))
        among = planned.wanted if prune else planned.wanted.over(current)
        retargeted = planned.changed("connection")
        known = {place: spec for place, spec in self._board.specs().items() if place[0] not in retargeted}
        planned.findings = await self._checks.check(
            [*wanted, *dependents.values()],
            {
                name: among.connections[name]
                for name in connections_of([*wanted, *dependents.values()]) - unfit
                if name in among.connections
            },
            among.panels,
            known,
        )
        self._tell(planned, document)

    def _tell(self, planned: Plan, document: JSON) -> None:
        """Add what was found of webhooks and polls at their places, or by name where they are not in the document."""
        hooks = planned.hooks()
        places: dict[str, tuple[str, int]] = {}
        for name, (kind, _) in hooks.items():
            places[name] = (PLURALS[kind], names_in(document, PLURALS[kind]).index(name))
        found = planned.findings.problems
        order = {name: (-len(kind), index) for name, (kind, index) in places.items()}
        for name in sorted(found, key=lambda name: order.get(name, (0, 0))):
            for problem in found[name]:
                if name in hooks:
                    planned.problems.append(problem.under(*places[name]))
                elif problem.severity == "error":
                    kind = "poll" if name in self._board.polls else "webhook"
                    planned.problems.append(
                        Problem((), f"The {kind} “{name}” would not work any more: {problem}", "error")
                    )

    async def _check_steps(self, planned: Plan, document: JSON) -> None:
        """Add what is wrong with the schemas of changed workflows."""
        changed = [planned.wanted.workflows[name] for name in sorted(planned.changed("workflow"))]
        for name, problem in await self._checks.check_workflows(changed):
            index = names_in(document, "workflows").index(name)
            planned.problems.append(problem.under("workflows", index))

    def _unknown_names(self, planned: Plan, document: JSON) -> list[Problem]:
        """Warnings for what changed subscriptions read and no event of theirs is known to have."""
        changed = planned.changed("subscription")
        if not changed:
            return []
        patterns = (one for name in changed for one in planned.wanted.subscriptions[name].events)
        meant = {pattern.partition(".")[2] for pattern in patterns}
        schemas: dict[str, JSON] = dict.fromkeys(self._board.stored.webhooks, True)
        schemas |= {name: one.schema for name, one in self._board.webhooks(meant).items()}
        schemas |= {name: one.schema for name, one in planned.wanted.webhooks.items()}
        return [
            problem.under("subscriptions", index)
            for index, name in enumerate(names_in(document, "subscriptions"))
            if name in changed
            for problem in unknown_names(planned.wanted.subscriptions[name], schemas)
        ]

    def _never_fire(self, planned: Plan, document: JSON) -> list[Problem]:
        """Warnings for changed schedules of which no time comes any more; an old file may be applied all the same."""
        changed, now = planned.changed("schedule"), self._clock.now()
        return [
            problem.under("schedules", index)
            for index, name in enumerate(names_in(document, "schedules"))
            if name in changed and (problem := why_never(planned.wanted.schedules[name], now))
        ]

    async def _check_connections(self, planned: Plan, current: Configuration, document: JSON) -> set[str]:
        """Add what is wrong with connections; return the names of those that must not even be tried."""
        changed, unfit = planned.changed("connection"), set()
        for index, name in enumerate(names_in(document, "connections")):
            if name in changed:
                wanted, before = planned.wanted.connections[name], current.connections.get(name)
                wrong = carried_elsewhere(before, wanted, self._catalogue) if before else []
                wrong = wrong or await self._checks.check_connection(wanted)
                planned.problems += [problem.under("connections", index) for problem in wrong]
                unfit |= {name} if wrong else set()
        return unfit

    def _dependents(self, planned: Plan, named: set[str]) -> dict[str, Webhook]:
        """Webhooks that stay as they are, and write to a connection or panel which the document changes."""
        connections, panels = planned.changed("connection"), planned.changed("panel")
        if not connections and not panels:
            return {}
        gone = {
            one.name for one in planned.done if one.kind in ("webhook", "poll") and one.verb is Verb.REMOVE
        }
        return {
            name: one
            for name, one in self._current(None).webhooks.items()
            if name not in named | gone and (one.connection in connections or panel_of(one) in panels)
        }

    def _put(self, change: ConfigurationChange, one: Change, wanted: Configuration) -> None:
        if one.kind == "webhook" and one.verb is not Verb.REMOVE:
            change.webhooks[one.name] = self._stored_webhook(wanted.webhooks[one.name])
            return
        document = None if one.verb is Verb.REMOVE else dump_json(self._document(one, wanted))
        self._put_document(change, one.kind, one.name, document)

    def _put_document(self, change: ConfigurationChange, kind: str, name: str, document: str | None) -> None:
        """Write or take away a thing; a webhook is only taken away here, for it has more than a document."""
        many = PLURALS[kind]
        if kind == "webhook":
            change.webhooks[name] = None
        elif hasattr(change, many):
            getattr(change, many)[name] = document
        else:
            change.things[many, name] = document

    def _document(self, one: Change, wanted: Configuration) -> dict[str, JSON]:
        """A thing as it is stored, its secrets sealed."""
        match one.kind:
            case "connection":
                return encode_connection(wanted.connections[one.name], self._catalogue, self._sealed)
            case "panel":
                return encode_panel(wanted.panels[one.name])
            case "destination":
                return encode_destination(wanted.destinations[one.name], self._sealed)
            case "subscription":
                return encode_subscription(wanted.subscriptions[one.name])
            case "workflow":
                return encode_workflow(wanted.workflows[one.name])
            case "transfer":
                return encode_transfer(wanted.transfers[one.name], self._sealed)
            case "poll":
                return encode_poll(wanted.polls[one.name])
        return encode_schedule(wanted.schedules[one.name])

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


def _named(users: list[tuple[str, str]]) -> str:
    """Who uses a thing, for people: “the webhooks “a”, “b” and 3 more and the poll “c””."""
    parts = []
    for kind in dict.fromkeys(kind for kind, _ in users):
        those = [name for one, name in users if one == kind]
        named = ", ".join(f"“{one}”" for one in those[:MOST_NAMED])
        more = f" and {len(those) - MOST_NAMED} more" if len(those) > MOST_NAMED else ""
        parts.append(f"the {kind if len(those) == 1 else PLURALS[kind]} {named}{more}")
    return " and ".join(parts)
