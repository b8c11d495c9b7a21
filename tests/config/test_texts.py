"""A document as text of a person's, without a file around it."""

from __future__ import annotations

import pytest
from hypothesis import given

from hookstation.config.texts import PersonTexts
from hookstation.core.values import JSON
from hookstation.errors import Invalid
from tests.support.configurations import documents

TEXTS = PersonTexts()


@given(documents)
def test_what_is_written_reads_back_as_the_same(document: JSON) -> None:
    assert {"kept": document} == TEXTS.read(TEXTS.write({"kept": document})).value


@pytest.mark.parametrize("text", ['{"a": [1,\n{"b": 2}]}', "a:\n- 1\n- b: 2\n"])
def test_the_line_of_a_place_is_known_in_json_and_yaml(text: str) -> None:
    read = TEXTS.read(text)
    assert {"a": [1, {"b": 2}]} == read.value
    assert text[: text.index("b")].count("\n") + 1 == read.line(("a", 1, "b"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "Line 2, column 1: "),
        ('{"a": }', "Line 1, column 7: "),
        ("", "The text is empty"),
        ("a: 1\n---\nb: 2\n", "The text holds several documents"),
    ],
)
def test_a_text_that_cannot_be_read_says_where(text: str, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        TEXTS.read(text)
