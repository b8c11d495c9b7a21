"""How an action's end becomes the event's settlement, with the answer that its sender gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import structs

from hookstation.core import answers
from hookstation.core.answers import OUTCOME, Voice
from hookstation.core.events import Settlement, State
from hookstation.core.records import EffectResult, EffectVerdict


def settler(entity: str) -> Callable[[EffectResult | None], Settlement]:
    """How an effect's result becomes the event's settlement; `entity` is named in errors."""

    def settle(result: EffectResult | None) -> Settlement:
        assert result is not None
        if result.verdict is EffectVerdict.WRITTEN:
            return success(result.key)
        return failure(REFUSALS[result.verdict].format(entity=entity))

    return settle


def success(key: str) -> Settlement:
    """The record stands under `key`."""
    return Settlement(State.SUCCEEDED, 200, answers.SUCCEEDED.body, record_key=key)


def failure(error: str, reason: str = "", voice: Voice = OUTCOME) -> Settlement:
    """The action failed, or could not be tried: then `reason` is the step that refused it."""
    answer = voice.failed(error)
    return Settlement(State.FAILED, answer.status, answer.body, answers.shorten(error), reason=reason)


CANCELLED: Final = "cancelled"
"""The reason of an event that a person ended."""


def cancelled(error: str) -> Settlement:
    """A person ended the event."""
    return failure(error, CANCELLED)


def after_failure(stands: Settlement, error: str) -> Settlement:
    """A new attempt surely failed: what the event had reached before stands, and the error says what was tried."""
    return structs.replace(stands, error=answers.shorten(f"A replay failed: {error}"))


def kept(
    settle: Callable[[EffectResult | None], Settlement], stands: Settlement
) -> Callable[[EffectResult | None], Settlement]:
    """`settle`, but where it fails `stands` goes on standing."""

    def settled(result: EffectResult | None) -> Settlement:
        new = settle(result)
        return after_failure(stands, new.error) if new.state is State.FAILED else new

    return settled


REFUSALS: Final = {
    EffectVerdict.NONE_FOUND: "{entity}: no row matches, so there is nothing to update.",
    EffectVerdict.SEVERAL_FOUND: "{entity}: several rows match; the match must name exactly one.",
    EffectVerdict.EXISTS: "{entity}: this person already has a row, and the panel allows only one.",
}
