"""What follows a step that failed, or is switched off: read from its document, and written back."""

from __future__ import annotations

from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON, kind_of
from hookstation.core.workflows.definitions import Rule, Then
from hookstation.errors import Invalid, Problem


def read_rule(value: JSON, allowed: tuple[Then, ...] = tuple(Then)) -> Rule:
    """``fail``, ``succeed``, ``continue`` or ``{go_to: STEP}``. Raises `Invalid`."""
    words = [one.value for one in allowed if one is not Then.GO_TO]
    match value:
        case {"go_to": str(step), **more} if step and not more and Then.GO_TO in allowed:
            return Rule(Then.GO_TO, step)
        case str() if value in words:
            return Rule(Then(value))
    written = f"“{value[:60]}”" if isinstance(value, str) else kind_of(value)
    hint = did_you_mean(value, words) if isinstance(value, str) else ""
    raise Invalid(
        [Problem((), f"is {written}; write {', '.join(words)}, or go_to: NAME OF A LATER STEP.{hint}")]
    )


def write_rule(rule: Rule) -> JSON:
    """A rule as its document has it."""
    return {"go_to": rule.step} if rule.then is Then.GO_TO else rule.then.value
