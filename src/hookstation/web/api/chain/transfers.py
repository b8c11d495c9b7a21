"""Operations on transfers: kept like all that is configured, run, previewed, and how far a run is."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import PersonSecrets, decode_transfer, encode_transfer
from hookstation.core.documents.transfer_secrets import known_transfer_secrets
from hookstation.core.transfers.definitions import Transfer
from hookstation.core.values import JSON
from hookstation.engine.transfers.services import MOST_PREVIEWED, TransferStanding
from hookstation.engine.workflows.plans import TRANSFER
from hookstation.errors import Invalid, MappingFailed, Problem
from hookstation.web.api import access, asking, shelf
from hookstation.web.api.chain import shapes
from hookstation.web.api.chain.workflows import damaged, wait_in
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

USUAL_COUNT: Final = 20
COUNTS: Final = f"must be a whole number from 1 to {MOST_PREVIEWED}."


async def list_transfers(request: Request, services: Services) -> Response:
    """Transfers by name with their last run, secrets masked."""
    page, following = shelf.page(sorted(services.board.documents("transfer")), request)
    lines = {one.transfer.name: _described(one) for one in await services.chain.transfers.these(page)}
    return listed([lines.get(name, damaged(name)) for name in page], following)


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


async def run_transfer(request: Request, services: Services) -> Response:
    """Begin a run of a transfer; with `wait` the answer comes when it has ended, or after so many seconds."""
    body = await asking.fields(request, "input", "wait")
    run = await services.chain.transfers.run(
        request.path_params["name"], access.caller(request), body.get("input"), wait=wait_in(body)
    )
    return reply(shapes.full_run(run), 201)


async def preview_transfer(request: Request, services: Services) -> Response:
    """The first rows that would leave now; nothing is written anywhere."""
    text = request.query_params.get("count", str(USUAL_COUNT))
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Invalid([Problem(("count",), COUNTS)])
    return await _preview(services, services.chain.transfers.named(request.path_params["name"]), int(text))


async def preview_transfer_document(request: Request, services: Services) -> Response:
    """The first rows that would leave of a transfer that is not saved."""
    body = await asking.fields(request, "document", "count", "input")
    name: str = request.path_params["name"]
    document = shelf.as_sent(asking.member_object(body, "document"), "transfer")
    live = services.board.transfers.get(name)
    known = {} if live is None else known_transfer_secrets(live)
    decoded, problems = decode_transfer({**document, "name": name}, PersonSecrets(known))
    if decoded is None:
        raise Invalid([one.under("document") for one in problems])
    count = asking.member(body, "count", int, USUAL_COUNT)
    return await _preview(services, decoded, count, body.get("input"))


async def enable_transfer(request: Request, services: Services) -> Response:
    """Let runs begin again of a transfer that is not active."""
    name: str = request.path_params["name"]
    await services.chain.transfers.enable(name, access.caller(request))
    return reply(await _shown(name, services))


async def show_progress(request: Request, services: Services) -> Response:
    """How far a run of a transfer is."""
    one = await services.chain.transfers.progress(request.path_params["id"])
    return reply(
        {
            "id": one.run.id,
            "status": one.state.value,
            "ended": one.ended,
            "read": one.read,
            "of": one.of or None,
            "rows": one.rows,
            "chunks": one.chunks,
            "bytes": one.bytes,
            "path": one.path or None,
            "error": one.run.error,
        }
    )


async def _preview(services: Services, transfer: Transfer, count: int, input_: JSON = None) -> Response:
    if not 1 <= count <= MOST_PREVIEWED:
        raise Invalid([Problem(("count",), COUNTS)])
    try:
        found = await services.chain.transfers.preview(transfer, count, input_)
    except MappingFailed as failed:
        raise Invalid([Problem(("source",), failed.message)]) from failed
    return reply(
        {
            "columns": [*found.columns],
            "rows": [dict(row) for row in found.rows],
            "text": found.text,
            "read": found.read,
        }
    )


async def _shown(name: str, services: Services) -> dict[str, JSON]:
    return _described(await services.chain.transfers.one(name))


def _described(one: TransferStanding) -> dict[str, JSON]:
    return {
        **encode_transfer(one.transfer, PersonSecrets(), defaults=True),
        "workflow": TRANSFER + one.transfer.name,
        "last": None if one.last is None else shapes.run(one.last),
        "standing": shapes.standing(one.standing),
    }


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
    Operation(
        "POST",
        "/transfers/{name}/run",
        run_transfer,
        "Begin a run of a transfer",
        "RunInFull",
        "RunRequest",
        201,
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "GET",
        "/transfers/{name}/preview",
        preview_transfer,
        "The first rows that would leave",
        "TransferPreview",
        query={"count": f"How many rows, 1 to {MOST_PREVIEWED} ({USUAL_COUNT})."},
        refusals=(404, 422, 502),
    ),
    Operation(
        "POST",
        "/transfers/{name}/preview",
        preview_transfer_document,
        "The first rows that would leave of a transfer that is not saved",
        "TransferPreview",
        "TransferPreviewRequest",
        refusals=(400, 404, 422, 502),
    ),
    Operation(
        "POST",
        "/transfers/{name}/enable",
        enable_transfer,
        "Let runs of a transfer begin again",
        "Transfer",
        refusals=(404, 409, 422),
    ),
    Operation(
        "GET",
        "/runs/{id}/progress",
        show_progress,
        "How far a run of a transfer is",
        "TransferProgress",
        refusals=(404,),
    ),
)
