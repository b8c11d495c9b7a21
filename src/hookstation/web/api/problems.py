"""Errors of the API as RFC 9457 ``application/problem+json``; the one seam where ours become HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.errors import (
    ActionFailed,
    BodyRefused,
    Conflict,
    HookstationError,
    Invalid,
    NotFound,
    Problem,
    StoreUnavailable,
    TryLater,
)

TYPE = "application/problem+json"
PRIVATE: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""What every answer of the API says: nobody may keep it, or take it for a page."""


def describe(problem: Problem) -> JSON:
    """One problem of a document as JSON."""
    return {
        "pointer": problem.pointer,
        "message": problem.message,
        "severity": problem.severity,
        "position": problem.position,
    }


def answer(
    status: int,
    title: str,
    detail: str,
    problems: Sequence[Problem] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem document."""
    body: dict[str, JSON] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if problems:
        body["problems"] = [describe(problem) for problem in problems]
    return Response(dump_json(body), status, {**PRIVATE, **(headers or {})}, TYPE)


async def on_error(_request: Request, error: Exception) -> Response:
    """The answer for one of our errors."""
    match error:
        case Invalid():
            return answer(422, "Not valid", error.message, error.problems)
        case NotFound():
            return answer(404, "Not found", error.message)
        case Conflict():
            return answer(409, "Conflict", error.message)
        case BodyRefused():
            return answer(error.status, "Cannot be read", error.reason)
        case ActionFailed():
            return answer(502, "The target failed", error.message)
        case TryLater():
            return answer(429, "Too often", error.message, headers={"Retry-After": str(error.seconds)})
        case StoreUnavailable():
            return answer(503, "The database is not available", error.message, headers={"Retry-After": "2"})
        case HookstationError():
            return answer(500, "Failed", error.message)
    raise error
