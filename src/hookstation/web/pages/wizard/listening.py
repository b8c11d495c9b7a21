"""Listening: a temporary URL whose calls are shown as they come, to draft the schema from those that are picked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused, Invalid, NotFound, Problem
from hookstation.ports.captures import Capture, CapturedCall
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.wizard.frame import Look, address, name_of
from hookstation.web.services import Services

SHOWN: int = 160
"""Characters of a call's body in the list."""


async def capture_of(name: str, services: Services) -> tuple[Capture, str] | None:
    """What listens for this webhook now, the newest, with its token."""
    found = [one for one in await services.changing.captures.list() if one[0].webhook == name]
    return found[-1] if found else None


async def calls_of(name: str, services: Services) -> list[CapturedCall]:
    """What was heard for this webhook, while its URL listens."""
    found = await capture_of(name, services)
    if found is None:
        return []
    try:
        _, _, calls = await services.changing.captures.show(found[0].id)
    except NotFound:
        return []
    return list(calls)


async def context(look: Look) -> dict[str, object]:
    """What the page shows of it."""
    found = await capture_of(look.name, look.services)
    calls = await calls_of(look.name, look.services)
    return {
        "capture": found[0] if found else None,
        "capture_url": f"{look.services.base_url}/hooks/{found[1]}" if found else "",
        "calls": await asyncio.to_thread(_read_all, calls),
    }


def _read_all(calls: Sequence[CapturedCall]) -> list[tuple[CapturedCall, str, str]]:
    """The calls, newest first, each as `_read`. Runs in a thread: senders say how much there is to read."""
    return [(one, *_read(one)) for one in reversed(calls)]


def _read(call: CapturedCall) -> tuple[str, str]:
    """The beginning of a call's body, and why it cannot be picked: empty where it can."""
    text = call.body.decode("utf-8", "replace")
    shown = " ".join(text.split())
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    try:
        parse_json(call.body)
    except BodyRefused as refused:
        return shown, refused.reason
    return shown, ""


async def picked(look: Look, form: Form) -> list[JSON]:
    """The bodies of the calls that were picked. Raises `Invalid`."""
    wanted = set(form.all("call"))
    found = [one for one in await calls_of(look.name, look.services) if str(one.number) in wanted]
    if not found:
        raise Invalid([Problem(("calls",), "Pick at least one call; or wait until one has come.")])
    try:
        return await asyncio.to_thread(lambda: [parse_json(one.body).value for one in found])
    except BodyRefused as refused:
        raise Invalid([Problem(("calls",), f"One of these calls is no JSON: {refused.reason}")]) from refused


async def begin(request: Request, services: Services) -> Response:
    """Listen at a new URL."""
    name = name_of(request)
    await services.changing.captures.open(visitor_of(request).name, name)
    return RedirectResponse(f"{address(name, 'data')}?way=calls#listen", 303)


async def end(request: Request, services: Services) -> Response:
    """Stop listening, and forget what was heard."""
    name = name_of(request)
    await services.changing.captures.close((await read_form(request)).one("capture"))
    return RedirectResponse(address(name, "data"), 303)
