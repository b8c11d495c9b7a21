"""Names in a subscription that none of its events is known to have: most likely they are misspelt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from hookstation.core.condition import compile_condition
from hookstation.core.nearest import did_you_mean
from hookstation.core.outgoing.definitions import Subscription
from hookstation.core.outgoing.scope import KNOWN, compile_outgoing
from hookstation.core.outgoing.types import ANYTHING, INBOUND, OWN_TYPES, OWN_WORDS, matcher
from hookstation.core.schema_paths import Verdict, find
from hookstation.core.template import ANY, Name, Path, path_text
from hookstation.core.values import JSON, PathPart
from hookstation.errors import Problem

_OPEN: Final = frozenset({"fields"})
"""Members of own payloads whose members depend on what was written."""
_SPECIAL: Final = frozenset({"size", "first", "last", ANY})
"""What Liquid finds in arrays without its being declared."""

Place: TypeAlias = tuple[PathPart, ...]


def unknown_names(subscription: Subscription, schemas: Mapping[str, JSON]) -> list[Problem]:
    """Warnings for webhooks that are not there and for properties that none of the events has; paths inside it.

    `schemas`: every webhook's by its name.  Where events may be of a type of which nothing is known, no property is
    looked at.
    """
    problems = [
        _no_webhook(index, name, schemas)
        for index, pattern in enumerate(subscription.events)
        if (name := _webhook(pattern)) and name not in schemas
    ]
    known = _schemas(subscription.events, schemas)
    if known:
        problems += [
            problem
            for place, name in _names(subscription)
            if (problem := _unknown(place, name, known)) is not None
        ]
    return problems


def _webhook(pattern: str) -> str:
    """The one webhook that a pattern names, empty where it names none."""
    first, _, name = pattern.partition(".")
    return name if first == INBOUND and ANYTHING not in name else ""


def _no_webhook(index: int, name: str, schemas: Mapping[str, JSON]) -> Problem:
    hint = did_you_mean(name, schemas)
    message = f"there is no webhook “{name}”, so nothing of this type happens until there is one.{hint}"
    return Problem(("events", index), message, "warning")


def _schemas(patterns: tuple[str, ...], schemas: Mapping[str, JSON]) -> list[JSON]:
    """What is known of the payloads of all events that these patterns mean; empty where that is not all of them."""
    found: list[JSON] = []
    for pattern in patterns:
        webhook = _webhook(pattern)
        if webhook in schemas:
            found.append(schemas[webhook])
        elif pattern.partition(".")[0] in OWN_WORDS - {INBOUND}:
            fits = matcher([pattern])
            found += [_schema_of(one.sample) for one in OWN_TYPES if fits(one.name)]
        else:
            return []
    return found


def _schema_of(sample: JSON) -> JSON:
    """The schema of a sample that has every property."""
    if isinstance(sample, dict):
        members: dict[str, JSON] = {
            name: True if name in _OPEN else _schema_of(one) for name, one in sample.items()
        }
        return {"type": "object", "properties": members}
    return True


def _names(subscription: Subscription) -> Iterator[tuple[Place, Name]]:
    """Every property that the subscription reads of the payload, and where it says so."""
    for name in compile_condition(subscription.condition).names:
        yield ("condition",), name
    for place, source in _templates(subscription.body.content, ("body", "content")):
        yield from ((place, name) for name in compile_outgoing(source).names)
    for header, source in subscription.headers.items():
        yield from ((("headers", header), name) for name in compile_outgoing(source).names)


def _templates(content: JSON, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(content, str):
        yield place, content
    for name, one in content.items() if isinstance(content, dict) else ():
        yield from _templates(one, (*place, name))
    for index, one in enumerate(content) if isinstance(content, list) else ():
        yield from _templates(one, (*place, index))


def _unknown(place: Place, name: Name, schemas: list[JSON]) -> Problem | None:
    path: Path = name.path[1:] if name.path[0] == "payload" else name.path
    if not path or name.path[0] in KNOWN.keys() - {"payload"}:
        return None
    if name.liquid and not _SPECIAL.isdisjoint(path):
        return None
    findings = [find(schema, path) for schema in schemas]
    if any(one.verdict in (Verdict.DECLARED, Verdict.OPEN) for one in findings):
        return None
    nearest = next((one.nearest for one in findings if one.nearest), "")
    hint = f" Did you mean “{nearest}”?" if nearest else ""
    message = f"none of these events is known to have “{path_text(path)}”.{hint}"
    return Problem(place, message, "warning", name.position)
