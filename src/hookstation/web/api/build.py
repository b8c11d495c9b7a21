"""What programs ask of the station: API, OpenAPI document, health and metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hookstation.core.control import PROOF, proof
from hookstation.core.people import Act
from hookstation.errors import HookstationError
from hookstation.web import metrics
from hookstation.web.api import (
    access,
    asking,
    captures,
    changes,
    configuration,
    connections,
    deliveries,
    destinations,
    events,
    journal,
    keys,
    nodes,
    panels,
    problems,
    raising,
    runs,
    settings,
    subscriptions,
    users,
    watching,
    webhooks,
    wizard,
)
from hookstation.web.api.chain import gallery, polls, schedules, transfers, workflows
from hookstation.web.api.openapi import ROOT, document
from hookstation.web.api.routes import Operation, reply
from hookstation.web.services import Services

LONGEST_NONCE: Final = 128
OPERATIONS: Final = (
    *webhooks.OPERATIONS,
    *wizard.OPERATIONS,
    *connections.OPERATIONS,
    *panels.OPERATIONS,
    *configuration.OPERATIONS,
    *journal.OPERATIONS,
    *events.OPERATIONS,
    *runs.OPERATIONS,
    *keys.OPERATIONS,
    *nodes.OPERATIONS,
    *settings.OPERATIONS,
    *watching.OPERATIONS,
    *users.OPERATIONS,
    *changes.OPERATIONS,
    *captures.OPERATIONS,
    *destinations.OPERATIONS,
    *subscriptions.OPERATIONS,
    *deliveries.OPERATIONS,
    *raising.OPERATIONS,
    *workflows.OPERATIONS,
    *schedules.OPERATIONS,
    *polls.OPERATIONS,
    *transfers.OPERATIONS,
    *gallery.OPERATIONS,
)

Endpoint = Callable[[Request], Awaitable[Response]]


def build_api(services: Services) -> ASGIApp:
    """Everything under ``/api``, and the station's own addresses."""
    routes = [
        Route(ROOT + path, _endpoint(those, services), methods=[*those]) for path, those in _by_path().items()
    ]
    routes += [
        Route("/api/openapi.json", _openapi(services), methods=["GET"]),
        Route(PROOF, _proof(services), methods=["GET"]),
        Route("/healthz", _healthz, methods=["GET"]),
        Route("/readyz", _readyz(services), methods=["GET"]),
        Route("/metrics", _metrics(services), methods=["GET"]),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={HookstationError: problems.on_error, HTTPException: _http_error},
    )
    app.router.redirect_slashes = False  # it would send on to whatever host the caller named
    return app


def _by_path() -> dict[str, dict[str, Operation]]:
    """The operations of each path by method: one route a path, so that the ``Allow`` of a 405 names all of them."""
    found: dict[str, dict[str, Operation]] = {}
    for one in OPERATIONS:
        found.setdefault(one.path, {})[one.method] = one
    return found


def _endpoint(operations: Mapping[str, Operation], services: Services) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        operation = operations["GET" if request.method == "HEAD" else request.method]
        refusal = await access.refuse(request, services, operation.needs)
        if refusal is None and 422 in operation.refusals:
            asking.known_parameters(request, operation.query)
        answer = refusal or await operation.view(request, services)
        answer.headers.update(problems.PRIVATE)
        return answer

    return endpoint


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problems.answer(error.status_code, error.detail, error.detail, headers=headers)


def _openapi(services: Services) -> Endpoint:
    async def endpoint(_request: Request) -> Response:
        return reply(document(OPERATIONS, services.board.catalogue, version("hookstation")))

    return endpoint


def _proof(services: Services) -> Endpoint:
    """What lets a command see that this is the station it looks for; open to callers on its own machine."""

    async def endpoint(request: Request) -> Response:
        nonce = request.query_params.get("nonce", "")
        if not services.control_key or not access.from_loopback(request) or len(nonce) > LONGEST_NONCE:
            raise HTTPException(404)
        return reply({"proof": proof(services.control_key, services.place, nonce)})

    return endpoint


async def _healthz(_request: Request) -> Response:
    return reply({"status": "alive"})


def _readyz(services: Services) -> Endpoint:
    """Whether this node can do its work; asked with ``?calls``, whether calls of webhooks may be sent to it."""

    async def endpoint(request: Request) -> Response:
        if "calls" in request.query_params and not services.takes_calls:
            return problems.answer(503, "Not ready", "This node takes no calls: its role is worker.")
        if services.ingest.leaving or services.ingest.stopping:
            return problems.answer(503, "Not ready", "The station is stopping.")
        if not await services.store.can_commit():
            return problems.answer(503, "Not ready", "The database cannot commit.")
        return reply({"status": "ready"})

    return endpoint


def _metrics(services: Services) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        if not access.from_loopback(request):
            refusal = await access.refuse(request, services, Act.SEE)
            if refusal is not None:
                return refusal
        return Response(await metrics.render(services), media_type=metrics.MEDIA_TYPE)

    return endpoint
