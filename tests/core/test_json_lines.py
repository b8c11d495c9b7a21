"""On which line of a JSON text a value stands, and samples that were pasted one after the other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.json_lines import line_of
from hookstation.core.sample_text import MOST_SAMPLES, read_samples
from hookstation.errors import Invalid

TEXT = """{
  "type": "object",
  "properties": {
    "a": {"type": "strnig"},
    "b": [1,
      {"c": 2}]
  }
}"""

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
samples = st.dictionaries(st.text(max_size=4), values, max_size=3) | st.lists(values, max_size=3)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (4, ("properties", "a", "type")),
        (6, ("properties", "b", 1, "c")),
        (3, ("properties", "not there")),
        (1, ("not there",)),
        (1, ()),
    ],
)
def test_a_value_is_found_on_its_line(line: int, path: tuple[str | int, ...]) -> None:
    """What is not there is shown at the deepest value on the way to it."""
    assert line == line_of(TEXT, path)


@given(st.text(alphabet='{}[]",:a1 \n', max_size=40), st.lists(st.text(max_size=2), max_size=3))
def test_any_text_gives_one_of_its_lines(text: str, path: list[str]) -> None:
    assert 1 <= line_of(text, tuple(path)) <= text.count("\n") + 1


@given(st.lists(samples, min_size=1, max_size=4), st.sampled_from(["", "\n", " \n\n", ",\n", ";"]))
def test_samples_are_read_back_however_they_are_separated(given_samples: list[object], between: str) -> None:
    assert given_samples == read_samples(between.join(json.dumps(one) for one in given_samples))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  ", "Paste what the sender sends"),
        ('{"a": 1}\n\n{"a": tru}', "Line 3"),
        ("{}\n" * (MOST_SAMPLES + 1), f"at most {MOST_SAMPLES}"),
    ],
)
def test_what_is_no_sample_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read_samples(text)
