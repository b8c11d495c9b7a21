"""The form of a connection: tried before it is saved, with what is wrong at its field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.documents import PLURALS
from hookstation.core.documents.connection import BASE
from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.values import JSON
from hookstation.engine.plans import Saving
from hookstation.engine.trying import Step, inside
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.web.pages import connections
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.connection_form import NAME, TYPE, Field, by_setting, document_of, fields_of, typed
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

USUAL: Final = "imis"
"""The type that a new connection has until another one is chosen: most have one of it."""

SECRETS_ONLY: Final = "secrets"


@dataclass(frozen=True, slots=True)
class Editing:
    """What is edited. `name` is empty for a new one; `settings` are those that the form shows."""

    name: str
    kind: str
    settings: tuple[Setting, ...]
    before: dict[str, JSON]

    @property
    def title(self) -> str:
        """The heading."""
        return f"Change {self.name}" if self.name else "New connection"


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying or saving. `can_save`: it failed only at the target, so that it may be saved anyway."""

    steps: Sequence[Step] = ()
    problems: Sequence[Problem] = field(default_factory=tuple)


async def show_new(request: Request, services: Services) -> Response:
    """The form of a new connection."""
    editing = _new(request, services)
    return await _form(request, services, editing, fields_of(editing.settings, {}))


async def show_edit(request: Request, services: Services) -> Response:
    """The form of a connection that is there; with ``?only=secrets`` its secrets alone."""
    editing = _old(request, services)
    return await _form(request, services, editing, fields_of(editing.settings, editing.before))


async def submit_new(request: Request, services: Services) -> Response:
    """Try a new connection, or save it."""
    editing, form = _new(request, services), await read_form(request)
    name = form.one(NAME).strip()
    if form.one("act") != "try" and name in services.board.stored.connections:
        taken = Problem((NAME,), "is taken by another connection; choose another one.")
        return await _again(request, services, editing, form, Tried(problems=[taken]))
    return await _submit(request, services, editing, form, name)


async def submit_edit(request: Request, services: Services) -> Response:
    """Try a change, or save it."""
    editing, form = _old(request, services), await read_form(request)
    return await _submit(request, services, editing, form, editing.name)


async def _submit(request: Request, services: Services, editing: Editing, form: Form, name: str) -> Response:
    document = {**document_of(editing.settings, form, editing.before), NAME: name, TYPE: editing.kind}
    try:
        if form.one("act") == "try":
            steps = await services.trying.attempt(document)
            return await _again(request, services, editing, form, Tried(steps))
        saving = Saving(visitor_of(request).name)
        await services.configurator.apply({"version": 1, PLURALS["connection"]: [document]}, saving=saving)
    except Invalid as invalid:
        problems = [inside(one) for one in invalid.problems if one.severity == "error"]
        return await _again(request, services, editing, form, Tried(problems=problems))
    return RedirectResponse(f"/connections/{quote(name, safe='')}?done=saved", 303)


async def _again(
    request: Request, services: Services, editing: Editing, form: Form, tried: Tried
) -> Response:
    secrets = [one.name for one in editing.settings if one.kind is Kind.SECRET and one.name in editing.before]
    fields = typed(editing.settings, form, tried.problems, secrets)
    return await _form(request, services, editing, fields, form.one(NAME), tried)


async def _form(
    request: Request,
    services: Services,
    editing: Editing,
    fields: Sequence[Field],
    name: str = "",
    tried: Tried | None = None,
) -> Response:
    wrong = by_setting(tried.problems) if tried else {}
    shown = {one.setting.name for one in fields} | {NAME}
    context = {
        "editing": editing,
        "fields": fields,
        "name": editing.name or name,
        "name_error": wrong.get(NAME, ""),
        "name_help": BASE[0].help,
        "elsewhere": [message for place, message in wrong.items() if place not in shown],
        "steps": tried.steps if tried else [],
        "types": sorted(services.board.catalogue),
        "only": request.query_params.get("only", ""),
        "used": [] if not editing.name else (await connections.users(services))[editing.name],
    }
    return await page(request, "connections/form.html", context, 422 if wrong else 200)


def _new(request: Request, services: Services) -> Editing:
    types = sorted(services.board.catalogue)
    kind = request.query_params.get(TYPE, USUAL if USUAL in types else types[0])
    if kind not in services.board.catalogue:
        raise NotFound("type of connection", kind)
    return Editing("", kind, connections.settings_of(kind, services), {})


def _old(request: Request, services: Services) -> Editing:
    name: str = request.path_params["name"]
    before = connections.document(name, services)
    kind = str(before[TYPE])
    if kind not in services.board.catalogue:
        raise Conflict("The built-in records database has no settings.")
    settings = connections.settings_of(kind, services)
    if request.query_params.get("only") == SECRETS_ONLY:
        settings = tuple(one for one in settings if one.kind is Kind.SECRET and one.name in before)
    return Editing(name, kind, settings, before)


PAGES: Final = (
    Page("/connections/_new", show_new),
    Page("/connections/_new", submit_new, ("POST",)),
    Page("/connections/{name}/edit", show_edit),
    Page("/connections/{name}/edit", submit_edit, ("POST",)),
)
