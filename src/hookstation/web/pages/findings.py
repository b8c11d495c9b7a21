"""What was noticed, on pages: each finding with the place where it is set right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.detect.findings import Finding, Kind, Remedy
from hookstation.core.events import State
from hookstation.core.return_path import return_path
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

STATES: Final[Mapping[Kind, State]] = {
    Kind.HELD: State.HELD,
    Kind.UNKNOWN: State.UNKNOWN,
    Kind.FAILING: State.FAILED,
    Kind.SIGNATURE: State.REJECTED,
    Kind.SCHEMA: State.REJECTED,
}
"""The state of the events that a finding is about."""

BAD: Final = frozenset({Kind.CREDENTIALS, Kind.FAILING, Kind.SIGNATURE})

LABELS: Final[Mapping[Remedy, str]] = {
    Remedy.ACCESS: "Change who may call",
    Remedy.JOURNAL: "See the events",
    Remedy.SCHEMA: "Change the schema",
    Remedy.CONNECTION: "See the connection",
    Remedy.WEBHOOK: "See the webhook",
}


@dataclass(frozen=True, slots=True)
class Noticed:
    """A finding as it is shown. `links`: (label, address), the remedy first; `tone` is that of a notice."""

    one: Finding
    links: tuple[tuple[str, str], ...]
    tone: str


def noticed(found: Iterable[Finding]) -> list[Noticed]:
    """Findings with their links."""
    return [Noticed(one, tuple(_links(one)), "bad" if one.signal.kind in BAD else "unsure") for one in found]


def _links(one: Finding) -> Iterable[tuple[str, str]]:
    signal = one.signal
    yield LABELS[signal.remedy], _remedy(one)
    if signal.remedy is not Remedy.JOURNAL and signal.webhook:
        yield LABELS[Remedy.JOURNAL], _journal(one)


def _remedy(one: Finding) -> str:
    signal = one.signal
    webhook = f"/webhooks/{quote(signal.webhook, safe='')}"
    match signal.remedy:
        case Remedy.JOURNAL:
            return _journal(one)
        case Remedy.CONNECTION if signal.connection:
            return f"/connections/{quote(signal.connection, safe='')}"
        case Remedy.SCHEMA:
            return f"{webhook}/edit/data"
        case Remedy.ACCESS:
            return f"{webhook}/edit/access"
    return webhook if signal.webhook else "/events"


def _journal(one: Finding) -> str:
    asked = {"webhook": one.signal.webhook, "status": STATES.get(one.signal.kind, "")}
    if one.signal.kind is Kind.ADDRESS:
        asked["sender"] = one.signal.about
    return f"/events?{urlencode({name: value for name, value in asked.items() if value})}"


async def dismiss(request: Request, services: Services) -> Response:
    """A person has seen to a finding: it is not shown until it happens anew."""
    form = await read_form(request)
    await services.glance.dismiss(request.path_params["id"], visitor_of(request).name)
    return RedirectResponse(return_path(form.one("back")), 303)


PAGES: Final = (Page("/findings/{id}/dismiss", dismiss, ("POST",)),)
