"""How an action's end becomes the event's settlement, with the answer that its sender gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hookstation.core import answers
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


def failure(error: str) -> Settlement:
    """The action failed."""
    answer = answers.failed(error)
    return Settlement(State.FAILED, answer.status, answer.body, answers.shorten(error))


REFUSALS: Final = {
    EffectVerdict.NONE_FOUND: "{entity}: no row matches, so there is nothing to update.",
    EffectVerdict.SEVERAL_FOUND: "{entity}: several rows match; the match must name exactly one.",
    EffectVerdict.EXISTS: "{entity}: this person already has a row, and the panel allows only one.",
}
