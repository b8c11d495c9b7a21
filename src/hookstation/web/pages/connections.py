"""Connections: which there are, and which webhooks use them."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import PersonSecrets, encode_connection
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON
from hookstation.engine.listing import Listed
from hookstation.errors import NotFound
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services


async def users(services: Services) -> dict[str, list[Listed]]:
    """The webhooks that write to each connection."""
    found: dict[str, list[Listed]] = defaultdict(list)
    for one in await services.listing.webhooks():
        found[one.connection].append(one)
    return found


def document(name: str, services: Services) -> dict[str, JSON]:
    """A connection with its settings, secrets masked. Raises `NotFound`."""
    if name == RECORDS:
        return {"name": RECORDS, "type": RECORDS}
    connection = services.board.connections.get(name)
    if connection is None:
        raise NotFound("connection", name)
    return encode_connection(connection, services.board.catalogue, PersonSecrets(), defaults=True)


async def list_connections(request: Request, services: Services) -> Response:
    """All connections; the built-in records database is always one."""
    names = sorted({*services.board.stored.connections, RECORDS})
    readable = {RECORDS, *services.board.connections}
    context = {
        "shown": [document(name, services) for name in names if name in readable],
        "unreadable": [name for name in names if name not in readable],
        "users": await users(services),
    }
    return await page(request, "connections/list.html", context)


async def show_connection(request: Request, services: Services) -> Response:
    """One connection, its secrets masked."""
    name: str = request.path_params["name"]
    shown = document(name, services)
    entities = sorted(entity for connection, entity in services.board.specs() if connection == name)
    context = {
        "name": name,
        "document": shown,
        "users": (await users(services))[name],
        "entities": entities,
        "built_in": name == RECORDS,
    }
    return await page(request, "connections/show.html", context)


PAGES: Final = (Page("/connections", list_connections), Page("/connections/{name}", show_connection))
