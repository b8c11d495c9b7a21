"""What answers of HTTP interfaces mean for steps, and what is put out of them."""

from __future__ import annotations

from typing import Final

from hookstation.core.outgoing.retrying import LONGEST_WISH, retry_after
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog.spec import SAFE_METHODS
from hookstation.engine.workflows.steps.files import shaped
from hookstation.errors import ActionFailed, Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.api import ApiAnswer

REPEATABLE: Final = SAFE_METHODS | {"PUT", "DELETE"}
"""Methods that do the same when they are executed twice (RFC 9110, 9.2.2)."""

UNDECIDED: Final = frozenset({408, *range(500, 600)}) - {501, 505}
"""Statuses that do not say whether the call was executed."""

LONGEST_SHOWN: Final = 300


def checked(answer: ApiAnswer, method: str, now: int) -> ApiAnswer:
    """The answer, where its status is below 300 or 304; else the error that it means, as for a connection's calls.

    425 and 429 say that nothing was done, and so does 503 with the time to wait; of 408 and the other 5xx that is not
    known, unless the method may be repeated.
    `now`: microseconds since the epoch, for a ``Retry-After`` that is a date.
    """
    if answer.status < 300 or answer.status == 304:
        return answer
    failure = _refusal(answer, method, min(retry_after(answer.headers.items(), now), LONGEST_WISH))
    failure.answer = answer
    raise failure


def answered(answer: ApiAnswer, shape: str = "json", name: str = "") -> JSON:
    """What a step puts out of an answer.

    As ``json``, an answer that does not call itself JSON may be any text, and so may one that says no.
    """
    headers: dict[str, JSON] = dict(answer.headers)
    media = answer.headers.get("content-type", "").partition(";")[0].strip()
    body: JSON = None
    if answer.body:
        try:
            body = shaped(answer.body, shape, name, media=media)
        except Terminal:
            if shape != "json" or ("json" in media.lower() and answer.status < 300):
                raise
            body = answer.body.decode(errors="replace")
    return {"status": answer.status, "headers": headers, "body": body}


def _refusal(answer: ApiAnswer, method: str, wait: float) -> ActionFailed:
    status, told = answer.status, f"The target answered {answer.status}{_said(answer)}"
    if status < 400:
        return Terminal(
            f"The target redirects elsewhere ({status}); put its final address there.", detail=told
        )
    if status in (401, 403, 407):
        return NeedsAuth(told)
    if status in (425, 429) or (status == 503 and (wait or method in REPEATABLE)):
        return Busy(told, seconds=wait)
    if status not in UNDECIDED:
        return Terminal(told)
    if method in REPEATABLE:
        return Retriable(told)
    return UnknownOutcome(f"{told} Whether it did the work is not known.")


def _said(answer: ApiAnswer) -> str:
    words = " ".join(answer.body[: 4 * LONGEST_SHOWN].decode(errors="replace").split())
    if not words:
        return "."
    return f": {words if len(words) <= LONGEST_SHOWN else words[:LONGEST_SHOWN] + '…'}"
