"""Replays of many events: looked through first, then begun; how far they are, and what became of each event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.values import JSON
from hookstation.engine.replay_many import AT_ONCE, MOST
from hookstation.engine.runs import moment
from hookstation.ports.store import EventFilter
from hookstation.web.api import asking
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.events import FILTERS
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

SHOWN: Final = 50
"""Events of a dry run or of a replay that a page shows."""

ID: Final = "id"
AGAIN: Final = "again"
Which: TypeAlias = EventFilter | Sequence[str]


async def list_replays(request: Request, services: Services) -> Response:
    """The replays of the last week, newest first."""
    return await page(request, "replays/list.html", {"batches": await services.remedies.many.batches()})


async def show_new(request: Request, services: Services) -> Response:
    """What would become of the events that are meant: nothing is changed."""
    now = services.clock.now()
    asked = _asked(request.query_params)
    if asked.get(ID) is None:
        asked = _fixed_in_time(asked, now)
    again = request.query_params.get(AGAIN) == "yes"
    prospect = await services.remedies.many.look_through(_which(asked, now), again=again)
    context = {
        "asked": asked,
        "again": again,
        "total": prospect.total,
        "looked": len(prospect.foreseen),
        "counts": Counter(one.verdict for one in prospect.foreseen),
        "foreseen": prospect.foreseen[:SHOWN],
        "at_once": AT_ONCE,
        "most": MOST,
    }
    return await page(request, "replays/new.html", context)


async def begin(request: Request, services: Services) -> Response:
    """Begin to replay them."""
    form = await read_form(request)
    asked = {name: [*form.all(name)] for name in (ID, *FILTERS) if form.one(name)}
    which, again = _which(asked, services.clock.now()), form.one(AGAIN) == "yes"
    begun = await services.remedies.many.begin(which, visitor_of(request).name, again=again)
    return RedirectResponse(f"/replays/{begun.batch.id}", 303)


async def show_replay(request: Request, services: Services) -> Response:
    """How far it is; it renews itself while it goes on."""
    batch_id: str = request.path_params["id"]
    many = services.remedies.many
    progress = await many.progress(batch_id)
    items = await many.items(batch_id, SHOWN + 1, request.query_params.get("after", ""))
    context = {
        "batch": progress.batch,
        "counts": progress.counts,
        "left": progress.left,
        "done": progress.batch.total - progress.left,
        "items": items[:SHOWN],
        "next": items[SHOWN - 1].event_id if len(items) > SHOWN else "",
    }
    return await page(request, "replays/show.html", context, part="progress")


async def cancel(request: Request, services: Services) -> Response:
    """Replay no further event of these."""
    batch_id: str = request.path_params["id"]
    await services.remedies.many.cancel(batch_id, visitor_of(request).name)
    return RedirectResponse(f"/replays/{batch_id}", 303)


def _asked(parameters: ImmutableMultiDict[str, str]) -> dict[str, list[str]]:
    """The events that are named, else the filter that finds them."""
    if ids := parameters.getlist(ID):
        return {ID: ids}
    return {name: [parameters[name]] for name in FILTERS if parameters.get(name)}


def _fixed_in_time(asked: Mapping[str, list[str]], now: int) -> dict[str, list[str]]:
    """The filter with moments in the place of times ago, and nothing that comes later: what was seen is replayed."""
    since = asking.moment_in("since", asked.get("since", [""])[0], now)
    until = asking.moment_in("until", asked.get("until", [""])[0], now) or now
    fixed = {**asked, "until": [moment(until) or ""]}
    return {**fixed, "since": [moment(since) or ""]} if since else fixed


def _which(asked: Mapping[str, list[str]], now: int) -> Which:
    if ID in asked:
        return asked[ID]
    given: dict[str, JSON] = {name: values[0] for name, values in asked.items()}
    return asking.filter_in({"filter": given}, now)


PAGES: Final = (
    Page("/replays", list_replays),
    Page("/replays", begin, ("POST",)),
    Page("/replays/new", show_new),
    Page("/replays/{id}", show_replay),
    Page("/replays/{id}/cancel", cancel, ("POST",)),
)
