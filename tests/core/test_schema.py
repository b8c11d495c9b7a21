"""Payloads against schemas: verdicts over five drafts, and violations in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookstation.core.jsontext import parse_json
from hookstation.core.schema import CompiledSchema, compile_schema, parse_schema_text
from hookstation.core.schema_words import Violation
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_6 = "http://json-schema.org/draft-06/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"
ALL = (DRAFT_4, DRAFT_6, DRAFT_7, DRAFT_2019, DRAFT_2020)
FROM_6, FROM_7, FROM_2019 = ALL[1:], ALL[2:], ALL[3:]
UP_TO_7 = ALL[:3]

CASES: tuple[tuple[tuple[str, ...], str, list[str], list[str]], ...] = (
    # drafts, schema, payloads that fit, payloads that do not; each payload is the value of "v"
    (ALL, '{"type":"integer"}', ["1", "-7", str(2**70)], ["1.5", '"1"', "true", "null"]),
    (FROM_6, '{"type":"integer"}', ["1.0", "1e5"], ["1e-1"]),
    (ALL, '{"type":["string","null"]}', ['"a"', "null"], ["1", "{}"]),
    (ALL, '{"minimum":19.90}', ["19.9", "19.900", "20", '"x"'], ["19.89", "-1e5"]),
    (ALL, '{"multipleOf":0.01}', ["19.90", "0.07", "1e300"], ["19.905"]),
    (ALL, '{"enum":[1,"a",null]}', ["1", '"a"', "null"], ["2", '"b"', "false"]),
    (FROM_6, '{"const":{"a":[1]}}', ['{"a":[1]}', '{"a":[1.0]}'], ['{"a":[true]}', "{}"]),
    (ALL, '{"minLength":2,"maxLength":3}', ['"😀😀"', '"abc"'], ['"é"', '"abcd"']),
    (ALL, '{"pattern":"^[A-Z]{2}-\\\\d+$"}', ['"AB-1"'], ['"ab-1"', '"AB-"']),
    (ALL, '{"uniqueItems":true}', ["[1,2]", '[{"a":1},{"a":2}]'], ["[1,1]", "[1,1.0]", '[{"a":1},{"a":1}]']),
    (ALL, '{"minItems":1,"maxItems":2}', ["[1]", "[1,2]"], ["[]", "[1,2,3]"]),
    (ALL, '{"minProperties":1,"maxProperties":1}', ['{"a":1}'], ["{}", '{"a":1,"b":2}']),
    (ALL, '{"required":["a"]}', ['{"a":null}', "1"], ["{}"]),
    (ALL, '{"properties":{"a":{"type":"string"}},"additionalProperties":false}', ['{"a":"x"}'], ['{"b":1}']),
    (ALL, '{"patternProperties":{"^n":{"type":"number"}}}', ['{"n":1,"m":"x"}'], ['{"n1":"x"}']),
    (ALL, '{"items":{"type":"string"}}', ['["a"]', "[]"], ['["a",1]']),
    (UP_TO_7, '{"items":[{"type":"string"}],"additionalItems":false}', ['["a"]'], ["[1]", '["a",1]']),
    ((DRAFT_2020,), '{"prefixItems":[{"type":"string"}],"items":false}', ['["a"]'], ["[1]", '["a",1]']),
    (FROM_6, '{"contains":{"type":"null"}}', ["[1,null]"], ["[1]", "[]"]),
    (FROM_2019, '{"contains":{"type":"null"},"minContains":2}', ["[null,null]"], ["[null]"]),
    (ALL, '{"allOf":[{"minimum":1},{"maximum":3}]}', ["2"], ["0", "4"]),
    (ALL, '{"anyOf":[{"type":"string"},{"minimum":5}]}', ['"x"', "5"], ["4"]),
    (ALL, '{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}', ["2", "3"], ["6", "7"]),
    (ALL, '{"not":{"type":"null"}}', ["1"], ["null"]),
    (FROM_7, '{"if":{"minimum":10},"then":{"multipleOf":10}}', ["9", "20"], ["11"]),
    (FROM_6, '{"propertyNames":{"maxLength":2}}', ['{"ab":1}'], ['{"abc":1}']),
    (UP_TO_7, '{"dependencies":{"a":["b"]}}', ['{"b":1}', '{"a":1,"b":1}'], ['{"a":1}']),
    (FROM_2019, '{"dependentRequired":{"a":["b"]}}', ['{"b":1}'], ['{"a":1}']),
    (FROM_2019, '{"properties":{"a":true},"unevaluatedProperties":false}', ['{"a":1}'], ['{"b":1}']),
    ((DRAFT_4,), '{"minimum":5,"exclusiveMinimum":true}', ["6"], ["5"]),
    (FROM_6, '{"exclusiveMinimum":5}', ["5.1"], ["5"]),
    (ALL, '{"$ref":"#/definitions/s"}', ['"x"'], ["1"]),
    (FROM_6, '{"$ref":"#/definitions/s/properties/deep"}', ["null"], ["1"]),
)
FORMATS: tuple[tuple[tuple[str, ...], str, str, str], ...] = (
    (ALL, "date-time", "2026-11-22T09:30:00Z", "2026-11-22 09:30"),
    (ALL, "date", "2024-02-29", "2026-02-29"),
    (ALL, "time", "09:30:00+01:00", "25:00:00Z"),
    (ALL, "email", "ana@example.org", "ana.example.org"),
    (ALL, "hostname", "example.org", "-a-.example"),
    (ALL, "ipv4", "192.0.2.1", "192.0.2.256"),
    (ALL, "ipv6", "2001:db8::1", "2001:db8::g"),
    (ALL, "uri", "https://example.org/a?b#c", "/only/a/path"),
    (ALL, "regex", "^a+$", "(a"),
    (FROM_6, "uri-reference", "/a", "\\\\a"),
    (FROM_6, "json-pointer", "/a/0", "a/0"),
    (FROM_6, "uri-template", "/a/{b}", "/a/{b"),
    (FROM_7, "iri", "https://example.org/é", "é"),
    (FROM_7, "relative-json-pointer", "1/a", "/a"),
    (FROM_7, "idn-hostname", "münchen.example", "-ü"),
    (FROM_2019, "uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08"),
    (FROM_2019, "duration", "P3DT12H", "3 days"),
)


def in_draft(draft: str, schema: str) -> CompiledSchema:
    """The schema applied to the property `v`, in a draft."""
    definitions: dict[str, JSON] = {"s": {"type": "string", "properties": {"deep": {"type": "null"}}}}
    inner = parse_schema_text(schema)
    return compile_schema({"$schema": draft, "properties": {"v": inner}, "definitions": definitions})


def found(schema: JSON, payload: str) -> list[Violation]:
    """The violations of a payload."""
    return compile_schema(schema).violations(parse_json(payload.encode()))


def one(schema: JSON, payload: str) -> Violation:
    """The only violation of a payload."""
    (violation,) = found(schema, payload)
    return violation


@pytest.mark.parametrize(("drafts", "schema", "good", "bad"), CASES, ids=[case[1] for case in CASES])
def test_a_keyword_says_yes_and_no_in_every_draft_that_has_it(
    drafts: tuple[str, ...], schema: str, good: list[str], bad: list[str]
) -> None:
    for compiled in [in_draft(draft, schema) for draft in drafts]:
        fits = {
            value: not compiled.violations(parse_json(f'{{"v":{value}}}'.encode())) for value in good + bad
        }
        assert fits == dict.fromkeys(good, True) | dict.fromkeys(bad, False)


@pytest.mark.parametrize(("drafts", "name", "good", "bad"), FORMATS, ids=[case[1] for case in FORMATS])
def test_a_format_is_asserted_in_every_draft_that_has_it(
    drafts: tuple[str, ...], name: str, good: str, bad: str
) -> None:
    for compiled in [in_draft(draft, json.dumps({"format": name})) for draft in drafts]:
        assert compiled.violations(parse_json(json.dumps({"v": good}).encode())) == []
        (violation,) = compiled.violations(parse_json(json.dumps({"v": bad}).encode()))
        assert (violation.path, violation.rule) == ("/v", "format")
        assert violation.message.startswith("v: must be a")


@pytest.mark.parametrize("schema", [{}, {"$schema": ""}, {"$schema": DRAFT_2020}])
def test_without_a_draft_a_schema_is_2020_12(schema: dict[str, JSON]) -> None:
    assert one({**schema, "prefixItems": [{"type": "null"}]}, "[1]").path == "/0"


def test_true_takes_anything_and_false_nothing() -> None:
    assert found(True, '{"a":1e5}') == []
    assert one(False, "{}").message == "(the whole body): is not allowed here; leave it out"


SENTENCES: tuple[tuple[Any, str, str, str, str], ...] = (
    # schema, payload, path, rule, message
    ({"type": "object"}, "[]", "", "type", "(the whole body): must be an object, but is a list"),
    (
        {"properties": {"a": {"type": "number"}}},
        '{"a":"x"}',
        "/a",
        "type",
        "a: must be a number, but is text",
    ),
    (
        {"properties": {"a": {"type": "integer"}}},
        '{"a":1.5}',
        "/a",
        "type",
        "a: must be a whole number, but is 1.5",
    ),
    (
        {"properties": {"a": {"type": ["string", "null"]}}},
        '{"a":true}',
        "/a",
        "type",
        "a: must be text or null, but is true",
    ),
    ({"required": ["a/b"]}, "{}", "/a~1b", "required", "a/b: is required, but missing"),
    (
        {"dependentRequired": {"a": ["b"]}},
        '{"a":1}',
        "/b",
        "required",
        "b: is required because of another property that was sent, but missing",
    ),
    (
        {"additionalProperties": False},
        '{"a~":1}',
        "/a~0",
        "additionalProperties",
        "a~: this property is not expected; remove it, or allow it in the schema",
    ),
    ({"items": {"enum": ["a", "b"]}}, '["c"]', "/0", "enum", "0: must be one of “a” or “b”, but is “c”"),
    ({"items": {"const": "a"}}, "[null]", "/0", "const", "0: must be exactly “a”, but is null"),
    (
        {"items": {"minLength": 2}},
        '["x"]',
        "/0",
        "minLength",
        "0: must have at least 2 characters, but has 1",
    ),
    (
        {"items": {"maxLength": 1}},
        '["xyz"]',
        "/0",
        "maxLength",
        "0: must have at most 1 character, but has 3",
    ),
    (
        {"items": {"pattern": "^[A-Z]+$"}},
        '["x"]',
        "/0",
        "pattern",
        "0: must match the pattern ^[A-Z]+$, but is “x”",
    ),
    ({"minItems": 2}, "[1]", "", "minItems", "(the whole body): must have at least 2 entries, but has 1"),
    (
        {"items": {"minimum": Number("19.90")}},
        "[19.8]",
        "/0",
        "minimum",
        "0: must be at least 19.90, but is 19.8",
    ),
    ({"items": {"exclusiveMaximum": 5}}, "[5]", "/0", "exclusiveMaximum", "0: must be less than 5, but is 5"),
    (
        {"items": {"multipleOf": Number("0.010")}},
        "[1.005]",
        "/0",
        "multipleOf",
        "0: must be a multiple of 0.010, but is 1.005",
    ),
    (
        {"uniqueItems": True},
        "[1,1]",
        "",
        "uniqueItems",
        "(the whole body): holds the same entry more than once; each must be different",
    ),
    (
        {"propertyNames": {"maxLength": 2}},
        '{"abc":1}',
        "/abc",
        "propertyNames",
        "abc: the property's name is not allowed: it must have at most 2 characters, but has 3",
    ),
    (
        {"items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "[5]",
        "/0",
        "anyOf",
        "0: must be text or null, but is a number",
    ),
    (
        {"items": {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}},
        "[6]",
        "/0",
        "oneOf",
        "0: fits more than one of the forms of which exactly one is allowed",
    ),
    (
        {"contains": {"type": "null"}, "minContains": 2},
        "[null]",
        "",
        "minContains",
        "(the whole body): must hold at least 2 entries of the form that the schema asks for",
    ),
)


@pytest.mark.parametrize(
    ("schema", "payload", "path", "rule", "message"),
    SENTENCES,
    ids=[f"{case[3]} {case[1]}" for case in SENTENCES],
)
def test_a_violation_has_pointer_rule_and_sentence(
    schema: JSON, payload: str, path: str, rule: str, message: str
) -> None:
    assert one(schema, payload) == Violation(path, rule, message)


def test_alternatives_tell_the_reason_of_the_form_that_was_meant() -> None:
    forms: list[JSON] = [
        {"properties": {"kind": {"const": "card"}, "digits": {"type": "string"}}, "required": ["digits"]},
        {"properties": {"kind": {"const": "cash"}, "amount": {"type": "integer"}}},
    ]
    violation = one({"properties": {"pay": {"oneOf": forms}}}, '{"pay":{"kind":"cash","amount":1.5}}')
    assert violation.path == "/pay"
    assert violation.message.endswith(
        "nearest is the one where pay.amount: must be a whole number, but is 1.5"
    )


def test_every_violation_is_told_in_a_nested_document() -> None:
    line: JSON = {"properties": {"sku": {"type": "string"}, "qty": {"minimum": 1}}, "required": ["sku"]}
    schema: JSON = {"properties": {"lines": {"items": line}}, "required": ["id", "date"]}
    paths = {
        violation.path for violation in found(schema, '{"id":1,"lines":[{"sku":1},{"qty":0},{"sku":"a"}]}')
    }
    assert paths == {"/date", "/lines/0/sku", "/lines/1/sku", "/lines/1/qty"}


def test_at_most_a_hundred_violations_are_told() -> None:
    assert len(found({"items": {"type": "string"}}, json.dumps(list(range(500))))) == 100
    assert len(found({"additionalProperties": False}, json.dumps(dict.fromkeys(map(str, range(500)))))) == 100


def test_a_subschema_reached_twice_complains_once() -> None:
    twice: JSON = [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]
    assert len(found({"allOf": twice, "$defs": {"a": {"type": "string"}}}, "[]")) == 1


def test_a_long_value_is_not_repeated() -> None:
    message = one({"items": {"format": "email"}}, json.dumps(["x" * 5_000])).message
    assert len(message) < 120
    assert "x" * 60 not in message


def test_a_huge_integer_is_told_by_its_length() -> None:
    assert "an integer of 4,300 digits" in one({"items": {"maximum": 5}}, f"[{10**4299}]").message


# --- what a hostile sender or author may try; each would take minutes or gigabytes without its bound


def test_extreme_exponents_do_not_stall_arithmetic() -> None:
    schema: JSON = {"items": {"multipleOf": Number("0.01"), "minimum": 0, "type": "integer"}}
    assert found(schema, "[" + ",".join(["1e300"] * 9_999) + "]") == []


def test_long_integers_are_not_compared_pairwise_without_end() -> None:
    numbers = ",".join(str(2**64 + number) for number in range(5_000))
    violation = one({"uniqueItems": True}, f"[{numbers}]")
    assert (violation.path, violation.rule) == ("", "uniqueItems")
    assert "Send long numbers as text" in violation.message
    assert found({"type": "array"}, f"[{numbers}]") == []


def test_a_few_long_numbers_among_unique_entries_are_fine() -> None:
    numbers = [str(2**64 + number) for number in range(200)] + [
        f"19.{number:02}" for number in range(100)
    ] * 1
    assert found({"uniqueItems": True}, f"[{','.join(numbers)}]") == []
    prices = ",".join(f"{number}.90" for number in range(9_000))
    assert found({"uniqueItems": True}, f"[{prices}]") == []


def test_a_payload_with_too_many_errors_is_told_its_first() -> None:
    schema: JSON = {"items": {"allOf": [{"type": "string"} for _ in range(50)]}}
    (violation,) = found(schema, json.dumps(list(range(9_999))))
    assert violation == Violation("/0", "type", "0: must be text, but is a number")


def test_many_forbidden_names_are_not_all_explained() -> None:
    (violation,) = found({"propertyNames": {"maxLength": 1}}, json.dumps({f"x{n}": n for n in range(9_999)}))
    assert (violation.path, violation.rule) == ("/x0", "propertyNames")


def test_branches_that_multiply_with_depth_are_not_followed() -> None:
    node: dict[str, JSON] = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
    schema: JSON = {"anyOf": [{"type": "string"}, node, {**node, "minProperties": 1}]}
    (violation,) = found(schema, '{"a":' * 60 + "{}" + "}" * 60)
    assert (violation.path, violation.rule) == ("", "schema")


def test_a_reference_to_itself_comes_to_an_end() -> None:
    assert found({"$ref": "#"}, "{}") == []
    assert found({"allOf": [{"$ref": "#"}], "type": "array"}, "{}")[0].rule == "type"


def test_a_pattern_runs_in_linear_time() -> None:
    assert one({"items": {"pattern": "^(a+)+$"}}, json.dumps(["a" * 100_000 + "b"])).rule == "pattern"


# --- schemas that cannot be compiled, and schemas as text


@pytest.mark.parametrize(
    ("schema", "path", "said"),
    [
        (5, (), "A schema is a JSON object"),
        ({"$schema": "http://example.com/s"}, ("$schema",), "This draft is not known"),
        (
            {"properties": {"a": {"pattern": "(a"}}},
            ("properties", "a", "pattern"),
            "This pattern cannot be used",
        ),
        ({"pattern": "[\\p{L}]{1,2000}"}, ("pattern",), "This pattern cannot be used"),
        ({"$ref": "http://127.0.0.1:9/s.json"}, (), "Retrieval is disabled"),
        ({"items": {"type": "strin"}}, ("items", "type"), "Not a valid schema"),
    ],
)
def test_a_schema_that_cannot_be_compiled_says_where_and_why(
    schema: JSON, path: tuple[str, ...], said: str
) -> None:
    with pytest.raises(Invalid) as caught:
        compile_schema(schema)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert said in problem.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1, column 2"),
        ('{\n  "type": string\n}', "line 2, column 11"),
        ('{"a":1}}', "line 1, column 8"),
        ("", "line 1, column 1"),
        ('{"type":"a","type":"b"}', "“type” appears twice"),
        ('{"minimum": NaN}', "NaN is not allowed"),
        ('{"minimum": ' + "1" * 500 + "}", "500 digits"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_text_that_is_no_json_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_schema_text(text)
    assert said in caught.value.problems[0].message


def test_a_schema_as_text_keeps_its_digits() -> None:
    assert parse_schema_text('{"minimum": 19.90, "maximum": -0}') == {
        "minimum": Number("19.90"),
        "maximum": Number("-0"),
    }


# --- whatever the payload, the sentences can be told

PAYLOADS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
EVERYTHING = compile_schema(
    {
        "type": "object",
        "required": ["a"],
        "additionalProperties": False,
        "maxProperties": 2,
        "properties": {
            "a": {"anyOf": [{"type": "string", "minLength": 2}, {"type": "array", "items": {"$ref": "#"}}]},
            "b": {"enum": [1, "x"], "not": {"const": 1}},
            "c": {"oneOf": [{"minimum": 1}, {"type": "object", "required": ["a"]}], "format": "date"},
        },
    }
)


@given(st.dictionaries(st.sampled_from("abcd"), PAYLOADS, max_size=3))
@settings(max_examples=200, deadline=None)
def test_every_violation_points_into_the_payload_and_begins_with_its_path(payload: dict[str, Any]) -> None:
    for violation in EVERYTHING.violations(parse_json(json.dumps(payload).encode())):
        dotted = violation.path.removeprefix("/").replace("/", ".") or "(the whole body)"
        assert violation.message.startswith(f"{dotted}: ")
        assert violation.path == "" or violation.path.startswith("/")
