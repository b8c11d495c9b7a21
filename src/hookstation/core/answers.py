"""Answers of an inbound webhook, as `contracts/inbound.md` gives them byte by byte.

A `Voice` speaks in the shapes of one answer mode; the lane adds Content-Type, Content-Length and the event id.  The
functions of this module speak in mode `outcome`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal

from hookstation.core.definitions import AnswerMode, Webhook
from hookstation.core.events import Answer, Mark, MarkState
from hookstation.core.journal_rules import time_in
from hookstation.core.jsontext import dump_json_line
from hookstation.core.schema_words import Violation
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused

LONGEST_ERROR: Final = 1_000
"""Most characters of an error text that go to a sender; a longer one ends in an ellipsis."""

REPLAYED: Final = ("Hookstation-Replayed", "true")

APPLIED: Final = ("Preference-Applied", "respond-async")
"""RFC 7240, section 3."""

ASK_AGAIN: Final = 2
"""Seconds after which a sender may ask how a run stands."""

_TIME: Final = 10
"""Characters of an event's id that tell when it was made."""

INVALID: Final = "Invalid JSON body: "

SUCCEEDED: Final = Answer(200, b'{"success": true}')
NOT_FOUND: Final = Answer(404, b'{"success": false}')


class Voice:
    """Mode `outcome`: the answer is the truth."""

    __slots__ = ()

    mode: AnswerMode = AnswerMode.OUTCOME

    def refused(self, status: int, error: str, *headers: tuple[str, str]) -> Answer:
        """An answer that carries only an error text: 401, 403, 405, 408, 409, 413, 415, 429, 500, 503, 508."""
        return Answer(status, dump_json_line(self._error(shorten(error))), headers)

    def failed(self, error: str) -> Answer:
        """500: the action or the mapping failed."""
        return self.refused(500, error)

    def busy(self, status: int, error: str, seconds: float) -> Answer:
        """429 or 503 with Retry-After, in whole seconds rounded up."""
        return self.refused(status, error, ("Retry-After", str(max(1, int(-(-seconds // 1))))))

    def invalid(self, violations: Sequence[Violation]) -> Answer:
        """400: every violation, as sentences for people and, in the same order, for machines."""
        errors: list[JSON] = [{"path": v.path, "rule": v.rule, "message": v.message} for v in violations]
        sentences: list[JSON] = [v.message for v in violations]
        head = self._invalid("; ".join(v.message for v in violations))
        return Answer(400, dump_json_line({**head, "validationErrors": sentences, "errors": errors}))

    def unreadable(self, refusal: BodyRefused) -> Answer:
        """400 for a body that is not JSON; other statuses carry the reason alone."""
        if refusal.status != 400:
            return self.refused(refusal.status, refusal.reason)
        return self.invalid([Violation(refusal.path, refusal.rule, refusal.reason)])

    def repeated(self, mark: Mark) -> Answer | None:
        """What a repeat of the call behind `mark` gets; ``None`` while it has to wait."""
        if mark.state is MarkState.SUCCEEDED:
            return Answer(mark.answer_status, mark.answer_body, (REPLAYED,))
        return pending(mark.run_id) if mark.state is MarkState.UNKNOWN else None

    def _error(self, told: str) -> dict[str, JSON]:
        return {"success": False, "error": told}

    def _invalid(self, _sentences: str) -> dict[str, JSON]:
        return {"success": False}


class Acknowledging(Voice):
    """Mode `queued` or `poll`: the work is done after the answer.

    `status` and `omit_body` as the webhook says for mode `queued`; `applied`: the sender asked for mode `poll` by
    ``Prefer: respond-async``.
    """

    __slots__ = ("applied", "mode", "omit_body", "status")

    def __init__(
        self,
        mode: Literal[AnswerMode.QUEUED, AnswerMode.POLL],
        status: int = 200,
        *,
        omit_body: bool = False,
        applied: bool = False,
    ) -> None:
        self.mode, self.status, self.omit_body, self.applied = mode, status, omit_body, applied

    def acknowledged(self, event_id: str, run_id: str) -> Answer:
        """The event and its work are committed. The time it tells is the one in the event's id."""
        if self.mode is AnswerMode.POLL:
            headers = _where(run_id)
            return Answer(202, _queued(run_id), (*headers, APPLIED) if self.applied else headers)
        return Answer(self.status, b"" if self.omit_body else self._receipt(event_id, run_id))

    def repeated(self, mark: Mark) -> Answer | None:
        """The same acknowledgement again. What came in mode `outcome`, and has no run, gets what that mode tells."""
        if not mark.run_id:
            return super().repeated(mark)
        if mark.state is MarkState.UNKNOWN and self.mode is AnswerMode.QUEUED:
            receipt = self._receipt(mark.event_id, mark.run_id)
            return Answer(202, receipt, (*_where(mark.run_id), REPLAYED))
        return self.again(mark.event_id, mark.run_id)

    def again(self, event_id: str, run_id: str) -> Answer:
        """The acknowledgement of an earlier call, for its repeat."""
        first = self.acknowledged(event_id, run_id)
        return Answer(first.status, first.body, (*first.headers, REPLAYED))

    def _receipt(self, event_id: str, run_id: str) -> bytes:
        made = _moment(event_id[:_TIME])
        return b'{"error": false, "id": "%b", "queueTime": "%b"}' % (run_id.encode(), made)

    def _error(self, told: str) -> dict[str, JSON]:
        return {"error": True, "message": told}

    def _invalid(self, sentences: str) -> dict[str, JSON]:
        return {"error": True, "message": shorten(INVALID + sentences)}


OUTCOME: Final = Voice()
refused, failed, busy = OUTCOME.refused, OUTCOME.failed, OUTCOME.busy
invalid, unreadable = OUTCOME.invalid, OUTCOME.unreadable


def voice_of(webhook: Webhook) -> Voice:
    """How a webhook speaks to senders that ask for nothing else."""
    return voice_in(webhook.answer, webhook.acknowledge, omit_body=webhook.omit_body)


def voice_in(mode: AnswerMode, acknowledge: int = 200, *, omit_body: bool = False) -> Voice:
    """The voice of a mode; the others as the webhook says for mode `queued`."""
    if mode is AnswerMode.OUTCOME:
        return OUTCOME
    return Acknowledging(mode, acknowledge, omit_body=omit_body)


ON_REQUEST: Final = Acknowledging(AnswerMode.POLL, applied=True)
"""The voice for a sender that prefers not to wait, where its webhook allows that."""


def prefers_async(prefer: str) -> bool:
    """Whether a ``Prefer`` header asks for ``respond-async`` (RFC 7240, section 4.1), among whatever else it asks."""
    wishes = (wish.partition(";")[0].strip().lower() for wish in prefer.split(","))
    return "respond-async" in wishes


def pending(run_id: str, seconds: int = ASK_AGAIN) -> Answer:
    """202: the event is safe, its outcome not yet known; the status address tells it."""
    body = dump_json_line({"success": True, "pending": True, "id": run_id})
    return Answer(202, body, _where(run_id, seconds))


def _where(run_id: str, seconds: int = ASK_AGAIN) -> tuple[tuple[str, str], ...]:
    return (("Location", f"/hooks/runs/{run_id}"), ("Retry-After", str(seconds)))


def _queued(run_id: str) -> bytes:
    return b'{"id": "%b", "status": "queued"}' % run_id.encode()


@lru_cache(maxsize=64)
def _moment(beginning: str) -> bytes:
    """The second in which an id was made that begins so: as long as the millisecond lasts, many do."""
    return _second(time_in(beginning) // 1_000_000)


@lru_cache(maxsize=8)
def _second(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def with_event_id(answer: Answer, event_id: str) -> Answer:
    """The answer with the header that names its event."""
    return Answer(answer.status, answer.body, (*answer.headers, ("Hookstation-Event-Id", event_id)))


def shorten(text: str) -> str:
    """`text` with a visible mark where it is longer than a sender is told."""
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 1] + "…"
