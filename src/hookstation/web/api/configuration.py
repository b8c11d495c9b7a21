"""Operations on the whole configuration as one document: plan, apply, export."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.plan import Verb
from hookstation.core.values import JSON
from hookstation.engine.plans import Plan, Saving
from hookstation.errors import Invalid, Problem
from hookstation.web.api import access, asking
from hookstation.web.api.problems import describe
from hookstation.web.api.routes import Operation, reply
from hookstation.web.services import Services


async def plan(request: Request, services: Services) -> Response:
    """What applying a document would do; nothing is changed."""
    body = await asking.fields(request, "document", "references", "prune")
    planned = await services.configurator.plan(
        body.get("document"), _references(body), prune=asking.member(body, "prune", bool, False)
    )
    return reply(_plan(planned))


async def apply(request: Request, services: Services) -> Response:
    """Apply a document: all of it or, where anything is wrong, nothing."""
    body = await asking.fields(request, "document", "references", "prune")
    planned = await services.configurator.apply(
        body.get("document"),
        _references(body),
        prune=asking.member(body, "prune", bool, False),
        saving=Saving(access.caller(request)),
    )
    return reply(_plan(planned))


async def export(_request: Request, services: Services) -> Response:
    """Everything configured as one document; secrets as references or masked."""
    return reply(await services.configurator.export())


def _plan(planned: Plan) -> dict[str, JSON]:
    """The answer; secrets that the station has just made for destinations stand in this one and in no other."""
    made: dict[str, JSON] = {name: secret.reveal() for name, secret in planned.made.items()}
    shown_once: dict[str, JSON] = {"secrets": made} if made else {}
    return shown_once | {
        "changes": [change.as_json() for change in planned.changes],
        "problems": [describe(problem) for problem in planned.problems],
        "changed": sum(change.verb is not Verb.KEEP for change in planned.changes),
    }


def _references(body: dict[str, JSON]) -> dict[str, str]:
    given = body.get("references", {})
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Invalid([Problem(("references",), "must be an object of JSON pointers and references.")])
    return {pointer: str(value) for pointer, value in given.items()}


OPERATIONS: Final = (
    Operation(
        "POST",
        "/config/plan",
        plan,
        "What applying a document would do",
        "Plan",
        "PlanRequest",
        refusals=(400, 422),
    ),
    Operation(
        "POST",
        "/config/apply",
        apply,
        "Apply a document, all or nothing",
        "Plan",
        "PlanRequest",
        refusals=(400, 409, 422),
    ),
    Operation("GET", "/config/export", export, "Everything configured as one document", "Configuration"),
)
