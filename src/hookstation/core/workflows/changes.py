"""Change notifications as Azure Event Grid delivers them, and which of them a workflow wants.

Shape: https://learn.microsoft.com/azure/event-grid/event-schema (an array of events, each with ``id``, ``eventType``,
``subject``, ``eventTime`` and ``data``); the validation event:
https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final, NamedTuple

from hookstation.core.isotime import read_moment
from hookstation.core.journal_rules import lowest_id
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON

VALIDATION: Final = "Microsoft.EventGrid.SubscriptionValidationEvent"
MOST_CHANGES: Final = 5_000
"""Events in one call; Event Grid sends at most so many in a batch."""

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz".upper()
_ENTITY: Final = ("entity", "Entity", "entityTypeName", "EntityTypeName", "entityType", "EntityType")
_ACTION: Final = ("action", "Action", "changeType", "ChangeType", "operation", "Operation")
_KEY: Final = ("id", "Id", "ID", "key", "Key", "partyId", "PartyId", "entityKey", "EntityKey")


class Change(NamedTuple):
    """One notification. `id` as Event Grid names the event, `at` microseconds since the epoch, 0: not said."""

    id: str
    entity: str
    action: str
    key: str
    at: int
    event: dict[str, JSON]

    @property
    def name(self) -> str:
        """``Entity.Action``."""
        return f"{self.entity}.{self.action}"

    @property
    def trigger(self) -> dict[str, JSON]:
        """What a run has as ``trigger``: the event, with entity, action and key taken out of it."""
        return {**self.event, "entity": self.entity, "action": self.action, "key": self.key}


def validation_code(body: JSON) -> str:
    """The code that a validation event wants back, empty for any other body."""
    for event in events_of(body):
        data = event.get("data")
        if event.get("eventType") == VALIDATION and isinstance(data, dict):
            return text_of(data.get("validationCode"))
    return ""


def changes_of(body: JSON) -> list[Change]:
    """The changes that a call tells of; what names no entity is told as the words of its type."""
    return [_change(event) for event in events_of(body)]


def events_of(body: JSON) -> Iterator[dict[str, JSON]]:
    """The events of a call: an array of them, or one alone."""
    for event in body if isinstance(body, list) else [body]:
        if isinstance(event, dict):
            yield event


def is_wanted(change: Change, filters: tuple[str, ...]) -> bool:
    """Whether one of the filters ``Entity.Action`` (``*`` for any) fits, whatever its case; without filters all do."""
    name = change.name.lower()
    return not filters or any(fnmatchcase(name, one.lower()) for one in filters)


def run_id_of(webhook: str, workflow: str, change: Change) -> str:
    """The id of the run that a change begins: the same for each delivery of the same event, so that it begins once."""
    digest = int.from_bytes(sha256(f"{webhook}\n{workflow}\n{change.id}".encode()).digest()[:10], "big")
    random = "".join(_CROCKFORD[(digest >> shift) & 31] for shift in range(75, -1, -5))
    return lowest_id(change.at) + random


def _change(event: dict[str, JSON]) -> Change:
    data = event.get("data")
    facts = data if isinstance(data, dict) else {}
    words = text_of(event.get("eventType")).split(".")
    entity = _first(facts, _ENTITY) or (words[-2] if len(words) > 1 else words[0])
    action = _first(facts, _ACTION) or (words[-1] if len(words) > 1 else "")
    key = _first(facts, _KEY) or text_of(event.get("subject")).rpartition("/")[2]
    moment = read_moment(text_of(event.get("eventTime")))
    at = int(moment.at.timestamp() * 1_000_000) if moment is not None and moment.at.tzinfo else 0
    return Change(text_of(event.get("id")), entity, action, key, max(at, 0), event)


def _first(facts: dict[str, JSON], names: tuple[str, ...]) -> str:
    found = (text_of(facts[name]) for name in names if isinstance(facts.get(name), str | int))
    return next(filter(None, found), "")
