"""What is done with a run: ended, done again, told what became of a step, and decided in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.people import Act, may
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused, Conflict, Invalid, MappingFailed
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain.run import Expression, render, shown_text
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

NOT_JSON: Final = "The {what} is not JSON: {why} Nothing was done; put it right below."
EMPTY: Final = "Write a template or a condition."
NOT_THERE: Final = "The property that it reads is not there: a setting of it is left out."
SAY: Final = "Say whether it happened: nothing was noted."


async def cancel(request: Request, services: Services) -> Response:
    """End it."""
    run_id: str = request.path_params["id"]
    await services.chain.runs.cancel(run_id, visitor_of(request).name)
    return _to(run_id, "cancelled")


async def again(request: Request, services: Services) -> Response:
    """Do it once more: whole, from the step that failed, or with another input."""
    run_id: str = request.path_params["id"]
    form, who = await read_form(request), visitor_of(request).name
    how, text = form.one("how"), form.one("text")
    if how == "edited":
        wrong = what_is_wrong(text)
        if wrong:
            return await render(request, services, NOT_JSON.format(what="input", why=wrong), text, 422)
    try:
        new = await services.chain.runs.again(
            run_id, who, whole=how != "failed", text=text if how == "edited" else None
        )
    except (Invalid, MappingFailed) as refused:
        return await render(request, services, refused.message, text, 422)
    return _to(new.id, "begun")


async def try_expression(request: Request, services: Services) -> Response:
    """Try a template or a condition on what the run has."""
    run_id: str = request.path_params["id"]
    form = await read_form(request)
    tried = Expression(form.one("expression").strip(), form.one("as") == "condition")
    if not tried.text:
        return await render(request, services, status=422, expression=replace(tried, wrong=EMPTY))
    runs = services.chain.runs
    try:
        given = await (runs.try_condition if tried.is_condition else runs.try_template)(run_id, tried.text)
    except Invalid as refused:
        wrong = " ".join(one.message for one in refused.problems)
        return await render(request, services, status=422, expression=replace(tried, wrong=wrong))
    if given.error:
        return await render(request, services, expression=replace(tried, wrong=given.error))
    if given.missing:
        return await render(request, services, expression=replace(tried, told=NOT_THERE))
    if tried.is_condition:
        told = "It holds." if given.value is True else "It does not hold."
        return await render(request, services, expression=replace(tried, told=told))
    value = shown_text(dump_json(given.value))
    return await render(request, services, expression=replace(tried, value=value))


async def resolve(request: Request, services: Services) -> Response:
    """Say whether a step had its effect."""
    run_id: str = request.path_params["id"]
    form, who = await read_form(request), visitor_of(request).name
    happened, text = form.one("happened"), form.one("output")
    if happened not in ("yes", "no"):
        return await render(request, services, SAY, status=422)
    wrong = what_is_wrong(text) if text.strip() else ""
    if wrong:
        return await render(request, services, NOT_JSON.format(what="output", why=wrong), status=422)
    output: JSON = parse_json(text.encode()).value if text.strip() else None
    await services.chain.runs.resolve(
        run_id, form.one("path"), who, happened=happened == "yes", output=output
    )
    return _to(run_id, "resolved")


async def decide(request: Request, services: Services) -> Response:
    """Approve or refuse. Who may change anything may decide for others, which the run keeps with the name."""
    run_id: str = request.path_params["id"]
    form, visitor = await read_form(request), visitor_of(request)
    said = form.one("decision")
    if said not in ("approve", "refuse"):
        raise Conflict("Choose whether to approve or to refuse. Nothing was decided.")
    await services.chain.runs.decide(
        run_id,
        form.one("path"),
        visitor.name,
        approved=said == "approve",
        note=form.one("note").strip(),
        anybody=may(visitor.role, Act.ADMINISTER),
    )
    if form.one("back") == "approvals":
        return RedirectResponse(f"/approvals?{urlencode({'done': said})}", 303)
    return _to(run_id, "approved" if said == "approve" else "refused")


def what_is_wrong(text: str) -> str:
    """Why a text is not JSON; empty where it is."""
    try:
        parse_json(text.encode())
    except BodyRefused as refused:
        return refused.reason
    except UnicodeEncodeError:
        return "it has characters that are none."
    return ""


def _to(run_id: str, done: str) -> Response:
    return RedirectResponse(f"/runs/{run_id}?done={done}", 303)


PAGES: Final = (
    Page("/runs/{id}/cancel", cancel, ("POST",)),
    Page("/runs/{id}/again", again, ("POST",)),
    Page("/runs/{id}/try", try_expression, ("POST",), act=Act.SEE),
    Page("/runs/{id}/resolve", resolve, ("POST",)),
    Page("/runs/{id}/decide", decide, ("POST",)),
)
