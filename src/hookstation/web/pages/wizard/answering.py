"""The questions that samples leave open, asked plainly, and their answers put into the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hookstation.core.draft import Draft, Question
from hookstation.core.schema_outline import Place
from hookstation.core.values import JSON
from hookstation.errors import Invalid
from hookstation.web.pages.forms import Form
from hookstation.web.pages.wizard.frame import Look, samples_of, schema_of

PREFIX = "answer:"


async def questions(look: Look) -> list[Question]:
    """The questions about the samples that are kept, each with the choice that the schema follows now."""
    samples = samples_of(look.document)
    if not samples:
        return []
    try:
        draft = await look.services.wizard.draft(samples, {})
    except Invalid:
        return []
    schema = schema_of(look.document)
    asked = [one for one in draft.questions if at(schema, one.place) is not None]
    return [replace(one, assumed=await _followed(look, one, draft, schema)) for one in asked]


async def answered(look: Look, form: Form) -> JSON:
    """The schema with the fields that answers change, and all others as they are. Raises `Invalid`."""
    schema = schema_of(look.document)
    for question in await questions(look):
        wanted = form.one(PREFIX + question.key)
        if wanted and wanted != question.assumed:
            draft = await look.services.wizard.draft(samples_of(look.document), {question.key: wanted})
            schema = grafted(schema, draft.schema, question.place)
    return schema


async def _followed(look: Look, question: Question, draft: Draft, schema: JSON) -> str:
    """The choice whose draft is like the schema at the question's place; the assumed one where none is."""
    for choice in question.choices:
        tried = draft
        if choice.name != question.assumed:
            tried = await look.services.wizard.draft(samples_of(look.document), {question.key: choice.name})
        if _alike(schema, tried.schema, question.place):
            return choice.name
    return question.assumed


def _alike(one: JSON, other: JSON, place: Place) -> bool:
    return at(one, place) == at(other, place) and is_required(one, place) == is_required(other, place)


def at(schema: JSON, place: Place) -> JSON:
    """What stands at a place; ``None`` where nothing does."""
    for part in place:
        if isinstance(schema, dict):
            schema = schema.get(str(part))
        elif isinstance(schema, list) and isinstance(part, int) and part < len(schema):
            schema = schema[part]
        else:
            return None
    return schema


def is_required(schema: JSON, place: Place) -> bool:
    """Whether the object that holds the field at `place` must have it."""
    holder = at(schema, place[:-2])
    listed = holder.get("required") if isinstance(holder, dict) else None
    return isinstance(listed, list) and bool(place) and place[-1] in listed


def grafted(schema: JSON, other: JSON, place: Place) -> JSON:
    """`schema` with the field at `place` as `other` has it; what is given is not changed."""
    if not place:
        kept = schema.get("examples") if isinstance(schema, dict) else None
        return {**other, "examples": kept} if isinstance(other, dict) and kept is not None else other
    made = _with(schema, place, at(other, place))
    if len(place) < 2 or place[-2] != "properties":
        return made
    holder = at(made, place[:-2])
    if not isinstance(holder, dict):
        return made
    listed = holder.get("required")
    rest: list[JSON] = [one for one in listed if one != place[-1]] if isinstance(listed, list) else []
    required: list[JSON] = [*rest, str(place[-1])] if is_required(other, place) else rest
    kept_members: Mapping[str, JSON] = {name: one for name, one in holder.items() if name != "required"}
    return _with(made, place[:-2], {**kept_members, "required": required} if required else {**kept_members})


def _with(schema: JSON, place: Place, value: JSON) -> JSON:
    if not place:
        return value
    head, rest = place[0], place[1:]
    if isinstance(schema, dict):
        return {**schema, str(head): _with(schema.get(str(head)), rest, value)}
    if isinstance(schema, list) and isinstance(head, int):
        return [_with(one, rest, value) if number == head else one for number, one in enumerate(schema)]
    return schema
