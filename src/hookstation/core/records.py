"""What stands in a target: entities and their fields, and the record that an action writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from hookstation.core.values import JSON, Scalar

RECORDS: Final = "records"
"""Name of the built-in connection: the records database that is always there."""

ACTIVITY: Final = "Activity"
"""Name of the entity that `insert_activity` writes."""


class FieldType(StrEnum):
    """Types that a target's field may have."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    BINARY = "binary"


class Parent(StrEnum):
    """What a panel's rows hang on."""

    PARTY = "party"
    STANDALONE = "standalone"


class Instances(StrEnum):
    """How many rows of a panel one parent may have."""

    SINGLE = "single"
    MULTI = "multi"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of an entity, under its canonical name.

    `length` is the most characters a string may have (``None``: any); `precision` and `scale` bound
    a decimal's digits (all of them, and those after the point); `values` is a closed list of texts.
    `read_only` fields are given by the target and cannot be mapped.
    """

    name: str
    type: FieldType
    length: int | None = None
    required: bool = False
    values: tuple[str, ...] = ()
    precision: int | None = None
    scale: int | None = None
    read_only: bool = False
    caption: str = ""


@dataclass(frozen=True, slots=True)
class EntitySpec:
    """An entity of a target: the Activity, or a panel.

    `fields` is keyed by canonical name.  `party_field` names the field that holds the person's id
    (``"ID"`` for a party panel and the Activity, ``None`` for a standalone panel).
    `open` means that the field list is not known: any name is taken, values go out as they are.
    """

    name: str
    fields: Mapping[str, FieldSpec]
    parent: Parent = Parent.PARTY
    instances: Instances = Instances.MULTI
    party_field: str | None = "ID"
    open: bool = False


class Operation(StrEnum):
    """What an action does to its entity."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"


class Record(msgspec.Struct, frozen=True):
    """A mapped payload: what is to be written, typed for its target.

    `fields` and `match` are keyed by canonical field name.  Values: text, integers, `Number` (decimals, with
    the sender's digits), booleans, ``None`` (clears the field); dates as ``2026-11-22`` and date-times as
    ``2026-11-22T09:30:00`` (fractions where the sender gave them) in the target's local time.
    A field that is left out is not in `fields`: an insert takes its default, an update leaves the column alone.
    """

    connection: str
    entity: str
    operation: Operation
    fields: Mapping[str, Scalar]
    match: Mapping[str, Scalar] = msgspec.field(default_factory=dict)

    def as_json(self) -> JSON:
        """The shape that the dry run shows."""
        shown: dict[str, JSON] = {
            "connection": self.connection,
            "entity": self.entity,
            "operation": self.operation.value,
            "fields": dict(self.fields),
        }
        if self.match:
            shown["match"] = dict(self.match)
        return shown


class Effect(msgspec.Struct, frozen=True):
    """A record for the built-in records database, to be written inside the journal's own transaction."""

    spec: EntitySpec
    operation: Operation
    fields: Mapping[str, Scalar]
    match: Mapping[str, Scalar] = msgspec.field(default_factory=dict)


class EffectVerdict(StrEnum):
    """How an `Effect` ended inside the transaction."""

    WRITTEN = "written"
    NONE_FOUND = "none found"
    SEVERAL_FOUND = "several found"
    EXISTS = "exists"
    """A single-instance panel already has this person's row."""


class EffectResult(msgspec.Struct, frozen=True):
    """What the store did with an `Effect`. `key` is the record's key where it was written, else empty."""

    verdict: EffectVerdict
    key: str = ""
    inserted: bool = True


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One row of the built-in records database, as it is read back."""

    entity: str
    key: str
    fields: Mapping[str, Scalar]
    event_id: str = ""
