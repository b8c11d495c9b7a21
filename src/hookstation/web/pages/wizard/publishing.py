"""The last section: the draft goes live, and what the sender needs is handed out."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.definitions import WebhookState
from hookstation.core.documents.drafts import Document
from hookstation.errors import Conflict, Invalid, NotFound
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.wizard.frame import Look, Section, address, look_at, name_of, refuse_stale, show
from hookstation.web.pages.wizard.trying import SENT_FOR_TEST
from hookstation.web.services import Services


async def context(look: Look) -> dict[str, object]:
    """What the page shows."""
    live = look.draft.live
    was_for_test = live is not None and live.note == SENT_FOR_TEST
    state = look.document.get("state", WebhookState.ACTIVE.value)
    handed = None
    if look.name in look.services.board.stored.webhooks:
        try:
            handed = look.services.wizard.handout(look.name, look.services.base_url)
        except (NotFound, Invalid):
            handed = None
    return {
        "handout": handed,
        "state": WebhookState.ACTIVE.value if was_for_test else state,
        "only_for_test": was_for_test,
        "published": look.request.query_params.get("published", ""),
        "unfinished": [key for key in ("data", "action", "access") if not _is_there(look.document, key)],
        "began_live": live.number if live else 0,
    }


def _is_there(document: Document, section: str) -> bool:
    if section == "action" and "workflow" in document:
        return True
    return {"data": "schema", "action": "action", "access": "authentication"}[section] in document


SAVE: Final = Section("save", context)


async def publish(request: Request, services: Services) -> Response:
    """Put the draft live, in the state that was chosen. Every problem is told where it is put right."""
    form, look = await read_form(request), await look_at(request, services, check=False)
    if form.one("began") != str(look.draft.began):
        return await refuse_stale(look, SAVE, form.one("began"))
    who, began = visitor_of(request).name, look.draft.began
    try:
        state = form.one("state")
        if state and state != look.document.get("state", WebhookState.ACTIVE.value):
            wanted: Document = {**look.document, "state": state}
            began = (await services.changing.drafts.save(look.name, wanted, began, who)).began
        await services.changing.drafts.publish(look.name, began, who, form.one("note"))
    except Invalid as invalid:
        fresh = await look_at(request, services)
        told = () if any(one.severity == "error" for one in fresh.draft.problems) else invalid.problems
        return await show(replace(fresh, problems=told), SAVE, 422)
    except Conflict as conflict:
        return await show(replace(await look_at(request, services), said=conflict.message), SAVE, 409)
    return RedirectResponse(f"{address(name_of(request), 'save')}?published=1", 303)


async def discard(request: Request, services: Services) -> Response:
    """Let the draft go; a webhook that is live stays as it is."""
    form, name = await read_form(request), name_of(request)
    began = form.one("began")
    draft = await services.changing.drafts.show(name, check=False)
    if began != str(draft.began):
        return await refuse_stale(await look_at(request, services), SAVE, began)
    if draft.live is None and form.one("typed") != name:
        raise Conflict(f"Nothing was discarded: type “{name}”, exactly, to confirm.")
    await services.changing.drafts.discard(name, draft.began)
    return RedirectResponse(
        f"/webhooks/{name}/versions?discarded={draft.began}" if draft.live else "/webhooks", 303
    )


async def hand_out(request: Request, services: Services) -> Response:
    """The page for the vendor."""
    made = services.wizard.handout(name_of(request), services.base_url)
    return await page(request, "webhooks/handout.html", {"one": made, "name": name_of(request)})


async def hand_out_markdown(request: Request, services: Services) -> Response:
    """The same as Markdown, to be sent as a file."""
    name = name_of(request)
    text = services.wizard.handout(name, services.base_url).markdown()
    disposition = f'attachment; filename="{name}.md"'
    return Response(text, 200, {"Content-Disposition": disposition}, "text/markdown")
