"""Reading the files that commands are given."""

from __future__ import annotations

from typing import IO

from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused


def read_json(file: IO[bytes]) -> JSON:
    """The JSON in a file. Raises `BodyRefused`, naming the file."""
    try:
        return parse_json(file.read()).value
    except BodyRefused as refusal:
        raise BodyRefused(f"{file.name}: {refusal.reason}") from None
