"""Destinations and subscriptions are saved through the same use case as everything that is configured."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from hookstation.core.documents import PLURALS
from hookstation.core.values import JSON, Secret
from hookstation.engine.plans import Plan, Saving
from hookstation.errors import Invalid, Problem
from hookstation.web.pages.access import visitor_of
from hookstation.web.services import Services


async def save(
    request: Request, services: Services, kind: str, document: Mapping[str, JSON]
) -> Mapping[str, Secret]:
    """Put one thing live; the secrets that the station made for it. Raises `Invalid`, as seen from it; `Conflict`."""
    saving = Saving(visitor_of(request).name)
    try:
        planned = await services.configurator.apply(_whole(kind, document), saving=saving)
    except Invalid as invalid:
        raise Invalid(
            [_inside(one, kind) for one in invalid.problems if one.severity == "error"]
        ) from invalid
    return planned.made


async def look_through(services: Services, kind: str, document: Mapping[str, JSON]) -> list[Problem]:
    """What would be said of it, warnings too; nothing is saved."""
    planned: Plan = await services.configurator.plan(_whole(kind, document))
    return [_inside(one, kind) for one in planned.problems]


def _whole(kind: str, document: Mapping[str, JSON]) -> JSON:
    return {"version": 1, PLURALS[kind]: [dict(document)]}


def _inside(problem: Problem, kind: str) -> Problem:
    if problem.path[:2] == (PLURALS[kind], 0):
        return Problem(problem.path[2:], problem.message, problem.severity, problem.position)
    return problem
