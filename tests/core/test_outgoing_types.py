"""Types of events: which names there are, which may be raised, and what a pattern matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.outgoing.scope import KNOWN
from hookstation.core.outgoing.types import (
    OWN_NAMES,
    OWN_TYPES,
    OWN_WORDS,
    inbound_type,
    matcher,
    pattern_problem,
    raised_type_refused,
)

WORDS = st.sampled_from(["a", "b-1", "c_d", "0"])
TYPES = st.lists(WORDS, min_size=1, max_size=4).map(".".join)
PATTERNS = st.lists(WORDS | st.just("*"), min_size=1, max_size=4).map(".".join)


def meant(pattern: list[str], words: list[str]) -> bool:
    """The rule of patterns, said the long way."""
    if pattern == ["*"]:
        return bool(words)
    if not pattern or not words:
        return pattern == words
    return pattern[0] in ("*", words[0]) and meant(pattern[1:], words[1:])


@given(st.lists(PATTERNS, min_size=1, max_size=3), TYPES)
def test_a_star_is_one_word_and_at_the_end_one_or_more(patterns: list[str], type_: str) -> None:
    expected = any(meant(one.split("."), type_.split(".")) for one in patterns)
    assert expected is matcher(patterns)(type_)


@pytest.mark.parametrize("name", OWN_NAMES)
def test_every_own_type_is_matched_by_its_name_by_its_first_word_and_by_the_star_alone(name: str) -> None:
    patterns = (name, "*", *([f"{name.split('.')[0]}.*"] if "." in name else []))
    assert [None for _ in patterns] == [pattern_problem(one) for one in patterns]
    assert all(matcher([one])(name) for one in patterns)
    assert raised_type_refused(name)


@pytest.mark.parametrize("name", ["order.paid", "order", "a_b-c.1.x", "x" * 128])
def test_anybody_may_raise_a_type_that_is_not_the_stations_own(name: str) -> None:
    assert "" == raised_type_refused(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "A.b",
        "a b",
        "a\n",
        "ö",
        "order.*",
        "x" * 129,
        "record",
        "inbound.x",
        "test.1",
    ],
)
def test_a_type_that_nobody_may_raise_is_refused_with_what_to_do(name: str) -> None:
    assert "such as order.paid." in raised_type_refused(name)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("record.insertd", "Did you mean “record.inserted”?"),
        ("test.*", "there is no type “test.*”; with “test” begin test."),
        ("inbound", "write inbound.* or inbound.<name of a webhook>"),
        ("Record.inserted", "Did you mean “record.inserted”?"),
        ("a*", "“*” for any one word"),
        ("", "is not a type of event"),
        ("x" * 129, "128 characters at most"),
    ],
)
def test_a_pattern_that_nothing_can_match_is_refused(pattern: str, said: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None
    assert said in problem.message


@pytest.mark.parametrize(
    "pattern", ["*", "*.failed", "inbound.*", "inbound.course-completions", "order.*.eu", "event.*"]
)
def test_a_pattern_that_something_can_match_is_taken(pattern: str) -> None:
    assert pattern_problem(pattern) is None


def test_what_a_webhook_receives_has_a_type_of_its_own() -> None:
    assert matcher(["inbound.*"])(inbound_type("course-completions"))
    assert not matcher(["inbound.other"])(inbound_type("course-completions"))


def test_no_sample_of_an_own_type_has_a_property_that_a_fact_would_hide() -> None:
    hidden = [
        one.name for one in OWN_TYPES if isinstance(one.sample, dict) and KNOWN.keys() & one.sample.keys()
    ]
    assert [] == hidden


def test_the_first_words_of_own_types_are_all_the_stations() -> None:
    assert {"inbound", *(name.split(".")[0] for name in OWN_NAMES)} == OWN_WORDS
