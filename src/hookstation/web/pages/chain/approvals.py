"""What waits for a person's decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.people import Act, may
from hookstation.core.workflows.values import Run, Wait, WaitKind
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

MOST: Final = 200
DONE: Final = {
    "approve": "Approved. The run goes on.",
    "refuse": "Refused. The run goes on as its step says.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One decision that is waited for, with its run."""

    wait: Wait
    run: Run
    mine: bool


async def show_list(request: Request, services: Services) -> Response:
    """Those of who looks, or everybody's."""
    visitor, everybody = visitor_of(request), request.query_params.get("whose") == "all"
    waits = [one for one in await services.store.list_waits() if one.kind is WaitKind.APPROVAL]
    mine = [one for one in waits if one.person.casefold() == visitor.name.casefold()]
    chosen = waits if everybody else mine
    found: list[Asked] = []
    for one in chosen[:MOST]:
        run = await services.store.get_run(one.run_id)
        if run is not None:
            found.append(Asked(one, run, one in mine))
    context = {
        "found": found,
        "everybody": everybody,
        "mine": len(mine),
        "all": len(waits),
        "cut": len(chosen) > MOST,
        "may_for_others": may(visitor.role, Act.ADMINISTER),
        "who": visitor.name,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return await page(request, "chain/approvals.html", context, part="approvals")


PAGES: Final = (Page("/approvals", show_list),)
