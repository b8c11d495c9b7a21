"""What an HTTP status means for a step that called without a connection."""

from __future__ import annotations

from typing import Final

from hookstation.core.workflows.catalog.spec import SAFE_METHODS
from hookstation.errors import Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.api import ApiAnswer

REPEATABLE: Final = SAFE_METHODS | {"PUT", "DELETE"}
"""Methods that do the same when they are executed twice (RFC 9110, 9.2.2)."""

UNDECIDED: Final = frozenset({408, *range(500, 600)}) - {501, 505}
"""Statuses that do not say whether the call was executed."""

LONGEST_SHOWN: Final = 300
LONGEST_WAIT: Final = 3_600


def checked(answer: ApiAnswer, method: str) -> ApiAnswer:
    """The answer, where its status is below 300 or 304; else the error that it means, as for a connection's calls.

    425 and 429 say that nothing was done, and so does 503 with the time to wait; of 408 and the other 5xx that is not
    known, unless the method may be repeated.
    """
    status = answer.status
    if status < 300 or status == 304:
        return answer
    told = f"The target answered {status}{_said(answer)}"
    if status < 400:
        raise Terminal(
            f"The target redirects elsewhere ({status}); put its final address there.", detail=told
        )
    if status in (401, 403, 407):
        raise NeedsAuth(told)
    wait = _seconds(answer)
    if status in (425, 429) or (status == 503 and (wait or method in REPEATABLE)):
        raise Busy(told, seconds=wait)
    if status not in UNDECIDED:
        raise Terminal(told)
    if method in REPEATABLE:
        raise Retriable(told)
    raise UnknownOutcome(f"{told} Whether it did the work is not known.")


def _said(answer: ApiAnswer) -> str:
    words = " ".join(answer.body[: 4 * LONGEST_SHOWN].decode(errors="replace").split())
    if not words:
        return "."
    return f": {words if len(words) <= LONGEST_SHOWN else words[:LONGEST_SHOWN] + '…'}"


def _seconds(answer: ApiAnswer) -> float:
    """Seconds of ``Retry-After`` (RFC 9110, 10.2.3); a date there counts as not said."""
    said = answer.headers.get("retry-after", "")
    return (
        float(min(int(said), LONGEST_WAIT)) if said.isascii() and said.isdecimal() and len(said) < 9 else 0.0
    )
