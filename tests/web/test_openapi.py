"""The description of the API: whole, sound, and about the API that there is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from hookstation.connectors import CATALOGUE
from hookstation.core.values import JSON
from hookstation.web.api.build import OPERATIONS
from hookstation.web.api.openapi import ROOT, TITLES, document
from hookstation.web.api.routes import Operation

DOCUMENT: Any = document(OPERATIONS, CATALOGUE, "1.2.3")
SCHEMAS: Any = DOCUMENT["components"]["schemas"]
ENTRIES = [
    (path, method, entry) for path, methods in DOCUMENT["paths"].items() for method, entry in methods.items()
]


def references(value: JSON) -> Iterator[str]:
    """Every `$ref` inside."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name == "$ref":
                yield str(one)
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_it_is_openapi_3_1_about_this_version() -> None:
    assert ("3.1.0", "1.2.3") == (DOCUMENT["openapi"], DOCUMENT["info"]["version"])
    assert [{"key": []}, {"session": [], "token": []}] == DOCUMENT["security"]


def test_every_operation_is_described_once_under_its_own_name() -> None:
    assert {(ROOT + one.path, one.method.lower()) for one in OPERATIONS} == {
        (path, method) for path, method, _ in ENTRIES
    }
    assert {1} == {*Counter(entry["operationId"] for _, _, entry in ENTRIES).values()}
    assert all(entry["summary"] for _, _, entry in ENTRIES)


def test_every_reference_leads_to_a_schema_and_every_schema_is_led_to() -> None:
    named = {f"#/components/schemas/{name}" for name in SCHEMAS}
    assert named == {*references(DOCUMENT)}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_a_valid_one(name: str) -> None:
    assert jsonschema_rs.meta.is_valid({**SCHEMAS[name], "$defs": {}})


@pytest.mark.parametrize(("path", "method", "entry"), ENTRIES)
def test_parameters_answers_and_refusals_are_told(path: str, method: str, entry: Any) -> None:
    placed = {one["name"] for one in entry["parameters"] if one["in"] == "path"}
    assert {*re.findall(r"\{(\w+)\}", path)} == placed
    assert all(one["required"] for one in entry["parameters"] if one["in"] == "path")
    assert all(one["description"] for one in entry["parameters"] if one["in"] != "path")
    statuses = {int(status) for status in entry["responses"]}
    assert 1 == sum(status < 300 for status in statuses) - (
        "/events-post" == f"{path.removeprefix(ROOT)}-{method}"
    )
    assert {401, 503} <= statuses <= {*TITLES} | {200, 201, 204}
    assert ("requestBody" in entry) == (413 in statuses) or method == "get"


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.view.__name__)
def test_an_operation_says_what_its_view_does(one: Operation) -> None:
    assert one.view.__doc__
    assert one.status in (200, 201, 204)
    assert (204 == one.status) == (not one.result)
