"""The second section: what a call's body is, as a table of fields."""

from __future__ import annotations

from functools import partial
from typing import Final

from hookstation.core.documents.drafts import Document
from hookstation.core.json_lines import line_at, line_of
from hookstation.core.jsontext import dump_json
from hookstation.core.sample_text import read_samples
from hookstation.core.schema import parse_schema_text
from hookstation.core.schema_inspect import inspect_schema
from hookstation.core.schema_rows import schema_rows
from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem
from hookstation.web.pages.filters import pretty
from hookstation.web.pages.forms import Form
from hookstation.web.pages.wizard import answering, fields_table, listening
from hookstation.web.pages.wizard.frame import MOST_SAMPLES, Look, Section, samples_of, schema_of

LARGEST_EXAMPLES: Final = 48 * 1024
"""Characters of the samples that are kept with the schema."""

SHOWN_ROWS: Final = 300


async def read(look: Look, form: Form) -> Document:
    """The document with another schema, made in the way of the button that was pressed. Raises `Invalid`."""
    match form.one("do"):
        case "sample":
            schema = await drafted(look, read_samples(form.one("samples")))
        case "calls":
            schema = await drafted(look, await listening.picked(look, form))
        case "schema":
            schema = pasted(form.one("schema"))
        case "anything":
            schema = True
        case "answers":
            schema = await answering.answered(look, form)
        case _:
            schema = await edited(look, form)
    return {**look.document, "schema": schema}


async def drafted(look: Look, samples: list[JSON]) -> JSON:
    """A schema from samples, which are kept with it as its examples, as many as there is room for."""
    try:
        draft = await look.services.wizard.draft(samples, {})
    except Invalid as invalid:
        raise Invalid([Problem(("samples",), one.message) for one in invalid.problems]) from invalid
    kept: list[JSON] = []
    for one in samples[:MOST_SAMPLES]:
        if len(dump_json([*kept, one])) <= LARGEST_EXAMPLES:
            kept.append(one)
    return {**draft.schema, "examples": kept} if kept else draft.schema


def pasted(text: str) -> JSON:
    """A schema that was pasted. Raises `Invalid`, every message with its line."""
    if not text.strip():
        raise Invalid([Problem(("schema",), "Paste a JSON Schema here.")])
    try:
        schema = parse_schema_text(text)
    except Invalid as invalid:
        raise Invalid([_at_line(one, text) for one in invalid.problems]) from invalid
    wrong = [one for one in inspect_schema(schema) if one.severity == "error"]
    if not wrong and isinstance(schema, dict) and not schema.keys() & LIKE_A_SCHEMA and schema:
        wrong = [Problem((), LOOKS_LIKE_SAMPLE)]
    if wrong:
        raise Invalid(
            [Problem(("schema",), f"Line {line_of(text, one.path)}: {one.message}") for one in wrong]
        )
    return schema


LIKE_A_SCHEMA: Final = frozenset(
    {
        "$schema",
        "type",
        "properties",
        "required",
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "items",
        "enum",
        "const",
        "$defs",
    }
    | {"additionalProperties", "patternProperties", "not", "if", "examples"}
)
LOOKS_LIKE_SAMPLE: Final = (
    "This looks like a sample and not like a schema: it has none of type, properties and required. Paste it under"
    " “Paste a sample”; the schema is made from it."
)


def _at_line(problem: Problem, text: str) -> Problem:
    at = "" if problem.position is None else f"Line {line_at(text, problem.position)}: "
    return Problem(("schema",), at + problem.message)


async def edited(look: Look, form: Form) -> JSON:
    """The schema with the edits of the table, or the text of its JSON. Raises `Invalid`."""
    if form.one("json") or form.one("do") == "json":
        return pasted(form.one("json"))
    edits = fields_table.edits(schema_rows(schema_of(look.document)), form)
    if not edits:
        return schema_of(look.document) if "schema" in look.document else _needs_one()
    try:
        return (await look.services.wizard.table(schema_of(look.document), edits)).schema
    except Invalid as invalid:
        raise Invalid(
            [Problem(("schema",), fields_table.said(one, edits)) for one in invalid.problems]
        ) from invalid


def _needs_one() -> JSON:
    raise Invalid([Problem(("samples",), "Say first what the sender sends, in one of the three ways below.")])


async def context(look: Look) -> dict[str, object]:
    """What the page shows."""
    document, form = look.document, look.form
    schema = schema_of(document)
    rows = schema_rows(schema)
    pending = await _pending(look, schema)
    return {
        "has_schema": "schema" in document,
        "takes_anything": schema is True or schema == {},
        "schema": schema,
        "rows": rows[1 : SHOWN_ROWS + 1],
        "hidden_rows": max(0, len(rows) - 1 - SHOWN_ROWS),
        "holders": [row for row in rows if not row.types or "object" in row.types],
        "types": fields_table.TYPES,
        "formats": fields_table.FORMATS,
        "example_text": fields_table.example_text,
        "typed": partial(fields_table.typed, form),
        "ticked": partial(fields_table.ticked, form),
        "added": form.one("add-name"),
        "questions": await answering.questions(look),
        "samples": samples_of(document),
        "sent": {name: form.one(name) for name in ("samples", "schema", "json")},
        "json_text": pretty(pending),
        "way": form.one("do") or look.request.query_params.get("way", ""),
        **await listening.context(look),
    }


async def _pending(look: Look, schema: JSON) -> JSON:
    """The schema as the table's fields would make it: what the JSON view shows while somebody edits."""
    form = look.form
    if not form.all("row") and not form.one("add-name"):
        return schema
    try:
        return (
            await look.services.wizard.table(schema, fields_table.edits(schema_rows(schema), form))
        ).schema
    except Invalid:
        return schema


DATA: Final = Section("data", context, read)
