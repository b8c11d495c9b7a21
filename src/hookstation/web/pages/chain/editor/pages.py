"""The addresses of the workflow editor: shown, checked, tried, saved, switched on and off."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.people import Act
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import WorkflowState
from hookstation.engine.plans import Saving
from hookstation.errors import Invalid, Problem
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain.editor import saving, trying
from hookstation.web.pages.chain.editor.answers import json_answer, wants_json
from hookstation.web.pages.chain.editor.checking import Read, check, problem_json, read_text, without
from hookstation.web.pages.chain.editor.opening import Opened, open_workflow, read_json
from hookstation.web.pages.filters import pretty
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

HERE: Final = "/workflows/{name}/edit"
BLANK: Final = "/workflows/_new/blank"
HELP: Final = "/workflows/_editor"


async def show(request: Request, services: Services) -> Response:
    """The editor of a workflow that is there."""
    return await saving.show(request, services, await open_workflow(request.path_params["name"], services))


async def show_blank(request: Request, services: Services) -> Response:
    """The editor of one that is new."""
    return await saving.show(request, services, Opened())


async def save(request: Request, services: Services) -> Response:
    """Save as a new version."""
    return await saving.submit(request, services, await open_workflow(request.path_params["name"], services))


async def save_blank(request: Request, services: Services) -> Response:
    """Save for the first time."""
    return await saving.submit(request, services, Opened())


async def look(request: Request, services: Services) -> Response:
    """What is wrong with a document, or with the text of one; as the other form of it, where that is asked for."""
    form = await read_form(request)
    read = read_text(form.one("text"), services) if form.one("text") else _sent(form.one("document"))
    problems = [*read.problems] or await check(read.document, services)
    answer: dict[str, JSON] = {"problems": [problem_json(one, read.line(one)) for one in problems]}
    if form.one("text"):
        answer["document"] = read.document
    match form.one("as"):
        case "yaml":
            answer["text"] = services.texts.write(read.document)
        case "json":
            answer["text"] = pretty(read.document)
    return json_answer(answer)


def _sent(text: str) -> Read:
    document = read_json(text)
    return Read(document if isinstance(document, dict) else {})


async def set_state(request: Request, services: Services) -> Response:
    """Switch on or off what is saved, whatever stands in an editor."""
    name: str = request.path_params["name"]
    wanted = (await read_form(request)).one("state")
    if wanted not in {one.value for one in WorkflowState}:
        told = f"must be one of {', '.join(WorkflowState)}. Nothing was changed."
        raise Invalid([Problem(("state",), told)])
    opened = await open_workflow(name, services)
    document = {**without(opened.document, "state"), "state": wanted}
    kept = Saving(visitor_of(request).name, "", workflows={name: opened.version})
    await services.configurator.apply({"version": 1, "workflows": [document]}, saving=kept)
    if wants_json(request):
        return json_answer({"version": services.board.workflow_version(name), "state": wanted})
    return RedirectResponse(f"/workflows/{name}/edit", 303)


PAGES: Final = (
    Page(f"{HELP}/look", look, ("POST",)),
    Page(f"{HELP}/try", trying.try_step, ("POST",)),
    Page(f"{HELP}/offer", trying.offer, act=Act.CHANGE),
    Page(BLANK, show_blank, act=Act.CHANGE),
    Page(BLANK, save_blank, ("POST",)),
    Page(HERE, show, act=Act.CHANGE),
    Page(HERE, save, ("POST",)),
    Page(f"{HERE}/state", set_state, ("POST",)),
)
