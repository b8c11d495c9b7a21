"""The front page: what is there, what came last, and what needs a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.events import Event, State
from hookstation.ports.store import EventFilter
from hookstation.web.pages import webhooks
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

NEWEST: Final = 40
"""Calls that the chart shows."""
SHOWN: Final = 8
NEEDS_A_PERSON: Final = frozenset({State.UNKNOWN, State.HELD})
TURNED_AWAY: Final = "turned away"


async def show(request: Request, services: Services) -> Response:
    """The front page."""
    everything = await services.listing.webhooks()
    shown = everything[:SHOWN]
    newest = (await services.store.list_events(EventFilter(), NEWEST)).items
    context = {
        "webhooks": shown,
        "urls": webhooks.urls(shown, services),
        "total": len(everything),
        "last": await webhooks.last_calls([one.name for one in shown], services),
        "states": Counter(one.state for one in everything),
        "ends": ends(services),
        "newest": newest,
        "timed": timed(newest),
        "waiting": (await services.store.list_events(EventFilter(states=NEEDS_A_PERSON), SHOWN)).items,
        "unreadable": [one for one in everything if one.problem],
        "in_flight": services.ingest.in_flight,
    }
    return await page(request, "dashboard.html", context, part="now")


def ends(services: Services) -> Counter[str]:
    """How calls ended since this process began: by state, and all that were refused as one."""
    found: Counter[str] = Counter()
    for (end, _), count in services.counters.snapshot().items():
        found[end if end in {*State, "repeated"} else TURNED_AWAY] += count
    return found


def timed(events: Sequence[Event]) -> list[tuple[Event, int]]:
    """Events that are settled, each with the microseconds from its arrival to its end."""
    return [
        (one, one.settled_at - one.received_at)
        for one in events
        if one.settled_at and one.state is not State.REJECTED
    ]


PAGES: Final = (Page("/", show),)
