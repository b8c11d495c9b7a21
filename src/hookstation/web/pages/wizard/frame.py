"""What all sections of the wizard share: the open draft, saving, refusing what is stale, and the frame around them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.differences import Difference
from hookstation.core.documents.drafts import Document, by_section
from hookstation.core.values import JSON
from hookstation.engine.drafts import OpenDraft
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.rendering import page
from hookstation.web.services import Services

TITLES: Final[Mapping[str, str]] = {
    "general": "General",
    "data": "Data",
    "action": "Action",
    "access": "Sender and access",
    "test": "Test",
    "save": "Save",
}
"""The sections in their order, with their headers."""

MADE_BY: Final[Mapping[str, str]] = {
    "general": "title",
    "data": "schema",
    "action": "action",
    "access": "authentication",
}
"""The setting by which a section is known to have been saved."""

LABELS: Final[Mapping[tuple[str, ...], str]] = {
    ("title",): "Name",
    ("name",): "Short name",
    ("samples",): "Sample",
    ("calls",): "Calls",
    ("schema",): "JSON Schema",
    ("action", "type"): "Action",
    ("action", "connection"): "Connection",
    ("action", "panel"): "Panel",
    ("action", "fields"): "Field mapping",
    ("action", "match"): "What finds the record",
    ("authentication", "secret"): "Secret",
    ("authentication", "header"): "Header",
    ("duplicates", "key"): "How a repeat is known",
    ("duplicates", "window"): "Remembered for",
    ("access", "allow"): "Addresses",
    ("access", "rate"): "Rate",
    ("limits", "body"): "Largest body",
    ("limits", "time"): "Longest time",
    ("work", "retry", "attempts"): "Tries",
    ("work", "concurrency"): "At the same time",
    ("work", "order"): "In order by",
}
"""What the fields of the sections are called on their pages, by the place of their setting."""

NOT_MAPPED: Final = re.compile(r"(\S+) is required and is not mapped\.(.*)", re.DOTALL)

NOTHING_MAPPED: Final = "nothing goes into the record yet. Give at least one field a value."
MOST_SAMPLES: Final = 5
PARTS: Final = ("editors", "calls", "preview", "json", "proof")


@dataclass(frozen=True, slots=True)
class Look:
    """A section as it is to be shown.

    `document` is what stands in its fields, saved or not.  `form` is what was sent, where it could not be read.
    `problems` replace those of the draft.  `overtaken`: what somebody else saved meanwhile.  `said`: a notice.
    """

    request: Request
    services: Services
    name: str
    draft: OpenDraft
    document: Document
    form: Form = field(default_factory=Form)
    problems: Sequence[Problem] = ()
    overtaken: Sequence[Difference] = ()
    said: str = ""
    secret: str = ""
    more: Mapping[str, object] = field(default_factory=dict)


Context: TypeAlias = Callable[[Look], Awaitable[dict[str, object]]]
Read: TypeAlias = Callable[["Look", Form], Awaitable[Document]]


@dataclass(frozen=True, slots=True)
class Section:
    """One section: how its page is filled, and what its form makes of the document (raises `Invalid`)."""

    key: str
    context: Context
    read: Read | None = None


def name_of(request: Request) -> str:
    """The webhook that the address names."""
    name: str = request.path_params["name"]
    return name


def address(name: str, section: str) -> str:
    """Where a section of a webhook's wizard is."""
    return f"/webhooks/{name}/edit/{section}"


async def look_at(request: Request, services: Services, *, check: bool = True) -> Look:
    """The draft that the address names. Raises `NotFound`."""
    name = name_of(request)
    draft = await services.changing.drafts.show(name, check=check)
    return Look(request, services, name, draft, draft.document)


async def show(look: Look, section: Section, status: int = 200) -> Response:
    """The page of a section; of it only the part that a partial update asks for."""
    request, services = look.request, look.services
    wanted = request.headers.get("hx-target", "").rpartition("#")[2]
    others = await services.changing.drafts.see(look.name, visitor_of(request).name)
    problems = [at_field(one) for one in look.problems or look.draft.problems]
    states = states_of(look)
    context: dict[str, object] = {
        "look": look,
        "draft": look.draft,
        "document": look.document,
        "section": section.key,
        "titles": TITLES,
        "states": states,
        "left": [key for key, state in states.items() if state == "bad" and section.key not in (key, "save")],
        "errors": _told(problems, section.key, look),
        "summary": summary(problems, look),
        "label_of": label_of,
        "editors": others,
        "address": address(look.name, section.key),
        "following": following(section.key),
        "listed": services.board.stored.webhooks.get(look.name) is not None,
        **await section.context(look),
        **look.more,
    }
    return await page(
        request, f"wizard/{section.key}.html", context, status, part=wanted if wanted in PARTS else ""
    )


def states_of(look: Look) -> dict[str, str]:
    """For each section whether it is *good*, *bad*, *unsure* (warnings) or *plain*: not filled in yet."""
    found = by_section(look.draft.problems)
    states: dict[str, str] = {}
    for key in TITLES:
        if key not in MADE_BY or not is_made(look.document, key):
            states[key] = "plain"
        elif any(one.severity == "error" for one in found.get(key, ())):
            states[key] = "bad"
        else:
            states[key] = "unsure" if found.get(key) else "good"
    return states


def is_made(document: Document, section: str) -> bool:
    """Whether a section was saved.

    A workflow that is started takes the place of an action; one that was only chosen, with no field filled in, is on
    its way and not wrong.
    """
    if section != "action":
        return MADE_BY.get(section, "title") in document
    action = document.get("action")
    return "workflow" in document or (
        isinstance(action, dict) and bool(action.get("fields") or action.get("match"))
    )


@dataclass(frozen=True, slots=True)
class Told:
    """A problem in the summary, with the place that it links to."""

    section: str
    href: str
    where: str
    message: str
    severity: str


def summary(problems: Sequence[Problem], look: Look) -> list[Told]:
    """Every problem of the sections that were saved, each with a link to its field."""
    found: list[Told] = []
    for section, those in by_section(problems).items():
        for one in those:
            href = f"{address(look.name, section)}#{anchor(one)}"
            found.append(Told(section, href, label_of(one), one.message, one.severity))
    return found


def label_of(problem: Problem) -> str:
    """What people call the place of a problem; empty for the webhook as a whole."""
    known = LABELS.get(tuple(part for part in problem.path if isinstance(part, str)))
    return known or " · ".join(
        str(part) for part in problem.path if part not in ("action", "fields", "schema")
    )


def at_field(problem: Problem) -> Problem:
    """A problem of the whole mapping as its page says it; that a field is not mapped, at that field's own line."""
    if problem.path == ("action", "fields") and problem.message.startswith("is empty"):
        return replace(problem, message=NOTHING_MAPPED)
    missing = NOT_MAPPED.match(problem.message) if problem.path == ("action", "fields") else None
    if missing is None:
        return problem
    return replace(problem, path=(*problem.path, missing[1]), message=f"is required.{missing[2]}")


def anchor(problem: Problem) -> str:
    """The id of the field at which a problem is shown."""
    return "-".join(str(part) for part in problem.path[:3]).replace(" ", "_") or "main"


def _told(problems: Sequence[Problem], section: str, look: Look) -> dict[str, list[Problem]]:
    """The problems of one section by the id of their field; none of a section that was never saved."""
    if look.problems:
        those: Sequence[Problem] = problems
    elif not is_made(look.document, section):
        those = ()
    else:
        those = by_section(problems).get(section, ())
    found: dict[str, list[Problem]] = {}
    for one in those:
        found.setdefault(anchor(one), []).append(one)
    return found


def following(section: str) -> str:
    """The section after this one; the last one's is itself."""
    keys = list(TITLES)
    return keys[min(keys.index(section) + 1, len(keys) - 1)]


async def save(request: Request, services: Services, section: Section, *, stay: bool = False) -> Response:
    """Put what the form of a section says into the draft, and go on where the pressed button leads.

    Refused where it cannot be read (422) and where somebody saved meanwhile (409): then the page shows what was sent,
    so that nothing has to be typed again.
    """
    form = await read_form(request)
    look = await look_at(request, services, check=False)
    assert section.read is not None
    try:
        wanted = await section.read(look, form)
    except Invalid as invalid:
        return await show(replace(look, form=form, problems=invalid.problems), section, 422)
    except NotFound as missing:
        problems = [Problem((section.key,), missing.message)]
        return await show(replace(look, form=form, problems=problems), section, 422)
    began = form.one("began")
    if began != str(look.draft.began):
        return await refuse_stale(replace(look, document=wanted), section, began)
    refused = await keep(look, section, wanted)
    if refused is not None:
        return refused
    onward = following(section.key) if form.one("do") == "next" and not stay else section.key
    return RedirectResponse(address(look.name, onward), 303)


async def keep(look: Look, section: Section, wanted: Document) -> Response | None:
    """Save the document; the page that says why not, where that cannot be."""
    if wanted == look.document:
        return None
    who = visitor_of(look.request).name
    try:
        await look.services.changing.drafts.save(look.name, wanted, look.draft.began, who)
    except Invalid as invalid:
        return await show(replace(look, document=wanted, problems=invalid.problems), section, 422)
    except Conflict:
        fresh = await look_at(look.request, look.services)
        return await refuse_stale(replace(fresh, document=wanted), section, str(look.draft.began))
    return None


async def refuse_stale(look: Look, section: Section, began: str) -> Response:
    """The section with what was typed, and what somebody else changed since it was opened."""
    changed: Sequence[Difference] = ()
    if began.isascii() and began.isdecimal() and len(began) < 10:
        try:
            history = look.services.changing.history
            changed = await history.compare(look.name, int(began), look.draft.began)
        except NotFound:
            changed = ()
    newest = look.draft.newest
    who = (newest.by if newest else "") or "Somebody"
    said = f"{who} saved version {look.draft.began} while you were writing, so nothing of yours is saved yet."
    return await show(replace(look, overtaken=changed, said=said), section, 409)


def schema_of(document: Document) -> JSON:
    """The schema of a draft; ``True`` where it has none yet."""
    return document.get("schema", True)


def samples_of(document: Document) -> list[JSON]:
    """The payloads that are kept with the schema as its examples."""
    schema = schema_of(document)
    kept = schema.get("examples") if isinstance(schema, dict) else None
    listed: list[JSON] = kept if isinstance(kept, list) else []
    found: list[JSON] = [one for one in listed if isinstance(one, dict | list)]
    return found[:MOST_SAMPLES]
