"""Operations that think along while a webhook is made; nothing is saved by any of them."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents.action import action_values
from hookstation.core.fieldlist import plain
from hookstation.core.people import Act
from hookstation.core.records import FieldSpec
from hookstation.core.schema_rows import schema_rows
from hookstation.core.values import JSON, kind_of
from hookstation.engine.wizard import entity_named
from hookstation.errors import Invalid, Problem
from hookstation.web.api import asking
from hookstation.web.api.problems import describe
from hookstation.web.api.routes import Operation, reply
from hookstation.web.services import Services


async def draft_from_samples(request: Request, services: Services) -> Response:
    """A schema from samples, its table, and questions about what they leave open."""
    body = await asking.fields(request, "samples", "answers")
    answers = body.get("answers", {})
    if not isinstance(answers, dict) or not all(isinstance(one, str) for one in answers.values()):
        raise Invalid([Problem(("answers",), "must be an object: key of a question → name of a choice.")])
    draft = await services.wizard.draft(
        _list(body, "samples"), {key: str(one) for key, one in answers.items()}
    )
    rows: list[JSON] = [row.as_json() for row in schema_rows(draft.schema)]
    return reply({**draft.as_json(), "rows": rows})


async def edit_table(request: Request, services: Services) -> Response:
    """A schema as a table of fields, with edits done."""
    body = await asking.fields(request, "schema", "edits")
    table = await services.wizard.table(_schema(body), _list(body, "edits"))
    return reply(
        {
            "schema": table.schema,
            "rows": [row.as_json() for row in table.rows],
            "problems": [describe(problem) for problem in table.problems],
        }
    )


async def propose_mapping(request: Request, services: Services) -> Response:
    """The target's own fields, and what of the payload may belong in each."""
    body = await asking.fields(request, "schema", "connection", "panel", "samples")
    place = asking.member(body, "connection", str, ""), entity_named(asking.member(body, "panel", str, ""))
    found = await services.wizard.propose(_schema(body), place, _list(body, "samples"))
    fields: list[JSON] = [
        {**_field(one), "proposals": [each.as_json() for each in found.proposed.get(name, ())]}
        for name, one in found.spec.fields.items()
    ]
    return reply(
        {
            "entity": found.spec.name,
            "party_field": found.spec.party_field,
            "open": found.spec.open,
            "fields": fields,
            "warning": found.warning,
        }
    )


async def prove_mapping(request: Request, services: Services) -> Response:
    """What can fail in a mapping, with payloads that show it and changes that help."""
    body = await asking.fields(request, "schema", "action", "samples", "webhook")
    proof, warning = await services.wizard.prove(
        _schema(body),
        body.get("action"),
        _list(body, "samples"),
        asking.member(body, "webhook", str, ""),
    )
    return reply({**proof.as_json(), "warning": warning})


async def preview_mapping(request: Request, services: Services) -> Response:
    """What a mapping would write from one payload, field by field, also where some fail."""
    body = await asking.fields(request, "schema", "action", "payload", "webhook")
    if "payload" not in body:
        raise Invalid([Problem(("payload",), "is missing: send the JSON that a call would bring.")])
    made, warning = await services.wizard.preview(
        _schema(body), body.get("action"), body["payload"], asking.member(body, "webhook", str, "")
    )
    return reply(
        {
            "fails": made.fails,
            "fields": [one.as_json() for one in made.fields],
            "problems": [describe(problem) for problem in made.problems],
            "warning": warning,
        }
    )


async def apply_proof_change(request: Request, services: Services) -> Response:
    """Schema and action with a change that a proof offered."""
    body = await asking.fields(request, "schema", "action", "change")
    schema, action = await services.wizard.change(_schema(body), body.get("action"), body.get("change"))
    shown = {name: plain(one) for name, one in action_values(action).items() if one is not None}
    return reply({"schema": schema, "action": shown})


async def propose_name(request: Request, services: Services) -> Response:
    """A free name for a webhook of a title."""
    body = await asking.fields(request, "title")
    return reply({"name": services.wizard.name(asking.member(body, "title", str, ""))})


async def show_handout(request: Request, services: Services) -> Response:
    """What the developer at the sender's end needs to know, as data and as Markdown."""
    return reply(services.wizard.handout(request.path_params["name"], services.base_url).as_json())


def _list(body: dict[str, JSON], name: str) -> list[JSON]:
    listed = body.get(name, [])
    if not isinstance(listed, list):
        raise Invalid([Problem((name,), f"must be a list, but is {kind_of(listed)}.")])
    return listed


def _schema(body: dict[str, JSON]) -> JSON:
    if "schema" not in body:
        raise Invalid(
            [Problem(("schema",), "is missing: send the JSON Schema, or true where any JSON is taken.")]
        )
    return body["schema"]


def _field(one: FieldSpec) -> dict[str, JSON]:
    return {
        "name": one.name,
        "caption": one.caption,
        "type": one.type.value,
        "length": one.length,
        "required": one.required,
        "values": list(one.values),
        "precision": one.precision,
        "scale": one.scale,
        "read_only": one.read_only,
    }


_REFUSALS: Final = (400, 422)

OPERATIONS: Final = (
    Operation(
        "POST",
        "/draft",
        draft_from_samples,
        "Draft a schema from samples",
        "SchemaDraft",
        "SchemaDraftRequest",
        refusals=_REFUSALS,
        act=Act.SEE,
    ),
    Operation(
        "POST",
        "/draft/table",
        edit_table,
        "Show a schema as a table, edits done",
        "SchemaTable",
        "SchemaTableRequest",
        refusals=_REFUSALS,
        act=Act.SEE,
    ),
    Operation(
        "POST",
        "/propose",
        propose_mapping,
        "Propose a mapping for a target's fields",
        "MappingProposals",
        "ProposeRequest",
        refusals=(*_REFUSALS, 404),
        act=Act.SEE,
    ),
    Operation(
        "POST",
        "/prove",
        prove_mapping,
        "Prove a mapping, or show what makes it fail",
        "Proof",
        "ProveRequest",
        refusals=(*_REFUSALS, 404),
        act=Act.SEE,
    ),
    Operation(
        "POST",
        "/prove/change",
        apply_proof_change,
        "Apply a change that a proof offered; nothing is saved",
        "ChangedMapping",
        "ProofChangeRequest",
        refusals=_REFUSALS,
        act=Act.SEE,
    ),
    Operation(
        "POST",
        "/preview",
        preview_mapping,
        "Show what a mapping would write from a payload",
        "MappingPreview",
        "PreviewRequest",
        refusals=(*_REFUSALS, 404),
        act=Act.SEE,
    ),
    Operation(
        "POST",
        "/names",
        propose_name,
        "Propose a free name for a webhook",
        "ProposedName",
        "NameRequest",
        refusals=_REFUSALS,
        act=Act.SEE,
    ),
    Operation(
        "GET",
        "/webhooks/{name}/handout",
        show_handout,
        "Show what a vendor needs to know",
        "Handout",
        refusals=(404, 422),
    ),
)
