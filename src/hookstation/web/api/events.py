"""Operations on events that a person takes in hand: cancel, resolve, fix, and replay many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.batches import Batch
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.engine.details import Details
from hookstation.engine.fix import EDIT_NOTE, EDITED_BY, EDITED_FROM
from hookstation.engine.replay_many import Progress, Prospect
from hookstation.engine.resolve import Look
from hookstation.engine.runs import moment
from hookstation.errors import Invalid, Problem
from hookstation.web.api import access, asking, shapes
from hookstation.web.api.routes import PAGED, Operation, listed, reply
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


async def fix_event(request: Request, services: Services) -> Response:
    """Send an edited copy of an event's payload in."""
    body = await asking.fields(request, "body", "payload", "note", "again")
    if ("body" in body) == ("payload" in body):
        raise Invalid([Problem((), "Give either `body`, a text, or `payload`, any JSON.")])
    sent = asking.member(body, "body", str, "") if "body" in body else dump_json(body["payload"])
    fixed = await services.remedies.fix.fix(
        request.path_params["id"],
        sent.encode(),
        asking.member(body, "note", str, ""),
        access.caller(request),
        again=asking.member(body, "again", bool, False),
    )
    return reply(
        {
            "id": fixed.event_id,
            "status": fixed.answer.status,
            "answer": fixed.answer.body.decode(),
            "edited_from": request.path_params["id"],
        },
        201,
    )


async def replay_many(request: Request, services: Services) -> Response:
    """Replay the events that are named, or all that a filter finds; a dry run only says what would become of them."""
    body = await asking.fields(request, "ids", "filter", "again", "dry_run")
    if ("ids" in body) == ("filter" in body):
        raise Invalid([Problem((), "Give either `ids` or `filter`.")])
    ids = asking.member_texts(body, "ids")
    which = ids if "ids" in body else asking.filter_in(body, services.clock.now())
    again = asking.member(body, "again", bool, False)
    many = services.remedies.many
    if asking.member(body, "dry_run", bool, False):
        return reply(prospect(await many.look_through(which, again=again)))
    begun = await many.begin(which, access.caller(request), again=again)
    return reply(progress(begun))


async def list_replays(_request: Request, services: Services) -> Response:
    """The replays of many of the last week, newest first."""
    return listed([batch(one) for one in await services.remedies.many.batches()])


async def show_replay(request: Request, services: Services) -> Response:
    """How far a replay of many is."""
    return reply(progress(await services.remedies.many.progress(request.path_params["id"])))


async def list_replay_items(request: Request, services: Services) -> Response:
    """The events of a replay of many, and what became of each."""
    most = asking.limit(request)
    batch_id, after = request.path_params["id"], request.query_params.get("after", "")
    items = await services.remedies.many.items(batch_id, most + 1, after)
    shown: list[JSON] = [
        {"id": one.event_id, "verdict": one.verdict or None, "why": one.why} for one in items[:most]
    ]
    return listed(shown, items[most - 1].event_id if len(items) > most else "")


async def cancel_replay(request: Request, services: Services) -> Response:
    """Replay no further event of these."""
    many = services.remedies.many
    return reply(progress(await many.cancel(request.path_params["id"], access.caller(request))))


def prospect(one: Prospect) -> dict[str, JSON]:
    """What a replay of many would do."""
    counts = Counter(foreseen.verdict for foreseen in one.foreseen)
    return {
        "total": one.total,
        "looked_through": len(one.foreseen),
        "counts": dict(counts),
        "items": [{"id": each.event.id, "verdict": each.verdict, "why": each.why} for each in one.foreseen],
    }


def batch(one: Batch) -> dict[str, JSON]:
    """A replay of many."""
    return {
        "id": one.id,
        "by": one.by,
        "began_at": moment(one.began_at),
        "total": one.total,
        "again": one.again,
        "cancelled_by": one.cancelled_by or None,
    }


def progress(one: Progress) -> dict[str, JSON]:
    """A replay of many, and how far it is."""
    return {**batch(one.batch), "left": one.left, "counts": dict(one.counts)}


def details(one: Details, copies: Sequence[str]) -> dict[str, JSON]:
    """What explains an event."""
    mapped = one.mapped
    return {
        "stages": [{"stage": stage.stage, "nanoseconds": stage.took} for stage in one.stages],
        "mapping": {
            "record": None if mapped.record is None else mapped.record.as_json(),
            "why": mapped.why,
            "differs": mapped.differs,
            "fields": [
                {
                    "part": origin.part,
                    "field": origin.field,
                    "template": origin.template,
                    "written": origin.written,
                    "value": origin.value,
                    "sources": [
                        {"path": each.path, "found": each.found, "value": each.value, "of_the_call": each.own}
                        for each in origin.sources
                    ],
                }
                for origin in mapped.origins
            ],
        },
        "similar": [shapes.event(each) for each in one.similar],
        "more_similar": one.more_similar,
        "edited_from": one.event.headers.get(EDITED_FROM),
        "edited_by": one.event.headers.get(EDITED_BY),
        "edit_note": one.event.headers.get(EDIT_NOTE),
        "edited_copies": list(copies),
    }


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
    Operation(
        "POST",
        "/events/{id}/fix",
        fix_event,
        "Send an edited copy of an event's payload in",
        "Fixed",
        "FixRequest",
        201,
        refusals=(400, 404, 409, 422),
    ),
    Operation("GET", "/replays", list_replays, "List replays of many events", "Replays"),
    Operation(
        "POST",
        "/replays",
        replay_many,
        "Replay many events, or say what would become of them",
        "ReplayProgress",
        "ReplayManyRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation("GET", "/replays/{id}", show_replay, "How far a replay is", "ReplayProgress", refusals=(404,)),
    Operation(
        "GET",
        "/replays/{id}/items",
        list_replay_items,
        "What became of each event of a replay",
        "ReplayItems",
        query=PAGED,
        refusals=(422,),
    ),
    Operation(
        "POST",
        "/replays/{id}/cancel",
        cancel_replay,
        "Replay no further event",
        "ReplayProgress",
        refusals=(404,),
    ),
)
