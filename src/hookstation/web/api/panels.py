"""Operations on panels of the built-in records database."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import encode_panel
from hookstation.core.values import JSON
from hookstation.errors import NotFound
from hookstation.web.api import access, shelf
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services


async def list_panels(request: Request, services: Services) -> Response:
    """Panels of the built-in records database, by name."""
    page, following = shelf.page(sorted(services.board.panels), request)
    return listed([_panel(name, services) for name in page], following)


async def show_panel(request: Request, services: Services) -> Response:
    """One panel."""
    return reply(_panel(request.path_params["name"], services))


async def put_panel(request: Request, services: Services) -> Response:
    """Make or change one panel."""
    return reply(_panel(await shelf.put(request, services, "panel"), services))


async def post_panel(request: Request, services: Services) -> Response:
    """Make a panel under a name that is free."""
    name = await shelf.make(await shelf.thing(request), services, "panel", access.caller(request))
    return reply(_panel(name, services), 201)


async def delete_panel(request: Request, services: Services) -> Response:
    """Delete a panel that no webhook uses; its records stay."""
    return await shelf.delete(request, services, "panel")


def _panel(name: str, services: Services) -> dict[str, JSON]:
    panel = services.board.panels.get(name)
    if panel is None:
        raise NotFound("panel", name)
    return encode_panel(panel, defaults=True)


OPERATIONS: Final = (
    Operation("GET", "/panels", list_panels, "List panels", "Panels", query=PAGED, refusals=(422,)),
    Operation(
        "POST",
        "/panels",
        post_panel,
        "Make a panel",
        "PanelDocument",
        "PanelDocument",
        201,
        refusals=(400, 409, 422),
    ),
    Operation("GET", "/panels/{name}", show_panel, "Show a panel", "PanelDocument", refusals=(404,)),
    Operation(
        "PUT",
        "/panels/{name}",
        put_panel,
        "Make or change a panel",
        "PanelDocument",
        "PanelDocument",
        refusals=(400, 409, 422),
    ),
    Operation(
        "DELETE",
        "/panels/{name}",
        delete_panel,
        "Delete a panel; its records stay",
        "",
        status=204,
        refusals=(404, 409),
    ),
)
