"""One rendering of a Liquid template: what names mean, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import Final, TextIO

from liquid import BoundTemplate, RenderContext, Token, Undefined
from liquid.output import LimitedStringIO
from liquid.utils import ReadOnlyChainMap

from hookstation.core.template.filters import FILTERS, TIMED
from hookstation.core.template.filters.common import MOST_ITEMS, FilterFailed, fitting
from hookstation.core.template.liquid_values import Headers, Items, Members, to_liquid, weight_of
from hookstation.core.template.scope import MISSING, MOST_OUTPUT, NONE_DECLARED, Scope
from hookstation.core.values import JSON

MOST_STEPS: Final = 100_000
"""Most steps of one rendering. A statement, a name that is read and a filter are a step each; long texts and large
arrays cost more, by their size."""

MOST_TURNS: Final = 1_000
"""Most turns of all loops of one rendering together."""

_UNSET: Final = object()


class LimitPassed(Exception):
    """A rendering is over a limit; the message names it."""


class Names(Mapping[str, object]):
    """The names of a scope as Liquid sees them. Values are made ready once for all fields of an event."""

    __slots__ = ("_declared", "_known", "_scope")

    def __init__(self, scope: Scope, declared: frozenset[str]) -> None:
        if scope.known is None:
            scope.known = {}
        self._scope, self._known, self._declared = scope, scope.known, declared

    def __getitem__(self, name: str) -> object:
        if name not in self._known:
            found = self._scope.root(name, self._declared)
            if found is MISSING:
                raise KeyError(name)
            self._known[name] = self._made(name, found)
        return self._known[name]

    def _made(self, name: str, value: JSON) -> object:
        made = to_liquid(value)
        if name == "headers" and isinstance(made, Members) and self._scope.is_fact(name, self._declared):
            return Headers(made.items())
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Context(RenderContext):
    """A rendering over a `Scope`. Names are looked up in payload values only, never in Python objects."""

    __slots__ = ("event", "received_at", "steps", "turns")

    def __init__(
        self, template: BoundTemplate, scope: Scope, declared: frozenset[str] = NONE_DECLARED
    ) -> None:
        super().__init__(template)
        # The library's own chain also holds `now` and `today`, which read the clock.
        self.scope = ReadOnlyChainMap(self.locals, Names(scope, declared))
        self.event = scope
        self.received_at = scope.received_at
        self.steps = MOST_STEPS
        self.turns = MOST_TURNS

    def spend(self, steps: int) -> None:
        """Count steps. Raises `LimitPassed` when there were too many."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitPassed(f"the template takes more than {MOST_STEPS:,} steps")

    def turn(self) -> None:
        """Count a turn of a loop. Raises `LimitPassed` when there were too many."""
        self.turns -= 1
        if self.turns < 0:
            raise LimitPassed(f"the template's loops make more than {MOST_TURNS:,} turns")

    def get(self, path: list[object], *, token: Token | None, default: object = _UNSET) -> object:
        """The value at `path`, or an undefined one that renders nothing."""
        self.spend(1)
        try:
            value = self.scope[path[0]]  # type: ignore[index]  # a root that is no text is simply not there
            for part in path[1:]:
                value = _property(value, part)
        except (KeyError, IndexError, TypeError):
            return self.env.undefined(str(path[0]), token=token) if default is _UNSET else default
        self.spend(weight_of(value))
        return value

    def assign(self, key: str, val: object) -> None:
        """Set a variable of the template."""
        self.locals[key] = val

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        """A buffer for a capture. Unlike the library's it leaves line ends as they are."""
        used = buf.size if isinstance(buf, LimitedStringIO) else 0
        return LimitedStringIO(MOST_OUTPUT - used, newline="")

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:  # noqa: ARG002 - the library's signature
        """A filter that counts what it takes and makes."""
        function = FILTERS[name]

        def call(value: object, *arguments: object, **named: object) -> object:
            try:
                plain = [_plain(one) for one in (value, *arguments)]
                self.spend(1 + sum(map(weight_of, plain)))
                made = (
                    function(self.received_at, *plain, **named)
                    if name in TIMED
                    else function(*plain, **named)
                )
                if isinstance(made, str):
                    fitting(len(made))
            except FilterFailed as failed:
                raise FilterFailed(f"the filter “{name}”: {failed}") from None
            self.spend(weight_of(made))
            return made

        return call


def _plain(value: object) -> object:
    if isinstance(value, Undefined):
        return None
    if isinstance(value, range) and value.stop - value.start > MOST_ITEMS:
        raise FilterFailed(f"a range may have at most {MOST_ITEMS:,} numbers")
    return value


def _property(value: object, part: object) -> object:
    """A part of a value. Raises `KeyError`, `IndexError` or `TypeError` where it has none."""
    if isinstance(value, Members):
        name = str(part).lower() if isinstance(value, Headers) else str(part)
        if name in value:
            return value[name]
        if part == "first" and value:
            return Items(next(iter(value.items())))
    elif isinstance(value, list | tuple):
        if isinstance(part, int) and not isinstance(part, bool):
            return value[part]
        if part in ("first", "last"):
            return value[0 if part == "first" else -1]
        if isinstance(part, str) and part.isascii() and part.isdigit() and len(part) < 7:
            return value[int(part)]
    elif isinstance(value, Mapping) and not isinstance(value, Undefined):
        return value[part]
    if part == "size" and isinstance(value, Members | list | tuple | str):
        return len(value)
    raise KeyError(part)
