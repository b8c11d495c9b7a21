"""Operations on runs: events whose senders were answered before the work was done."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON
from hookstation.engine.runs import moment
from hookstation.engine.waiting_room import Kind, Run
from hookstation.errors import Invalid, Problem
from hookstation.web.api import access, asking
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services


async def list_runs(request: Request, services: Services) -> Response:
    """Runs, newest first."""
    given = request.query_params.get("status", "") or Kind.ALL
    if given not in list(Kind):
        told = f"“{given}” is not known; choose one of {', '.join(Kind)}.{did_you_mean(given, list(Kind))}"
        raise Invalid([Problem(("status",), told)])
    page, following = await services.waiting_room.list(
        request.query_params.get("webhook", ""),
        Kind(given),
        asking.limit(request),
        request.query_params.get("after", ""),
        asking.moment(request, "since", services.clock.now()),
    )
    return listed([run(one) for one in page], following)


async def show_run(request: Request, services: Services) -> Response:
    """One run."""
    return reply(run(await services.waiting_room.show(request.path_params["id"])))


async def cancel_run(request: Request, services: Services) -> Response:
    """End a run."""
    found = await services.waiting_room.show(request.path_params["id"])
    await services.remedies.cancel.cancel(found.event.id, access.caller(request))
    return reply(run(await services.waiting_room.show(found.event.id)))


async def retry_run(request: Request, services: Services) -> Response:
    """Have a run tried now."""
    found = await services.waiting_room.show(request.path_params["id"])
    await services.remedies.run_again.retry(found.event.id, access.caller(request))
    return reply(run(await services.waiting_room.show(found.event.id)))


def run(one: Run) -> dict[str, JSON]:
    """A run."""
    event = one.event
    return {
        "id": event.run_id,
        "event_id": event.id,
        "webhook": event.webhook,
        "status": one.status,
        "state": event.state.value,
        "parked": one.parked,
        "order": one.order or None,
        "behind": one.behind,
        "at_work": one.at_work,
        "attempts": event.attempts,
        "queued_at": moment(event.received_at),
        "started_at": moment(event.started_at),
        "ended_at": moment(event.settled_at),
        "next_try_at": moment(one.due_at),
        "error": event.error,
        "reason": event.reason,
    }


OPERATIONS: Final = (
    Operation(
        "GET",
        "/runs",
        list_runs,
        "List runs, newest first",
        "Runs",
        query={
            "webhook": "Only of this webhook.",
            "status": f"Only these: {', '.join(Kind)}.",
            "since": "Only from this moment on: ISO 8601, or a time ago like 24h.",
            **PAGED,
        },
        refusals=(422,),
    ),
    Operation("GET", "/runs/{id}", show_run, "Show a run", "Run", refusals=(404,)),
    Operation("POST", "/runs/{id}/cancel", cancel_run, "End a run", "Run", refusals=(404, 409)),
    Operation("POST", "/runs/{id}/retry", retry_run, "Have a run tried now", "Run", refusals=(404, 409)),
)
