"""What applying a configuration would change: pure comparison, secrets compared but never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from hookstation.core.definitions import Configuration, Connection, Panel, Webhook
from hookstation.core.documents.destination import encode_destination
from hookstation.core.documents.panel import encode_panel
from hookstation.core.documents.poll import encode_poll
from hookstation.core.documents.schedule import encode_schedule
from hookstation.core.documents.subscription import encode_subscription
from hookstation.core.documents.transfer import encode_transfer
from hookstation.core.documents.webhook import encode_webhook
from hookstation.core.documents.workflow import encode_workflow
from hookstation.core.outgoing.definitions import Destination, Subscription
from hookstation.core.polling.definitions import Poll
from hookstation.core.schedules.definitions import Schedule
from hookstation.core.transfers.definitions import Transfer
from hookstation.core.values import JSON, PathPart, Secret
from hookstation.core.workflows.definitions import Workflow


class Verb(StrEnum):
    """What happens to one thing."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one thing.

    `kind` is one of `core.documents.PLURALS`; `paths` are the settings that differ, in dots (``action.fields.Note``),
    where it is changed.
    """

    kind: str
    name: str
    verb: Verb
    paths: tuple[str, ...] = ()

    def as_json(self) -> dict[str, JSON]:
        """The shape that `hookstation plan --json` and the API show."""
        return {"kind": self.kind, "name": self.name, "verb": self.verb.value, "paths": list(self.paths)}


class _Compared:
    """Writes secrets so that two differ where value or reference does. For comparing in memory only."""

    def encode(self, secret: Secret, _purpose: str) -> JSON:
        return f"{secret.reference}\0{secret.reveal()}"


COMPARED: Final = _Compared()
Definition: TypeAlias = (
    Connection | Panel | Webhook | Destination | Subscription | Workflow | Transfer | Poll | Schedule
)


def plan(current: Configuration, wanted: Configuration, prune: bool) -> list[Change]:
    """What becomes of each thing, in the order of doing: what others lean on first; removals last, the other way round.

    What `wanted` does not name is kept (and not listed) unless `prune`.
    """
    pairs = (
        ("connection", current.connections, wanted.connections),
        ("panel", current.panels, wanted.panels),
        ("webhook", current.webhooks, wanted.webhooks),
        ("destination", current.destinations, wanted.destinations),
        ("subscription", current.subscriptions, wanted.subscriptions),
        ("workflow", current.workflows, wanted.workflows),
        ("transfer", current.transfers, wanted.transfers),
        ("poll", current.polls, wanted.polls),
        ("schedule", current.schedules, wanted.schedules),
    )
    changes = [change for kind, had, want in pairs for change in _compare(kind, had, want)]
    if prune:
        changes += [change for kind, had, want in reversed(pairs) for change in _removals(kind, had, want)]
    return changes


def _compare(
    kind: str, current: Mapping[str, Definition], wanted: Mapping[str, Definition]
) -> Iterator[Change]:
    for name in sorted(wanted):
        if name not in current:
            yield Change(kind, name, Verb.ADD)
        else:
            paths = tuple(differences(_view(current[name]), _view(wanted[name])))
            yield Change(kind, name, Verb.CHANGE if paths else Verb.KEEP, paths)


def _removals(
    kind: str, current: Mapping[str, Definition], wanted: Mapping[str, Definition]
) -> Iterator[Change]:
    return (Change(kind, name, Verb.REMOVE) for name in sorted(current) if name not in wanted)


def _view(thing: Definition) -> JSON:
    match thing:
        case Webhook():
            return dict(encode_webhook(thing, COMPARED))
        case Panel():
            return dict(encode_panel(thing))
        case Destination():
            return dict(encode_destination(thing, COMPARED))
        case Subscription():
            return dict(encode_subscription(thing))
        case Workflow():
            return dict(encode_workflow(thing))
        case Transfer():
            return dict(encode_transfer(thing, COMPARED))
        case Poll():
            return dict(encode_poll(thing))
        case Schedule():
            return dict(encode_schedule(thing))
        case Connection():
            secrets = {name: COMPARED.encode(one, name) for name, one in thing.secrets.items()}
            return {"type": thing.type, **thing.settings, **secrets}


def differences(one: JSON, other: JSON, path: tuple[PathPart, ...] = ()) -> Iterator[str]:
    """The places, in dots, at which two JSON documents differ; the order of members counts for nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in [*one, *(name for name in other if name not in one)]:
            if name not in one or name not in other:
                yield ".".join(str(part) for part in (*path, name))
            else:
                yield from differences(one[name], other[name], (*path, name))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, (*path, index))
    elif type(one) is not type(other) or one != other:
        yield ".".join(str(part) for part in path)


def merge(current: Configuration, wanted: Configuration, prune: bool) -> Configuration:
    """The configuration after the plan is carried out."""
    return wanted if prune else wanted.over(current)
