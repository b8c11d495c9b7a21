"""Field lists: the target's own description of an entity, read into ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from hookstation.connectors.imis.dialect import PERSON
from hookstation.connectors.imis.values import unwrap
from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.records import ACTIVITY, EntitySpec, FieldSpec, FieldType, Instances, Parent
from hookstation.core.values import JSON
from hookstation.errors import Terminal

TYPES: Final[Mapping[str, FieldType]] = {
    "string": FieldType.STRING,
    "integer": FieldType.INTEGER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATETIME,  # the column behind it holds a time too
    "decimal": FieldType.DECIMAL,
    "monetary": FieldType.DECIMAL,
    "binary": FieldType.BINARY,
}
MONEY_DIGITS: Final = (19, 4)
"""Digits of SQL Server's ``money``: all of them, and those after the point."""

PARTY_NAMES: Final = ("PartyId", "ID")
"""The names that an activity's person goes by, the usual one first."""

PARTY_ID_LENGTH: Final = 10


def read_definition(entity: str, document: JSON) -> EntitySpec:
    """The field list out of an entity definition.

    Raises `Terminal` where the document is not one, or where the entity hangs on something that is neither a person
    nor nothing.
    """
    definition = _find(entity, document)
    fields = {field.name: field for field in map(_field, _properties(definition)) if field.name}
    if not fields:
        raise Terminal(f"The target's description of {entity} holds no fields.")
    if entity == ACTIVITY:
        return _activity(fields)
    parent = _parent(entity, definition)
    single = str(definition.get("ObjectTypeName", "")).casefold() == "single"
    instances = Instances.SINGLE if single else Instances.MULTI
    if parent is Parent.STANDALONE:
        return EntitySpec(entity, fields, parent, instances, party_field=None)
    party = next((name for name in ("ID", "PartyId") if name in fields), "ID")
    said = fields.get(party, FieldSpec(party, FieldType.STRING, PARTY_ID_LENGTH))
    person = replace(said, type=FieldType.STRING, required=True, read_only=False)
    return EntitySpec(
        entity, {party: person} | fields | {party: person}, parent, instances, party_field=party
    )


def wire_names(document: JSON) -> Mapping[str, str]:
    """What the activity's description calls the person and whatever else does not go by its canonical name."""
    names = [str(each.get("Name", "")) for each in _properties(_find(ACTIVITY, document))]
    differing = {_canonical(name): name for name in names if name and _canonical(name) != name}
    person = next((name for name in PARTY_NAMES if name in names), None)
    return {**differing, PERSON: person} if person else differing


def _activity(said: Mapping[str, FieldSpec]) -> EntitySpec:
    """The activity's fields under their canonical names, with lengths and obligations as the target has them."""
    fields: dict[str, FieldSpec] = {}
    for field in said.values():
        name = _canonical(field.name)
        known = ACTIVITY_SPEC.fields.get(name)
        fields[name] = _merged(known, field) if known else replace(field, name=name)
    for name in (PERSON, "ACTIVITY_TYPE"):
        fields[name] = replace(fields.get(name, ACTIVITY_SPEC.fields[name]), required=True)
    return replace(ACTIVITY_SPEC, fields=fields, open=False)


def _canonical(name: str) -> str:
    """The activity's field behind a property's name; an unknown one keeps its name."""
    return PERSON if name in PARTY_NAMES else _COLUMNS.get(_plain(name), name)


def _plain(name: str) -> str:
    return name.replace("_", "").casefold()


_COLUMNS: Final = {_plain(name): name for name in ACTIVITY_SPEC.fields}


def _merged(known: FieldSpec, said: FieldSpec) -> FieldSpec:
    """What is known of a column, corrected by what this target says of it."""
    return replace(
        known,
        length=said.length if known.type is FieldType.STRING else known.length,
        required=known.required or said.required,
        read_only=known.read_only or said.read_only,
        caption=said.caption or known.caption,
    )


def _field(document: Mapping[str, JSON]) -> FieldSpec:
    kind = str(document.get("PropertyTypeName", "")).casefold()
    length = unwrap(document.get("MaxLength"))
    name = str(document.get("Name", ""))
    given = unwrap(document.get("IsIdentity")) is True
    bounds = (
        MONEY_DIGITS if kind == "monetary" else (_whole(document, "Precision"), _whole(document, "Scale"))
    )
    return FieldSpec(
        name,
        TYPES.get(kind, FieldType.STRING),
        length=length if kind == "string" and isinstance(length, int) and length > 0 else None,
        required=unwrap(document.get("Required")) is True and not given,
        values=tuple(_listed(document.get("Rule"))),
        precision=bounds[0],
        scale=bounds[1],
        read_only=given,
        caption=str(document.get("Caption") or ""),
    )


def _whole(document: Mapping[str, JSON], name: str) -> int | None:
    value = unwrap(document.get(name))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _listed(rule: JSON) -> Iterator[str]:
    """The texts of a rule that is a closed list of values; other rules are left to the target."""
    held = rule.get("ValueList") if isinstance(rule, dict) else None
    values = held.get("$values") if isinstance(held, dict) else held
    for each in values if isinstance(values, list) else []:
        value = unwrap(each.get("Value")) if isinstance(each, dict) else None
        if isinstance(value, str):
            yield value


def _parent(entity: str, definition: Mapping[str, JSON]) -> Parent:
    said = str(definition.get("PrimaryParentEntityTypeName") or "Standalone")
    match said.casefold():
        case "party":
            return Parent.PARTY
        case "standalone":
            return Parent.STANDALONE
        case _:
            raise Terminal(
                f"{entity} hangs on {said}; only entities that hang on a person (Party) or stand alone can be"
                " written."
            )


def _find(entity: str, document: JSON) -> Mapping[str, JSON]:
    """The definition itself, also where it comes on a page or as somebody's `Result`."""
    if isinstance(document, dict):
        for wrapper in ("Items", "Result"):
            if wrapper in document:
                return _find(entity, document[wrapper])
        if "$values" not in document:
            return document
        document = document["$values"]
    for each in document if isinstance(document, list) else []:
        if isinstance(each, dict) and entity in (
            each.get("ObjectName"),
            each.get("EntityTypeName"),
            each.get("Name"),
        ):
            return each
    raise Terminal(f"The target's description of {entity} cannot be understood.")


def _properties(definition: Mapping[str, JSON]) -> Iterator[Mapping[str, JSON]]:
    held = definition.get("Properties")
    values = held.get("$values") if isinstance(held, dict) else held
    for each in values if isinstance(values, list) else []:
        if isinstance(each, dict):
            yield each
