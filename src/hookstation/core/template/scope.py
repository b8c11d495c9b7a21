"""What a template may read: the payload, and a few facts about the call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl

from hookstation.core.jsontext import dump_json
from hookstation.core.template.paths import Path
from hookstation.core.values import JSON, Number


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""What a property that is not there evaluates to; null is a value and something else."""

Value: TypeAlias = JSON | Literal[Missing.MISSING]

ALWAYS_HIDDEN: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Headers that no template reads, in lower case."""

MOST_OUTPUT: Final = 64 * 1024
"""Most bytes of UTF-8 that one field may have."""

MOST_QUERY_FIELDS: Final = 1_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPECIAL: Final = frozenset({"size", "first", "last"})


class Scope:
    """One event as templates see it.

    `payload` is the decoded body; `received_at` microseconds since the epoch, UTC; `webhook` the webhook's name;
    `headers` maps lower-case names to values, or is a function that does so when it is first asked for; `query` is
    the raw query string.  A property of the payload takes the place of these facts only for a template that was
    compiled with its name as declared; all templates of one scope are compiled with the same ones.  Cheap to make:
    everything but the payload is looked at only when a template asks for it.
    """

    __slots__ = ("_headers", "_query", "event_id", "hidden", "known", "payload", "received_at", "webhook")

    def __init__(
        self,
        payload: JSON,
        received_at: int = 0,
        event_id: str = "",
        webhook: str = "",
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
        query: str = "",
    ) -> None:
        self.payload = payload
        self.received_at = received_at
        self.event_id = event_id
        self.webhook = webhook
        self.hidden: frozenset[str] = ALWAYS_HIDDEN
        self.known: dict[str, object] | None = None
        self._headers = headers
        self._query = query

    def hide(self, headers: frozenset[str]) -> None:
        """Keep templates from reading these headers too (lower-case names)."""
        if not headers <= self.hidden:
            self.hidden |= headers
            self.known = None

    def root(self, name: str, declared: frozenset[str]) -> Value:
        """The value that a path beginning with `name` starts from. `declared`: facts that the payload may be."""
        payload = self.payload
        if name in _FACTS and name not in declared:
            return _FACTS[name](self)
        if isinstance(payload, dict):
            if name in payload:
                return payload[name]
        elif isinstance(payload, list) and name.isdecimal() and len(name) <= 6 and int(name) < len(payload):
            return payload[int(name)]
        fact = _FACTS.get(name)
        return MISSING if fact is None else fact(self)

    def is_fact(self, name: str, declared: frozenset[str]) -> bool:
        """Whether `name` is one of the facts of the call, because the payload cannot be it or does not have it."""
        if name not in _FACTS:
            return False
        return name not in declared or not (isinstance(self.payload, dict) and name in self.payload)

    def fact(self, path: Path) -> Value:
        """The value at `path` among the facts of the call, for a path that the payload does not have."""
        fact = _FACTS.get(path[0]) if isinstance(path[0], str) else None
        if fact is None:
            return MISSING
        value: Value = fact(self)
        for part in path[1:]:
            if not isinstance(value, dict):
                return MISSING
            name = str(part).lower() if path[0] == "headers" else str(part)
            value = value.get(name, MISSING)
        return value

    def headers(self) -> dict[str, JSON]:
        """The headers that may be read, by lower-case name."""
        given = self._headers() if callable(self._headers) else self._headers
        return {
            name.lower(): value for name, value in (given or {}).items() if name.lower() not in self.hidden
        }

    def query(self) -> dict[str, JSON]:
        """The first value of each query parameter."""
        found: dict[str, JSON] = {}
        try:
            pairs = parse_qsl(self._query, keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS)
        except ValueError:
            return found
        for name, value in pairs:
            found.setdefault(name, value)
        return found


_FACTS: Final[Mapping[str, Callable[[Scope], JSON]]] = {
    "received_at": lambda scope: instant_text(scope.received_at),
    "event_id": lambda scope: scope.event_id,
    "webhook": lambda scope: {"name": scope.webhook},
    "headers": Scope.headers,
    "query": Scope.query,
}
FACTS: Final = tuple(_FACTS)
"""The names of what the station itself knows of a call."""
NONE_DECLARED: Final[frozenset[str]] = frozenset()


def instant(microseconds: int) -> datetime:
    """The moment that is so many microseconds after the epoch, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def instant_text(microseconds: int) -> str:
    """The moment as ``2026-11-22T09:30:00.123Z``."""
    return instant(microseconds).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def text_of(value: Value) -> str:
    """A value inside text: digits as they were written, objects and arrays as compact JSON, null as nothing."""
    if isinstance(value, str):
        return value
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Number):
        return str(value)
    return dump_json(value)


def is_own(path: Path, declared: frozenset[str]) -> bool:
    """Whether `path` begins at a fact of the call that no payload can take the place of."""
    return path[0] in FACTS and path[0] not in declared


def reader(
    path: Path, *, liquid: bool = False, declared: frozenset[str] = NONE_DECLARED
) -> Callable[[Scope], Value]:
    """A function that finds the value at `path`.

    `liquid` lets ``size``, ``first`` and ``last`` work on what has no property of that name.  `declared`: the names
    of facts that the schema declares as properties; where the payload has such a one, it is meant.
    """
    if liquid and not _SPECIAL.isdisjoint(str(part) for part in path[1:]):
        return lambda scope: _walk_liquid(scope, path, declared)
    if is_own(path, declared):
        return _FACTS[str(path[0])] if len(path) == 1 else lambda scope: scope.fact(path)
    if len(path) == 1 and isinstance(path[0], str):
        return _single(path[0])
    return _deep(path)


def _single(name: str) -> Callable[[Scope], Value]:
    path = (name,)

    def read(scope: Scope) -> Value:
        payload = scope.payload
        if type(payload) is dict and name in payload:
            return payload[name]
        return scope.fact(path)

    return read


def _deep(path: Path) -> Callable[[Scope], Value]:
    head, rest = path[0], path[1:]
    key = str(head)
    steps = tuple((str(part), part if isinstance(part, int) else None) for part in rest)

    def read(scope: Scope) -> Value:
        value: Value = scope.payload
        if type(value) is dict:
            if key not in value:
                return scope.fact(path)
            value = value[key]
        elif type(value) is list and isinstance(head, int):
            value = element(value, head)
        else:
            return scope.fact(path)
        for name, position in steps:
            if type(value) is dict:
                value = value.get(name, MISSING)
            elif position is not None and type(value) is list:
                value = element(value, position)
            else:
                return MISSING
        return value

    return read


def element(array: list[JSON], position: int) -> Value:
    """The element at `position`, counted from the end where negative."""
    return array[position] if -len(array) <= position < len(array) else MISSING


def _walk_liquid(scope: Scope, path: Path, declared: frozenset[str]) -> Value:
    value = scope.root(str(path[0]), declared)
    for part in path[1:]:
        if isinstance(value, dict) and str(part) in value:
            value = value[str(part)]
        elif part == "size" and isinstance(value, dict | list | str):
            value = len(value)
        elif isinstance(value, list):
            position = {"first": 0, "last": -1}.get(part) if isinstance(part, str) else part
            value = MISSING if position is None else element(value, position)
        else:
            return MISSING
    return value
