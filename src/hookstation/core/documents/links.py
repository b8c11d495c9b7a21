"""What workflows, polls, schedules, transfers and webhooks name, and whether it is there and fits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hookstation.core.definitions import Action, Configuration, Webhook
from hookstation.core.documents.poll_sources import CONNECTIONS as POLL_CONNECTIONS
from hookstation.core.documents.poll_sources import source_values
from hookstation.core.documents.step_fields import check_fields
from hookstation.core.documents.transfer_ends import (
    SOURCE_CONNECTIONS,
    TARGET_CONNECTIONS,
    destination_values,
    rows_values,
)
from hookstation.core.fieldlist import listed
from hookstation.core.nearest import did_you_mean
from hookstation.core.polling.definitions import Poll
from hookstation.core.records import RECORDS
from hookstation.core.schedules.definitions import Schedule, Starts
from hookstation.core.transfers.definitions import HttpTarget, RecordRows, Transfer
from hookstation.core.values import PathPart
from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.catalog.common import RECORD_KEEPERS
from hookstation.core.workflows.definitions import TriggerKind, Workflow
from hookstation.core.workflows.places import placed
from hookstation.errors import Problem

OTHERS: Final = (
    frozenset().union(*(spec.connections for spec in SPECS.values()), *POLL_CONNECTIONS.values())
    - RECORD_KEEPERS
)
"""Types of connection that hold no records."""
PLURALS: Final[Mapping[str, str]] = {
    "connection": "connections",
    "panel": "panels",
    "webhook": "webhooks",
    "destination": "destinations",
    "subscription": "subscriptions",
    "workflow": "workflows",
    "transfer": "transfers",
    "poll": "polls",
    "schedule": "schedules",
}
"""Kinds of things, as one says of one and as documents list them; others lean on the first ones."""
BY_WEBHOOK: Final = frozenset({TriggerKind.WEBHOOK.value, TriggerKind.CHANGE.value})


@dataclass(frozen=True, slots=True)
class Link:
    """A thing that another one names, and where it does.

    `kind`: as in `PLURALS`.  `fits`: the types that a connection may have, or a workflow's trigger; empty: any.
    """

    kind: str
    name: str
    place: tuple[PathPart, ...]
    fits: frozenset[str] = frozenset()


def workflow_links(workflow: Workflow) -> Iterator[Link]:
    """What a workflow names."""
    if workflow.trigger.connection:
        yield Link("connection", workflow.trigger.connection, ("trigger", "connection"), frozenset({"imis"}))
    for step, place in placed(workflow.steps):
        spec = SPECS.get(step.type)
        for kind in ("connection", "panel", "workflow", "transfer"):
            name = step.settings.get(kind)
            if spec is None or spec.setting(kind) is None or not isinstance(name, str):
                continue
            if kind != "panel" or step.settings.get("connection") == RECORDS:
                fits = spec.connections if kind == "connection" else frozenset[str]()
                yield Link(kind, name, (*place, "with", kind), fits)


def webhook_links(webhook: Webhook) -> Iterator[Link]:
    """What a webhook names."""
    if webhook.workflow:
        yield Link("workflow", webhook.workflow, ("workflow",), BY_WEBHOOK)
    yield from _action_links(webhook.action, ("action",))


def _action_links(action: Action | None, place: tuple[PathPart, ...]) -> Iterator[Link]:
    if action is not None:
        yield Link("connection", action.connection, (*place, "connection"), RECORD_KEEPERS)
        if action.panel and action.connection == RECORDS:
            yield Link("panel", action.panel, (*place, "panel"))


def poll_links(poll: Poll) -> Iterator[Link]:
    """What a poll names."""
    source = source_values(poll.source)
    if source["connection"]:
        fits = POLL_CONNECTIONS[str(source["type"])]
        yield Link("connection", str(source["connection"]), ("source", "connection"), fits)
    if poll.webhook.workflow:
        yield Link("workflow", poll.webhook.workflow, ("workflow",), frozenset({TriggerKind.POLL.value}))
    yield from _action_links(poll.webhook.action, ("action",))


def schedule_links(schedule: Schedule) -> Iterator[Link]:
    """What a schedule names."""
    fits = frozenset({TriggerKind.SCHEDULE.value}) if schedule.kind is Starts.WORKFLOW else frozenset[str]()
    yield Link(schedule.kind.value, schedule.target, (schedule.kind.value,), fits)


def transfer_links(transfer: Transfer) -> Iterator[Link]:
    """What a transfer names."""
    source, target = rows_values(transfer.source), destination_values(transfer.destination)
    for part, values, fits in (
        ("source", source, SOURCE_CONNECTIONS),
        ("destination", target, TARGET_CONNECTIONS),
    ):
        if name := values.get("connection"):
            yield Link("connection", str(name), (part, "connection"), fits[str(values["type"])])
    match transfer.source:
        case RecordRows(panel) if panel:
            yield Link("panel", panel, ("source", "panel"))
    if isinstance(transfer.destination, HttpTarget):
        yield from _action_links(transfer.destination.then, ("destination", "then"))
    if transfer.alerts:
        yield Link("connection", transfer.alerts.connection, ("alerts", "connection"), frozenset({"smtp"}))


def links_of(things: Configuration) -> Iterator[tuple[str, str, Link]]:
    """What all things name, except destinations: kind and name of the thing, and the link."""
    yield from _links("webhook", things.webhooks, webhook_links)
    yield from _links("workflow", things.workflows, workflow_links)
    yield from _links("transfer", things.transfers, transfer_links)
    yield from _links("poll", things.polls, poll_links)
    yield from _links("schedule", things.schedules, schedule_links)


def _links(
    kind: str, things: Mapping[str, object], find: Callable[..., Iterator[Link]]
) -> Iterator[tuple[str, str, Link]]:
    for name, thing in things.items():
        for link in find(thing):
            yield kind, name, link


def users_of(kind: str, name: str, things: Configuration) -> list[tuple[str, str]]:
    """Kind and name of everything that names this thing, each once."""
    found = (
        (user, whose) for user, whose, link in links_of(things) if (link.kind, link.name) == (kind, name)
    )
    return list(dict.fromkeys(one for one in found if one != (kind, name)))


def check_links(
    things: Configuration, among: Configuration, names: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str, Problem]]:
    """What `things` name and is not there, or does not fit: kind and name of the thing, and what is wrong inside it.

    `among`: everything that is there and can be read; `names`: by kind, the names of all that is there.
    """
    for kind, name, link in links_of(things):
        if kind == "webhook" and link.kind in ("connection", "panel"):
            continue  # said where actions are checked
        for message in _wrong(link, among, names.get(link.kind, ())):
            yield kind, name, Problem(link.place, message)
    for name, workflow in things.workflows.items():
        for problem in check_fields(workflow, among.panels):
            yield "workflow", name, problem
        for place, message in _circles(name, among.workflows):
            yield "workflow", name, Problem(place, message)
    for name in things.polls:
        if name.casefold() in {one.casefold() for one in names.get("webhook", ())}:
            message = (
                f"“{name}” is the name of a webhook; their events are told apart by it, so choose another."
            )
            yield "poll", name, Problem(("name",), message)


def _wrong(link: Link, among: Configuration, names: Collection[str]) -> Iterator[str]:
    if link.name not in names and link.name != RECORDS:
        known = sorted(names)
        there = f"there are {', '.join(known[:20])}" if known else f"define it under “{PLURALS[link.kind]}”"
        yield f"there is no {link.kind} “{link.name[:64]}”; {there}.{did_you_mean(link.name, known)}"
    elif link.kind == "connection" and link.fits:
        yield from _wrong_type(link, among)
    elif link.kind == "workflow" and link.fits and link.name in among.workflows:
        kind = among.workflows[link.name].trigger.kind
        if kind not in link.fits:
            wanted = " or ".join(f"“{one}”" for one in sorted(link.fits, reverse=True))
            yield f"the workflow “{link.name}” has the trigger “{kind}”; set its trigger.type to {wanted}."


def _wrong_type(link: Link, among: Configuration) -> Iterator[str]:
    connection = among.connections.get(link.name)
    kind = "records" if link.name == RECORDS else connection.type if connection else ""
    usual = link.fits == RECORD_KEEPERS and kind not in OTHERS
    if kind and kind not in link.fits and not usual:
        yield f"“{link.name}” is a connection of type {kind}; this needs one of type {listed(sorted(link.fits))}."


def _circles(start: str, workflows: Mapping[str, Workflow]) -> Iterator[tuple[tuple[PathPart, ...], str]]:
    """Steps by which a workflow would start itself again."""
    for link in _calls(workflows.get(start)):
        way = _way(link.name, start, workflows)
        if way:
            told = " → ".join(f"“{one}”" for one in (start, *way))
            yield link.place, f"leads back to the workflow itself: {told}. Take one of these steps out."


def _calls(workflow: Workflow | None) -> list[Link]:
    return [link for link in workflow_links(workflow) if link.kind == "workflow"] if workflow else []


def _way(begin: str, end: str, workflows: Mapping[str, Workflow]) -> list[str]:
    """The workflows from one to another, both included; empty where no way leads there."""
    came: dict[str, str] = {begin: ""}
    waiting = [begin]
    while waiting:
        one = waiting.pop()
        if one == end:
            way = [one]
            while came[way[0]]:
                way.insert(0, came[way[0]])
            return way
        for link in _calls(workflows.get(one)):
            if link.name not in came:
                came[link.name] = one
                waiting.append(link.name)
    return []
