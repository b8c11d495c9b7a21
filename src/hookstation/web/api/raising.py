"""Operations on events out: raise one, and look at what was told."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.web.api import access, asking
from hookstation.web.api.deliveries import delivery, event_out
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

KEY_HEADER: Final = "idempotency-key"
NEEDED: Final = {
    "type": "“type” is missing: what happened, in words joined by dots, such as order.paid.",
    "data": "“data” is missing: the facts that subscribers are told, a JSON object or array.",
}
MOST_SHOWN: Final = 200
"""Deliveries that are shown with their event; the others are in the list of deliveries."""


async def raise_event(request: Request, services: Services) -> Response:
    """Tell subscribers that something happened; a repeat under the same key has no second effect."""
    body = await asking.fields(request, "type", "data", "key")
    if missing := [Problem((), told) for name, told in NEEDED.items() if name not in body]:
        raise Invalid(missing)
    raised = await services.outgoing.raising.raise_event(
        asking.member(body, "type", str, ""),
        dump_json(body["data"]).encode(),
        access.caller(request),
        _key(request, asking.member(body, "key", str, "")),
    )
    shown = {**event_out(raised.event), "repeated": raised.repeated}
    return reply(
        shown if raised.repeated else {**shown, "deliveries": raised.deliveries},
        200 if raised.repeated else 201,
    )


def _key(request: Request, key: str) -> str:
    header = request.headers.get(KEY_HEADER, "")
    if key and header and key != header:
        raise Conflict("The header Idempotency-Key and `key` differ; send one of them, or the same.")
    return key or header


async def list_events_out(request: Request, services: Services) -> Response:
    """Events out, newest first, without their facts."""
    most, type_ = asking.limit(request), request.query_params.get("type", "")
    if len(type_) > asking.LONGEST_TEXT:
        raise Invalid([Problem(("type",), f"may have {asking.LONGEST_TEXT} characters at most.")])
    found = await services.store.list_events_out(most + 1, request.query_params.get("after", ""), type_)
    items: list[JSON] = [
        {name: value for name, value in event_out(one).items() if name != "data"} for one in found[:most]
    ]
    return listed(items, found[most - 1].id if len(found) > most else "")


async def show_event_out(request: Request, services: Services) -> Response:
    """An event out with its facts and its newest deliveries."""
    event_id: str = request.path_params["id"]
    event = await services.store.get_event_out(event_id)
    if event is None:
        raise NotFound("event out", event_id)
    page = await services.store.list_deliveries(DeliveryFilter(event_id=event_id), MOST_SHOWN)
    return reply({**event_out(event), "deliveries": [delivery(one) for one in page.items]})


OPERATIONS: Final = (
    Operation(
        "POST",
        "/events",
        raise_event,
        "Tell subscribers that something happened",
        "RaisedEvent",
        "RaiseRequest",
        201,
        headers={
            "Idempotency-Key": "As `key`: a repeat under it has no second effect, and is answered with 200."
        },
        repeated=200,
        refusals=(400, 409, 422),
    ),
    Operation(
        "GET",
        "/events-out",
        list_events_out,
        "List events out",
        "EventsOut",
        query={"type": "Of this type; `*` at the end stands for the rest.", **PAGED},
        refusals=(422,),
    ),
    Operation(
        "GET",
        "/events-out/{id}",
        show_event_out,
        "Show an event out with its deliveries",
        "EventOutInFull",
        refusals=(404,),
    ),
)
