"""What is not known yet: 202, its status address, and how an unknown outcome is settled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.station import Station
from tests.support.wire import Heard, ask, post

COURSE = {"memberId": "10420", "note": "a run"}


def is_pending(heard: Heard) -> None:
    assert 202 == heard.status
    assert {"success": True, "pending": True, "id": heard.document["id"]} == heard.document
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", heard.document["id"])
    assert f"/hooks/runs/{heard.document['id']}" == heard.headers["location"]
    assert 1 <= int(heard.headers["retry-after"])
    assert heard.document["id"] != heard.event_id


def status(lane: Station, heard: Heard, method: str = "GET") -> Heard:
    return ask(lane.url + heard.headers["location"], method=method)


def test_after_the_time_limit_the_status_address_tells_the_end(lane: Station) -> None:
    lane.fault("slow", seconds=0.8)
    heard = post(lane.hook("quick"), COURSE)
    is_pending(heard)
    meanwhile = status(lane, heard)
    assert (202, {"id": heard.document["id"], "status": "running"}) == (meanwhile.status, meanwhile.document)
    assert 1 <= int(meanwhile.headers["retry-after"])
    ended = lane.ended(heard)
    assert 200 == ended.status
    assert {"id", "status", "result", "queued_at", "started_at", "ended_at"} == ended.document.keys()
    assert ("succeeded", {"success": True}) == (ended.document["status"], ended.document["result"])
    assert ended.document["queued_at"] <= ended.document["started_at"] <= ended.document["ended_at"]
    assert 1 == len(lane.rows(SOURCE_CODE=heard.event_id))
    assert "succeeded" == lane.event(heard)["state"]


@pytest.fixture
def strict_parties(lane: Station) -> Iterator[None]:
    """The iMIS stand-in refuses people that it does not know."""
    settings = f"{lane.sandbox}/_sandbox/settings"
    ask(settings, '{"strict_parties": true}', "PUT")
    yield
    ask(settings, '{"strict_parties": false}', "PUT")


@pytest.mark.usefixtures("strict_parties")
def test_a_run_that_fails_after_the_time_limit_says_why(lane: Station) -> None:
    lane.fault("slow", seconds=0.6)
    heard = post(lane.hook("quick"), {**COURSE, "memberId": "nobody"})
    is_pending(heard)
    document = lane.ended(heard).document
    assert "failed" == document["status"]
    assert "party" in document["error"]
    assert {"id", "status", "error", "queued_at", "started_at", "ended_at"} == document.keys()


@pytest.mark.parametrize(
    "path", ["/hooks/runs/unknown", "/hooks/runs/", "/hooks/runs/" + "A" * 26, "/hooks/runs/a/b"]
)
def test_anything_else_is_404(lane: Station, path: str) -> None:
    heard = ask(lane.url + path, method="GET")
    assert (404, b'{"success": false}') == (heard.status, heard.body)


def test_a_status_address_is_read_only(lane: Station) -> None:
    lane.fault("slow", seconds=0.6)
    heard = post(lane.hook("quick"), COURSE)
    assert 405 == status(lane, heard, "POST").status
    assert b"" == status(lane, heard, "HEAD").body
    lane.ended(heard)


def test_every_unknown_outcome_with_a_marker_ends_with_exactly_one_row(lane: Station) -> None:
    """Saved or not, told or not: the look-up by the marker finds out, and only what is not there is sent again."""
    kinds: list[dict[str, Any]] = [
        {"kind": "saved-but-500"},
        {"kind": "saved-but-dropped"},
        {"kind": "dropped"},
        {"kind": "status", "status": 504},
    ]
    answers = []
    for fault in kinds:
        lane.fault(**fault)
        answers.append(post(lane.hook("imis"), COURSE))
    for heard in answers:
        is_pending(heard)
    assert {"unknown"} == {status(lane, heard).document["status"] for heard in answers}
    assert {202} == {status(lane, heard).status for heard in answers}
    assert ["succeeded"] * 4 == [lane.ended(heard).document["status"] for heard in answers]
    assert [1] * 4 == [len(lane.rows(SOURCE_CODE=heard.event_id)) for heard in answers]
    for heard in answers:
        event = lane.event(heard)
        assert ("succeeded", "imis", "Activity") == (
            event["state"],
            event["record"]["connection"],
            event["record"]["entity"],
        )
        assert event["record"]["key"]


def test_without_a_marker_what_cannot_be_found_waits_for_a_person(lane: Station) -> None:
    lane.fault("dropped")
    heard = post(
        lane.hook("unmarked"), {"memberId": "10420", "note": "waits"}, Webhook_Id="waits for a person"
    )
    is_pending(heard)
    ended = lane.ended(heard)
    assert (200, "unknown") == (ended.status, ended.document["status"])
    assert ended.document["error"]
    assert "unknown" == lane.event(heard)["state"]
    repeat = post(
        lane.hook("unmarked"), {"memberId": "10420", "note": "waits"}, Webhook_Id="waits for a person"
    )
    assert (202, heard.headers["location"]) == (repeat.status, repeat.headers["location"])
    assert [] == lane.rows(NOTE="waits")


def test_a_target_that_surely_did_nothing_is_500_and_not_unknown(lane: Station) -> None:
    lane.fault("status", status=429)
    heard = post(lane.hook("imis"), COURSE)
    assert 500 == heard.status
    assert [] == lane.rows(SOURCE_CODE=heard.event_id)
    assert "failed" == lane.event(heard)["state"]
