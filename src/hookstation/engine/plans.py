"""What applying a document would do, and what it needs to know of that document."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from hookstation.core.activity import ACTIVITY_SPEC, canonical_name
from hookstation.core.definitions import Configuration, Panel, Webhook
from hookstation.core.documents.destination_secrets import (
    destination_carried_elsewhere,
    lacks_secret,
    with_secret,
)
from hookstation.core.documents.links import PLURALS, check_links, links_of
from hookstation.core.documents.transfer_secrets import transfer_carried_elsewhere
from hookstation.core.plan import Change, Verb
from hookstation.core.records import ACTIVITY, RECORDS
from hookstation.core.standard_keys import SEED, new_standard_secret
from hookstation.core.transfers.definitions import HttpTarget
from hookstation.core.values import JSON, Secret
from hookstation.core.workflows.definitions import all_steps
from hookstation.engine.checks import Findings
from hookstation.errors import Problem


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

    def changed(self, kind: str) -> set[str]:
        """The things of a kind that are added or changed."""
        return {one.name for one in self.done if one.kind == kind and one.verb is not Verb.REMOVE}

    def removed(self, kind: str) -> set[str]:
        """The things of a kind that are taken away."""
        return {one.name for one in self.done if one.kind == kind and one.verb is Verb.REMOVE}

    def hooks(self) -> dict[str, tuple[str, Webhook]]:
        """The webhooks that are added or changed, those of polls too: name → kind, and what is done with an event."""
        found = {name: ("webhook", self.wanted.webhooks[name]) for name in self.changed("webhook")}
        return found | {name: ("poll", self.wanted.polls[name].webhook) for name in self.changed("poll")}


@dataclass(frozen=True, slots=True)
class Saving:
    """Who makes a change, why, and which version of a webhook, and of a workflow, it began from (by name; 0: none)."""

    by: str = ""
    note: str = ""
    began: Mapping[str, int] = field(default_factory=dict)
    workflows: Mapping[str, int] = field(default_factory=dict)


UNNAMED: Final = Saving()
"""A change of which nobody says who made it."""


def names_in(document: JSON, kind: str = "webhooks") -> list[str]:
    """The names of a document's things of a kind, in their places; empty where there is none."""
    things = document.get(kind) if isinstance(document, dict) else None
    if not isinstance(things, list):
        return []
    names = (one.get("name") if isinstance(one, dict) else None for one in things)
    return [name if isinstance(name, str) else "" for name in names]


def make_secrets(planned: Plan) -> None:
    """Give every destination that is saved, and signs without a secret, one of its own."""
    saved = planned.changed("destination")
    lacking = {
        name: one for name, one in planned.wanted.destinations.items() if name in saved and lacks_secret(one)
    }
    planned.made = {name: new_standard_secret(secrets.token_bytes(SEED)) for name in lacking}
    complete = {name: with_secret(one, planned.made[name]) for name, one in lacking.items()}
    planned.wanted = replace(planned.wanted, destinations={**planned.wanted.destinations, **complete})


def carried_secrets(planned: Plan, current: Configuration, document: JSON) -> list[Problem]:
    """Secrets that a changed destination or transfer would use at another place than the one they were given for."""
    had, want = current.destinations, planned.wanted.destinations
    changed = planned.changed("destination") & had.keys()
    found = [
        problem.under("destinations", index)
        for index, name in enumerate(names_in(document, "destinations"))
        if name in changed
        for problem in destination_carried_elsewhere(had[name], want[name])
    ]
    moved, now = current.transfers, planned.wanted.transfers
    changed = planned.changed("transfer") & moved.keys()
    return found + [
        problem.under("transfers", index)
        for index, name in enumerate(names_in(document, "transfers"))
        if name in changed
        for problem in transfer_carried_elsewhere(moved[name], now[name])
    ]


def broken_links(planned: Plan, current: Configuration, prune: bool) -> Iterator[Problem]:
    """Things that stay as they are, and name one that the document makes unfit for them.

    `current`: with the webhooks that start a workflow.
    """
    changed = {(kind, name) for kind in PLURALS for name in planned.changed(kind)}
    if prune or not changed:
        return
    stays = replace(current, **{
        many: {name: one for name, one in getattr(current, many).items() if name not in getattr(planned.wanted, many)}
        for many in Configuration.KINDS
    })  # fmt: skip
    touched = {(kind, name) for kind, name, link in links_of(stays) if (link.kind, link.name) in changed}
    among = planned.wanted.over(current)
    names = {kind: getattr(among, many) for kind, many in PLURALS.items()}
    for kind, name, problem in check_links(stays, among, names):
        if (kind, name) in touched:
            yield Problem((), f"The {kind} “{name}” would not work any more: {problem}")


def taken_names(planned: Plan, stored: Mapping[str, Collection[str]], document: JSON) -> list[Problem]:
    """Polls and webhooks that are added under a name of the other kind: their events are told apart by it.

    `stored`: the names that are there, by kind.
    """
    problems: list[Problem] = []
    for kind, other in (("poll", "webhook"), ("webhook", "poll")):
        there = {name.casefold() for name in stored[other]} - planned.removed(other)
        for index, name in enumerate(names_in(document, PLURALS[kind])):
            if name in planned.changed(kind) and name.casefold() in there:
                told = f"“{name}” is the name of a {other}; their events are told apart by it, so choose another."
                problems.append(Problem((PLURALS[kind], index, "name"), told))
    return problems


def connections_of(webhooks: Iterable[Webhook]) -> set[str]:
    """The connections that these webhooks write to."""
    return {one.connection for one in webhooks} - {""}


def panel_of(webhook: Webhook) -> str:
    """The panel of the records database that it writes, empty where it writes none."""
    action = webhook.action
    return action.panel if action is not None and action.connection == RECORDS else ""


def matches(things: Configuration, panels: Mapping[str, Panel]) -> dict[str, frozenset[tuple[str, ...]]]:
    """The sets of fields, by canonical name, that rows of the records database are matched on, by entity.

    An activity is found by its number without any.
    """
    found: dict[str, set[tuple[str, ...]]] = {}
    specs = {ACTIVITY: ACTIVITY_SPEC, **{name: panel.spec for name, panel in panels.items()}}
    for entity, written in (*_matched_by_actions(things), *_matched_by_steps(things)):
        if entity in specs and written:
            names = tuple(sorted(filter(None, (canonical_name(specs[entity], name) for name in written))))
            found.setdefault(entity, set()).update({names} - {(), ("SEQN",)})
    return {panel: frozenset(sets) for panel, sets in found.items()}


def _matched_by_actions(things: Configuration) -> Iterator[tuple[str, Iterable[str]]]:
    hooks = (*things.webhooks.values(), *(one.webhook for one in things.polls.values()))
    targets = (one.destination for one in things.transfers.values())
    actions = (*(one.action for one in hooks), *(one.then for one in targets if isinstance(one, HttpTarget)))
    for action in actions:
        if action is not None and action.connection == RECORDS:
            yield action.panel, action.match


def _matched_by_steps(things: Configuration) -> Iterator[tuple[str, Iterable[str]]]:
    for workflow in things.workflows.values():
        for step in all_steps(workflow.steps):
            entity, match = step.settings.get("panel", ACTIVITY), step.settings.get("match")
            if (
                step.settings.get("connection") == RECORDS
                and isinstance(entity, str)
                and isinstance(match, dict)
            ):
                yield entity, match
