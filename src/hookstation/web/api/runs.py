"""Operations on runs, of workflows and of webhooks whose senders were answered before the work was done."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.jsontext import dump_json
from hookstation.core.nearest import did_you_mean
from hookstation.core.people import Act
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Run
from hookstation.engine.chain.run_list import AnyRun, RunsAsked, Status
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.web.api import access, asking
from hookstation.web.api.chain.shapes import any_run, entry, full_run, run, wait
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

TEXTS: Final = ("webhook", "workflow", "trigger", "parent", "source")
NOT_OF_A_WEBHOOK: Final = "This is the run of a webhook: it has one step, and no input but its event's body."
FILTERS: Final = {
    "webhook": "Only what this webhook or poll began.",
    "workflow": "Only of this workflow; of a transfer: `transfer:NAME`.",
    "trigger": "Only of workflows, begun by this (`schedule:nightly`), or by any of a kind (`schedule:`, `manual:`).",
    "parent": "Only those that the run with this id began.",
    "source": "Only those that do the run with this id again.",
    "status": f"Only these: {', '.join(Status)}; `open` is all that has not ended.",
    "since": "Only from this moment on: ISO 8601, or a time ago like 24h.",
}


async def list_runs(request: Request, services: Services) -> Response:
    """Runs, newest first."""
    page, following = await services.run_list.list(
        asked(request, services), asking.limit(request), request.query_params.get("after", "")
    )
    return listed([any_run(one) for one in page], following)


def asked(request: Request, services: Services) -> RunsAsked:
    """The runs that are asked for. Raises `Invalid`."""
    given = request.query_params.get("status", "") or Status.ALL
    if given not in list(Status):
        told = f"“{given[:40]}” is not known; choose one of {', '.join(Status)}."
        raise Invalid([Problem(("status",), told + did_you_mean(given, list(Status)))])
    texts = {name: request.query_params.get(name, "") for name in TEXTS}
    for name, text in texts.items():
        if len(text) > asking.LONGEST_TEXT:
            raise Invalid([Problem((name,), f"may have {asking.LONGEST_TEXT} characters at most.")])
    return RunsAsked(Status(given), since=asking.moment(request, "since", services.clock.now()), **texts)


async def show_run(request: Request, services: Services) -> Response:
    """One run; of a workflow with what triggered it, what it put out, and what it waits for."""
    return reply(await _shown(await _found(request, services), services))


async def list_run_steps(request: Request, services: Services) -> Response:
    """What a workflow's run did, in the order in which it began: of each step the latest try."""
    found = await _of_a_workflow(request, services)
    under, every = request.query_params.get("under", ""), request.query_params.get("every", "")
    if every not in ("", "true", "false"):
        raise Invalid([Problem(("every",), "must be true or false.")])
    page = await services.chain.runs.steps(
        found.id, _after(request), asking.limit(request), under=under, every=every == "true"
    )
    return listed([entry(one) for one in page.items], str(page.next or ""))


async def cancel_run(request: Request, services: Services) -> Response:
    """End a run."""
    found = await _found(request, services)
    who = access.caller(request)
    if isinstance(found, Run):
        return reply(run(await services.chain.runs.cancel(found.id, who)))
    await services.remedies.cancel.cancel(found.event.id, who)
    return reply(any_run(await services.run_list.show(found.event.id)))


async def retry_run(request: Request, services: Services) -> Response:
    """Have a run of a webhook tried now; do a workflow's run again, as a new run.

    Of a workflow it goes on with the stored inputs at the step that failed, unless it is to be done as a whole.
    """
    body = await asking.fields(request, "whole", "input")
    found = await _found(request, services)
    who = access.caller(request)
    if isinstance(found, Run):
        whole = asking.member(body, "whole", bool, "input" in body)
        text = dump_json(body["input"]) if "input" in body else None
        if text is not None and not whole:
            raise Invalid([Problem(("whole",), "must be true with another input: all steps are done then.")])
        return reply(run(await services.chain.runs.again(found.id, who, whole=whole, text=text)))
    if body:
        raise Conflict(NOT_OF_A_WEBHOOK)
    await services.remedies.run_again.retry(found.event.id, who)
    return reply(any_run(await services.run_list.show(found.event.id)))


async def resolve_run(request: Request, services: Services) -> Response:
    """Say whether a step whose outcome is unknown had its effect, and what it put out."""
    body = await asking.fields(request, "path", "happened", "output")
    if "happened" not in body:
        raise Invalid([Problem(("happened",), "is missing: true where the step had its effect, else false.")])
    found = await _of_a_workflow(request, services)
    path, happened = _path(body), asking.member(body, "happened", bool, False)
    output = body.get("output")
    await services.chain.runs.resolve(
        found.id, path, access.caller(request), happened=happened, output=output
    )
    return reply(await _shown(found, services))


async def approve_run(request: Request, services: Services) -> Response:
    """Decide what a run asks a person; an administrator may decide for another, which the answer says."""
    body = await asking.fields(request, "path", "approved", "note")
    if "approved" not in body:
        raise Invalid([Problem(("approved",), "is missing: true to approve, false to refuse.")])
    found = await _of_a_workflow(request, services)
    path, who = _path(body), access.caller(request)
    approved, note = asking.member(body, "approved", bool, False), asking.member(body, "note", str, "")
    waits = await services.store.list_waits(run_id=found.id)
    person = next((one.person for one in waits if one.path.partition("#")[0] == path.partition("#")[0]), "")
    anybody = access.administers(request)
    await services.chain.runs.decide(found.id, path, who, approved=approved, note=note, anybody=anybody)
    return reply(
        {
            "run_id": found.id,
            "path": path,
            "approved": approved,
            "note": note,
            "by": who,
            "person": person,
            "for_another": person.casefold() != who.casefold(),
        }
    )


async def list_run_waits(request: Request, services: Services) -> Response:
    """What a workflow's run waits for outside: calls on one-time URLs, and people's decisions."""
    found = await _of_a_workflow(request, services)
    return listed([wait(one) for one in await services.store.list_waits(run_id=found.id)])


async def _found(request: Request, services: Services) -> AnyRun:
    return await services.run_list.show(request.path_params["id"])


async def _of_a_workflow(request: Request, services: Services) -> Run:
    """The workflow's run that is asked for. Raises `NotFound`, `Conflict` where it is one of a webhook."""
    name: str = request.path_params["id"]
    found = await services.run_list.show(name)
    if isinstance(found, Run):
        return found
    if not found.event.run_id:
        raise NotFound("run", name)
    raise Conflict(NOT_OF_A_WEBHOOK)


async def _shown(one: AnyRun, services: Services) -> dict[str, JSON]:
    if not isinstance(one, Run):
        return any_run(one)
    waits = await services.store.list_waits(run_id=one.id)
    now = await services.store.get_run(one.id) or one
    return {**full_run(now), "waits": [wait(each) for each in waits]}


def _path(body: dict[str, JSON]) -> str:
    path = asking.member(body, "path", str, "")
    if not path:
        raise Invalid([Problem(("path",), "is missing: the step's path, as the run's steps show it.")])
    return path


async def try_on_run(request: Request, services: Services) -> Response:
    """What a template gives, or whether a condition holds, of what a run has; secrets are masked in it."""
    body = await asking.fields(request, "template", "condition")
    if len(body) != 1:
        raise Invalid([Problem((), "needs one of template and condition.")])
    found = await _of_a_workflow(request, services)
    [name] = body
    try:
        if name == "template":
            given = await services.chain.runs.try_template(found.id, body[name])
        else:
            given = await services.chain.runs.try_condition(found.id, asking.member(body, name, str, ""))
    except Invalid as invalid:
        raise Invalid([one.under(name) for one in invalid.problems]) from invalid
    return reply({"value": given.value, "missing": given.missing, "error": given.error})


def _after(request: Request) -> int:
    text = request.query_params.get("after", "") or "0"
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise Invalid([Problem(("after",), "must be the `next` of the page before.")])
    return int(text)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/runs",
        list_runs,
        "List runs, newest first",
        "Runs",
        query={**FILTERS, **PAGED},
        refusals=(422,),
    ),
    Operation("GET", "/runs/{id}", show_run, "Show a run", "RunInFull", refusals=(404,)),
    Operation(
        "GET",
        "/runs/{id}/steps",
        list_run_steps,
        "What a workflow's run did, step by step",
        "RunSteps",
        query={
            "under": "Only the step with this path, and what lies within it.",
            "every": "`true`: every try, not only the latest one of each step.",
            **PAGED,
        },
        refusals=(404, 409, 422),
    ),
    Operation(
        "GET",
        "/runs/{id}/waits",
        list_run_waits,
        "What a workflow's run waits for",
        "Waits",
        refusals=(404, 409),
    ),
    Operation("POST", "/runs/{id}/cancel", cancel_run, "End a run", "Run", refusals=(404, 409)),
    Operation(
        "POST",
        "/runs/{id}/retry",
        retry_run,
        "Have a run tried now, or done again",
        "Run",
        "RetryRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/runs/{id}/resolve",
        resolve_run,
        "Say what became of a step whose outcome is unknown",
        "RunInFull",
        "StepRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/runs/{id}/try",
        try_on_run,
        "Try a template or a condition on what a run has",
        "ExpressionTrial",
        "ExpressionRequest",
        refusals=(400, 404, 409, 422),
        act=Act.SEE,
    ),
    Operation(
        "POST",
        "/runs/{id}/approve",
        approve_run,
        "Decide what a run asks a person",
        "Decision",
        "DecisionRequest",
        refusals=(400, 404, 409, 422),
    ),
)
