"""Names for webhooks: always allowed, always free, and what a person would have typed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.naming import slug


@given(st.text(max_size=200), st.sets(st.text(alphabet="ab-2", max_size=4)))
def test_a_name_is_allowed_and_free(title: str, taken: set[str]) -> None:
    name = slug(title, taken)
    assert re.fullmatch("[a-z0-9-]{1,64}", name)
    assert name not in taken


@given(st.text(max_size=80))
def test_a_name_s_name_is_itself(title: str) -> None:
    assert slug(title) == slug(slug(title))


@pytest.mark.parametrize(
    ("title", "taken", "expected"),
    [
        ("Course completions", (), "course-completions"),
        ("Größe & Łódź: Ana's café!", (), "grosse-and-lodz-anas-cafe"),
        ("  ", (), "webhook"),
        ("日本", ("webhook",), "webhook-2"),
        ("Orders", ("orders", "orders-2"), "orders-3"),
        ("x" * 70, ("x" * 64,), "x" * 62 + "-2"),
    ],
)
def test_a_title_becomes_a_name(title: str, taken: tuple[str, ...], expected: str) -> None:
    assert expected == slug(title, taken)
