"""Looking for a record whose writing may or may not have happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.connectors.imis.client import ImisClient
from hookstation.connectors.imis.envelope import Form, key_of
from hookstation.connectors.imis.find import ALTERNATIVES, begins_with_operator, find
from hookstation.connectors.imis.values import text_of
from hookstation.core.records import ACTIVITY, FieldType, Record
from hookstation.core.values import Scalar
from hookstation.errors import Terminal
from hookstation.ports.connector import LookUp, LookUpVerdict

MOST_KEYS: Final = 50

CODES: Final = ("PRODUCT_CODE", "OTHER_CODE", "SOURCE_CODE", "UF_1", "UF_2", "UF_3")
DATES: Final = ("TRANSACTION_DATE", "EFFECTIVE_DATE")
"""With person and type, what tells one activity from another where there is no marker."""

MOST_ASKED: Final = 3
LONGEST_ASKED: Final = 64
"""Characters of a value that goes into a question; a search by a long text is slow and fills the address."""


async def look_up(client: ImisClient, form: Form, record: Record, marker: str) -> LookUp:
    """Rows that may be this record: by the marker field, else by what identifies it."""
    wanted = identifying(record, marker)
    asked = [marker] if marker else _asked(form, wanted)
    if not asked:
        raise Terminal(f"{record.entity}: no field of the record can be searched for; a person has to look.")
    found = await find(client, form, wanted, asked, MOST_KEYS)
    keys = tuple(key_of(entity) for entity in found)
    match len(keys):
        case 0:
            return LookUp(LookUpVerdict.NONE)
        case 1:
            return LookUp(LookUpVerdict.FOUND, keys)
        case _:
            return LookUp(LookUpVerdict.SEVERAL, keys)


def identifying(record: Record, marker: str) -> Mapping[str, Scalar]:
    """The values that a row must hold to be this record."""
    if marker:
        return {marker: record.fields.get(marker)}
    if record.entity == ACTIVITY:
        telling = ("ID", "ACTIVITY_TYPE", *DATES, *CODES)
        return {name: record.fields[name] for name in telling if text_of(record.fields.get(name))}
    return {**record.match, **record.fields}


def _asked(form: Form, wanted: Mapping[str, Scalar]) -> list[str]:
    """The fields that go into the question: the person first, then short texts; the rest is compared here."""
    names = sorted(wanted, key=lambda name: name != form.spec.party_field)
    return [name for name in names if _askable(form, name, wanted[name])][:MOST_ASKED]


def _askable(form: Form, name: str, value: Scalar) -> bool:
    text = text_of(value)
    known_as_text = form.kind(name) in (None, FieldType.STRING) and isinstance(value, str)
    plain = ALTERNATIVES not in text and not begins_with_operator(text)
    return known_as_text and plain and 0 < len(text.strip()) <= LONGEST_ASKED
