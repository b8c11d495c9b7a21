"""Changes of a live webhook: its history, how versions differ, the way back, and the back-test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.differences import Difference
from hookstation.engine.backtest import MOST_EVENTS, USUAL_EVENTS, BackTest
from hookstation.errors import Invalid, NotFound, StoreError
from hookstation.ports.versions import VersionState
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.rendering import page, piece, streamed
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

PER_PAGE: Final = 30
TOLD_EVERY: Final = 10
"""Events after which a back-test says how far it is."""

LOOKED_AT: Final = 50
"""Versions among which the one that was live before is looked for."""

MOST_SHOWN: Final = 100
"""Events with differences that a page shows; all are counted."""

CHOICES: Final = (50, USUAL_EVENTS, MOST_EVENTS)


async def list_versions(request: Request, services: Services) -> Response:
    """What was changed, when and by whom."""
    name: str = request.path_params["name"]
    before = _number(request.query_params.get("before", "")) or 0
    found = await services.changing.history.list(name, PER_PAGE + 1, before)
    draft = await services.changing.drafts.show(name, check=False)
    context = {
        "name": name,
        "versions": found[:PER_PAGE],
        "more": found[PER_PAGE - 1].number if len(found) > PER_PAGE else 0,
        "draft": draft,
        "done": request.query_params.get("done", ""),
        "discarded": _number(request.query_params.get("discarded", "")),
    }
    return await page(request, "webhooks/versions.html", context)


async def show_version(request: Request, services: Services) -> Response:
    """One version, and how it differs from the one before or from the one that is asked for."""
    name: str = request.path_params["name"]
    number = _number(request.path_params["number"])
    if number is None:
        raise NotFound("version", f"{name} {request.path_params['number']}")
    version, document = await services.changing.history.show(name, number)
    against = _number(request.query_params.get("against", ""))
    if against is None:
        against = await _live_before(name, number, services)
    differences: list[Difference] | None = None
    if against > 0:
        try:
            differences = [*await services.changing.history.compare(name, against, number)]
        except NotFound:
            differences = None
    draft = await services.changing.drafts.show(name, check=False)
    context = {
        "name": name,
        "version": version,
        "document": document,
        "against": against,
        "differences": differences,
        "draft": draft,
    }
    return await page(request, "webhooks/version.html", context)


async def _live_before(name: str, number: int, services: Services) -> int:
    """The newest version before `number` that was live, else the one just before it; 0 where there is none."""
    earlier = await services.changing.history.list(name, LOOKED_AT, number)
    published = [one.number for one in earlier if one.state is VersionState.PUBLISHED]
    return next(iter(published), earlier[0].number if earlier else 0)


async def roll_back(request: Request, services: Services) -> Response:
    """Put an old version live again; what it replaces stays in the history."""
    form, name = await read_form(request), request.path_params["name"]
    number = _number(form.one("version")) or 0
    began = _number(form.one("began"))
    await services.changing.drafts.roll_back(name, number, visitor_of(request).name, began=began)
    return RedirectResponse(f"/webhooks/{name}/versions?done={number}", 303)


async def take_up(request: Request, services: Services) -> Response:
    """Go on with an old version as a draft: what was discarded, or live long ago."""
    form, name = await read_form(request), request.path_params["name"]
    number, began = _number(form.one("version")) or 0, _number(form.one("began")) or 0
    await services.changing.drafts.take_up(name, number, began, visitor_of(request).name)
    return RedirectResponse(f"/webhooks/{name}/edit/save", 303)


async def back_test(request: Request, services: Services) -> Response:
    """A draft (or a version) over the last real calls: the page comes as the test goes on, and writes nothing."""
    name: str = request.path_params["name"]
    asked = request.query_params
    draft = await services.changing.drafts.show(name, check=False)
    context: dict[str, object] = {
        "name": name,
        "draft": draft,
        "choices": CHOICES,
        "wrong": "",
        "events": asked.get("events", ""),
    }
    if "events" not in asked:
        return await page(request, "webhooks/backtest.html", context)
    try:
        events = _number(asked["events"]) or 0
        changed = await services.changing.drafts.compile_saved(name, _number(asked.get("version", "")) or 0)
        test = services.changing.back_tests.begin(name, changed, events)
    except Invalid as invalid:
        wrong = "; ".join(str(one) for one in invalid.problems if one.severity == "error")
        return await page(request, "webhooks/backtest.html", {**context, "wrong": wrong}, 422)
    return await streamed(request, "webhooks/backtest.html", context, _rows(test))


async def _rows(test: BackTest) -> AsyncIterator[str]:
    """How far it is, each event that would come out otherwise, and at the end what it comes to."""
    shown = 0
    yield piece("webhooks/backtest_parts.html", "progress", tally=test.tally)
    try:
        async for one in test.run():
            if one.differences and shown < MOST_SHOWN:
                shown += 1
                yield piece("webhooks/backtest_parts.html", "compared", one=one, is_first=shown == 1)
            if test.tally.done % TOLD_EVERY == 0:
                yield piece("webhooks/backtest_parts.html", "progress", tally=test.tally)
    except StoreError as failure:
        test.tally.ended = f"the journal could not be read any further: {failure.message}"
    yield piece("webhooks/backtest_parts.html", "outcome", tally=test.tally, shown=shown)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


PAGES: Final = (
    Page("/webhooks/{name}/versions", list_versions),
    Page("/webhooks/{name}/versions/{number}", show_version),
    Page("/webhooks/{name}/rollback", roll_back, ("POST",)),
    Page("/webhooks/{name}/take-up", take_up, ("POST",)),
    Page("/webhooks/{name}/backtest", back_test),
)
