"""Documents as people write them: text that is read with the line of everything in it, and text that is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from hookstation.core.values import JSON, PathPart


class WrittenDocument(Protocol):
    """A document that was read from a text."""

    @property
    def value(self) -> JSON:
        """The document."""
        ...

    def line(self, path: Iterable[PathPart], position: int | None = None) -> int:
        """The line, from 1, of the thing at `path`, or of what holds it; with `position`, of that character of it."""
        ...


class DocumentTexts(Protocol):
    """YAML and JSON."""

    def read(self, text: str) -> WrittenDocument:
        """One document: JSON where it begins with a brace, else YAML.

        Raises `Invalid`: each message begins with the line.
        """
        ...

    def write(self, document: JSON) -> str:
        """YAML that reads back as the same document."""
        ...
