"""Steps over values alone: check, keep, choose, convert, answer."""

from __future__ import annotations

import re
from typing import Final

from hookstation.core.jsontext import Parsed, dump_json, parse_json, plain_of
from hookstation.core.schema import CompiledSchema, compile_schema
from hookstation.core.schema_inspect import inspect_schema
from hookstation.core.values import JSON
from hookstation.engine.workflows.steps.reading import items, mapping, rows, text, whole
from hookstation.engine.workflows.tasks import Done, Failed, Task, Way
from hookstation.errors import BodyRefused, Invalid, Terminal

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS: Final = frozenset(
    {"connection", "content-length", "date", "hookstation-event-id", "keep-alive", "server", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)
"""Headers that belong to the connection or to the station."""

MOST_SCHEMAS: Final = 1_000
LONGEST_LIST: Final = 5
"""Violations that the error names; all of them are the step's output."""


class Validate:
    """``validate``: data against a schema, which is compiled once."""

    def __init__(self) -> None:
        self._compiled: dict[int, tuple[JSON, CompiledSchema]] = {}

    def begin(self, task: Task) -> Way:
        """Nothing is wrong, or it has failed with all of it."""
        settings, data = task.settings, task.settings.get("data")
        if settings.get("schema_from") is not None:
            compiled = _sound(_read(settings["schema_from"]))
        else:
            schema = settings.get("schema")
            known = self._compiled.get(id(schema))
            compiled = known[1] if known is not None and known[0] is schema else self._compile(schema)
        violations = compiled.violations(Parsed(data, plain_of(data)))
        if not violations:
            return Done([])
        found: list[JSON] = [
            {"path": one.path, "rule": one.rule, "message": one.message} for one in violations
        ]
        told = "; ".join(one.message for one in violations[:LONGEST_LIST])
        more = f"; and {len(violations) - LONGEST_LIST} more" if len(violations) > LONGEST_LIST else ""
        return Failed(f"The data does not fit the schema: {told}{more}", output=found)

    def _compile(self, schema: JSON) -> CompiledSchema:
        compiled = _compiled(schema)
        if len(self._compiled) >= MOST_SCHEMAS:
            self._compiled.clear()
        self._compiled[id(schema)] = (schema, compiled)
        return compiled


def _compiled(schema: JSON) -> CompiledSchema:
    try:
        return compile_schema(schema)
    except Invalid as invalid:
        raise Terminal(f"The schema cannot be used: {invalid.message}") from invalid


def _sound(schema: JSON) -> CompiledSchema:
    """A schema that nobody looked at before: what could cost too much is refused before it is compiled."""
    wrong = [str(one) for one in inspect_schema(schema) if one.severity == "error"]
    if wrong:
        raise Terminal(f"The schema cannot be used: {'; '.join(wrong[:LONGEST_LIST])}")
    return _compiled(schema)


def _read(schema: JSON) -> JSON:
    """A schema that an earlier step has, as a value or as JSON text."""
    if not isinstance(schema, str):
        return schema
    try:
        return parse_json(schema.encode()).value
    except BodyRefused as refused:
        raise Terminal(f"The schema is not JSON: {refused.reason}") from refused


class SetVariables:
    """``set``: values under names."""

    def begin(self, task: Task) -> Way:
        """They are its output."""
        return Done(mapping(task.settings, "values"))


class Select:
    """``select``: columns chosen, renamed, made; and constants."""

    def begin(self, task: Task) -> Way:
        """The rows."""
        given = rows(task.settings, "rows")
        constants = mapping(task.settings, "constants")
        columns = [one for one in items(task.step.settings, "columns") if isinstance(one, dict)]
        if not columns:
            return Done([{**row, **constants} for row in given])
        return Done([{**_chosen(task, row, index, columns), **constants} for index, row in enumerate(given)])


class Respond:
    """``respond``: what the caller of the webhook is told."""

    def begin(self, task: Task) -> Way:
        """The answer."""
        settings = task.settings
        status = whole(settings, "status", 200)
        if not 200 <= status <= 599:
            raise Terminal(f"“status” is {status}, and has to be from 200 to 599.")
        headers: dict[str, JSON] = {}
        given = mapping(settings, "headers")
        for name in sorted(given, key=lambda name: name.lower() != "content-type"):
            value = text(given, name)
            if not _NAME.fullmatch(name) or name.lower() in _OURS:
                raise Terminal(f"The header “{name[:60]}” cannot be set by a step.")
            if "\r" in value or "\n" in value or not value.isascii():
                raise Terminal(f"The header “{name}” may hold ASCII characters without line breaks.")
            headers[name] = value
        answer: JSON = {"status": status, "headers": headers, "body": settings.get("body")}
        return Done(answer, answer=dump_json(answer))


def _chosen(task: Task, row: dict[str, JSON], index: int, columns: list[dict[str, JSON]]) -> dict[str, JSON]:
    made: dict[str, JSON] = {}
    filled: JSON = None
    for number, column in enumerate(columns):
        name = text(column, "name")
        if "value" in column:
            filled = task.per_row("columns", row, index) if filled is None else filled
            assert isinstance(filled, list)
            one = filled[number]
            made[name] = one.get("value") if isinstance(one, dict) else None
        else:
            made[name] = row.get(text(column, "from", name))
    return made
