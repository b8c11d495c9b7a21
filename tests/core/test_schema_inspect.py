"""Schemas before they are used: everything that is wrong is found, with its place, without compiling them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookstation.core.schema import compile_schema
from hookstation.core.schema_inspect import FORMATS, inspect_schema
from hookstation.core.schema_outline import Outline
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid, Problem


def nested(depth: int) -> JSON:
    """A schema of that many levels."""
    schema: JSON = {}
    for _ in range(depth - 1):
        schema = {"items": schema}
    return schema


def doubling(steps: int) -> JSON:
    """References that meet one value 2^steps times."""
    definitions: dict[str, JSON] = {
        f"n{step}": {"allOf": [{"$ref": f"#/$defs/n{step - 1}"}] * 2} for step in range(1, steps + 1)
    }
    return {"$defs": {**definitions, "n0": {"type": "string"}}, "$ref": f"#/$defs/n{steps}"}


ERRORS: dict[str, tuple[Any, str, str]] = {
    "a number": (5, "", "A schema is a JSON object"),
    "a text": ("{}", "", "A schema is a JSON object"),
    "nothing": (None, "", "A schema is a JSON object"),
    "a list": ([], "", "A schema is a JSON object"),
    "an unknown draft": ({"$schema": "http://json-schema.org/draft-99/schema#"}, "/$schema", "This draft is not known"),
    "a draft that is no text": ({"$schema": 7}, "/$schema", "This draft is not known"),
    "an unknown draft inside": ({"items": {"$schema": "x"}}, "/items/$schema", "This draft is not known"),
    "an unknown type": ({"properties": {"a": {"type": "text"}}}, "/properties/a/type", "must be one of “array”"),
    "a negative length": ({"items": {"minLength": -1}}, "/items/minLength", "must be at least 0, but is -1"),
    "required that is no list": ({"required": "a"}, "/required", "must be a list, but is text"),
    "properties that are a list": ({"properties": ["a"]}, "/properties", "must be an object, but is a list"),
    "a subschema that is none": ({"properties": {"a": "string"}}, "/properties/a", "true or false or an object"),
    "an empty allOf": ({"allOf": []}, "/allOf", "at least 1 entry"),
    "multipleOf zero": ({"multipleOf": 0}, "/multipleOf", "must be more than 0"),
    "a remote reference": ({"items": {"$ref": "http://127.0.0.1/s"}}, "/items/$ref", "nothing is ever fetched"),
    "a file": ({"$ref": "file:///etc/passwd"}, "/$ref", "nothing is ever fetched"),
    "another document": ({"$id": "https://a.example/s", "$ref": "other.json"}, "/$ref", "nothing is ever fetched"),
    "a dynamic one": ({"$dynamicRef": "https://a.example/s#x"}, "/$dynamicRef", "nothing is ever fetched"),
    "a reference to nothing": ({"$ref": "#/$defs/no"}, "/$ref", "leads to nothing in this schema"),
    "an anchor to nothing": ({"$ref": "#no"}, "/$ref", "leads to nothing in this schema"),
    "a reference that is no URI": ({"$ref": "http://[::1"}, "/$ref", "nothing is ever fetched"),
    "look-ahead": ({"pattern": "a(?=b)"}, "/pattern", "look-around, (?=…, at position 2"),
    "look-behind": ({"pattern": "(?<!a)b"}, "/pattern", "look-around, (?<!…"),
    "a back-reference": ({"items": {"pattern": "(a)\\1"}}, "/items/pattern", "refers back to a group, \\1"),
    "a named back-reference": ({"pattern": "(?<n>a)\\k<n>"}, "/pattern", "refers back to a group"),
    "a pattern of a property name": ({"patternProperties": {"(?!x)": {}}}, "/patternProperties/(?!x)", "look-around"),
    "a long pattern": ({"pattern": "a" * 1_001}, "/pattern", "The pattern is too long: 1,001 characters"),
    "many patterns": ({"anyOf": [{"pattern": "a"}] * 201}, "", "The schema has 201 patterns"),
    "many references": ({"items": [{"$ref": "#"}] * 501, "$schema": "http://json-schema.org/draft-07/schema#"}, "",
                        "The schema has 501 references"),
    "doubling references": (doubling(30), "", "Let fewer subschemas refer to others"),
    "many decimals in a list": ({"enum": [Number(f"{n}.5") for n in range(51)]}, "/enum", "The list has 51 options"),
    "a schema that is too big": ({"title": "x" * 300_000}, "", "The schema is too big: 300,012 bytes"),
    "a schema that is too deep": (nested(200), "/items/items/items/items/items/items", "nested too deeply"),
    "a float": ({"minimum": 1.5}, "/minimum", "a value of the kind float"),
    "a property name that is no text": ({"properties": {1: {}}}, "/properties", "must be whole text"),
    "half a character": ({"const": "\ud83d"}, "/const", "half a character"),
    "an absurd number": ({"maximum": Number("1e999999999")}, "/maximum", "This number is out of range"),
    "many long integers": ({"enum": [10**300 + n for n in range(21)]}, "", "digits in long numbers; at most 6,000"),
    "an absurd integer": ({"maximum": 10**5_000}, "/maximum", "This number is too long"),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "path", "said"), ERRORS.values(), ids=ERRORS.keys())
def test_what_is_wrong_is_told_with_its_place(schema: JSON, path: str, said: str) -> None:
    errors = [problem for problem in inspect_schema(schema) if problem.severity == "error"]
    assert [path] == [problem.pointer for problem in errors if said in problem.message]


def test_all_errors_are_told_at_once() -> None:
    schema: JSON = {
        "properties": {"a": {"type": "x"}, "b": {"minLength": -1}},
        "required": "a",
        "$ref": "#/no",
    }
    assert {"/properties/a/type", "/properties/b/minLength", "/required", "/$ref"} == {
        problem.pointer for problem in inspect_schema(schema)
    }


GOOD: dict[str, JSON] = {
    "true": True,
    "false": False,
    "empty": {},
    "an empty $schema": {"$schema": "", "type": "object"},
    "every draft": {
        "$schema": "http://json-schema.org/draft-04/schema",
        "minimum": 1,
        "exclusiveMinimum": True,
    },
    "draft 7 over https": {"$schema": "https://json-schema.org/draft-07/schema#", "items": [{}]},
    "a pointer": {"$ref": "#/$defs/a%20b~1c", "$defs": {"a b/c": {}}},
    "an anchor": {"$ref": "#x", "$defs": {"a": {"$anchor": "x"}}},
    "a draft 4 anchor": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "allOf": [{"$ref": "#x"}],
        "definitions": {"a": {"id": "#x"}},
    },
    "an absolute id": {
        "$id": "https://a.example/s",
        "$ref": "https://a.example/s#/$defs/a",
        "$defs": {"a": {}},
    },
    "an id inside": {"$id": "https://a.example/s", "$ref": "other", "$defs": {"a": {"$id": "other"}}},
    "a urn": {"$id": "urn:example:s", "$ref": "#/$defs/a", "$defs": {"a": {"$ref": "urn:example:s"}}},
    "a place that no keyword names": {"$ref": "#/components/a", "components": {"a": {"type": "string"}}},
    "a place that is true": {"$ref": "#/components/a", "components": {"a": True}},
    "a reference to itself": {"properties": {"children": {"items": {"$ref": "#"}}}},
    "a dynamic reference": {"$dynamicAnchor": "n", "items": {"$dynamicRef": "#n"}},
    "a property called $ref": {"properties": {"$ref": {"type": "string"}, "pattern": {"type": "string"}}},
    "a constant that looks like a schema": {"const": {"$ref": "http://x", "pattern": "(?=a)"}},
    "brackets and escapes that only look like look-around": {"pattern": "[(?=]\\(\\?=\\\\1"},
    "groups": {"pattern": "^(?:a|(?<n>b))(?i)c$"},
    "as deep as allowed": nested(128),
}


@pytest.mark.parametrize("schema", GOOD.values(), ids=GOOD.keys())
def test_a_good_schema_has_no_problem_and_compiles(schema: JSON) -> None:
    assert inspect_schema(schema) == []
    compile_schema(schema)


@pytest.mark.parametrize("draft", FORMATS, ids=[draft.__name__ for draft in FORMATS])
def test_an_unknown_format_is_a_warning_in_every_draft(draft: type) -> None:
    uri = {validator: name for name, validator in DRAFT_URIS}[draft]
    schema: JSON = {"$schema": uri, "properties": {"a": {"format": "colour"}, "b": {"format": "date"}}}
    (problem,) = inspect_schema(schema)
    assert (problem.severity, problem.pointer) == ("warning", "/properties/a/format")
    assert "“colour” is not known" in problem.message


DRAFT_URIS = list(
    zip(
        (
            "http://json-schema.org/draft-04/schema#",
            "http://json-schema.org/draft-06/schema#",
            "http://json-schema.org/draft-07/schema#",
            "https://json-schema.org/draft/2019-09/schema",
            "https://json-schema.org/draft/2020-12/schema",
        ),
        FORMATS,
        strict=True,
    )
)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"n": {"minimum": 0, "exclusiveMinimum": True}}},
        {"id": "http://a.example/s", "type": "object"},
        {"$schema": "", "definitions": {"a": {"required": True}}},
        {"items": [{"type": "string"}]},
    ],
)
def test_an_older_draft_that_is_not_named_gets_a_hint(schema: JSON) -> None:
    hints = [problem for problem in inspect_schema(schema) if problem.severity == "warning"]
    assert len(hints) == 1
    assert '"$schema": "http://json-schema.org/draft-04/schema#"' in hints[0].message


def test_the_outline_counts_what_meets_one_value_at_each_depth() -> None:
    schema: JSON = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "string", "minLength": 1}},
    }
    assert Outline(schema).heaviest(2) == [3, 2, 0]
    assert Outline(True).heaviest(1) == [1, 1]


def test_the_outline_follows_recursion_without_end() -> None:
    tree: JSON = {"type": "object", "properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}}
    assert Outline(tree).heaviest(3) == [1, 1, 1, 1]
    branched: JSON = {"allOf": [{"properties": {"a": {"$ref": "#"}}}] * 2, "type": "object"}
    assert Outline(branched).heaviest(3) == [1, 2, 4, 8]


REFERRING = ["$ref", "$schema", "$id", "id", "$anchor", "$defs", "dependencies"]
APPLYING = ["properties", "items", "allOf", "anyOf", "not", "if", "patternProperties"]
ASSERTING = ["type", "enum", "const", "pattern", "required", "format", "minimum", "a"]
NAMES = st.sampled_from([*REFERRING, *APPLYING, *ASSERTING])
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 10**20),
        st.sampled_from(
            [
                Number("1.5"),
                Number("1e5"),
                "#",
                "#/a",
                "#/$defs/a",
                "string",
                "date",
                "(?=a)",
                "x:",
                "http://x",
            ]
        ),
        st.text(max_size=4),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(ANYTHING)
@settings(max_examples=300, deadline=None)
def test_any_value_may_be_inspected_and_what_passes_compiles(schema: Any) -> None:
    problems = inspect_schema(schema)
    assert all(isinstance(problem, Problem) and problem.message for problem in problems)
    clean = not any(problem.severity == "error" for problem in problems)
    assert not clean or "compiles" in trial_of(schema)


def trial_of(schema: JSON) -> str:
    """What compiling says; the syntax of patterns and URIs is left to it."""
    try:
        compile_schema(schema)
    except Invalid as invalid:
        left = ("This pattern cannot be used", "Invalid URI reference")
        return f"compiles but for {left}" if any(said in str(invalid) for said in left) else str(invalid)
    return "compiles"
