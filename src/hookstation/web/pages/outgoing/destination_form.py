"""The form of a destination: every setting, what is wrong at its field, and the secret that the station made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.documents.destination import DESTINATION
from hookstation.core.documents.destination_secrets import origin
from hookstation.core.outgoing.families import FAMILIES
from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.outgoing.destination import document_of, show_secret
from hookstation.web.pages.outgoing.items import elsewhere, items_of
from hookstation.web.pages.outgoing.listing import by_destination
from hookstation.web.pages.outgoing.reading import Reading
from hookstation.web.pages.outgoing.saving import save
from hookstation.web.pages.outgoing.words import HEADINGS, WAYS
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

SHOWN: Final = tuple(one for one in DESTINATION if one.name != "name")
FURTHER: Final = (
    (
        "again",
        "Trying again",
        "Pauses between attempts, when it rests, and when it is given up.",
        ("retry", "breaker", "disable_after"),
    ),
    (
        "pace",
        "Pace and order",
        "How many at once, how fast, and what goes one after the other.",
        ("concurrency", "rate", "order", "timeout"),
    ),
    (
        "way",
        "The way there",
        "Private networks, ports, a proxy, and certificates.",
        ("networks", "ports", "proxy", "tls"),
    ),
)
"""What few need to change: id, heading, what is in it, and its settings."""

STANDARD: Final = "standard-webhooks"
TAKEN: Final = Problem(("name",), "is taken by another destination; choose another one.")


async def show_new(request: Request, services: Services) -> Response:
    """The form of a new destination."""
    return await _form(request, services, "", {})


async def show_edit(request: Request, services: Services) -> Response:
    """The form of one that is there."""
    name: str = request.path_params["name"]
    return await _form(request, services, name, document_of(name, services))


async def submit_new(request: Request, services: Services) -> Response:
    """Make a destination, and show the secret that was made for it."""
    form = await read_form(request)
    name = form.one("name").strip()
    taken = [TAKEN] if name in services.board.stored.destinations else []
    return await _submit(request, services, "", name, {}, taken)


async def submit_edit(request: Request, services: Services) -> Response:
    """Change one."""
    name: str = request.path_params["name"]
    return await _submit(request, services, name, name, document_of(name, services), [])


async def _submit(
    request: Request,
    services: Services,
    old: str,
    name: str,
    before: Mapping[str, JSON],
    problems: Sequence[Problem],
) -> Response:
    form = await read_form(request)
    reading = Reading(form)
    read = reading.document(SHOWN, before)
    document: dict[str, JSON] = {**signed_anew(read, before, form), **({"name": name} if name else {})}
    wrong = [*problems, *reading.problems]
    if not wrong:
        try:
            made = await save(request, services, "destination", document)
        except Invalid as invalid:
            wrong += invalid.problems
        else:
            if name in made:
                return await show_secret(request, services, name, made[name].reveal())
            return RedirectResponse(f"/outgoing/destinations/{quote(name)}?done=saved", 303)
    return await _form(request, services, old, before, form, wrong)


def signed_anew(document: Mapping[str, JSON], before: Mapping[str, JSON], form: Form) -> dict[str, JSON]:
    """The document without its kept secret where it goes to another address now: there the station makes a new one.

    The old one may not follow, and whoever types the new address has seldom kept what was shown once.
    """
    signing = document.get("signing")
    if (
        not isinstance(signing, dict)
        or signing.get("type", STANDARD) != STANDARD
        or form.one(f"signing.{STANDARD}.secret")
    ):
        return {**document}
    if not before or not _moved(str(before.get("url", "")), str(document.get("url", ""))):
        return {**document}
    return {**document, "signing": {name: one for name, one in signing.items() if name != "secret"}}


def _moved(old: str, new: str) -> bool:
    try:
        return origin(old) != origin(new)
    except ValueError:
        return False


async def _form(
    request: Request,
    services: Services,
    name: str,
    before: Mapping[str, JSON],
    form: Form | None = None,
    problems: Sequence[Problem] = (),
) -> Response:
    items = items_of(DESTINATION, before, problems, form)
    context = {
        "name": name,
        "items": items,
        "elsewhere": elsewhere(items, problems),
        "wrong": [one for each in items.values() for one in each.all() if one.error],
        "ways": WAYS,
        "headings": HEADINGS,
        "sources": {family: one.source for family, one in FAMILIES.items()},
        "used": by_destination(services)[name] if name else [],
        "choices": {},
        "further": [(*one, [items[each] for each in names]) for *one, names in FURTHER],
    }
    return await page(request, "outgoing/destination_form.html", context, 422 if problems else 200)


PAGES: Final = (
    Page("/outgoing/destinations/_new", show_new),
    Page("/outgoing/destinations/_new", submit_new, ("POST",)),
    Page("/outgoing/destinations/{name}/edit", show_edit),
    Page("/outgoing/destinations/{name}/edit", submit_edit, ("POST",)),
)
