"""Plain scalars by YAML 1.2's core schema, with every digit kept."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from hookstation.config.export import to_yaml
from hookstation.config.nodes import Source, to_json
from hookstation.config.scalars import Refused, resolve
from hookstation.config.yamltext import read_yaml
from hookstation.core.values import JSON, Number, Scalar
from tests.support.configurations import documents, numbers


@pytest.mark.parametrize("text", ["yes", "no", "on", "off", "y", "N", "Yes"])
def test_words_of_older_yaml_stay_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize(
    "text", ["2026-11-22", "2026-11-22T09:30:00Z", "12:30:45", "1_000", "1.2.3", "-", "+", ".", "1e"]
)
def test_dates_times_and_what_only_looks_like_a_number_stay_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("~", None),
        ("NULL", None),
        ("true", True),
        ("FALSE", False),
        ("12", 12),
        ("+12", 12),
        ("-0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("19.90", Number("19.90")),
        ("-1e5", Number("-1e5")),
        (".5", Number("0.5")),
        ("+.5", Number("0.5")),
        ("5.", Number("5.0")),
        ("5.e3", Number("5e3")),
        ("100000000000000000000000001", 100000000000000000000000001),
    ],
)
def test_what_is_no_text_has_its_type(text: str, expected: Scalar) -> None:
    value = resolve(text)
    assert (type(value), value) == (type(expected), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00123", "00123 begins with a zero; put it in quotes if it is text, else leave the zero out."),
        ("-01.5", "-01.5 begins with a zero; put it in quotes if it is text, else leave the zero out."),
        (".nan", ".nan is not a number that JSON has; put it in quotes if it is text."),
        ("-.inf", "-.inf is not a number that JSON has; put it in quotes if it is text."),
        ("9" * 1_001, "a number has at most 1,000 digits; put it in quotes if it is text."),
    ],
)
def test_a_number_that_would_lose_something_is_refused(text: str, expected: str) -> None:
    with pytest.raises(Refused, match=re.escape(expected)):
        resolve(text)


@given(numbers)
def test_a_number_keeps_its_digits(text: str) -> None:
    assert resolve(text) == Number(text)


@given(documents)
def test_any_document_written_as_yaml_is_read_back_with_every_digit(document: JSON) -> None:
    [node] = read_yaml(Source("x.yaml", ".", to_yaml({"a": document})))
    assert to_json(node) == {"a": document}
