"""Which names a schema declares, through every combination that JSON Schema knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.schema_paths import Finding, Verdict, check_name, declared_facts, find
from hookstation.core.template import ANY, Name, Path, compile_template
from hookstation.core.values import JSON

PERSON: JSON = {
    "type": "object",
    "properties": {"email": {"type": "string"}, "boss": {"$ref": "#/$defs/person"}},
}
SCHEMA: JSON = {
    "type": "object",
    "properties": {
        "firstName": {"type": "string"},
        "user": {"$ref": "#/$defs/person"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        "pair": {"prefixItems": [{"properties": {"a": {}}}, {"type": "string"}], "items": False},
        "old": {"items": [{"properties": {"a": {}}}], "additionalItems": {"properties": {"b": {}}}},
        "anything": {},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "closed": {"properties": {"x": {}}, "additionalProperties": False},
        "union": {"anyOf": [{"properties": {"cat": {}}}, {"oneOf": [{"properties": {"dog": {}}}]}]},
        "choice": {
            "if": {"properties": {"k": {}}},
            "then": {"properties": {"t": {}}},
            "else": {"properties": {"e": {}}},
        },
        "odd/name~": {"properties": {"z": {}}},
        "pointer": {"$ref": "#/properties/odd~1name~0"},
        "remote": {"$ref": "https://example.com/s.json"},
        "size": {"type": "integer"},
    },
    "allOf": [{"properties": {"extra": {"type": "number"}}}],
    "patternProperties": {"^x_[0-9]+$": {"properties": {"deep": {}}}},
    "$defs": {"person": PERSON},
}


@pytest.mark.parametrize(
    ("path", "verdict", "nearest"),
    [
        (("firstName",), Verdict.DECLARED, ""),
        (("firstNam",), Verdict.UNDECLARED, "firstName"),
        (("extra",), Verdict.DECLARED, ""),
        (("firstName", "x"), Verdict.UNDECLARED, ""),
        (("user", "boss", "boss", "boss", "email"), Verdict.DECLARED, ""),
        (("user", "boss", "emial"), Verdict.UNDECLARED, "user.boss.email"),
        (("lines", 0, "sku"), Verdict.DECLARED, ""),
        (("lines", ANY, "sku"), Verdict.DECLARED, ""),
        (("lines", 0, "skuu"), Verdict.UNDECLARED, "lines.0.sku"),
        (("lines", "sku"), Verdict.UNDECLARED, ""),
        (("pair", 0, "a"), Verdict.DECLARED, ""),
        (("pair", 2), Verdict.UNDECLARED, ""),
        (("pair", ANY, "a"), Verdict.DECLARED, ""),
        (("old", 0, "a"), Verdict.DECLARED, ""),
        (("old", 5, "b"), Verdict.DECLARED, ""),
        (("anything", "a", 3, "b"), Verdict.OPEN, ""),
        (("labels", "en"), Verdict.ADDITIONAL, ""),
        (("closed", "y"), Verdict.UNDECLARED, ""),
        (("union", "cat"), Verdict.DECLARED, ""),
        (("union", "dog"), Verdict.DECLARED, ""),
        (("union", "cow"), Verdict.UNDECLARED, ""),
        (("choice", "k"), Verdict.DECLARED, ""),
        (("choice", "e"), Verdict.DECLARED, ""),
        (("pointer", "z"), Verdict.DECLARED, ""),
        (("remote", "whatever"), Verdict.OPEN, ""),
        (("x_12", "deep"), Verdict.DECLARED, ""),
        (("x_y",), Verdict.UNDECLARED, ""),
    ],
)
def test_a_path_is_found_where_the_schema_declares_it(path: Path, verdict: Verdict, nearest: str) -> None:
    assert find(SCHEMA, path) == Finding(verdict, nearest)


@pytest.mark.parametrize("schema", [True, {}, {"type": "object"}, {"required": ["a"]}, {"$ref": "#"}])
def test_a_schema_that_says_nothing_declares_nothing_and_forbids_nothing(schema: JSON) -> None:
    assert find(schema, ("a", "b")) == Finding(Verdict.OPEN)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {
            "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)},
            "$ref": "#/$defs/d0",
        },
    ],
)
def test_references_in_circles_and_doublings_end(schema: JSON) -> None:
    assert find(schema, ("x",)).verdict is Verdict.OPEN


@given(
    st.recursive(
        st.booleans() | st.none() | st.text(max_size=3),
        lambda inner: st.dictionaries(
            st.sampled_from(
                [
                    "properties",
                    "items",
                    "allOf",
                    "anyOf",
                    "$ref",
                    "type",
                    "a",
                    "b",
                    "additionalProperties",
                    "then",
                ]
            ),
            inner | st.lists(inner, max_size=3) | st.sampled_from(["#", "#/properties/a", "object"]),
            max_size=4,
        ),
        max_leaves=20,
    ),
    st.lists(st.sampled_from(["a", "b", 0, ANY]), min_size=1, max_size=4),
)
def test_any_json_as_a_schema_gets_a_verdict(schema: JSON, path: list[str | int]) -> None:
    assert find(schema, tuple(path)).verdict in Verdict


def told(source: str, schema: JSON = SCHEMA) -> list[tuple[str, bool]]:
    problems = [check_name(schema, name, frozenset({"x-token"})) for name in compile_template(source).names]
    return [(problem.message, problem.warning) for problem in problems if problem]


@pytest.mark.parametrize(
    "source",
    [
        "$$firstName$$", "$$event_id$$", "{{ received_at | date: '%Y' }}", "$$webhook.name$$", "$$headers.x$$",
        "$$query.q$$", "{{ lines.size }}", "{{ lines.first.sku | upcase }}", "{{ size }}", "{{ firstName.size }}",
        "{% for l in lines %}{{ l.sku }}{{ forloop.index }}{% endfor %}", "{{ lines | map: 'whatever' }}",
    ],
)  # fmt: skip
def test_a_known_name_is_no_problem(source: str) -> None:
    assert told(source) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("$$firstNam$$", "Did you mean “firstName”?"),
        ("$$recieved_at$$", "Did you mean “received_at”?"),
        ("$$webhook.title$$", "there is “webhook.name”"),
        ("$$event_id.x$$", "is a text"),
        ("$$headers$$", "is not one value"),
        ("$$headers.Cookie$$", "no template may read it"),
        ('$$headers["X-Token"]$$', "no template may read it"),
        ("{{ headers.authorization | upcase }}", "no template may read it"),
        ("{% assign h = headers %}{{ h.cookie }}", "is not one value"),
        ("{% for l in lines %}{{ l.sqr }}{% endfor %}", "“lines[…].sqr”"),
        ("{{ lines.last.skk }}", "Did you mean “lines[…].sku”?"),
    ],
)
def test_a_name_that_is_not_there_is_an_error_with_the_nearest_one(source: str, said: str) -> None:
    problems = told(source)
    assert said in problems[0][0]
    assert problems[0][1] is False


def test_a_name_under_explicit_additional_properties_is_a_warning() -> None:
    assert [warning for _, warning in told("$$labels.de$$")] == [True]


def test_a_declared_property_takes_the_place_of_a_fact_of_the_call() -> None:
    schema: JSON = {"properties": {"headers": {"properties": {"cookie": {"type": "string"}}}}}
    assert check_name(schema, Name(("headers", "cookie"), 0), frozenset()) is None


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, set()),
        (False, set()),
        ({}, set()),
        ({"additionalProperties": True}, set()),
        ({"patternProperties": {".*": {}}}, set()),
        ({"properties": {"query": True, "id": {}}}, {"query"}),
        ({"properties": {"a": {"properties": {"query": {}}}}}, set()),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"headers": {}}}}}, {"headers"}),
        (
            {"oneOf": [{"properties": {"event_id": {}}}, {"properties": {"webhook": {}}}]},
            {"event_id", "webhook"},
        ),
        ({"properties": 5}, set()),
    ],
)
def test_a_schema_declares_a_fact_of_the_call_by_its_very_name(schema: JSON, expected: set[str]) -> None:
    assert expected == declared_facts(schema)


def test_a_property_of_an_object_that_is_declared_under_the_name_of_a_fact_is_checked_as_any_other() -> None:
    schema: JSON = {"properties": {"webhook": {"properties": {"title": {}}, "additionalProperties": False}}}
    assert told("$$webhook.title$$", schema) == []
    assert "does not declare “webhook.name”" in told("$$webhook.name$$", schema)[0][0]
