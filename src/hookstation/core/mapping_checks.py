"""What can be known of a mapping when it is saved: its fields, its names, its constants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hookstation.core.activity import (
    ACTIVITY_TYPE,
    TRANSACTION_DATE,
    built_in_type_warning,
    canonical_name,
    unknown_field,
)
from hookstation.core.coerce import Coercer, coercer, open_coercer
from hookstation.core.definitions import Action
from hookstation.core.records import ACTIVITY, EntitySpec, FieldSpec, FieldType, Operation
from hookstation.core.schema_paths import check_name, declared_facts
from hookstation.core.template import ANY, Scope, Template, TemplateKind, Value, compile_template
from hookstation.core.template.scope import MISSING, Missing
from hookstation.core.values import JSON, Scalar
from hookstation.errors import Invalid, MappingFailed, Problem

OPERATIONS: Final[Mapping[str, Operation]] = {
    "insert_activity": Operation.INSERT,
    "insert_panel": Operation.INSERT,
    "update_panel": Operation.UPDATE,
    "upsert_panel": Operation.UPSERT,
}

PARTY_LENGTH: Final = 10
"""Characters of a party's id, as in the Activity."""


@dataclass(frozen=True, slots=True)
class DraftField:
    """A field and how it is filled.

    `key`: the payload's property that it is, at the top of the payload; ``None`` for anything else, and for what the
    payload does not have.  `constant`: its value, fitted, where it is always the same, else `MISSING`.
    """

    name: str
    spec: FieldSpec
    evaluate: Callable[[Scope], Value]
    fit: Coercer
    key: str | None = None
    constant: Scalar | Literal[Missing.MISSING] = MISSING


@dataclass(slots=True)
class Draft:
    """A mapping as far as it can be read, and everything that is wrong with it.

    `moment_field`: the field that takes the moment of receipt where the mapping leaves it out.
    """

    operation: Operation
    entity: str
    fields: list[DraftField] = field(default_factory=list)
    match: list[DraftField] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    marker: str = ""
    moment_field: str = ""
    headers: set[str] = field(default_factory=set)
    """Lower-case names of the headers that templates read; ``*`` where one may read any of them."""
    parameters: set[str] = field(default_factory=set)
    """Names of the query parameters that templates read; ``*`` where one may read any of them."""


def draft_mapping(
    action: Action, spec: EntitySpec, schema: JSON, zone: str, hidden_headers: frozenset[str]
) -> Draft:
    """Read a mapping; never raises, what is wrong is in the draft's problems, with paths from the action."""
    operation = OPERATIONS.get(action.type)
    draft = Draft(operation or Operation.INSERT, action.panel or ACTIVITY)
    if operation is None:
        known = ", ".join(OPERATIONS)
        draft.problems.append(Problem(("type",), f"There is no action “{action.type}”. There are {known}."))
    try:
        local = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        draft.problems.append(
            Problem((), f"The connection's zone “{zone}” is not a time zone such as America/Chicago.")
        )
        local = ZoneInfo("UTC")
    drafter = _Drafter(draft, spec, schema, local, frozenset(map(str.lower, hidden_headers)))
    draft.fields = drafter.fill("fields", action.fields)
    draft.match = drafter.fill("match", action.match)
    drafter.check_whole(action)
    return draft


def check_order(order: str, schema: JSON, hidden_headers: frozenset[str]) -> list[Problem]:
    """What a person should know of the names that the template of an order reads; one that cannot be compiled: nothing.

    A name that no payload has would put every event into one line, or into none.
    """
    try:
        names = compile_template(order, declared_facts(schema)).names
    except Invalid:
        return []
    found = ((name, check_name(schema, name, hidden_headers)) for name in names)
    return [
        Problem((), wrong.message, "warning" if wrong.warning else "error", name.position)
        for name, wrong in found
        if wrong is not None
    ]


class _Drafter:
    def __init__(
        self, draft: Draft, spec: EntitySpec, schema: JSON, zone: ZoneInfo, hidden: frozenset[str]
    ) -> None:
        self.draft, self.spec, self.schema, self.zone, self.hidden = draft, spec, schema, zone, hidden
        self.declared = declared_facts(schema)
        self.tell = draft.problems.append

    def fill(self, part: str, written: Mapping[str, JSON]) -> list[DraftField]:
        """The fields of one part of the action, in its order, those that cannot be read left out."""
        found: dict[str, DraftField] = {}
        first: dict[str, str] = {}
        for name, value in written.items():
            path = (part, name)
            column = self._column(name, path, writing=part == "fields")
            if column is None:
                continue
            if column.name in first:
                self.tell(
                    Problem(
                        path,
                        f"“{name}” and “{first[column.name]}” are the same field, {column.name}: map it once.",
                    )
                )
                continue
            first[column.name] = name
            if one := self._field(column, value, path):
                found[column.name] = one
        return list(found.values())

    def _column(self, name: str, path: tuple[str, str], *, writing: bool) -> FieldSpec | None:
        canonical = canonical_name(self.spec, name)
        if canonical is None:
            self.tell(Problem(path, unknown_field(self.spec, name)))
            return None
        column = self.spec.fields.get(canonical) or _unlisted(self.spec, canonical)
        if writing and column.read_only:
            self.tell(Problem(path, f"{canonical} is given by the target and cannot be mapped; take it out."))
            return None
        return column

    def _field(self, column: FieldSpec, value: JSON, path: tuple[str, str]) -> DraftField | None:
        known = column.name in self.spec.fields or column.name == self.spec.party_field
        fit = coercer(column, self.zone) if known else open_coercer(column.name)
        if not isinstance(value, str):
            return self._constant(column, value, fit, path)
        try:
            template = compile_template(value, self.declared)
        except Invalid as invalid:
            for problem in invalid.problems:
                self.tell(problem.under(*path))
            return None
        self._check_names(template, path)
        if template.kind is TemplateKind.LITERAL:
            return self._constant(column, template.evaluate(Scope(None)), fit, path)
        if template.is_marker and not template.own:
            self.tell(Problem(path, NOT_OUR_EVENT_ID, "warning"))
        elif template.is_marker and path[0] == "fields" and not self.draft.marker:
            self.draft.marker = column.name
        return DraftField(column.name, column, template.evaluate, fit, template.key)

    def _constant(
        self, column: FieldSpec, value: Value, fit: Coercer, path: tuple[str, str]
    ) -> DraftField | None:
        if path[0] == "match" and value is None:
            self.tell(Problem(path, "null matches nothing: give a value or a property."))
            return None
        try:
            fitted = fit(value)  # type: ignore[arg-type]  # a literal is never missing
        except MappingFailed as failed:
            self.tell(Problem(path, f"This value never fits the field: {failed.reason}"))
            return None
        if (
            column.name == ACTIVITY_TYPE
            and isinstance(fitted, str)
            and (warning := built_in_type_warning(fitted))
        ):
            self.tell(Problem(path, warning, "warning"))
        return DraftField(column.name, column, lambda _scope: fitted, lambda _value: fitted, None, fitted)

    def _check_names(self, template: Template, path: tuple[str, str]) -> None:
        for name in template.names:
            read = "*" if len(name.path) == 1 or name.path[1] == ANY else str(name.path[1])
            if name.path[0] in ("headers", ANY):
                self.draft.headers.add(read.lower())
            if name.path[0] in ("query", ANY):
                self.draft.parameters.add(read)
            wrong = check_name(self.schema, name, self.hidden)
            if wrong is not None:
                severity = "warning" if wrong.warning else "error"
                self.tell(Problem(path, wrong.message, severity, name.position))

    def check_whole(self, action: Action) -> None:
        """What only all fields together show."""
        operation = self.draft.operation
        if operation is Operation.INSERT and action.match:
            self.tell(Problem(("match",), "Only update_panel and upsert_panel match; an insert always adds."))
        if operation is not Operation.INSERT and not action.match:
            self.tell(
                Problem(("match",), f"{action.type} needs `match`: the fields by which the record is found.")
            )
        if action.type == "insert_activity" and action.panel:
            self.tell(
                Problem(("panel",), "insert_activity writes the Activity; use insert_panel for a panel.")
            )
        if action.type != "insert_activity" and action.type in OPERATIONS and not action.panel:
            self.tell(Problem(("panel",), f"{action.type} needs the name of a panel."))
        if operation is not Operation.UPDATE:
            self._check_required(action)
            self._find_moment(action)

    def _check_required(self, action: Action) -> None:
        mapped = {canonical_name(self.spec, name) for name in action.fields}
        if self.draft.operation is Operation.UPSERT:
            mapped |= {canonical_name(self.spec, name) for name in action.match}
        for name in _required(self.spec):
            if name not in mapped:
                whose = " It says on whose record the row stands." if name == self.spec.party_field else ""
                self.tell(Problem(("fields",), f"{name} is required and is not mapped.{whose} Add it."))

    def _find_moment(self, action: Action) -> None:
        if action.type == "insert_activity" and (name := canonical_name(self.spec, TRANSACTION_DATE)):
            self.draft.moment_field = name


def _required(spec: EntitySpec) -> Iterator[str]:
    """Fields without which nothing can be inserted; an Activity's date has a default."""
    if spec.party_field is not None and spec.party_field not in spec.fields:
        yield spec.party_field
    for name, column in spec.fields.items():
        needed = column.required or name == spec.party_field
        if needed and not column.read_only and name != TRANSACTION_DATE:
            yield name


def _unlisted(spec: EntitySpec, name: str) -> FieldSpec:
    """A field that the entity's list does not have: the party's id, or any field where the list is not known."""
    if name == spec.party_field:
        return FieldSpec(name, FieldType.STRING, PARTY_LENGTH, required=True)
    return FieldSpec(name, FieldType.STRING)


NOT_OUR_EVENT_ID: Final = (
    "is the property “event_id” of the payload, because the schema declares it, and not the station's own event id; "
    "so it cannot settle an unknown outcome. Take that property out of the schema, or map another one."
)
