"""A record as JSON text, for the journal, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from hookstation.core.jsontext import parse_json
from hookstation.core.records import Operation, Record
from hookstation.core.values import JSON, Scalar


def read_record(text: str) -> Record:
    """The record that `Record.as_json` wrote. Round trip: ``read_record(dump_json(r.as_json())) == r``."""
    shown = cast("Mapping[str, JSON]", parse_json(text.encode()).value)
    return Record(
        str(shown["connection"]),
        str(shown["entity"]),
        Operation(str(shown["operation"])),
        cast("Mapping[str, Scalar]", shown["fields"]),
        cast("Mapping[str, Scalar]", shown.get("match", {})),
    )
