"""What an HTTP status means for a step that called without a connection."""

from __future__ import annotations

from typing import Final

from hookstation.core.workflows.catalog.spec import SAFE_METHODS
from hookstation.errors import Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.api import ApiAnswer

LONGEST_SHOWN: Final = 300
LONGEST_WAIT: Final = 3_600


def checked(answer: ApiAnswer, method: str) -> ApiAnswer:
    """The answer, where its status is below 400; else the error that it means.

    429 and 503 say that nothing was done; of the gateways' 502 and 504 that is not known, unless the method changes
    nothing.
    """
    status = answer.status
    if status < 400:
        return answer
    told = f"The target answered {status}{_said(answer)}"
    if status in (401, 403, 407):
        raise NeedsAuth(told)
    if status in (429, 503):
        raise Busy(told, seconds=_seconds(answer))
    if status >= 500 and method in SAFE_METHODS:
        raise Retriable(told)
    if status in (502, 504):
        raise UnknownOutcome(f"{told} Whether it did the work is not known.")
    raise Terminal(told)


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
