"""The Activity: its columns as iMIS has them, and how people may write the names of fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hookstation.core.nearest import did_you_mean
from hookstation.core.records import ACTIVITY, EntitySpec, FieldSpec, FieldType, Instances, Parent

PARTY_ALIAS: Final = "partyid"
"""How REST names the party's id; `ID` on some platforms."""

TRANSACTION_DATE: Final = "TRANSACTION_DATE"
ACTIVITY_TYPE: Final = "ACTIVITY_TYPE"

BUILT_IN_TYPES: Final = ("Order", "Sales", "Gift", "Pledge", "Certification", "Dues", "Expo", "Refund")
"""Activity types that iMIS itself writes."""

_TEXTS: Final = {
    "PRODUCT_CODE": 31, "OTHER_CODE": 30, "DESCRIPTION": 255, "SOURCE_SYSTEM": 10, "SOURCE_CODE": 40, "CATEGORY": 15,
    "MEMBER_TYPE": 5, "ACTION_CODES": 255, "PAY_METHOD": 50, "BATCH_NUM": 15, "INTENT_TO_EDIT": 80, "ORG_CODE": 5,
    "CAMPAIGN_CODE": 10, "MEM_TRIB_CODE": 10, "STATUS_CODE": 1, "UF_1": 255, "UF_2": 255, "UF_3": 255, "CO_ID": 10,
    "OTHER_ID": 10, "SOLICITOR_ID": 10,
}  # fmt: skip
_MOMENTS: Final = (
    TRANSACTION_DATE, "EFFECTIVE_DATE", "THRU_DATE", "TICKLER_DATE", "NEXT_INSTALL_DATE", "UF_6", "UF_7"
)  # fmt: skip
_INTEGERS: Final = ("ORIGINATING_TRANS_NUM", "ATTACH_SEQN", "ATTACH_TOTAL", "GRACE_PERIOD")
_FIGURES: Final = {
    "QUANTITY": (15, 2), "UNITS": (15, 2), "AMOUNT": (19, 4), "TAXABLE_VALUE": (19, 4), "UF_4": (15, 4),
    "UF_5": (15, 4),
}  # fmt: skip
"""Precision and scale; ``money`` is a 64-bit integer of ten-thousandths: 19 digits, 4 of them decimals."""


def _columns() -> Iterator[FieldSpec]:
    yield FieldSpec("SEQN", FieldType.INTEGER, read_only=True)
    yield FieldSpec("ID", FieldType.STRING, 10, required=True)
    yield FieldSpec(ACTIVITY_TYPE, FieldType.STRING, 10, required=True)
    for name in _MOMENTS:
        yield FieldSpec(name, FieldType.DATETIME)
    for name, length in _TEXTS.items():
        yield FieldSpec(name, FieldType.STRING, length)
    for name in ("NOTE", "NOTE_2"):
        yield FieldSpec(name, FieldType.STRING)
    for name, (precision, scale) in _FIGURES.items():
        yield FieldSpec(name, FieldType.DECIMAL, precision=precision, scale=scale)
    for name in _INTEGERS:
        yield FieldSpec(name, FieldType.INTEGER)
    yield FieldSpec("RECURRING_REQUEST", FieldType.BOOLEAN)


ACTIVITY_SPEC: Final = EntitySpec(
    ACTIVITY,
    {column.name: column for column in _columns()},
    parent=Parent.PARTY,
    instances=Instances.MULTI,
    party_field="ID",
)
"""The Activity table of iMIS: columns, lengths and types."""


def canonical_name(spec: EntitySpec, written: str) -> str | None:
    """The field's own name for the name that a person wrote, or ``None`` where there is none or more than one.

    Case and underscores do not count, and ``PartyId`` is the party's field.  In an entity whose fields are not known
    (`EntitySpec.open`) a name that is not found is taken as it is written.
    """
    if written in spec.fields:
        return written
    folded = _folded(written)
    found = [name for name in spec.fields if _folded(name) == folded]
    if len(found) == 1:
        return found[0]
    if found:
        return None
    if spec.party_field is not None and folded in {PARTY_ALIAS, _folded(spec.party_field)}:
        return spec.party_field
    return written if spec.open else None


def unknown_field(spec: EntitySpec, written: str) -> str:
    """The sentence for a name that is none of the entity's fields."""
    return f"“{spec.name}” has no field “{written}”.{did_you_mean(written, [*spec.fields, *_party(spec)])}"


def built_in_type_warning(record_type: str) -> str:
    """What a person should be told about mapping to this activity type, or an empty text."""
    if record_type.casefold() not in {name.casefold() for name in BUILT_IN_TYPES}:
        return ""
    return (
        f"“{record_type}” is an activity type that iMIS itself writes; its own programs may take your activities for"
        " theirs. Choose a type of your own."
    )


def _party(spec: EntitySpec) -> list[str]:
    return [] if spec.party_field is None else [spec.party_field]


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()
