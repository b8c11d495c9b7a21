"""YAML into nodes: what is wrong is said with its place, what is hostile ends at once."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.config.nodes import Source, find, to_json
from hookstation.config.yamltext import read_yaml
from hookstation.core.values import JSON
from hookstation.errors import Invalid


def read(text: str) -> list[JSON]:
    return [to_json(node) for node in read_yaml(Source("x.yaml", ".", text))]


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as caught:
        read(text)
    return str(caught.value)


def test_quotes_blocks_and_flow_are_read() -> None:
    text = "a: 'x''y'\nb: |\n  one\n   two\nc: >\n  one\n  two\nd: {e: [1, \"2\", ~]}\n"
    assert read(text) == [{"a": "x'y", "b": "one\n two\n", "c": "one two\n", "d": {"e": [1, "2", None]}}]


@pytest.mark.parametrize(
    ("written", "position", "expected"),
    [
        ("Note: Hello $$nme$$", 8, "2:15"),
        ('Note: "Hello $$nme$$"', 8, "2:16"),
        ("Note: 'Hello $$nme$$'", 8, "2:16"),
        ("Note: |\n    Hello\n    $$nme$$", 8, "4:7"),
        ("Note: |-\n    Hello\n\n      $$nme$$", 11, "5:9"),
        ("Note: >\n    Hello\n    $$nme$$", 8, "2:7"),
        ('Note: "\\u0048ello $$nme$$"', 8, "2:7"),
        ("Note: 'It''s $$nme$$'", 9, "2:7"),
        ("Note: &x Hello $$nme$$", 0, "2:7"),
        ("Note: 5", 1, "2:7"),
        ("Note: short", 99, "2:7"),
    ],
)
def test_a_position_inside_a_text_moves_the_column_where_that_can_be_told(
    written: str, position: int, expected: str
) -> None:
    [node] = read_yaml(Source("x.yaml", ".", f"version: 1\n{written}\n"))
    assert str(find(node, ("Note",), position)) == f"x.yaml:{expected}"


def test_a_place_that_is_not_there_is_shown_by_what_would_hold_it() -> None:
    [node] = read_yaml(Source("x.yaml", ".", "a:\n  - b: 1\n    c: 2\n"))
    assert str(find(node, ("a", 0, "c"))) == "x.yaml:3:5"
    assert str(find(node, ("a", 0, "d"))) == "x.yaml:2:5"
    assert str(find(node, ("a", 7))) == "x.yaml:1:1"


def test_several_documents_in_one_file_are_all_read() -> None:
    assert read("a: 1\n---\na: 2\n") == [{"a": 1}, {"a": 2}]


def test_an_alias_repeats_a_value() -> None:
    assert read("a: &x [1, {b: 2}]\nc: *x\n") == [{"a": [1, {"b": 2}], "c": [1, {"b": 2}]}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "x.yaml:3:1: “a” stands twice in the same place, first in line 1; remove one.",
        ),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "x.yaml:1:4: tags are not read (tag:yaml.org,2002:python/object/apply:os.system); write the plain value, "
            "text in quotes.",
        ),
        (
            "a: !!binary aGk=\n",
            "x.yaml:1:4: tags are not read (tag:yaml.org,2002:binary); write the plain value, text in quotes.",
        ),
        ("a: !mine x\n", "x.yaml:1:4: tags are not read (!mine); write the plain value, text in quotes."),
        ("a: &a [*a]\n", "x.yaml:1:8: the alias *a has no finished anchor before it."),
        ("a: &a {b: *a}\n", "x.yaml:1:11: the alias *a has no finished anchor before it."),
        ("a: *b\n", "x.yaml:1:4: the alias *b has no finished anchor before it."),
        ("a: &a 1\n---\nb: *a\n", "x.yaml:3:4: the alias *a has no finished anchor before it."),
        (
            "a: &a {b: 1}\nc:\n  <<: *a\n",
            "x.yaml:3:3: merge keys (<<) are not read; write the members out, or repeat a whole value by alias.",
        ),
        ("? [a]\n: b\n", "x.yaml:1:3: a key must be a plain name."),
        ("a: &k x\n*k : 2\n", "x.yaml:2:1: a key must be a plain name."),
        ("&k a: 1\n", "x.yaml:1:1: a key cannot have an anchor (&)."),
        (
            "a: 007\n",
            "x.yaml:1:4: 007 begins with a zero; put it in quotes if it is text, else leave the zero out.",
        ),
        (
            "a: 1\nb: x\x01y\n",
            "x.yaml:2:5: a character that YAML does not allow; remove it, or write it as an escape in double quotes.",
        ),
        ("[" * 101, "x.yaml:1:101: is nested deeper than 100 levels."),
    ],
)
def test_what_is_not_read_is_refused_at_its_place(text: str, expected: str) -> None:
    assert refusal(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: x: y\n",
        "a: [1,",
        "a: 'x",
        "a:\n\t- b",
        "a: {b: 1]",
        'a: "\\ud800"',
        "%YAML 9.9\n---\na: 1",
        "- a\nb",
        "a: |3\n x",
        "@x",
    ],
)
def test_broken_yaml_names_the_line_and_what_to_look_at(text: str) -> None:
    assert refusal(text).startswith("x.yaml:")
    assert "is not good YAML" in refusal(text)


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
MANY_LAUGHS = "".join(
    "---\n&a0 [x]\n" if not n else f"---\na: &a {[0] * 400}\nb: [{', '.join(['*a'] * 1_000)}]\n"
    for n in range(3)
)


@pytest.mark.parametrize(
    "text",
    [LAUGHS, MANY_LAUGHS, f"a: &a {[0] * 1_000}\nb: [{', '.join(['*a'] * 600)}]"],
    ids=["doubling", "several documents", "one wide"],
)
def test_aliases_that_grow_are_refused_before_they_do(text: str) -> None:
    assert refusal(text).endswith("the file holds more than 500,000 values, aliases spelt out.")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "{a: " * 50_000,
        "- " * 100_000,
        "? " * 100_000,
        "&a " * 1_000,
        "!x " * 1_000,
        "a: " * 10_000,
    ],
    ids=["lists", "tables", "dashes", "questions", "anchors", "tags", "colons"],
)
def test_a_hostile_file_is_refused_with_its_place(text: str) -> None:
    assert refusal(text).startswith("x.yaml:1:")


def test_a_huge_text_is_one_value() -> None:
    assert read(f'a: "{"x" * 2_000_000}"') == [{"a": "x" * 2_000_000}]


@given(st.text(st.sampled_from("ab:-#'\"|>{}[],&*!?%@ \n\t0.1~é"), max_size=40))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    with suppress(Located):
        try:
            read(text)
        except Invalid as refused:
            raise (Located if str(refused).startswith("x.yaml:") else refused) from refused


class Located(Exception):
    """A refusal that names its place."""
