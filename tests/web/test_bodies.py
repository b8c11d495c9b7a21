"""What is read of a body: every refusal of JSON, the limits, and numbers that keep their digits."""

from __future__ import annotations

import json

import pytest

from tests.support.station import Station
from tests.support.wire import Wire, ask, chunked, head


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"[1,]",
        b"{'a': 1}",
        b"nonsense",
        b'{"a": 1} {"b": 2}',
        b'{"a": 1}]',
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"x": {"a": 1, "b": 2, "a": 3}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00\\ud800"}',
        b'{"\\udfff": 1}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\xc0\xaf"}',
        b'{"a": "\xed\xa0\x80"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 01}',
        b'{"a": +1}',
        b'{"a": .5}',
        b'{"a": 1.}',
        b'{"a": "\n"}',
        b'{"a": "\\x"}',
        b'{"a": 1e999999999}',
        b'{"a": /* no */ 1}',
        b'"text"',
        b"12",
        b"null",
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" * 500_000,
        b'{"a":' * 150_000,
        b"[" + b"0," * 10_000 + b"0]",
        b"{" + b",".join(b'"%d":0' % n for n in range(10_001)) + b"}",
    ],
)
def test_what_is_no_json_is_400_at_the_root(lane: Station, body: bytes) -> None:
    heard = ask(lane.hook("numbers"), body)
    document = heard.document
    assert (400, False) == (heard.status, document["success"])
    assert [("", "json")] == [(one["path"], one["rule"]) for one in document["errors"]]
    assert document["validationErrors"] == [one["message"] for one in document["errors"]]


@pytest.mark.parametrize(
    "body", [b"[" * 64 + b"]" * 64, b"[" + b"0," * 9_999 + b"0]", b'{"a": "\\ud83d\\ude00"}', b" [ ] "]
)
def test_what_is_just_within_the_limits_is_read(lane: Station, body: bytes) -> None:
    heard = ask(lane.hook("keeping"), body)
    assert ["json"] != [one["rule"] for one in heard.document.get("errors", [])]


def test_a_body_of_one_mebibyte_is_read(lane: Station) -> None:
    body = json.dumps({"memberId": "10420", "x": ""})
    body = body[:-2] + "x" * (1_048_576 - len(body)) + '"}'
    assert 1_048_576 == len(body)
    assert 200 == ask(lane.hook("plain"), body).status


def test_a_byte_more_is_413_by_its_declared_length(lane: Station) -> None:
    heard = ask(lane.hook("plain"), b" " * 1_048_577)
    assert (413, {"success", "error"}) == (heard.status, heard.document.keys())
    assert "1048576" in heard.document["error"]


def test_a_byte_more_is_413_by_what_is_counted(lane: Station) -> None:
    with Wire(lane.url) as wire:
        wire.send(head("POST", lane.paths["plain"], "station", {"Transfer-Encoding": "chunked"}))
        wire.send(chunked(b" " * 1_048_576, b" "))
        assert 413 == wire.hear().status


def test_a_length_with_many_digits_is_413(lane: Station) -> None:
    with Wire(lane.url) as wire:
        wire.send(head("POST", lane.paths["plain"], "station", {"Content-Length": "9" * 18}))
        assert 413 == wire.hear().status


@pytest.mark.parametrize(
    "written",
    ["19.90", "1e5", "1E5", "1.50e1", "-0.10", "-0", "0.1", "9007199254740993", "100000000000000000001"],
)
def test_a_number_in_text_stays_as_it_was_written(lane: Station, written: str) -> None:
    heard = ask(lane.hook("numbers"), f'{{"memberId": "num", "note": "{written}", "text": {written}}}')
    assert 200 == heard.status, heard.body
    record = lane.records("Activity", ID="num", NOTE=written)[-1]
    assert (written, f"is {written}") == (record["UF_1"], record["UF_2"])


@pytest.mark.parametrize(("written", "stored"), [("19.90", "19.90"), ("1e5", "100000"), ("0.1000", "0.1000")])
def test_a_number_in_a_number_field_is_its_value_with_its_digits(
    lane: Station, written: str, stored: str
) -> None:
    note = f"number {written}"
    heard = ask(lane.hook("numbers"), f'{{"memberId": "n", "note": "{note}", "amount": {written}}}')
    assert 200 == heard.status, heard.body
    listed = ask(
        f"{lane.url}/api/v1/records/Activity?limit=1000",
        method="GET",
        headers={"Authorization": f"Bearer {lane.key}"},
    ).body.decode()
    record = next(one for one in listed.split('{"key"') if f'"{note}"' in one)
    assert f'"AMOUNT":{stored},' in record.replace("}", ",")


def test_two_to_the_seventieth_is_exact_in_text(lane: Station) -> None:
    heard = ask(lane.hook("numbers"), f'{{"memberId": "big", "note": "2^70", "text": {2**70}}}')
    assert 200 == heard.status
    assert str(2**70) == lane.records("Activity", ID="big", NOTE="2^70")[0]["UF_1"]


def test_two_to_the_seventieth_is_refused_where_it_does_not_fit(lane: Station) -> None:
    heard = ask(lane.hook("numbers"), f'{{"memberId": "big", "note": "too big", "amount": {2**70}}}')
    assert 500 == heard.status
    assert "AMOUNT" in heard.document["error"].upper()
    assert [] == lane.records("Activity", ID="big", NOTE="too big")
