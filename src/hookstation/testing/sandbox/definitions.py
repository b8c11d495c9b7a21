"""The entities that the sandbox knows at its start, and how a person defines more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, cast, get_args

from hookstation.errors import Invalid, Problem

PropertyType: TypeAlias = Literal["String", "Integer", "Boolean", "Date", "Decimal", "Monetary", "Binary"]
ObjectType: TypeAlias = Literal["Single", "Multi", "Standard"]

PARTY: Final = "Party"
STANDALONE: Final = "Standalone"
ACTIVITY: Final = "Activity"
CONTACT: Final = "CsContactBasic"
ORDINAL: Final = "Ordinal"


@dataclass(frozen=True, slots=True)
class Column:
    """One property of an entity. `length` -1 means any; `digits` and `scale` bound a decimal's digits.

    `identity` columns are the key; `given` ones are set by the sandbox and refused in an insert;
    `party` ones must hold a party id.
    """

    name: str
    type: PropertyType = "String"
    length: int = -1
    required: bool = False
    identity: bool = False
    given: bool = False
    party: bool = False
    values: tuple[str, ...] = ()
    digits: int = 28
    scale: int | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity: its columns by name, what it hangs on, and how many rows one parent has.

    `party_column` holds the party id (empty for a standalone panel).  `described` says whether
    ``/api/metadata/{Entity}`` knows it (501 otherwise); `writable` what may be done besides reading.
    """

    name: str
    columns: Mapping[str, Column]
    parent: str = PARTY
    kind: ObjectType = "Multi"
    party_column: str = "ID"
    described: bool = True
    writable: frozenset[str] = frozenset({"insert", "update", "delete"})

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Names of the columns that make the key, in the order of `IdentityElements`."""
        return tuple(column.name for column in self.columns.values() if column.identity)


def activity(party_column: str) -> Entity:
    """The Activity entity in one property dialect: the party id under ``PartyId`` or ``ID``."""
    columns = [
        Column("SEQN", "Integer", identity=True, given=True),
        Column(party_column, length=10, required=True, party=True),
        Column("ACTIVITY_TYPE", length=10, required=True),
        *(Column(name, "Date") for name in _ACTIVITY_DATES),
        *(Column(name, length=length) for name, length in _ACTIVITY_TEXTS.items()),
        *(Column(name, "Decimal", digits=15, scale=2) for name in ("QUANTITY", "UNITS")),
        *(Column(name, "Monetary", digits=19, scale=4) for name in ("AMOUNT", "TAXABLE_VALUE")),
        *(Column(name, length=255) for name in ("UF_1", "UF_2", "UF_3")),
        *(Column(name, "Decimal", digits=15, scale=4) for name in ("UF_4", "UF_5")),
        *(Column(name, "Date") for name in ("UF_6", "UF_7")),
        *(Column(name, length=10, party=True) for name in ("CO_ID", "OTHER_ID", "SOLICITOR_ID")),
        *(Column(name, "Integer") for name in _ACTIVITY_INTEGERS),
        Column("RECURRING_REQUEST", "Boolean"),
    ]
    return _entity(ACTIVITY, columns, kind="Standard", party_column=party_column, writable={"insert"})


def panel(
    name: str,
    columns: Iterable[Column],
    *,
    parent: str = PARTY,
    kind: ObjectType = "Multi",
    described: bool = True,
) -> Entity:
    """A panel, its key in front: ``ID`` where it hangs on a party, ``Ordinal`` where it has many rows."""
    keys: list[Column] = []
    if parent == PARTY:
        keys.append(Column("ID", length=10, required=True, identity=True, party=True))
    if kind == "Multi" or parent != PARTY:
        keys.append(Column(ORDINAL, "Integer", identity=True, given=True))
    party_column = "ID" if parent == PARTY else ""
    made = _entity(name, [*keys, *columns], kind=kind, party_column=party_column)
    return replace(made, parent=parent, described=described)


def seeded(party_column: str) -> dict[str, Entity]:
    """The entities of a fresh sandbox, by name."""
    made = [
        activity(party_column),
        panel(
            "ABC_Courses",
            [
                Column("CourseCode", length=20, required=True),
                Column("Grade", length=10),
                Column("CompletedOn", "Date"),
                Column("Credits", "Decimal", digits=18, scale=4),
                Column("Note", length=255),
            ],
        ),
        panel(
            "ABC_Certificates",
            [
                Column("Certificate", length=40, required=True),
                Column("Level", length=10, values=("bronze", "silver", "gold")),
                Column("ValidUntil", "Date"),
                Column("Points", "Integer"),
                Column("Active", "Boolean"),
                Column("Scan", "Binary"),
            ],
            kind="Single",
        ),
        panel(
            "ABC_Orders",
            [
                Column("OrderNumber", length=30, required=True),
                Column("OrderedOn", "Date"),
                Column("Total", "Monetary", digits=19, scale=4),
                Column("Lines", "Integer"),
                Column("Email", length=100),
            ],
            parent=STANDALONE,
            described=False,
        ),
        _entity(
            PARTY, [_PARTY_KEY, *_PERSON], kind="Standard", party_column="Id", described=False, writable=()
        ),
        _entity(CONTACT, [_CONTACT_KEY, *_PERSON], kind="Standard", party_column="ID", writable=()),
    ]
    return {entity.name: entity for entity in made}


def read_panel(name: str, document: object) -> Entity:
    """A panel from the form that config files use: ``parent``, ``instances`` and ``fields``.

    Raises `Invalid` that names the place and what is allowed.
    """
    if not isinstance(document, dict):
        raise _invalid((), "write an object with parent, instances and fields")
    parent = _choice(document, "parent", {"party": PARTY, "standalone": STANDALONE})
    kind = cast("ObjectType", _choice(document, "instances", {"multi": "Multi", "single": "Single"}))
    fields = document.get("fields")
    if not isinstance(fields, dict) or not fields:
        raise _invalid(("fields",), "write an object of field name to {type, length, required, values}")
    return panel(name, [_column(key, value) for key, value in fields.items()], parent=parent, kind=kind)


def _entity(
    name: str,
    columns: Iterable[Column],
    *,
    kind: ObjectType,
    party_column: str,
    described: bool = True,
    writable: Iterable[str] = ("insert", "update", "delete"),
) -> Entity:
    by_name = {column.name: column for column in columns}
    return Entity(
        name, by_name, kind=kind, party_column=party_column, described=described, writable=frozenset(writable)
    )


def _choice(document: Mapping[str, object], key: str, allowed: Mapping[str, str]) -> str:
    value = document.get(key, next(iter(allowed)))
    if not isinstance(value, str) or value not in allowed:
        raise _invalid((key,), f"write one of {', '.join(allowed)}")
    return allowed[value]


def _column(name: str, document: object) -> Column:
    if not isinstance(document, dict):
        raise _invalid(("fields", name), "write an object with at least a type")
    kind = str(document.get("type", "string")).capitalize()
    kind = "Date" if kind == "Datetime" else kind
    if kind not in get_args(PropertyType):
        raise _invalid(("fields", name, "type"), f"write one of {', '.join(get_args(PropertyType))}")
    length, values = document.get("length", -1), document.get("values", [])
    if type(length) is not int or not isinstance(values, list):
        raise _invalid(("fields", name), "length is an integer and values is a list of texts")
    required = document.get("required", False) is True
    closed = tuple(str(value) for value in values)
    return Column(name, cast("PropertyType", kind), length=length, required=required, values=closed)


def _invalid(path: tuple[str | int, ...], message: str) -> Invalid:
    return Invalid([Problem(path, message)])


_ACTIVITY_DATES: Final = (
    "TRANSACTION_DATE",
    "EFFECTIVE_DATE",
    "THRU_DATE",
    "TICKLER_DATE",
    "NEXT_INSTALL_DATE",
)
_ACTIVITY_TEXTS: Final = {
    "PRODUCT_CODE": 31,
    "OTHER_CODE": 30,
    "DESCRIPTION": 255,
    "SOURCE_SYSTEM": 10,
    "SOURCE_CODE": 40,
    "CATEGORY": 15,
    "MEMBER_TYPE": 5,
    "ACTION_CODES": 255,
    "PAY_METHOD": 50,
    "BATCH_NUM": 15,
    "INTENT_TO_EDIT": 80,
    "ORG_CODE": 5,
    "CAMPAIGN_CODE": 10,
    "MEM_TRIB_CODE": 10,
    "STATUS_CODE": 1,
    "NOTE": -1,
    "NOTE_2": -1,
}
_ACTIVITY_INTEGERS: Final = ("ORIGINATING_TRANS_NUM", "ATTACH_SEQN", "ATTACH_TOTAL", "GRACE_PERIOD")
_PARTY_KEY: Final = Column("Id", length=10, required=True, identity=True)
_CONTACT_KEY: Final = Column("ID", length=10, required=True, identity=True)
_PERSON: Final = (
    Column("FirstName", length=20),
    Column("LastName", length=30),
    Column("Email", length=100),
    Column("MajorKey", length=15),
)
