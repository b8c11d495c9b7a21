"""Operations on inbound webhooks."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.values import JSON, kind_of
from hookstation.engine.switching import read_state
from hookstation.errors import Invalid, NotFound, Problem, SecretError
from hookstation.web.api import access, asking, payloads, shapes, shelf
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.api.watching import last_day
from hookstation.web.services import Services


async def list_webhooks(request: Request, services: Services) -> Response:
    """Webhooks by name, each with its last 24 hours."""
    names = sorted(services.board.stored.webhooks)
    page, following = shelf.page(names, request)
    days = await services.glance.last_day(page)
    return listed([{**_webhook(name, services), **last_day(days[name])} for name in page], following)


async def show_webhook(request: Request, services: Services) -> Response:
    """One webhook."""
    return reply(_webhook(request.path_params["name"], services))


async def put_webhook(request: Request, services: Services) -> Response:
    """Make or change one webhook."""
    return reply(_webhook(await shelf.put(request, services, "webhook"), services))


async def post_webhook(request: Request, services: Services) -> Response:
    """Make a webhook under a name that is free."""
    name = await shelf.make(await shelf.thing(request), services, "webhook", access.caller(request))
    return reply(_webhook(name, services), 201)


async def delete_webhook(request: Request, services: Services) -> Response:
    """Delete a webhook; its events stay."""
    return await shelf.delete(request, services, "webhook")


async def rotate_webhook(request: Request, services: Services) -> Response:
    """Give a webhook a new URL; the old one is dead at once."""
    name = request.path_params["name"]
    await services.configurator.rotate(name)
    return reply(_webhook(name, services))


async def set_state(request: Request, services: Services) -> Response:
    """Switch a webhook on or off, or put it away; an open draft stays open."""
    name: str = request.path_params["name"]
    body = await asking.fields(request, "state")
    state = read_state(asking.member(body, "state", str, ""))
    await services.switching.set_state(name, state, access.caller(request))
    return reply(_webhook(name, services))


async def test_webhook(request: Request, services: Services) -> Response:
    """Try a payload on what is live, on the open draft, on a version, or on a document that is not saved."""
    body = await asking.fields(request, *payloads.MEMBERS, "document", "version", "draft")
    name: str = request.path_params["name"]
    call = payloads.raw_body(body), payloads.headers(body), asking.member(body, "query", str, "")
    document, version = body.get("document"), asking.member(body, "version", int, 0)
    drafts = services.changing.drafts
    if document is not None:
        if not isinstance(document, dict):
            raise Invalid([Problem(("document",), f"must be an object, but is {kind_of(document)}.")])
        trial = services.dry_run.try_on(await drafts.compile(name, document), *call)
    elif version or asking.member(body, "draft", bool, False):
        trial = services.dry_run.try_on(await drafts.compile_saved(name, version), *call)
    else:
        trial = services.dry_run.test(name, *call)
    return reply(trial.as_json())


def _webhook(name: str, services: Services) -> dict[str, JSON]:
    stored = services.board.stored.webhooks.get(name)
    if stored is None:
        raise NotFound("webhook", name)
    try:
        token, definition = services.board.token(stored), services.board.webhook(stored)
    except (Invalid, SecretError) as failure:
        return shapes.unreadable_webhook(stored, failure.message)
    return shapes.webhook(definition, stored, token, services.base_url)


OPERATIONS: Final = (
    Operation("GET", "/webhooks", list_webhooks, "List webhooks", "Webhooks", query=PAGED, refusals=(422,)),
    Operation(
        "POST",
        "/webhooks",
        post_webhook,
        "Make a webhook",
        "Webhook",
        "WebhookDocument",
        201,
        refusals=(400, 409, 422),
    ),
    Operation("GET", "/webhooks/{name}", show_webhook, "Show a webhook", "Webhook", refusals=(404,)),
    Operation(
        "PUT",
        "/webhooks/{name}",
        put_webhook,
        "Make or change a webhook",
        "Webhook",
        "WebhookDocument",
        refusals=(400, 409, 422),
    ),
    Operation(
        "DELETE",
        "/webhooks/{name}",
        delete_webhook,
        "Delete a webhook; its events stay",
        "",
        status=204,
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/rotate",
        rotate_webhook,
        "Give a webhook a new URL",
        "Webhook",
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/state",
        set_state,
        "Switch a webhook on or off, or put it away",
        "Webhook",
        "StateRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/test",
        test_webhook,
        "Try a payload, write nothing",
        "Trial",
        "TrialRequest",
        refusals=(400, 404, 422),
    ),
)
