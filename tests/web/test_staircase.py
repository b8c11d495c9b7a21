"""The order of the steps: a call that offends two of them gets the answer of the earlier one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.station import Station
from tests.support.webhooks import HMAC_SECRET, TOKEN
from tests.support.wire import Wire, ask, chunked, head, post

COURSE = json.dumps({"memberId": "10420", "note": "a step"})
LARGE = json.dumps({"memberId": "10420", "note": "x" * 100})


def signed(body: str) -> dict[str, str]:
    digest = hmac.digest(HMAC_SECRET.encode(), body.encode(), hashlib.sha256)
    return {"X-Signature": "sha256=" + digest.hex()}


@pytest.mark.parametrize(
    ("status", "name", "method", "body", "headers"),
    [
        pytest.param(404, "disabled", "GET", LARGE, {}, id="look-up before method"),
        pytest.param(503, "paused", "GET", LARGE, {}, id="state before method"),
        pytest.param(503, "paused", "POST", LARGE, {}, id="state before address"),
        pytest.param(405, "far", "GET", LARGE, {}, id="method before address"),
        pytest.param(403, "far", "POST", LARGE, {}, id="address before rate and length"),
        pytest.param(413, "tiny", "POST", LARGE, {"Content-Encoding": "gzip"}, id="length before coding"),
        pytest.param(413, "tiny", "POST", LARGE, {"X-Token": "wrong"}, id="length before token"),
        pytest.param(415, "tiny", "POST", "x", {"Content-Encoding": "gzip"}, id="coding before token"),
        pytest.param(401, "tiny", "POST", "x", {"Content-Type": "text/plain"}, id="token before type"),
        pytest.param(413, "tiny-hmac", "POST", LARGE, {"X-Signature": "bad"}, id="length before signature"),
        pytest.param(401, "hmac", "POST", "x", {"Content-Type": "text/plain"}, id="signature before type"),
        pytest.param(401, "hmac", "POST", "{", {}, id="signature before decoding"),
        pytest.param(415, "plain", "POST", "{", {"Content-Type": "text/plain"}, id="type before decoding"),
        pytest.param(400, "long", "POST", '{"note": "' + "x" * 99 + '"}', {}, id="schema before mapping"),
    ],
)
def test_the_earlier_step_answers(
    lane: Station, status: int, name: str, method: str, body: str, headers: Mapping[str, str]
) -> None:
    assert status == ask(lane.hook(name), body, method, headers).status


def test_rate_comes_before_length(lane: Station) -> None:
    statuses = [ask(lane.hook("rated"), LARGE).status for _ in range(2)]
    assert 429 == statuses[1]


def test_token_comes_before_the_body_is_read(lane: Station) -> None:
    with Wire(lane.url) as wire:
        wire.send(head("POST", lane.paths["token"], "station", {"Content-Length": "50", "X-Token": "wrong"}))
        assert 401 == wire.hear().status


def test_a_counted_length_comes_before_the_signature(lane: Station) -> None:
    with Wire(lane.url) as wire:
        sent = {"Transfer-Encoding": "chunked", "X-Signature": "bad"}
        wire.send(head("POST", lane.paths["tiny-hmac"], "station", sent) + chunked(LARGE.encode()))
        assert 413 == wire.hear().status


def test_a_repeat_is_known_before_the_schema_is_looked_at(lane: Station) -> None:
    key = {"webhook-id": "schema after repeat"}
    assert 200 == ask(lane.hook("by-header"), COURSE, headers=key).status
    assert 409 == ask(lane.hook("by-header"), "{}", headers=key).status


def test_a_body_that_is_no_json_is_refused_before_its_key_is_looked_at(lane: Station) -> None:
    key = {"webhook-id": "decoding before repeat"}
    assert 200 == ask(lane.hook("by-header"), COURSE, headers=key).status
    assert 400 == ask(lane.hook("by-header"), "{", headers=key).status


def test_every_step_passed_is_a_success(lane: Station) -> None:
    assert 200 == ask(lane.hook("hmac"), COURSE, headers=signed(COURSE)).status
    short = '{"memberId": "1"}'
    assert 200 == ask(lane.hook("tiny"), short, headers={"X-Token": TOKEN}).status


@pytest.mark.parametrize(
    ("reason", "name", "method", "body", "headers"),
    [
        ("paused", "paused", "POST", COURSE, {}),
        ("method", "plain", "GET", "", {}),
        ("address", "far", "POST", COURSE, {}),
        ("too_large", "tiny", "POST", LARGE, {}),
        ("compressed", "plain", "POST", COURSE, {"Content-Encoding": "gzip"}),
        ("authentication", "token", "POST", COURSE, {"X-Token": "wrong"}),
        ("authentication", "hmac", "POST", COURSE, {"X-Signature": "sha256=00"}),
        ("body_type", "plain", "POST", COURSE, {"Content-Type": "text/csv"}),
        ("body", "plain", "POST", "{", {}),
        ("schema", "plain", "POST", "{}", {}),
    ],
)
def test_a_rejected_call_is_journalled_with_its_reason(
    lane: Station, reason: str, name: str, method: str, body: str, headers: Mapping[str, str]
) -> None:
    heard = ask(lane.hook(name), body, method, headers)
    event = lane.event(heard)
    assert ("rejected", reason, name) == (event["state"], event["reason"], event["webhook"])
    assert (heard.status, "127.0.0.1") == (event["answer_status"], event["sender"])
    assert heard.body.decode() == event["answer"]
    assert None is event["body"]


def test_a_mapping_that_fails_is_journalled_as_failed_with_its_body(lane: Station) -> None:
    body = json.dumps({"memberId": "10420", "note": "x" * 99})
    event = lane.event(ask(lane.hook("long"), body))
    assert ("failed", "mapping", 500, body) == (
        event["state"],
        event["reason"],
        event["answer_status"],
        event["body"],
    )


def test_an_unknown_token_leaves_no_event(lane: Station) -> None:
    heard = ask(lane.url + "/hooks/unknown", COURSE)
    assert "hookstation-event-id" not in heard.headers


def test_the_body_of_a_rejected_call_is_kept_where_the_webhook_says_so(lane: Station) -> None:
    assert "{" == lane.event(ask(lane.hook("keeping"), "{"))["body"]


def test_bytes_that_are_no_text_are_kept_as_they_came(lane: Station) -> None:
    event = lane.event(ask(lane.hook("keeping"), b"\xff\xfe\x00"))
    assert b"\xff\xfe\x00" == base64.b64decode(event["body_base64"])


def test_a_succeeded_event_is_journalled_whole(lane: Station) -> None:
    body = '{"memberId": "10420", "amount": 19.90}'
    heard = ask(lane.hook("plain"), body, headers={"X-Colour": "red", "Authorization": "Basic c2VjcmV0"})
    event = lane.event(heard)
    assert (body, len(body)) == (event["body"], event["size"])
    assert "red" == event["headers"]["x-colour"]
    assert "***" == event["headers"]["authorization"]
    assert {"verify", "decode", "schema", "map"} <= event["timings"].keys()
    assert event["received_at"] <= event["settled_at"]
    assert heard.body.decode() == event["answer"]


@pytest.mark.parametrize(
    ("name", "header"), [("token", "X-Token"), ("hmac", "X-Signature"), ("plain", "Cookie")]
)
def test_what_proves_a_caller_is_masked_in_the_journal(lane: Station, name: str, header: str) -> None:
    event = lane.event(post(lane.hook(name), {}, **{header.replace("-", "_"): "sha256=a secret"}))
    assert "***" == event["headers"][header.lower()]
    assert "a secret" not in json.dumps(event)


def test_a_token_in_the_query_is_masked_in_the_journal(lane: Station) -> None:
    event: dict[str, Any] = lane.event(ask(lane.hook("plain") + "?token=abc&page=2", COURSE))
    assert "token=***&page=2" == event["query"]
