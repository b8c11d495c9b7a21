"""The bones of a JSON Schema: its subschemas, where they apply, and what its references point to.

Pure data for two uses: `schema_inspect` bounds what a schema may cost before it is compiled, and `schema`
bounds what explaining a refused payload may cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote, urldefrag, urljoin

from hookstation.core.values import JSON, PathPart

Place: TypeAlias = tuple[PathPart, ...]

REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
HIGHEST: Final = 10**9
"""Where counting stops: more is as bad."""

_SAME_PLACE: Final = ("allOf", "anyOf", "oneOf")
_SAME_PLACE_ONE: Final = ("not", "if", "then", "else", "contentSchema")
_SAME_PLACE_NAMED: Final = ("dependentSchemas", "dependencies")
_ANY_MEMBER: Final = (
    "additionalProperties",
    "unevaluatedProperties",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "propertyNames",
)
_DEFINITIONS: Final = ("$defs", "definitions")
_NO_ASSERTIONS: Final = frozenset(
    {"$schema", "$id", "id", "$comment", "title", "description", "default", "examples", "properties", "$defs"}
    | {"definitions", "patternProperties", "items", "prefixItems", "allOf", "if", "then", "else", *REFERENCES}
)


@dataclass(slots=True)
class Node:
    """One subschema. `here`: nodes applied to the same value; `members`: by property name or position; `any_member`."""

    place: Place
    schema: dict[str, JSON]
    base: str
    here: list[int] = field(default_factory=list)
    members: dict[PathPart, list[int]] = field(default_factory=dict)
    any_member: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as written, and where. `target` is the node it leads to, ``None`` where it leads out or nowhere."""

    place: Place
    text: str
    target: int | None
    inside: bool
    """Whether it means a place inside this document at all."""


class Outline:
    """The subschemas of a schema document, linked."""

    def __init__(self, schema: JSON) -> None:
        self.nodes: list[Node] = []
        self.references: list[Reference] = []
        self._root = schema
        self._by_place: dict[Place, int] = {}
        self._by_uri: dict[str, int] = {}
        if isinstance(schema, dict):
            self._add(schema, (), "")
            self._link()

    def _add(self, schema: JSON, place: Place, base: str) -> int | None:
        """The node of a subschema, made together with all inside it; ``None`` for anything but an object."""
        if not isinstance(schema, dict):
            return None
        first = len(self.nodes)
        waiting: list[tuple[dict[str, JSON], Place, str]] = [(schema, place, base)]
        while waiting:
            inner, where, above = waiting.pop()
            if where in self._by_place:
                continue
            node = Node(where, inner, self._name(inner, above, len(self.nodes)))
            self._by_place[where] = len(self.nodes)
            self.nodes.append(node)
            waiting.extend((child, (*where, *step), node.base) for step, child in _children(inner))
        return self._by_place.get(place, first)

    def _name(self, schema: dict[str, JSON], base: str, index: int) -> str:
        own = schema.get("$id", schema.get("id"))
        if isinstance(own, str) and not own.startswith("#"):
            base = urldefrag(_joined(base, own))[0]
            self._by_uri.setdefault(base, index)
        elif isinstance(own, str):
            self._by_uri.setdefault(base + own, index)
        elif not index:
            self._by_uri.setdefault(base, index)
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(anchor := schema.get(keyword), str):
                self._by_uri.setdefault(f"{base}#{anchor}", index)
        return base

    def _link(self) -> None:
        index = 0
        while index < len(self.nodes):  # a reference may add nodes: it can point where no keyword leads
            self._link_references(self.nodes[index])
            index += 1
        for node in self.nodes:
            self._link_children(node)

    def _link_references(self, node: Node) -> None:
        for keyword in REFERENCES:
            if isinstance(text := node.schema.get(keyword), str):
                target, inside = self._resolve(text, node.base)
                self.references.append(Reference((*node.place, keyword), text, target, inside))
                if target is not None:
                    node.here.append(target)

    def _resolve(self, text: str, base: str) -> tuple[int | None, bool]:
        whole = _joined(base, text)
        document, fragment = urldefrag(whole)
        if whole in self._by_uri:
            return self._by_uri[whole], True
        if document not in self._by_uri:
            return None, not document
        if not fragment:
            return self._by_uri[document], True
        if not fragment.startswith("/"):
            return None, True
        start = self.nodes[self._by_uri[document]]
        return self._pointed(start, unquote(fragment)), True

    def _pointed(self, start: Node, pointer: str) -> int | None:
        here: JSON = start.schema
        place = start.place
        for raw in pointer.split("/")[1:]:
            part = raw.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict) and part in here:
                here, place = here[part], (*place, part)
            elif isinstance(here, list) and part.isdecimal() and len(part) < 9 and int(part) < len(here):
                here, place = here[int(part)], (*place, int(part))
            else:
                return None
        if place in self._by_place:
            return self._by_place[place]
        if isinstance(here, bool):
            here = {} if here else {"not": {}}
        return self._add(here, place, start.base)

    def _link_children(self, node: Node) -> None:
        for step, _ in _children(node.schema):
            index = self._by_place[(*node.place, *step)]
            keyword, name = step[0], step[-1]
            if keyword in ("properties", "prefixItems") or (keyword == "items" and len(step) == 2):
                node.members.setdefault(name, []).append(index)
            elif keyword in _SAME_PLACE or keyword in _SAME_PLACE_ONE or keyword in _SAME_PLACE_NAMED:
                node.here.append(index)
            elif keyword not in _DEFINITIONS:
                node.any_member.append(index)

    def heaviest(self, depth: int) -> list[int]:
        """How many assertions may meet one value at each depth below the root, at most; 0 … `depth`.

        What is reached twice counts twice, so that doubling references show; a chain that returns to
        itself without going deeper is cut, as the validator does.
        """
        if not self.nodes:
            return [1] * (depth + 1)
        order = self._inner_first()
        weights = [0] * len(self.nodes)
        below = [0] * len(self.nodes)
        heaviest = []
        for level in range(depth + 1):
            weights = self._weigh(order, below, own=level == 0)
            heaviest.append(weights[0])
            below = weights
        return heaviest

    def _weigh(self, order: list[int], below: list[int], *, own: bool) -> list[int]:
        weights = [0] * len(self.nodes)
        for index in order:
            node = self.nodes[index]
            total = _assertions(node.schema) if own else _heaviest_member(node, below)
            weights[index] = min(HIGHEST, total + sum(weights[inner] for inner in node.here))
        return weights

    def applications(self) -> int:
        """How many subschemas one value may meet at the same place, references followed, at most."""
        if not self.nodes:
            return 1
        counts = [0] * len(self.nodes)
        for index in self._inner_first():
            counts[index] = min(HIGHEST, 1 + sum(counts[inner] for inner in self.nodes[index].here))
        return max(counts)

    def _inner_first(self) -> list[int]:
        """The nodes, each after all that it applies at its own place."""
        order: list[int] = []
        seen = [False] * len(self.nodes)
        for root in range(len(self.nodes)):
            if seen[root]:
                continue
            seen[root] = True
            stack: list[tuple[int, Iterator[int]]] = [(root, iter(self.nodes[root].here))]
            while stack:
                index, rest = stack[-1]
                for inner in rest:
                    if not seen[inner]:
                        seen[inner] = True
                        stack.append((inner, iter(self.nodes[inner].here)))
                        break
                else:
                    order.append(index)
                    stack.pop()
        return order


def _heaviest_member(node: Node, below: list[int]) -> int:
    named = max((sum(below[inner] for inner in inners) for inners in node.members.values()), default=0)
    return named + sum(below[inner] for inner in node.any_member)


def _assertions(schema: dict[str, JSON]) -> int:
    """How many errors this subschema alone can give for one value, at most."""
    total = 0
    for keyword, value in schema.items():
        if keyword in ("required", "dependentRequired", "dependencies"):
            total += _names_in(value)
        elif keyword not in _NO_ASSERTIONS:
            total += 1
    return total


def _names_in(value: JSON) -> int:
    if isinstance(value, dict):
        return sum(_names_in(inner) for inner in value.values() if isinstance(inner, list))
    return len(value) if isinstance(value, list) else 1


def _children(schema: dict[str, JSON]) -> Iterator[tuple[Place, dict[str, JSON]]]:
    """The subschemas that are objects, by the steps that lead to them."""
    for keyword, value in schema.items():
        if (
            keyword in _SAME_PLACE
            or keyword == "prefixItems"
            or (keyword == "items" and isinstance(value, list))
        ):
            steps: list[tuple[Place, JSON]] = [
                ((keyword, number), inner)
                for number, inner in enumerate(value if isinstance(value, list) else [])
            ]
        elif keyword in ("properties", "patternProperties", *_SAME_PLACE_NAMED, *_DEFINITIONS):
            steps = (
                [((keyword, name), inner) for name, inner in value.items()] if isinstance(value, dict) else []
            )
        elif keyword == "items" or keyword in _SAME_PLACE_ONE or keyword in _ANY_MEMBER:
            steps = [((keyword,), value)]
        else:
            continue
        for step, inner in steps:
            if isinstance(inner, dict):
                yield step, inner


def _joined(base: str, reference: str) -> str:
    """The reference made absolute; what is not a URI at all stays as it is, and so leads out."""
    if reference.startswith("#"):  # urljoin would lose a base such as urn:example:order
        return base + reference
    try:
        return urljoin(base, reference)
    except ValueError:
        return f"invalid:{reference}"
