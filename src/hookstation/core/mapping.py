"""A mapping, compiled: from what an event holds to the record that an action writes.

The same object serves requests, the dry run and the preview.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

from hookstation.core.coerce import Coercer
from hookstation.core.definitions import Action
from hookstation.core.isotime import local_text
from hookstation.core.mapping_checks import Draft, DraftField, draft_mapping
from hookstation.core.records import EntitySpec, Operation, Record
from hookstation.core.template import MISSING, Scope, Value
from hookstation.core.template.scope import Missing, instant
from hookstation.core.values import JSON, Scalar
from hookstation.errors import Invalid, MappingFailed, Problem


@dataclass(frozen=True, slots=True)
class _Field:
    """One field, ready. `required`: where the value is missing the mapping fails."""

    name: str
    key: str | None
    constant: Scalar | Literal[Missing.MISSING]
    evaluate: Callable[[Scope], Value]
    fit: Coercer
    required: bool


class CompiledMapping:
    """Makes records.

    `marker`: the field that holds exactly the event id, empty where none does.  `headers` and `parameters`: names of
    the headers (lower case) and of the query parameters that templates read, ``*`` where one may read any of them.
    """

    __slots__ = (
        "_connection",
        "_entity",
        "_fields",
        "_hidden",
        "_match",
        "_moment_field",
        "_operation",
        "_zone",
        "headers",
        "marker",
        "parameters",
    )

    def __init__(self, draft: Draft, connection: str, zone: ZoneInfo, hidden: frozenset[str]) -> None:
        inserts = draft.operation is not Operation.UPDATE
        self._connection, self._entity, self._operation = connection, draft.entity, draft.operation
        self._fields = tuple(
            _ready(field, inserts and field.spec.required and field.name != draft.moment_field)
            for field in draft.fields
        )
        self._match = tuple(_ready(field, True) for field in draft.match)
        self._moment_field = draft.moment_field
        self._zone = zone
        self._hidden = hidden if draft.headers else frozenset()
        self.headers = frozenset(draft.headers)
        self.parameters = frozenset(draft.parameters)
        self.marker = draft.marker

    def map(self, scope: Scope, received_at: int) -> Record:
        """The record for one event. `received_at`: microseconds since the epoch, UTC.

        A lone property that is missing leaves its field out; an Activity's date is then the moment of receipt.
        Raises `MappingFailed` naming the field.
        """
        if self._hidden:
            scope.hide(self._hidden)
        fields = _evaluated(self._fields, scope)
        match = _matched(self._match, scope) if self._match else {}
        if self._operation is Operation.UPSERT:
            for name, value in match.items():
                fields.setdefault(name, value)
        if self._moment_field and self._moment_field not in fields:
            fields[self._moment_field] = local_moment(received_at, self._zone)
        return Record(self._connection, self._entity, self._operation, fields, match)


def _ready(field: DraftField, required: bool) -> _Field:
    return _Field(field.name, field.key, field.constant, field.evaluate, field.fit, required)


def _evaluated(fields: Sequence[_Field], scope: Scope) -> dict[str, Scalar]:
    """Most fields are a constant or a property of the payload: those cost a look-up and no call of a template."""
    values: dict[str, Scalar] = {}
    properties = scope.payload if type(scope.payload) is dict else {}
    for field in fields:
        if field.constant is not MISSING:
            values[field.name] = field.constant
        elif field.key in properties:
            values[field.name] = field.fit(properties[field.key])
        else:
            value = _value(field, scope)
            if value is not MISSING:
                values[field.name] = field.fit(value)
            elif field.required:
                raise MappingFailed(field.name, NOT_THERE)
    return values


def _value(field: _Field, scope: Scope) -> Value:
    try:
        return field.evaluate(scope)
    except MappingFailed as failed:
        raise MappingFailed(field.name, failed.reason) from failed


def _matched(fields: Sequence[_Field], scope: Scope) -> dict[str, Scalar]:
    values = _evaluated(fields, scope)
    for name, value in values.items():
        if value is None:
            raise MappingFailed(name, "null, by which no record can be found.")
    return values


NOT_THERE: Final = "the payload does not have the property that this field needs."


def local_moment(received_at: int, zone: ZoneInfo) -> str:
    """The moment of receipt as a record's date-time: local time in `zone`, to the millisecond."""
    at = instant(received_at).astimezone(zone)
    return local_text(at, f"{at.microsecond // 1000:03}" if at.microsecond // 1000 else "")


def compile_mapping(
    action: Action, spec: EntitySpec, schema: JSON, zone: str, hidden_headers: frozenset[str]
) -> CompiledMapping:
    """Compile an action's mapping to the entity `spec`.

    `schema` is what the payload has passed; `zone` the connection's, an IANA name; `hidden_headers` the lower-case
    names of the headers that prove the sender.  Raises `Invalid` with every error; paths begin at the action.
    """
    draft = draft_mapping(action, spec, schema, zone, hidden_headers)
    errors = [problem for problem in draft.problems if problem.severity == "error"]
    if errors:
        raise Invalid(errors)
    return CompiledMapping(
        draft, action.connection, ZoneInfo(zone), frozenset(map(str.lower, hidden_headers))
    )


NOTHING_WRITTEN: Final = CompiledMapping(Draft(Operation.INSERT, ""), "", ZoneInfo("UTC"), frozenset())
"""The mapping of what writes nothing itself: its records name no connection, and are empty."""


def check_mapping(
    action: Action, spec: EntitySpec, schema: JSON, zone: str, hidden_headers: frozenset[str]
) -> list[Problem]:
    """Everything that a person should know of a mapping before it is saved: errors and warnings."""
    return draft_mapping(action, spec, schema, zone, hidden_headers).problems
