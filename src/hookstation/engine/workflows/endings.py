"""What the end of a run says to others: the event that it finishes, the run that waits for it, what began it."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from hookstation.core import answers
from hookstation.core.events import Answer, Settlement, State
from hookstation.core.jsontext import dump_json_line
from hookstation.core.values import JSON
from hookstation.core.workflows.decisions import RunEnd
from hookstation.core.workflows.run_rules import child_told
from hookstation.core.workflows.values import EventEnd, Outcome, Run, RunState, Signal
from hookstation.engine.settlements import failure
from hookstation.engine.workflows.plans import TRANSFER
from hookstation.engine.workflows.texts import read_text

SCHEDULE: Final = "schedule:"
REFUSED: Final = 400
"""The least status of an answer that says no."""


def event_end(run: Run, end: RunEnd, now: int) -> EventEnd | None:
    """How the journal's event stands with the run's end, ``None`` where it finishes none."""
    if not run.event_id:
        return None
    return EventEnd(run.event_id, settlement_of(end.state, end.error, end.answer or run.answer), now)


def settlement_of(state: RunState, error: str, answer: str) -> Settlement:
    """How an event stands whose run ended so. `answer`: what `respond` said.

    What failed is told as such, unless the workflow itself gave an answer that says no.
    """
    given = answer_of(answer)
    if state is RunState.UNKNOWN:
        return Settlement(State.UNKNOWN, error=answers.shorten(error))
    if state is RunState.SUCCEEDED:
        told = given or answers.SUCCEEDED
        return Settlement(State.SUCCEEDED, told.status, told.body)
    failed = failure(error)
    if given is not None and given.status >= REFUSED:
        return structs.replace(failed, answer_status=given.status, answer_body=given.body)
    return failed


def answer_of(written: str) -> Answer | None:
    """The answer that `respond` wrote down; ``None`` where there is none."""
    said = read_text(written)
    if not isinstance(said, dict):
        return None
    status, headers, body = said.get("status"), said.get("headers"), said.get("body")
    pairs = tuple((name, str(value)) for name, value in headers.items()) if isinstance(headers, dict) else ()
    return Answer(status if isinstance(status, int) else 200, _body(body), pairs)


def told_of(run: Run) -> Answer:
    """What the caller is told of a run that has ended."""
    settled = settlement_of(run.state, run.error, run.answer)
    given = answer_of(run.answer)
    if given is not None and given.status == settled.answer_status:
        return given
    return Answer(settled.answer_status, settled.answer_body)


def parent_signal(run: Run, end: RunEnd, now: int) -> tuple[Signal, ...]:
    """The word to the run that waits for this one."""
    if not run.parent or not run.parent_path:
        return ()
    child = run.id, run.parent, run.parent_path
    return (child_told(child, end.state, end.error, now, read_text(end.output)),)


def outcomes(run: Run, end: RunEnd, now: int) -> tuple[Outcome, ...]:
    """For what the end counts: the schedule that began the run, and the transfer that it is."""
    succeeded = end.state is RunState.SUCCEEDED
    found = []
    if run.trigger.startswith(SCHEDULE):
        found.append(Outcome("schedules", run.trigger[len(SCHEDULE) :], succeeded, now, end.error))
    if run.workflow.startswith(TRANSFER):
        found.append(Outcome("transfers", run.workflow[len(TRANSFER) :], succeeded, now, end.error))
    return tuple(found)


def _body(body: JSON) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else dump_json_line(body)
