"""Operations on how things go: the dashboard, figures of a webhook, and what was noticed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.detect.findings import Finding
from hookstation.core.tallies import Figures
from hookstation.core.values import JSON, Number
from hookstation.engine.dashboard import DAY_HOURS, MOST_HOURS, Course, LastDay
from hookstation.engine.runs import moment
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.web.api import access, asking
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

HOURS: Final = {
    "hours": f"How many hours are looked back, 1 to {MOST_HOURS} ({DAY_HOURS}); up to 2 by minute."
}


async def show_dashboard(request: Request, services: Services) -> Response:
    """The station at a glance."""
    shown = await services.glance.dashboard(_hours(request))
    return reply(
        {
            "hours": shown.hours,
            **_course(shown.course),
            "busiest": [{"webhook": name, **_figures(one)} for name, one in shown.busiest],
            "needs": [finding(one) for one in shown.needs],
            "unusual": [finding(one) for one in shown.unusual],
            "held": dict(shown.held),
            "backlog": {
                "waiting": shown.backlog.waiting,
                "parked": shown.backlog.parked,
                "dead": shown.backlog.dead,
            },
        }
    )


async def show_figures(request: Request, services: Services) -> Response:
    """How one webhook goes."""
    name = request.path_params["name"]
    if name not in services.board.stored.webhooks:
        raise NotFound("webhook", name)
    hours = _hours(request)
    course = await services.glance.figures(name, hours)
    [day] = (await services.glance.last_day([name])).values()
    return reply({"webhook": name, "hours": hours, **_course(course), **last_day(day)})


async def list_findings(request: Request, services: Services) -> Response:
    """What was noticed, the latest first."""
    limit, after = asking.limit(request), request.query_params.get("after", "")
    is_open = _state(request) == "open"
    found = await services.glance.findings(limit + 1, after, is_open=is_open)
    following = found[limit - 1].id if len(found) > limit else ""
    return listed([finding(one) for one in found[:limit]], following)


async def dismiss_finding(request: Request, services: Services) -> Response:
    """Say that a finding is seen to."""
    return reply(finding(await services.glance.dismiss(request.path_params["id"], access.caller(request))))


def finding(one: Finding) -> dict[str, JSON]:
    """A finding with its sentence, its figures, and where its remedy is."""
    signal = one.signal
    figures: dict[str, JSON] = {
        name: Number(repr(value)) if isinstance(value, float) else value
        for name, value in signal.figures.items()
    }
    return {
        "id": one.id,
        "kind": signal.kind.value,
        "webhook": signal.webhook or None,
        "connection": signal.connection or None,
        "sentence": signal.sentence,
        "figures": figures,
        "remedy": signal.remedy.value,
        "since": moment(one.since),
        "seen_at": moment(one.seen_at),
        "closed_at": moment(one.closed_at),
        "dismissed_at": moment(one.dismissed_at),
        "dismissed_by": one.dismissed_by or None,
    }


def last_day(day: LastDay) -> dict[str, JSON]:
    """What the list shows of a webhook besides what is configured."""
    return {
        "last_call": moment(day.last_call),
        "calls_last_day": day.calls,
        "failures_last_day": day.failures,
        "calls_by_hour": [*day.by_hour],
        "failures_by_hour": [*day.failed_by_hour],
        "held": day.held,
    }


def _course(course: Course) -> dict[str, JSON]:
    points: list[JSON] = [{"at": moment(one.at), **_figures(one.figures)} for one in course.points]
    return {"total": _figures(course.whole), "step_seconds": course.step // 1_000_000, "points": points}


def _figures(one: Figures) -> dict[str, JSON]:
    return {
        "calls": one.calls,
        "succeeded": one.succeeded,
        "failed": one.failed,
        "rejected": one.rejected,
        "repeated": one.repeated,
        "open": one.open,
        "bytes": one.bytes,
        "p50_us": one.p50,
        "p95_us": one.p95,
        "p99_us": one.p99,
        "reasons": _counts(one.reasons),
        "answers": _counts(one.answers),
    }


def _counts(counts: Mapping[str, int]) -> dict[str, JSON]:
    return dict(counts)


def _hours(request: Request) -> int:
    text = request.query_params.get("hours", str(DAY_HOURS))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_HOURS:
        raise Invalid([Problem(("hours",), f"must be a whole number from 1 to {MOST_HOURS}.")])
    return int(text[:9])


def _state(request: Request) -> str:
    text = request.query_params.get("state", "all")
    if text not in ("open", "all"):
        raise Invalid([Problem(("state",), "must be open or all.")])
    return text


OPERATIONS: Final = (
    Operation(
        "GET",
        "/dashboard",
        show_dashboard,
        "The station at a glance",
        "Dashboard",
        query=HOURS,
        refusals=(422,),
    ),
    Operation(
        "GET",
        "/webhooks/{name}/figures",
        show_figures,
        "How a webhook goes",
        "WebhookFigures",
        query=HOURS,
        refusals=(404, 422),
    ),
    Operation(
        "GET",
        "/findings",
        list_findings,
        "List what was noticed",
        "Findings",
        query={**PAGED, "state": "`open`: only what is still so; `all` (the default)."},
        refusals=(422,),
    ),
    Operation(
        "POST",
        "/findings/{id}/dismiss",
        dismiss_finding,
        "Say that a finding is seen to, until it happens anew",
        "Finding",
        refusals=(404, 409),
    ),
)
