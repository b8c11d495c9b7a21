"""Operations on what workflows are made of: templates to begin from, types of steps, and who is asked to approve."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.fieldlist import json_schema
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import OFFERED, SPECS, StepSpec
from hookstation.core.workflows.gallery import GALLERY
from hookstation.core.workflows.gallery.template import GalleryTemplate
from hookstation.core.workflows.paths import name_at
from hookstation.core.workflows.values import Wait
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.web.api import asking, shelf
from hookstation.web.api.chain.shapes import wait
from hookstation.web.api.problems import describe
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services


async def list_gallery(_request: Request, _services: Services) -> Response:
    """Workflows to begin from, each with the questions that it asks."""
    return listed([_template(one) for one in GALLERY.values()])


async def make_from_gallery(request: Request, services: Services) -> Response:
    """The documents that the answers make, with what would be wrong with them here; nothing is saved."""
    name: str = request.path_params["name"]
    template = GALLERY.get(name)
    if template is None:
        raise NotFound("template", name)
    body = await asking.fields(request, "answers")
    given = asking.member_object(body, "answers")
    if not all(isinstance(one, str) for one in given.values()):
        raise Invalid([Problem(("answers",), "must be an object of texts.")])
    try:
        document = template.make({question: str(one) for question, one in given.items()})
    except Invalid as invalid:
        raise Invalid([one.under("answers") for one in invalid.problems]) from invalid
    planned = await services.configurator.plan(document)
    return reply({"document": document, "problems": [describe(one) for one in planned.problems]})


async def list_step_types(_request: Request, _services: Services) -> Response:
    """The types of steps, each with its settings as a JSON schema, in the order of the editor's menu."""
    return listed([_spec(SPECS[name]) for name in OFFERED])


async def list_approvals(request: Request, services: Services) -> Response:
    """What waits for a person's decision, the oldest run first."""
    person = request.query_params.get("person", "")
    if len(person) > asking.LONGEST_TEXT:
        raise Invalid([Problem(("person",), f"may have {asking.LONGEST_TEXT} characters at most.")])
    waits = {f"{one.run_id}/{one.path}": one for one in await services.store.list_waits(person)}
    page, following = shelf.page(sorted(waits), request)
    return listed([await _approval(waits[key], services) for key in page], following)


async def _approval(one: Wait, services: Services) -> dict[str, JSON]:
    run = await services.store.get_run(one.run_id)
    return {
        **wait(one),
        "step": name_at(one.path),
        "workflow": None if run is None else run.workflow,
        "trigger": None if run is None else run.trigger,
    }


def _template(one: GalleryTemplate) -> dict[str, JSON]:
    return {
        "name": one.name,
        "title": one.title,
        "help": one.help,
        "steps": list(one.steps),
        "sample": one.sample,
        "questions": [
            {
                "name": each.name,
                "title": each.title,
                "help": each.help,
                "ask": each.ask.value,
                "default": each.default,
                "types": list(each.types),
            }
            for each in one.questions
        ],
    }


def _spec(one: StepSpec) -> dict[str, JSON]:
    return {
        "type": one.type,
        "title": one.title,
        "help": one.help,
        "group": one.group.value,
        "reach": one.reach.value,
        "settings": json_schema(one.settings),
        "templates": [*sorted(one.templates | one.row_templates)],
        "conditions": [*sorted(one.conditions)],
        "blocks": list(one.blocks),
        "connections": [*sorted(one.connections)],
        "output": one.output or None,
        "holds": one.holds,
        "sample": one.sample,
    }


OPERATIONS: Final = (
    Operation("GET", "/gallery", list_gallery, "List templates of workflows", "Gallery"),
    Operation(
        "POST",
        "/gallery/{name}",
        make_from_gallery,
        "Make the documents of a template",
        "FromGallery",
        "GalleryRequest",
        refusals=(400, 404, 422),
    ),
    Operation("GET", "/step-types", list_step_types, "List the types of steps", "StepTypes"),
    Operation(
        "GET",
        "/approvals",
        list_approvals,
        "List what waits for a person's decision",
        "Approvals",
        query={"person": "Only what this person is asked.", **PAGED},
        refusals=(422,),
    ),
)
