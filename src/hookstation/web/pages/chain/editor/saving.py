"""The page of the editor, and what becomes of what it sends: a new version, or the page again with the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.differences import Difference
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import SPECS, StepSpec
from hookstation.engine.plans import Saving
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain.editor.answers import json_answer, wants_json
from hookstation.web.pages.chain.editor.checking import Read, check, problem_json, read_text, told
from hookstation.web.pages.chain.editor.opening import Opened, known, open_workflow, read_json
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.rendering import page
from hookstation.web.services import Services

LONGEST_NOTE: Final = 500
MOST_DIFFERENCES: Final = 30
NAMELESS: Final = Problem(("name",), "is missing. Give it a name: lower-case letters, digits and “-”.")
TAKEN: Final = Problem(("name",), "is taken by another workflow; choose another one.")
RENAMED: Final = Problem(
    ("name",), "stays as it is: links, schedules and runs know it. Duplicate it to rename."
)


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Somebody else saved meanwhile: who, as which version, and what is otherwise in it."""

    by: str
    version: int
    differences: Sequence[Difference] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What the page says of a text that was sent. `began`: the version that saving it again begins from."""

    text: str = ""
    note: str = ""
    problems: Sequence[tuple[int, Problem]] = ()
    overtaken: Overtaken | None = None
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Outlined:
    """A step in the plain list: `depth` blocks inside others, `way`: the block's name where that tells something."""

    name: str
    title: str
    what: str
    depth: int
    way: str = ""
    enabled: bool = True


async def show(
    request: Request, services: Services, opened: Opened, sent: Told | None = None, status: int = 200
) -> Response:
    """The page."""
    shown = sent or Told()
    context = {
        "opened": opened,
        "told": shown,
        "text": shown.text or services.texts.write(opened.document),
        "document": dump_json(opened.document),
        "known": dump_json(await known(opened, services)),
        "outline": list(outline(opened.document.get("steps"))),
        "done": request.query_params.get("done", ""),
    }
    return await page(request, "chain/editor/edit.html", context, status)


def outline(steps: JSON, depth: int = 0, way: str = "") -> Iterator[Outlined]:
    """The steps as a plain list, those within others behind them."""
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, dict):
            continue
        spec = SPECS.get(str(step.get("type")))
        what = spec.title if spec else str(step.get("type"))
        name = str(step.get("name", ""))
        yield Outlined(name, str(step.get("title") or ""), what, depth, way, step.get("enabled") is not False)
        if spec is not None:
            yield from _inner(step, spec, depth + 1)


def _inner(step: Mapping[str, JSON], spec: StepSpec, depth: int) -> Iterator[Outlined]:
    entries = step.get(spec.named_blocks) if spec.named_blocks else None
    for one in entries if isinstance(entries, list) else ():
        if isinstance(one, dict):
            yield from outline(one.get("steps"), depth, str(one.get("name") or one.get("value")))
    for block in spec.blocks:
        yield from outline(step.get(block), depth, block if len(spec.blocks) > 1 else "")


async def submit(request: Request, services: Services, opened: Opened) -> Response:
    """Save, or only look, as the pressed button says; a script sends the document, a form its text."""
    form = await read_form(request)
    read = _read(form, services)
    problems = [*read.problems] or await check(read.document, services)
    problems = [*_named(read.document, opened, services), *problems]
    if form.one("do") == "check" or any(one.severity == "error" for one in problems):
        return await _again(request, services, opened, form, read, problems)
    assert read.document is not None
    name, began = str(read.document["name"]), _number(form.one("began"))
    saving = Saving(
        visitor_of(request).name, form.one("note").strip()[:LONGEST_NOTE], workflows={name: began}
    )
    try:
        await services.configurator.apply({"version": 1, "workflows": [read.document]}, saving=saving)
    except Invalid as invalid:
        return await _again(request, services, opened, form, read, list(told(_inside(invalid.problems))))
    except Conflict:
        return await _overtaken(request, services, opened, form, read, began)
    if wants_json(request):
        version = services.board.workflow_version(name)
        return json_answer({"version": version, "address": f"/workflows/{name}/edit"})
    return RedirectResponse(f"/workflows/{name}/edit?done=saved", 303)


def _read(form: Form, services: Services) -> Read:
    if form.one("document"):
        document = read_json(form.one("document"))
        return Read(document if isinstance(document, dict) else {})
    return read_text(form.one("text"), services)


def _named(document: Mapping[str, JSON] | None, opened: Opened, services: Services) -> list[Problem]:
    if document is None:
        return []
    name = document.get("name")
    if not name:
        return [NAMELESS]
    if opened.name:
        return [RENAMED] if name != opened.name else []
    return [TAKEN] if name in services.board.documents("workflow") else []


def _inside(problems: Sequence[Problem]) -> list[Problem]:
    return [replace(one, path=one.path[2:]) if one.path[:2] == ("workflows", 0) else one for one in problems]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


async def _again(
    request: Request, services: Services, opened: Opened, form: Form, read: Read, problems: Sequence[Problem]
) -> Response:
    """The page with what was sent and what is wrong with it."""
    only_look = form.one("do") == "check"
    if wants_json(request):
        shown: list[JSON] = [problem_json(one, read.line(one)) for one in problems]
        return json_answer({"problems": shown}, 200 if only_look else 422)
    lines = sorted(((read.line(one), one) for one in problems), key=lambda one: one[0])
    sent = Told(form.one("text"), form.one("note"), lines, checked=only_look)
    wanted = replace(opened, document=read.document) if read.document is not None else opened
    wanted = replace(wanted, version=_number(form.one("began")))
    return await show(request, services, wanted, sent, 200 if only_look else 422)


async def _overtaken(
    request: Request, services: Services, opened: Opened, form: Form, read: Read, began: int
) -> Response:
    """What somebody else saved meanwhile, and the choice to save on top of it."""
    name = opened.name or str((read.document or {}).get("name"))
    newest = await open_workflow(name, services)
    known_versions = await services.chain.workflows.versions(name, 1)
    by = known_versions[0].by if known_versions else ""
    changed = await _differences(name, began, newest, services)
    overtaken = Overtaken(by or "Somebody", newest.version, changed[:MOST_DIFFERENCES])
    if wants_json(request):
        told_: dict[str, JSON] = {
            "by": overtaken.by,
            "version": overtaken.version,
            "differences": [one.as_json() for one in overtaken.differences],
        }
        return json_answer({"overtaken": told_}, 409)
    sent = Told(form.one("text"), form.one("note"), overtaken=overtaken)
    document = read.document or {}
    return await show(request, services, Opened(document, newest.version, name), sent, 409)


async def _differences(name: str, began: int, newest: Opened, services: Services) -> list[Difference]:
    if not began:
        return []
    try:
        return await services.chain.workflows.difference(name, began, newest.version)
    except NotFound:  # an old version may be gone
        return []
