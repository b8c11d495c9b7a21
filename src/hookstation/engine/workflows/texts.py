"""JSON text of runs: read fast, and shown to people capped and with secrets masked."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import structs

from hookstation.core.jsontext import dump_json
from hookstation.core.masking import MASK, is_token_like
from hookstation.core.values import JSON, Number
from hookstation.core.workflows.values import LARGEST_INPUT, Run
from hookstation.errors import Invalid, Problem

NOTHING_STORED: Final = "is masked, and the run has no value there to take; write the value itself."

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


def shown_run(run: Run) -> Run:
    """A run for people: secrets masked in what triggered it, what is known besides, what it put out and answered."""
    return structs.replace(
        run,
        input=shown_output(run.input),
        facts=shown_output(run.facts),
        output=shown_output(run.output),
        answer=shown_output(run.answer),
    )


def sent_back(text: str, stored: str) -> str:
    """JSON text that a person changed, and was shown masked: what is masked still is as it is stored.

    Raises `Invalid` where nothing is stored there.
    """
    if MASK not in text:
        return text
    problems: list[Problem] = []
    whole = _unmasked(read_text(text), read_text(stored), ("input",), problems)
    if problems:
        raise Invalid(problems)
    return dump_json(whole)


def _unmasked(value: JSON, stored: JSON, path: tuple[str | int, ...], problems: list[Problem]) -> JSON:
    if isinstance(value, list):
        known = stored if isinstance(stored, list) else []
        padded = [*known, *[None] * len(value)]
        return [_unmasked(one, padded[index], (*path, index), problems) for index, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    before = stored if isinstance(stored, dict) else {}
    found: dict[str, JSON] = {}
    for name, inner in value.items():
        is_masked = inner == MASK and _secret_put_out(name)
        if is_masked and before.get(name) in (None, ""):
            problems.append(Problem((*path, name), NOTHING_STORED))
        found[name] = (
            before.get(name) if is_masked else _unmasked(inner, before.get(name), (*path, name), problems)
        )
    return found


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
