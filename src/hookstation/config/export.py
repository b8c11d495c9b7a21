"""A configuration as YAML that reads back to the same: stable order, digits kept, no secret in the clear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

from hookstation.config.scalars import is_text
from hookstation.core.definitions import Configuration
from hookstation.core.documents import MASK, Catalogue, PersonSecrets, encode_configuration
from hookstation.core.documents.places import Steps, at, copy, put, secret_paths
from hookstation.core.values import JSON, Number

DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
WIDTH: Final = 1_000_000
"""Nothing is folded: a folded template is hard to read."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A secret that has no reference: the file names the environment variable `variable`, which must be set.

    `path` is the secret's place in the document.
    """

    variable: str
    path: Steps


@dataclass(frozen=True, slots=True)
class Export:
    """A config file as a document and as YAML, and the placeholders in it."""

    document: JSON
    text: str
    placeholders: tuple[Placeholder, ...]


def export(configuration: Configuration, catalogue: Catalogue) -> Export:
    """The whole configuration as one YAML file."""
    return export_document(encode_configuration(configuration, catalogue, PersonSecrets()), catalogue)


def export_document(document: JSON, catalogue: Catalogue) -> Export:
    """The same from the document that the station answers, in which a secret is its reference or masked."""
    copied = copy(document)
    placeholders: list[Placeholder] = []
    taken: set[str] = set()
    for path in secret_paths(copied, catalogue):
        if at(copied, path) == MASK:
            name = _free_name(copied, path, taken)
            taken.add(name)
            put(copied, path, f"${{env:{name}}}")
            placeholders.append(Placeholder(name, path))
    return Export(copied, to_yaml(copied), tuple(placeholders))


def _free_name(document: JSON, path: Steps, taken: set[str]) -> str:
    """``HOOKSTATION_IMIS_PASSWORD``, with a number behind it where two places would share it."""
    thing = at(document, path[:2])
    name = thing.get("name") if isinstance(thing, dict) else ""
    base = re.sub(r"[^A-Z0-9]+", "_", f"HOOKSTATION_{name}_{path[-1]}".upper())
    return next(
        one for one in (base, *(f"{base}_{count}" for count in range(2, len(taken) + 3))) if one not in taken
    )


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
