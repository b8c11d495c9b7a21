"""Every answer of the table, byte by byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.station import Station
from tests.support.wire import ask, post

COURSE = {"memberId": "10420", "note": "finished"}


def test_200_is_these_bytes(lane: Station) -> None:
    heard = post(lane.hook("plain"), COURSE)
    assert (200, b'{"success": true}') == (heard.status, heard.body)
    assert "application/json" == heard.headers["content-type"]
    assert str(len(heard.body)) == heard.headers["content-length"]


def test_200_means_that_the_record_stands(lane: Station) -> None:
    heard = post(lane.hook("plain"), COURSE)
    assert 1 == len(lane.records("Activity", UF_1=heard.event_id))
    event = lane.event(heard)
    assert ("succeeded", 200, "") == (event["state"], event["answer_status"], event["reason"])
    assert ("records", "Activity") == (event["record"]["connection"], event["record"]["entity"])


@pytest.mark.parametrize("name", ["disabled", "archived"])
def test_404_is_the_same_bytes_whether_disabled_archived_or_unknown(lane: Station, name: str) -> None:
    unknown = ask(lane.url + "/hooks/" + "A" * 43, json.dumps(COURSE))
    known = post(lane.hook(name), COURSE)
    assert (404, b'{"success": false}') == (unknown.status, unknown.body)
    assert (unknown.status, unknown.body, _names(unknown.headers)) == (
        known.status,
        known.body,
        _names(known.headers),
    )


def _names(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "date"}


@pytest.mark.parametrize(
    "path", ["/hooks", "/hooks/", "/hooks/x/y", "/hooks/%00", "/hooks/..", "/hooks/runs/"]
)
def test_odd_tokens_are_404(lane: Station, path: str) -> None:
    heard = ask(lane.url + path, "{}")
    assert (404, b'{"success": false}') == (heard.status, heard.body)


def test_503_while_paused_says_when_to_come_again(lane: Station) -> None:
    heard = post(lane.hook("paused"), COURSE)
    assert 503 == heard.status
    assert 0 < int(heard.headers["retry-after"])
    _is_refusal(heard.document)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_405_names_the_method_that_is_allowed(lane: Station, method: str) -> None:
    heard = ask(lane.hook("plain"), json.dumps(COURSE), method)
    assert (405, "POST") == (heard.status, heard.headers["allow"])
    _is_refusal(heard.document)


def test_405_to_head_has_no_body(lane: Station) -> None:
    heard = ask(lane.hook("plain"), method="HEAD")
    assert (405, b"", "POST") == (heard.status, heard.body, heard.headers["allow"])


def test_403_for_an_address_that_may_not_call(lane: Station) -> None:
    heard = post(lane.hook("far"), COURSE)
    assert 403 == heard.status
    _is_refusal(heard.document)


def test_an_address_on_the_list_may_call(lane: Station) -> None:
    assert 200 == post(lane.hook("near"), COURSE).status


def test_429_says_when_to_come_again(lane: Station) -> None:
    statuses = [post(lane.hook("rated"), COURSE) for _ in range(2)]
    assert 429 == statuses[1].status
    assert 1 <= int(statuses[1].headers["retry-after"]) <= 3601
    _is_refusal(statuses[1].document)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense"]
)
def test_415_for_other_kinds_of_body(lane: Station, kind: str) -> None:
    heard = ask(lane.hook("plain"), json.dumps(COURSE), headers={"Content-Type": kind})
    assert 415 == heard.status
    _is_refusal(heard.document)


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "text/json",
        "application/a+json",
    ],
)
def test_every_kind_of_json_is_taken(lane: Station, kind: str) -> None:
    assert 200 == ask(lane.hook("plain"), json.dumps(COURSE), headers={"Content-Type": kind}).status


def test_no_content_type_is_json(lane: Station) -> None:
    assert 200 == ask(lane.hook("plain"), json.dumps(COURSE)).status


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, identity"])
def test_415_for_a_compressed_body(lane: Station, coding: str) -> None:
    assert 415 == post(lane.hook("plain"), COURSE, Content_Encoding=coding).status


def test_400_names_every_violation_for_people_and_for_machines(lane: Station) -> None:
    heard = post(lane.hook("plain"), {"amount": "much", "count": 1.5})
    document = heard.document
    assert (400, False) == (heard.status, document["success"])
    assert {"success", "validationErrors", "errors"} == document.keys()
    assert {("/memberId", "required"), ("/amount", "type"), ("/count", "type")} == {
        (one["path"], one["rule"]) for one in document["errors"]
    }
    for sentence, error in zip(document["validationErrors"], document["errors"], strict=True):
        assert {"path", "rule", "message"} == error.keys()
        assert sentence.startswith(error["path"].lstrip("/").replace("/", ".") + ": ")


def test_400_names_a_hundred_violations_at_most(lane: Station) -> None:
    many = {"memberId": "1", **{f"x{n}": n for n in range(3)}}
    heard = post(lane.hook("plain"), [many] * 200)
    assert 400 == heard.status
    assert 1 <= len(heard.document["errors"]) <= 100


def test_500_names_the_field_and_leaks_nothing(lane: Station) -> None:
    heard = post(lane.hook("long"), {"memberId": "10420", "note": "x" * 99})
    assert (500, {"success", "error"}) == (heard.status, heard.document.keys())
    assert "CATEGORY" in heard.document["error"].upper()
    assert "15" in heard.document["error"]
    _leaks_nothing(lane, heard.document["error"])


def test_500_when_there_is_no_row_to_update(lane: Station) -> None:
    heard = post(lane.hook("update"), COURSE)
    assert 500 == heard.status
    assert "Courses" in heard.document["error"]
    assert "failed" == lane.event(heard)["state"]


def test_500_passes_on_what_the_target_found_wrong(lane: Station) -> None:
    lane.fault("validation-error")
    heard = post(lane.hook("imis"), COURSE)
    assert 500 == heard.status
    assert "The sandbox was told to refuse this." in heard.document["error"]
    _leaks_nothing(lane, heard.document["error"])


@pytest.mark.parametrize(("kind", "status"), [("status", 403), ("status", 503), ("ok-with-failure", 500)])
def test_500_of_a_refusing_target_leaks_nothing(lane: Station, kind: str, status: int) -> None:
    lane.fault(kind, status=status)
    heard = post(lane.hook("imis"), COURSE)
    assert heard.status in (500, 202)
    _leaks_nothing(lane, heard.body.decode())


def test_a_date_that_is_left_out_is_the_moment_of_receipt(lane: Station) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    heard = post(lane.hook("plain"), COURSE)
    told = lane.records("Activity", UF_1=heard.event_id)[0]["TRANSACTION_DATE"]
    moment = datetime.fromisoformat(told.replace("Z", "+00:00")).replace(tzinfo=UTC)
    assert before <= moment <= datetime.now(UTC)


def test_a_property_that_the_payload_lacks_leaves_the_date_to_its_default(lane: Station) -> None:
    heard = post(lane.hook("dated"), {**COURSE, "note": "dated"})
    assert 200 == heard.status
    assert lane.records("Activity", NOTE="dated")[0]["TRANSACTION_DATE"]


def test_the_event_id_opens_nothing(lane: Station) -> None:
    heard = post(lane.hook("plain"), COURSE)
    assert 404 == ask(f"{lane.url}/hooks/runs/{heard.event_id}", method="GET").status
    assert 401 == ask(f"{lane.url}/api/v1/events/{heard.event_id}", method="GET").status


def _is_refusal(document: Any) -> None:
    assert {"success", "error"} == document.keys()
    assert document["success"] is False
    assert document["error"]


def _leaks_nothing(lane: Station, text: str) -> None:
    for secret in ("Traceback", ".py", "127.0.0.1", lane.sandbox, str(lane.data), "manager", "password"):
        assert secret not in text
