"""Panels of the built-in records database: defined as a table of fields, changed, and taken away."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.documents import PLURALS, encode_panel
from hookstation.core.records import FieldType
from hookstation.core.values import JSON
from hookstation.engine.plans import Saving
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import check_typed, read_form
from hookstation.web.pages.panel_form import SPARE, TYPES, Draft, draft_of, twice, typed, with_problems
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.pages.words import FIELD_TYPES
from hookstation.web.services import Services

KIND: Final = "panel"


async def show_new(request: Request, services: Services) -> Response:
    """An empty panel."""
    return await _form(request, services, "", draft_of({}))


async def show_edit(request: Request, services: Services) -> Response:
    """A panel that is there."""
    name: str = request.path_params["name"]
    panel = services.board.panels.get(name)
    if panel is None:
        raise NotFound(KIND, name)
    return await _form(request, services, name, draft_of(encode_panel(panel)))


async def submit(request: Request, services: Services) -> Response:
    """Offer more lines, or save."""
    name: str = request.path_params.get("name", "")
    form = await read_form(request)
    if form.one("act") == "more":
        return await _form(request, services, name, typed(form, SPARE))
    draft = typed(form)
    if name:
        draft = Draft(name, draft.parent, draft.instances, draft.lines)
    wrong = twice(draft)
    if not name and draft.name in services.board.panels:
        wrong.append(Problem(("name",), "is taken by another panel; choose another one."))
    return await _save(request, services, name, draft, wrong)


async def _save(
    request: Request, services: Services, name: str, draft: Draft, wrong: list[Problem]
) -> Response:
    if wrong:
        return await _form(request, services, name, with_problems(draft, wrong))
    document: dict[str, JSON] = {"version": 1, PLURALS[KIND]: [draft.document()]}
    try:
        await services.configurator.apply(document, saving=Saving(visitor_of(request).name))
    except Invalid as invalid:
        problems = [_inside(one) for one in invalid.problems if one.severity == "error"]
        return await _form(request, services, name, with_problems(draft, problems))
    return RedirectResponse(f"/records/{quote(draft.name, safe='')}?done=saved", 303)


def _inside(problem: Problem) -> Problem:
    if problem.path[:2] == (PLURALS[KIND], 0):
        return Problem(problem.path[2:], problem.message, problem.severity, problem.position)
    return problem


async def _form(request: Request, services: Services, name: str, draft: Draft) -> Response:
    wrong = bool(draft.errors) or any(one.error for one in draft.lines)
    context = {
        "editing": name,
        "draft": draft,
        "types": [(one, FIELD_TYPES[FieldType(one)]) for one in TYPES],
        "elsewhere": [said for place, said in draft.errors.items() if place not in ("name", "instances")],
        "count": await services.store.count_records(name) if name else 0,
        "users": [
            one
            for one in await services.listing.webhooks()
            if name and one.entity == name and services.targets.local(one.connection) is not None
        ],
    }
    return await page(request, "records/panel.html", context, 422 if wrong else 200)


async def delete(request: Request, services: Services) -> Response:
    """Take a panel away that no webhook writes to; its name was typed. Its records stay in the database."""
    name: str = request.path_params["name"]
    check_typed(await read_form(request), name)
    await services.configurator.delete(KIND, name)
    return RedirectResponse(f"/records?done={quote(name, safe='')}", 303)


PAGES: Final = (
    Page("/panels/_new", show_new),
    Page("/panels/_new", submit, ("POST",)),
    Page("/panels/{name}", show_edit),
    Page("/panels/{name}", submit, ("POST",)),
    Page("/panels/{name}/delete", delete, ("POST",)),
)
