"""Operations on inbound webhooks."""

from __future__ import annotations

import base64
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.errors import Invalid, NotFound, Problem, SecretError
from hookstation.web.api import asking, shapes, shelf
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services


async def list_webhooks(request: Request, services: Services) -> Response:
    """Webhooks by name."""
    names = sorted(services.board.stored.webhooks)
    page, following = shelf.page(names, request)
    return listed([_webhook(name, services) for name in page], following)


async def show_webhook(request: Request, services: Services) -> Response:
    """One webhook."""
    return reply(_webhook(request.path_params["name"], services))


async def put_webhook(request: Request, services: Services) -> Response:
    """Make or change one webhook."""
    return reply(_webhook(await shelf.put(request, services, "webhook"), services))


async def post_webhook(request: Request, services: Services) -> Response:
    """Make a webhook under a name that is free."""
    return reply(_webhook(await shelf.make(await shelf.thing(request), services, "webhook"), services), 201)


async def delete_webhook(request: Request, services: Services) -> Response:
    """Delete a webhook; its events stay."""
    return await shelf.delete(request, services, "webhook")


async def rotate_webhook(request: Request, services: Services) -> Response:
    """Give a webhook a new URL; the old one is dead at once."""
    name = request.path_params["name"]
    await services.configurator.rotate(name)
    return reply(_webhook(name, services))


async def test_webhook(request: Request, services: Services) -> Response:
    """Try a payload; nothing is written."""
    body = await asking.fields(request, "payload", "body", "body_base64", "headers", "query")
    given = [name for name in ("payload", "body", "body_base64") if name in body]
    if len(given) != 1:
        raise Invalid([Problem((), "give one of payload (JSON), body (text) and body_base64.")])
    trial = services.dry_run.test(
        request.path_params["name"],
        _raw_body(body, given[0]),
        _headers(body.get("headers", {})),
        asking.member(body, "query", str, ""),
    )
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


def _raw_body(body: dict[str, JSON], given: str) -> bytes:
    if given == "payload":
        return dump_json(body["payload"]).encode()
    text = asking.member(body, given, str, "")
    if given == "body":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as failure:
        raise Invalid([Problem(("body_base64",), "is not base64.")]) from failure


def _headers(given: JSON) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Invalid([Problem(("headers",), "must be an object of header names and texts.")])
    return {name.lower(): str(value) for name, value in given.items()}


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
        "/webhooks/{name}/test",
        test_webhook,
        "Try a payload, write nothing",
        "Trial",
        "TrialRequest",
        refusals=(400, 404, 422),
    ),
)
