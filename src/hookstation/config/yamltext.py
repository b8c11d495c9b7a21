"""YAML into nodes: parsed event by event, so that nothing hostile is ever built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from hookstation.config.nodes import DEEPEST, MOST_NODES, Member, Node, Place, Source, fail
from hookstation.config.scalars import Refused, resolve
from hookstation.core.values import Scalar

LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""The C parser where it was built; only its events are used, no constructor ever runs."""

SURROGATE: Final = re.compile("[\ud800-\udfff]")
PLAIN_TAGS: Final = frozenset({None, "!"})


@dataclass(slots=True, eq=False)
class _Open:
    """A collection that is being read; `key` is the member whose value comes next."""

    place: Place
    anchor: str | None
    table: dict[str, Member] | None
    items: list[Node] = field(default_factory=list)
    key: tuple[str, Place] | None = None
    weight: int = 1


@dataclass(slots=True, eq=False)
class _Reader:
    source: Source
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    documents: list[Node] = field(default_factory=list)
    weight: int = 0

    def place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        assert mark is not None
        return Place(self.source.name, mark.line + 1, mark.column + 1)

    def take(self, event: yaml.Event) -> None:
        """One event of the parser."""
        match event:
            case yaml.DocumentStartEvent():
                self.anchors = {}
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.CollectionStartEvent():
                self._open(event)
            case yaml.CollectionEndEvent():
                self._close()

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        place = self.place(event)
        self._check_tag(event, place)
        parent = self.stack[-1] if self.stack else None
        if parent and parent.table is not None and parent.key is None:
            self._key(parent, event, place)
            return
        offset, block = _text_offset(event)
        self._put(Node(self.source, place, _value(event, place), offset, block), event.anchor)

    def _key(self, parent: _Open, event: yaml.ScalarEvent, place: Place) -> None:
        name = _whole(event, place)
        if name == "<<" and not event.style:
            fail(
                place,
                "merge keys (<<) are not read; write the members out, or repeat a whole value by alias.",
            )
        if parent.table and name in parent.table:
            first = parent.table[name].key
            fail(
                place,
                f"“{name[:80]}” stands twice in the same place, first in line {first.line}; remove one.",
            )
        if event.anchor:
            fail(place, "a key cannot have an anchor (&).")
        parent.key = (name, place)

    def _alias(self, event: yaml.AliasEvent) -> None:
        place = self.place(event)
        if event.anchor not in self.anchors:
            fail(place, f"the alias *{event.anchor} has no finished anchor before it.")
        self._refuse_as_key(place)
        self._put(self.anchors[event.anchor], None)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        place = self.place(event)
        self._check_tag(event, place)
        self._refuse_as_key(place)
        if len(self.stack) >= DEEPEST:
            fail(place, f"is nested deeper than {DEEPEST} levels.")
        table: dict[str, Member] | None = {} if isinstance(event, yaml.MappingStartEvent) else None
        self.stack.append(_Open(place, event.anchor, table))

    def _close(self) -> None:
        done = self.stack.pop()
        value = done.items if done.table is None else done.table
        self._put(Node(self.source, done.place, value, weight=done.weight), done.anchor)

    def _put(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.documents.append(node)
            self.weight += node.weight
            self._bound(self.weight, node)
            return
        parent = self.stack[-1]
        parent.weight += node.weight
        self._bound(parent.weight, node)
        if parent.table is None:
            parent.items.append(node)
        elif parent.key is not None:
            name, place = parent.key
            parent.table[name] = Member(place, node)
            parent.key = None

    def _bound(self, weight: int, node: Node) -> None:
        if weight > MOST_NODES:
            fail(node.place, f"the file holds more than {MOST_NODES:,} values, aliases spelt out.")

    def _refuse_as_key(self, place: Place) -> None:
        parent = self.stack[-1] if self.stack else None
        if parent and parent.table is not None and parent.key is None:
            fail(place, "a key must be a plain name.")

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, place: Place) -> None:
        if event.tag not in PLAIN_TAGS:
            fail(place, f"tags are not read ({str(event.tag)[:80]}); write the plain value, text in quotes.")


def _value(event: yaml.ScalarEvent, place: Place) -> Scalar:
    if event.style or event.tag == "!":
        return _whole(event, place)
    try:
        return resolve(event.value)
    except Refused as refusal:
        fail(place, str(refusal))


def _whole(event: yaml.ScalarEvent, place: Place) -> str:
    """The text of a scalar. The parser that is written in Python lets halves of surrogate pairs through."""
    if event.style == '"' and SURROGATE.search(event.value):
        fail(place, "is not good YAML: a text holds half of a surrogate pair.")
    return str(event.value)


def _text_offset(event: yaml.ScalarEvent) -> tuple[int, bool]:
    """Where the text itself begins in the source (-1 where nobody can tell), and whether it is a block."""
    assert event.start_mark is not None
    start: int = event.start_mark.index
    if event.style == "|":
        return start, True
    if event.style == ">":
        return -1, False
    return start + bool(event.style), False


def read_yaml(source: Source) -> list[Node]:
    """The documents of a YAML file. Raises `Invalid` with the place of what is wrong."""
    reader = _Reader(source)
    try:
        for event in _events(source):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        _translate(error, source)
    except yaml.reader.ReaderError as error:
        before = source.text[: error.position]
        place = Place(source.name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        fail(
            place,
            "a character that YAML does not allow; remove it, or write it as an escape in double quotes.",
        )
    return reader.documents


def _events(source: Source) -> Iterator[yaml.Event]:
    yield from yaml.parse(source.text, Loader=LOADER)


def _translate(error: yaml.MarkedYAMLError, source: Source) -> None:
    mark = error.problem_mark or error.context_mark
    place = Place(source.name, mark.line + 1, mark.column + 1) if mark else Place(source.name, 1, 1)
    context = f" ({error.context}" if error.context else ""
    if context:
        began = error.context_mark
        context += f" begun in line {began.line + 1})" if began else ")"
    fail(
        place,
        f"is not good YAML: {error.problem}{context}. Check the indentation, brackets and quotes there.",
    )
