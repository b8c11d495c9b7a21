"""The form of a schedule: what it starts, its rhythm by a few choices or as cron, and the next times as it is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents.schedule import SCHEDULE, decode_schedule
from hookstation.core.schedules.builder import DAYS, MONTHS, Rhythm, cron_of, rhythm_of
from hookstation.core.schedules.definitions import Starts
from hookstation.core.schedules.fires import Fire
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import TriggerKind
from hookstation.errors import Invalid, Problem
from hookstation.web.pages.chain.forming import FormOf
from hookstation.web.pages.chain.words import say_schedule
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.outgoing.items import is_missing
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

COUNT: Final = 20
TIMINGS: Final = ("rhythm", "cron", "at", "every")
OWN: Final = frozenset({*(one.value for one in Starts), "cron", "at", "every", "times", "days", "begins"})
KIND_WORDS: Final[Mapping[str, str]] = {
    "minutes": "every so many minutes",
    "hourly": "every hour",
    "hours": "every so many hours",
    "daily": "every day",
    "weekdays": "every weekday",
    "weekly": "on days of the week",
    "monthly": "on a day of the month",
    "last day": "on the last day of the month",
    "first weekday": "on the first weekday of the month",
    "last weekday": "on the last weekday of the month",
    "yearly": "every year",
}
"""The rhythms that can be picked."""


def read_special(form: Form) -> tuple[dict[str, JSON], list[Problem]]:
    """What it starts, and when."""
    problems: list[Problem] = []
    found: dict[str, JSON] = {}
    kind, _, target = form.one("begins").partition(":")
    if kind in {one.value for one in Starts} and target:
        found[kind] = target
    else:
        problems.append(Problem(("begins",), "Choose what it starts."))
    timing = form.one("timing") or "rhythm"
    if timing != "rhythm":
        found[timing if timing in TIMINGS else "cron"] = form.one(timing).strip()
        return found, problems
    try:
        found["cron"] = cron_of(_rhythm(form))
    except Invalid as invalid:
        problems += [_placed(one) for one in invalid.problems]
    return found, problems


def _placed(problem: Problem) -> Problem:
    where = str(problem.path[0]) if problem.path else "times"
    name = where if where in ("times", "days") else "times"
    said = problem.message if where == name else f"{where}: {problem.message}"
    return Problem((name,), said)


def _rhythm(form: Form) -> Rhythm:
    def number(name: str, usual: int) -> int:
        text = form.one(name).strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else usual

    times = tuple(form.one("times").replace(",", " ").split())
    days = tuple(int(one) for one in form.all("days") if one in {"0", "1", "2", "3", "4", "5", "6"})
    return Rhythm(
        form.one("kind"),
        times,
        number("minute", 0),
        number("each", 0),
        days,
        number("day", 0),
        number("month", 0),
    )


def more(services: Services, before: Mapping[str, JSON], form: Form | None) -> dict[str, object]:
    """What the form shows besides the settings."""
    board = services.board
    wanted = [one for one in board.workflows.values() if one.trigger.kind is TriggerKind.SCHEDULE]
    targets = [
        ("Workflows", [(f"workflow:{one.name}", one.title or one.name) for one in wanted]),
        ("Transfers", [(f"transfer:{name}", name) for name in sorted(board.documents("transfer"))]),
        ("Polls", [(f"poll:{name}", name) for name in sorted(board.documents("poll"))]),
    ]
    return {
        "targets": targets,
        "kinds": KIND_WORDS,
        "day_names": [(str(number), DAYS[number]) for number in (1, 2, 3, 4, 5, 6, 0)],
        "months": [(str(number), name) for number, name in enumerate(MONTHS, 1)],
        "typed": typed(before, form),
        **preview_of(before, services, form),
    }


def typed(before: Mapping[str, JSON], form: Form | None) -> dict[str, object]:
    """What stands in the fields of target and timing."""
    if form is not None:
        names = ("begins", "timing", "kind", "times", "minute", "each", "day", "month", "cron", "at", "every")
        return {**{name: form.one(name) for name in names}, "days": [*form.all("days")]}
    target = next((f"{one}:{before[one]}" for one in Starts if before.get(one)), "")
    cron = str(before.get("cron") or "")
    rhythm = rhythm_of(cron) if cron else Rhythm("daily")
    timing = "rhythm" if not (before.get("at") or before.get("every") or (cron and rhythm is None)) else ""
    shown = rhythm or Rhythm("daily")
    return {
        "begins": target,
        "timing": timing or next((name for name in ("at", "every", "cron") if before.get(name)), "cron"),
        "kind": shown.kind,
        "times": ", ".join(shown.times),
        "minute": str(shown.minute),
        "each": str(shown.every),
        "days": [str(one) for one in shown.days],
        "day": str(shown.day),
        "month": str(shown.month),
        "cron": cron,
        "at": str(before.get("at") or ""),
        "every": str(before.get("every") or ""),
    }


def preview_of(before: Mapping[str, JSON], services: Services, form: Form | None) -> dict[str, object]:
    """The next times of what the form says now, or why there are none."""
    document, problems = (dict(before), list[Problem]()) if form is None else FORM.read(form, before)
    if form is None and not any(document.get(name) for name in ("cron", "at", "every")):
        document["cron"] = "0 9 * * *"
    target = next((one for one in Starts if document.get(one)), None)
    if target is None:
        document["workflow"] = "preview"
    schedule, found = decode_schedule({**document, "name": "preview"})
    fires: Sequence[Fire] = services.chain.schedules.preview(schedule, COUNT) if schedule else ()
    further = [one for one in found if one.path or not problems]
    wrong = [one for one in [*problems, *further] if one.path != ("begins",) and not is_missing(one)]
    return {
        "fires": fires,
        "said": say_schedule(schedule) if schedule else "",
        "zone": schedule.zone if schedule else "UTC",
        "doubts": [] if schedule and not wrong else wrong,
    }


async def show_preview(request: Request, services: Services) -> Response:
    """The next times while the form is filled in, for scripts."""
    form = await read_form(request)
    return await page(request, "chain/schedule_times.html", preview_of({}, services, form), part="preview")


FORM: Final = FormOf("schedule", SCHEDULE, "chain/schedule_form.html", more, read_special, OWN)
PAGES: Final = (Page("/schedules/_preview", show_preview, ("POST",)), *FORM.pages())
