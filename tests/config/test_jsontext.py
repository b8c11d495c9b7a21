"""JSON files into nodes, as strict as received bodies are read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.config.jsontext import read_json
from hookstation.config.nodes import Source, find, to_json
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.errors import Invalid
from tests.support.configurations import documents

A_VALUE = "is not good JSON: expected a value: text in double quotes, a number, true, false, null, { or [."


def read(text: str) -> JSON:
    return to_json(read_json(Source("x.json", ".", text)))


@given(documents)
def test_what_was_written_as_json_is_read_back_with_every_digit(document: JSON) -> None:
    assert read(dump_json(document)) == document


def test_escapes_and_white_space_are_read() -> None:
    assert read(' \t\r\n{"\\u00e9\\ud83d\\ude00" : [ ] , "b":\n{ } }') == {"é😀": [], "b": {}}


def test_keys_and_items_have_their_places() -> None:
    node = read_json(Source("x.json", ".", '{\n  "a": [1,\n    "é$$x"]\n}'))
    assert str(find(node, ("a",))) == "x.json:2:3"
    assert str(find(node, ("a", 1))) == "x.json:3:5"
    assert str(find(node, ("a", 1), position=1)) == "x.json:3:7"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "",
            f"x.json:1:1: {A_VALUE}",
        ),
        (
            '{"a": 1,\n "a": 2}',
            "x.json:2:2: “a” stands twice in the same place, first in line 1; remove one.",
        ),
        ("[1, 2", "x.json:1:6: is not good JSON: expected a comma or ], but found the end of the file."),
        ('{"a" 1}', "x.json:1:6: is not good JSON: expected a colon, but found 1."),
        ("{a: 1}", "x.json:1:2: is not good JSON: expected a key in double quotes."),
        (
            "[1,]",
            f"x.json:1:4: {A_VALUE}",
        ),
        ("{} {}", "x.json:1:4: is not good JSON: expected the end of the file, but found {."),
        ('["a\nb"]', "x.json:1:4: is not good JSON: invalid control character in the text."),
        ('["\\ud800"]', "x.json:1:2: is not good JSON: a text holds half of a surrogate pair."),
        ('["abc', "x.json:1:2: is not good JSON: unterminated in the text."),
        ("[" * 102, "x.json:1:102: is nested deeper than 100 levels."),
        ("[01]", "x.json:1:3: is not good JSON: expected a comma or ], but found 1."),
        (f"[{'9' * 1_001}]", "x.json:1:2: is not good JSON: a number has at most 1,000 digits."),
        ("[" * 200_000, "x.json:1:102: is nested deeper than 100 levels."),
    ],
)
def test_what_is_not_read_is_refused_at_its_place(text: str, expected: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(text)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    "text", ["[NaN]", "[Infinity]", "[-Infinity]", "[+1]", "['a']", "[.5]", "[1.]", "// x\n[]"]
)
def test_what_only_looks_like_json_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is not good JSON"):
        read(text)


@given(st.text(st.sampled_from('{}[]",:0.1e-tfn\\u \n'), max_size=30))
def test_any_text_is_read_or_refused_as_the_standard_library_does(text: str) -> None:
    try:
        expected = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except ValueError:
        with pytest.raises(Invalid):
            read(text)
    else:
        assert json.loads(dump_json(read(text))) == expected


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def refuse(name: str) -> object:
    raise ValueError(name)
