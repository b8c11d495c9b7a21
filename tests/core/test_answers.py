"""The answers of every mode, byte by byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hookstation.core import answers
from hookstation.core.answers import Acknowledging, prefers_async
from hookstation.core.definitions import AnswerMode
from hookstation.core.events import Mark, MarkState
from hookstation.core.journal_rules import time_in
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


QUEUED = Acknowledging(AnswerMode.QUEUED)
POLL = Acknowledging(AnswerMode.POLL)
EVENT = "01KAR7Q4G0" + "0" * 16
"""An id that tells by its beginning when it was made."""
RUN = "R" * 26


def a_mark(state: MarkState, run_id: str = RUN) -> Mark:
    return Mark("w", "k", b"d", EVENT, state, 2**60, run_id, 200, b'{"success": true}')


def test_an_acknowledgement_tells_the_second_in_which_its_event_was_made() -> None:
    second = datetime.fromtimestamp(time_in(EVENT) // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = QUEUED.acknowledged(EVENT, RUN)
    assert (200, {"error": False, "id": RUN, "queueTime": second}, ()) == (
        told.status,
        json.loads(told.body),
        told.headers,
    )


@pytest.mark.parametrize("state", [MarkState.WORKING, MarkState.SUCCEEDED])
@pytest.mark.parametrize("voice", [QUEUED, POLL, Acknowledging(AnswerMode.QUEUED, 202, omit_body=True)])
def test_a_repeat_differs_from_the_first_in_its_header_alone(voice: Acknowledging, state: MarkState) -> None:
    first, again = voice.acknowledged(EVENT, RUN), voice.repeated(a_mark(state))
    assert again is not None
    assert (first.status, first.body) == (again.status, again.body)
    assert (*first.headers, ("Hookstation-Replayed", "true")) == again.headers


def test_a_repeat_of_what_is_not_known_is_told_where_to_ask() -> None:
    told = QUEUED.repeated(a_mark(MarkState.UNKNOWN))
    assert told is not None
    assert (202, f"/hooks/runs/{RUN}") == (told.status, dict(told.headers)["Location"])


def test_what_came_when_the_answer_was_the_outcome_keeps_its_answer() -> None:
    told = QUEUED.repeated(a_mark(MarkState.SUCCEEDED, ""))
    assert told is not None
    assert (200, b'{"success": true}') == (told.status, told.body)


@pytest.mark.parametrize(
    ("prefer", "wanted"),
    [
        ("respond-async", True),
        ("wait=10, Respond-Async", True),
        ("respond-async; x=y, return=minimal", True),
        ("", False),
        ("respond-asynchronously", False),
        ("return=respond-async", False),
    ],
)
def test_a_preference_is_read_among_others(prefer: str, wanted: bool) -> None:
    assert wanted == prefers_async(prefer)
