"""The third section: what is done with a call, and which field gets which value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.activity import canonical_name
from hookstation.core.documents.drafts import Document
from hookstation.core.documents.links import BY_WEBHOOK
from hookstation.core.jsontext import dump_json
from hookstation.core.preview import Previewed
from hookstation.core.propose import Proposal
from hookstation.core.records import ACTIVITY, RECORDS, EntitySpec, FieldSpec, FieldType
from hookstation.core.schema_rows import schema_rows
from hookstation.core.template import ANY, path_text
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow
from hookstation.engine.wizard import Proposals, read_action
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.ports.connector import Connector
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.wizard import listening
from hookstation.web.pages.wizard.frame import (
    NOTHING_MAPPED,
    Look,
    Section,
    look_at,
    samples_of,
    schema_of,
    show,
)
from hookstation.web.pages.wizard.payload import preview_payload
from hookstation.web.pages.words import FIELD_TYPES
from hookstation.web.services import Services

ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "insert_activity": ("Insert an Activity", "insert"),
    "insert_panel": ("Insert a panel record", "insert"),
    "update_panel": ("Update a panel record", "update"),
    "upsert_panel": ("Update a panel record, or insert it", "upsert"),
}
"""What people call each action, and the operation that a connection must be able to do for it."""

WORKFLOW: Final = "workflow"
"""Begins the choice of a workflow, in the place of an action."""

FACTS: Final = ("event_id", "received_at", "webhook.name")
"""What every template may read besides the payload."""

MATCHING: Final = ("update_panel", "upsert_panel")


@dataclass(frozen=True, slots=True)
class Line:
    """One field of the target in the table. `key` names its input; `value` is the template or literal in it."""

    key: str
    spec: FieldSpec
    value: str = ""
    matches: bool = False
    proposals: Sequence[Proposal] = ()
    previewed: Previewed | None = None
    party: bool = False

    @property
    def needed(self) -> bool:
        """Whether nothing can be inserted without it."""
        return self.spec.required or self.party


def actions_of(services: Services) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each connection the actions that it can do: pairs of ``type|connection`` and label; and the workflows."""
    found = []
    for name, connector in sorted(services.targets.connectors.items()):
        able = [(f"{key}|{name}", label) for key, (label, _) in ACTIONS.items() if _can(connector, key)]
        found.append((name, able))
    workflows = services.board.workflows.values()
    starting = [(f"{WORKFLOW}|{one.name}", one.title or one.name) for one in workflows if _starts(one)]
    return [*found, ("Start a workflow", sorted(starting, key=itemgetter(1)))] if starting else found


def _starts(workflow: Workflow) -> bool:
    return workflow.trigger.kind.value in BY_WEBHOOK


def _can(connector: Connector, action: str) -> bool:
    return action == "insert_activity" or any(one.value == ACTIONS[action][1] for one in connector.operations)


async def read(look: Look, form: Form) -> Document:
    """The document with the action that the form describes. Raises `Invalid`."""
    chosen, _, connection = form.one("target").partition("|")
    if chosen == WORKFLOW and connection:
        return {
            **{name: one for name, one in look.document.items() if name != "action"},
            WORKFLOW: connection,
        }
    if chosen not in ACTIONS or not connection:
        raise Invalid([Problem(("action", "type"), "Choose what is to be done with a call.")])
    fields, match = mapped(form, action_of(look.document), chosen)
    action: dict[str, JSON] = {"type": chosen, "connection": connection}
    if chosen != "insert_activity":
        panel = form.one("panel").strip()
        if not panel:
            raise Invalid([Problem(("action", "panel"), "Say which panel is written.")])
        action["panel"] = panel
    if chosen in MATCHING:
        action["match"] = match
    action["fields"] = fields
    if form.one("do") in ("accept", "target") or form.one("accept"):
        action["fields"] = await _accepted(look, form, action, fields, match)
    if form.one("do") == "next" and not (action["fields"] or match):
        raise Invalid([Problem(("action", "fields"), NOTHING_MAPPED)])
    others = {name: one for name, one in look.document.items() if name != "workflow"}
    return {**others, "action": action}


def action_of(document: Document) -> dict[str, JSON]:
    """The action of a draft, empty where it has none."""
    action = document.get("action")
    return action if isinstance(action, dict) else {}


def part_of(action: Mapping[str, JSON], part: str) -> dict[str, JSON]:
    """``fields`` or ``match`` of an action."""
    found = action.get(part)
    return found if isinstance(found, dict) else {}


def mapped(form: Form, before: Mapping[str, JSON], chosen: str) -> tuple[dict[str, JSON], dict[str, JSON]]:
    """What the form maps: its fields, and those by which a record is found. Fields that it does not show stay."""
    shown = form.all("field")
    fields = {name: value for name, value in part_of(before, "fields").items() if name not in shown}
    match = {name: value for name, value in part_of(before, "match").items() if name not in shown}
    for name in shown:
        text = form.one(f"value:{name}").replace("\r\n", "\n")
        into = match if chosen in MATCHING and form.one(f"match:{name}") else fields
        old = part_of(before, "fields").get(name, part_of(before, "match").get(name))
        if text.strip():
            into[name] = old if old is not None and literal_text(old) == text else text
    if name := form.one("new-field").strip():
        fields[name] = form.one("new-value")
    return fields, match if chosen in MATCHING else {}


def literal_text(value: JSON) -> str:
    """A template, or a literal that is no text, as its field shows it."""
    return value if isinstance(value, str) else dump_json(value)


async def _accepted(
    look: Look, form: Form, action: dict[str, JSON], fields: dict[str, JSON], match: dict[str, JSON]
) -> dict[str, JSON]:
    """The fields with one proposal, ``FIELD=TEMPLATE``, or with the best one of each field that is empty."""
    if one := form.one("accept"):
        name, _, template = one.partition("=")
        return {**fields, name: template}
    if form.one("do") == "target":
        return fields
    found = await proposals(look, action)
    taken = {canonical_name(found.spec, name) for name in (*fields, *match)} if found else set()
    best = {name: those[0].template for name, those in (found.proposed if found else {}).items() if those}
    return {**fields, **{name: one for name, one in best.items() if name not in taken}}


async def proposals(look: Look, action: Mapping[str, JSON]) -> Proposals | None:
    """The target's fields with what is proposed; ``None`` where none is chosen yet. Raises `NotFound`, `Invalid`."""
    connection, panel = action.get("connection"), action.get("panel") or ""
    needs_panel = action.get("type") != "insert_activity"
    if not isinstance(connection, str) or not isinstance(panel, str) or (needs_panel and not panel):
        return None
    place = connection, panel or ACTIVITY
    found = await look.services.wizard.propose(schema_of(look.document), place, samples_of(look.document))
    look.services.previews.note(place, found.spec)
    return found


async def context(look: Look) -> dict[str, object]:
    """What the page shows."""
    action = action_of(look.document)
    if look.form.one("target"):
        chosen, _, connection = look.form.one("target").partition("|")
        action = {**action, "type": chosen, "connection": connection, "panel": look.form.one("panel")}
    elif WORKFLOW in look.document:
        action = {"type": WORKFLOW, "connection": look.document[WORKFLOW]}
    found, wrong = None, ""
    try:
        found = await proposals(look, action) if action.get("type") != WORKFLOW else None
    except (NotFound, Invalid) as failure:
        wrong = failure.message
    calls = await listening.calls_of(look.name, look.services)
    shown = await preview_payload(look, calls)
    told = previewed(look, action, shown.payload) if found else {}
    lines = list(_lines(action, found, told)) if found else []
    return {
        "action": action,
        "target": f"{action.get('type', '')}|{action.get('connection', '')}",
        "targets": actions_of(look.services),
        "panels": sorted(look.services.board.stored.panels),
        "needs_panel": action.get("type") in ACTIONS and action.get("type") != "insert_activity",
        "found": found,
        "wrong_target": wrong,
        "chosen": [one for one in lines if _is_chosen(one)],
        "others": [one for one in lines if not _is_chosen(one)],
        "open_list": found is not None and found.spec.open,
        "proposed": sum(1 for one in lines if one.proposals and not one.value),
        "matching": action.get("type") in MATCHING,
        "properties": properties(look.document),
        "facts": FACTS,
        "payloads": shown,
        "told": told,
        "whole": _whole(look, action, shown.payload) if found else (),
        "words": words,
        "zone": _zone(look, action),
        "records": RECORDS,
    }


def _zone(look: Look, action: Mapping[str, JSON]) -> str:
    connector = look.services.targets.connectors.get(str(action.get("connection")))
    return connector.zone if connector is not None else ""


def _is_chosen(line: Line) -> bool:
    return bool(line.value or line.needed or line.proposals or line.matches)


def previewed(look: Look, action: Mapping[str, JSON], payload: JSON) -> dict[str, Previewed]:
    """Each mapped field over the payload, by the name in the mapping."""
    made = _preview(look, action, payload)
    return {} if made is None else {one.name: one for one in made[0]}


def _whole(look: Look, action: Mapping[str, JSON], payload: JSON) -> Sequence[Problem]:
    made = _preview(look, action, payload)
    return () if made is None else made[1]


def _preview(
    look: Look, action: Mapping[str, JSON], payload: JSON
) -> tuple[Sequence[Previewed], Sequence[Problem]] | None:
    if payload is None or not part_of(action, "fields"):
        return None
    try:
        read = read_action({name: value for name, value in action.items() if value != ""})
    except Invalid:
        return None
    made = look.services.previews.preview(read, schema_of(look.document), payload, look.name)
    return None if made is None else (made.fields, made.problems)


def _lines(action: Mapping[str, JSON], found: Proposals, told: Mapping[str, Previewed]) -> Iterator[Line]:
    """A line for each field of the target, those that are mapped first, then what is needed, then the rest."""
    spec, fields, match = found.spec, part_of(action, "fields"), part_of(action, "match")
    written = {canonical_name(spec, name) or name: name for name in (*fields, *match)}
    columns = {one.name: one for one in _columns(spec)}
    for field in written:
        columns.setdefault(field, FieldSpec(field, FieldType.STRING))
    made = []
    for field, column in columns.items():
        name = written.get(field, field)
        value = match.get(name, fields.get(name))
        made.append(
            Line(
                name,
                column,
                "" if value is None else literal_text(value),
                name in match,
                found.proposed.get(field, ()),
                told.get(name),
                field == spec.party_field,
            )
        )
    yield from sorted(made, key=lambda one: (not one.needed, not one.value, not one.proposals))


def _columns(spec: EntitySpec) -> Iterator[FieldSpec]:
    if spec.party_field is not None and spec.party_field not in spec.fields:
        yield FieldSpec(spec.party_field, FieldType.STRING, 10, required=True)
    yield from (one for one in spec.fields.values() if not one.read_only)


def properties(document: Document) -> list[str]:
    """The payload's properties as templates write them; of a list, those of its first element."""
    found = []
    for row in schema_rows(schema_of(document))[1:]:
        if not set(row.types) - {"object", "array"} and row.types:
            continue
        found.append(path_text(tuple(0 if part == ANY else part for part in row.path)))
    return found


def words(spec: FieldSpec, zone: str = "") -> str:
    """Type and length of a field, for people; and the zone in which its moments are written."""
    kind = FIELD_TYPES[spec.type]
    if spec.type is FieldType.DATETIME and zone:
        return f"{kind}, written in the time of {zone}"
    return kind if spec.length is None else f"{kind}, up to {spec.length}"


ACTION: Final = Section("action", context, read)


async def live(request: Request, services: Services) -> Response:
    """The preview of what the form says now; nothing is saved. The part alone asks no target."""
    form, look = await read_form(request), await look_at(request, services, check=False)
    try:
        look = replace(look, document=await read(look, form))
    except Invalid:
        form = replace(form, fields={"from": form.all("from")})
    look = replace(look, form=form)
    if not request.headers.get("hx-target", "").endswith("#preview"):
        return await show(look, ACTION)
    action = action_of(look.document)
    shown = await preview_payload(look, await listening.calls_of(look.name, services))
    context = {
        "told": previewed(look, action, shown.payload),
        "whole": _whole(look, action, shown.payload),
        "payloads": shown,
    }
    return await page(request, "wizard/preview.html", context)
