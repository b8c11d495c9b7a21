"""The envelope of an entity: built with ``$type`` as the first key of every object, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hookstation.connectors.imis.values import same, text_of, unwrap, wrap
from hookstation.core.records import EntitySpec, FieldType, Parent
from hookstation.core.values import JSON, Scalar
from hookstation.errors import Terminal

Entity: TypeAlias = dict[str, JSON]
"""An entity as the target sends and takes it."""

_CONTRACTS: Final = "Asi.Soa.Core.DataContracts"
ENTITY_TYPE: Final = f"{_CONTRACTS}.GenericEntityData, Asi.Contracts"
IDENTITY_TYPE: Final = f"{_CONTRACTS}.IdentityData, Asi.Contracts"
PROPERTIES_TYPE: Final = f"{_CONTRACTS}.GenericPropertyDataCollection, Asi.Contracts"
PROPERTY_TYPE: Final = f"{_CONTRACTS}.GenericPropertyData, Asi.Contracts"
ELEMENTS_TYPE: Final = "System.Collections.ObjectModel.Collection`1[[System.String, mscorlib]], mscorlib"


@dataclass(frozen=True, slots=True)
class Form:
    """An entity as this target spells it: its field list, and the properties whose names differ from the field's.

    The person's id is a property only where it has a name among `names`; elsewhere it stands in the parent alone.
    """

    spec: EntitySpec
    names: Mapping[str, str] = field(default_factory=dict)

    def wire(self, name: str) -> str:
        """The property's name on the wire."""
        return self.names.get(name, name)

    def is_property(self, name: str) -> bool:
        """Whether the field goes out among the properties."""
        return name != self.spec.party_field or name in self.names

    def kind(self, name: str) -> FieldType | None:
        """The field's type, ``None`` where it is not known."""
        known = self.spec.fields.get(name)
        return known.type if known else None


def new_entity(form: Form, fields: Mapping[str, Scalar]) -> Entity:
    """The entity to be added. Raises `Terminal` where the person's id is needed and missing."""
    name = form.spec.name
    party = _party(form, fields)
    parent: dict[str, JSON] = {
        "$type": IDENTITY_TYPE,
        "EntityTypeName": "Standalone" if party is None else "Party",
    }
    if party is not None:
        parent["IdentityElements"] = {"$type": ELEMENTS_TYPE, "$values": [party]}
    return {
        "$type": ENTITY_TYPE,
        "EntityTypeName": name,
        "PrimaryParentEntityTypeName": parent["EntityTypeName"],
        "Identity": {"$type": IDENTITY_TYPE, "EntityTypeName": name},
        "PrimaryParentIdentity": parent,
        "Properties": {
            "$type": PROPERTIES_TYPE,
            "$values": [
                _property(form.wire(each), wrap(each, value, form.kind(each)))
                for each, value in fields.items()
                if form.is_property(each)
            ],
        },
    }


def changed_entity(form: Form, entity: Entity, changes: Mapping[str, Scalar]) -> Entity:
    """The whole entity as it was read, with `changes` put in.

    Raises `Terminal` where a change would move the row to another person.
    """
    properties = _properties(entity)
    by_name = {str(each.get("Name", "")).casefold(): each for each in properties}
    replaced: dict[str, JSON] = {}
    added: list[JSON] = []
    for changed, value in changes.items():
        if changed == form.spec.party_field:
            _stay(form, entity, value)
            continue
        name = form.wire(changed)
        wrapped = wrap(changed, value, form.kind(changed))
        if name.casefold() in by_name:
            replaced[name.casefold()] = wrapped
        else:
            added.append(_property(name, wrapped))
    values: list[JSON] = [
        each | {"Value": replaced[key]} if (key := str(each.get("Name", "")).casefold()) in replaced else each
        for each in properties
    ]
    held = entity.get("Properties")
    kept = held if isinstance(held, dict) else {"$type": PROPERTIES_TYPE}
    return entity | {"Properties": kept | {"$values": [*values, *added]}}


def holds(form: Form, entity: Entity, wanted: Mapping[str, Scalar]) -> bool:
    """Whether the entity has all the wanted values."""
    return all(same(value, value_of(form, entity, name), form.kind(name)) for name, value in wanted.items())


def value_of(form: Form, entity: Entity, name: str) -> JSON:
    """A field's value, without its wrapper; the person's id also from the parent that the row hangs on."""
    wire = form.wire(name).casefold()
    for each in _properties(entity):
        if str(each.get("Name", "")).casefold() == wire:
            return unwrap(each.get("Value"))
    if name == form.spec.party_field:
        for identity in ("PrimaryParentIdentity", "Identity"):
            if elements := _elements(entity.get(identity)):
                return elements[0]
    return None


def elements_of(entity: JSON) -> Sequence[str]:
    """The parts of an entity's key, empty where the answer holds none."""
    return _elements(entity.get("Identity")) if isinstance(entity, dict) else ()


def key_of(entity: JSON) -> str:
    """The key as the target's addresses have it: one part as it is, several as ``~a|b``."""
    elements = elements_of(entity)
    return elements[0] if len(elements) == 1 else "~" + "|".join(elements) if elements else ""


def _party(form: Form, fields: Mapping[str, Scalar]) -> str | None:
    """The person that the row hangs on, ``None`` for a standalone row."""
    spec = form.spec
    if spec.parent is Parent.STANDALONE or spec.party_field is None:
        return None
    party = text_of(fields.get(spec.party_field))
    if party:
        return party
    if spec.open:  # the field list is not known: no id given means that no person is meant
        return None
    raise Terminal(f"{spec.party_field}: the person's id is needed and is missing or empty.")


def _stay(form: Form, entity: Entity, party: Scalar) -> None:
    name = form.spec.party_field
    assert name is not None
    if not same(party, value_of(form, entity, name), None):
        raise Terminal(f"{name}: a row cannot be moved to another person; match on {name} as well.")


def _property(name: str, value: JSON) -> JSON:
    return {"$type": PROPERTY_TYPE, "Name": name, "Value": value}


def _properties(entity: Entity) -> list[dict[str, JSON]]:
    held = entity.get("Properties")
    values = held.get("$values") if isinstance(held, dict) else held
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _elements(identity: JSON) -> Sequence[str]:
    held = identity.get("IdentityElements") if isinstance(identity, dict) else None
    values = held.get("$values") if isinstance(held, dict) else held
    if not isinstance(values, list):
        return ()
    return [text_of(each) for each in values if not isinstance(each, list | dict)]
