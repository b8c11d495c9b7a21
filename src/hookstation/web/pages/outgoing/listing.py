"""Outgoing webhooks as a person sees them: each destination with what is sent there, and how that goes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.outgoing.definitions import Subscription
from hookstation.core.outgoing.values import Delivery, DeliveryFigures
from hookstation.engine.outgoing.dispatches import masked_url
from hookstation.engine.outgoing.figures import HOUR, Standing
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.web.pages.charts import Bar, spark
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

PER_PAGE: Final = 50
DAY_HOURS: Final = 24
WORDS: Final = ("active", "paused", "disabled", "slowed", "open", "gone", "given_up")
"""How a destination may stand."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A row. `bars`: attempts of the last day by hour; `last` is the newest delivery."""

    standing: Standing
    url: str
    subscriptions: Sequence[Subscription]
    bars: Sequence[Bar]
    attempts: int
    failed: int
    last: Delivery | None


async def show_list(request: Request, services: Services) -> Response:
    """The list: searched and filtered by the address alone."""
    asked = {name: request.query_params.get(name, "") for name in ("search", "state", "page", "done")}
    everything = await services.outgoing.figures.all()
    sent = by_destination(services)
    found = [one for one in everything if _fits(one, sent[one.destination.name], asked)]
    number = int(asked["page"]) if asked["page"].isascii() and asked["page"].isdecimal() else 1
    shown = found[(number - 1) * PER_PAGE :][:PER_PAGE] if number else []
    stored, board = services.board.stored, services.board
    context = {
        "rows": await _rows(shown, sent, services),
        "asked": asked,
        "found": len(found),
        "total": len(everything),
        "number": number,
        "more": len(found) > number * PER_PAGE,
        "state_choices": [(one, one.replace("_", " ")) for one in WORDS],
        "unreadable": sorted(
            {*stored.destinations} - {*board.destinations} | {*stored.subscriptions} - {*board.subscriptions}
        ),
    }
    return await page(request, "outgoing/list.html", context, part="outgoing")


def by_destination(services: Services) -> Mapping[str, list[Subscription]]:
    """Subscriptions by the name of their destination."""
    sent: dict[str, list[Subscription]] = defaultdict(list)
    for name in sorted(services.board.subscriptions):
        one = services.board.subscriptions[name]
        sent[one.destination].append(one)
    return sent


def _fits(one: Standing, subscriptions: Sequence[Subscription], asked: Mapping[str, str]) -> bool:
    told = [one.destination.name, one.destination.title, one.destination.url]
    for each in subscriptions:
        told += [each.name, each.title, *each.events]
    text = " ".join(told).casefold()
    words = asked["search"].casefold().split()
    return asked["state"] in ("", one.word) and all(word in text for word in words)


async def _rows(
    shown: Sequence[Standing], sent: Mapping[str, list[Subscription]], services: Services
) -> list[Shown]:
    if not shown:
        return []
    last = services.clock.now() // HOUR * HOUR
    first = last - (DAY_HOURS - 1) * HOUR
    hours: dict[str, dict[int, DeliveryFigures]] = defaultdict(dict)
    for each in await services.store.delivery_figures(first, last + HOUR):
        hours[each.destination][each.hour] = each
    newest = await asyncio.gather(*(newest_of(one.destination.name, services) for one in shown))
    times = range(first, last + HOUR, HOUR)
    return [
        _row(one, sent[one.destination.name], [hours[one.destination.name].get(at) for at in times], delivery)
        for one, delivery in zip(shown, newest, strict=True)
    ]


def _row(
    one: Standing,
    subscriptions: Sequence[Subscription],
    hours: Sequence[DeliveryFigures | None],
    last: Delivery | None,
) -> Shown:
    failures = [each.failed if each else 0 for each in hours]
    attempts = [each.delivered + each.failed if each else 0 for each in hours]
    url = masked_url(one.destination.url)
    return Shown(one, url, subscriptions, spark(attempts, failures), sum(attempts), sum(failures), last)


async def newest_of(destination: str, services: Services) -> Delivery | None:
    """The delivery to a destination that began last."""
    found = await services.store.list_deliveries(DeliveryFilter(destination), 1)
    return found.items[0] if found.items else None


PAGES: Final = (Page("/outgoing", show_list),)
