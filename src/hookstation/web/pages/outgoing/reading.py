"""What a form says, as a document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.jsontext import parse_json
from hookstation.core.outgoing.families import FAMILIES
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused, Problem
from hookstation.web.pages.forms import Form
from hookstation.web.pages.outgoing.items import (
    AS_JSON,
    FAMILY,
    HIDDEN,
    IN_LINES,
    LOOSE,
    NOTHING,
    PAIRS,
    TYPE,
    Place,
    way_of,
    ways_of,
)

FORGET: Final = "forget-"
WORDS: Final = re.compile(r"[\s,;]+")


class Reading:
    """Reads one form. `problems`: what cannot even be read as a document."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self.problems: list[Problem] = []

    def document(self, settings: Iterable[Setting], before: Mapping[str, JSON]) -> dict[str, JSON]:
        """What the form says; a secret that is not typed stays as it was `before`."""
        return self._group(settings, (), "", before)

    def _group(
        self, settings: Iterable[Setting], path: Place, prefix: str, before: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        found = {
            one.name: self._value(one, (*path, one.name), f"{prefix}{one.name}", before.get(one.name))
            for one in settings
            if one.name not in HIDDEN
        }
        return {name: value for name, value in found.items() if value is not None}

    def _value(self, setting: Setting, path: Place, name: str, before: JSON) -> JSON:
        inner = before if isinstance(before, dict) else {}
        match setting.kind:
            case Kind.GROUP:
                return self._group(setting.fields, path, f"{name}.", inner) or None
            case Kind.ONE_OF:
                return self._one_of(setting, path, name, inner)
            case Kind.SECRET:
                return self._secret(name, before)
            case Kind.BOOLEAN:
                return self._form.one(name) == "true"
        return self._written(setting, path, name)

    def _one_of(self, setting: Setting, path: Place, name: str, before: Mapping[str, JSON]) -> JSON:
        way = self._form.one(f"{name}.{TYPE}")
        if way == NOTHING and not setting.required:
            return None
        kept = before if way_of(str(before.get(TYPE, ""))) == way else {}
        settings = [one for one in ways_of(setting).get(way, ()) if one.name != TYPE]
        kind = self._form.one(f"{name}.{way}.{TYPE}") if way == FAMILY else way
        if way == FAMILY and kind not in FAMILIES:
            self.problems.append(Problem((*path, TYPE), "choose one of the list."))
        return {TYPE: kind, **self._group(settings, path, f"{name}.{way}.", kept)}

    def _secret(self, name: str, before: JSON) -> JSON:
        typed = self._form.one(name)
        if typed:
            return typed
        return None if self._form.one(f"{FORGET}{name}") else before

    def _written(self, setting: Setting, path: Place, name: str) -> JSON:
        text = self._form.one(name).replace("\r\n", "\n")
        if setting.kind in IN_LINES:
            return self._words(setting, name, text)
        if not text.strip():
            return None
        if name in LOOSE:
            word, colon, rest = text.strip().partition(":")
            return {word.strip(): rest.strip()} if colon else word
        if name in PAIRS and not text.lstrip().startswith("{"):
            return self._pairs(path, text)
        if setting.kind in AS_JSON:
            return self._json(path, text)
        if setting.kind is Kind.INTEGER:
            return whole(text.strip())
        return text if setting.kind is Kind.TEXT else text.strip()

    def _words(self, setting: Setting, name: str, text: str) -> JSON:
        """All that is marked, then all that is typed; a setting with a default may be said to be empty."""
        words = [*self._form.all(f"{name}.marked"), *(one for one in WORDS.split(text) if one)]
        if words == ["[]"]:
            return []
        if not words:
            return None
        unlike = list(dict.fromkeys(words)) if setting.kind is Kind.LIST else words
        return [whole(one) if setting.kind is Kind.PORTS else one for one in unlike]

    def _pairs(self, path: Place, text: str) -> JSON:
        pairs: dict[str, JSON] = {}
        for number, line in enumerate(text.split("\n"), 1):
            name, colon, value = line.partition(":")
            if not line.strip():
                continue
            if not colon or not name.strip():
                self.problems.append(
                    Problem(path, f"line {number} has no “name: value”; write one like that.")
                )
            elif name.strip() in pairs:
                self.problems.append(Problem(path, f"line {number} says {name.strip()} for a second time."))
            pairs[name.strip()] = value.strip()
        return pairs

    def _json(self, path: Place, text: str) -> JSON:
        try:
            found = parse_json(f"[{text}]".encode()).value  # a single text is JSON here, too
        except (BodyRefused, UnicodeEncodeError) as refused:
            why = refused.reason if isinstance(refused, BodyRefused) else "it has characters that are none."
            self.problems.append(Problem(path, f"is not JSON: {why}"))
            return None
        if isinstance(found, list) and len(found) == 1:
            return found[0]
        self.problems.append(Problem(path, "holds several values; write one, in [ ] where it is a list."))
        return None


def whole(text: str) -> JSON:
    """A whole number where the text is one; else the text, which its setting then refuses."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else text
