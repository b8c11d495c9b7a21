"""JSON text of runs: read fast, and shown to people capped and with secrets masked."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from hookstation.core.jsontext import dump_json
from hookstation.core.masking import MASK, is_token_like
from hookstation.core.values import JSON, Number
from hookstation.core.workflows.values import LARGEST_INPUT

_decoder: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=Number)
_secret: Final = lru_cache(maxsize=10_000)(is_token_like)


def read_text(text: str) -> JSON:
    """A value that we wrote ourselves; empty text is null."""
    if not text:
        return None
    value: JSON = _decoder.decode(text)
    return value


def shown_input(settings: JSON) -> str:
    """A step's input for people: secrets masked, and a visible mark where it is longer than is kept."""
    return capped(dump_json(masked(settings)))


def capped(text: str) -> str:
    """The text with a visible mark where it is longer than is kept."""
    if len(text) <= LARGEST_INPUT:
        return text
    return dump_json(f"{text[:LARGEST_INPUT]}… (+{len(text) - LARGEST_INPUT} characters)")


def masked(value: JSON) -> JSON:
    """The value with what stands under a name of a credential masked."""
    if type(value) is dict:
        return {
            name: MASK if _secret(name) and inner not in (None, "") else masked(inner)
            for name, inner in value.items()
        }
    if type(value) is list:
        return [masked(inner) for inner in value]
    return value
