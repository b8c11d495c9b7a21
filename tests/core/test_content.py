"""What a call says of its body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hookstation.core.content import compressed, is_json


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "Application/JSON",
        " application/json ",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; charset=us-ascii",
        "application/json; v=1",
        "text/json",
        "application/cloudevents+json",
        "application/vnd.github.v3+json; charset=utf8",
    ],
)
def test_json_in_utf_8_or_no_type_at_all_is_json(content_type: str | None) -> None:
    assert is_json(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=json",
        "application/xml",
        "application/jsonx",
        "application/json+xml",
        "+json",
        "json",
        "application/x-ndjson",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json, text/plain",
        "text/plain; application/json",
    ],
)
def test_anything_else_is_not(content_type: str) -> None:
    assert not is_json(content_type)


@pytest.mark.parametrize(
    ("coding", "expected"),
    [
        (None, False),
        ("", False),
        ("identity", False),
        (" Identity ", False),
        ("gzip", True),
        ("br", True),
        ("identity, gzip", True),
    ],
)
def test_any_coding_but_identity_is_compressed(coding: str | None, expected: bool) -> None:
    assert expected is compressed(coding)


@given(some.text())
def test_any_text_has_a_verdict(text: str) -> None:
    assert is_json(text) in (True, False)
    assert compressed(text) in (True, False)
