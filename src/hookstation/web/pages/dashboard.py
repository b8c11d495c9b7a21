"""The front page: how it goes, what is not as usual, and what needs a person now."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.events import State
from hookstation.engine.dashboard import DAY_HOURS
from hookstation.ports.store import EventFilter
from hookstation.web.pages import charts
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.awaited import awaited
from hookstation.web.pages.findings import noticed
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.pages.troubled import troubled
from hookstation.web.services import Services

SPANS: Final = {2: "2 hours", 24: "Day", 24 * 7: "Week", 24 * 31: "Month"}
"""What can be looked back over, in hours."""

BY_HOUR: Final = 24 * 7
"""Up to so many hours are shown by hour, more by day."""

NEWEST: Final = 8
WAITING: Final = 8
NEEDS_A_PERSON: Final = frozenset({State.UNKNOWN, State.HELD})


async def show(request: Request, services: Services) -> Response:
    """The front page."""
    hours = span(request)
    shown = await services.glance.dashboard(hours, by_day=hours > BY_HOUR)
    everything = await services.listing.webhooks()
    waiting = (await services.store.list_events(EventFilter(states=NEEDS_A_PERSON), WAITING)).items
    context = {
        "hours": hours,
        "spans": SPANS,
        "unit": charts.unit(shown.course),
        "whole": shown.course.whole,
        "points": shown.course.points,
        "reasons": charts.reasons(shown.course.whole),
        "busiest": shown.busiest,
        "needs": noticed(shown.needs),
        "unusual": noticed(shown.unusual),
        "waiting": waiting,
        "sending": await troubled(services),
        "chain": await awaited(services, visitor_of(request).name),
        "backlog": shown.backlog,
        "titles": {one.name: one.title for one in everything},
        "total": len(everything),
        "active": sum(one.state == "active" for one in everything),
        "unreadable": [one for one in everything if one.problem],
        "newest": (await services.store.list_events(EventFilter(), NEWEST)).items,
        "nodes": await services.store.nodes(),
        "in_flight": services.ingest.in_flight,
    }
    return await page(request, "dashboard.html", context, part="now")


def span(request: Request) -> int:
    """The hours that the address asks to look back; a day where it names none that is offered."""
    asked = request.query_params.get("hours", "")
    return next((hours for hours in SPANS if str(hours) == asked), DAY_HOURS)


PAGES: Final = (Page("/", show),)
