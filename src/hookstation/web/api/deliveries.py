"""Operations on deliveries: list, look at, send again, end, and hear of them as they happen."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from enum import StrEnum
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hookstation.core.jsontext import dump_json_line
from hookstation.core.nearest import did_you_mean
from hookstation.core.outgoing.subscribing import Rendered
from hookstation.core.outgoing.values import (
    NO_TIMING,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    EventOut,
    Trouble,
)
from hookstation.core.values import JSON
from hookstation.engine.outgoing.listening import Heard
from hookstation.engine.outgoing.resend import Done
from hookstation.engine.runs import moment
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.web.api import access, asking
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

TEXTS: Final = ("destination", "subscription", "type", "event_id")
NAMES: Final = (*TEXTS, "status", "trouble", "since", "until")
FILTERS: Final = {
    "destination": "Of this destination.",
    "subscription": "Of this subscription.",
    "status": "In these states, with commas between: waiting, delivered, dead, cancelled.",
    "trouble": "Whose last attempt had this trouble, with commas between.",
    "type": "Of this type of event; `*` at the end stands for the rest.",
    "event_id": "Of this event out.",
    "since": "Begun from this moment on: ISO 8601, or a time ago like `24h`.",
    "until": "Begun before this moment.",
}
LINES: Final = "application/x-ndjson"

Word = TypeVar("Word", bound=StrEnum)


async def list_deliveries(request: Request, services: Services) -> Response:
    """Deliveries, newest first."""
    which = filter_of({name: request.query_params.get(name, "") for name in NAMES}, services.clock.now())
    page = await services.store.list_deliveries(
        which, asking.limit(request), request.query_params.get("after", "")
    )
    return listed([delivery(one) for one in page.items], page.next)


async def show_delivery(request: Request, services: Services) -> Response:
    """A delivery with its event and every attempt, oldest first."""
    delivery_id: str = request.path_params["id"]
    found = await services.store.get_delivery(delivery_id)
    if found is None:
        raise NotFound("delivery", delivery_id)
    event = await services.store.get_event_out(found.event_id)
    tries = await services.store.list_delivery_attempts(delivery_id)
    return reply(
        {
            **delivery(found),
            "event": None if event is None else event_out(event),
            "history": [attempt(one) for one in tries],
        }
    )


async def resend_delivery(request: Request, services: Services) -> Response:
    """Try a delivery again now, whether it has ended or waits."""
    resent = await services.outgoing.resend.one(request.path_params["id"], access.caller(request))
    return reply(delivery(resent))


async def cancel_delivery(request: Request, services: Services) -> Response:
    """End a delivery that waits."""
    ended = await services.outgoing.resend.cancel(request.path_params["id"], access.caller(request))
    return reply(delivery(ended))


async def resend_deliveries(request: Request, services: Services) -> Response:
    """Try all deliveries again that match; without a status, those that are dead."""
    which, after = await _which(request, services)
    return reply(_done(await services.outgoing.resend.matching(which, access.caller(request), after)))


async def cancel_deliveries(request: Request, services: Services) -> Response:
    """End all deliveries that wait and match."""
    which, after = await _which(request, services)
    return reply(_done(await services.outgoing.resend.cancel_matching(which, access.caller(request), after)))


async def listen_deliveries(request: Request, services: Services) -> Response:
    """Deliveries as they happen, a JSON object a line, until the caller goes.

    An empty line comes at the beginning and in every silence: so each side learns that the other is there.
    """
    destination = request.query_params.get("destination", "")
    if destination:
        services.outgoing.live.destination(destination)
    breaths = services.outgoing.listening.breaths(destination)
    await anext(breaths)  # so that a refusal is the answer, and not the end of one
    if request.method == "HEAD":
        await breaths.aclose()
    return StreamingResponse(_lines(breaths, services), media_type=LINES)


async def _lines(breaths: AsyncGenerator[Heard | None, None], services: Services) -> AsyncIterator[bytes]:
    async with aclosing(breaths):
        yield b"\n"
        async for heard in breaths:
            yield b"\n" if heard is None else dump_json_line(_heard(heard)) + b"\n"
            if services.ingest.stopping or services.ingest.leaving:
                return


async def _which(request: Request, services: Services) -> tuple[DeliveryFilter, str]:
    body = await asking.fields(request, *NAMES, "after")
    texts = {name: asking.member(body, name, str, "") for name in (*NAMES, "after")}
    after = texts.pop("after")
    return filter_of(texts, services.clock.now()), after


def filter_of(asked: dict[str, str], now: int) -> DeliveryFilter:
    """The filter that these texts say, each empty where it does not filter. Raises `Invalid`."""
    for name in TEXTS:
        if len(asked[name]) > asking.LONGEST_TEXT:
            raise Invalid([Problem((name,), f"may have {asking.LONGEST_TEXT} characters at most.")])
    return DeliveryFilter(
        **{name: asked[name] for name in TEXTS},
        states=_words("status", asked["status"], DeliveryState),
        troubles=_words("trouble", asked["trouble"], Trouble),
        since=asking.moment_in("since", asked["since"], now),
        until=asking.moment_in("until", asked["until"], now),
    )


def _words(name: str, text: str, known: type[Word]) -> frozenset[Word]:
    names = [one for one in text.split(",") if one]
    there = [one.value for one in known if one.value]
    for one in names:
        if one not in there:
            message = f"“{one[:40]}” is not known; known are {', '.join(there)}.{did_you_mean(one, there)}"
            raise Invalid([Problem((name,), message)])
    return frozenset(known(one) for one in names)


def delivery(one: Delivery) -> dict[str, JSON]:
    """A line of the list."""
    return {
        "id": one.id,
        "event_id": one.event_id,
        "type": one.type,
        "subscription": one.subscription or None,
        "destination": one.destination,
        "state": one.state.value,
        "created_at": moment(one.created_at),
        "due_at": moment(one.due_at),
        "ended_at": moment(one.ended_at),
        "attempts": one.attempts,
        "status": one.status or None,
        "trouble": one.trouble.value or None,
        "error": one.error,
    }


def event_out(one: EventOut) -> dict[str, JSON]:
    """An event out; its facts as the JSON text that they are kept in, so that numbers keep their digits."""
    return {
        "id": one.id,
        "type": one.type,
        "occurred_at": moment(one.occurred_at),
        "source": one.source or None,
        "key": one.key or None,
        "data": one.payload,
    }


def attempt(one: DeliveryAttempt) -> dict[str, JSON]:
    """What was sent, secrets masked, and what came back; a body that is not text is base64."""
    return {
        "number": one.number,
        "started_at": moment(one.started_at),
        "trouble": one.trouble.value or None,
        "error": one.error,
        "node": one.node or None,
        "request": {
            "method": one.method,
            "url": one.url,
            "headers": [[name, value] for name, value in one.headers],
            **_body(one.body),
        },
        "answer": None
        if not one.status
        else {
            "status": one.status,
            "headers": [[name, value] for name, value in one.answer_headers],
            **_body(one.answer),
            "cut": one.cut,
        },
        "microseconds": {
            name: None if took == NO_TIMING else took
            for name, took in (
                ("dns", one.timing.dns),
                ("connect", one.timing.connect),
                ("tls", one.timing.tls),
                ("first_byte", one.timing.first_byte),
                ("total", one.timing.total),
            )
        },
    }


def request(one: Rendered, url: str) -> dict[str, JSON]:
    """What a subscription would send; `url` is empty without a destination."""
    headers: JSON = [[name, value] for name, value in one.headers]
    return {"method": one.method, "url": url, "headers": headers, **_body(one.body)}


def _body(raw: bytes) -> dict[str, JSON]:
    try:
        return {"body": raw.decode()}
    except UnicodeDecodeError:
        return {"body": None, "body_base64": base64.b64encode(raw).decode()}


def _done(one: Done) -> dict[str, JSON]:
    return {"count": one.count, "next": one.next or None}


def _heard(one: Heard) -> dict[str, JSON]:
    return {
        "delivery": delivery(one.delivery),
        "attempt": None if one.attempt is None else attempt(one.attempt),
        "missed": one.missed,
    }


OPERATIONS: Final = (
    Operation(
        "GET",
        "/deliveries",
        list_deliveries,
        "List deliveries",
        "Deliveries",
        query={**FILTERS, **PAGED},
        refusals=(422,),
    ),
    Operation(
        "GET",
        "/deliveries/listen",
        listen_deliveries,
        "Hear of deliveries as they happen, a line each",
        "HeardDelivery",
        query={"destination": "Of this destination alone."},
        refusals=(404, 429),
        media_type=LINES,
    ),
    Operation(
        "POST",
        "/deliveries/resend",
        resend_deliveries,
        "Try all deliveries again that match",
        "DeliveriesDone",
        "DeliveriesRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/deliveries/cancel",
        cancel_deliveries,
        "End all deliveries that wait and match",
        "DeliveriesDone",
        "DeliveriesRequest",
        refusals=(400, 422),
    ),
    Operation(
        "GET",
        "/deliveries/{id}",
        show_delivery,
        "Show a delivery with its attempts",
        "DeliveryInFull",
        refusals=(404,),
    ),
    Operation(
        "POST",
        "/deliveries/{id}/resend",
        resend_delivery,
        "Try a delivery again now",
        "Delivery",
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/deliveries/{id}/cancel",
        cancel_delivery,
        "End a delivery that waits",
        "Delivery",
        refusals=(404, 409),
    ),
)
