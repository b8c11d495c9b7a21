"""The status address: how a run stands, for whom it was given to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from hookstation.core import answers
from hookstation.core.events import OPEN_STATES, Answer, Event, State
from hookstation.core.jobs import EVENTS
from hookstation.core.jsontext import dump_json_line, parse_json
from hookstation.core.values import JSON
from hookstation.engine.settlements import CANCELLED
from hookstation.engine.unfinished import read_unfinished
from hookstation.errors import BodyRefused, StoreError
from hookstation.ports.store import Store

RETRY_AFTER: Final = 2
LONGEST_ID: Final = 64
ENDED_BY_US: Final = "It was cancelled at the station: nothing more is tried for it."
"""What a sender is told of a run that somebody ended: by whom, and what was seen then, stays in the journal."""


class Runs:
    """Answers ``GET /hooks/runs/<id>``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def answer(self, method: str, run_id: str) -> Answer:
        """202 while it runs, 200 at its end, 404 for anything else."""
        if not run_id or len(run_id) > LONGEST_ID:
            return answers.NOT_FOUND
        try:
            event = await self._store.find_run(run_id)
            runs_on = event is not None and await self._runs_on(event)
        except StoreError:
            return answers.busy(503, "The journal cannot be read just now. Ask again.", RETRY_AFTER)
        if event is None:
            return answers.NOT_FOUND
        if method not in ("GET", "HEAD"):
            return answers.refused(405, "Send a GET request.", ("Allow", "GET, HEAD"))
        if runs_on:
            body = dump_json_line({"id": run_id, "status": word_of(event)})
            return Answer(202, body, (("Retry-After", str(RETRY_AFTER)),))
        return Answer(200, dump_json_line(describe(event)))

    async def _runs_on(self, event: Event) -> bool:
        """An unknown outcome that nobody looks up any more waits for a person: that is an end for the caller."""
        if event.state is State.UNKNOWN:
            found = await self._store.find_job(EVENTS, event.id)
            return found is not None and not read_unfinished(found.job).parked
        return event.state in OPEN_STATES


WORDS: Final = {
    State.WORKING: "running",
    State.SENDING: "running",
    State.HELD: "queued",
    State.UNKNOWN: "unknown",
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.REJECTED: "failed",
}


def word_of(event: Event) -> str:
    """How a run stands, in the words of its status address."""
    if event.state is State.WORKING and not event.attempts:
        return "queued"
    if event.state is State.FAILED and event.reason == CANCELLED:
        return "cancelled"
    return WORDS[event.state]


def describe(event: Event) -> dict[str, JSON]:
    """A finished run as its status address shows it; nothing of the payload is in it."""
    shown: dict[str, JSON] = {"id": event.run_id, "status": word_of(event)}
    if event.state is State.SUCCEEDED:
        shown["result"] = _result(event.answer_body)
    else:
        shown["error"] = ENDED_BY_US if event.reason == CANCELLED else event.error
    shown["queued_at"] = moment(event.received_at)
    shown["started_at"] = moment(event.started_at)
    shown["ended_at"] = moment(event.settled_at)
    return shown


def _result(body: bytes) -> JSON:
    """What a caller who waited was told: `success`, or what the workflow itself answered where that is JSON."""
    try:
        return parse_json(body).value
    except BodyRefused:
        return {"success": True}


def moment(microseconds: int) -> str | None:
    """ISO 8601 in UTC with milliseconds, ``None`` for a time that has not come."""
    if not microseconds:
        return None
    stamp = datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")
