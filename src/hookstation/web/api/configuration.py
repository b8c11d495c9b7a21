"""Operations on what is configured: webhooks, connections, panels, and the whole as a document."""

from __future__ import annotations

import base64
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import PersonSecrets, encode_connection, encode_panel
from hookstation.core.jsontext import dump_json
from hookstation.core.plan import Verb
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON, kind_of
from hookstation.engine.configure import PLURALS, Plan
from hookstation.errors import Conflict, Invalid, NotFound, Problem, SecretError
from hookstation.web.api import asking, shapes
from hookstation.web.api.problems import describe
from hookstation.web.api.routes import Operation, listed, reply
from hookstation.web.services import Services

SHOWN_ONLY: Final = {"webhook": ("url", "path", "created_at", "updated_at")}
"""Members that the station gives, by kind; a document that is sent back may still have them."""
BUILT_IN: Final = (
    "The connection “records” is the built-in records database: it is always there and cannot be changed or deleted. "
    "Name another connection."
)


async def list_webhooks(request: Request, services: Services) -> Response:
    """Webhooks by name."""
    names = sorted(services.board.stored.webhooks)
    page, following = _page(names, request)
    return listed([_webhook(name, services) for name in page], following)


async def show_webhook(request: Request, services: Services) -> Response:
    """One webhook."""
    return reply(_webhook(request.path_params["name"], services))


async def put_webhook(request: Request, services: Services) -> Response:
    """Make or change one webhook."""
    return await _put(request, services, "webhook")


async def put_connection(request: Request, services: Services) -> Response:
    """Make or change one connection."""
    _refuse_built_in(request)
    return await _put(request, services, "connection")


async def put_panel(request: Request, services: Services) -> Response:
    """Make or change one panel."""
    return await _put(request, services, "panel")


async def post_webhook(request: Request, services: Services) -> Response:
    """Make a webhook under a name that is free."""
    return await _post(request, services, "webhook")


async def post_connection(request: Request, services: Services) -> Response:
    """Make a connection under a name that is free."""
    return await _post(request, services, "connection")


async def post_panel(request: Request, services: Services) -> Response:
    """Make a panel under a name that is free."""
    return await _post(request, services, "panel")


async def delete_webhook(request: Request, services: Services) -> Response:
    """Delete a webhook; its events stay."""
    return await _delete(request, services, "webhook")


async def delete_connection(request: Request, services: Services) -> Response:
    """Delete a connection that no webhook uses."""
    _refuse_built_in(request)
    return await _delete(request, services, "connection")


async def delete_panel(request: Request, services: Services) -> Response:
    """Delete a panel that no webhook uses; its records stay."""
    return await _delete(request, services, "panel")


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


async def list_connections(request: Request, services: Services) -> Response:
    """Connections by name, secrets masked; `records` is always there."""
    page, following = _page(sorted([*services.board.connections, RECORDS]), request)
    return listed([_connection(name, services) for name in page], following)


async def show_connection(request: Request, services: Services) -> Response:
    """One connection, secrets masked."""
    return reply(_connection(request.path_params["name"], services))


async def check_connection(request: Request, services: Services) -> Response:
    """Try a connection, and ask it again for the fields that webhooks write."""
    name = request.path_params["name"]
    connector = services.targets.connectors.get(name)
    if connector is None:
        raise NotFound("connection", name)
    reached = await connector.check()
    entities = await services.configurator.refresh_fields(name)
    return reply({"name": name, "reached": reached, "entities": [*entities]})


async def list_panels(request: Request, services: Services) -> Response:
    """Panels of the built-in records database, by name."""
    page, following = _page(sorted(services.board.panels), request)
    return listed([_panel(name, services) for name in page], following)


async def show_panel(request: Request, services: Services) -> Response:
    """One panel."""
    return reply(_panel(request.path_params["name"], services))


async def plan(request: Request, services: Services) -> Response:
    """What applying a document would do; nothing is changed."""
    body = await asking.fields(request, "document", "references", "prune")
    planned = await services.configurator.plan(
        body.get("document"), _references(body), prune=asking.member(body, "prune", bool, False)
    )
    return reply(_plan(planned))


async def apply(request: Request, services: Services) -> Response:
    """Apply a document: all of it or, where anything is wrong, nothing."""
    body = await asking.fields(request, "document", "references", "prune")
    planned = await services.configurator.apply(
        body.get("document"), _references(body), prune=asking.member(body, "prune", bool, False)
    )
    return reply(_plan(planned))


async def export(_request: Request, services: Services) -> Response:
    """Everything configured as one document; secrets as references or masked."""
    return reply(await services.configurator.export())


def _plan(planned: Plan) -> dict[str, JSON]:
    return {
        "changes": [change.as_json() for change in planned.changes],
        "problems": [describe(problem) for problem in planned.problems],
        "changed": sum(change.verb is not Verb.KEEP for change in planned.changes),
    }


def _refuse_built_in(request: Request) -> None:
    if request.path_params["name"] == RECORDS:
        raise Conflict(BUILT_IN)


async def _post(request: Request, services: Services, kind: str) -> Response:
    body = await _thing(request)
    name = body.get("name")
    if kind == "connection" and name == RECORDS:
        raise Conflict(BUILT_IN)
    stored = services.board.stored
    taken = {"webhook": stored.webhooks, "connection": stored.connections, "panel": stored.panels}[kind]
    if isinstance(name, str) and name in taken:
        raise Conflict(f"There is a {kind} “{name}” already; change it with PUT.")
    await _apply_one(services, kind, body)
    return reply(SHOWN[kind](str(name), services), 201)


async def _thing(request: Request) -> dict[str, JSON]:
    body = await asking.document(request)
    if not isinstance(body, dict):
        raise Invalid([Problem((), f"must be an object, but is {kind_of(body)}.")])
    return body


async def _put(request: Request, services: Services, kind: str) -> Response:
    name = request.path_params["name"]
    body = await _thing(request)
    if body.setdefault("name", name) != name:
        raise Invalid([Problem(("name",), f"is not the name in the address, “{name}”.")])
    await _apply_one(services, kind, body)
    return reply(SHOWN[kind](name, services))


async def _apply_one(services: Services, kind: str, body: dict[str, JSON]) -> None:
    """Apply a document with one thing; problems are told as seen from that thing."""
    sent: JSON = {name: value for name, value in body.items() if name not in SHOWN_ONLY.get(kind, ())}
    try:
        await services.configurator.apply({"version": 1, PLURALS[kind]: [sent]})
    except Invalid as invalid:
        raise Invalid([_from_inside(problem, kind) for problem in invalid.problems]) from invalid


def _from_inside(problem: Problem, kind: str) -> Problem:
    if problem.path[:2] == (PLURALS[kind], 0):
        return Problem(problem.path[2:], problem.message, problem.severity, problem.position)
    return problem


async def _delete(request: Request, services: Services, kind: str) -> Response:
    await services.configurator.delete(kind, request.path_params["name"])
    return Response(status_code=204)


def _webhook(name: str, services: Services) -> dict[str, JSON]:
    stored = services.board.stored.webhooks.get(name)
    if stored is None:
        raise NotFound("webhook", name)
    try:
        token, definition = services.board.token(stored), services.board.webhook(stored)
    except (Invalid, SecretError) as failure:
        return shapes.unreadable_webhook(stored, failure.message)
    return shapes.webhook(definition, stored, token, services.base_url)


def _connection(name: str, services: Services) -> dict[str, JSON]:
    if name == RECORDS:
        return {"name": RECORDS, "type": RECORDS}
    connection = services.board.connections.get(name)
    if connection is None:
        raise NotFound("connection", name)
    return encode_connection(connection, services.board.catalogue, PersonSecrets(), defaults=True)


def _panel(name: str, services: Services) -> dict[str, JSON]:
    panel = services.board.panels.get(name)
    if panel is None:
        raise NotFound("panel", name)
    return encode_panel(panel, defaults=True)


SHOWN: Final = {"webhook": _webhook, "connection": _connection, "panel": _panel}


def _page(names: list[str], request: Request) -> tuple[list[str], str]:
    after, most = request.query_params.get("after", ""), asking.limit(request)
    rest = [name for name in names if name > after]
    return rest[:most], rest[most - 1] if len(rest) > most else ""


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


def _references(body: dict[str, JSON]) -> dict[str, str]:
    given = body.get("references", {})
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Invalid([Problem(("references",), "must be an object of JSON pointers and references.")])
    return {pointer: str(value) for pointer, value in given.items()}


PAGED: Final = {"limit": "How many items, 1 to 1000 (50).", "after": "The `next` of the page before."}
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
    Operation(
        "POST",
        "/config/plan",
        plan,
        "What applying a document would do",
        "Plan",
        "PlanRequest",
        refusals=(400, 422),
    ),
    Operation(
        "POST",
        "/config/apply",
        apply,
        "Apply a document, all or nothing",
        "Plan",
        "PlanRequest",
        refusals=(400, 409, 422),
    ),
    Operation("GET", "/config/export", export, "Everything configured as one document", "Configuration"),
)
