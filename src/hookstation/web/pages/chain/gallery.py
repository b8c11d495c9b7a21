"""New workflows: out of the gallery, out of a file, or from nothing in the editor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.documents import PLURALS
from hookstation.core.people import Act
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.gallery import GALLERY, Ask, GalleryTemplate, Question
from hookstation.engine.plans import Saving
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

LARGEST: Final = 4 * 1024 * 1024
TAKEN: Final = "There is a {kind} “{name}” already; choose another name."
CHOOSE: Final = "Choose one of the connections."
NO_WORKFLOW: Final = (
    "There is no workflow in it: write the list “workflows”, or a single workflow with name and steps."
)


async def show_gallery(request: Request, _services: Services) -> Response:
    """The templates."""
    context = {"templates": list(GALLERY.values()), "steps": {name: one.title for name, one in SPECS.items()}}
    return await page(request, "chain/gallery.html", context)


async def show_questions(request: Request, services: Services) -> Response:
    """The questions of one template."""
    return await _questions(request, services, _template(request), {})


async def make(request: Request, services: Services) -> Response:
    """Make what the answers say, or show it, or say what is wrong."""
    template = _template(request)
    form = await read_form(request)
    answers = {
        one.name: form.one(one.name).strip() for one in template.questions if form.one(one.name).strip()
    }
    documents: dict[str, JSON] = {}
    unchosen = _unchosen(template, answers, services)
    if unchosen:
        return await _questions(request, services, template, answers, unchosen, form=form)
    try:
        documents = template.make(answers)
        problems = [*taken(documents, services)]
        if form.one("act") == "look":
            planned = await services.configurator.plan(documents)
            problems += planned.errors
            text = services.texts.write(documents)
            return await _questions(request, services, template, answers, problems, text, form)
        if not problems:
            await services.configurator.apply(
                documents, saving=Saving(visitor_of(request).name, template.title)
            )
    except Invalid as invalid:
        problems = [one for one in invalid.problems if one.severity == "error"]
    if problems:
        text = services.texts.write(documents) if documents else ""
        return await _questions(request, services, template, answers, problems, text, form)
    return RedirectResponse(f"/workflows/{_name_of(documents)}?done=made", 303)


async def show_import(request: Request, _services: Services) -> Response:
    """Where a file is put in."""
    return await page(request, "chain/import.html", {"text": "", "problems": ()})


async def take_in(request: Request, services: Services) -> Response:
    """Put in what a file says, all or nothing: a workflow, or a whole config file with any."""
    text = (await read_form(request)).one("text")
    name = ""
    try:
        written = services.texts.read(text)
        documents = whole(written.value)
        name = _name_of(documents)
        await services.configurator.apply(documents, saving=Saving(visitor_of(request).name, "from a file"))
    except Invalid as invalid:
        context = {"text": text, "problems": [one for one in invalid.problems if one.severity == "error"]}
        return await page(request, "chain/import.html", context, 422)
    return RedirectResponse(f"/workflows/{name}?done=made", 303)


def whole(document: JSON) -> dict[str, JSON]:
    """A configuration document with at least one workflow. Raises `Invalid`."""
    if isinstance(document, dict) and "steps" in document:
        return {"version": 1, "workflows": [document]}
    if isinstance(document, dict) and document.get("workflows"):
        return document
    raise Invalid([Problem((), NO_WORKFLOW)])


def taken(documents: Mapping[str, JSON], services: Services) -> list[Problem]:
    """Names that something has already: the gallery only makes what is new. A panel that is there is used as it is."""
    found: list[Problem] = []
    for kind, many in PLURALS.items():
        listed = documents.get(many)
        for one in listed if isinstance(listed, list) and kind != "panel" else ():
            name = str(one.get("name")) if isinstance(one, dict) else ""
            if name in services.board.documents(kind):
                found.append(Problem(("name",), TAKEN.format(kind=kind, name=name)))
    return found


def _name_of(documents: Mapping[str, JSON]) -> str:
    listed = documents.get("workflows")
    first = listed[0] if isinstance(listed, list) and listed else None
    return str(first.get("name", "")) if isinstance(first, dict) else ""


def _template(request: Request) -> GalleryTemplate:
    name: str = request.path_params["template"]
    found = GALLERY.get(name)
    if found is None:
        raise NotFound("template", name)
    return found


async def _questions(
    request: Request,
    services: Services,
    template: GalleryTemplate,
    answers: Mapping[str, str],
    problems: Sequence[Problem] = (),
    text: str = "",
    form: Form | None = None,
) -> Response:
    known = {one.name for one in template.questions}
    errors = {str(one.path[0]): one.message for one in problems if one.path and str(one.path[0]) in known}
    context = {
        "template": template,
        "answers": {
            one.name: answers.get(one.name, "") if form else one.default for one in template.questions
        },
        "choices": {one.name: _choices(one, services) for one in template.questions},
        "errors": errors,
        "elsewhere": [one for one in problems if not (one.path and str(one.path[0]) in known)],
        "steps": {name: one.title for name, one in SPECS.items()},
        "titles": {one.name: one.title for one in template.questions},
        "text": text,
    }
    wrong = bool(problems) and not (form is not None and form.one("act") == "look")
    return await page(request, "chain/questions.html", context, 422 if wrong else 200)


def _unchosen(template: GalleryTemplate, answers: Mapping[str, str], services: Services) -> list[Problem]:
    """Connections that the answers leave open, or that there are not."""
    return [
        Problem((one.name,), CHOOSE)
        for one in template.questions
        if one.ask is Ask.CONNECTION and answers.get(one.name, "") not in _choices(one, services)
    ]


def _choices(question: Question, services: Services) -> list[str]:
    """What may be answered, where that is one of what is there."""
    if question.ask is not Ask.CONNECTION:
        return []
    found = sorted(one.name for one in services.board.connections.values() if one.type in question.types)
    return [RECORDS, *found] if RECORDS in question.types else found


PAGES: Final = (
    Page("/workflows/_new", show_gallery, act=Act.CHANGE),
    Page("/workflows/_new/from/{template}", show_questions, act=Act.CHANGE),
    Page("/workflows/_new/from/{template}", make, ("POST",)),
    Page("/workflows/_new/import", show_import, act=Act.CHANGE),
    Page("/workflows/_new/import", take_in, ("POST",)),
)
