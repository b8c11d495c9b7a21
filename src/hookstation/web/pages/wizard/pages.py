"""The addresses of the wizard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.web.pages.forms import read_form
from hookstation.web.pages.routes import Page
from hookstation.web.pages.wizard import general, listening, mapping, publishing, sender, trying
from hookstation.web.pages.wizard.data import DATA
from hookstation.web.pages.wizard.frame import Section, address, look_at, name_of, save, show
from hookstation.web.pages.wizard.general import GENERAL
from hookstation.web.pages.wizard.mapping import ACTION
from hookstation.web.pages.wizard.publishing import SAVE
from hookstation.web.pages.wizard.sender import ACCESS
from hookstation.web.pages.wizard.trying import TEST
from hookstation.web.services import Services

HERE: Final = "/webhooks/{name}/edit"
RENEWED: Final = ("editors", "calls")
"""Parts that are asked for every few seconds, and show nothing of what a check finds."""

View = Callable[[Request, Services], Awaitable[Response]]


def showing(section: Section) -> View:
    """The view that shows a section."""

    async def view(request: Request, services: Services) -> Response:
        renewed = request.headers.get("hx-target", "").rpartition("#")[2] in RENEWED
        return await show(await look_at(request, services, check=not renewed), section)

    return view


def saving(section: Section) -> View:
    """The view that saves a section."""

    async def view(request: Request, services: Services) -> Response:
        stays = (await read_form(request)).one("do") not in ("next", "save")
        return await save(request, services, section, stay=stays)

    return view


async def enter(request: Request, services: Services) -> Response:
    """To the first section that was not saved yet, else to the first."""
    look = await look_at(request, services, check=False)
    made = {*look.document, *(("action",) if "workflow" in look.document else ())}
    missing = [key for key, part in (("data", "schema"), ("action", "action")) if part not in made]
    return RedirectResponse(address(name_of(request), missing[0] if missing else "general"), 303)


async def json_in_step(request: Request, services: Services) -> Response:
    """The JSON that the table stands for now; nothing is saved."""
    look = await look_at(request, services, check=False)
    return await show(replace(look, form=await read_form(request)), DATA)


PAGES: Final = (
    Page("/webhooks/_new", general.new),
    Page("/webhooks/_new", general.make, ("POST",)),
    Page(HERE, enter),
    Page(f"{HERE}/general", showing(GENERAL)),
    Page(f"{HERE}/general", general.save_general, ("POST",)),
    Page(f"{HERE}/data", showing(DATA)),
    Page(f"{HERE}/data", saving(DATA), ("POST",)),
    Page(f"{HERE}/data/json", json_in_step, ("POST",)),
    Page(f"{HERE}/data/listen", listening.begin, ("POST",)),
    Page(f"{HERE}/data/deaf", listening.end, ("POST",)),
    Page(f"{HERE}/action", showing(ACTION)),
    Page(f"{HERE}/action", saving(ACTION), ("POST",)),
    Page(f"{HERE}/action/preview", mapping.live, ("POST",)),
    Page(f"{HERE}/access", showing(ACCESS)),
    Page(f"{HERE}/access", saving(ACCESS), ("POST",)),
    Page(f"{HERE}/access/secret", sender.generate, ("POST",)),
    Page(f"{HERE}/test", showing(TEST)),
    Page(f"{HERE}/test", trying.attempt, ("POST",)),
    Page(f"{HERE}/test/apply", trying.apply, ("POST",)),
    Page(f"{HERE}/save", showing(SAVE)),
    Page(f"{HERE}/save", publishing.publish, ("POST",)),
    Page(f"{HERE}/discard", publishing.discard, ("POST",)),
    Page("/webhooks/{name}/handout", publishing.hand_out),
    Page("/webhooks/{name}/handout.md", publishing.hand_out_markdown),
)
