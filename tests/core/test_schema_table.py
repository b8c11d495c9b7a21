"""The table of fields: what it shows of a schema, and that edits change only what they name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.draft import draft_schema
from hookstation.core.jsontext import dump_json
from hookstation.core.schema_edits import apply_edits
from hookstation.core.schema_rows import Row, schema_rows
from hookstation.core.template import ANY
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid
from tests.core.test_draft import SAMPLES

SCHEMA: dict[str, JSON] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "id": {"type": ["string"], "maxLength": 10, "pattern": "^[0-9]+$", "x-note": "kept"},
        "grade": {"enum": ["pass", "fail"], "examples": ["pass"]},
        "kind": {"const": "course"},
        "paid": {
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": Number("99.90"),
            "multipleOf": Number("0.01"),
        },
        "lines": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {"sku": True}}},
        "other": {"$ref": "#/$defs/x"},
    },
    "required": ["kind", "id"],
    "$defs": {"x": {}},
}
ANY_SCHEMA: st.SearchStrategy[JSON] = st.recursive(
    st.one_of(
        st.booleans(),
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(
                    ["string", "integer", ["string", "null"], ["number"], "object", "array"]
                ),
                "format": st.sampled_from(["date", "email"]),
                "maxLength": st.integers(0, 20),
                "minimum": st.integers(-5, 5),
                "enum": st.lists(st.sampled_from(["a", "b", 1, None]), min_size=1, unique=True),
                "const": st.sampled_from(["a", 1]),
                "examples": st.just(["x", "y"]),
                "not": st.just({"type": "null"}),
                "additionalProperties": st.booleans(),
            },
        ),
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.just("object"),
            "properties": st.dictionaries(st.sampled_from(["a", "b", "~/", ""]), inner, max_size=3),
            "required": st.lists(st.sampled_from(["b", "a", "z"]), unique=True),
            "items": inner,
            "allOf": st.lists(inner, min_size=1, max_size=2),
        },
    ),
    max_leaves=8,
)


def by_path(schema: JSON) -> dict[str, Any]:
    return {str(row.as_json()["path"]): row for row in schema_rows(schema)}


def edited(*edits: dict[str, JSON], schema: JSON = SCHEMA) -> Any:
    return apply_edits(schema, [*edits])


@given(ANY_SCHEMA)
def test_a_table_that_was_not_changed_gives_the_same_schema_to_the_letter(schema: JSON) -> None:
    edits: list[JSON] = [row.as_json() for row in schema_rows(schema)]
    assert dump_json(schema) == dump_json(apply_edits(schema, edits))


@given(SAMPLES)
def test_a_draft_s_table_shows_everything_that_the_draft_says(samples: list[JSON]) -> None:
    assert [] == [row.more for row in schema_rows(draft_schema(samples).schema) if row.more]


@given(ANY_SCHEMA, st.data())
def test_an_edit_leaves_every_other_row_and_all_that_is_not_shown(schema: JSON, data: st.DataObject) -> None:
    rows = schema_rows(schema)
    chosen = data.draw(st.sampled_from(rows))
    changed = apply_edits(schema, [{"pointer": chosen.as_json()["pointer"], "description": "new"}])
    after = schema_rows(changed)
    assert "new" == after[rows.index(chosen)].description
    assert [(row.place, row.more) for row in rows if row.more != ("false",)] == [
        (row.place, row.more) for row, before in zip(after, rows, strict=True) if before.more != ("false",)
    ]


def test_rows_show_what_each_field_needs() -> None:
    rows = by_path(SCHEMA)
    assert ["", "id", "grade", "kind", "paid", "lines", "lines[…]", "lines[…].sku", "other"] == list(rows)
    assert Row(
        ("properties", "id"), ("id",), ("string",), required=True, max_length=10, pattern="^[0-9]+$", more=("x-note",)
    ) == rows["id"]  # fmt: skip
    assert (("pass", "fail"), "pass", False) == (
        rows["grade"].values,
        rows["grade"].example,
        rows["grade"].required,
    )
    assert ("course",) == rows["kind"].values
    assert (("number",), True, 0, Number("99.90")) == (
        rows["paid"].types, rows["paid"].nullable, rows["paid"].minimum, rows["paid"].maximum
    )  # fmt: skip
    assert ("lines", ANY, "sku") == rows["lines[…].sku"].path
    assert [("x-note",), ("multipleOf",), ("minItems",), ("$ref",)] == [
        row.more for row in schema_rows(SCHEMA) if row.more
    ]


@pytest.mark.parametrize(
    ("pointer", "change", "expected"),
    [
        ("/properties/id", {"max_length": 5},
         {"type": ["string"], "maxLength": 5, "pattern": "^[0-9]+$", "x-note": "kept"}),
        ("/properties/id", {"types": ["integer"], "pattern": "", "max_length": None},
         {"type": "integer", "x-note": "kept"}),
        ("/properties/id", {"nullable": True},
         {"type": ["string", "null"], "maxLength": 10, "pattern": "^[0-9]+$", "x-note": "kept"}),
        ("/properties/grade", {"values": []}, {"examples": ["pass"]}),
        ("/properties/grade", {"values": ["pass"], "example": "fail"}, {"enum": ["pass"], "examples": ["fail"]}),
        ("/properties/kind", {"values": ["a", "b"]}, {"enum": ["a", "b"]}),
        ("/properties/kind", {"description": "what"}, {"const": "course", "description": "what"}),
        ("/properties/paid", {"types": [], "minimum": None, "maximum": None}, {"multipleOf": Number("0.01")}),
    ],
)  # fmt: skip
def test_an_edit_sets_what_it_names(pointer: str, change: dict[str, JSON], expected: Any) -> None:
    assert expected == edited({"pointer": pointer, **change})["properties"][pointer.rpartition("/")[2]]


def test_a_field_is_required_renamed_and_removed_where_its_object_says_so() -> None:
    changed = edited(
        {"pointer": "/properties/id", "name": "memberId"},
        {"pointer": "/properties/kind", "remove": True},
        {"pointer": "/properties/grade", "required": True},
        {
            "pointer": "/properties/lines/items/properties/sku",
            "name": "code",
            "required": True,
            "types": ["string"],
        },
    )
    assert ["memberId", "grade", "paid", "lines", "other"] == list(changed["properties"])
    assert ["memberId", "grade"] == changed["required"]
    assert {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]} == (
        changed["properties"]["lines"]["items"]
    )
    assert "required" not in edited(
        {"pointer": "/properties/kind", "required": False}, {"pointer": "/properties/id", "required": False}
    )


def test_a_field_is_added_to_an_object_and_described_in_one_edit() -> None:
    changed = edited(
        {"pointer": "", "add": "email", "types": ["string"], "format": "email", "required": True}
    )
    assert {"type": "string", "format": "email"} == changed["properties"]["email"]
    assert ["kind", "id", "email"] == changed["required"]
    assert {"type": "object", "properties": {"a": {}}} == edited({"pointer": "", "add": "a"}, schema=True)


def test_the_schema_that_was_given_is_not_changed() -> None:
    before = dump_json(SCHEMA)
    edited({"pointer": "/properties/id", "remove": True}, {"pointer": "/properties/lines/items", "types": []})
    assert before == dump_json(SCHEMA)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (7, "must be an object"),
        ({"pointer": "/properties/nobody"}, "names no row"),
        ({"pointer": "", "naem": "x"}, "Did you mean “name”?"),
        ({"pointer": "", "remove": True}, "no field of an object"),
        ({"pointer": "/properties/lines/items", "required": False}, "no field of an object"),
        ({"pointer": "/properties/id", "types": ["text"]}, "different ones of string"),
        ({"pointer": "/properties/id", "types": "string"}, "different ones of string"),
        ({"pointer": "/properties/id", "max_length": -1}, "whole number from 0"),
        ({"pointer": "/properties/id", "minimum": "1"}, "must be a number"),
        ({"pointer": "/properties/id", "nullable": 1}, "true or false"),
        ({"pointer": "/properties/id", "values": "a"}, "list of at most 1,000"),
        ({"pointer": "/properties/id", "values": ["a", "a"]}, "twice"),
        ({"pointer": "/properties/id", "name": "kind"}, "there already"),
        ({"pointer": "/properties/id", "format": 1}, "must be a text"),
        ({"pointer": "/properties/id", "add": "a"}, "is no object"),
        ({"pointer": "", "add": "id"}, "there already"),
        ({"pointer": "", "add": 7}, "the field's name"),
    ],
)
def test_a_mistake_in_an_edit_is_told_at_its_place(edit: JSON, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        apply_edits(SCHEMA, [edit])
    assert ("edits", 0) == refused.value.problems[0].path[:2]
