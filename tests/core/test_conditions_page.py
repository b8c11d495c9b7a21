"""The page docs/reference/conditions.md tells the truth: every example on it is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hookstation.core.condition import (
    DEEPEST,
    FUNCTIONS,
    LONGEST,
    MOST_ELEMENTS,
    MOST_OPTIONS,
    MOST_SEARCHES,
    MOST_TERMS,
    Operator,
    compile_condition,
)
from hookstation.core.condition.terms import RESERVED
from hookstation.core.jsontext import parse_json
from hookstation.core.outgoing.scope import facts_of
from hookstation.core.outgoing.values import EventOut

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "conditions.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \| (yes|no) \|$", TEXT, re.M)
[SAMPLE] = re.findall(r"```json\n(.*?)```", TEXT, re.S)
EVENT = EventOut("01KAP2M8C0EXAMPLE000000000", "order.paid", 1_795_361_400_000_000, SAMPLE)


@pytest.mark.parametrize(("source", "answer"), ROWS)
def test_an_example_holds_where_the_page_says_so(source: str, answer: str) -> None:
    payload = parse_json(SAMPLE.encode()).value
    assert answer == ("no", "yes")[compile_condition(source).holds(payload, facts_of(EVENT, payload))]


def test_the_first_example_is_a_condition() -> None:
    [source] = re.findall(r"```text\n(.*?)```", TEXT, re.S)
    assert compile_condition(source).holds(parse_json(SAMPLE.encode()).value)


def test_every_row_of_the_example_tables_is_run() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert len(ROWS) == len(lines) > 50


def test_every_word_of_the_language_is_on_the_page() -> None:
    assert [] == [word for word in (*RESERVED, *FUNCTIONS, *Operator) if word not in TEXT]


@pytest.mark.parametrize("limit", [LONGEST, MOST_TERMS, MOST_SEARCHES, DEEPEST, MOST_OPTIONS, MOST_ELEMENTS])
def test_every_limit_is_on_the_page(limit: int) -> None:
    assert f"{limit:,}" in TEXT.partition("## Limits")[2]
