"""The form of a subscription: which events, under which condition, to where and as what, with what it would send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.documents import encode_subscription
from hookstation.core.documents.subscription import SUBSCRIPTION, decode_subscription
from hookstation.core.outgoing.types import OWN_TYPES, OwnType, inbound_type
from hookstation.core.values import JSON
from hookstation.engine.listing import Listed
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.outgoing.items import elsewhere, is_missing, items_of, text_of
from hookstation.web.pages.outgoing.preview import OVER, REAL, Preview, preview
from hookstation.web.pages.outgoing.reading import WORDS, Reading
from hookstation.web.pages.outgoing.saving import save
from hookstation.web.pages.outgoing.words import HEADINGS, WAYS
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

MOST_OFFERED: Final = 40
"""Webhooks that have a box of their own; of more than these, names are typed."""

SHOWN: Final = tuple(one for one in SUBSCRIPTION if one.name != "name")
TAKEN: Final = Problem(("name",), "is taken by another subscription; choose another one.")


@dataclass(frozen=True, slots=True)
class Looked:
    """What is said of a form as it stands: what is wrong, what is doubtful, and what it would send."""

    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()
    preview: Preview | None = None


async def show_new(request: Request, services: Services) -> Response:
    """The form of a new subscription; the address may say to where, and of which event."""
    asked = request.query_params
    wanted: JSON = [asked["event"]] if asked.get("event") else []
    before: dict[str, JSON] = {"destination": asked.get("destination", ""), "events": wanted}
    return await _form(request, services, "", before)


async def show_edit(request: Request, services: Services) -> Response:
    """The form of one that is there, with what it sends."""
    name: str = request.path_params["name"]
    before = document_of(name, services)
    return await _form(request, services, name, before, looked=await _look(before, REAL, services))


async def submit_new(request: Request, services: Services) -> Response:
    """Make a subscription, or look at what it would send."""
    form = await read_form(request)
    name = form.one("name").strip()
    taken = [TAKEN] if name in services.board.stored.subscriptions else []
    return await _submit(request, services, "", name, taken)


async def submit_edit(request: Request, services: Services) -> Response:
    """Change one, or look at what it would send then."""
    name: str = request.path_params["name"]
    return await _submit(request, services, name, name, [])


async def show_preview(request: Request, services: Services) -> Response:
    """What the form would send as it stands: for scripts, while it is filled in."""
    form = await read_form(request)
    reading = Reading(form)
    document = {"name": "preview", **reading.document(SHOWN, {})}
    looked = await _look(document, form.one("over"), services, reading.problems)
    if looked.problems:  # who has just begun has done nothing wrong
        looked = Looked([one for one in looked.problems if not is_missing(one)])
    context = {"looked": looked, "over": form.one("over"), "overs": OVER}
    return await page(request, "outgoing/preview_page.html", context, part="preview")


async def _submit(
    request: Request, services: Services, old: str, name: str, problems: Sequence[Problem]
) -> Response:
    form = await read_form(request)
    before = document_of(old, services) if old else {}
    reading = Reading(form)
    document: dict[str, JSON] = {**reading.document(SHOWN, {}), **({"name": name} if name else {})}
    wrong = [*problems, *reading.problems]
    if form.one("act") == "preview":
        looked = await _look({**document, "name": name or "preview"}, form.one("over"), services, wrong)
        return await _form(request, services, old, before, form, looked)
    if not wrong:
        try:
            await save(request, services, "subscription", document)
        except Invalid as invalid:
            wrong += invalid.problems
        else:
            return RedirectResponse(f"/outgoing/subscriptions/{quote(name)}?done=saved", 303)
    return await _form(request, services, old, before, form, Looked(wrong))


async def _look(
    document: Mapping[str, JSON], over: str, services: Services, known: Sequence[Problem] = ()
) -> Looked:
    subscription, problems = decode_subscription({**document})
    if subscription is None or known:
        return Looked([*known, *problems])
    return Looked((), services.showing.doubts(subscription), await preview(subscription, over, services))


async def _form(
    request: Request,
    services: Services,
    name: str,
    before: Mapping[str, JSON],
    form: Form | None = None,
    looked: Looked | None = None,
) -> Response:
    looked = looked or Looked()
    items = items_of(SUBSCRIPTION, before, looked.problems, form)
    webhooks = await services.listing.webhooks()
    offered = _offered(webhooks)
    written = form.all("events.marked") if form else WORDS.split(text_of(before.get("events")))
    typed = WORDS.split(form.one("events")) if form else written
    context = {
        "name": name,
        "items": items,
        "elsewhere": elsewhere(items, looked.problems),
        "wrong": [one for each in items.values() for one in each.all() if one.error],
        "ways": WAYS,
        "headings": HEADINGS,
        "sources": {},
        "choices": {"destination": sorted(services.board.stored.destinations)},
        "own_types": OWN_TYPES,
        "webhooks": webhooks[:MOST_OFFERED],
        "marked": {*written} & offered,
        "typed": "\n".join(one for one in typed if one and one not in offered),
        "looked": looked,
        "over": form.one("over") if form else REAL,
        "overs": OVER,
    }
    refused = bool(looked.problems) and (form is None or form.one("act") != "preview")
    return await page(request, "outgoing/subscription_form.html", context, 422 if refused else 200)


def _offered(webhooks: Sequence[Listed]) -> set[str]:
    own: Sequence[OwnType] = OWN_TYPES
    return {one.name for one in own} | {inbound_type(one.name) for one in webhooks[:MOST_OFFERED]}


def document_of(name: str, services: Services) -> dict[str, JSON]:
    """A subscription as configured, defaults included. Raises `NotFound`."""
    one = services.board.subscriptions.get(name)
    if one is None:
        raise NotFound("subscription", name)
    return encode_subscription(one, defaults=True)


PAGES: Final = (
    Page("/outgoing/subscriptions/_new", show_new),
    Page("/outgoing/subscriptions/_new", submit_new, ("POST",)),
    Page("/outgoing/subscriptions/_preview", show_preview, ("POST",)),
    Page("/outgoing/subscriptions/{name}/edit", show_edit),
    Page("/outgoing/subscriptions/{name}/edit", submit_edit, ("POST",)),
)
