"""What a call must be, in words."""

from __future__ import annotations

import pytest

from hookstation.core.values import JSON
from hookstation.web.pages.schema_table import MOST, Described, described


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "maxLength": 10}, Described("a", "text, up to 10 characters", False)),
        ({"type": ["string", "null"], "format": "date"}, Described("a", "text, date, may be null", False)),
        ({"type": ["integer", "string"]}, Described("a", "whole number or text", False)),
        ({"enum": ["x", "y"]}, Described("a", "anything, one of 2 values", False)),
        (True, Described("a", "anything", False)),
    ],
)
def test_a_field_is_told_in_words(schema: JSON, expected: Described) -> None:
    assert [expected] == described({"type": "object", "properties": {"a": schema}})


def test_what_a_call_must_have_is_marked() -> None:
    assert [True] == [one.required for one in described({"properties": {"a": True}, "required": ["a"]})]


def test_a_large_schema_is_shown_in_part_and_one_of_anything_not_at_all() -> None:
    assert MOST == len(described({"properties": {f"a{number}": True for number in range(MOST + 50)}}))
    assert [] == described(True)
