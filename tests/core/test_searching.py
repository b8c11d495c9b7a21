"""The words by which events are found."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hookstation.core.searching import (
    LONGEST_WORD,
    MOST_WORDS,
    Needle,
    event_words,
    has,
    needle,
    payload_words,
    words_of,
)
from hookstation.errors import Invalid


@given(some.dictionaries(some.text(), some.text() | some.integers() | some.lists(some.text())))
def test_every_word_of_a_value_finds_its_payload(payload: dict[str, object]) -> None:
    words = payload_words(json.dumps(payload).encode())
    for value in payload.values():
        for text in value if isinstance(value, list) else [str(value)]:
            asked = needle(text=" ".join(words_of(text)))
            assert asked is None or has(words, asked)


@given(some.text(min_size=1))
def test_words_are_the_same_in_any_case_and_need_no_quoting(text: str) -> None:
    assert list(words_of(text)) == list(words_of(" ".join(words_of(text))))
    assert all(word.isalnum() and not set(word) & set("'\"\\ ") for word in words_of(text))


def test_keys_booleans_and_nulls_have_no_words() -> None:
    assert frozenset({"ada", "1", "2", "50"}) == payload_words(
        b'{"name": ["Ada", 1, true, null, {"x": 2.50}]}'
    )


def test_what_is_no_json_is_taken_as_text() -> None:
    assert {"name", "ada"} == payload_words(b'{"name": "Ada')


def test_bounds() -> None:
    assert {"x" * LONGEST_WORD} == payload_words(json.dumps("x" * 300).encode())
    assert MOST_WORDS == len(payload_words(json.dumps([f"w{n}" for n in range(MOST_WORDS + 9)]).encode()))


def test_the_last_word_may_be_a_beginning_from_three_characters_on() -> None:
    assert Needle(("ada",), "lov") == needle(text="Ada Lov")
    assert Needle(("ada", "l"), "") == needle(text="Ada L")
    assert None is needle(webhook="courses")


def test_a_text_without_a_word_is_refused() -> None:
    with pytest.raises(Invalid, match="no letter and no digit"):
        needle(text=" -- ")


def test_what_the_journal_knows_is_never_taken_for_a_word_of_a_payload() -> None:
    ours = event_words("courses", "203.0.113.9", "k", "")
    assert 3 == len(ours)
    assert not ours & payload_words(json.dumps(sorted(ours)).encode())
