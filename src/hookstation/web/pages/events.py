"""The journal: what came, what became of it, and one event with all that is kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.events import OPEN_STATES, Event, State
from hookstation.core.jobs import EVENTS, JobState
from hookstation.core.journal_rules import time_in
from hookstation.core.jsontext import parse_json
from hookstation.engine.fix import EDIT_NOTE, EDITED_BY, EDITED_FROM
from hookstation.errors import BodyRefused, Invalid, Problem
from hookstation.ports.store import Payload
from hookstation.web.api import asking
from hookstation.web.pages.caused import caused_by
from hookstation.web.pages.event_words import SECTIONS, advice
from hookstation.web.pages.filters import pretty
from hookstation.web.pages.remedying import CAN_END, can_replay
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

PER_PAGE: Final = 50
SIMILAR: Final = 5
INDEXED: Final = ("text", "sender", "dedup_key", "record_key")
"""What the index of words is asked for."""
FURTHER: Final = ("sender", "record_key", "dedup_key", "event_id")
"""What is asked more seldom."""
FILTERS: Final = ("webhook", "status", "since", "until", "text", *FURTHER)
ASKED: Final = (*FILTERS, "after", "live")
LABELS: Final = {
    "since": "From",
    "until": "Until",
    "status": "State",
    "text": "Text in the payload",
    "sender": "Sender’s address",
    "record_key": "Record key",
    "dedup_key": "Repeats known by",
    "event_id": "Event id",
}
DONE: Final = {
    "replayed": "A new attempt was made. It stands as follows.",
    "cancelled": "It was ended. A replay begins it anew.",
    "hurried": "It is tried now, with all its tries before it.",
    "resolved": "Its outcome is settled as you said.",
    "fixed": "The edited copy came in, as this event of its own.",
}
"""What was just done, in words."""
STAGES: Final = {
    "read": "Receive the call",
    "verify": "Verify the sender",
    "decode": "Read the body",
    "schema": "Check the schema",
    "map": "Map to the record",
    "commit": "Commit",
    "write": "Write the record",
}
"""The stages that are timed, in the words of the pages; one that is not here goes by its own name."""


@dataclass(frozen=True, slots=True)
class Body:
    """What was received: its text for a person; `language` is json where it is that."""

    text: str
    language: str


async def list_events(request: Request, services: Services) -> Response:
    """The journal, newest first; the newest page renews itself unless that is paused."""
    asked = {name: request.query_params.get(name, "") for name in ASKED}
    wrong: tuple[str, ...] = ()
    events, following = [], ""
    try:
        which = asking.events(request, services.clock.now())
        found = await services.store.list_events(which, PER_PAGE, asked["after"])
        events, following = [*found.items], found.next
    except Invalid as invalid:
        wrong = tuple(f"{_label(problem)} {problem.message}" for problem in invalid.problems)
    context = {
        "events": events,
        "next": following,
        "looked_back_to": time_in(following),
        "asked": asked,
        "wrong": wrong,
        "filtered": any(asked[name] for name in FILTERS),
        "further": any(asked[name] for name in FURTHER),
        "lag": await _lag(services, asked),
        "live": asked["live"] != "off"
        and not asked["after"]
        and not wrong
        and (bool(events) or not following),
        "webhooks": sorted(services.board.stored.webhooks),
        "states": [*State],
        "bulk": {name: asked[name] for name in FILTERS if asked[name]},
    }
    return await page(request, "events/list.html", context, 422 if wrong else 200, part="journal")


def _label(problem: Problem) -> str:
    name = problem.pointer.strip("/")
    return LABELS.get(name, name)


async def _lag(services: Services, asked: dict[str, str]) -> float | None:
    """Seconds that the index is behind, where it was asked; ``None`` where it was not."""
    return await services.remedies.indexer.lag() if any(asked[name] for name in INDEXED) else None


async def show_event(request: Request, services: Services) -> Response:
    """One event with everything that is kept of it."""
    event_id: str = request.path_params["id"]
    told = await services.remedies.explain.explain(event_id)
    event = told.event
    payload = await services.store.get_payload(event_id)
    job = await services.store.find_job(EVENTS, event.id) if event.state in OPEN_STATES else None
    context = {
        "one": event,
        "body": None if payload is None else await asyncio.to_thread(body_of, payload),
        "answer": body_of(Payload(event.id, event.answer_body)) if event.answer_body else None,
        "attempts": await services.store.list_attempts(event_id),
        "stages": [(STAGES.get(one.stage, one.stage), one.took) for one in told.stages],
        "mapped": told.mapped,
        "advice": advice(event),
        "sections": SECTIONS,
        "headers": {name: one for name, one in event.headers.items() if not name.startswith(":")},
        "edited_from": event.headers.get(EDITED_FROM, ""),
        "edited_by": event.headers.get(EDITED_BY, ""),
        "edit_note": event.headers.get(EDIT_NOTE, ""),
        "copies": await services.remedies.fix.copies(event_id),
        "longest": max(event.timings.values(), default=0),
        "record_path": record_path(event, services),
        "webhook_is_there": event.webhook in services.board.stored.webhooks,
        "can_replay": can_replay(event, payload) and event.webhook in services.board.stored.webhooks,
        "can_end": job is not None and (event.state in CAN_END or bool(job.job.lane)),
        "can_hurry": job is not None and bool(job.job.lane) and job.state is not JobState.LEASED,
        "caused": await caused_by(event, services),
        "similar": told.similar[:SIMILAR],
        "more_similar": told.more_similar or len(told.similar) > SIMILAR,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return await page(request, "events/show.html", context)


def record_path(event: Event, services: Services) -> str:
    """Where its record can be seen here; empty where it is kept elsewhere or was never written."""
    if not event.record_key or services.targets.local(event.connection) is None:
        return ""
    return f"/records/{event.entity}?{urlencode({'key': event.record_key})}"


def body_of(payload: Payload) -> Body:
    """A body as text: JSON laid out with the sender's digits, other text as it came, bytes in hexadecimal."""
    try:
        return Body(pretty(parse_json(payload.body).value), "json")
    except BodyRefused:
        pass
    try:
        return Body(payload.body.decode(), "text")
    except UnicodeDecodeError:
        return Body(payload.body.hex(" "), "bytes")


PAGES: Final = (Page("/events", list_events), Page("/events/{id}", show_event))
