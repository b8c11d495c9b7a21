"""The answers of mode `outcome`, byte by byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hookstation.core import answers
from hookstation.core.schema_words import Violation
from hookstation.errors import BodyRefused


def test_success_and_not_found_are_these_bytes() -> None:
    assert (200, b'{"success": true}', ()) == (
        answers.SUCCEEDED.status,
        answers.SUCCEEDED.body,
        answers.SUCCEEDED.headers,
    )
    assert (404, b'{"success": false}') == (answers.NOT_FOUND.status, answers.NOT_FOUND.body)


def test_a_refusal_carries_its_error_and_headers() -> None:
    answer = answers.refused(405, "Send a POST request.", ("Allow", "POST"))
    assert (405, b'{"success": false, "error": "Send a POST request."}', (("Allow", "POST"),)) == (
        answer.status,
        answer.body,
        answer.headers,
    )
    assert 500 == answers.failed("why").status


def test_violations_stand_twice_in_the_same_order() -> None:
    answer = answers.invalid([Violation("/a", "type", "a: x"), Violation("/b/0", "required", "b.0: y")])
    expected = (
        b'{"success": false, "validationErrors": ["a: x", "b.0: y"], "errors": [{"path": "/a", "rule": "type", '
        b'"message": "a: x"}, {"path": "/b/0", "rule": "required", "message": "b.0: y"}]}'
    )
    assert (400, expected) == (answer.status, answer.body)


def test_what_is_no_json_is_a_violation_of_the_whole() -> None:
    answer = answers.unreadable(BodyRefused("not JSON"))
    told = json.loads(answer.body)
    assert (400, ["not JSON"]) == (answer.status, told["validationErrors"])
    assert [{"path": "", "rule": "json", "message": "not JSON"}] == told["errors"]


def test_a_body_of_another_kind_carries_the_reason_alone() -> None:
    answer = answers.unreadable(BodyRefused("not taken", status=415))
    assert (415, {"success": False, "error": "not taken"}) == (answer.status, json.loads(answer.body))


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "1"), (0.01, "1"), (1, "1"), (1.01, "2"), (59.5, "60")]
)
def test_retry_after_is_in_whole_seconds_and_never_too_early(seconds: float, expected: str) -> None:
    assert (("Retry-After", expected),) == answers.busy(429, "slow down", seconds).headers


def test_pending_tells_where_to_ask_and_when() -> None:
    answer = answers.pending("RUN", 5)
    assert (202, b'{"success": true, "pending": true, "id": "RUN"}') == (answer.status, answer.body)
    assert {"Location": "/hooks/runs/RUN", "Retry-After": "5"} == dict(answer.headers)


@given(some.text(max_size=3_000))
def test_an_error_is_whole_or_visibly_shortened(text: str) -> None:
    told = answers.shorten(text)
    assert len(told) <= answers.LONGEST_ERROR
    assert told == text or (told[-1] == "…" and text.startswith(told[:-1]))


@given(some.text(some.characters(exclude_categories=["Cs"])))
def test_every_error_text_is_one_line_of_json(text: str) -> None:
    body = answers.failed(text).body
    assert answers.shorten(text) == json.loads(body)["error"]
    assert b"\n" not in body
