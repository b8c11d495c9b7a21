"""Operations on what happened: events, records, backup."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.people import Act
from hookstation.core.records import ACTIVITY
from hookstation.core.values import JSON, Number
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.web.api import access, asking, shapes
from hookstation.web.api.events import details
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services


async def list_events(request: Request, services: Services) -> Response:
    """Events, newest first."""
    which = asking.events(request, services.clock.now())
    page = await services.store.list_events(
        which, asking.limit(request), request.query_params.get("after", "")
    )
    return listed([shapes.event(one) for one in page.items], page.next)


async def show_search(_request: Request, services: Services) -> Response:
    """How far the index is filled by which events are found."""
    lag = await services.remedies.indexer.lag()
    return reply({"lag_seconds": Number(f"{lag:.3f}") if lag < math.inf else None})


async def show_event(request: Request, services: Services) -> Response:
    """One event with everything that is kept of it."""
    event_id = request.path_params["id"]
    shown = await _in_full(event_id, services)
    if request.query_params.get("explain", "") == "true":
        remedies = services.remedies
        copies = await remedies.fix.copies(event_id)
        shown["details"] = details(await remedies.explain.explain(event_id), copies)
    return reply(shown)


async def replay_event(request: Request, services: Services) -> Response:
    """A new attempt of an event."""
    body = await asking.fields(request, "again")
    event = await services.replay.replay(
        request.path_params["id"], again=asking.member(body, "again", bool, False)
    )
    return reply(await _in_full(event.id, services))


async def _in_full(event_id: str, services: Services) -> dict[str, JSON]:
    event = await services.store.get_event(event_id)
    if event is None:
        raise NotFound("event", event_id)
    payload = await services.store.get_payload(event_id)
    return shapes.event_in_full(event, payload, await services.store.list_attempts(event_id))


async def list_records(request: Request, services: Services) -> Response:
    """Records of an entity of the built-in database: all, those with some words, or the one with a key."""
    entity = _entity(request, services)
    most, asked = asking.limit(request), request.query_params
    if key := asked.get("key", ""):
        one = await services.store.get_record(entity, key)
        return listed([] if one is None else [shapes.record(one)])
    after = asked.get("after", "")
    if text := asked.get("text", ""):
        some = await services.browse.search(entity, text, most, after)
        return listed([shapes.record(one) for one in some.records], some.after)
    found = await services.store.list_records(entity, most + 1, after)
    following = found[most - 1].key if len(found) > most else ""
    return listed([shapes.record(one) for one in found[:most]], following)


async def count_records(request: Request, services: Services) -> Response:
    """How many records an entity of the built-in database has."""
    return reply({"count": await services.store.count_records(_entity(request, services))})


def _entity(request: Request, services: Services) -> str:
    """The entity's own spelling of the name that was asked for."""
    wanted = request.path_params["entity"]
    for name in (ACTIVITY, *services.board.panels):
        if name.casefold() == wanted.casefold():
            return name
    raise NotFound("entity", wanted)


async def backup(request: Request, services: Services) -> Response:
    """Copy the running database to a new file on the station's machine."""
    body = await asking.fields(request, "path")
    if not access.by_control(request, services):
        raise Conflict("A backup is made on the station's own machine: hookstation backup FILE.")
    path = Path(asking.member(body, "path", str, ""))
    if not path.is_absolute():
        raise Invalid([Problem(("path",), "must be an absolute path on the station's machine.")])
    written = await services.backup(path)
    key = None if services.master_key is None else str(services.master_key)
    return reply({"path": str(path), "bytes": written, "master_key": key})


FOUND_BY: Final = {
    "event_id": "Only ids that begin so.",
    "text": "Only with these words in the payload's values; the last one may be the beginning of a word.",
    "sender": "Only from this address.",
    "dedup_key": "Only with this dedup key.",
    "record_key": "Only that wrote a record with this key.",
}
"""The parameters by which an event is looked for; all but the id's beginning ask the index of words."""

OPERATIONS: Final = (
    Operation(
        "GET",
        "/events",
        list_events,
        "List events, newest first",
        "Events",
        query={
            "webhook": "Only of this webhook.",
            "status": "Only in these states, with commas.",
            "since": "Only from this moment on: ISO 8601, or a time ago like 24h.",
            "until": "Only before this moment.",
            **FOUND_BY,
            **PAGED,
        },
        refusals=(422,),
    ),
    Operation("GET", "/search", show_search, "How far the journal's index is filled", "SearchState"),
    Operation(
        "GET",
        "/events/{id}",
        show_event,
        "Show an event in full",
        "EventInFull",
        query={"explain": "`true`: also how its record came about, and similar failures."},
        refusals=(404,),
    ),
    Operation(
        "POST",
        "/events/{id}/replay",
        replay_event,
        "Make a new attempt of an event",
        "EventInFull",
        "ReplayRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "GET",
        "/records/{entity}",
        list_records,
        "List built-in records",
        "Records",
        query={
            "key": "Only the record with this key.",
            "text": "Only with these words in its values. A page may be short, or empty, and have a `next`.",
            **PAGED,
        },
        refusals=(404, 422),
    ),
    Operation(
        "GET", "/records/{entity}/count", count_records, "Count built-in records", "Count", refusals=(404,)
    ),
    Operation(
        "POST",
        "/backup",
        backup,
        "Copy the running database to a file",
        "Backup",
        "BackupRequest",
        refusals=(400, 409, 422),
        act=Act.ADMINISTER,
    ),
)
