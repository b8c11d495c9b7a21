"""A connection as a form: its type's settings as fields, and what is sent as a document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.values import JSON
from hookstation.errors import Problem
from hookstation.web.pages.forms import Form

FORGET: Final = "forget"
NAME: Final = "name"
TYPE: Final = "type"
LABELS: Final[Mapping[str, str]] = {
    "url": "URL",
    "token_url": "URL of tokens",
    "client_id": "Client’s id",
    "client_secret": "Client’s secret",
    "networks": "Private networks",
    "timeout": "Time-out",
}
"""Settings that are called otherwise on pages."""
LISTS: Final = frozenset({Kind.LIST, Kind.NETWORKS})
_MISSING: Final = re.compile("“([a-z_]+)” is missing")


@dataclass(frozen=True, slots=True)
class Field:
    """A setting as a field of a form. `known`: there is a secret already, which stays where nothing is typed."""

    setting: Setting
    value: str = ""
    error: str = ""
    known: bool = False

    @property
    def label(self) -> str:
        """The setting's name as people read it."""
        return LABELS.get(self.setting.name, self.setting.name.replace("_", " ").capitalize())

    @property
    def control(self) -> str:
        """What it is typed into."""
        kind = self.setting.kind
        if kind is Kind.SECRET:
            return "secret"
        if kind is Kind.CHOICE:
            return "choice"
        return "lines" if kind in LISTS else "text"

    @property
    def placeholder(self) -> str:
        """An example, or what is taken where nothing is typed."""
        default, example = self.setting.default, self.setting.example
        if self.setting.kind is Kind.SECRET:
            return ""
        if default not in (None, "", []):
            return str(default)
        return str(example[0] if isinstance(example, list) and example else example or "")


def fields_of(
    settings: Iterable[Setting], document: Mapping[str, JSON], problems: Iterable[Problem] = ()
) -> list[Field]:
    """The fields that show a document, each with what is wrong with it."""
    wrong = by_setting(problems)
    return [
        Field(
            one,
            "" if one.kind is Kind.SECRET else _text(document.get(one.name)),
            wrong.get(one.name, ""),
            one.kind is Kind.SECRET and one.name in document,
        )
        for one in settings
    ]


def typed(
    settings: Iterable[Setting], form: Form, problems: Iterable[Problem], known: Iterable[str]
) -> list[Field]:
    """The fields as they were just sent, each with what is wrong with it. `known`: secrets that there are."""
    wrong, there = by_setting(problems), set(known)
    return [Field(one, form.one(one.name), wrong.get(one.name, ""), one.name in there) for one in settings]


def document_of(settings: Iterable[Setting], form: Form, before: Mapping[str, JSON]) -> dict[str, JSON]:
    """What the form says, over `before`: a setting without a field stays, a secret that is not typed too."""
    document = dict(before)
    for one in settings:
        if one.name not in form.fields and f"{FORGET}-{one.name}" not in form.fields:
            continue
        text = form.one(one.name).strip() if one.kind is not Kind.SECRET else form.one(one.name)
        if one.kind is Kind.SECRET and not text and not form.one(f"{FORGET}-{one.name}"):
            continue
        value = _value(one, text)
        if value is None:
            document.pop(one.name, None)
        else:
            document[one.name] = value
    return document


def by_setting(problems: Iterable[Problem]) -> dict[str, str]:
    """What is wrong, by setting; under an empty name what belongs to none."""
    found: dict[str, list[str]] = {}
    for one in problems:
        missing = _MISSING.search(one.message) if not one.path else None
        name = missing[1] if missing else str(one.path[0]) if one.path else ""
        message = f"{one.message[0].upper()}{one.message[1:]}"
        found.setdefault(name, []).append("It is missing." if missing else message)
    return {name: " ".join(messages) for name, messages in found.items()}


def _text(value: JSON) -> str:
    if isinstance(value, list):
        return "\n".join(str(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _value(setting: Setting, text: str) -> JSON:
    if not text:
        return None
    if setting.kind in LISTS:
        return [one for one in re.split(r"[\s,]+", text) if one]
    if setting.kind is Kind.BOOLEAN:
        return text == "true"
    return int(text) if setting.kind is Kind.INTEGER and text.isascii() and text.isdecimal() else text
