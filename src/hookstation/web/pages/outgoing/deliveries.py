"""The list of deliveries, newest first, and what is done with many of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.outgoing.values import Delivery, DeliveryState
from hookstation.engine.outgoing.resend import MOST, Done
from hookstation.engine.runs import moment
from hookstation.errors import Conflict, Invalid, NotFound
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.web.api.asking import moment_in
from hookstation.web.api.deliveries import NAMES, filter_of
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.outgoing.words import TROUBLES
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

PER_PAGE: Final = 50
MOST_COUNTED: Final = 2_000
"""What is meant is counted so far, so that the question whether it is meant comes at once."""

TICK: Final = 1_000
"""Microseconds by which a moment is told to the next whole millisecond."""

RESEND: Final = "resend"
CANCEL: Final = "cancel"
LABELS: Final = {"status": "State", "since": "From", "until": "Until", "event_id": "Event"}


async def show_list(request: Request, services: Services) -> Response:
    """Deliveries; the newest page renews itself unless that is paused."""
    asked = {name: request.query_params.get(name, "") for name in (*NAMES, "after", "live")}
    wrong: tuple[str, ...] = ()
    items: list[Delivery] = []
    following = ""
    try:
        which = filter_of({name: asked[name] for name in NAMES}, services.clock.now())
        found = await services.store.list_deliveries(which, PER_PAGE, asked["after"])
        items, following = [*found.items], found.next
    except Invalid as invalid:
        wrong = tuple(f"{_label(str(one.path[0]))} {one.message}" for one in invalid.problems)
    context = {
        "deliveries": items,
        "next": following,
        "asked": asked,
        "wrong": wrong,
        "filtered": any(asked[name] for name in NAMES),
        "further": any(asked[name] for name in ("type", "event_id", "trouble")),
        "live": asked["live"] != "off" and not asked["after"] and not wrong,
        "destinations": sorted(services.board.stored.destinations),
        "subscriptions": sorted(services.board.stored.subscriptions),
        "states": [*DeliveryState],
        "troubles": TROUBLES,
        "bulk": {name: asked[name] for name in NAMES if asked[name]},
        "done": told(request),
        "any_destination": bool(services.board.stored.destinations),
    }
    return await page(request, "outgoing/deliveries.html", context, 422 if wrong else 200, part="deliveries")


def _label(name: str) -> str:
    return LABELS.get(name, name.capitalize())


def told(request: Request) -> Mapping[str, str]:
    """What was just done, as the address says."""
    return {name: request.query_params.get(name, "") for name in ("done", "count", "left")}


async def act_on_marked(request: Request, services: Services) -> Response:
    """Send those again that are marked, or end them."""
    form, who = await read_form(request), visitor_of(request).name
    act = _act(form)
    count = left = 0
    for delivery_id in form.all("id")[:PER_PAGE]:
        try:
            if act == RESEND:
                await services.outgoing.resend.one(delivery_id, who)
            else:
                await services.outgoing.resend.cancel(delivery_id, who)
            count += 1
        except (Conflict, NotFound):
            left += 1
    asked = {name: form.one(name) for name in NAMES if form.one(name)}
    return _to_list(asked, act, count, left)


async def show_many(request: Request, services: Services) -> Response:
    """How many are meant, before anything is done with them."""
    now = services.clock.now()
    asked = {name: request.query_params.get(name, "") for name in NAMES}
    act = CANCEL if request.query_params.get("act") == CANCEL else RESEND
    which = filter_of(_fixed_in_time(asked, now), now)
    count, more = await _count(_meant(which, act), request.query_params.get("after", ""), services)
    context = {
        "act": act,
        "asked": _fixed_in_time(asked, now),
        "after": request.query_params.get("after", ""),
        "before": request.query_params.get("count", ""),
        "count": count,
        "more": more,
        "most": MOST,
        "narrowed": any(asked[name] for name in NAMES if name != "status"),
    }
    return await page(request, "outgoing/many.html", context)


async def act_on_many(request: Request, services: Services) -> Response:
    """Send everything again that matches, or end it; in steps where there is very much of it."""
    form, who = await read_form(request), visitor_of(request).name
    act = _act(form)
    asked = {name: form.one(name) for name in NAMES}
    which = filter_of(asked, services.clock.now())
    use = services.outgoing.resend
    done: Done = await (use.matching if act == RESEND else use.cancel_matching)(which, who, form.one("after"))
    if done.next:
        again = {**asked, "act": act, "after": done.next, "count": str(done.count)}
        return RedirectResponse(f"/outgoing/deliveries/many?{urlencode(again)}", 303)
    return _to_list({**asked, "status": "", "until": ""}, act, done.count)


def _act(form: Form) -> str:
    return CANCEL if form.one("act") == CANCEL else RESEND


def _to_list(asked: Mapping[str, str], act: str, count: int, left: int = 0) -> Response:
    said = {"done": act, "count": str(count), "left": str(left or "")}
    query = urlencode({name: value for name, value in {**asked, **said}.items() if value})
    return RedirectResponse(f"/outgoing/deliveries?{query}", 303)


def _fixed_in_time(asked: Mapping[str, str], now: int) -> dict[str, str]:
    """The filter with moments in the place of times ago, and nothing that begins later: what was seen is meant."""
    since, until = (
        moment_in("since", asked["since"], now),
        moment_in("until", asked["until"], now) or now + TICK,
    )
    return {**asked, "since": moment(since) or "", "until": moment(until) or ""}


def _meant(which: DeliveryFilter, act: str) -> DeliveryFilter:
    states = which.states or frozenset({DeliveryState.DEAD})
    chosen = frozenset({DeliveryState.WAITING}) if act == CANCEL else states
    return DeliveryFilter(
        which.destination,
        which.subscription,
        chosen,
        which.troubles,
        which.type,
        which.event_id,
        which.since,
        which.until,
    )


async def _count(which: DeliveryFilter, after: str, services: Services) -> tuple[int, bool]:
    """How many match, counted up to `MOST_COUNTED`, and whether there may be more."""
    count = 0
    while count < MOST_COUNTED:
        found = await services.store.list_deliveries(which, 500, after)
        count, after = count + len(found.items), found.next
        if not after:
            return count, False
    return count, True


PAGES: Final = (
    Page("/outgoing/deliveries", show_list),
    Page("/outgoing/deliveries/marked", act_on_marked, ("POST",)),
    Page("/outgoing/deliveries/many", show_many),
    Page("/outgoing/deliveries/many", act_on_many, ("POST",)),
)
