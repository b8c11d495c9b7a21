"""Where each value of a record came from: payload path → template → field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hookstation.core.activity import canonical_name
from hookstation.core.definitions import Action
from hookstation.core.records import EntitySpec, Record
from hookstation.core.schema_paths import declared_facts
from hookstation.core.template import MISSING, Scope, compile_template
from hookstation.core.template.names import Name
from hookstation.core.template.paths import ANY, path_text
from hookstation.core.template.scope import is_own, reader
from hookstation.core.values import JSON


@dataclass(frozen=True, slots=True)
class Source:
    """A property that a template reads. `found`: whether the event has it; `own`: it is a fact of the call, such as
    the event's id, and not of the payload."""

    path: str
    found: bool
    value: JSON
    own: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """One field of the record. `template`: as the person wrote it, a literal as it is, ``None`` where the station
    filled the field by itself.  `written`: whether the field is in the record, as `value`;
    `part`: ``fields`` or ``match``."""

    part: str
    field: str
    template: JSON
    sources: tuple[Source, ...]
    written: bool
    value: JSON


def trace(action: Action, spec: EntitySpec, schema: JSON, scope: Scope, record: Record) -> list[Origin]:
    """The origins of a record's values, in the order of the mapping. `scope` and `record` are those of one event."""
    declared = declared_facts(schema)
    found: list[Origin] = []
    for part, mapped, values in (
        ("fields", action.fields, record.fields),
        ("match", action.match, record.match),
    ):
        found += _part(part, mapped, dict(values), spec, scope, declared)
    told = {one.field for one in found}
    found += [
        Origin("fields", name, None, (), True, value)
        for name, value in record.fields.items()
        if name not in told
    ]
    return found


def _part(
    part: str,
    mapped: Mapping[str, JSON],
    values: Mapping[str, JSON],
    spec: EntitySpec,
    scope: Scope,
    declared: frozenset[str],
) -> list[Origin]:
    found = []
    for written, template in mapped.items():
        name = canonical_name(spec, written) or written
        names = compile_template(template, declared).names if isinstance(template, str) else ()
        sources = tuple(_source(one, scope, declared) for one in names)
        found.append(Origin(part, name, template, sources, name in values, values.get(name)))
    return found


def _source(name: Name, scope: Scope, declared: frozenset[str]) -> Source:
    """A path with any element in it says of several values where they stand, and shows none of them."""
    own = is_own(name.path, declared)
    if ANY in name.path:
        return Source(path_text(name.path), True, None, own)
    value = reader(name.path, liquid=name.liquid, declared=declared)(scope)
    return Source(path_text(name.path), value is not MISSING, None if value is MISSING else value, own)
