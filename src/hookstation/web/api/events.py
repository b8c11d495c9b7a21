"""Operations on events that a person takes in hand: cancel, and settle an unknown outcome."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.values import JSON
from hookstation.engine.resolve import Look
from hookstation.errors import Invalid, Problem
from hookstation.web.api import access, asking, shapes
from hookstation.web.api.routes import Operation, reply
from hookstation.web.services import Services


async def cancel_event(request: Request, services: Services) -> Response:
    """End an event that is held, or whose outcome is still looked up."""
    ended = await services.remedies.cancel.cancel(request.path_params["id"], access.caller(request))
    return reply(shapes.event(ended))


async def look_up_event(request: Request, services: Services) -> Response:
    """What the target holds now of an event whose outcome is unknown."""
    return reply(look(await services.remedies.resolve.look(request.path_params["id"])))


async def resolve_event(request: Request, services: Services) -> Response:
    """Settle an unknown outcome, as a person found it in the target."""
    body = await asking.fields(request, "written", "not_written")
    key = asking.member(body, "written", str, "")
    absent = asking.member(body, "not_written", bool, False)
    if bool(key) == absent:
        message = "Say either `written` with the record's key, or `not_written`: true."
        raise Invalid([Problem((), message)])
    event_id, who = request.path_params["id"], access.caller(request)
    resolve = services.remedies.resolve
    settled = await (resolve.not_written(event_id, who) if absent else resolve.written(event_id, key, who))
    return reply(shapes.event(settled))


def look(one: Look) -> dict[str, JSON]:
    """What a look-up found."""
    return {
        "verdict": one.verdict.value,
        "found": [{"key": found.key, "owner": found.owner or None} for found in one.found],
        "record": one.record.as_json(),
        "as_sent": one.as_sent,
        "marker": one.marker or None,
    }


OPERATIONS: Final = (
    Operation(
        "POST",
        "/events/{id}/cancel",
        cancel_event,
        "End an event that is held or looked up",
        "Event",
        refusals=(404, 409),
    ),
    Operation(
        "GET",
        "/events/{id}/look-up",
        look_up_event,
        "Ask the target what it holds of an event whose outcome is unknown",
        "LookUp",
        refusals=(404, 409, 502),
    ),
    Operation(
        "POST",
        "/events/{id}/resolve",
        resolve_event,
        "Settle an unknown outcome as a person found it",
        "Event",
        "ResolveRequest",
        refusals=(400, 404, 409, 422),
    ),
)
