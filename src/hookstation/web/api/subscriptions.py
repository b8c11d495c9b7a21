"""Operations on subscriptions: which events go to which destination, and as what."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import encode_subscription
from hookstation.core.documents.subscription import decode_subscription
from hookstation.core.outgoing.types import OWN_TYPES
from hookstation.core.values import JSON
from hookstation.errors import Invalid, NotFound
from hookstation.web.api import access, asking, deliveries, shelf
from hookstation.web.api.problems import describe
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services


async def list_subscriptions(request: Request, services: Services) -> Response:
    """Subscriptions by name."""
    page, following = shelf.page(sorted(services.board.subscriptions), request)
    return listed([_shown(name, services) for name in page], following)


async def show_subscription(request: Request, services: Services) -> Response:
    """One subscription."""
    return reply(_shown(request.path_params["name"], services))


async def put_subscription(request: Request, services: Services) -> Response:
    """Make or change one subscription."""
    return reply(_shown(await shelf.put(request, services, "subscription"), services))


async def post_subscription(request: Request, services: Services) -> Response:
    """Make a subscription under a name that is free."""
    body = await shelf.thing(request)
    return reply(
        _shown(await shelf.make(body, services, "subscription", access.caller(request)), services), 201
    )


async def delete_subscription(request: Request, services: Services) -> Response:
    """Delete a subscription; deliveries that wait for it end as dead letters."""
    return await shelf.delete(request, services, "subscription")


async def list_event_types(_request: Request, _services: Services) -> Response:
    """The station's own types of events, with what each tells."""
    return listed([{"name": one.name, "tells": one.said, "sample": one.sample} for one in OWN_TYPES])


async def preview_subscription(request: Request, services: Services) -> Response:
    """What a subscription would send, be it saved or not; nothing is saved, and nothing leaves."""
    body = await asking.fields(request, "subscription", "real")
    document = asking.member_object(body, "subscription")
    real = asking.member(body, "real", bool, False)
    one, problems = decode_subscription({"name": "preview", **document})
    if one is None:
        raise Invalid([problem.under("subscription") for problem in problems])
    shown = await services.showing.show(one, real=real)
    return reply(
        {
            "event": deliveries.event_out(shown.event),
            "real": shown.is_real,
            "condition": shown.said,
            "delivered": shown.wanted,
            "request": None if shown.request is None else deliveries.request(shown.request, shown.url),
            "headers_added": [*shown.added],
            "failure": shown.failure,
            "problems": [describe(each) for each in services.showing.doubts(one)],
        }
    )


def _shown(name: str, services: Services) -> dict[str, JSON]:
    one = services.board.subscriptions.get(name)
    if one is None:
        raise NotFound("subscription", name)
    return encode_subscription(one, defaults=True)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/subscriptions",
        list_subscriptions,
        "List subscriptions",
        "Subscriptions",
        query=PAGED,
        refusals=(422,),
    ),
    Operation(
        "POST",
        "/subscriptions",
        post_subscription,
        "Make a subscription",
        "SubscriptionDocument",
        "SubscriptionDocument",
        201,
        refusals=(400, 409, 422),
    ),
    Operation(
        "POST",
        "/subscriptions/preview",
        preview_subscription,
        "What a subscription would send",
        "SubscriptionPreview",
        "SubscriptionPreviewRequest",
        refusals=(400, 422),
    ),
    Operation(
        "GET",
        "/subscriptions/{name}",
        show_subscription,
        "Show a subscription",
        "SubscriptionDocument",
        refusals=(404,),
    ),
    Operation(
        "PUT",
        "/subscriptions/{name}",
        put_subscription,
        "Make or change a subscription",
        "SubscriptionDocument",
        "SubscriptionDocument",
        refusals=(400, 409, 422),
    ),
    Operation(
        "DELETE",
        "/subscriptions/{name}",
        delete_subscription,
        "Delete a subscription",
        "",
        status=204,
        refusals=(404, 409),
    ),
    Operation("GET", "/event-types", list_event_types, "The station's own types of events", "EventTypes"),
)
