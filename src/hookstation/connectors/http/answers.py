"""What an answer's status, or none, tells the runtime to do (pure)."""

from __future__ import annotations

from typing import Final

from hookstation.core.outgoing.values import Trouble
from hookstation.errors import ActionFailed, Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.sender import NotSent, Receipt

REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods that do the same when they are executed twice (RFC 9110, 9.2.2)."""

NOT_MODIFIED: Final = 304
UNDECIDED: Final = frozenset({408, *range(500, 600)}) - {501, 505}
"""Statuses that do not say whether the call was executed."""

LONGEST_DETAIL: Final = 2_000
FINAL: Final = frozenset({Trouble.ADDRESS, Trouble.MAPPING})
"""What stays as it is however often it is tried."""


def refusal(receipt: Receipt, method: str, wish: float) -> ActionFailed | None:
    """What a status from 300 on means; ``None`` for an answer to be taken. `wish`: seconds of ``Retry-After``."""
    status = receipt.status
    if status < 300 or status == NOT_MODIFIED:
        return None
    detail = f"status {status}: {receipt.body[:LONGEST_DETAIL].decode('utf-8', 'replace')}"
    if status < 400:
        return Terminal(
            f"The system redirects elsewhere ({status}); put its final address in the connection.",
            detail=detail,
        )
    if status in (401, 407):
        return NeedsAuth(f"The system refuses our credentials ({status}).", detail=detail)
    if status in (425, 429) or (status == 503 and (wish or method in REPEATABLE)):
        return Busy(f"The system wants to be asked later ({status}).", detail=detail, seconds=wish)
    if status in UNDECIDED:
        return _undecided(f"The system failed ({status})", method, detail)
    return Terminal(f"The system refused the call ({status}).", detail=detail)


def unanswered(failure: NotSent, method: str) -> ActionFailed:
    """What it means that no answer came."""
    if failure.trouble in FINAL:
        return Terminal(
            "The call cannot go out as it is; see the log for what to change or to permit.",
            detail=failure.message,
        )
    if failure.sent:
        return _undecided("The system was called, but did not answer", method, failure.message)
    return Retriable("The system cannot be reached; nothing was sent.", detail=failure.message)


def _undecided(what: str, method: str, detail: str) -> ActionFailed:
    if method in REPEATABLE:
        return Retriable(f"{what}.", detail=detail)
    return UnknownOutcome(f"{what}; whether it did the work is not known.", detail=detail)
