"""Operations on destinations: where deliveries go, how they stand, and what their owners are given."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import PersonSecrets, encode_destination
from hookstation.core.jsontext import dump_json
from hookstation.core.outgoing.values import DestinationState
from hookstation.core.values import JSON, Secret
from hookstation.engine.outgoing.figures import USUAL_HOURS, Bar, Standing
from hookstation.engine.outgoing.portal import USUAL_SECONDS
from hookstation.engine.outgoing.rotate import USUAL_OVERLAP
from hookstation.engine.outgoing.try_out import TEST
from hookstation.engine.runs import moment
from hookstation.errors import Invalid, Problem
from hookstation.web.api import access, asking, deliveries, shelf
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

DAMAGED: Final = "It is stored in a form that cannot be read; apply it again."


async def list_destinations(request: Request, services: Services) -> Response:
    """Destinations by name with how they stand, secrets masked."""
    standing = {one.destination.name: shown(one) for one in await services.outgoing.figures.all()}
    damaged = services.board.stored.destinations.keys() - standing.keys()
    lines = standing | {name: _damaged(name) for name in damaged}
    page, following = shelf.page(sorted(lines), request)
    return listed([lines[name] for name in page], following)


async def show_destination(request: Request, services: Services) -> Response:
    """One destination, secrets masked."""
    return reply(shown(await services.outgoing.figures.one(request.path_params["name"])))


async def put_destination(request: Request, services: Services) -> Response:
    """Make or change one destination."""
    return await _saved(await shelf.named_thing(request), request, services, 200)


async def post_destination(request: Request, services: Services) -> Response:
    """Make a destination under a name that is free."""
    body = await shelf.thing(request)
    shelf.check_free(body, services, "destination")
    return await _saved(body, request, services, 201)


async def _saved(body: dict[str, JSON], request: Request, services: Services, status: int) -> Response:
    """Save it, and show it; a secret that the station made for it is told now and never again."""
    made = await shelf.apply_one(services, "destination", body, access.caller(request))
    name = str(body["name"])
    answer = shown(await services.outgoing.figures.one(name))
    if name in made:
        answer["made_secret"] = made[name].reveal()
    return reply(answer, status)


async def delete_destination(request: Request, services: Services) -> Response:
    """Delete a destination that no subscription names; its deliveries stay."""
    return await shelf.delete(request, services, "destination")


async def enable_destination(request: Request, services: Services) -> Response:
    """Call a destination as usual again, whatever stood against it."""
    name: str = request.path_params["name"]
    return reply(_health(await services.outgoing.destinations.enable(name, access.caller(request))))


async def rotate_destination(request: Request, services: Services) -> Response:
    """Give a destination a new secret; the old one signs too for a while."""
    body = await asking.fields(request, "overlap", "secret")
    given = asking.member(body, "secret", str, "")
    rotated = await services.outgoing.rotate.rotate(
        request.path_params["name"],
        access.caller(request),
        asking.member(body, "overlap", int, USUAL_OVERLAP),
        Secret(given) if given else None,
    )
    return reply({"secret": rotated.secret.reveal(), "old_until": moment(rotated.until)})


async def test_destination(request: Request, services: Services) -> Response:
    """Send one event to a destination now, and say what came back; nothing of it is kept."""
    body = await asking.fields(request, "subscription", "type", "data")
    attempt = await services.outgoing.try_out.send(
        request.path_params["name"],
        access.caller(request),
        asking.member(body, "subscription", str, ""),
        asking.member(body, "type", str, TEST),
        dump_json(body["data"]).encode() if "data" in body else b"",
    )
    return reply(deliveries.attempt(attempt))


async def link_portal(request: Request, services: Services) -> Response:
    """A link with which the destination's owner sees its deliveries, sends them again and takes a new secret."""
    body = await asking.fields(request, "seconds")
    token, until = await services.outgoing.portal.link(
        request.path_params["name"],
        access.caller(request),
        asking.member(body, "seconds", int, USUAL_SECONDS),
    )
    return reply({"url": f"{services.base_url}/portal/{token}", "until": moment(until)}, 201)


async def revoke_portal(request: Request, services: Services) -> Response:
    """End all links of a destination."""
    await services.outgoing.portal.revoke(request.path_params["name"], access.caller(request))
    return Response(status_code=204)


async def destination_figures(request: Request, services: Services) -> Response:
    """What ended at a destination, hour by hour, oldest first."""
    hours = request.query_params.get("hours", str(USUAL_HOURS))
    if not hours.isascii() or not hours.isdecimal():
        raise Invalid([Problem(("hours",), "must be a whole number.")])
    bars = await services.outgoing.figures.chart(request.path_params["name"], int(hours[:9]))
    return listed([_bar(one) for one in bars])


def shown(one: Standing) -> dict[str, JSON]:
    """A destination as configured, with how it stands."""
    return {
        **encode_destination(one.destination, PersonSecrets(), defaults=True),
        "health": _health(one.state),
        "waiting": one.waiting,
        "more_waiting": one.many,
    }


def _damaged(name: str) -> dict[str, JSON]:
    """A destination that is stored in a form that cannot be read; nothing leaves for it."""
    return {
        "name": name,
        "url": "",
        "health": _health(DestinationState(name)),
        "waiting": 0,
        "more_waiting": False,
        "problem": DAMAGED,
    }


def _health(state: DestinationState) -> dict[str, JSON]:
    return {
        "state": state.health.value,
        "until": moment(state.until),
        "failing_since": moment(state.failing_since),
        "changed_at": moment(state.changed_at),
        "why": state.why,
    }


def _bar(one: Bar) -> dict[str, JSON]:
    return {
        "hour": moment(one.hour),
        "delivered": one.delivered,
        "failed": one.failed,
        "dead": one.dead,
        "average_microseconds": one.took,
    }


OPERATIONS: Final = (
    Operation(
        "GET",
        "/destinations",
        list_destinations,
        "List destinations",
        "Destinations",
        query=PAGED,
        refusals=(422,),
    ),
    Operation(
        "POST",
        "/destinations",
        post_destination,
        "Make a destination",
        "Destination",
        "DestinationDocument",
        201,
        refusals=(400, 409, 422),
    ),
    Operation(
        "GET",
        "/destinations/{name}",
        show_destination,
        "Show a destination and how it stands",
        "Destination",
        refusals=(404,),
    ),
    Operation(
        "PUT",
        "/destinations/{name}",
        put_destination,
        "Make or change a destination",
        "Destination",
        "DestinationDocument",
        refusals=(400, 409, 422),
    ),
    Operation(
        "DELETE",
        "/destinations/{name}",
        delete_destination,
        "Delete a destination",
        "",
        status=204,
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/destinations/{name}/enable",
        enable_destination,
        "Call a destination as usual again",
        "DestinationHealth",
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/destinations/{name}/rotate",
        rotate_destination,
        "Give a destination a new secret",
        "RotatedSecret",
        "RotateRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/destinations/{name}/test",
        test_destination,
        "Send a test to a destination",
        "DeliveryAttempt",
        "TestRequest",
        refusals=(400, 404, 422),
    ),
    Operation(
        "POST",
        "/destinations/{name}/portal",
        link_portal,
        "Make a link for the destination's owner",
        "PortalLink",
        "PortalRequest",
        201,
        refusals=(400, 404, 422),
    ),
    Operation(
        "DELETE",
        "/destinations/{name}/portal",
        revoke_portal,
        "End all links of a destination's owner",
        "",
        status=204,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/destinations/{name}/figures",
        destination_figures,
        "What ended at a destination, hour by hour",
        "DestinationFigures",
        query={"hours": f"How many hours, to the present one ({USUAL_HOURS})."},
        refusals=(404, 422),
    ),
)
