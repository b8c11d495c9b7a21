"""Who may call: every malformed, wrong, missing or stale proof is 401 and tells nothing more."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest

from tests.support.station import Station
from tests.support.webhooks import HMAC_SECRET, STANDARD_SECRET, TOKEN
from tests.support.wire import Heard, Wire, ask, request

COURSE = json.dumps({"memberId": "10420", "note": "proven"}).encode()
GOOD = "sha256=" + hmac.digest(HMAC_SECRET.encode(), COURSE, hashlib.sha256).hex()


def is_refused(heard: Heard) -> None:
    assert 401 == heard.status
    assert b'{"success": false, "error": "The call could not be authenticated."}' == heard.body


def test_the_right_token_is_let_in(lane: Station) -> None:
    assert 200 == ask(lane.hook("token"), COURSE, headers={"x-TOKEN": TOKEN}).status


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "wrong",
        TOKEN[:-1],
        TOKEN + "x",
        TOKEN.upper(),
        f"Bearer {TOKEN}",
        f"{TOKEN}, {TOKEN}",
        "x" * 9_000,
        "é",
    ],
)
def test_any_other_token_is_401(lane: Station, value: str) -> None:
    is_refused(ask(lane.hook("token"), COURSE, headers={"X-Token": value}))


def test_no_token_is_401(lane: Station) -> None:
    is_refused(ask(lane.hook("token"), COURSE))


def test_a_token_given_twice_is_401(lane: Station) -> None:
    with Wire(lane.url) as wire:
        sent = request("POST", lane.paths["token"], "station", COURSE, {"X-Token": TOKEN, "x-token": TOKEN})
        is_refused(wire.send(sent).hear())


@pytest.mark.parametrize("value", [GOOD, "sha256=" + GOOD[7:].upper()])
def test_the_right_hmac_is_let_in(lane: Station, value: str) -> None:
    assert 200 == ask(lane.hook("hmac"), COURSE, headers={"X-Signature": value}).status


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha256=",
        GOOD[7:],
        GOOD[:-1],
        GOOD + "0",
        GOOD[:-2],
        "sha256=" + "0" * 64,
        "sha1=" + GOOD[7:],
        "SHA256=" + GOOD[7:],
        GOOD + ", " + GOOD,
        "sha256=" + "é" * 64,
        "sha256=" + "g" * 64,
        "sha256=" + base64.b64encode(bytes.fromhex(GOOD[7:])).decode(),
        "x" * 9_000,
    ],
)
def test_any_other_hmac_is_401(lane: Station, value: str) -> None:
    is_refused(ask(lane.hook("hmac"), COURSE, headers={"X-Signature": value}))


@pytest.mark.parametrize("body", [COURSE + b" ", COURSE[:-1], b"", COURSE.replace(b"10420", b"10421")])
def test_the_hmac_of_another_body_is_401(lane: Station, body: bytes) -> None:
    is_refused(ask(lane.hook("hmac"), body, headers={"X-Signature": GOOD}))


def standard(
    body: bytes = COURSE, *, ident: str = "msg_1", moment: str = "", version: str = "v1"
) -> dict[str, str]:
    moment = moment or str(int(time.time()))
    key = base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{ident}.{moment}.".encode() + body, hashlib.sha256)
    signature = f"{version},{base64.b64encode(digest).decode()}"
    return {"webhook-id": ident, "webhook-timestamp": moment, "webhook-signature": signature}


def test_a_standard_webhook_is_let_in(lane: Station) -> None:
    assert 200 == ask(lane.hook("standard"), COURSE, headers=standard()).status


def test_one_right_signature_among_others_is_enough(lane: Station) -> None:
    proof = standard()
    proof["webhook-signature"] = f"v1,{'A' * 43}= v1a,{'A' * 86}== {proof['webhook-signature']}"
    assert 200 == ask(lane.hook("standard"), COURSE, headers=proof).status


@pytest.mark.parametrize("seconds", [-3_000, -310, 310, 3_000])
def test_a_stale_or_early_time_is_401(lane: Station, seconds: int) -> None:
    is_refused(ask(lane.hook("standard"), COURSE, headers=standard(moment=str(int(time.time()) + seconds))))


@pytest.mark.parametrize("moment", ["soon", "-1", "1e9", "17.5", "9" * 30, "0x10", "٣"])
def test_a_time_that_is_none_is_401(lane: Station, moment: str) -> None:
    proof = {name: value.encode().decode("latin-1") for name, value in standard(moment=moment).items()}
    is_refused(ask(lane.hook("standard"), COURSE, headers=proof))


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,!!!"},
        {"webhook-signature": "v1," + "A" * 43 + "="},
        {"webhook-signature": standard(version="v2")["webhook-signature"]},
        {"webhook-id": ""},
        {"webhook-id": "msg_2"},
        {"webhook-id": "x" * 5_000},
        {"webhook-timestamp": ""},
    ],
)
def test_a_malformed_standard_webhook_is_401(lane: Station, wrong: dict[str, str]) -> None:
    is_refused(ask(lane.hook("standard"), COURSE, headers={**standard(), **wrong}))


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_standard_webhook_without_one_of_its_headers_is_401(lane: Station, missing: str) -> None:
    proof = standard()
    del proof[missing]
    is_refused(ask(lane.hook("standard"), COURSE, headers=proof))


def test_the_journal_knows_why_and_the_sender_does_not(lane: Station) -> None:
    event = lane.event(ask(lane.hook("hmac"), COURSE))
    assert "x-signature" in event["error"].lower()
    assert "x-signature" not in event["answer"].lower()
