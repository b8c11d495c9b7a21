"""How a repeated call is known: its dedup key, and the digest that tells another body under the same key."""

# ruff: noqa: ARG002 - every reader has the shape of `KeyReader`; none needs all of it

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final, Protocol

from hookstation.core.template.paths import Path, PathMistake, read_path
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid, Problem

LONGEST_KEY: Final = 255
"""A key with more characters is kept as its digest."""

_DIGEST: Final = "sha256:"
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class KeyReader(Protocol):
    """Reads the dedup key of a call."""

    @property
    def needs_body(self) -> bool:
        """Whether `read` looks into the parsed body."""
        ...

    @property
    def header(self) -> str:
        """The header that `read` looks at, in lower case; empty where it looks at none."""
        ...

    def read(self, headers: Mapping[str, str], parsed: JSON, body: bytes) -> str | None:
        """The key: 1 to 255 printable characters; ``None`` where the call has none and is treated as new.

        `headers`: names lower case; `parsed`: the decoded body (anything where `needs_body` is false);
        `body`: the raw one.
        """
        ...


def compile_key(spec: str) -> KeyReader:
    """A reader for ``header:<name>``, ``body:<path>`` or ``body-hash``. Raises `Invalid`.

    A path is written as in templates: ``order.id``, ``items.0.sku``, ``["Order No"]``.
    """
    kind, colon, rest = spec.partition(":")
    if spec == "body-hash":
        return _BodyHash()
    if kind == "header" and colon and _HEADER_NAME.fullmatch(rest):
        return _HeaderKey(rest.lower())
    if kind == "body" and colon:
        return _BodyKey(_parse_path(rest))
    raise _invalid(f"“{spec}” is not a dedup key; write header:<name>, body:<path> or body-hash.")


def body_digest(body: bytes) -> bytes:
    """32 bytes (SHA-256) by which two bodies are told apart."""
    return hashlib.sha256(body).digest()


class _HeaderKey:
    """The text of a header."""

    needs_body = False

    def __init__(self, name: str) -> None:
        self.header = name

    def read(self, headers: Mapping[str, str], parsed: JSON, body: bytes) -> str | None:
        """The header without the space around it."""
        return _bounded(headers.get(self.header, "").strip())


class _BodyKey:
    """A scalar inside the body."""

    needs_body = True
    header = ""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, headers: Mapping[str, str], parsed: JSON, body: bytes) -> str | None:
        """The scalar as text, numbers by the digits that the sender wrote."""
        match _find(parsed, self._path):
            case bool() as truth:
                return "true" if truth else "false"
            case int() | Number() as number:
                return _bounded(str(number))
            case str() as text:
                return _bounded(text)
            case _:
                return None


class _BodyHash:
    """The whole body is its own key."""

    needs_body = False
    header = ""

    def read(self, headers: Mapping[str, str], parsed: JSON, body: bytes) -> str | None:
        """The digest of the raw body."""
        return _DIGEST + hashlib.sha256(body).hexdigest()


def _bounded(text: str) -> str | None:
    """A key that every database can hold, different for different texts.

    What is too long, cannot be printed, or looks like a digest itself becomes its digest: so no sent text can
    be equal to the digest of another.
    """
    if not text:
        return None
    if len(text) <= LONGEST_KEY and text.isprintable() and not text.startswith(_DIGEST):
        return text
    return _DIGEST + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _find(value: JSON, path: Path) -> JSON:
    """What stands at the path, ``None`` where nothing does."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _parse_path(text: str) -> Path:
    try:
        path, end = read_path(text, 0)
    except PathMistake as mistake:
        raise _no_path(text, mistake.position) from mistake
    if end < len(text):
        raise _no_path(text, end)
    return path


def _no_path(text: str, position: int) -> Invalid:
    return _invalid(
        f"“{text}” is not a path into the body (character {position + 1}); write it as in a template: "
        'order.id, items.0.sku, ["Order No"].'
    )


def _invalid(message: str) -> Invalid:
    return Invalid([Problem((), message)])
