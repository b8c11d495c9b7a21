"""One destination: how it stands and why, what is sent there, what came of it, and what its receiver needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import PersonSecrets, encode_destination
from hookstation.core.documents.destination_secrets import secrets_of
from hookstation.core.outgoing.definitions import NoSigning
from hookstation.core.outgoing.values import DeliveryAttempt
from hookstation.core.outgoing.verify_help import Snippet, how_to_verify
from hookstation.core.values import JSON
from hookstation.engine.outgoing.dispatches import masked_url
from hookstation.engine.outgoing.figures import Bar
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.web.pages.outgoing.attempts import Tried, tried
from hookstation.web.pages.outgoing.items import FAMILY, TYPE, way_of
from hookstation.web.pages.outgoing.listing import by_destination
from hookstation.web.pages.outgoing.words import TROUBLES, WAYS
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

SPANS: Final = {24: "Day", 48: "2 days", 24 * 7: "Week"}
USUAL: Final = 48
NEWEST: Final = 10
DONE: Final = {
    "saved": "Saved, and live now.",
    "paused": "Paused: it keeps everything until you resume it.",
    "resumed": "Resumed: what waited is being sent.",
    "enabled": "It is called as usual again.",
    "revoked": "All links to its portal are over.",
}
"""What was just done, in words."""

LIFETIMES: Final = {86_400: "a day", 7 * 86_400: "a week", 30 * 86_400: "30 days", 90 * 86_400: "90 days"}
"""For how long a link to the portal may be good, in seconds."""

OVERLAPS: Final = {0: "not at all", 3_600: "an hour", 86_400: "a day", 7 * 86_400: "a week"}
"""For how long the old secret may sign, too, in seconds."""

SINCE: Final = {
    "1h": "the last hour",
    "24h": "the last day",
    "7d": "the last week",
    "30d": "the last 30 days",
}
"""From when on what failed is sent again."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The figures of a span together."""

    delivered: int
    failed: int
    dead: int

    @classmethod
    def of(cls, bars: list[Bar]) -> Whole:
        """The sum of its hours."""
        return cls(
            sum(one.delivered for one in bars),
            sum(one.failed for one in bars),
            sum(one.dead for one in bars),
        )


async def show(request: Request, services: Services) -> Response:
    """The page of one destination."""
    return await render(request, services)


async def render(
    request: Request, services: Services, attempt: DeliveryAttempt | None = None, problem: str = ""
) -> Response:
    """The page, with a test that was just sent, or with what was wrong with an act."""
    name: str = request.path_params["name"]
    standing = await services.outgoing.figures.one(name)
    destination = standing.destination
    hours = span(request)
    bars = [*await services.outgoing.figures.chart(name, hours)]
    context = {
        "one": destination,
        "standing": standing,
        "url": masked_url(destination.url),
        "document": document_of(name, services),
        "signed": not isinstance(destination.signing, NoSigning),
        "signing": signing_words(document_of(name, services)),
        "rotating": rotating(name, services),
        "has_secrets": bool(secrets_of(destination)),
        "subscriptions": by_destination(services)[name],
        "hours": hours,
        "spans": SPANS,
        "bars": bars,
        "whole": Whole.of(bars),
        "newest": (await services.store.list_deliveries(DeliveryFilter(name), NEWEST)).items,
        "snippets": how_to_verify(destination.signing),
        "lifetimes": LIFETIMES,
        "overlaps": OVERLAPS,
        "since": SINCE,
        "attempt": shown_test(attempt),
        "troubles": TROUBLES,
        "problem": problem,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return await page(request, "outgoing/destination.html", context, 422 if problem else 200)


def span(request: Request) -> int:
    """The hours that the address asks to look back."""
    asked = request.query_params.get("hours", "")
    return next((hours for hours in SPANS if str(hours) == asked), USUAL)


def shown_test(attempt: DeliveryAttempt | None) -> Tried | None:
    """A test as an attempt is shown."""
    return None if attempt is None else tried(attempt)


def document_of(name: str, services: Services) -> dict[str, JSON]:
    """A destination as configured, defaults included, secrets masked. Raises `NotFound`."""
    destination = services.outgoing.live.destination(name)
    return encode_destination(destination, PersonSecrets(), defaults=True)


def rotating(name: str, services: Services) -> int:
    """Until when the old secret signs too, microseconds since the epoch; 0 where it does not."""
    signing = services.outgoing.live.destination(name).signing
    if isinstance(signing, NoSigning) or signing.previous is None:
        return 0
    return signing.previous_until if signing.previous_until > services.clock.now() else 0


def signing_words(document: Mapping[str, JSON]) -> str:
    """How its deliveries are signed."""
    signing = document["signing"]
    kind = str(signing[TYPE]) if isinstance(signing, dict) else ""
    way = way_of(kind)
    label = WAYS[f"signing.{way}"][0]
    return f"{label}: {kind}" if way == FAMILY else label


async def show_secret(
    request: Request, services: Services, name: str, secret: str, until: int = 0
) -> Response:
    """A secret, this once, with programs that verify by it."""
    destination = services.outgoing.live.destination(name)
    snippets: tuple[Snippet, ...] = how_to_verify(destination.signing, shown=True)
    context = {
        "one": destination,
        "secret": secret,
        "until": until,
        "snippets": snippets,
        "subscriptions": by_destination(services)[name],
    }
    return await page(request, "outgoing/secret.html", context)


PAGES: Final = (Page("/outgoing/destinations/{name}", show),)
