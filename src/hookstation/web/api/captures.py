"""Operations on captures: temporary URLs that listen."""

from __future__ import annotations

import base64
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.values import JSON
from hookstation.engine.listen import USUAL_SECONDS
from hookstation.engine.runs import moment
from hookstation.ports.captures import Capture, CapturedCall
from hookstation.web.api import access, asking
from hookstation.web.api.routes import Operation, listed, reply
from hookstation.web.services import Services


async def open_capture(request: Request, services: Services) -> Response:
    """Listen at a new URL."""
    body = await asking.fields(request, "webhook", "seconds", "answer")
    capture, token = await services.changing.captures.open(
        access.caller(request),
        asking.member(body, "webhook", str, ""),
        seconds=asking.member(body, "seconds", int, USUAL_SECONDS),
        status=asking.member(body, "answer", int, 200),
    )
    return reply(_capture(capture, token, services), 201)


async def list_captures(_request: Request, services: Services) -> Response:
    """What listens now."""
    return listed([_capture(one, token, services) for one, token in await services.changing.captures.list()])


async def show_capture(request: Request, services: Services) -> Response:
    """A capture and what it heard; with `after`, only what came later."""
    text = request.query_params.get("after", "0")
    after = int(text[:9]) if text.isascii() and text.isdecimal() else 0
    capture, token, calls = await services.changing.captures.show(request.path_params["id"], after)
    return reply({**_capture(capture, token, services), "calls": [_call(one) for one in calls]})


async def close_capture(request: Request, services: Services) -> Response:
    """Stop listening, and forget what was heard."""
    await services.changing.captures.close(request.path_params["id"])
    return Response(status_code=204)


def _capture(one: Capture, token: str, services: Services) -> dict[str, JSON]:
    path = f"/hooks/{token}" if token else ""
    return {
        "id": one.id,
        "url": services.base_url + path if path else "",
        "path": path,
        "by": one.by,
        "webhook": one.webhook,
        "opened_at": moment(one.opened_at),
        "until": moment(one.until),
        "answer": one.status,
    }


def _call(one: CapturedCall) -> JSON:
    body, encoded = None, None
    try:
        body = one.body.decode()
    except UnicodeDecodeError:
        encoded = base64.b64encode(one.body).decode()
    return {
        "number": one.number,
        "received_at": moment(one.received_at),
        "sender": one.sender,
        "headers": dict(one.headers),
        "query": one.query,
        "body": body,
        "body_base64": encoded,
    }


OPERATIONS: Final = (
    Operation("GET", "/captures", list_captures, "List what listens now", "Captures"),
    Operation(
        "POST",
        "/captures",
        open_capture,
        "Listen at a new URL",
        "Capture",
        "CaptureRequest",
        201,
        refusals=(400, 409, 422),
    ),
    Operation(
        "GET",
        "/captures/{id}",
        show_capture,
        "Show a capture and what it heard",
        "CaptureInFull",
        query={"after": "Only calls after this number."},
        refusals=(404,),
    ),
    Operation(
        "DELETE",
        "/captures/{id}",
        close_capture,
        "Stop listening, and forget what was heard",
        "",
        status=204,
        refusals=(404,),
    ),
)
