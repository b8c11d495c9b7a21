"""What can still fail in a mapping, shown by payloads that the schema takes and the mapping does not.

Three verdicts.  *Cannot fail* is a proof: what the schema says excludes every failure.  *Can fail* is shown by a
payload that was run through both.  *Not proven* is neither, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hookstation.core.definitions import Action
from hookstation.core.jsontext import Parsed, plain_of
from hookstation.core.mapping import CompiledMapping, compile_mapping
from hookstation.core.mapping_checks import Draft, DraftField, draft_mapping
from hookstation.core.proof.certain import (
    NO_NUL,
    digits_of,
    longest_piece,
    longest_text,
    no_nul,
    surely_fits,
    text_room,
)
from hookstation.core.proof.changes import Change, apply_change
from hookstation.core.proof.knowing import Knowledge, Known
from hookstation.core.proof.making import Maker, with_value
from hookstation.core.proof.probes import Probe, Risk, probes, risk_of
from hookstation.core.proof.remedies import DEFAULTED, FLOORED, Case, certainty, remedies
from hookstation.core.proof.verdicts import FieldProof, Finding, Proof, Verdict
from hookstation.core.records import EntitySpec, FieldType, Operation
from hookstation.core.schema import CompiledSchema, compile_schema
from hookstation.core.schema_paths import declared_facts
from hookstation.core.template import (
    ANY,
    FACTS,
    MISSING,
    Path,
    Scope,
    Template,
    TemplateKind,
    Value,
    compile_template,
)
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.errors import Invalid, MappingFailed

MOST_STEPS: Final = 6_000
"""Payloads that are tried for one proof."""
CHEAP: Final = 200
"""Values of a payload up to which trying it is one step; a larger one is several."""
CHANGE_STEPS: Final = 20
"""What trying a change costs: schema and mapping are compiled for it."""
MOST_SAMPLES: Final = 10
AT: Final = 1_795_339_800_000_000
"""A moment of receipt, in microseconds since the epoch: any will do."""
EVENT_ID: Final = "01KAR7Q4G0" + "0" * 16


@dataclass(frozen=True, slots=True)
class Target:
    """Where a mapping leads: the entity, the connection's zone, the headers that no template reads."""

    spec: EntitySpec
    zone: str = "UTC"
    hidden: frozenset[str] = frozenset()


def prove(
    schema: JSON, action: Action, target: Target, samples: Sequence[JSON] = (), budget: int = MOST_STEPS
) -> Proof:
    """Prove each field of a mapping, or show how it fails.

    `samples`: real payloads to begin from.  `budget`: how many payloads may be tried in all.  Raises `Invalid` where
    the schema or the mapping cannot stand at all.
    """
    return _Prover(schema, action, target, samples, budget).prove()


class _Spent(Exception):
    """The budget is used up."""


class _Prover:
    def __init__(
        self, schema: JSON, action: Action, target: Target, samples: Sequence[JSON], budget: int
    ) -> None:
        self.schema, self.action, self.target, self.left, self.budget = schema, action, target, budget, budget
        self.compiled = compile_schema(schema)
        self.mapping = self._mapped(schema, action)
        self.draft: Draft = draft_mapping(action, target.spec, schema, target.zone, target.hidden)
        self.knowledge = Knowledge(schema)
        self.declared = declared_facts(schema)
        self.maker = Maker(self.knowledge, full=False)
        self.samples = [one for one in samples[:MOST_SAMPLES] if _fits(self.compiled, one)]
        self.bases = [*self.samples, *self._made()]
        self.cost = 1 + max(map(_size, self.bases), default=0) // CHEAP

    def _mapped(self, schema: JSON, action: Action) -> CompiledMapping:
        return compile_mapping(action, self.target.spec, schema, self.target.zone, self.target.hidden)

    def _made(self) -> list[JSON]:
        candidates = [Maker(self.knowledge, full=True).payload(), self.maker.payload()]
        return [one for one in candidates if isinstance(one, dict | list) and _fits(self.compiled, one)]

    def prove(self) -> Proof:
        proofs = []
        inserts = self.draft.operation is not Operation.UPDATE
        for part, fields, written in (
            ("fields", self.draft.fields, self.action.fields),
            ("match", self.draft.match, self.action.match),
        ):
            names = {one.name: name for one, name in zip(fields, written, strict=False)}
            for one in fields:
                needed = part == "match" or (
                    inserts and one.spec.required and one.name != self.draft.moment_field
                )
                name = names[one.name]
                proofs.append(_FieldProver(self, part, name, written[name], one, needed=needed).prove())
        return Proof(tuple(proofs), self.budget - self.left, self.left <= 0)

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left <= 0:
            raise _Spent

    def helps(self, change: Change, payload: JSON) -> bool:
        """Whether with `change` the payload is refused or mapped, and every sample is taken as before."""
        self.spend(CHANGE_STEPS)
        try:
            schema, action = apply_change(self.schema, self.action, change)
            compiled, mapping = compile_schema(schema), self._mapped(schema, action)
        except Invalid:
            return False
        if not all(_fits(compiled, one) for one in self.samples):
            return False
        return not _fits(compiled, payload) or _failure(mapping, payload) == ""


def _size(value: JSON) -> int:
    """How many values a payload has."""
    count, stack = 0, [value]
    while stack:
        node = stack.pop()
        count += 1
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return count


def _fits(compiled: CompiledSchema, payload: JSON) -> bool:
    return compiled.fits(Parsed(payload, plain_of(payload)))


def _scope(payload: JSON) -> Scope:
    return Scope(payload, AT, EVENT_ID, "webhook")


def _failure(mapping: CompiledMapping, payload: JSON) -> str:
    try:
        mapping.map(_scope(payload), AT)
    except MappingFailed as failed:
        return failed.message
    return ""


class _FieldProver:
    def __init__(
        self, whole: _Prover, part: str, written: str, source: JSON, field: DraftField, *, needed: bool
    ) -> None:
        self.whole, self.part, self.written, self.field, self.needed = whole, part, written, field, needed
        required = needed or (part == "match") or field.spec.required
        self.spec = replace(field.spec, required=required)
        self.template = compile_template(source, whole.declared) if isinstance(source, str) else None
        self.case = self._case(self.template)

    def _case(self, template: Template | None) -> Case:
        names = template.names if template is not None else ()
        paths = [name.path for name in names if name.path[0] not in FACTS]
        known = {path: self.whole.knowledge.at(path) for path in paths}
        lone = template is not None and template.kind is TemplateKind.PROPERTY
        liquid = template is not None and template.kind is TemplateKind.LIQUID
        fixed = 0 if lone or template is None else len(self._evaluated({}) or "")
        party = self.field.name == self.whole.target.spec.party_field
        return Case(self.part, self.written, self.spec, known, lone, fixed, party, liquid)

    def _evaluated(self, payload: JSON) -> str | None:
        try:
            return text_of(self.field.evaluate(_scope(payload)))
        except MappingFailed:
            return None

    def prove(self) -> FieldProof:
        if self.template is None or self.template.kind is TemplateKind.LITERAL:
            return self._said(Verdict.CANNOT_FAIL, "It is always the same value, and that fits.")
        if self._surely():
            return self._said(Verdict.CANNOT_FAIL, "The schema refuses everything that would not fit.")
        findings: dict[Risk, Finding] = {}
        spent = False
        try:
            for finding in self._search(findings):
                findings[finding.risk] = finding
        except _Spent:
            spent = True
        certain = self._certain(spent=spent)
        if findings:
            ordered = tuple(sorted(findings.values(), key=lambda one: one.rare))
            return self._said(Verdict.CAN_FAIL, ordered[0].reason, ordered, certain)
        return self._said(Verdict.NOT_PROVEN, self._doubt(spent=spent), (), certain)

    def _said(
        self, verdict: Verdict, why: str, findings: tuple[Finding, ...] = (), certain: Change | None = None
    ) -> FieldProof:
        return FieldProof(self.part, self.field.name, verdict, why, findings, certain)

    def _doubt(self, *, spent: bool) -> str:
        if not self.whole.bases:
            return "No payload that fits the schema could be made: give a sample, and it will be tried from there."
        if spent:
            return "The search ended before everything was tried; nothing that fails was found so far."
        return "Nothing that fails was found, but what the schema says does not exclude it."

    # -- what is certain

    def _surely(self) -> bool:
        assert self.template is not None
        if self.template.kind is TemplateKind.PROPERTY:
            known = self._fact() or next(iter(self.case.known.values()), Known())
            if known.may_miss and self.needed:
                return False
            return surely_fits(known, self.spec, self.field.fit)
        if self.spec.type is not FieldType.STRING or self.spec.values:
            return False
        if self.template.kind is TemplateKind.TEXT:
            return self._text_fits()
        return self._filtered_fits()

    def _fact(self) -> Known | None:
        """What is known of a lone fact of the call; headers and the query may hold anything."""
        assert self.template is not None
        path = self.template.path
        if not path or path[0] not in FACTS:
            return None
        longest = _FACT_LENGTHS.get(path)
        if longest is None or not self.template.own:
            return Known()
        return Known(
            may_miss=False,
            types=frozenset({"string"}),
            shortest=1,
            longest=longest,
            patterns=frozenset({NO_NUL}),
        )

    def _text_fits(self) -> bool:
        assert self.template is not None
        total = self.case.fixed
        filled = self.case.fixed > 0 or not self.spec.required
        for name in self.template.names:
            known = self.case.known.get(name.path)
            if known is None:
                longest = _FACT_LENGTHS.get(name.path) if name.path[0] not in self.whole.declared else None
            else:
                longest = longest_piece(known) if "string" not in known.types or no_nul(known) else None
                filled = filled or (not known.may_miss and known.types == {"string"} and known.shortest > 0)
            if longest is None:
                return False
            total += longest
        return filled and total <= text_room(self.spec)

    def _filtered_fits(self) -> bool:
        """Whether it is one of the two templates that the offered changes write, and fits."""
        assert self.template is not None
        if len(self.case.known) != 1:
            return False
        known = next(iter(self.case.known.values()))
        room = text_room(self.spec)
        if FLOORED.fullmatch(self.template.source):
            digits = digits_of(known)
            return not (known.may_miss and self.needed) and digits is not None and digits <= room
        defaulted = DEFAULTED.fullmatch(self.template.source)
        if (
            defaulted is None
            or not defaulted[2]
            or len(defaulted[2]) > room
            or known.types - {"string", "null"}
        ):
            return False
        longest = longest_text(known)
        return longest is not None and longest <= room and no_nul(known)

    # -- what fails

    def _search(self, found: Mapping[Risk, Finding]) -> Iterator[Finding]:
        for payload, rare in self._tries():
            self.whole.spend(self.whole.cost)
            failed = self._fails(payload)
            if failed is None or failed[0] in found or not _fits(self.whole.compiled, payload):
                continue
            risk, reason = failed
            if _failure(self.whole.mapping, payload):
                yield Finding(risk, rare, reason, payload, self._changes(risk, payload))

    def _tries(self) -> Iterator[tuple[JSON, bool]]:
        yield from ((base, False) for base in self.whole.bases)
        room = self.case.room()
        tries = [
            (path, probe)
            for path, known in self.case.known.items()
            for probe in probes(known, self.spec, room)
        ]
        for path, probe in sorted(tries, key=lambda one: one[1].rare):
            where = tuple(0 if part == ANY else part for part in path)
            for base in self.whole.bases[:3]:
                yield from ((payload, probe.rare) for payload in self._placed(base, where, probe))
        yield from ((base, False) for base in self._all_missing())

    def _placed(self, base: JSON, path: Path, probe: Probe) -> Iterator[JSON]:
        if probe.value is not MISSING:
            yield with_value(base, path, probe.value, self.whole.maker)
            return
        for depth in range(len(path), 0, -1):
            yield with_value(base, path[:depth], MISSING, self.whole.maker)
            if depth < len(path):
                for instead in _NO_HOLDERS:
                    yield with_value(base, path[:depth], instead, self.whole.maker)
        yield from ([], {})

    def _all_missing(self) -> Iterator[JSON]:
        """Payloads without any of the properties: a text is empty only where all of them are."""
        for base in self.whole.bases:
            bare = base
            for path in self.case.known:
                bare = with_value(
                    bare, tuple(0 if part == ANY else part for part in path), MISSING, self.whole.maker
                )
            yield bare

    def _fails(self, payload: JSON) -> tuple[Risk, str] | None:
        """How this field alone fails for the payload."""
        try:
            value: Value = self.field.evaluate(_scope(payload))
        except MappingFailed as failed:
            return Risk.TEMPLATE, failed.reason
        if value is MISSING:
            return (Risk.MISSING, "The payload does not have it.") if self.needed else None
        if value is None and self.part == "match":
            return Risk.NULL, "null, by which no record can be found."
        try:
            self.field.fit(value)
        except MappingFailed as failed:
            return risk_of(value, self.spec), failed.reason
        return None

    def _changes(self, risk: Risk, payload: JSON) -> tuple[Change, ...]:
        return tuple(one for one in remedies(self.case, risk) if self.whole.helps(one, payload))

    def _certain(self, *, spent: bool) -> Change | None:
        """The change that makes this field certain, where trying it shows that it does."""
        change = None if spent else certainty(self.case)
        if change is None:
            return None
        try:
            self.whole.spend(CHANGE_STEPS)
            schema, action = apply_change(self.whole.schema, self.whole.action, change)
            after = _Prover(schema, action, self.whole.target, self.whole.samples, 1)
            if len(after.samples) < len(self.whole.samples):
                return None
        except (Invalid, _Spent):
            return None
        fields = after.draft.fields if self.part == "fields" else after.draft.match
        own = next(one for one in fields if one.name == self.field.name)
        source = (action.fields if self.part == "fields" else action.match)[self.written]
        proven = _FieldProver(after, self.part, self.written, source, own, needed=self.needed)
        return change if proven._surely() else None


_NO_HOLDERS: Final[tuple[JSON, ...]] = (None, {}, [], "")
"""What may stand where a property's holder is expected."""

_FACT_LENGTHS: Final[Mapping[Path, int]] = {("event_id",): 26, ("received_at",): 24, ("webhook", "name"): 64}
"""Characters of the facts of a call that are always there."""
