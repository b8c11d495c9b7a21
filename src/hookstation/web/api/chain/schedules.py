"""Operations on schedules: kept like all that is configured, their next times, run now, enabled again."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import decode_schedule, encode_schedule
from hookstation.core.schedules.cron import Cron
from hookstation.core.schedules.definitions import Every, Schedule
from hookstation.core.schedules.words import say_cron, say_every
from hookstation.core.values import JSON
from hookstation.engine.schedules.standing import MOST_PREVIEWED, ScheduleStanding
from hookstation.errors import Invalid, MappingFailed, Problem
from hookstation.web.api import access, asking, shelf
from hookstation.web.api.chain.shapes import fire, run, standing
from hookstation.web.api.chain.workflows import damaged
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

USUAL_COUNT: Final = 20


async def list_schedules(request: Request, services: Services) -> Response:
    """Schedules by name with their next time and what they started last."""
    page, following = shelf.page(sorted(services.board.documents("schedule")), request)
    lines = {one.schedule.name: shown(one) for one in await services.chain.schedules.these(page)}
    return listed([lines.get(name, damaged(name)) for name in page], following)


async def show_schedule(request: Request, services: Services) -> Response:
    """One schedule, and how it stands."""
    return reply(shown(await services.chain.schedules.one(request.path_params["name"])))


async def put_schedule(request: Request, services: Services) -> Response:
    """Make or change one schedule."""
    name = await shelf.put(request, services, "schedule")
    return reply(shown(await services.chain.schedules.one(name)))


async def post_schedule(request: Request, services: Services) -> Response:
    """Make a schedule under a name that is free."""
    body = await shelf.thing(request)
    name = await shelf.make(body, services, "schedule", access.caller(request))
    return reply(shown(await services.chain.schedules.one(name)), 201)


async def delete_schedule(request: Request, services: Services) -> Response:
    """Delete a schedule; what it started goes on."""
    return await shelf.delete(request, services, "schedule")


async def preview_schedule(request: Request, services: Services) -> Response:
    """The next times of a schedule, whatever its state; `clock_change` where the clocks are changed."""
    name: str = request.path_params["name"]
    text = request.query_params.get("count", str(USUAL_COUNT))
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Invalid([Problem(("count",), f"must be a whole number from 1 to {MOST_PREVIEWED}.")])
    return _preview(services, name, int(text))


async def preview_schedule_document(request: Request, services: Services) -> Response:
    """The next times that a schedule would have that is not saved."""
    body = await asking.fields(request, "document", "count")
    document = shelf.as_sent(asking.member_object(body, "document"), "schedule")
    decoded, problems = decode_schedule({"name": request.path_params["name"], **document})
    if decoded is None:
        raise Invalid([one.under("document") for one in problems])
    return _preview(services, decoded, asking.member(body, "count", int, USUAL_COUNT))


async def run_schedule(request: Request, services: Services) -> Response:
    """Start what a schedule starts, now and besides its times."""
    try:
        begun = await services.chain.schedules.run_now(request.path_params["name"], access.caller(request))
    except MappingFailed as failed:
        raise Invalid([Problem(("input",), failed.message)]) from failed
    return reply({"run": None if begun is None else run(begun)}, 201)


async def enable_schedule(request: Request, services: Services) -> Response:
    """Let a schedule fire again that was switched off for its failures."""
    name: str = request.path_params["name"]
    await services.chain.schedules.enable(name, access.caller(request))
    return reply(shown(await services.chain.schedules.one(name)))


def shown(one: ScheduleStanding) -> dict[str, JSON]:
    """A schedule as configured, with how it stands."""
    return {
        **encode_schedule(one.schedule, defaults=True),
        "words": words(one.schedule),
        "next": None if one.next is None else fire(one.next),
        "last": None if one.last is None else run(one.last),
        "said": one.said,
        "standing": standing(one.standing),
    }


def words(schedule: Schedule) -> str:
    """When it comes, said to a person, without a full stop."""
    timing = schedule.timing
    if isinstance(timing, Cron):
        return say_cron(timing)
    if isinstance(timing, Every):
        return say_every(timing.seconds)
    return f"once, at {timing.wall.isoformat(' ', 'minutes')}"


def _preview(services: Services, schedule: str | Schedule, count: int) -> Response:
    if not 1 <= count <= MOST_PREVIEWED:
        raise Invalid([Problem(("count",), f"must be a whole number from 1 to {MOST_PREVIEWED}.")])
    found = services.chain.schedules.preview(schedule, count)
    return listed([fire(one) for one in found])


OPERATIONS: Final = (
    Operation(
        "GET", "/schedules", list_schedules, "List schedules", "Schedules", query=PAGED, refusals=(422,)
    ),
    Operation(
        "POST",
        "/schedules",
        post_schedule,
        "Make a schedule",
        "Schedule",
        "ScheduleDocument",
        201,
        refusals=(400, 409, 422),
    ),
    Operation("GET", "/schedules/{name}", show_schedule, "Show a schedule", "Schedule", refusals=(404,)),
    Operation(
        "PUT",
        "/schedules/{name}",
        put_schedule,
        "Make or change a schedule",
        "Schedule",
        "ScheduleDocument",
        refusals=(400, 409, 422),
    ),
    Operation(
        "DELETE",
        "/schedules/{name}",
        delete_schedule,
        "Delete a schedule",
        "",
        status=204,
        refusals=(404, 409),
    ),
    Operation(
        "GET",
        "/schedules/{name}/preview",
        preview_schedule,
        "The next times of a schedule",
        "Fires",
        query={"count": f"How many, 1 to {MOST_PREVIEWED} ({USUAL_COUNT})."},
        refusals=(404, 422),
    ),
    Operation(
        "POST",
        "/schedules/{name}/preview",
        preview_schedule_document,
        "The next times of a schedule that is not saved",
        "Fires",
        "SchedulePreviewRequest",
        refusals=(400, 422),
    ),
    Operation(
        "POST",
        "/schedules/{name}/run",
        run_schedule,
        "Start what a schedule starts, now",
        "StartedRun",
        status=201,
        refusals=(404, 409, 422),
    ),
    Operation(
        "POST",
        "/schedules/{name}/enable",
        enable_schedule,
        "Let a schedule fire again that was switched off",
        "Schedule",
        refusals=(404, 409),
    ),
)
