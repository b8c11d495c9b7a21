"""One run: how it stands, what it did step by step, and the flow coloured by it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.people import Act, may
from hookstation.core.workflows.values import ENDED, Entry, EntryState, Run, RunState
from hookstation.engine.workflows.showing import ShownRun
from hookstation.engine.workflows.texts import shown_run
from hookstation.ports.runs import RunFilter
from hookstation.ports.store import Payload
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain import history
from hookstation.web.pages.chain.flow import flow, tallies
from hookstation.web.pages.chain.words import RUN_MEANINGS, advice, began, page_of
from hookstation.web.pages.events import Body, body_of
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

LONGEST_SHOWN: Final = 128 * 1024
"""Characters of one value on the page; more is cut visibly."""

FEW: Final = 20
DONE: Final = {
    "cancelled": "The run was ended. What it did before that stands.",
    "begun": "It was begun: this is the new run.",
    "resolved": "Noted. The run goes on.",
    "approved": "Approved. The run goes on.",
    "refused": "Refused. The run goes on as its step says.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as text. `cut`: so many characters are not shown."""

    body: Body
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """One try of the step that is looked at."""

    entry: Entry
    input: Shown | None
    output: Shown | None

    @property
    def took(self) -> int:
        """Microseconds, 0 where it has not ended."""
        return max(self.entry.ended_at - self.entry.started_at, 0) if self.entry.ended_at else 0


@dataclass(frozen=True, slots=True)
class Expression:
    """A template or condition that is tried on the run. `wrong`: what is wrong with it; `told`: what came of it."""

    text: str = ""
    is_condition: bool = False
    wrong: str = ""
    told: str = ""
    value: Shown | None = None


NOTHING_TRIED: Final = Expression()


def shown_text(text: str) -> Shown | None:
    """JSON text for people; ``None`` where there is none."""
    if not text:
        return None
    part = text[:LONGEST_SHOWN]
    return Shown(body_of(Payload("", part.encode("utf-8", "surrogatepass"))), len(text) - len(part))


async def show(request: Request, services: Services) -> Response:
    """The page of a run."""
    return await render(request, services)


async def render(
    request: Request,
    services: Services,
    problem: str = "",
    text: str = "",
    status: int = 200,
    expression: Expression = NOTHING_TRIED,
) -> Response:
    """The page, with what is wrong with what was sent: `text` is the input that was typed."""
    run_id: str = request.path_params["id"]
    found = await services.chain.runs.show(run_id)
    run = found.run
    asked = {name: request.query_params.get(name, "") for name in ("step", "loop", "after", "bad", "done")}
    entries = history.told_failed([*found.entries, *await history.beyond(found, services)], run)
    timeline = history.lines(entries, found.workflow)
    visitor = visitor_of(request)
    children = await services.store.list_runs(RunFilter(parent=run.id), FEW)
    again = await services.store.list_runs(RunFilter(source=run.id), FEW)
    context = {
        "run": run,
        "is_open": run.state not in ENDED,
        "workflow": found.workflow,
        "took": _took(run, services.clock.now()),
        "meaning": RUN_MEANINGS[run.state],
        "lines": timeline,
        "flow": flow(found.workflow.steps, tallies(entries)) if found.workflow else (),
        "more": bool(found.next),
        "trouble": history.failed(timeline, run.error) if run.state is RunState.FAILED else None,
        "unknown": [one for one in entries if one.state is EntryState.UNKNOWN][:FEW]
        if run.state not in ENDED
        else [],
        "approvals": history.asked(found),
        "may_decide": may(visitor.role, Act.CHANGE),
        "who": visitor.name,
        "began": began(run.trigger),
        "begins": began,
        "page_of": page_of,
        "children": children.items,
        "again": again.items,
        "asked": asked,
        "problem": problem,
        "done": DONE.get(asked["done"], ""),
        **await asyncio.to_thread(_came, run),
        "text": text,
        "expression": expression,
        "step": await _step(found, asked["step"], services),
        **await _loop(found, asked, services),
    }
    return await page(request, "chain/run.html", context, status, part="run")


def _came(run: Run) -> dict[str, object]:
    """What it was given and put out, with secrets masked."""
    shown = shown_run(run)
    return {"input": shown_text(shown.input), "output": shown_text(shown.output)}


async def _step(found: ShownRun, path: str, services: Services) -> dict[str, object] | None:
    """The step that is looked at, with every try of it."""
    if not path:
        return None
    tried: Sequence[Entry] = await history.tries(found.run.id, path, services)
    tried = tried or [one for one in found.entries if one.path == path]
    if not tried:
        return None
    line = history.flat(tried[-1:], found.workflow)[0]
    shown = [Tried(one, shown_text(one.input), shown_text(one.output)) for one in tried]
    last = tried[-1]
    return {
        "line": line,
        "tries": shown,
        "advice": advice(last.fault) if last.state is EntryState.FAILED else "",
        "unknown": last.state is EntryState.UNKNOWN and found.run.state not in ENDED,
    }


async def _loop(found: ShownRun, asked: dict[str, str], services: Services) -> dict[str, object]:
    """The turns of the loop that is looked at, a page of them."""
    if not asked["loop"]:
        return {"turns": (), "turns_next": 0}
    after = int(asked["after"]) if asked["after"].isascii() and asked["after"].isdecimal() else 0
    entries, following = await history.turns(
        found.run.id, asked["loop"], after, asked["bad"] == "1", services
    )
    return {"turns": history.flat(entries, found.workflow), "turns_next": following}


def _took(run: Run, now: int) -> int:
    """Microseconds from its begin to its end, or until now."""
    return max((run.ended_at or now) - run.started_at, 0) if run.started_at else 0


PAGES: Final = (Page("/runs/{id}", show),)
