"""What the templates of a subscription read: the payload's names at the root, and what the station knows besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.jsontext import parse_json
from hookstation.core.nearest import did_you_mean
from hookstation.core.outgoing.values import EventOut
from hookstation.core.template import (
    FACTS,
    MISSING,
    Name,
    Path,
    Scope,
    Template,
    Value,
    compile_template,
    path_text,
    rewrite,
)
from hookstation.core.template.scope import element, instant_text
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused, Invalid, MappingFailed, Problem

MOST_MEMBERS: Final = 1_000_000
"""What was taken once may have had other limits than the usual ones."""
DEEPEST: Final = 128
MOST_MADE: Final = 8 * 1024 * 1024
"""Characters that all templates of a body make together: they are counted while they are made."""

KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "event": ("id", "type", "occurred_at"),
    "delivery": ("id", "attempt"),
    "payload": (),
}
"""Names at the root that are the station's, each with its members; `payload` is the whole payload, where a property
with one of these names is found: ``payload.event``."""

_DECLARED: Final = frozenset(FACTS)
"""What a call knows, an event out does not: in its templates those names are the payload's."""


class CountedScope(Scope):
    """A scope that bounds what whole trees of templates make. `left`: characters that they may still make."""

    __slots__ = ("left",)

    def __init__(self, payload: JSON, received_at: int) -> None:
        super().__init__(payload, received_at)
        self.left = MOST_MADE


class OutgoingScope(CountedScope):
    """One delivery as templates see it. `facts` take the place of properties of their names."""

    __slots__ = ("_own",)

    def __init__(self, payload: JSON, facts: Mapping[str, JSON], occurred_at: int) -> None:
        super().__init__({**payload, **facts} if isinstance(payload, dict) else payload, occurred_at)
        self._own = facts

    def root(self, name: str, declared: frozenset[str]) -> Value:  # noqa: ARG002 - nothing else is declared
        """The value that a path beginning with `name` starts from."""
        payload = self.payload
        if isinstance(payload, dict):
            return payload.get(name, MISSING)
        if isinstance(payload, list) and name.isdecimal() and len(name) <= 6:
            return element(payload, int(name))
        return self._own.get(name, MISSING)

    def is_fact(self, name: str, declared: frozenset[str]) -> bool:  # noqa: ARG002 - as above
        """No name stands for what only a call has."""
        return False

    def fact(self, path: Path) -> Value:
        """The value at `path` among the facts, for a payload that is no object."""
        value: Value = self._own.get(str(path[0]), MISSING)
        for part in path[1:]:
            if isinstance(value, dict):
                value = value.get(str(part), MISSING)
            elif isinstance(value, list) and isinstance(part, int):
                value = element(value, part)
            else:
                return MISSING
        return value


def payload_of(event: EventOut) -> JSON:
    """The payload as values. Raises `MappingFailed`."""
    try:
        return parse_json(event.payload.encode(), depth=DEEPEST, members=MOST_MEMBERS).value
    except BodyRefused as refused:
        raise MappingFailed("payload", f"cannot be read: {refused.reason}") from refused


def facts_of(event: EventOut, payload: JSON) -> dict[str, JSON]:
    """What conditions and the order of deliveries read besides the payload."""
    said: JSON = {"id": event.id, "type": event.type, "occurred_at": instant_text(event.occurred_at)}
    return {"event": said, "payload": payload}


def scope_of(event: EventOut, payload: JSON, delivery_id: str = "", attempt: int = 0) -> OutgoingScope:
    """The scope of one attempt, or, without a delivery, of what is decided when the event is emitted."""
    facts = facts_of(event, payload)
    if delivery_id:
        facts["delivery"] = {"id": delivery_id, "attempt": attempt}
    return OutgoingScope(payload, facts, event.occurred_at)


def compile_outgoing(source: str) -> Template:
    """A template over a payload that goes out, for `OutgoingScope`. Raises `Invalid` with every mistake."""
    template = compile_template(rewrite(source), _DECLARED)
    problems = [problem for name in template.names if (problem := _unknown(name)) is not None]
    if problems:
        raise Invalid(problems)
    return template


def _unknown(name: Name) -> Problem | None:
    """A name below one of the station's own that is none."""
    head, members = name.path[0], KNOWN.get(str(name.path[0]), ())
    if not members or len(name.path) < 2 or (len(name.path) == 2 and name.path[1] in members):
        return None
    known = [f"{head}.{one}" for one in members]
    written = path_text(name.path)
    return Problem(
        (),
        f"“{written}” is not known; “{head}” is the station's own and has {', '.join(known)}. The payload's own is "
        f"payload.{head}.{did_you_mean(written, known)}",
        position=name.position,
    )
