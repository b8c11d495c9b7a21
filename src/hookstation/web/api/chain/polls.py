"""Operations on polls: kept like all that is configured, asked now, tried, repaired, begun anew."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import decode_poll, encode_poll
from hookstation.core.polling.position import Position
from hookstation.core.values import JSON
from hookstation.engine.polls.polling import PollTurn
from hookstation.engine.polls.services import PollStanding, Tried
from hookstation.engine.runs import moment
from hookstation.errors import Invalid, MappingFailed, Problem
from hookstation.web.api import access, asking, shelf
from hookstation.web.api.chain.shapes import standing
from hookstation.web.api.chain.workflows import damaged
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services


async def list_polls(request: Request, services: Services) -> Response:
    """Polls by name, how each stands, and what its last turn brought."""
    page, following = shelf.page(sorted(services.board.documents("poll")), request)
    lines = {one.poll.name: shown(one) for one in await services.chain.polls.these(page)}
    return listed([lines.get(name, damaged(name)) for name in page], following)


async def show_poll(request: Request, services: Services) -> Response:
    """One poll, and how it stands."""
    return reply(shown(await services.chain.polls.one(request.path_params["name"])))


async def put_poll(request: Request, services: Services) -> Response:
    """Make or change one poll; it remembers how far it has read, unless it has another source now."""
    name = await shelf.put(request, services, "poll")
    return reply(shown(await services.chain.polls.one(name)))


async def post_poll(request: Request, services: Services) -> Response:
    """Make a poll under a name that is free."""
    body = await shelf.thing(request)
    name = await shelf.make(body, services, "poll", access.caller(request))
    return reply(shown(await services.chain.polls.one(name)), 201)


async def delete_poll(request: Request, services: Services) -> Response:
    """Delete a poll that no schedule names, and what it remembers; its events stay."""
    return await shelf.delete(request, services, "poll")


async def run_poll(request: Request, services: Services) -> Response:
    """Have a poll look now, and wait for what comes."""
    name: str = request.path_params["name"]
    return reply(turn(await services.chain.polls.run(name, access.caller(request))))


async def try_poll(request: Request, services: Services) -> Response:
    """What would come if a poll looked now, saved or not; nothing is written, and nothing moves."""
    body = await asking.fields(request, "document")
    name: str = request.path_params["name"]
    try:
        found = await (
            _try_document(name, body, services)
            if "document" in body
            else services.chain.polls.try_it(services.chain.polls.named(name).name)
        )
    except MappingFailed as failed:
        raise Invalid([Problem(("source",), failed.message)]) from failed
    return listed([_tried(one) for one in found])


async def repair_poll(request: Request, services: Services) -> Response:
    """Ask for a range of a poll's source again; what came before is known by its keys and does nothing."""
    body = await asking.fields(request, "from", "to")
    try:
        done = await services.chain.polls.repair(
            request.path_params["name"],
            asking.member(body, "from", str, ""),
            asking.member(body, "to", str, ""),
            access.caller(request),
        )
    except MappingFailed as failed:
        raise Invalid([Problem(("source",), failed.message)]) from failed
    return reply({"found": done.found, "accepted": done.accepted})


async def show_cursor(request: Request, services: Services) -> Response:
    """How far a poll has read its source."""
    return reply(position((await services.chain.polls.one(request.path_params["name"])).position))


async def reset_cursor(request: Request, services: Services) -> Response:
    """Let a poll begin anew: from `now`, with `everything`, or from a date."""
    body = await asking.fields(request, "first")
    first = asking.member(body, "first", str, "")
    name: str = request.path_params["name"]
    return reply(position(await services.chain.polls.reset(name, first, access.caller(request))))


def shown(one: PollStanding) -> dict[str, JSON]:
    """A poll as configured, with how it stands."""
    return {
        **encode_poll(one.poll, defaults=True),
        "position": position(one.position),
        "standing": standing(one.standing),
        "last": None if one.last is None else turn(one.last),
        "due_at": moment(one.due_at),
        "at_work": one.at_work,
    }


def position(one: Position) -> dict[str, JSON]:
    """How far a source was read: `at` is what it remembers, `seen` how many keys besides."""
    return {
        "begun": one.begun,
        "at": one.value(),
        "seen": len(one.seen),
        "failures": one.failures,
        "asked_at": moment(one.asked_at),
        "first": one.first or None,
    }


def turn(one: PollTurn) -> dict[str, JSON]:
    """What one turn brought."""
    return {
        "at": moment(one.at),
        "found": one.found,
        "accepted": one.accepted,
        "repeated": one.repeated,
        "more": one.more,
        "began": one.began,
        "error": one.error,
    }


async def _try_document(name: str, body: dict[str, JSON], services: Services) -> list[Tried]:
    document = shelf.as_sent(asking.member_object(body, "document"), "poll")
    decoded, problems = decode_poll({"name": name, **document})
    if decoded is None:
        raise Invalid([one.under("document") for one in problems])
    return await services.chain.polls.try_it(decoded)


def _tried(one: Tried) -> dict[str, JSON]:
    return {
        "key": one.item.key,
        "item": one.item.value,
        "new": one.new,
        "error": one.error,
        "record": one.record,
    }


OPERATIONS: Final = (
    Operation("GET", "/polls", list_polls, "List polls", "Polls", query=PAGED, refusals=(422,)),
    Operation(
        "POST", "/polls", post_poll, "Make a poll", "Poll", "PollDocument", 201, refusals=(400, 409, 422)
    ),
    Operation("GET", "/polls/{name}", show_poll, "Show a poll", "Poll", refusals=(404,)),
    Operation(
        "PUT",
        "/polls/{name}",
        put_poll,
        "Make or change a poll",
        "Poll",
        "PollDocument",
        refusals=(400, 409, 422),
    ),
    Operation("DELETE", "/polls/{name}", delete_poll, "Delete a poll", "", status=204, refusals=(404, 409)),
    Operation(
        "POST",
        "/polls/{name}/run",
        run_poll,
        "Have a poll look now",
        "PollTurn",
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/polls/{name}/try",
        try_poll,
        "What would come if a poll looked now",
        "TriedItems",
        "PollTrialRequest",
        refusals=(400, 404, 422, 502),
    ),
    Operation(
        "POST",
        "/polls/{name}/repair",
        repair_poll,
        "Ask for a range of a poll's source again",
        "Repaired",
        "RepairRequest",
        refusals=(400, 404, 409, 422, 502),
    ),
    Operation(
        "GET",
        "/polls/{name}/cursor",
        show_cursor,
        "How far a poll has read its source",
        "PollPosition",
        refusals=(404,),
    ),
    Operation(
        "PUT",
        "/polls/{name}/cursor",
        reset_cursor,
        "Let a poll begin anew",
        "PollPosition",
        "ResetRequest",
        refusals=(400, 404, 409, 422),
    ),
)
