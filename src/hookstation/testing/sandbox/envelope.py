"""The envelope of contracts: rows as entities, pages and definitions; and what was sent, read strictly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.testing.sandbox.answers import CONTRACTS, invalid
from hookstation.testing.sandbox.definitions import CONTACT, PARTY, STANDALONE, Column, Entity, PropertyType
from hookstation.testing.sandbox.table import Key, Row
from hookstation.testing.sandbox.values import Stored, wrap

ENTITY: Final = f"{CONTRACTS}.GenericEntityData, Asi.Contracts"
IDENTITY: Final = f"{CONTRACTS}.IdentityData, Asi.Contracts"
PROPERTIES: Final = f"{CONTRACTS}.GenericPropertyDataCollection, Asi.Contracts"
PROPERTY: Final = f"{CONTRACTS}.GenericPropertyData, Asi.Contracts"
ELEMENTS: Final = "System.Collections.ObjectModel.Collection`1[[System.String, mscorlib]], mscorlib"
LIST: Final = "System.Collections.Generic.List`1[[System.Object, mscorlib]], mscorlib"
_PAGE: Final = "Asi.Soa.Core.ServiceContracts.PagedResult, Asi.Contracts"
_ROW: Final = (
    "System.Collections.Generic.Dictionary`2[[System.String, mscorlib],[System.Object, mscorlib]], mscorlib"
)
_MEMBERSHIP: Final = "Asi.Soa.Membership.DataContracts"


@dataclass(frozen=True, slots=True)
class Sent:
    """An entity as a client sent it: its key (empty for an insert), its party, its raw properties."""

    key: Key
    parent: Key
    properties: Mapping[str, object]


def read_entity(entity: Entity, document: object) -> Sent:
    """Take an envelope apart. Raises `Refused` 400 with every fault of its form."""
    faults = list(_untyped(document))
    if faults or not isinstance(document, dict):
        raise invalid(*faults or ["The body has to be one object."])
    faults += _misnamed(entity, document)
    key = _identity(document.get("Identity"), entity.name, "Identity", faults)
    parent = _parent(entity, document, faults)
    properties = _properties(document.get("Properties"), faults)
    if faults:
        raise invalid(*faults)
    return Sent(key, parent, properties)


def present(entity: Entity, row: Row) -> dict[str, object]:
    """A row as the answer to a read or a write."""
    if entity.name == PARTY:
        return _person(row)
    properties = [
        {"$type": PROPERTY, "Name": column.name, "Value": wrap(column, row.values.get(column.name))}
        for column in entity.columns.values()
    ]
    return _envelope(entity, row, properties)


def present_sparse(entity: Entity, row: Row) -> dict[str, object]:
    """A row as the older query service shows it: a property without value has no ``Value`` key."""
    properties: list[dict[str, object]] = []
    for column in entity.columns.values():
        shown: dict[str, object] = {"$type": PROPERTY, "Name": column.name}
        if column.name in row.values:
            shown["Value"] = wrap(column, row.values[column.name])
        properties.append(shown)
    return _envelope(entity, row, properties)


def present_flat(entity: Entity, row: Row) -> dict[str, object]:
    """A row as the newer query service shows it: one flat object."""
    return {"$type": _ROW, **{name: row.values.get(name) for name in entity.columns}}


def identity(entity_name: str, key: Key) -> dict[str, object]:
    """An ``IdentityData`` with its elements; none at all where the key is empty."""
    made: dict[str, object] = {"$type": IDENTITY, "EntityTypeName": entity_name}
    if key:
        made["IdentityElements"] = {"$type": ELEMENTS, "$values": list(key)}
    return made


def page(items: Sequence[object], offset: int, limit: int, total: int) -> dict[str, object]:
    """A ``PagedResult``; ``NextOffset`` is 0 on the last page."""
    following = offset + len(items)
    more = bool(items) and following < total
    return {
        "$type": _PAGE,
        "Items": {"$type": LIST, "$values": items},
        "Offset": offset,
        "Limit": limit,
        "Count": len(items),
        "TotalCount": total,
        "NextPageLink": None,
        "HasNext": more,
        "NextOffset": following if more else 0,
    }


def definition(entity: Entity, kind: str = "BOEntityDefinitionData") -> dict[str, object]:
    """An entity's field list; ``IsIdentity``, ``Required`` and ``Rule`` only where they say something."""
    return {
        "$type": f"{CONTRACTS}.{kind}, Asi.Contracts",
        "Name": entity.name,
        "EntityTypeName": entity.name,
        "Description": f"Sandbox entity {entity.name}",
        "ObjectTypeName": entity.kind,
        "PrimaryParentEntityTypeName": entity.parent,
        "Properties": {
            "$type": f"{CONTRACTS}.PropertyTypeDataCollection, Asi.Contracts",
            "$values": [_property_type(column) for column in entity.columns.values()],
        },
    }


def _envelope(entity: Entity, row: Row, properties: Sequence[object]) -> dict[str, object]:
    party = str(row.values[entity.party_column]) if entity.party_column else ""
    return {
        "$type": ENTITY,
        "EntityTypeName": entity.name,
        "PrimaryParentEntityTypeName": entity.parent,
        "Identity": identity(entity.name, row.key),
        "PrimaryParentIdentity": identity(entity.parent, (party,) if party else ()),
        "Properties": {"$type": PROPERTIES, "$values": properties},
    }


def _person(row: Row) -> dict[str, object]:
    party, values = row.key[0], row.values
    first, last = values.get("FirstName", ""), values.get("LastName", "")
    return {
        "$type": f"{_MEMBERSHIP}.PersonData, Asi.Contracts",
        "PersonName": {
            "$type": f"{_MEMBERSHIP}.PersonNameData, Asi.Contracts",
            "FirstName": first,
            "LastName": last,
            "FullName": f"{first} {last}",
        },
        "Emails": {
            "$type": f"{_MEMBERSHIP}.EmailDataCollection, Asi.Contracts",
            "$values": [_email(values.get("Email"))],
        },
        "PartyId": party,
        "Id": party,
        "UniformId": party,
        "Name": f"{first} {last}",
        "Identity": identity(PARTY, row.key),
    }


def _email(address: Stored) -> dict[str, object]:
    return {"$type": f"{_MEMBERSHIP}.EmailData, Asi.Contracts", "Address": address, "IsPrimary": True}


def _property_type(column: Column) -> dict[str, object]:
    made: dict[str, object] = {
        "$type": f"{CONTRACTS}.PropertyType{_TYPE_WORDS.get(column.type, column.type)}Data, Asi.Contracts",
        "PropertyTypeName": column.type,
        "Name": column.name,
        "Caption": column.name.replace("_", " "),
        "Visible": True,
    }
    if column.type == "String":
        made["MaxLength"] = column.length
    if column.type == "Decimal" and column.scale is not None:
        made |= {"Precision": column.digits, "Scale": column.scale}
    if column.identity:
        made["IsIdentity"] = True
    if column.required:
        made["Required"] = True
    if column.values:
        made["Rule"] = _value_list(column.values)
    return made


def _value_list(values: Iterable[str]) -> dict[str, object]:
    listed = [{"$type": PROPERTY, "Name": value, "Value": value} for value in values]
    return {
        "$type": f"{CONTRACTS}.PropertyRuleValueListData, Asi.Contracts",
        "ValueList": {"$type": PROPERTIES, "$values": listed},
    }


def _untyped(document: object) -> Iterable[str]:
    """Objects whose first key is not ``$type``: a .NET reader would take them for something else."""
    waiting: list[tuple[str, object]] = [("body", document)]
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, dict):
            if next(iter(value), "") != "$type" or not isinstance(value["$type"], str):
                yield f"{where}: $type has to be the first key of every object."
            waiting += [(f"{where}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{where}[{position}]", inner) for position, inner in enumerate(value)]


def _misnamed(entity: Entity, document: Mapping[str, object]) -> Iterable[str]:
    expected = {"$type": ENTITY, "EntityTypeName": entity.name}
    if entity.name not in _PARENT_OPTIONAL or "PrimaryParentEntityTypeName" in document:
        expected["PrimaryParentEntityTypeName"] = entity.parent
    return [f"{key}: “{value}” is expected." for key, value in expected.items() if document.get(key) != value]


def _identity(found: object, name: str, where: str, faults: list[str]) -> Key:
    if found is None:
        return ()
    if not isinstance(found, dict) or found.get("$type") != IDENTITY or found.get("EntityTypeName") != name:
        faults.append(f"{where}: an IdentityData of {name} is expected.")
        return ()
    elements = found.get("IdentityElements")
    if elements is None:
        return ()
    values = elements.get("$values") if isinstance(elements, dict) else None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        faults.append(f"{where}.IdentityElements: a collection of strings is expected.")
        return ()
    return tuple(values)


def _parent(entity: Entity, document: Mapping[str, object], faults: list[str]) -> Key:
    parent = _identity(document.get("PrimaryParentIdentity"), entity.parent, "PrimaryParentIdentity", faults)
    if entity.parent == STANDALONE and parent:
        faults.append("PrimaryParentIdentity: a standalone panel has no IdentityElements.")
    elif entity.parent != STANDALONE and len(parent) != 1 and entity.name not in _PARENT_OPTIONAL:
        faults.append("PrimaryParentIdentity: IdentityElements with one party id is expected.")
    return parent


def _properties(found: object, faults: list[str]) -> dict[str, object]:
    values = found.get("$values") if isinstance(found, dict) and found["$type"] == PROPERTIES else None
    if not isinstance(values, list):
        faults.append("Properties: a GenericPropertyDataCollection with $values is expected.")
        return {}
    properties: dict[str, object] = {}
    for position, value in enumerate(values):
        name = value.get("Name") if isinstance(value, dict) and value["$type"] == PROPERTY else None
        if not isinstance(name, str):
            faults.append(f"Properties[{position}]: a GenericPropertyData with a Name is expected.")
        elif name in properties:
            faults.append(f"{name}: the property is sent twice.")
        else:
            properties[name] = value.get("Value")
    return properties


_PARENT_OPTIONAL: Final = frozenset({"Activity", CONTACT})
_TYPE_WORDS: Final[Mapping[PropertyType, str]] = {"Date": "DateTime"}


def plain(row: Row) -> dict[str, Stored]:
    """A row for the control address: names and values, nothing else."""
    return dict(row.values)
