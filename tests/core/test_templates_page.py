"""The page docs/reference/templates.md tells the truth: every example on it is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.template import MISSING, Scope, Value, compile_template
from hookstation.core.template.filters import FILTERS
from hookstation.core.template.liquid import INNER_TAGS, WRITABLE

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "templates.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| `(?P<template>(?:[^`\\]|\\.)+)` \| (?P<result>`[^`]*`(?: \(a number\))?|left out|null|``) \|$", re.M
)
PAYLOAD = parse_json(re.findall(r"```json\n(.*?)```", TEXT, re.S)[0].encode()).value


def examples() -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\| template \| result \|$", TEXT, flags=re.M)[1:]:
        table = part.split("\n\n")[0]
        for found in ROW.finditer(table):
            yield found["template"].replace("\\|", "|"), found["result"]


def shown(value: Value) -> str:
    if value is MISSING:
        return "left out"
    if isinstance(value, str):
        return f"`{value}`"
    return "null" if value is None else f"`{dump_json(value)}` (a number)"


@pytest.mark.parametrize(("template", "result"), list(examples()))
def test_example_gives_what_the_page_says(template: str, result: str) -> None:
    scope = Scope(
        PAYLOAD,
        1795361400000000,
        "01KAP2M8C0EXAMPLE000000000",
        "course-completions",
        {"x-trace": "abc", "cookie": "secret"},
        "source=lms",
    )
    assert result == shown(compile_template(template).evaluate(scope))


def test_every_row_of_the_example_tables_is_an_example() -> None:
    rows = [
        line
        for part in re.split(r"^\| template \| result \|$", TEXT, flags=re.M)[1:]
        for line in part.split("\n\n")[0].splitlines()
        if line.startswith("| ")
    ]
    assert len(rows) == len(list(examples()))


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_is_on_the_page(name: str) -> None:
    assert re.search(rf"\\\| {name}\b", TEXT)


@pytest.mark.parametrize("name", sorted(WRITABLE | INNER_TAGS))
def test_every_tag_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in TEXT
