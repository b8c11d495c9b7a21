"""One step tried from the editor, and what a setting can be chosen from while it is filled in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.condition import compile_condition
from hookstation.core.records import ACTIVITY, FieldSpec
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import SPECS, Reach
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
    """What a step gets and puts out on sample data; with `really` it calls the other system.

    Of its conditions it is told whether they hold, and of one that only says what comes next no more than that.
    """
    form = await read_form(request)
    step, given = read_json(form.one("step")), read_json(form.one("scope") or "{}")
    scope = given if isinstance(given, dict) else {}
    workflows, who = services.chain.workflows, visitor_of(request).name
    try:
        answer: dict[str, JSON] = {"holds": holding(step, scope)}
        if not _only_leads(step):
            tried = await workflows.try_alone(step, who, scope, really=form.one("really") == "true")
            answer |= tried_json(tried)
    except Invalid as invalid:
        return json_answer({"problems": [problem_json(one) for one in told(invalid.problems)]}, 422)
    return json_answer(answer)


def holding(step: JSON, scope: Mapping[str, JSON]) -> dict[str, JSON]:
    """Whether each condition of a step holds: ``when``, and that of its type. Raises `Invalid`."""
    found: dict[str, JSON] = {}
    for place in (("when",), ("with", "condition")):
        written: JSON = step
        for part in place:
            written = written.get(part) if isinstance(written, dict) else None
        if not isinstance(written, str) or not written.strip():
            continue
        try:
            found[place[-1]] = compile_condition(written).holds(scope.get("trigger"), scope)
        except Invalid as invalid:
            raise Invalid([one.under(*place) for one in invalid.problems]) from invalid
    return found


def _only_leads(step: JSON) -> bool:
    spec = SPECS.get(str(step.get("type"))) if isinstance(step, dict) else None
    return spec is not None and spec.reach is Reach.CONTROL


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
