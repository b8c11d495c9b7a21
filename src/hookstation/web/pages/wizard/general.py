"""The first section: what people call the webhook, and from that what commands call it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.definitions import WebhookState
from hookstation.core.documents.drafts import Document
from hookstation.core.naming import slug
from hookstation.errors import Conflict, Invalid, Problem
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.wizard.frame import Look, Section, address, look_at, save, show
from hookstation.web.services import Services

STATES: Final = (
    (WebhookState.ACTIVE.value, "active – takes calls"),
    (WebhookState.PAUSED.value, "paused – callers are told to come again (503)"),
    (WebhookState.DISABLED.value, "disabled – as if it were not there (404)"),
    (WebhookState.ARCHIVED.value, "archived – put away (404)"),
)


async def read(look: Look, form: Form) -> Document:
    """The document with what the form says. Raises `Invalid` for a title that says nothing."""
    said: Document = {"title": _title(form), "note": form.one("note"), "state": form.one("state") or "active"}
    return {**look.document, **said}


def _title(form: Form) -> str:
    title = " ".join(form.one("title").split())
    if not title:
        raise Invalid([Problem(("title",), "Give it a name, such as “Course completions”.")])
    return title


async def context(look: Look) -> dict[str, object]:
    """What the page shows."""
    sent = look.form
    return {
        "shown": {
            "title": sent.one("title") if sent.fields else look.document.get("title", ""),
            "note": sent.one("note") if sent.fields else look.document.get("note", ""),
            "state": sent.one("state") if sent.fields else look.document.get("state", "active"),
            "name": sent.one("name") if sent.fields else look.name,
        },
        "choices": STATES,
        "may_be_renamed": look.draft.live is None,
    }


GENERAL: Final = Section("general", context, read)


async def new(request: Request, services: Services) -> Response:
    """An empty form; with a title, the name that it would get."""
    title = request.query_params.get("title", "")
    shown = {
        "title": title,
        "note": "",
        "error": "",
        "slug": await _free(title, services) if title.strip() else "",
    }
    return await page(request, "wizard/new.html", shown, part="slug")


async def make(request: Request, services: Services) -> Response:
    """Begin a draft, and go on to its data."""
    form = await read_form(request)
    try:
        title = _title(form)
        name = await _free(title, services)
        document: Document = {"title": title, "note": form.one("note"), "state": "active"}
        await services.changing.drafts.save(name, document, 0, visitor_of(request).name)
    except Invalid as invalid:
        said = invalid.problems[0].message
        shown = {"title": form.one("title"), "note": form.one("note"), "error": said, "slug": ""}
        return await page(request, "wizard/new.html", shown, 422)
    return RedirectResponse(address(name, "data"), 303)


async def save_general(request: Request, services: Services) -> Response:
    """Save the section; a webhook that was never live may get another name, too."""
    form, look = await read_form(request), await look_at(request, services, check=False)
    answer = await save(request, services, GENERAL)
    wanted = form.one("name").strip()
    if answer.status_code != 303 or not wanted or wanted == look.name or look.draft.live is not None:
        return answer
    now = await look_at(request, services)
    try:
        moved = await services.changing.drafts.rename(
            look.name, wanted, now.draft.began, visitor_of(request).name
        )
    except Invalid as invalid:
        return await show(replace(now, form=form, problems=invalid.problems), GENERAL, 422)
    except Conflict as conflict:
        problems = [Problem(("name",), conflict.message)]
        return await show(replace(now, form=form, problems=problems), GENERAL, 409)
    return RedirectResponse(
        answer.headers["location"].replace(f"/{look.name}/", f"/{moved.webhook}/", 1), 303
    )


async def _free(title: str, services: Services) -> str:
    """A name that no webhook and no draft has."""
    drafts = await services.changing.drafts.list()
    return slug(title, {*services.board.stored.webhooks, *(one.webhook for one in drafts)})
