"""Operations on workflows: kept like all that is configured, run, tried, and their versions."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import encode_workflow
from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow, all_steps
from hookstation.engine.plans import Saving
from hookstation.engine.workflows.manage import LONGEST_WAIT
from hookstation.errors import Invalid, MappingFailed, NotFound, Problem
from hookstation.ports.runs import RunFigures
from hookstation.web.api import access, asking, shelf
from hookstation.web.api.chain import shapes
from hookstation.web.api.problems import describe
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

DAY: Final = 86_400_000_000
LARGEST_NUMBER: Final = 9
"""Digits of a version's number."""

DAMAGED: Final = "It is stored in a form that cannot be read; apply it again."


async def list_workflows(request: Request, services: Services) -> Response:
    """Workflows by name, without their steps, with what their runs did in the last day."""
    page, following = shelf.page(sorted(services.board.documents("workflow")), request)
    figures = await _figures(services)
    return listed([_line(name, services, figures.get(name)) for name in page], following)


async def show_workflow(request: Request, services: Services) -> Response:
    """One workflow."""
    return reply(await _shown(request.path_params["name"], services))


async def put_workflow(request: Request, services: Services) -> Response:
    """Make or change one workflow: a new version of it."""
    body = await shelf.named_thing(request)
    return await _saved(body, request, services, 200)


async def post_workflow(request: Request, services: Services) -> Response:
    """Make a workflow under a name that is free."""
    body = await shelf.thing(request)
    shelf.check_free(body, services, "workflow")
    return await _saved(body, request, services, 201)


async def _saved(body: dict[str, JSON], request: Request, services: Services, status: int) -> Response:
    began, note = request.query_params.get("began", ""), request.query_params.get("note", "")
    name, by = str(body.get("name", "")), access.caller(request)
    overtaken = {name: _number(began, "began")} if began else {}
    await shelf.apply_one(services, "workflow", body, by, Saving(by, note, workflows=overtaken))
    return reply(await _shown(name, services), status)


async def delete_workflow(request: Request, services: Services) -> Response:
    """Delete a workflow that nothing names; its runs stay."""
    return await shelf.delete(request, services, "workflow")


async def run_workflow(request: Request, services: Services) -> Response:
    """Begin a run by hand; with `wait` the answer comes when it has ended, or after so many seconds."""
    body = await asking.fields(request, "input", "wait")
    wait = wait_in(body)
    try:
        run = await services.chain.workflows.run(
            request.path_params["name"], body.get("input"), access.caller(request), wait=wait
        )
    except MappingFailed as failed:
        raise Invalid([Problem(("input",), failed.message)]) from failed
    return reply(shapes.full_run(run), 201)


async def test_workflow(request: Request, services: Services) -> Response:
    """What each step would get and put out, and how the run would end; nothing is kept, nothing outside is touched."""
    body = await asking.fields(request, "input", "samples", "document")
    workflow = _asked(body, request, services)
    samples = asking.member_object(body, "samples")
    input_ = body["input"] if "input" in body else _sample(body, request, services)
    tried = await asyncio.to_thread(services.chain.workflows.dry_run, workflow, input_, samples)
    return reply({"items": [shapes.tried(one) for one in tried]})


async def try_workflow_step(request: Request, services: Services) -> Response:
    """One step on sample data; with `really` it asks the other system, with whatever effect that has."""
    body = await asking.fields(request, "step", "scope", "really", "document")
    scope, really = asking.member_object(body, "scope"), asking.member(body, "really", bool, False)
    step, who = body.get("step"), access.caller(request)
    if isinstance(step, dict):
        try:
            alone = await services.chain.workflows.try_alone(step, who, scope, really=really)
        except Invalid as invalid:
            raise Invalid([one.under("step") for one in invalid.problems]) from invalid
        return reply(shapes.tried(alone))
    if not isinstance(step, str):
        raise Invalid([Problem(("step",), "must be the name of a step, or a step as a document.")])
    workflow = _asked(body, request, services)
    tried = await services.chain.workflows.try_step(workflow, step, who, scope, really=really)
    return reply(shapes.tried(tried))


async def check_workflow(request: Request, services: Services) -> Response:
    """What is wrong with a document by itself; what it names is looked for when it is saved."""
    body = await asking.fields(request, "document")
    problems = services.chain.workflows.check(_document(body, request))
    return reply({"problems": [describe(one) for one in problems]})


async def list_workflow_versions(request: Request, services: Services) -> Response:
    """Versions, the newest first."""
    name, most = _known(request, services), asking.limit(request)
    before = _number(request.query_params.get("after", "") or "0", "after")
    found = await services.chain.workflows.versions(name, most + 1, before)
    following = str(found[most - 1].number) if len(found) > most else ""
    return listed([shapes.version(one) for one in found[:most]], following)


async def show_workflow_version(request: Request, services: Services) -> Response:
    """One version with its document."""
    found = await services.chain.workflows.version(request.path_params["name"], _version(request))
    document = parse_json(found.document.encode(), depth=asking.DEEPEST, members=asking.MOST_MEMBERS).value
    return reply({**shapes.version(found), "document": document})


async def compare_workflow_versions(request: Request, services: Services) -> Response:
    """What a version has otherwise than another one: the one before, where no other is named."""
    number, text = _version(request), request.query_params.get("against", "")
    against = _number(text, "against") if text else number - 1
    found = await services.chain.workflows.difference(request.path_params["name"], against, number)
    return listed([one.as_json() for one in found])


async def roll_back_workflow(request: Request, services: Services) -> Response:
    """Put an older definition live again, as a new version."""
    body = await asking.fields(request, "version")
    name: str = request.path_params["name"]
    number = asking.member(body, "version", int, 0)
    await services.chain.workflows.roll_back(
        name, max(number, 0) if number < 10**9 else 0, access.caller(request)
    )
    return reply(await _shown(name, services))


def wait_in(body: dict[str, JSON]) -> int:
    """For how many seconds a run's end is waited for. Raises `Invalid`."""
    wait = asking.member(body, "wait", int, 0)
    if not 0 <= wait <= LONGEST_WAIT:
        raise Invalid([Problem(("wait",), f"must be a whole number of seconds from 0 to {LONGEST_WAIT:g}.")])
    return wait


def damaged(name: str) -> dict[str, JSON]:
    """A thing that is stored in a form that cannot be read; nothing begins of it."""
    return {"name": name, "problem": DAMAGED}


def _line(name: str, services: Services, figures: RunFigures | None) -> dict[str, JSON]:
    found = services.board.workflows.get(name)
    shown = damaged(name)
    if found is not None:
        document = encode_workflow(found, defaults=True)
        kept = ("name", "title", "note", "state", "trigger")
        shown = {one: document[one] for one in kept if one in document}
        shown["step_count"] = sum(1 for _ in all_steps(found.steps))
    shown["version"] = services.board.workflow_version(name)
    shown["runs"] = {state.value: count for state, count in figures.states.items()} if figures else {}
    return shown


async def _shown(name: str, services: Services) -> dict[str, JSON]:
    document = encode_workflow(_live(name, services), defaults=True)
    figures = (await _figures(services)).get(name)
    runs: dict[str, JSON] = {one.value: count for one, count in figures.states.items()} if figures else {}
    return {**document, "version": services.board.workflow_version(name), "runs": runs}


def _live(name: str, services: Services) -> Workflow:
    found = services.board.workflows.get(name)
    if found is None:
        raise NotFound("workflow", name)
    return found


async def _figures(services: Services) -> dict[str, RunFigures]:
    found = await services.store.figures_of_runs(services.clock.now() - DAY)
    return {one.workflow: one for one in found}


def _known(request: Request, services: Services) -> str:
    name: str = request.path_params["name"]
    if name not in services.board.documents("workflow"):
        raise NotFound("workflow", name)
    return name


def _asked(body: dict[str, JSON], request: Request, services: Services) -> str | JSON:
    """The workflow that is to be tried: the document that was sent, else the one that the address names."""
    return (
        _document(body, request) if "document" in body else _live(request.path_params["name"], services).name
    )


def _document(body: dict[str, JSON], request: Request) -> dict[str, JSON]:
    document = asking.member_object(body, "document")
    return {"name": request.path_params["name"], **shelf.as_sent(document, "workflow")}


def _sample(body: dict[str, JSON], request: Request, services: Services) -> JSON:
    """What triggers it in a trial where nobody says: the sample that it keeps."""
    if "document" in body:
        return asking.member_object(body, "document").get("sample")
    return _live(request.path_params["name"], services).sample


def _version(request: Request) -> int:
    return _number(request.path_params["version"], "version")


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > LARGEST_NUMBER:
        raise Invalid([Problem((name,), "must be the number of a version.")])
    return int(text)


VERSIONED: Final = {
    "began": "The version that this document began from: refused with 409 where there is a newer one.",
    "note": "Why, for the list of versions.",
}
OPERATIONS: Final = (
    Operation(
        "GET", "/workflows", list_workflows, "List workflows", "Workflows", query=PAGED, refusals=(422,)
    ),
    Operation(
        "POST",
        "/workflows",
        post_workflow,
        "Make a workflow",
        "Workflow",
        "WorkflowDocument",
        201,
        query=VERSIONED,
        refusals=(400, 409, 422),
    ),
    Operation("GET", "/workflows/{name}", show_workflow, "Show a workflow", "Workflow", refusals=(404,)),
    Operation(
        "PUT",
        "/workflows/{name}",
        put_workflow,
        "Make or change a workflow",
        "Workflow",
        "WorkflowDocument",
        query=VERSIONED,
        refusals=(400, 409, 422),
    ),
    Operation(
        "DELETE",
        "/workflows/{name}",
        delete_workflow,
        "Delete a workflow",
        "",
        status=204,
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/workflows/{name}/run",
        run_workflow,
        "Begin a run by hand",
        "RunInFull",
        "RunRequest",
        201,
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/workflows/{name}/test",
        test_workflow,
        "Dry run: what each step would do",
        "DryRun",
        "DryRunRequest",
        refusals=(400, 404, 422),
    ),
    Operation(
        "POST",
        "/workflows/{name}/steps/try",
        try_workflow_step,
        "Try one step on sample data",
        "StepTrial",
        "StepTrialRequest",
        refusals=(400, 404, 422),
    ),
    Operation(
        "POST",
        "/workflows/{name}/check",
        check_workflow,
        "What is wrong with a document",
        "CheckedWorkflow",
        "WorkflowCheckRequest",
        refusals=(400, 422),
    ),
    Operation(
        "GET",
        "/workflows/{name}/versions",
        list_workflow_versions,
        "List the versions of a workflow, newest first",
        "WorkflowVersions",
        query=PAGED,
        refusals=(404, 422),
    ),
    Operation(
        "GET",
        "/workflows/{name}/versions/{version}",
        show_workflow_version,
        "Show a version of a workflow with its document",
        "WorkflowVersionInFull",
        refusals=(404, 422),
    ),
    Operation(
        "GET",
        "/workflows/{name}/versions/{version}/differences",
        compare_workflow_versions,
        "What a version has otherwise than another",
        "WorkflowDifferences",
        query={"against": "The version to compare with; left out: the one before."},
        refusals=(404, 422),
    ),
    Operation(
        "POST",
        "/workflows/{name}/rollback",
        roll_back_workflow,
        "Put an old version live again",
        "Workflow",
        "WorkflowRollbackRequest",
        refusals=(400, 404, 409, 422),
    ),
)
