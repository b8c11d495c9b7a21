"""Connections: which there are and how they do; made, tried, changed, and taken away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.definitions import Configuration
from hookstation.core.detect.findings import Finding, Kind
from hookstation.core.documents import PLURALS, PersonSecrets, encode_connection
from hookstation.core.documents.links import links_of
from hookstation.core.fieldlist import Kind as Holds
from hookstation.core.fieldlist import Setting
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON
from hookstation.engine.dashboard import MOST_FINDINGS
from hookstation.engine.listing import Listed
from hookstation.engine.trying import Step
from hookstation.errors import ActionFailed, AddressRefused, Conflict, NotFound
from hookstation.web.pages.findings import noticed
from hookstation.web.pages.forms import check_typed, read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

ADDRESSES: Final = ("url", "host", "endpoint", "bucket", "path", "file")
"""The settings that say where a connection leads; a type has one of them, or the first counts."""
TROUBLE: Final = frozenset({Kind.CREDENTIALS, Kind.HELD})


@dataclass(frozen=True, slots=True)
class User:
    """Something besides webhooks that uses a connection: its kind and name, and its page."""

    kind: str
    name: str

    @property
    def href(self) -> str:
        """Its page."""
        return f"/{PLURALS[self.kind]}/{quote(self.name, safe='')}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A connection in the list. `state`: usable, holding, refused, or unreadable."""

    document: dict[str, JSON]
    state: str
    users: Sequence[Listed]
    others: Sequence[User]
    held: int
    address: str


async def users(services: Services) -> dict[str, list[Listed]]:
    """The webhooks that write to each connection."""
    found: dict[str, list[Listed]] = defaultdict(list)
    for one in await services.listing.webhooks():
        found[one.connection].append(one)
    return found


def others(services: Services) -> dict[str, list[User]]:
    """The workflows, transfers and polls that use each connection."""
    board = services.board
    things = Configuration(
        workflows={**board.workflows}, transfers={**board.transfers}, polls={**board.polls}
    )
    found: dict[str, dict[User, None]] = defaultdict(dict)
    for kind, name, link in links_of(things):
        if link.kind == "connection":
            found[link.name][User(kind, name)] = None
    return {name: [*those] for name, those in found.items()}


def address(shown: Mapping[str, JSON]) -> str:
    """Where a connection leads, by whichever of its settings says so."""
    return next((str(shown[one]) for one in ADDRESSES if shown.get(one)), "in this station")


def document(name: str, services: Services) -> dict[str, JSON]:
    """A connection with its settings, secrets masked. Raises `NotFound`."""
    if name == RECORDS:
        return {"name": RECORDS, "type": RECORDS}
    connection = services.board.connections.get(name)
    if connection is None:
        raise NotFound("connection", name)
    return encode_connection(connection, services.board.catalogue, PersonSecrets(), defaults=True)


async def troubles(services: Services) -> dict[str, list[Finding]]:
    """What was noticed of each connection and is still so."""
    found: dict[str, list[Finding]] = defaultdict(list)
    for one in await services.glance.findings(MOST_FINDINGS, is_open=True):
        if one.signal.connection and one.signal.kind in TROUBLE and not one.closed_at:
            found[one.signal.connection].append(one)
    return found


def state_of(found: Sequence[Finding], held: int) -> str:
    """How a connection does, in one word."""
    if any(one.signal.kind is Kind.CREDENTIALS for one in found):
        return "refused"
    return "holding" if held else "usable"


async def list_connections(request: Request, services: Services) -> Response:
    """All connections; the built-in records database is always one."""
    names = sorted({*services.board.stored.connections, RECORDS})
    readable = {RECORDS, *services.board.connections}
    using, found, besides = await users(services), await troubles(services), others(services)
    held = await held_by_webhook(services)
    shown = [
        _shown(name, services, using[name], besides.get(name, ()), found[name], held)
        for name in names
        if name in readable
    ]
    context = {
        "shown": shown,
        "unreadable": [name for name in names if name not in readable],
        "done": request.query_params.get("done", ""),
    }
    return await page(request, "connections/list.html", context)


async def held_by_webhook(services: Services) -> dict[str, int]:
    """Events that wait until their target works again."""
    everything = await services.listing.webhooks()
    days = await services.glance.last_day([one.name for one in everything])
    return {name: day.held for name, day in days.items()}


def _shown(
    name: str,
    services: Services,
    using: list[Listed],
    besides: Sequence[User],
    found: list[Finding],
    held: dict[str, int],
) -> Shown:
    waiting, known = sum(held.get(one.name, 0) for one in using), document(name, services)
    return Shown(known, state_of(found, waiting), using, besides, waiting, address(known))


async def show_connection(request: Request, services: Services) -> Response:
    """One connection, its secrets masked."""
    return await _show(request, services)


async def check(request: Request, services: Services) -> Response:
    """Try a connection that is saved, and ask it again for the fields that webhooks write."""
    name: str = request.path_params["name"]
    connector = services.targets.connectors.get(name)
    if connector is None:
        raise NotFound("connection", name)
    try:
        told = Step("", True, await connector.check())
        await services.configurator.refresh_fields(name)
    except (ActionFailed, AddressRefused) as failure:
        told = Step("", False, failure.message)
    return await _show(request, services, told)


async def _show(request: Request, services: Services, tried: Step | None = None) -> Response:
    name: str = request.path_params["name"]
    shown, using = document(name, services), (await users(services))[name]
    found, held = (await troubles(services))[name], await held_by_webhook(services)
    waiting = sum(held.get(one.name, 0) for one in using)
    context = {
        "name": name,
        "document": shown,
        "users": using,
        "others": others(services).get(name, []),
        "entities": sorted(entity for connection, entity in services.board.specs() if connection == name),
        "built_in": name == RECORDS,
        "state": state_of(found, waiting),
        "held": waiting,
        "findings": noticed(one for one in found if one.needs_attention),
        "tried": tried,
        "done": request.query_params.get("done", ""),
        "has_secrets": any(one.kind is Holds.SECRET for one in settings_of(str(shown["type"]), services)),
    }
    return await page(request, "connections/show.html", context)


def settings_of(kind: str, services: Services) -> tuple[Setting, ...]:
    """The settings of a type of connection; none of one that is not known."""
    return tuple(services.board.catalogue.get(kind, ()))


async def delete(request: Request, services: Services) -> Response:
    """Take a connection away that no webhook uses; its name was typed."""
    name: str = request.path_params["name"]
    check_typed(await read_form(request), name)
    if name == RECORDS:
        raise Conflict("The built-in records database is always there and cannot be deleted.")
    await services.configurator.delete("connection", name)
    return RedirectResponse(f"/connections?done={quote(name, safe='')}", 303)


PAGES: Final = (
    Page("/connections", list_connections),
    Page("/connections/{name}", show_connection),
    Page("/connections/{name}/check", check, ("POST",)),
    Page("/connections/{name}/delete", delete, ("POST",)),
)
