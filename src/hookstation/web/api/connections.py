"""Operations on connections to target systems."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import PersonSecrets, encode_connection
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.web.api import access, shelf
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

BUILT_IN: Final = (
    "The connection “records” is the built-in records database: it is always there and cannot be changed or deleted. "
    "Name another connection."
)


async def list_connections(request: Request, services: Services) -> Response:
    """Connections by name, secrets masked; `records` is always there."""
    page, following = shelf.page(sorted([*services.board.connections, RECORDS]), request)
    return listed([_connection(name, services) for name in page], following)


async def show_connection(request: Request, services: Services) -> Response:
    """One connection, secrets masked."""
    return reply(_connection(request.path_params["name"], services))


async def put_connection(request: Request, services: Services) -> Response:
    """Make or change one connection."""
    _refuse_built_in(request.path_params["name"])
    return reply(_connection(await shelf.put(request, services, "connection"), services))


async def post_connection(request: Request, services: Services) -> Response:
    """Make a connection under a name that is free."""
    body = await shelf.thing(request)
    _refuse_built_in(body.get("name"))
    return reply(
        _connection(await shelf.make(body, services, "connection", access.caller(request)), services), 201
    )


async def delete_connection(request: Request, services: Services) -> Response:
    """Delete a connection that no webhook uses."""
    _refuse_built_in(request.path_params["name"])
    return await shelf.delete(request, services, "connection")


async def check_connection(request: Request, services: Services) -> Response:
    """Try a connection, and ask it again for the fields that webhooks write."""
    name = request.path_params["name"]
    connector = services.targets.connectors.get(name)
    if connector is None:
        raise NotFound("connection", name)
    reached = await connector.check()
    entities = await services.configurator.refresh_fields(name)
    return reply({"name": name, "reached": reached, "entities": [*entities]})


async def try_connection(request: Request, services: Services) -> Response:
    """Try a connection that need not be saved, step by step; nothing is saved and nothing written."""
    name: str = request.path_params["name"]
    _refuse_built_in(name)
    body = await shelf.thing(request)
    if body.setdefault("name", name) != name:
        raise Invalid([Problem(("name",), f"is not the name in the address, “{name}”.")])
    steps: list[JSON] = [
        {"step": one.name, "passed": one.passed, "detail": one.detail}
        for one in await services.trying.attempt(body)
    ]
    return reply({"name": name, "steps": steps})


def _refuse_built_in(name: JSON) -> None:
    if name == RECORDS:
        raise Conflict(BUILT_IN)


def _connection(name: str, services: Services) -> dict[str, JSON]:
    if name == RECORDS:
        return {"name": RECORDS, "type": RECORDS}
    connection = services.board.connections.get(name)
    if connection is None:
        raise NotFound("connection", name)
    return encode_connection(connection, services.board.catalogue, PersonSecrets(), defaults=True)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/connections",
        list_connections,
        "List connections",
        "Connections",
        query=PAGED,
        refusals=(422,),
    ),
    Operation(
        "POST",
        "/connections",
        post_connection,
        "Make a connection",
        "Connection",
        "ConnectionDocument",
        201,
        refusals=(400, 409, 422),
    ),
    Operation(
        "GET",
        "/connections/{name}",
        show_connection,
        "Show a connection",
        "Connection",
        refusals=(404,),
    ),
    Operation(
        "PUT",
        "/connections/{name}",
        put_connection,
        "Make or change a connection",
        "Connection",
        "ConnectionDocument",
        refusals=(400, 409, 422),
    ),
    Operation(
        "DELETE",
        "/connections/{name}",
        delete_connection,
        "Delete a connection",
        "",
        status=204,
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/connections/{name}/check",
        check_connection,
        "Try a connection and ask for its fields anew",
        "Check",
        refusals=(404, 502),
    ),
    Operation(
        "POST",
        "/connections/{name}/try",
        try_connection,
        "Try a connection before it is saved",
        "ConnectionTrial",
        "ConnectionDocument",
        refusals=(400, 409, 422),
    ),
)
