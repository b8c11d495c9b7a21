"""What would make a mapping certain, as data that a button can apply: demands on the schema, other templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from hookstation.core.definitions import Action
from hookstation.core.template import Path
from hookstation.core.values import JSON, Number, kind_of
from hookstation.errors import Invalid, Problem

Node = dict[str, JSON]

KEYWORDS: Final = (
    "type", "minLength", "maxLength", "minimum", "maximum", "multipleOf", "pattern", "format", "enum"
)  # fmt: skip
_LARGER: Final = ("minLength", "minimum", "minItems")
_SMALLER: Final = ("maxLength", "maximum")
MOST_DEMANDS: Final = 50


@dataclass(frozen=True, slots=True)
class Demand:
    """What the schema shall ask of the value at `path`: `keywords`, and (`present`) that it is there."""

    path: Path
    keywords: Mapping[str, JSON] = field(default_factory=dict)
    present: bool = False


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """The template that the field shall have. `part`: ``fields`` or ``match``; `name` as the mapping writes it."""

    part: str
    name: str
    template: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change, with the sentence for its button."""

    said: str
    demands: tuple[Demand, ...] = ()
    templates: tuple[NewTemplate, ...] = ()

    def as_json(self) -> dict[str, JSON]:
        """The change as the API tells and takes it."""
        return {
            "said": self.said,
            "schema": [
                {"path": list(one.path), "keywords": dict(one.keywords), "present": one.present}
                for one in self.demands
            ],
            "templates": [
                {"part": one.part, "field": one.name, "template": one.template} for one in self.templates
            ],
        }


def read_change(document: JSON) -> Change:
    """The change that `Change.as_json` wrote. Raises `Invalid`."""
    if not isinstance(document, dict):
        raise Invalid([Problem((), f"must be a change as the proof told it, but is {kind_of(document)}.")])
    said = document.get("said", "")
    demands = tuple(_demand(number, one) for number, one in enumerate(_list(document, "schema")))
    templates = tuple(_template(number, one) for number, one in enumerate(_list(document, "templates")))
    return Change(said if isinstance(said, str) else "", demands, templates)


def _list(document: Node, name: str) -> list[JSON]:
    listed = document.get(name, [])
    if not isinstance(listed, list) or len(listed) > MOST_DEMANDS:
        raise Invalid([Problem((name,), f"must be a list of at most {MOST_DEMANDS}.")])
    return listed


def _demand(number: int, document: JSON) -> Demand:
    if isinstance(document, dict):
        path, keywords = document.get("path"), document.get("keywords", {})
        present = document.get("present", False)
        named = isinstance(path, list) and all(
            isinstance(one, str) or (type(one) is int and 0 <= one < 10**6) for one in path
        )
        if (
            named
            and isinstance(keywords, dict)
            and keywords.keys() <= {*KEYWORDS}
            and isinstance(present, bool)
        ):
            parts = tuple(one for one in path if isinstance(one, str | int)) if isinstance(path, list) else ()
            return Demand(parts, keywords, present)
    said = f"must have a path (list), keywords (of {', '.join(KEYWORDS)}) and present (true or false)."
    raise Invalid([Problem(("schema", number), said)])


def _template(number: int, document: JSON) -> NewTemplate:
    if isinstance(document, dict) and document.get("part") in ("fields", "match"):
        name, template = document.get("field"), document.get("template")
        if isinstance(name, str) and isinstance(template, str):
            return NewTemplate(str(document["part"]), name, template)
    said = "must have a part (fields or match), a field and a template, all texts."
    raise Invalid([Problem(("templates", number), said)])


def apply_change(schema: JSON, action: Action, change: Change) -> tuple[JSON, Action]:
    """Schema and mapping with the change; what was given is not changed."""
    for demand in change.demands:
        schema = demanded(schema, demand)
    fields, match = dict(action.fields), dict(action.match)
    for one in change.templates:
        (fields if one.part == "fields" else match)[one.name] = one.template
    return schema, replace(action, fields=fields, match=match)


def demanded(schema: JSON, demand: Demand) -> JSON:
    """`schema` with one demand: at the field's own place where that can be written, else beside all the rest."""
    root: Node = _copied(schema) if isinstance(schema, dict) else {}
    if not _put(root, demand):
        beside: Node = {}
        _put(beside, demand)
        _list_of(root, "allOf").append(beside)
    return root


def _copied(schema: Node) -> Node:
    return {name: _copy(inner) for name, inner in schema.items()}


def _copy(value: JSON) -> JSON:
    if isinstance(value, dict):
        return _copied(value)
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _list_of(node: Node, keyword: str) -> list[JSON]:
    listed = node.get(keyword)
    if not isinstance(listed, list):
        listed = node[keyword] = []
    return listed


def _put(root: Node, demand: Demand) -> bool:
    """Write the demand into `root`; false, with nothing of weight written, where the way is not a plain one."""
    node = root
    for part in demand.path:
        if "$ref" in node:
            return False
        if demand.present:
            _require(node, part)
        found = _inner(node, part)
        if found is None:
            return False
        node = found
    if "$ref" in node:
        return False
    for keyword, value in demand.keywords.items():
        _tighten(node, keyword, value)
    return True


def _require(node: Node, part: str | int) -> None:
    is_list = isinstance(part, int) and node.get("type") != "object"
    node["type"] = "array" if is_list else "object"
    if not is_list:
        required = _list_of(node, "required")
        if str(part) not in required:
            required.append(str(part))
    elif isinstance(part, int):
        _tighten(node, "minItems", part + 1)


def _inner(node: Node, part: str | int) -> Node | None:
    is_list = isinstance(part, int) and node.get("type") != "object"
    if is_list and ("prefixItems" in node or isinstance(node.get("items"), list)):
        return None
    holder = node if is_list else node.setdefault("properties", {})
    key = "items" if is_list else str(part)
    if not isinstance(holder, dict):
        return None
    found = holder.setdefault(key, {})
    if found is True:
        found = holder[key] = {}
    return found if isinstance(found, dict) else None


def _tighten(node: Node, keyword: str, value: JSON) -> None:
    before = node.get(keyword)
    if before is None or keyword == "type":
        node[keyword] = value
    elif keyword in _LARGER or keyword in _SMALLER:
        stricter = (
            _figure(value) > _figure(before) if keyword in _LARGER else _figure(value) < _figure(before)
        )
        if stricter:
            node[keyword] = value
    elif keyword == "enum" and isinstance(before, list) and isinstance(value, list):
        both: list[JSON] = [one for one in before if one in value]
        node[keyword] = both or value
    elif before != value:
        _list_of(node, "allOf").append({keyword: value})


def _figure(value: JSON) -> Decimal:
    if isinstance(value, Number):
        return value.decimal
    return Decimal(value) if isinstance(value, int) else Decimal(0)
