"""JSON whose texts are templates, compiled: the same tree with every value in its place, what is missing left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from hookstation.core.outgoing.scope import MOST_MADE, CountedScope, compile_outgoing
from hookstation.core.template import MISSING, Template, Value
from hookstation.core.values import JSON, PathPart
from hookstation.errors import Invalid, MappingFailed, Problem

MOST_VALUES: Final = 2_000
"""Values of one tree."""
DEEPEST: Final = 32
"""Objects and lists inside one another."""

Make: TypeAlias = Callable[[CountedScope], Value]
Read: TypeAlias = Callable[[str], Template]
"""Compiles one text."""


def compile_tree(content: JSON, read: Read = compile_outgoing) -> Make:
    """A function that makes the tree for a scope, `MISSING` where the root is a property that is not there.

    A member or element whose only property is missing is left out.  The function raises `MappingFailed` naming the
    place; this one `Invalid` with every mistake, each at its place.
    """
    problems: list[Problem] = []
    if sum(1 for _ in _values(content, 1)) > MOST_VALUES:
        problems.append(Problem((), f"has more than {MOST_VALUES:,} values; make it smaller."))
    made = _Compiler(read, problems).make(content, ())
    if problems:
        raise Invalid(problems)
    return made


def _values(content: JSON, depth: int) -> Iterator[JSON]:
    yield content
    if isinstance(content, dict | list) and depth <= DEEPEST:
        for one in content.values() if isinstance(content, dict) else content:
            yield from _values(one, depth + 1)


class _Compiler:
    """Compiles the texts of one tree, and gathers what is wrong with them."""

    def __init__(self, read: Read, problems: list[Problem]) -> None:
        self._read, self._problems = read, problems

    def make(self, content: JSON, path: tuple[PathPart, ...]) -> Make:
        """A function that makes this part of the tree."""
        if len(path) > DEEPEST:
            said = f"objects and lists may stand {DEEPEST} deep inside one another, no deeper."
            self._problems.append(Problem(path, said))
            return _constant(None)
        match content:
            case str():
                return self._template(content, path)
            case dict():
                return _object([(name, self.make(one, (*path, name))) for name, one in content.items()])
            case list():
                return _array([self.make(one, (*path, index)) for index, one in enumerate(content)])
        return _constant(content)

    def _template(self, source: str, path: tuple[PathPart, ...]) -> Make:
        try:
            template = self._read(source)
        except Invalid as refusal:
            self._problems += [problem.under(*path) for problem in refusal.problems]
            return _constant(None)
        return _counted(template, ".".join(str(part) for part in path) or "body")


def _constant(value: JSON) -> Make:
    return lambda _scope: value


def _counted(template: Template, place: str) -> Make:
    evaluate = template.evaluate

    def make(scope: CountedScope) -> Value:
        try:
            value = evaluate(scope)
        except MappingFailed as failed:
            raise MappingFailed(place, failed.reason) from failed
        scope.left -= _size(value, scope.left)
        if scope.left < 0:
            raise MappingFailed(
                "body", f"what templates make of this payload has more than {MOST_MADE:,} characters."
            )
        return value

    return make


def _size(value: Value, most: int) -> int:
    """About how many characters a value has; it stops counting beyond `most`."""
    size, rest = 0, [value]
    while rest and size <= most:
        one = rest.pop()
        if isinstance(one, dict):
            size += 2 + sum(map(len, one)) + 4 * len(one)
            rest += one.values()
        elif isinstance(one, list):
            size += 2 + len(one)
            rest += one
        else:
            size += len(one) + 2 if isinstance(one, str) else 4
    return size


def _object(members: list[tuple[str, Make]]) -> Make:
    def make(scope: CountedScope) -> Value:
        made: dict[str, JSON] = {}
        for name, one in members:
            value = one(scope)
            if value is not MISSING:
                made[name] = value
        return made

    return make


def _array(elements: list[Make]) -> Make:
    def make(scope: CountedScope) -> Value:
        values = (one(scope) for one in elements)
        return [value for value in values if value is not MISSING]

    return make
