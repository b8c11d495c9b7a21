"""What is done with a workflow, schedule, poll or transfer as a whole: its state, a copy, its file, its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.documents import PLURALS
from hookstation.core.naming import slug
from hookstation.core.values import JSON
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain.things import STATES, document_of, set_state
from hookstation.web.pages.forms import check_typed, read_form
from hookstation.web.pages.outgoing.saving import save
from hookstation.web.pages.routes import Page, View
from hookstation.web.services import Services


def state_of(kind: str) -> View:
    """The view that sets the state of a thing of a kind."""

    async def view(request: Request, services: Services) -> Response:
        name: str = request.path_params["name"]
        form = await read_form(request)
        await set_state(request, services, kind, document_of(kind, name, services), form.one("state"))
        home = f"/{PLURALS[kind]}"
        return RedirectResponse(home if form.one("back") == "list" else f"{home}/{name}?done=state", 303)

    return view


def deletion_of(kind: str) -> View:
    """The view that takes a thing of a kind away, once its name was typed."""

    async def view(request: Request, services: Services) -> Response:
        name: str = request.path_params["name"]
        check_typed(await read_form(request), name)
        await services.configurator.delete(kind, name)
        return RedirectResponse(f"/{PLURALS[kind]}?done={quote(name)}", 303)

    return view


def copy_of(kind: str) -> View:
    """The view that makes a copy under a new name, switched off."""

    async def view(request: Request, services: Services) -> Response:
        name: str = request.path_params["name"]
        document = document_of(kind, name, services)
        new = slug(f"{name}-copy", {*services.board.documents(kind)})
        title = str(document.get("title") or name)
        copy: Mapping[str, JSON] = {
            **document,
            "name": new,
            "title": f"{title} (copy)",
            "state": "disabled",
        }
        await save(request, services, kind, copy)
        return RedirectResponse(f"/{PLURALS[kind]}/{new}/edit", 303)

    return view


def file_of(kind: str) -> View:
    """The view that gives a thing as a file that can be applied."""

    async def view(request: Request, services: Services) -> Response:
        name: str = request.path_params["name"]
        document = document_of(kind, name, services)
        text = services.texts.write({"version": 1, PLURALS[kind]: [document]})
        headers = {"Content-Disposition": f'attachment; filename="{name}.yaml"'}
        return Response(text, headers=headers, media_type="application/yaml")

    return view


async def enable(request: Request, services: Services) -> Response:
    """Let a schedule fire again that was switched off for its failures."""
    name: str = request.path_params["name"]
    await services.chain.schedules.enable(name, visitor_of(request).name)
    return RedirectResponse(f"/schedules/{name}?done=enabled", 303)


PAGES: Final = (
    *(Page(f"/{PLURALS[kind]}/{{name}}/state", state_of(kind), ("POST",)) for kind in STATES),
    *(Page(f"/{PLURALS[kind]}/{{name}}/delete", deletion_of(kind), ("POST",)) for kind in STATES),
    *(Page(f"/{PLURALS[kind]}/{{name}}/duplicate", copy_of(kind), ("POST",)) for kind in STATES),
    *(Page(f"/{PLURALS[kind]}/{{name}}/file", file_of(kind)) for kind in STATES),
    Page("/schedules/{name}/enable", enable, ("POST",)),
)
