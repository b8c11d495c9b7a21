"""One step tried from the editor, and what a setting can be chosen from while it is filled in."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.records import ACTIVITY, FieldSpec
from hookstation.core.values import JSON
from hookstation.engine.checks import ASK_SECONDS
from hookstation.engine.workflows.trying import Tried
from hookstation.errors import HookstationError, Invalid
from hookstation.ports.connector import Connector
from hookstation.ports.rows import RowsConnector
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain.editor.answers import json_answer
from hookstation.web.pages.chain.editor.checking import problem_json, told
from hookstation.web.pages.chain.editor.opening import read_json
from hookstation.web.pages.forms import read_form
from hookstation.web.services import Services


async def try_step(request: Request, services: Services) -> Response:
    """What a step gets and puts out on sample data; with `really` it calls the other system."""
    form = await read_form(request)
    scope = read_json(form.one("scope") or "{}")
    really = form.one("really") == "true"
    try:
        tried = await services.chain.workflows.try_alone(
            read_json(form.one("step")),
            visitor_of(request).name,
            scope if isinstance(scope, dict) else {},
            really=really,
        )
    except Invalid as invalid:
        return json_answer({"problems": [problem_json(one) for one in told(invalid.problems)]}, 422)
    return json_answer(tried_json(tried))


def tried_json(tried: Tried) -> dict[str, JSON]:
    """How a step was tried; `sample`: what it puts out is made up, for nothing was asked."""
    return {
        "state": tried.state,
        "input": tried.input,
        "output": tried.output,
        "error": tried.error,
        "sample": tried.sample,
    }


async def offer(request: Request, services: Services) -> Response:
    """What can be chosen: tables of a connection, and the fields of a table, a panel or an activity."""
    asked = request.query_params
    connector = services.targets.connectors.get(asked.get("connection", ""))
    offered: dict[str, JSON] = {"fields": [], "tables": [], "warning": ""}
    if connector is None:
        return json_answer(offered)
    try:
        async with asyncio.timeout(ASK_SECONDS):
            offered |= await _offered(connector, asked.get("table", ""), asked.get("panel"))
    except (HookstationError, TimeoutError) as failure:
        why = "it did not answer in time" if isinstance(failure, TimeoutError) else str(failure)
        offered["warning"] = f"“{connector.name}” could not be asked: {why}"
    return json_answer(offered)


async def _offered(connector: Connector, table: str, panel: str | None) -> dict[str, JSON]:
    if isinstance(connector, RowsConnector):
        spec = await connector.table(table) if table else None
        return {
            "tables": [*await connector.tables()],
            "fields": [field_json(one) for one in spec.columns.values()] if spec else [],
        }
    if panel == "":
        return {}
    entity = await connector.describe(panel or ACTIVITY)
    return {"fields": [field_json(one) for one in entity.fields.values() if not one.read_only]}


def field_json(field: FieldSpec) -> dict[str, JSON]:
    """One field of a target."""
    return {
        "name": field.name,
        "caption": field.caption if field.caption != field.name else "",
        "type": field.type.value,
        "required": field.required,
    }
