"""One document as text of a person's, outside any file: the reader and writer of config files, for the pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hookstation.config.export import to_yaml
from hookstation.config.jsontext import read_json
from hookstation.config.nodes import Node, Source, find, to_json
from hookstation.config.yamltext import read_yaml
from hookstation.core.values import JSON, PathPart
from hookstation.errors import Invalid, Problem

TEXT: Final = "text"
_PLACE: Final = re.compile(rf"^{TEXT}:(\d+):(\d+): ")


@dataclass(frozen=True, slots=True)
class ReadText:
    """A `WrittenDocument`."""

    root: Node

    @property
    def value(self) -> JSON:
        """The document."""
        return to_json(self.root)

    def line(self, path: Iterable[PathPart], position: int | None = None) -> int:
        """The line of the thing at `path`, or of what holds it."""
        return find(self.root, path, position).line


class PersonTexts:
    """A `DocumentTexts`."""

    def read(self, text: str) -> ReadText:
        """One document. Raises `Invalid`, each message with its line."""
        source = Source(TEXT, "", text)
        try:
            found = [read_json(source)] if text.lstrip().startswith("{") else read_yaml(source)
        except Invalid as invalid:
            raise Invalid([Problem((), _with_line(one.message)) for one in invalid.problems]) from invalid
        if len(found) != 1:
            told = "is empty; write a document." if not found else "holds several documents; write one."
            raise Invalid([Problem((), f"The text {told}")])
        return ReadText(found[0])

    def write(self, document: JSON) -> str:
        """YAML that reads back as the same document."""
        return to_yaml(document)


def _with_line(message: str) -> str:
    return _PLACE.sub(r"Line \1, column \2: ", message)
