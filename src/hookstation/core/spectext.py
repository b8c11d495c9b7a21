"""An entity's field list as JSON text, as the store keeps what a target said, and back."""

from __future__ import annotations

import msgspec

from hookstation.core.records import EntitySpec

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(EntitySpec).decode


def write_spec(spec: EntitySpec) -> str:
    """JSON text of a field list."""
    return _encode(spec).decode()


def read_spec(text: str) -> EntitySpec:
    """The field list again. Round trip: ``read_spec(write_spec(spec)) == spec``."""
    return _decode(text)
