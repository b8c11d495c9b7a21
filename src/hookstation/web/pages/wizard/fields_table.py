"""The table of fields as a form: from what was sent to edits of the schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.schema_rows import Row
from hookstation.core.schema_words import pointer
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused, Problem
from hookstation.web.pages.forms import Form

TYPES: Final = (
    ("string", "text"),
    ("integer", "whole number"),
    ("number", "number"),
    ("boolean", "yes or no"),
    ("object", "object"),
    ("array", "list"),
    ("", "anything"),
)
FORMATS: Final = (
    ("", "any"),
    ("date", "date"),
    ("date-time", "date and time"),
    ("time", "time"),
    ("email", "e-mail"),
    ("uri", "web address"),
    ("uuid", "UUID"),
)


def edits(rows: Sequence[Row], form: Form) -> list[JSON]:
    """What the form changes of these rows. Fields are named ``<number of the row>:<member>``."""
    by_pointer = {pointer(row.place): row for row in rows}
    found: list[JSON] = []
    for number, written in enumerate(form.all("row")):
        row = by_pointer.get(written)
        if row is not None and (changed := _changed(row, str(number), form)):
            found.append({"pointer": written, **changed})
    if name := form.one("add-name").strip():
        found.append({"pointer": form.one("add-to"), "add": name, "types": ["string"]})
    return found


def _changed(row: Row, number: str, form: Form) -> dict[str, JSON]:
    if form.one(f"{number}:remove"):
        return {"remove": True}
    shown = row.as_json()
    wanted: dict[str, JSON] = {
        "types": [one for one in form.one(f"{number}:types").split("|") if one],
        "nullable": bool(form.one(f"{number}:nullable")),
        "format": form.one(f"{number}:format"),
        "max_length": _count(form.one(f"{number}:max_length")),
        "example": _example(form.one(f"{number}:example"), row),
    }
    if row.name not in ("", "[]"):
        wanted["required"] = bool(form.one(f"{number}:required"))
        wanted["name"] = form.one(f"{number}:name").strip()
    return {name: value for name, value in wanted.items() if value != shown[name]}


def typed(form: Form, number: int, member: str, shown: str) -> str:
    """What stands in a field of the table: what was sent, where the form comes back, else the row's own."""
    return form.one(f"{number}:{member}") if form.all("row") else shown


def ticked(form: Form, number: int, member: str, shown: bool) -> bool:
    """The same of a box to tick."""
    return bool(form.one(f"{number}:{member}")) if form.all("row") else shown


def _count(text: str) -> JSON:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else (text or None)


def example_text(value: JSON) -> str:
    """An example as its field shows it."""
    return value if isinstance(value, str) else "" if value is None else dump_json(value)


def _example(text: str, row: Row) -> JSON:
    if text == example_text(row.example):
        return row.example
    if not text or "string" in row.types:
        return text or None
    try:
        return parse_json(text.encode()).value
    except BodyRefused:
        return text


def said(problem: Problem, done: Sequence[JSON]) -> str:
    """A problem of one edit, with the field that it is about instead of the edit's number."""
    number = next((part for part in problem.path if isinstance(part, int)), None)
    edit = done[number] if isinstance(number, int) and number < len(done) else None
    if not isinstance(edit, dict):
        return problem.message
    written = str(edit.get("add") or str(edit.get("pointer", "")).rpartition("/")[2])
    return f"“{written}”: {problem.path[-1]} {problem.message}"
