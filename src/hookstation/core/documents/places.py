"""Places in a configuration document, and which of them hold secrets by its field lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Final, TypeAlias

from hookstation.core.documents.connection import BASE, Catalogue
from hookstation.core.documents.destination import DESTINATION
from hookstation.core.documents.transfer import TRANSFER
from hookstation.core.documents.webhook import WEBHOOK
from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.values import JSON, PathPart

INDEX: Final = re.compile("[0-9]{1,9}")

_PLAIN: Final = {"webhooks": WEBHOOK, "destinations": DESTINATION, "transfers": TRANSFER}
"""Kinds with secrets whose settings are the same for all of them."""

Steps: TypeAlias = tuple[PathPart, ...]
"""A place in a document, as keys and positions from its root."""


def at(document: JSON, path: Steps) -> JSON:
    """What stands at a path that is there."""
    return reduce(_child, path, document)


def put(document: JSON, path: Steps, value: JSON) -> None:
    """Replace the member of an object at a path that is there."""
    holder = at(document, path[:-1])
    assert isinstance(holder, dict)
    holder[str(path[-1])] = value


def _child(holder: JSON, part: PathPart) -> JSON:
    match holder, part:
        case dict(), str():
            return holder[part]
        case list(), int():
            return holder[part]
    raise KeyError(part)


def copy(document: JSON) -> JSON:
    """A copy that shares no object or list with the original."""
    match document:
        case dict():
            return {name: copy(one) for name, one in document.items()}
        case list():
            return [copy(one) for one in document]
    return document


def with_references(document: JSON, references: Mapping[str, str]) -> JSON:
    """The document with each secret at a JSON pointer of `references` in the form that carries its reference.

    Pointers that lead nowhere, or not to a text of an object, are passed over.
    """
    copied = copy(document)
    for pointer, reference in references.items():
        path = _steps(copied, pointer)
        value = at(copied, path) if path else None
        if isinstance(value, str):
            put(copied, path, {"value": value, "reference": reference})
    return copied


def _steps(document: JSON, pointer: str) -> Steps:
    """The path of a JSON pointer (RFC 6901) to a member of an object, empty where it leads to none."""
    node = document
    steps: list[PathPart] = []
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        step = int(name) if isinstance(node, list) and INDEX.fullmatch(name) else name
        try:
            node = _child(node, step)
        except LookupError:
            return ()
        steps.append(step)
    return tuple(steps) if steps and isinstance(steps[-1], str) else ()


def secret_paths(document: JSON, catalogue: Catalogue) -> Iterator[Steps]:
    """The places of secret settings that the document fills, whatever stands there."""
    for kind, index, one in _things(document):
        if kind == "connections":
            chosen = one.get("type")
            spec = catalogue.get(chosen, ()) if isinstance(chosen, str) else ()
            yield from _within((*BASE, *spec), one, (kind, index))
        elif kind in _PLAIN:
            yield from _within(_PLAIN[kind], one, (kind, index))


def unknown_connections(document: JSON, catalogue: Catalogue) -> Iterator[Steps]:
    """The places of connections of an unknown type: nobody knows which of their settings are secret."""
    for kind, index, one in _things(document):
        if kind == "connections" and one.get("type") not in list(catalogue):
            yield (kind, index)


def _things(document: JSON) -> Iterator[tuple[str, int, dict[str, JSON]]]:
    for kind, things in document.items() if isinstance(document, dict) else ():
        for index, one in enumerate(things) if isinstance(things, list) else ():
            if isinstance(one, dict):
                yield kind, index, one


def _within(settings: tuple[Setting, ...], document: JSON, path: Steps) -> Iterator[Steps]:
    if not isinstance(document, dict):
        return
    for setting in settings:
        value, place = document.get(setting.name), (*path, setting.name)
        match setting.kind:
            case Kind.SECRET if value is not None:
                yield place
            case Kind.GROUP:
                yield from _within(setting.fields, value, place)
            case Kind.ONE_OF if isinstance(value, dict):
                yield from _within(setting.variants.get(str(value.get("type")), ()), value, place)
