"""A panel as a form: one line for each field, and what is sent as a document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hookstation.core.documents.panel import FIELD
from hookstation.core.records import FieldType, Instances, Parent
from hookstation.core.values import JSON
from hookstation.errors import Problem
from hookstation.web.pages.forms import Form

PARTY: Final = Parent.PARTY.value
MULTI: Final = Instances.MULTI.value
SPARE: Final = 3
"""Empty lines that a form has to offer."""

TYPES: Final = FIELD[0].choices
PARTS: Final = ("name", "type", "length", "precision", "scale", "values", "caption")


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a panel as text; an empty `name` is a line that is not used."""

    name: str = ""
    type: str = FieldType.STRING.value
    length: str = ""
    required: bool = False
    precision: str = ""
    scale: str = ""
    values: str = ""
    caption: str = ""
    error: str = ""

    def document(self) -> dict[str, JSON]:
        """The field's part of the document."""
        found: dict[str, JSON] = {"type": self.type}
        for name in ("length", "precision", "scale"):
            text = getattr(self, name)
            if text:
                found[name] = int(text) if text.isascii() and text.isdecimal() else text
        if self.required:
            found["required"] = True
        if values := [one.strip() for one in re.split(r"[,\n]", self.values) if one.strip()]:
            found["values"] = [*values]
        return {**found, **({"caption": self.caption} if self.caption else {})}


@dataclass(frozen=True, slots=True)
class Draft:
    """A panel as it stands in the form. `errors`: what is wrong besides what is said at a line, by setting."""

    name: str = ""
    parent: str = PARTY
    instances: str = MULTI
    lines: tuple[Line, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, JSON]:
        """The panel's document."""
        fields: dict[str, JSON] = {one.name: one.document() for one in self.lines if one.name}
        return {"name": self.name, "parent": self.parent, "instances": self.instances, "fields": fields}


def draft_of(document: Mapping[str, JSON]) -> Draft:
    """A panel's document in the form, with empty lines for more."""
    fields = document.get("fields")
    lines = [_line(name, one) for name, one in fields.items()] if isinstance(fields, dict) else []
    return Draft(
        str(document.get("name", "")),
        str(document.get("parent", PARTY)),
        str(document.get("instances", MULTI)),
        (*lines, *(Line() for _ in range(SPARE))),
    )


def typed(form: Form, more: int = 0) -> Draft:
    """The form as it was sent, with `more` empty lines."""
    count = int(form.one("lines")) if form.one("lines").isdecimal() else 0
    lines = [_typed(form, number) for number in range(min(count, 500))]
    return Draft(
        form.one("name").strip(),
        form.one("parent") or PARTY,
        form.one("instances") or MULTI,
        (*lines, *(Line() for _ in range(more))),
    )


def with_problems(draft: Draft, problems: Iterable[Problem]) -> Draft:
    """The draft with what is wrong at its lines, and the rest by setting."""
    at_line: dict[str, list[str]] = {}
    errors: dict[str, list[str]] = {}
    for one in problems:
        if one.path[:1] == ("fields",) and len(one.path) > 1:
            what = " ".join(str(part) for part in one.path[2:])
            at_line.setdefault(str(one.path[1]), []).append(_sentence(f"{what} {one.message}".strip()))
        elif one.path == ("fields",) and not any(line.name for line in draft.lines):
            errors["fields"] = ["It has no field yet: fill in a line, with a name at least."]
        else:
            errors.setdefault(str(one.path[0]) if one.path else "", []).append(_sentence(one.message))
    lines = tuple(_with_error(one, at_line) for one in draft.lines)
    said = {name: " ".join(messages) for name, messages in errors.items()}
    return Draft(draft.name, draft.parent, draft.instances, lines, said)


def twice(draft: Draft) -> list[Problem]:
    """Names that stand on two lines: a document could hold only one of them."""
    names = [one.name for one in draft.lines if one.name]
    doubled = sorted({name for name in names if names.count(name) > 1})
    return [
        Problem(("fields", name), "stands on two lines; rename or empty one of them.") for name in doubled
    ]


def _with_error(line: Line, wrong: Mapping[str, list[str]]) -> Line:
    told = " ".join(wrong.get(line.name, ())) if line.name else ""
    parts = {name: getattr(line, name) for name in PARTS}
    return Line(**parts, required=line.required, error=told)


def _line(name: str, document: JSON) -> Line:
    known = document if isinstance(document, dict) else {}
    values = known.get("values")
    return Line(
        name,
        str(known.get("type", FieldType.STRING.value)),
        str(known.get("length", "")),
        known.get("required") is True,
        str(known.get("precision", "")),
        str(known.get("scale", "")),
        ", ".join(str(one) for one in values) if isinstance(values, list) else "",
        str(known.get("caption", "")),
    )


def _typed(form: Form, number: int) -> Line:
    parts = {name: form.one(f"{name}-{number}").strip() for name in PARTS}
    return Line(**parts, required=bool(form.one(f"required-{number}")))


def _sentence(message: str) -> str:
    return message[0].upper() + message[1:]
