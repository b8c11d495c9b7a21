"""Inbound webhooks: the list, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.definitions import WebhookState
from hookstation.core.documents import PersonSecrets, encode_webhook
from hookstation.core.outgoing.definitions import Subscription
from hookstation.core.outgoing.types import inbound_type, matcher
from hookstation.engine.dashboard import MOST_FINDINGS, LastDay
from hookstation.engine.listing import Listed
from hookstation.errors import NotFound
from hookstation.ports.store import EventFilter
from hookstation.ports.versions import Version
from hookstation.web.pages.charts import Bar, reasons, spark, unit
from hookstation.web.pages.dashboard import BY_HOUR, SPANS, span
from hookstation.web.pages.findings import noticed
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.pages.schema_table import described
from hookstation.web.pages.wizard.acknowledging import MODES
from hookstation.web.pages.wizard.mapping import ACTIONS
from hookstation.web.pages.wizard.sender import WAYS
from hookstation.web.services import Services

PER_PAGE: Final = 50
SORTS: Final = {
    "name": "Name",
    "title": "Title",
    "state": "State",
    "target": "Target",
    "updated": "Changed",
}
"""What the list can be sorted by."""


def url(one: Listed, services: Services) -> str:
    """Where it is called; empty where that cannot be read."""
    return f"{services.base_url}/hooks/{one.token}" if one.token else ""


def urls(shown: list[Listed], services: Services) -> dict[str, str]:
    """The URLs of these webhooks by name."""
    return {one.name: url(one, services) for one in shown}


@dataclass(frozen=True, slots=True)
class Course:
    """How a webhook in the list goes. `bars`: its last day by hour."""

    day: LastDay
    bars: Sequence[Bar]


async def courses(names: Sequence[str], services: Services) -> dict[str, Course]:
    """How these webhooks go, by name."""
    days = await services.glance.last_day(names)
    return {name: Course(day, spark(day.by_hour, day.failed_by_hour)) for name, day in days.items()}


async def list_webhooks(request: Request, services: Services) -> Response:
    """The list: searched, filtered and sorted by the address alone."""
    asked = {
        name: request.query_params.get(name, "") for name in ("search", "state", "sort", "order", "page")
    }
    everything = await services.listing.webhooks()
    found = _sorted([one for one in everything if _fits(one, services, asked)], asked)
    number = int(asked["page"]) if asked["page"].isascii() and asked["page"].isdecimal() else 1
    shown = found[(number - 1) * PER_PAGE :][:PER_PAGE] if number else []
    context = {
        "rows": shown,
        "courses": await courses([one.name for one in shown], services),
        "asked": asked,
        "found": len(found),
        "total": len(everything),
        "number": number,
        "more": len(found) > number * PER_PAGE,
        "sorts": SORTS,
        "states": [*WebhookState],
        "urls": urls(shown, services),
        "unpublished": await _never_live(services),
        "done": request.query_params.get("done", ""),
    }
    return await page(request, "webhooks/list.html", context, part="webhooks")


async def _never_live(services: Services) -> list[Version]:
    """The drafts of webhooks that are not there yet."""
    stored = services.board.stored.webhooks
    return [one for one in await services.changing.drafts.list() if one.webhook not in stored]


def _fits(one: Listed, services: Services, asked: dict[str, str]) -> bool:
    text = f"{one.name} {one.title} {one.target} {url(one, services)}".casefold()
    words = asked["search"].casefold().split()
    return asked["state"] in ("", one.state) and all(word in text for word in words)


def _sorted(found: list[Listed], asked: dict[str, str]) -> list[Listed]:
    by = asked["sort"] if asked["sort"] in SORTS else "name"

    def key(one: Listed) -> tuple[str | int, str]:
        value = getattr(one, by)
        return (value.casefold() if isinstance(value, str) else value, one.name)

    return sorted(found, key=key, reverse=asked["order"] == "down")


async def _instead(name: str, services: Services) -> str:
    """Where a webhook leads that is not there: to its draft, or to the events that outlived it. Raises `NotFound`."""
    if any(one.webhook == name for one in await _never_live(services)):
        return f"/webhooks/{name}/edit/general"
    if (await services.store.list_events(EventFilter(name), 1)).items:
        return f"/events?webhook={name}"
    raise NotFound("webhook", name)


def told(name: str, services: Services) -> list[Subscription]:
    """The subscriptions that send on what a webhook receives."""
    type_ = inbound_type(name)
    found = sorted(services.board.subscriptions.values(), key=lambda one: one.name)
    return [one for one in found if matcher(one.events)(type_)]


async def show_webhook(request: Request, services: Services) -> Response:
    """One webhook: its URL, what it asks of a call, where it writes, and what came last."""
    name: str = request.path_params["name"]
    shown = services.listing.webhook(name)
    if shown is None:
        return RedirectResponse(await _instead(name, services), 303)
    definition = None if shown.problem else services.board.webhooks([name])[name]
    document = {} if definition is None else encode_webhook(definition, PersonSecrets(), defaults=True)
    events = await services.store.list_events(EventFilter(name), 10)
    hours = span(request)
    gone = await services.glance.figures(name, hours, by_day=hours > BY_HOUR)
    open_findings = await services.glance.findings(MOST_FINDINGS, is_open=True)
    context = {
        "one": shown,
        "url": url(shown, services),
        "definition": definition,
        "told": told(name, services),
        "done": request.query_params.get("done", ""),
        "document": document,
        "fields": described(document.get("schema", True)),
        "draft": next((each for each in await services.changing.drafts.list() if each.webhook == name), None),
        "actions": {kind: label for kind, (label, _) in ACTIONS.items()},
        "ways": {kind: label for kind, (label, _) in WAYS.items()},
        "answered": {mode: label.lower() for mode, label, _ in MODES},
        "events": events.items,
        "hours": hours,
        "spans": SPANS,
        "whole": gone.whole,
        "points": gone.points,
        "unit": unit(gone),
        "reasons": reasons(gone.whole),
        "held": (await services.glance.last_day([name]))[name].held,
        "findings": noticed(
            one for one in open_findings if one.needs_attention and one.signal.webhook == name
        ),
    }
    return await page(request, "webhooks/show.html", context)


PAGES: Final = (Page("/webhooks", list_webhooks), Page("/webhooks/{name}", show_webhook))
