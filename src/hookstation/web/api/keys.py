"""Operations on keys of the API."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.people import Act
from hookstation.web.api import asking, shapes
from hookstation.web.api.routes import Operation, listed, reply
from hookstation.web.services import Services


async def list_keys(_request: Request, services: Services) -> Response:
    """API keys, without what would open them."""
    return listed([shapes.key(one) for one in await services.keys.list()])


async def add_key(request: Request, services: Services) -> Response:
    """Make an API key; it is shown this once."""
    body = await asking.fields(request, "name", "role")
    name, role = asking.member(body, "name", str, ""), asking.member(body, "role", str, "")
    key = await services.keys.add(name, role)
    return reply({"name": name, "role": role, "key": key}, 201)


async def revoke_key(request: Request, services: Services) -> Response:
    """Revoke an API key, also the one that asks; it opens nothing from now on."""
    await services.keys.revoke(request.path_params["name"])
    return Response(status_code=204)


OPERATIONS: Final = (
    Operation("GET", "/keys", list_keys, "List API keys", "Keys", act=Act.ADMINISTER),
    Operation(
        "POST", "/keys", add_key, "Make an API key", "NewKey", "KeyRequest", 201,
        refusals=(400, 409, 422), act=Act.ADMINISTER,
    ),
    Operation(
        "DELETE", "/keys/{name}", revoke_key, "Revoke an API key", "", status=204,
        refusals=(404,), act=Act.ADMINISTER,
    ),
)  # fmt: skip
