"""The list of transfers, and one of them: its ways, what would leave, a run now, and how far it is."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.values import JSON
from hookstation.core.workflows.values import ENDED
from hookstation.engine.transfers.services import Preview, TransferProgress
from hookstation.engine.workflows.plans import TRANSFER
from hookstation.errors import ActionFailed, Conflict, Invalid, MappingFailed
from hookstation.ports.runs import RunFilter
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain.things import document_of, unreadable
from hookstation.web.pages.chain.words import SOURCES, began, page_of
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

DONE: Final = {
    "saved": "Saved. Look at what would leave, then run it.",
    "state": "Its state was changed. Runs that had begun go on.",
}
PREVIEWED: Final = 20
MOST_TEXT: Final = 20_000
"""Characters of a preview's text that the page shows."""


def ways(document: dict[str, JSON]) -> tuple[str, str]:
    """Where a transfer's rows come from and where they go, in words."""
    source, target = document["source"], document["destination"]
    kinds = [str(one["type"]) if isinstance(one, dict) else "" for one in (source, target)]
    return SOURCES.get(kinds[0], kinds[0]), SOURCES.get(kinds[1], kinds[1])


async def show_list(request: Request, services: Services) -> Response:
    """Every transfer, searched and filtered by the address alone."""
    asked = {name: request.query_params.get(name, "") for name in ("search", "state", "done")}
    everything = await services.chain.transfers.all()
    words = asked["search"].casefold().split()
    found = []
    for one in everything:
        transfer = one.transfer
        source, target = ways(document_of("transfer", transfer.name, services))
        text = " ".join((transfer.name, transfer.title, source, target)).casefold()
        if asked["state"] in ("", transfer.state.value) and all(word in text for word in words):
            found.append((one, source, target))
    context = {
        "rows": found,
        "asked": asked,
        "total": len(everything),
        "unreadable": unreadable("transfer", services),
    }
    return await page(request, "chain/transfers.html", context, part="transfers")


async def show(request: Request, services: Services) -> Response:
    """One transfer."""
    return await render(request, services)


async def render(
    request: Request, services: Services, *, preview: Preview | None = None, problem: str = ""
) -> Response:
    """The page, with what would leave, where that was asked for."""
    name: str = request.path_params["name"]
    document = document_of("transfer", name, services)
    standing = await services.chain.transfers.one(name)
    runs = (await services.store.list_runs(RunFilter(TRANSFER + name), 10)).items
    far: TransferProgress | None = await services.chain.transfers.progress(runs[0].id) if runs else None
    source, target = ways(document)
    context = {
        "one": standing.transfer,
        "standing": standing.standing,
        "document": document,
        "source": source,
        "target": target,
        "runs": runs,
        "far": far,
        "moves": far is not None and far.run.state not in ENDED,
        "preview": preview,
        "text": preview.text[:MOST_TEXT] if preview else "",
        "problem": problem,
        "began": began,
        "page_of": page_of,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return await page(request, "chain/transfer.html", context, 422 if problem else 200, part="progress")


async def show_preview(request: Request, services: Services) -> Response:
    """The first rows as they would leave."""
    name: str = request.path_params["name"]
    try:
        preview = await services.chain.transfers.preview(name, PREVIEWED)
    except (ActionFailed, Conflict, Invalid, MappingFailed) as refused:
        return await render(request, services, problem=refused.message)
    return await render(request, services, preview=preview)


async def run_now(request: Request, services: Services) -> Response:
    """Begin a run; the page shows how far it is."""
    name: str = request.path_params["name"]
    try:
        await services.chain.transfers.run(name, visitor_of(request).name)
    except (Conflict, Invalid) as refused:
        return await render(request, services, problem=refused.message)
    return RedirectResponse(f"/transfers/{name}#progress", 303)


PAGES: Final = (
    Page("/transfers", show_list),
    Page("/transfers/{name}", show),
    Page("/transfers/{name}/preview", show_preview, ("POST",)),
    Page("/transfers/{name}/run", run_now, ("POST",)),
)
