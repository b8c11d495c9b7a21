"""The proof: every counter-example is one, every offered change helps, and what cannot fail does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.definitions import Action
from hookstation.core.jsontext import Parsed, parse_json, plain_of
from hookstation.core.mapping import CompiledMapping, compile_mapping
from hookstation.core.proof import Change, Proof, Target, Verdict, apply_change, prove, read_change
from hookstation.core.proof.knowing import ALL_TYPES, Knowledge
from hookstation.core.proof.patterns import matching
from hookstation.core.records import EntitySpec, FieldSpec, FieldType, Instances, Parent
from hookstation.core.schema import compile_schema
from hookstation.core.template import Scope
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid, MappingFailed
from tests.support.payloads import payloads

AT = 1_795_339_800_123_000
PANEL = EntitySpec(
    "Panel",
    {
        "Text": FieldSpec("Text", FieldType.STRING, 10),
        "Needed": FieldSpec("Needed", FieldType.STRING, 5, required=True),
        "Grade": FieldSpec("Grade", FieldType.STRING, 10, values=("pass", "fail")),
        "Long": FieldSpec("Long", FieldType.STRING),
        "Count": FieldSpec("Count", FieldType.INTEGER),
        "Amount": FieldSpec("Amount", FieldType.DECIMAL, precision=6, scale=2),
        "Free": FieldSpec("Free", FieldType.DECIMAL),
        "Paid": FieldSpec("Paid", FieldType.BOOLEAN),
        "Day": FieldSpec("Day", FieldType.DATE),
        "Moment": FieldSpec("Moment", FieldType.DATETIME),
    },
    Parent.STANDALONE,
    Instances.MULTI,
    None,
)
TARGET = Target(PANEL, "America/Chicago")


def action(**fields: JSON) -> Action:
    return Action("insert_panel", "records", {"Needed": "x", **fields}, "Panel")


def shaped(required: Sequence[str] = ("a",), **properties: JSON) -> dict[str, JSON]:
    return {"type": "object", "properties": properties, "required": [*required]}


def mapping(schema: JSON, wanted: Action, target: Target = TARGET) -> CompiledMapping:
    return compile_mapping(wanted, target.spec, schema, target.zone, target.hidden)


def fails(compiled: CompiledMapping, payload: JSON) -> bool:
    try:
        compiled.map(Scope(payload, AT, "E" * 26, "hook"), AT)
    except MappingFailed:
        return True
    return False


def fits(schema: JSON, payload: JSON) -> bool:
    return compile_schema(schema).fits(Parsed(payload, plain_of(payload)))


def field(proof: Proof, name: str) -> Any:
    return next(one for one in proof.fields if one.field == name)


def check(schema: JSON, wanted: Action, proof: Proof, target: Target = TARGET) -> None:
    """Everything that a proof says, tried."""
    compiled = mapping(schema, wanted, target)
    for one in proof.fields:
        for finding in one.findings:
            assert fits(schema, finding.payload)
            assert fails(compiled, finding.payload)
            for change in finding.changes:
                assert change == read_change(change.as_json())
                after, then = apply_change(schema, wanted, change)
                assert not fits(after, finding.payload) or not fails(
                    mapping(after, then, target), finding.payload
                )


LEAVES: st.SearchStrategy[JSON] = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            [
                "string",
                "integer",
                "number",
                "boolean",
                ["string", "null"],
                ["integer", "string"],
                ["number", "null"],
            ]
        ),
        "maxLength": st.sampled_from([0, 3, 5, 10, 300]),
        "minLength": st.sampled_from([0, 1, 4]),
        "format": st.sampled_from(["date", "date-time", "email", "uuid"]),
        "pattern": st.sampled_from(["^[^\\u0000]*$", "^[0-9]+$", "^[a-z]{2,}-[0-9]?x$"]),
        "minimum": st.sampled_from([0, -5, Number("-0.5")]),
        "maximum": st.sampled_from([9, 1000, 2**31]),
        "multipleOf": st.sampled_from([1, Number("0.01"), Number("0.5")]),
        "enum": st.sampled_from([["pass", "fail"], ["pass", None], [1, "2"], [True], ["too long for it"]]),
    },
)
PLACES: st.SearchStrategy[JSON] = st.one_of(
    LEAVES,
    st.fixed_dictionaries({"anyOf": st.lists(LEAVES, min_size=1, max_size=2)}),
    st.builds(lambda one, other: {**one, "allOf": [other]}, LEAVES, LEAVES),
)
SCHEMAS: st.SearchStrategy[JSON] = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["object", ["object", "array"]]),
        "properties": st.fixed_dictionaries(
            {
                "a": PLACES,
                "b": st.fixed_dictionaries(
                    {"type": st.just("object"), "properties": st.fixed_dictionaries({"c": LEAVES})},
                    optional={"required": st.just(["c"])},
                ),
                "d": st.fixed_dictionaries(
                    {"type": st.just("array"), "items": LEAVES}, optional={"minItems": st.just(1)}
                ),
            }
        ),
    },
    optional={"required": st.sampled_from([["a"], ["a", "b"], ["a", "b", "d"]])},
)
TEMPLATES = st.sampled_from(
    [
        *("$$a$$", "$$b.c$$", "$$d.0$$", "no: $$a$$", "$$a$$$$b.c$$", "{{ a | upcase }}", "{{ a | floor }}"),
        *("{{ a | default: 'none' }}", "$$event_id$$", "$$headers.x$$", "lit"),
    ]
)
MAPPINGS = st.dictionaries(st.sampled_from([*PANEL.fields]), TEMPLATES, min_size=1, max_size=3)


def proven(schema: JSON, fields: Mapping[str, str]) -> tuple[Action, Proof] | None:
    wanted = replace(action(), fields={"Needed": "x", **fields})
    try:
        return wanted, prove(schema, wanted, TARGET)
    except Invalid:
        return None


@given(SCHEMAS, MAPPINGS)
def test_every_counter_example_fits_the_schema_and_fails_and_every_change_helps(
    schema: JSON, fields: dict[str, str]
) -> None:
    if (found := proven(schema, fields)) is not None:
        check(schema, *found)


@given(SCHEMAS, MAPPINGS, st.integers(0, 2**32))
def test_what_cannot_fail_takes_every_random_payload(schema: JSON, fields: dict[str, str], seed: int) -> None:
    if (found := proven(schema, fields)) is not None and found[1].verdict is Verdict.CANNOT_FAIL:
        compiled = mapping(schema, found[0])
        assert [] == [
            one for one in payloads(schema, compile_schema(schema), seed, 100) if fails(compiled, one)
        ]


@given(SCHEMAS, MAPPINGS, st.integers(0, 2**32))
def test_a_field_that_was_made_certain_takes_every_random_payload(
    schema: JSON, fields: dict[str, str], seed: int
) -> None:
    found = proven(schema, fields)
    for one in found[1].fields if found is not None else ():
        if found is not None and one.certain is not None:
            after, then = apply_change(schema, found[0], one.certain)
            assert Verdict.CANNOT_FAIL is field(prove(after, then, TARGET), one.field).verdict
            alone = mapping(after, replace(then, fields={"Needed": "x", one.field: then.fields[one.field]}))
            assert [] == [p for p in payloads(after, compile_schema(after), seed, 30) if fails(alone, p)]


CERTAIN: dict[str, JSON] = {
    "text": {"type": ["string", "null"], "maxLength": 10, "pattern": "^[^\\u0000]*$"},
    "grade": {"enum": ["pass", "fail", None]},
    "count": {"type": "integer", "minimum": -5, "maximum": 100},
    "amount": {"type": "number", "minimum": -9999, "maximum": 9999, "multipleOf": Number("0.01")},
    "paid": {"type": "boolean"},
    "day": {"type": "string", "format": "date", "pattern": "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$"},
}


def test_ten_thousand_random_payloads_pass_a_mapping_that_is_proven() -> None:
    schema = shaped(("text",), **CERTAIN)
    wanted = action(
        Text="$$text$$", Grade="$$grade$$", Count="$$count$$", Amount="$$amount$$", Paid="$$paid$$", Day="$$day$$",
        Long="$$day$$: $$text$$ $$paid$$ $$count$$ {{ amount }}",
    )  # fmt: skip
    assert Verdict.CANNOT_FAIL is prove(schema, wanted, TARGET).verdict
    compiled = mapping(schema, wanted)
    tried = payloads(schema, compile_schema(schema), 7, 10_000)
    assert 10_000 == len(tried)
    assert [] == [one for one in tried if fails(compiled, one)]


@pytest.mark.parametrize(
    ("schema", "fields", "name", "risk", "rare"),
    [
        (shaped((), a={"type": "string"}), {"Needed": "$$a$$"}, "Needed", "missing", False),
        (shaped(a={"type": ["string", "null"]}), {"Needed": "$$a$$"}, "Needed", "null", False),
        (shaped(a={"type": "string"}), {"Needed": "$$a$$"}, "Needed", "empty", False),
        (shaped((), a={"type": "string"}), {"Needed": "$$a$$$$b$$"}, "Needed", "empty", False),
        (shaped(a={"type": "string"}), {"Text": "$$a$$"}, "Text", "too-long", False),
        (shaped(a={"type": "string", "maxLength": 10}), {"Text": "no $$a$$"}, "Text", "too-long", False),
        (shaped(a={"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"}), {"Text": "$$a$$"}, "Text", "too-long", False),
        (shaped(a={"type": "integer"}), {"Text": "$$a$$"}, "Text", "too-long", False),
        (shaped(a={"type": "integer", "minimum": 0, "maximum": 99}), {"Text": "$$a$$"}, "Text", "too-long", True),
        (shaped(a={"type": "string", "format": "email"}), {"Text": "$$a$$"}, "Text", "too-long", False),
        (shaped(a={"type": "array"}), {"Text": "$$a$$"}, "Text", "too-long", False),
        (shaped(a={"type": "string", "maxLength": 5}), {"Text": "$$a$$"}, "Text", "null-character", True),
        (shaped(a={"type": "string"}), {"Long": "$$a$$"}, "Long", "too-long", True),
        (shaped(a={"type": "string"}), {"Grade": "$$a$$"}, "Grade", "not-among-values", False),
        (shaped(a={"type": "string"}), {"Count": "$$a$$"}, "Count", "wrong-type", False),
        (shaped(a={"type": "number"}), {"Count": "$$a$$"}, "Count", "out-of-range", False),
        (shaped(a={"type": "integer"}), {"Count": "$$a$$"}, "Count", "out-of-range", False),
        (shaped(a={"type": "boolean"}), {"Amount": "$$a$$"}, "Amount", "wrong-type", False),
        (shaped(a={"type": "number", "maximum": 9}), {"Amount": "$$a$$"}, "Amount", "out-of-range", False),
        (shaped(a={"type": "integer"}), {"Free": "$$a$$"}, "Free", "out-of-range", True),
        (shaped(a={"type": "integer"}), {"Paid": "$$a$$"}, "Paid", "wrong-type", False),
        (shaped(a={"type": "string"}), {"Day": "$$a$$"}, "Day", "not-a-date", False),
        (shaped(a={"type": "string", "format": "date"}), {"Day": "$$a$$"}, "Day", "not-a-date", True),
        (shaped(a={"type": "string", "format": "date-time"}), {"Moment": "$$a$$"}, "Moment", "not-a-date", True),
        (shaped(a={"type": "integer"}), {"Moment": "$$a$$"}, "Moment", "wrong-type", False),
        (shaped(a={"type": "string"}), {"Long": "{{ a | floor }}"}, "Long", "template", False),
    ],
)  # fmt: skip
def test_each_way_to_fail_is_found(
    schema: JSON, fields: dict[str, JSON], name: str, risk: str, rare: bool
) -> None:
    wanted = action(**fields)
    open_schema: JSON = {**schema, "additionalProperties": True}  # type: ignore[dict-item]
    proof = prove(open_schema, wanted, TARGET)
    check(open_schema, wanted, proof)
    assert (risk, rare) in [(one.risk.value, one.rare) for one in field(proof, name).findings]
    assert Verdict.CAN_FAIL is proof.verdict


def test_a_header_that_may_be_missing_is_found_and_no_change_is_offered() -> None:
    told = field(prove({"type": "object"}, action(Needed="$$headers.x$$"), TARGET), "Needed")
    assert [("missing", ())] == [(one.risk.value, one.changes) for one in told.findings]


def test_a_match_that_may_be_missing_or_null_can_fail() -> None:
    schema = shaped((), a={"type": ["string", "null"]})
    wanted = Action("upsert_panel", "records", {"Needed": "x"}, "Panel", {"Text": "$$a$$"})
    proof = prove(schema, wanted, TARGET)
    check(schema, wanted, proof)
    assert {"missing", "null"} <= {one.risk.value for one in field(proof, "Text").findings}


def test_a_missing_list_element_and_a_missing_holder_are_found_and_required() -> None:
    inner: JSON = {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}}
    schema, wanted = shaped((), lines=inner), action(Needed="$$lines.0.sku$$")
    proof = prove(schema, wanted, TARGET)
    check(schema, wanted, proof)
    missing = next(one for one in field(proof, "Needed").findings if one.risk == "missing")
    after, _ = apply_change(schema, wanted, missing.changes[0])
    assert [False, False, False, True] == [
        fits(after, parse_json(one).value)
        for one in (b"{}", b'{"lines":[]}', b'{"lines":[{}]}', b'{"lines":[{"sku":"x"}]}')
    ]


def test_a_demand_behind_a_reference_is_written_beside_it() -> None:
    schema: JSON = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/text"}},
        "required": ["a"],
        "$defs": {"text": {"type": "string"}},
    }
    wanted = action(Text="$$a$$")
    one = field(prove(schema, wanted, TARGET), "Text")
    after: Any = apply_change(schema, wanted, one.certain)[0]
    assert {"$ref": "#/$defs/text"} == after["properties"]["a"]
    assert 10 == after["allOf"][0]["properties"]["a"]["maxLength"]


def test_a_change_that_would_refuse_a_sample_is_not_offered() -> None:
    schema, wanted = shaped(a={"type": "string"}), action(Text="$$a$$")
    long: JSON = {"a": "longer than ten characters"}
    with_sample = field(prove(schema, wanted, TARGET, [long]), "Text")
    assert [] == [one.changes for one in with_sample.findings if one.risk == "too-long" and one.changes]
    assert with_sample.certain is None
    assert field(prove(schema, wanted, TARGET), "Text").certain is not None


def test_a_constant_an_event_id_and_an_activity_without_its_date_cannot_fail() -> None:
    wanted = Action(
        "insert_activity", "imis", {"ID": "$$a$$", "ActivityType": "LMS", "SourceCode": "$$event_id$$",
                                    "TransactionDate": "$$when$$"}
    )  # fmt: skip
    strict = prove(
        shaped(
            a={"type": "string", "minLength": 1, "maxLength": 10, "pattern": "^[0-9]+$"},
            when={"type": "null"},
        ),
        wanted,
        Target(ACTIVITY_SPEC),
    )
    assert Verdict.CANNOT_FAIL is strict.verdict


def test_what_cannot_be_decided_is_said_to_be_not_proven() -> None:
    clean: JSON = {"type": "string", "maxLength": 3, "pattern": "^[0-9]+$"}
    liquid = prove(shaped(a=clean), action(Text="{{ a | upcase }}"), TARGET)
    assert ["not-proven"] == [field(liquid, "Text").verdict.value]
    unmade = shaped(a={"type": "string", "pattern": "^(?i)(ab){2}$", "allOf": [{"not": {"const": "abab"}}]})
    told = field(prove(unmade, action(Text="$$a$$"), TARGET), "Text")
    assert (Verdict.NOT_PROVEN, True) == (told.verdict, "give a sample" in told.why)


def test_the_search_ends_with_its_budget_and_says_so() -> None:
    proof = prove(shaped(a={"type": "string"}), action(Text="$$a$$"), TARGET, budget=2)
    assert (True, Verdict.NOT_PROVEN) == (proof.exhausted, field(proof, "Text").verdict)
    assert "search ended" in field(proof, "Text").why


def test_a_schema_that_would_cost_too_much_is_not_followed_to_the_end() -> None:
    branches: JSON = {"type": "string"}
    for _ in range(4):
        branches = {"anyOf": [branches] * 40}
    assert ALL_TYPES == Knowledge(branches).at(()).types
    long = prove(shaped(a={"type": "string", "minLength": 10**9}), action(Text="$$a$$"), TARGET)
    assert Verdict.NOT_PROVEN is field(long, "Text").verdict


def test_the_proof_is_the_same_each_time() -> None:
    schema, wanted = shaped(a={"type": ["string", "integer", "null"]}), action(Text="$$a$$", Count="$$a$$")
    assert prove(schema, wanted, TARGET) == prove(schema, wanted, TARGET)


def test_a_mapping_that_cannot_stand_is_refused() -> None:
    with pytest.raises(Invalid, match="required and is not mapped"):
        prove({}, Action("insert_panel", "records", {}, "Panel"), TARGET)


@pytest.mark.parametrize(
    "document",
    [
        7,
        {"schema": [{"path": [True]}]},
        {"schema": [{"path": [-1]}]},
        {"schema": [{"path": ["a"], "keywords": {"$ref": "x"}}]},
        {"schema": [{"path": ["a"], "present": 1}]},
        {"schema": [{"path": []}] * 51},
        {"templates": [{"part": "type", "field": "a", "template": "x"}]},
        {"templates": [{"part": "fields", "field": "a"}]},
    ],
)
def test_a_change_that_no_proof_told_is_refused(document: JSON) -> None:
    with pytest.raises(Invalid):
        read_change(document)


@pytest.mark.parametrize(
    ("pattern", "length", "expected"),
    [
        ("^[0-9]{1,10}@", 0, "0@"),
        ("^[A-Z]{2}-\\d+$", 8, "AA-00000"),
        ("^(?:ab|cd)*x?$", 5, "ababx"),
        ("a.c\\.d", 0, "axc.d"),
        ("(?=a)", 0, None),
        ("[", 0, None),
        ("\\p{L}", 0, None),
        ("(a", 0, None),
        ("[a&&b]", 0, None),
        ("(" * 60 + ")" * 60, 0, None),
    ],
)
def test_a_text_for_a_pattern(pattern: str, length: int, expected: str | None) -> None:
    assert expected == matching(pattern, length)


def test_a_change_without_a_place_in_the_schema_is_still_one() -> None:
    change = Change("nothing")
    assert ({"type": "object"}, action()) == apply_change({"type": "object"}, action(), change)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"$ref": "#/$defs/t", "$defs": {"t": {"type": "string"}}}, {"string"}),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/t", "type": "null",
          "definitions": {"t": {"type": "string"}}}, {"string"}),
        ({"$ref": "#/$defs/t", "type": ["string", "null"], "$defs": {"t": {"type": ["null", "integer"]}}}, {"null"}),
        ({"$ref": "#/nowhere"}, set(ALL_TYPES)),
        ({"$ref": "#/$defs/t", "$defs": {"t": {"$id": "http://other", "type": "string"}}}, set(ALL_TYPES)),
        ({"$ref": "#"}, set(ALL_TYPES)),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"string", "null"}),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, {"number"}),
        ({"type": "number", "allOf": [{"type": "integer"}]}, {"integer"}),
        ({"enum": [1, "a", None]}, {"integer", "string", "null"}),
        ({"const": Number("1.5")}, {"number"}),
        ({"type": "string", "const": 1}, set()),
    ],
)  # fmt: skip
def test_what_is_known_of_a_type_is_never_more_than_the_schema_says(schema: JSON, expected: set[str]) -> None:
    assert expected == Knowledge(schema).at(()).types


def test_that_a_value_is_there_is_known_only_where_its_holder_is_an_object_or_list_for_sure() -> None:
    inner: JSON = {"properties": {"a": {"type": "array", "minItems": 2}}, "required": ["a"]}
    assert [True, False] == [
        Knowledge(one).at(("a",)).may_miss
        for one in (inner, {**inner, "type": "object"})  # type: ignore[dict-item]
    ]
    sure: JSON = {**inner, "type": "object"}  # type: ignore[dict-item]
    assert [False, True, True] == [Knowledge(sure).at(("a", part)).may_miss for part in (1, 2, -1)]
