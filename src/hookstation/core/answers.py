"""Answers of an inbound webhook in mode `outcome`, as `contracts/inbound.md` gives them byte by byte.

One function an answer; the lane adds Content-Type, Content-Length and the event id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hookstation.core.events import Answer
from hookstation.core.jsontext import dump_json_line
from hookstation.core.schema_words import Violation
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused

LONGEST_ERROR: Final = 1_000
"""Most characters of an error text that go to a sender; a longer one ends in an ellipsis."""

REPLAYED: Final = ("Hookstation-Replayed", "true")

SUCCEEDED: Final = Answer(200, b'{"success": true}')
NOT_FOUND: Final = Answer(404, b'{"success": false}')


def refused(status: int, error: str, *headers: tuple[str, str]) -> Answer:
    """An answer that carries only an error text: 401, 403, 405, 408, 409, 413, 415, 429, 500, 503."""
    return Answer(status, dump_json_line({"success": False, "error": shorten(error)}), headers)


def failed(error: str) -> Answer:
    """500: the action or the mapping failed."""
    return refused(500, error)


def busy(status: int, error: str, seconds: float) -> Answer:
    """429 or 503 with Retry-After, in whole seconds rounded up."""
    return refused(status, error, ("Retry-After", str(max(1, int(-(-seconds // 1))))))


def invalid(violations: Sequence[Violation]) -> Answer:
    """400: every violation, as sentences for people and, in the same order, for machines."""
    errors: list[JSON] = [{"path": v.path, "rule": v.rule, "message": v.message} for v in violations]
    sentences: list[JSON] = [v.message for v in violations]
    return Answer(400, dump_json_line({"success": False, "validationErrors": sentences, "errors": errors}))


def unreadable(refusal: BodyRefused) -> Answer:
    """400 for a body that is not JSON; other statuses carry the reason alone."""
    if refusal.status != 400:
        return refused(refusal.status, refusal.reason)
    return invalid([Violation(refusal.path, refusal.rule, refusal.reason)])


def pending(run_id: str, seconds: int = 2) -> Answer:
    """202: the event is safe, its outcome not yet known; the status address tells it."""
    body = dump_json_line({"success": True, "pending": True, "id": run_id})
    return Answer(202, body, (("Location", f"/hooks/runs/{run_id}"), ("Retry-After", str(seconds))))


def shorten(text: str) -> str:
    """`text` with a visible mark where it is longer than a sender is told."""
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 1] + "…"
