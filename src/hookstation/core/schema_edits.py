"""Changed rows of a schema's table, put back into the schema.

Only what an edit changes is touched: every other keyword stays as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn

from hookstation.core.jsontext import dump_json
from hookstation.core.nearest import did_you_mean
from hookstation.core.schema_outline import Place
from hookstation.core.schema_rows import TYPES, Row, row_of, schema_rows
from hookstation.core.schema_words import pointer
from hookstation.core.values import JSON, Number, kind_of
from hookstation.errors import Invalid, Problem

MOST_EDITS: Final = 2_000
SETTABLE: Final = (
    "types", "nullable", "required", "format", "min_length", "max_length", "minimum", "maximum", "pattern", "values",
    "example", "description",
)  # fmt: skip
"""What an edit may set; `null` (or an empty text or list) takes it away."""
KNOWN: Final = ("pointer", "name", "add", "remove", *SETTABLE)
_SHOWN_ONLY: Final = ("path", "depth", "more")
"""Members of a row that an edit may repeat: they follow from the rest."""

Node = dict[str, JSON]


def apply_edits(schema: JSON, edits: Sequence[JSON]) -> JSON:
    """`schema` with the edits, in their order; the schema that is given is not changed.

    An edit is an object.  ``pointer`` names the row, as `Row.as_json` gives it; members of `SETTABLE` are set where
    they differ from the row; ``name`` renames the field; ``remove: true`` takes it out.  ``add: NAME`` makes a new
    field inside the object (or a list's objects) at ``pointer``.  Raises `Invalid` with the place of each mistake.
    """
    if len(edits) > MOST_EDITS:
        raise Invalid([Problem((), f"are {len(edits):,} edits; at most {MOST_EDITS:,} are done at once.")])
    table = _Table(schema)
    for number, edit in enumerate(edits):
        table.edit(number, edit)
    return table.finished()


class _Table:
    """The schema under work. Places stay those of the schema that was given until all edits are done."""

    def __init__(self, schema: JSON) -> None:
        self.root = _copy(schema)
        self.rows = {pointer(row.place): row for row in schema_rows(schema)}
        self.renamed: list[tuple[Place, str | None, int]] = []

    def edit(self, number: int, edit: JSON) -> None:
        if not isinstance(edit, dict):
            _refuse(number, "", f"must be an object, but is {kind_of(edit)}.")
        for member in edit:
            if member not in KNOWN and member not in _SHOWN_ONLY:
                _refuse(
                    number,
                    member,
                    f"is not known; known are {', '.join(KNOWN)}.{did_you_mean(member, KNOWN)}",
                )
        row = self._row(number, edit)
        if "add" in edit:
            self._add(number, row, edit)
        elif edit.get("remove") is True:
            self.renamed.append((_member(number, row), None, number))
        else:
            self._change(number, row, edit)
            name = edit.get("name", row.name)
            if name != row.name:
                self.renamed.append((_member(number, row), _name(number, "name", name), number))

    def _row(self, number: int, edit: Node) -> Row:
        written = edit.get("pointer", "")
        row = self.rows.get(written) if isinstance(written, str) else None
        if row is None:
            _refuse(number, "pointer", "names no row of the table; take the pointer of a row as it was told.")
        return row

    def _change(self, number: int, row: Row, edit: Node) -> None:
        shown = row.as_json()
        for member, value in edit.items():
            if member in SETTABLE and not _same(value, shown[member]):
                self._set(number, row, member, value)

    def _set(self, number: int, row: Row, member: str, value: JSON) -> None:
        if member == "required":
            self._require(number, row, value)
            return
        node = self._node(row.place)
        if member in ("types", "nullable"):
            _set_types(number, node, row_of(node, (), (), True), member, value)
        elif member == "values":
            _set_values(number, node, value)
        elif member == "example":
            _set_example(node, value)
        else:
            keyword, read = _PLAIN[member]
            _put(node, keyword, None if value in (None, "") else read(number, member, value))

    def _require(self, number: int, row: Row, value: JSON) -> None:
        place = _member(number, row)
        parent, name = self._node(place[:-2]), str(place[-1])
        listed = parent.get("required")
        names: list[JSON] = [one for one in listed if one != name] if isinstance(listed, list) else []
        if _truth(number, "required", value):
            names.append(name)
        _put(parent, "required", names or None)

    def _add(self, number: int, row: Row, edit: Node) -> None:
        name = _name(number, "add", edit["add"])
        node = self._node(row.place)
        if "object" not in row.types:
            if row.types:
                _refuse(number, "pointer", "is no object, and so has no fields; add to an object.")
            node["type"] = "object"
        properties = node.setdefault("properties", {})
        if not isinstance(properties, dict) or name in properties:
            _refuse(
                number,
                "add",
                f"is “{name}”, which is there already; change that row, or choose another name.",
            )
        properties[name] = {}
        place = (*row.place, "properties", name)
        made = Row(place, (*row.path, name))
        self.rows[pointer(place)] = made
        self._change(number, made, edit)

    def _node(self, place: Place) -> Node:
        """The subschema at `place`, an object from now on."""
        if not place:
            self.root = self.root if isinstance(self.root, dict) else {}
            return self.root
        holder: JSON = self.root
        for part in place[:-1]:
            holder = holder[part]  # type: ignore[index]  # rows lead through objects only
        assert isinstance(holder, dict)
        last = str(place[-1])
        found = holder[last]
        if not isinstance(found, dict):
            found = holder[last] = {}
        return found

    def finished(self) -> JSON:
        """The schema with what was renamed and removed, the innermost first, so that places still hold."""
        for place, name, number in sorted(self.renamed, key=lambda one: -len(one[0])):
            parent, old = self._node(place[:-2]), str(place[-1])
            properties = parent["properties"]
            assert isinstance(properties, dict)
            if name is not None and name in properties:
                _refuse(number, "name", f"is “{name}”, which is there already; choose another name.")
            named = ((name if key == old else key, inner) for key, inner in properties.items())
            parent["properties"] = {key: inner for key, inner in named if key is not None}
            if isinstance(listed := parent.get("required"), list):
                kept: list[JSON] = [
                    name if one == old else one for one in listed if one != old or name is not None
                ]
                _put(parent, "required", kept or None)
        return self.root


def _member(number: int, row: Row) -> Place:
    if len(row.place) < 2 or row.place[-2] != "properties":
        _refuse(number, "pointer", "is no field of an object: it cannot be renamed, removed or required.")
    return row.place


def _put(node: Node, keyword: str, value: JSON) -> None:
    if value is None:
        node.pop(keyword, None)
    else:
        node[keyword] = value


def _set_types(number: int, node: Node, row: Row, member: str, value: JSON) -> None:
    types, nullable = list(row.types), row.nullable
    if member == "nullable":
        nullable = _truth(number, member, value)
    else:
        if (
            not isinstance(value, list)
            or not all(one in TYPES for one in value)
            or len({*map(str, value)}) < len(value)
        ):
            _refuse(
                number, member, f"must be a list of different ones of {', '.join(TYPES)}; empty for any type."
            )
        types = [str(one) for one in value]
    listed: list[JSON] = [*types, *(["null"] if nullable and types else [])]
    _put(node, "type", None if not listed else listed[0] if len(listed) == 1 else listed)
    if isinstance(values := node.get("enum"), list) and types:
        kept: list[JSON] = [one for one in values if one is not None]
        node["enum"] = [*kept, None] if nullable else kept or values


def _set_values(number: int, node: Node, value: JSON) -> None:
    if not isinstance(value, list) or len(value) > 1_000:
        _refuse(number, "values", "must be a list of at most 1,000 values; empty for any value.")
    if len({dump_json(one) for one in value}) < len(value):
        _refuse(number, "values", "has a value twice; take one of them out.")
    node.pop("const", None)
    _put(node, "enum", [*value] or None)


def _set_example(node: Node, value: JSON) -> None:
    listed = node.get("examples")
    rest = listed[1:] if isinstance(listed, list) else []
    kept: list[JSON] = [] if value is None else [value, *(one for one in rest if not _same(one, value))]
    _put(node, "examples", kept or None)


def _text(number: int, member: str, value: JSON) -> JSON:
    if not isinstance(value, str) or len(value) > 10_000:
        _refuse(number, member, "must be a text of at most 10,000 characters.")
    return value


def _count(number: int, member: str, value: JSON) -> JSON:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**9:
        _refuse(number, member, "must be a whole number from 0 to 1,000,000,000, or null.")
    return value


def _figure(number: int, member: str, value: JSON) -> JSON:
    if not isinstance(value, int | Number) or isinstance(value, bool):
        _refuse(number, member, "must be a number, or null.")
    return value


_PLAIN: Final[Mapping[str, tuple[str, Callable[[int, str, JSON], JSON]]]] = {
    "format": ("format", _text),
    "pattern": ("pattern", _text),
    "description": ("description", _text),
    "min_length": ("minLength", _count),
    "max_length": ("maxLength", _count),
    "minimum": ("minimum", _figure),
    "maximum": ("maximum", _figure),
}


def _truth(number: int, member: str, value: JSON) -> bool:
    if not isinstance(value, bool):
        _refuse(number, member, "must be true or false.")
    return value


def _name(number: int, member: str, value: JSON) -> str:
    if not isinstance(value, str) or len(value) > 500:
        _refuse(number, member, "must be the field's name, a text of at most 500 characters.")
    return value


def _same(first: JSON, second: JSON) -> bool:
    return dump_json(first) == dump_json(second)


def _copy(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _refuse(number: int, member: str, said: str) -> NoReturn:
    raise Invalid([Problem(("edits", number, *([member] if member else [])), said)])
