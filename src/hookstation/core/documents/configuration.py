"""A whole configuration document: things of every kind, and what holds between them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol, TypeVar

from hookstation.core.definitions import Configuration
from hookstation.core.documents.connection import Catalogue, decode_connection, encode_connection
from hookstation.core.documents.destination import decode_destination, encode_destination
from hookstation.core.documents.links import PLURALS, check_links
from hookstation.core.documents.panel import decode_panel, encode_panel
from hookstation.core.documents.poll import decode_poll, encode_poll
from hookstation.core.documents.schedule import decode_schedule, encode_schedule
from hookstation.core.documents.sending import check_destination_name, check_headers
from hookstation.core.documents.subscription import decode_subscription, encode_subscription
from hookstation.core.documents.transfer import decode_transfer, encode_transfer
from hookstation.core.documents.webhook import decode_webhook, encode_webhook
from hookstation.core.documents.workflow import decode_workflow, encode_workflow
from hookstation.core.fieldlist import SecretReader, SecretWriter
from hookstation.core.nearest import did_you_mean
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON, kind_of
from hookstation.errors import Problem

VERSION: Final = 1
KINDS: Final = Configuration.KINDS
TOP: Final = ("version", *KINDS)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Thing = TypeVar("Thing", bound=_Named)


def decode_configuration(
    document: JSON, catalogue: Catalogue, secrets: SecretReader, current: Configuration | None = None
) -> tuple[Configuration, list[Problem]]:
    """What the document defines, and everything that is wrong with it.

    Things with an error are left out.  References between things may lead to those of `current`, what the
    station already has; leave it out where the document is to stand alone.
    """
    if not isinstance(document, dict):
        return Configuration(), [
            Problem((), f"must be an object with version and webhooks, but is {kind_of(document)}.")
        ]
    problems = _check_top(document)
    connections = _decode_all(
        document, "connections", lambda one: decode_connection(one, catalogue, secrets), problems
    )
    panels = _decode_all(document, "panels", decode_panel, problems)
    webhooks = _decode_all(document, "webhooks", lambda one: decode_webhook(one, secrets), problems)
    destinations = _decode_all(
        document, "destinations", lambda one: decode_destination(one, secrets), problems
    )
    subscriptions = _decode_all(document, "subscriptions", decode_subscription, problems)
    workflows = _decode_all(document, "workflows", decode_workflow, problems)
    transfers = _decode_all(document, "transfers", lambda one: decode_transfer(one, secrets), problems)
    polls = _decode_all(document, "polls", decode_poll, problems)
    schedules = _decode_all(document, "schedules", decode_schedule, problems)
    wanted = Configuration(
        connections, panels, webhooks, destinations, subscriptions, workflows, transfers, polls, schedules
    )
    problems += _check_references(document, current or Configuration())
    problems += _check_sending(document, wanted, current or Configuration())
    problems += _check_links(document, wanted, current or Configuration())
    return wanted, problems


def _check_top(document: Mapping[str, JSON]) -> list[Problem]:
    problems = [
        Problem((name,), f"is not known here; known are {', '.join(TOP)}.{did_you_mean(name, TOP)}")
        for name in document
        if name not in TOP
    ]
    version = document.get("version")
    if "version" not in document:
        problems.append(Problem((), "“version” is missing; write version: 1."))
    elif isinstance(version, bool) or version != VERSION:
        problems.append(Problem(("version",), "must be 1, the only version there is."))
    return problems


def _decode_all(
    document: Mapping[str, JSON],
    kind: str,
    decode: Callable[[JSON], tuple[Thing | None, list[Problem]]],
    problems: list[Problem],
) -> dict[str, Thing]:
    things: dict[str, Thing] = {}
    for index, one in enumerate(_listed(document, kind, problems)):
        thing, wrong = decode(one)
        problems += [problem.under(kind, index) for problem in wrong]
        if thing is not None:
            things[thing.name] = thing
    return things


def _listed(document: Mapping[str, JSON], kind: str, problems: list[Problem]) -> list[JSON]:
    found = document.get(kind)
    if found is None:
        return []
    if not isinstance(found, list):
        problems.append(
            Problem((kind,), f"must be a list, but is {kind_of(found)}; begin each with “- name: ...”.")
        )
        return []
    problems += _twice(kind, found)
    return found


def _twice(kind: str, things: list[JSON]) -> list[Problem]:
    problems: list[Problem] = []
    first: dict[str, int] = {}
    for index, name in enumerate(_names(things)):
        folded = name.casefold()
        if name and first.setdefault(folded, index) != index:
            where = f"{kind}.{first[folded]}"
            message = f"“{name}” is defined twice, first as {where}; names are unique, whatever their case."
            problems.append(Problem((kind, index, "name"), message))
    return problems


def _names(things: list[JSON]) -> list[str]:
    names = [one.get("name") if isinstance(one, dict) else None for one in things]
    return [name if isinstance(name, str) else "" for name in names]


def _check_references(document: Mapping[str, JSON], current: Configuration) -> list[Problem]:
    """What each action names must be there; a thing of the document that has an error counts too."""
    connections = {*_names_of(document, "connections"), *current.connections, RECORDS} - {""}
    panels = {*_names_of(document, "panels"), *current.panels} - {""}
    webhooks = document.get("webhooks")
    actions = [_action(one) for one in webhooks] if isinstance(webhooks, list) else []
    return [
        problem.under("webhooks", index, "action")
        for index, (connection, panel) in enumerate(actions)
        for problem in check_action_names(connection, panel, connections, panels)
    ]


def _check_sending(
    document: Mapping[str, JSON], wanted: Configuration, current: Configuration
) -> list[Problem]:
    """Each subscription's destination must be there, and write none of its headers."""
    there = {*_names_of(document, "destinations"), *current.destinations} - {""}
    subscriptions = document.get("subscriptions")
    problems = [
        problem.under("subscriptions", index)
        for index, one in enumerate(subscriptions if isinstance(subscriptions, list) else ())
        for problem in check_destination_name(_destination(one), there)
    ]
    for kind, name, problem in check_headers(wanted, current):
        problems.append(problem.under(kind, _names_of(document, kind).index(name)))
    return problems


def _check_links(
    document: Mapping[str, JSON], wanted: Configuration, current: Configuration
) -> list[Problem]:
    """What workflows, transfers, polls and schedules name must be there, and fit; a thing with an error counts too."""
    names = {
        one: {*_names_of(document, many), *getattr(current, many)} - {""} for one, many in PLURALS.items()
    }
    return [
        problem.under(PLURALS[kind], _names_of(document, PLURALS[kind]).index(name))
        for kind, name, problem in check_links(wanted, wanted.over(current), names)
    ]


def _destination(subscription: JSON) -> str:
    match subscription:
        case {"destination": str(name)}:
            return name
    return ""


def _action(webhook: JSON) -> tuple[str, str]:
    match webhook:
        case {"action": {"connection": str(connection), "panel": str(panel)}}:
            return connection, panel
        case {"action": {"connection": str(connection)}}:
            return connection, ""
    return "", ""


def _names_of(document: Mapping[str, JSON], kind: str) -> list[str]:
    found = document.get(kind)
    return _names(found) if isinstance(found, list) else []


def check_action_names(
    connection: str, panel: str, connections: Collection[str], panels: Collection[str]
) -> list[Problem]:
    """The connection must be there; a panel of the records database too (those of others are asked there)."""
    if connection and connection not in connections:
        names = sorted(connections)
        hint = did_you_mean(connection, names)
        message = f"there is no connection “{connection}”; there are {', '.join(names[:20])}.{hint}"
        return [Problem(("connection",), message)]
    if panel and connection == RECORDS and panel not in panels:
        names = sorted(panels)
        there = f"there are {', '.join(names[:20])}" if names else "define it under “panels”"
        message = f"there is no panel “{panel}” in the records database; {there}.{did_you_mean(panel, names)}"
        return [Problem(("panel",), message)]
    return []


def check_configuration(configuration: Configuration) -> list[Problem]:
    """What holds between the things of a complete configuration; paths hold names."""
    connections = {*configuration.connections, RECORDS}
    problems = [
        problem.under("webhooks", name, "action")
        for name, webhook in configuration.webhooks.items()
        if webhook.action is not None
        for problem in check_action_names(
            webhook.action.connection, webhook.action.panel, connections, configuration.panels
        )
    ]
    problems += [
        problem.under("subscriptions", name)
        for name, one in configuration.subscriptions.items()
        for problem in check_destination_name(one.destination, configuration.destinations)
    ]
    names = {one: getattr(configuration, many) for one, many in PLURALS.items()}
    return problems + [
        problem.under(PLURALS[kind], name)
        for kind, name, problem in check_links(configuration, configuration, names)
    ]


def encode_configuration(
    configuration: Configuration, catalogue: Catalogue, secrets: SecretWriter
) -> dict[str, JSON]:
    """The document of a configuration; things stand in the order of their names."""
    document: dict[str, JSON] = {"version": VERSION}
    things: dict[str, list[JSON]] = {
        "connections": [
            encode_connection(one, catalogue, secrets) for one in _sorted(configuration.connections)
        ],
        "panels": [encode_panel(one) for one in _sorted(configuration.panels)],
        "webhooks": [encode_webhook(one, secrets) for one in _sorted(configuration.webhooks)],
        "destinations": [encode_destination(one, secrets) for one in _sorted(configuration.destinations)],
        "subscriptions": [encode_subscription(one) for one in _sorted(configuration.subscriptions)],
        "workflows": [encode_workflow(one) for one in _sorted(configuration.workflows)],
        "transfers": [encode_transfer(one, secrets) for one in _sorted(configuration.transfers)],
        "polls": [encode_poll(one) for one in _sorted(configuration.polls)],
        "schedules": [encode_schedule(one) for one in _sorted(configuration.schedules)],
    }
    return document | {kind: list(some) for kind, some in things.items() if some}


def _sorted(things: Mapping[str, Thing]) -> list[Thing]:
    return [things[name] for name in sorted(things)]
