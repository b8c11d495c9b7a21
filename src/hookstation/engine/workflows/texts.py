"""JSON text of runs: read fast, and shown to people capped and with secrets masked."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from hookstation.core.jsontext import dump_json
from hookstation.core.masking import MASK, is_token_like
from hookstation.core.values import JSON, Number
from hookstation.core.workflows.values import LARGEST_INPUT

_decoder: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=Number)
_secret: Final = lru_cache(maxsize=10_000)(is_token_like)
_MAY_HOLD_SECRETS: Final = re.compile(
    r'auth|bearer|credential|csrf|jwt|pass|pwd|secret|sess|sid|sig|token|xsrf|[^"]key', re.IGNORECASE
).search
"""Quick, and never wrong about a text without any: most outputs need not be read."""


def read_text(text: str) -> JSON:
    """A value that we wrote ourselves; empty text is null."""
    if not text:
        return None
    value: JSON = _decoder.decode(text)
    return value


def shown_input(settings: JSON) -> str:
    """A step's input for people: secrets masked, and a visible mark where it is longer than is kept."""
    return capped(dump_json(masked(settings)))


def shown_output(text: str) -> str:
    """What a step put out, as JSON text for people: secrets masked; a record's ``key`` is none."""
    if not _MAY_HOLD_SECRETS(text):
        return text
    return dump_json(masked(read_text(text), _secret_put_out))


def capped(text: str) -> str:
    """The text with a visible mark where it is longer than is kept."""
    if len(text) <= LARGEST_INPUT:
        return text
    return dump_json(f"{text[:LARGEST_INPUT]}… (+{len(text) - LARGEST_INPUT} characters)")


def masked(value: JSON, secret: Callable[[str], bool] = _secret) -> JSON:
    """The value with what stands under a name of a credential masked."""
    if type(value) is dict:
        return {
            name: MASK if secret(name) and inner not in (None, "") else masked(inner, secret)
            for name, inner in value.items()
        }
    if type(value) is list:
        return [masked(inner, secret) for inner in value]
    return value


def _secret_put_out(name: str) -> bool:
    return name.lower() != "key" and _secret(name)
