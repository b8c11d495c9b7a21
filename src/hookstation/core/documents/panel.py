"""A panel, a table of the built-in records database, as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.definitions import Panel
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.fieldlist import Kind, Setting, Values, decode, encode
from hookstation.core.journal_rules import ORDINAL_FIELD
from hookstation.core.records import ACTIVITY, EntitySpec, FieldSpec, FieldType, Instances, Parent
from hookstation.core.values import JSON
from hookstation.errors import Problem

NAME: Final = r"[A-Za-z][A-Za-z0-9_]{0,63}"
NAME_WORDS: Final = "letters, digits and “_”, up to 64, beginning with a letter"
PARTY_FIELD: Final = "ID"
GIVEN: Final = (PARTY_FIELD, ORDINAL_FIELD)
"""Fields that a panel has without anybody defining them."""
RESERVED: Final[Mapping[str, str]] = {
    "id": "it holds the person's id and is always there in a party panel",
    "ordinal": "it numbers a person's rows",
}
PARTY_ID_LENGTH: Final = 10
"""As the iMIS column ID."""

FIELD: Final = (
    Setting(
        "type",
        Kind.CHOICE,
        required=True,
        choices=("string", "integer", "decimal", "boolean", "date", "datetime"),
        help="What the field holds.",
    ),
    Setting(
        "length", Kind.INTEGER, minimum=1, maximum=65_536, help="The most characters; for `string` only."
    ),
    Setting("required", Kind.BOOLEAN, default=False, help="Whether a row must have it."),
    Setting("values", Kind.LIST, maximum=1_000, help="The only texts allowed; for `string` only."),
    Setting(
        "precision",
        Kind.INTEGER,
        minimum=1,
        maximum=38,
        help="The most digits in all; for `decimal` only.",
    ),
    Setting(
        "scale",
        Kind.INTEGER,
        minimum=0,
        maximum=38,
        help="The most digits after the point; for `decimal` only.",
    ),
    Setting("caption", Kind.TEXT, maximum=200, help="What people call it."),
)
PANEL: Final = (
    Setting(
        "name",
        Kind.NAME,
        required=True,
        pattern=NAME,
        pattern_words=NAME_WORDS,
        help="What actions call it.",
        example="ABC_Courses",
    ),
    Setting(
        "parent",
        Kind.CHOICE,
        default="party",
        choices=("party", "standalone"),
        help="`party`: each row belongs to a person and has the field `ID`; `standalone`: to nobody.",
    ),
    Setting(
        "instances",
        Kind.CHOICE,
        default="multi",
        choices=("single", "multi"),
        help="How many rows one person may have; says nothing of a standalone panel, which has any number.",
    ),
    Setting(
        "fields",
        Kind.ENTRIES,
        required=True,
        fields=FIELD,
        minimum=1,
        maximum=500,
        help="Its fields, by name.",
    ),
)
NO_SECRETS: Final = PersonSecrets()


def decode_panel(document: JSON) -> tuple[Panel | None, list[Problem]]:
    """The panel, ``None`` where anything is wrong, and what is."""
    values, problems = decode(PANEL, document, NO_SECRETS)
    problems += _check_names(values.entries("fields"))
    problems += [one for name, field in values.entries("fields").items() for one in _check_field(name, field)]
    if values.text("name").casefold() == ACTIVITY.casefold():
        problems.append(
            Problem(("name",), "“Activity” is the name of the built-in activities; choose another.")
        )
    return (None, problems) if problems else (Panel(_spec(values)), [])


def _check_names(fields: Mapping[str, Values]) -> list[Problem]:
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for name in fields:
        folded = name.replace("_", "").casefold()
        if not _is_name(name):
            message = f"“{name[:60]}” is not a field name; allowed are {NAME_WORDS}."
            problems.append(Problem(("fields", name), message))
        elif folded in RESERVED:
            message = f"“{name}” is reserved: {RESERVED[folded]}; choose another name."
            problems.append(Problem(("fields", name), message))
        elif folded in seen:
            message = f"differs from “{seen[folded]}” only in case or underscores; rename one of them."
            problems.append(Problem(("fields", name), message))
        seen.setdefault(folded, name)
    return problems


def _is_name(name: str) -> bool:
    return bool(name) and len(name) <= 64 and name[0].isalpha() and name.isascii() and name.isidentifier()


def _check_field(name: str, field: Values) -> list[Problem]:
    kind = field.text("type")
    owners = {"length": "string", "values": "string", "precision": "decimal", "scale": "decimal"}
    problems = [
        Problem(
            ("fields", name, setting), f"is for fields of type {owner} only; this one is {kind}. Remove it."
        )
        for setting, owner in owners.items()
        if setting in field and kind and kind != owner
    ]
    return problems + _check_values(name, field) + _check_scale(name, field)


def _check_values(name: str, field: Values) -> list[Problem]:
    values, length = field.texts("values"), field.optional_integer("length")
    problems: list[Problem] = []
    for index, value in enumerate(values):
        place = ("fields", name, "values", index)
        if value in values[:index]:
            problems.append(Problem(place, f"“{value}” is listed twice; remove one."))
        elif not value:
            problems.append(
                Problem(place, "is empty; a field that may be empty is one that is not required.")
            )
        elif length is not None and len(value) > length:
            message = f"“{value}” has {len(value)} characters, but the field takes at most {length}."
            problems.append(Problem(place, message))
    return problems


def _check_scale(name: str, field: Values) -> list[Problem]:
    precision, scale = field.optional_integer("precision"), field.optional_integer("scale")
    if precision is None or scale is None or scale <= precision:
        return []
    message = f"is {scale}, more digits after the point than the precision of {precision} has in all."
    return [Problem(("fields", name, "scale"), message)]


def _spec(values: Values) -> EntitySpec:
    parent = Parent(values.text("parent"))
    fields = {name: _field(name, one) for name, one in values.entries("fields").items()}
    if parent is Parent.PARTY:
        person = FieldSpec(PARTY_FIELD, FieldType.STRING, length=PARTY_ID_LENGTH, required=True)
        fields = {PARTY_FIELD: person, **fields}
        if values.text("instances") == "multi":
            fields[ORDINAL_FIELD] = FieldSpec(ORDINAL_FIELD, FieldType.INTEGER, read_only=True)
    return EntitySpec(
        name=values.text("name"),
        fields=fields,
        parent=parent,
        instances=Instances(values.text("instances")),
        party_field=PARTY_FIELD if parent is Parent.PARTY else None,
    )


def _field(name: str, values: Values) -> FieldSpec:
    return FieldSpec(
        name=name,
        type=FieldType(values.text("type")),
        length=values.optional_integer("length"),
        required=values.flag("required"),
        values=values.texts("values"),
        precision=values.optional_integer("precision"),
        scale=values.optional_integer("scale"),
        caption=values.text("caption"),
    )


def encode_panel(panel: Panel, *, defaults: bool = False) -> dict[str, JSON]:
    """The document of a panel, with what is default or without."""
    spec = panel.spec
    values: dict[str, object] = {
        "name": spec.name,
        "parent": spec.parent.value,
        "instances": spec.instances.value,
        "fields": {name: _values(one) for name, one in spec.fields.items() if name not in GIVEN},
    }
    return encode(PANEL, values, NO_SECRETS, defaults=defaults)


def _values(field: FieldSpec) -> dict[str, object]:
    return {
        "type": field.type.value,
        "length": field.length,
        "required": field.required,
        "values": list(field.values),
        "precision": field.precision,
        "scale": field.scale,
        "caption": field.caption,
    }
