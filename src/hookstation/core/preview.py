"""A mapping over one payload, field by field: what each would hold, or why it would not, also where others fail."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hookstation.core.activity import canonical_name
from hookstation.core.definitions import Action
from hookstation.core.mapping_checks import DraftField, draft_mapping
from hookstation.core.proof import Target
from hookstation.core.template import MISSING, Scope
from hookstation.core.values import JSON, Scalar
from hookstation.errors import MappingFailed, Problem


class Fate(StrEnum):
    """What becomes of a field."""

    FITS = "fits"
    LEFT_OUT = "left out"
    FAILS = "fails"
    WARNED = "warned"


@dataclass(frozen=True, slots=True)
class Previewed:
    """One field of the mapping. `name` as the mapping writes it, `field` as the target does; `value` where it fits."""

    part: str
    name: str
    field: str
    fate: Fate
    value: Scalar = None
    said: str = ""

    def as_json(self) -> dict[str, JSON]:
        """As the API tells it."""
        return {
            "part": self.part,
            "name": self.name,
            "field": self.field,
            "fate": self.fate.value,
            "value": self.value,
            "said": self.said,
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """All fields in the mapping's order, and what is wrong with none of them alone (`problems`)."""

    fields: tuple[Previewed, ...]
    problems: tuple[Problem, ...]

    @property
    def fails(self) -> bool:
        """Whether nothing would be written."""
        wrong = any(one.severity == "error" for one in self.problems)
        return wrong or any(one.fate is Fate.FAILS for one in self.fields)


def preview(action: Action, target: Target, schema: JSON, scope: Scope) -> Preview:
    """Run every template of `action` over one payload; never raises, what fails is told at its field."""
    draft = draft_mapping(action, target.spec, schema, target.zone, target.hidden)
    scope.hide(target.hidden)
    told = {one.path[:2]: one for one in reversed(draft.problems) if len(one.path) > 1}
    fields: list[Previewed] = []
    for part, written, ready in (
        ("match", action.match, draft.match),
        ("fields", action.fields, draft.fields),
    ):
        known = {one.name: one for one in ready}
        for name in written:
            field = canonical_name(target.spec, name) or name
            fields.append(_one(part, name, field, known.get(field), told.get((part, name)), scope))
    return Preview(tuple(fields), tuple(one for one in draft.problems if len(one.path) < 2))


def _one(
    part: str, name: str, field: str, ready: DraftField | None, problem: Problem | None, scope: Scope
) -> Previewed:
    if ready is None or (problem is not None and problem.severity == "error"):
        said = problem.message if problem is not None else "cannot be read."
        return Previewed(part, name, field, Fate.FAILS, None, said)
    try:
        value = ready.evaluate(scope)
        if value is MISSING:
            return _left_out(part, name, field, ready)
        fitted = ready.fit(value)
    except MappingFailed as failed:
        return Previewed(part, name, field, Fate.FAILS, None, failed.reason)
    warned = problem.message if problem is not None else ""
    return Previewed(part, name, field, Fate.WARNED if warned else Fate.FITS, fitted, warned)


def _left_out(part: str, name: str, field: str, ready: DraftField) -> Previewed:
    if part == "match" or ready.spec.required:
        said = "This payload does not have the property, and the field is required."
        return Previewed(part, name, field, Fate.FAILS, None, said)
    said = "This payload does not have it: the field is left out."
    return Previewed(part, name, field, Fate.LEFT_OUT, None, said)
