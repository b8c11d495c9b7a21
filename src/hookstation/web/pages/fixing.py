"""Fix and replay: a person edits a copy of an event's payload, tries it, and sends it in with a note that says why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.events import Event
from hookstation.engine.dryrun import Trial
from hookstation.engine.fix import LONGEST_NOTE
from hookstation.engine.replay import FREELY
from hookstation.errors import BodyRefused, Conflict, Invalid, NotFound
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.events import body_of
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

BYTES: Final = "bytes"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is in the form, and what came of it."""

    text: str
    note: str = ""
    trial: Trial | None = None
    body_error: str = ""
    note_error: str = ""

    @property
    def status(self) -> int:
        """Of the page that shows it."""
        return 422 if self.body_error or self.note_error else 200


async def show_fix(request: Request, services: Services) -> Response:
    """The payload to edit."""
    event = await _event(request, services)
    payload = await services.store.get_payload(event.id)
    if payload is None:
        raise Conflict("The body of this event was not kept, so there is nothing to edit.")
    body = await asyncio.to_thread(body_of, payload)
    if body.language == BYTES:
        raise Conflict("The body of this event is not text, so it cannot be edited here.")
    return await _form(request, event, Attempt(body.text))


async def fix(request: Request, services: Services) -> Response:
    """Try the edited copy, or send it in."""
    event, form = await _event(request, services), await read_form(request)
    text, note = form.one("body"), form.one("note").strip()
    if form.one("act") == "try":
        trial = services.dry_run.test(event.webhook, text.encode(), {}, event.query)
        return await _form(request, event, Attempt(text, note, trial))
    try:
        copy = await _send(event, form, visitor_of(request).name, services)
    except BodyRefused as refused:
        return await _form(request, event, Attempt(text, note, body_error=refused.reason))
    except Invalid as invalid:
        told = {str(one.path[0]): f"It {one.message}" for one in invalid.problems if one.path}
        wrong = Attempt(text, note, None, told.get("body", ""), told.get("note", ""))
        return await _form(request, event, wrong)
    return RedirectResponse(f"/events/{quote(copy, safe='')}?done=fixed", 303)


async def _send(event: Event, form: Form, who: str, services: Services) -> str:
    """The id of the event that the copy became."""
    fixed = await services.remedies.fix.fix(
        event.id,
        form.one("body").encode(),
        form.one("note").strip(),
        who,
        again=form.one("again") == "yes",
    )
    return fixed.event_id


async def _form(request: Request, event: Event, attempt: Attempt) -> Response:
    context = {
        "one": event,
        "attempt": attempt,
        "doubles": event.state not in FREELY,
        "longest_note": str(LONGEST_NOTE),
    }
    return await page(request, "events/fix.html", context, attempt.status)


async def _event(request: Request, services: Services) -> Event:
    event_id: str = request.path_params["id"]
    event = await services.store.get_event(event_id)
    if event is None:
        raise NotFound("event", event_id)
    return event


PAGES: Final = (
    Page("/events/{id}/fix", show_fix),
    Page("/events/{id}/fix", fix, ("POST",)),
)
