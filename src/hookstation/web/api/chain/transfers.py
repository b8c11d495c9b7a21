"""Operations on transfers: kept like all that is configured."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import PersonSecrets, encode_transfer
from hookstation.core.values import JSON
from hookstation.engine.workflows.plans import TRANSFER
from hookstation.errors import NotFound
from hookstation.ports.runs import RunFilter
from hookstation.web.api import access, shelf
from hookstation.web.api.chain.shapes import run
from hookstation.web.api.chain.workflows import DAMAGED
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services


async def list_transfers(request: Request, services: Services) -> Response:
    """Transfers by name with their last run, secrets masked."""
    page, following = shelf.page(sorted(services.board.documents("transfer")), request)
    return listed([await _line(name, services) for name in page], following)


async def show_transfer(request: Request, services: Services) -> Response:
    """One transfer, secrets masked."""
    return reply(await _shown(request.path_params["name"], services))


async def put_transfer(request: Request, services: Services) -> Response:
    """Make or change one transfer."""
    return reply(await _shown(await shelf.put(request, services, "transfer"), services))


async def post_transfer(request: Request, services: Services) -> Response:
    """Make a transfer under a name that is free."""
    body = await shelf.thing(request)
    name = await shelf.make(body, services, "transfer", access.caller(request))
    return reply(await _shown(name, services), 201)


async def delete_transfer(request: Request, services: Services) -> Response:
    """Delete a transfer that nothing names; its runs stay."""
    return await shelf.delete(request, services, "transfer")


async def _shown(name: str, services: Services) -> dict[str, JSON]:
    found = services.board.transfers.get(name)
    if found is None:
        raise NotFound("transfer", name)
    last = await services.store.list_runs(RunFilter(workflow=TRANSFER + name), 1)
    return {
        **encode_transfer(found, PersonSecrets(), defaults=True),
        "workflow": TRANSFER + name,
        "last": run(last.items[0]) if last.items else None,
    }


async def _line(name: str, services: Services) -> dict[str, JSON]:
    if name not in services.board.transfers:
        return {"name": name, "problem": DAMAGED}
    return await _shown(name, services)


OPERATIONS: Final = (
    Operation(
        "GET", "/transfers", list_transfers, "List transfers", "Transfers", query=PAGED, refusals=(422,)
    ),
    Operation(
        "POST",
        "/transfers",
        post_transfer,
        "Make a transfer",
        "Transfer",
        "TransferDocument",
        201,
        refusals=(400, 409, 422),
    ),
    Operation("GET", "/transfers/{name}", show_transfer, "Show a transfer", "Transfer", refusals=(404,)),
    Operation(
        "PUT",
        "/transfers/{name}",
        put_transfer,
        "Make or change a transfer",
        "Transfer",
        "TransferDocument",
        refusals=(400, 409, 422),
    ),
    Operation(
        "DELETE",
        "/transfers/{name}",
        delete_transfer,
        "Delete a transfer",
        "",
        status=204,
        refusals=(404, 409),
    ),
)
