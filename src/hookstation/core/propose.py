"""Which property of a payload belongs in which field of a target: proposed by name, type, format and example.

A proposal is a template that a person accepts or not; nothing is mapped by it.  It scores from 0 to 100 and says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from hookstation.core.activity import TRANSACTION_DATE
from hookstation.core.coerce import coercer
from hookstation.core.records import ACTIVITY, EntitySpec, FieldSpec, FieldType
from hookstation.core.schema_paths import declared_facts
from hookstation.core.schema_rows import Row, schema_rows
from hookstation.core.synonyms import CONCEPTS, GENERIC, PERSONS
from hookstation.core.template import ANY, MISSING, Path, Scope, compile_template, path_text
from hookstation.core.values import JSON
from hookstation.errors import Invalid, MappingFailed

THRESHOLD: Final = 45
"""Below this score nothing is proposed."""
LONELY: Final = 46
"""For the person, a bare ``id`` at the top: it is as often the call's own, so what names a person goes before it."""
MOST: Final = 3
"""Proposals for one field."""
MOST_SOURCES: Final = 500
MOST_EXAMPLES: Final = 5
MARKER: Final = "SOURCE_CODE"
"""The Activity's field that is proposed for the event's id."""

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GAP: Final = re.compile(r"[^a-z0-9]+")
_UTC: Final = ZoneInfo("UTC")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal. `path`: the property in words of a template, empty for a fact of the call."""

    field: str
    template: str
    path: str
    score: int
    reason: str

    def as_json(self) -> dict[str, JSON]:
        """The proposal as the API tells it."""
        return {
            "field": self.field,
            "template": self.template,
            "path": self.path,
            "score": self.score,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class _Source:
    """A property that could be mapped. `words`: its own name's; `above`: those of the object that holds it."""

    path: Path
    template: str
    row: Row
    words: Words
    above: Words
    examples: tuple[JSON, ...]
    in_list: bool


def propose(schema: JSON, spec: EntitySpec, samples: Sequence[JSON] = ()) -> dict[str, tuple[Proposal, ...]]:
    """For each field of `spec` that something fits, its proposals, the best first; fields in the entity's order.

    `samples`: real payloads, whose values are tried in the fields.  Fields that the target gives itself get none; a
    property is the first proposal of one field only.  The moment of an Activity gets one proposal at most, for the
    product fills it where nothing does.
    """
    sources = _sources(schema, samples)
    found: dict[str, list[tuple[int, Proposal]]] = {}
    for column in _columns(spec):
        scored = ((number, _proposal(column, source, spec)) for number, source in enumerate(sources))
        good = [(number, one) for number, one in scored if one is not None]
        found[column.name] = sorted(good, key=lambda one: -one[1].score)
    proposed = dict(_chosen(found))
    if spec.name == ACTIVITY and MARKER in spec.fields and "event_id" not in declared_facts(schema):
        proposed[MARKER] = (_marker(), *proposed.get(MARKER, ())[: MOST - 1])
    return {name: proposed[name] for name in found if name in proposed}


def _columns(spec: EntitySpec) -> Iterator[FieldSpec]:
    party = spec.party_field
    if party is not None and party not in spec.fields:
        yield FieldSpec(party, FieldType.STRING, 10, required=True)
    yield from (column for column in spec.fields.values() if not column.read_only)


def _marker() -> Proposal:
    reason = "The event's own id: by it an outcome that is not known can be looked up and settled."
    return Proposal(MARKER, "{{ event_id }}", "", 90, reason)


def _chosen(found: Mapping[str, list[tuple[int, Proposal]]]) -> Iterator[tuple[str, tuple[Proposal, ...]]]:
    """Each field's proposals; which property leads in which field is settled by score, over all fields."""
    pairs = sorted(
        ((-one.score, order, number, name) for order, (name, listed) in enumerate(found.items())
         for number, one in listed),
    )  # fmt: skip
    leads: dict[str, int] = {}
    for _, _, number, name in pairs:
        if name not in leads and number not in leads.values():
            leads[name] = number
    for name, lead in leads.items():
        first = [one for number, one in found[name] if number == lead]
        rest = [one for number, one in found[name] if number != lead]
        yield name, tuple([*first, *rest][: 1 if name == TRANSACTION_DATE else MOST])


def _sources(schema: JSON, samples: Sequence[JSON]) -> list[_Source]:
    sources: list[_Source] = []
    for row in schema_rows(schema)[1:]:
        if row.types and not set(row.types) - {"object", "array"}:
            continue
        path = tuple(0 if part == ANY else part for part in row.path)
        template = f"$${path_text(path)}$$"
        if not path or len(sources) >= MOST_SOURCES or not _reads(template, path):
            continue
        named = [str(part) for part in row.path if not isinstance(part, int)]
        own, above = (named[-1] if named else ""), (named[-2] if len(named) > 1 else "")
        shown = (row.example,) if row.example is not None else row.values
        examples = tuple(dict.fromkeys(_hashable([*_seen(template, samples), *shown])))[:MOST_EXAMPLES]
        sources.append(
            _Source(path, template, row, _words(own), _words(above), examples, len(named) < len(row.path))
        )
    return sources


def _hashable(values: Iterable[JSON]) -> Iterator[JSON]:
    return (one for one in values if one is not None and not isinstance(one, list | dict))


def _reads(template: str, path: Path) -> bool:
    """Whether the template means the path: some names cannot be written between dollar signs."""
    try:
        return compile_template(template).path == path
    except Invalid:
        return False


def _seen(template: str, samples: Sequence[JSON]) -> Iterator[JSON]:
    read = compile_template(template).evaluate
    for sample in samples:
        value = read(Scope(sample))
        if value is not MISSING:
            yield value


@lru_cache(maxsize=4_096)
def _words(name: str) -> Words:
    return tuple(word for word in _GAP.split(_CAMEL.sub(" ", name).lower()) if word)


def _proposal(column: FieldSpec, source: _Source, spec: EntitySpec) -> Proposal | None:
    score, reason = _by_name(column, source, spec)
    if not score:
        return None
    fit, told = _by_value(column, source)
    if fit is None:
        return None
    total = max(0, min(100, score + fit - 8 * source.in_list))
    if total < THRESHOLD:
        return None
    reasons = [reason, told, "of the first entry of the list" if source.in_list else ""]
    return Proposal(
        column.name, source.template, path_text(source.path), total, "; ".join(filter(None, reasons)) + "."
    )


def _by_name(column: FieldSpec, source: _Source, spec: EntitySpec) -> tuple[int, str]:
    """Up to 75 points for the name, with the reason; 0 where nothing speaks for it."""
    names = [_words(column.name), *([_words(column.caption)] if column.caption else [])]
    party = column.name == spec.party_field
    own, whole = source.words, (*source.above, *source.words)
    if not party and any("".join(own) == "".join(name) or "".join(whole) == "".join(name) for name in names):
        return 75, "The names are the same"
    best = max(
        (_concept_score(concept, column, names, own, whole, party=party) for concept in CONCEPTS),
        default=(0, ""),
    )
    if best[0]:
        return best
    return (0, "") if party else _shared(names, whole)


def _concept_score(
    concept: tuple[frozenset[str], tuple[str, ...]],
    column: FieldSpec,
    names: list[Words],
    own: Words,
    whole: Words,
    *,
    party: bool,
) -> tuple[int, str]:
    fields, spoken = concept
    asked = "@party" if party else "".join(names[0])
    if asked not in fields and not (len(names) > 1 and "".join(names[1]) in fields):
        return 0, ""
    for place, words in enumerate(spoken):
        parts = tuple(words.split())
        together = "".join(parts)
        said = f"“{words}” is usual for {column.name}"
        if "".join(own) == together and (words not in GENERIC or not party or _of_a_person(whole)):
            return (LONELY if party and words in GENERIC and len(whole) == 1 else max(50, 70 - place)), said
        if "".join(whole) == together:
            return max(50, 66 - place), said
        if words not in GENERIC and len(whole) > len(parts) and whole[-len(parts) :] == parts:
            return max(46, 60 - place), said
    return 0, ""


def _of_a_person(whole: Words) -> bool:
    """Whether an ``id`` may be a person's: its holder is one, or it stands at the top."""
    return len(whole) == 1 or whole[-2] in PERSONS


def _shared(names: list[Words], whole: Words) -> tuple[int, str]:
    best = 0
    for name in names:
        common = set(name) & set(whole)
        if common and whole[-1] in common and max(map(len, common)) > 2:
            best = max(best, round(60 * len(common) / max(len(set(name)), len(set(whole)))))
    return (best, "The names resemble each other") if best >= 36 else (0, "")


_KINDS: Final[Mapping[FieldType, tuple[frozenset[str], frozenset[str]]]] = {
    FieldType.STRING: (frozenset({"string", "integer"}), frozenset({"number", "boolean"})),
    FieldType.INTEGER: (frozenset({"integer"}), frozenset({"string", "number"})),
    FieldType.DECIMAL: (frozenset({"integer", "number"}), frozenset({"string"})),
    FieldType.BOOLEAN: (frozenset({"boolean"}), frozenset({"string"})),
    FieldType.DATE: (frozenset(), frozenset({"string"})),
    FieldType.DATETIME: (frozenset(), frozenset({"string"})),
    FieldType.BINARY: (frozenset(), frozenset({"string"})),
}
"""For each type of field the types of a payload that fit it well, and those that may fit."""


def _by_value(column: FieldSpec, source: _Source) -> tuple[int | None, str]:
    """Up to 25 points for type, format and examples; ``None`` where it cannot fit."""
    row = source.row
    well, perhaps = _KINDS[column.type]
    types = frozenset(row.types) - {"object", "array"} or frozenset({"string"})
    if not types & (well | perhaps):
        return None, ""
    dated = column.type in (FieldType.DATE, FieldType.DATETIME)
    points = 10 if types <= well or (dated and row.format in ("date", "date-time")) else 0
    told = "the format fits" if dated and points else "the type fits" if points else ""
    taken = [_takes(column, one) for one in source.examples]
    if taken and not any(taken):
        return None, ""
    if taken and not all(taken):
        return points - 15, "not every example fits"
    if (
        column.type is FieldType.STRING
        and column.length is not None
        and (row.max_length or 0) > column.length
    ):
        return points - 5, f"it may be longer than {column.length} characters"
    return (points + 15, "the example fits") if taken else (points, told)


def _takes(column: FieldSpec, value: JSON) -> bool:
    try:
        coercer(column, _UTC)(value)
    except MappingFailed:
        return False
    return True
