"""A configuration as YAML that reads back to the same: stable order, digits kept, no secret in the clear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from hookstation.config.scalars import is_text
from hookstation.core.definitions import Configuration
from hookstation.core.documents import Catalogue, encode_configuration
from hookstation.core.values import JSON, Number, Secret

DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
WIDTH: Final = 1_000_000
"""Nothing is folded: a folded template is hard to read."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A secret that has no reference: `reference` stands in the file, and the user must provide it.

    `purpose` says whose it is: ``connection/imis/password``.
    """

    reference: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Export:
    """The text of a config file, and the placeholders in it."""

    text: str
    placeholders: tuple[Placeholder, ...]


@dataclass(slots=True)
class _ReferenceSecrets:
    """Writes a secret as its reference, else as a placeholder named after its place."""

    placeholders: list[Placeholder] = field(default_factory=list)

    def encode(self, secret: Secret, purpose: str) -> JSON:
        if secret.reference:
            return secret.reference
        _, name, *_, setting = purpose.split("/")
        base = re.sub(r"[^A-Z0-9]+", "_", f"HOOKSTATION_{name}_{setting}".upper())
        taken = {one.reference for one in self.placeholders}
        names = (f"${{env:{base}{suffix}}}" for suffix in ("", *(f"_{count}" for count in range(2, 100_000))))
        reference = next(one for one in names if one not in taken)
        self.placeholders.append(Placeholder(reference, purpose))
        return reference


def export(configuration: Configuration, catalogue: Catalogue) -> Export:
    """The whole configuration as one YAML file."""
    secrets = _ReferenceSecrets()
    document = encode_configuration(configuration, catalogue, secrets)
    return Export(to_yaml(document), tuple(secrets.placeholders))


def to_yaml(document: JSON) -> str:
    """A JSON document as YAML, read back as the same by `read_yaml`."""
    events = [
        yaml.StreamStartEvent(),
        yaml.DocumentStartEvent(explicit=False),
        *_events(document),
        yaml.DocumentEndEvent(explicit=False),
        yaml.StreamEndEvent(),
    ]
    return str(yaml.emit(events, Dumper=DUMPER, width=WIDTH, allow_unicode=True))


def _events(node: JSON) -> Iterator[yaml.Event]:
    match node:
        case dict():
            yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=not node)
            for name, one in node.items():
                yield _text(name, key=True)
                yield from _events(one)
            yield yaml.MappingEndEvent()
        case list():
            yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=_is_short(node))
            for one in node:
                yield from _events(one)
            yield yaml.SequenceEndEvent()
        case str():
            yield _text(node)
        case _:
            yield yaml.ScalarEvent(None, None, (True, False), _plain(node))


def _is_short(items: list[JSON]) -> bool:
    """Short lists of plain values stand in one line."""
    return all(not isinstance(one, dict | list) for one in items) and sum(len(str(one)) for one in items) < 60


def _plain(value: bool | int | Number | None) -> str:
    if value is None:
        return "null"
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _text(text: str, key: bool = False) -> yaml.ScalarEvent:
    if "\n" in text and not key:
        return yaml.ScalarEvent(None, None, (False, True), text, style="|")
    if key or is_text(text):
        return yaml.ScalarEvent(None, None, (True, True), text)
    return yaml.ScalarEvent(None, None, (False, True), text, style='"')
