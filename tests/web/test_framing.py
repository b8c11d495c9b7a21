"""How requests begin and end on the wire: keep-alive, pipelining, half requests, and shapes that smuggle."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.station import Station, until
from tests.support.webhooks import TOKEN
from tests.support.wire import Wire, chunked, head, post, request

COURSE = json.dumps({"memberId": "10420", "note": "framed"}).encode()


@pytest.fixture
def wire(lane: Station) -> Iterator[Wire]:
    with Wire(lane.url) as opened:
        yield opened


def course(lane: Station, name: str = "plain", **headers: str) -> bytes:
    return request("POST", lane.paths[name], "station", COURSE, headers)


def test_a_connection_serves_call_after_call(lane: Station, wire: Wire) -> None:
    answers = [wire.send(course(lane)).hear() for _ in range(5)]
    assert [200] * 5 == [one.status for one in answers]
    assert 5 == len({one.event_id for one in answers})


def test_a_connection_goes_on_after_a_refusal(lane: Station, wire: Wire) -> None:
    calls = [
        request("POST", "/hooks/unknown", "station", COURSE),
        request("GET", lane.paths["plain"], "station"),
        course(lane, "token"),
        request("POST", lane.paths["plain"], "station", b"{"),
        course(lane),
    ]
    assert [404, 405, 401, 400, 200] == [wire.send(one).hear().status for one in calls]


def test_pipelined_calls_are_answered_in_their_order(lane: Station, wire: Wire) -> None:
    bodies = [b'{"memberId": "10420"}', b"{}", b"no", b'{"memberId": "10420"}']
    wire.send(b"".join(request("POST", lane.paths["plain"], "station", body) for body in bodies))
    answers = [wire.hear() for _ in bodies]
    assert [200, 400, 400, 200] == [one.status for one in answers]
    assert "required" == answers[1].document["errors"][0]["rule"]
    assert "json" == answers[2].document["errors"][0]["rule"]


def test_a_pipelined_slow_call_keeps_its_place(lane: Station, wire: Wire) -> None:
    lane.fault("slow", seconds=0.3)
    wire.send(course(lane, "imis") + course(lane))
    first, second = wire.hear(), wire.hear()
    assert ("imis", "plain") == (lane.event(first)["webhook"], lane.event(second)["webhook"])


def test_http_1_0_is_answered_and_the_connection_closed(lane: Station, wire: Wire) -> None:
    sent = course(lane).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    assert 200 == wire.send(sent).hear().status
    assert wire.is_over()


def test_connection_close_is_kept(lane: Station, wire: Wire) -> None:
    heard = wire.send(course(lane, Connection="close")).hear()
    assert (200, "close") == (heard.status, heard.headers["connection"])
    assert wire.is_over()


def test_a_body_in_chunks_is_whole(lane: Station, wire: Wire) -> None:
    wire.send(head("POST", lane.paths["plain"], "station", {"Transfer-Encoding": "chunked"}))
    assert 200 == wire.send(chunked(COURSE[:5], COURSE[5:9], COURSE[9:])).hear().status
    assert 200 == wire.send(course(lane)).hear().status


def test_a_body_that_comes_byte_by_byte_is_whole(lane: Station, wire: Wire) -> None:
    for one in course(lane):
        wire.send(bytes([one]))
    assert 200 == wire.hear().status


def test_expect_continue_is_continued_where_the_body_is_wanted(lane: Station, wire: Wire) -> None:
    declared = {"Content-Length": str(len(COURSE)), "Expect": "100-continue"}
    assert 100 == wire.send(head("POST", lane.paths["plain"], "station", declared)).hear().status
    assert 200 == wire.send(COURSE).hear().status


@pytest.mark.parametrize(("name", "status"), [("tiny", 413), ("far", 403), ("paused", 503), ("token", 401)])
def test_expect_continue_is_refused_before_the_body_is_sent(
    lane: Station, wire: Wire, name: str, status: int
) -> None:
    declared = {"Content-Length": "100", "Expect": "100-continue", "X-Token": "wrong"}
    heard = wire.send(head("POST", lane.paths[name], "station", declared)).hear()
    assert (status, "close") == (heard.status, heard.headers["connection"])


def test_a_refused_body_is_not_waited_for_longer_than_a_moment(lane: Station, wire: Wire) -> None:
    wire.send(head("POST", lane.paths["tiny"], "station", {"Content-Length": "100000"}))
    assert 413 == wire.hear().status
    assert wire.is_over()


def test_white_space_around_a_headers_value_is_no_part_of_it(lane: Station, wire: Wire) -> None:
    declared = {
        "Content-Length": f" {len(COURSE)} \t",
        "X-Token": f"\t{TOKEN}  ",
        "Content-Type": "application/json ",
    }
    assert 200 == wire.send(head("POST", lane.paths["token"], "station", declared) + COURSE).hear().status


def test_trailers_are_no_headers(lane: Station, wire: Wire) -> None:
    wire.send(head("POST", lane.paths["token"], "station", {"Transfer-Encoding": "chunked"}))
    wire.send(chunked(COURSE)[:-2] + f"X-Token: {TOKEN}\r\n\r\n".encode())
    assert 401 == wire.hear().status


def test_endless_trailers_are_refused(lane: Station, wire: Wire) -> None:
    wire.send(head("POST", lane.paths["plain"], "station", {"Transfer-Encoding": "chunked"}))
    wire.send(chunked(COURSE)[:-2] + b"X-Endless: a\r\n" * 6_000)
    assert 431 == wire.hear().status


SMUGGLED = "POST {path} HTTP/1.1\r\nHost: station\r\n{headers}\r\n\r\n{body}"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"),
        ("Content-Length: 5\r\nContent-Length: 6", "{}   "),
        ("Content-Length: 2\r\nContent-Length: 2", "{}"),
        ("Content-Length: 2, 2", "{}"),
        ("Content-Length: +2", "{}"),
        ("Content-Length: -2", "{}"),
        ("Content-Length: 0x2", "{}"),
        ("Content-Length: 2 2", "{}"),
        ("Content-Length: ", "{}"),
        ("Content-Length: 99999999999999999999999", "{}"),
        ("Content-Length: 2\r\nX-Folded: a\r\n b", "{}"),
        ("Content-Length : 2", "{}"),
        ("Content-Length: 2\r\n: empty", "{}"),
        ("Content-Length: 2\r\nX-Nul: a\x00b", "{}"),
        ("Content-Length: 2\r\nX\x00: a", "{}"),
        ("Content-Length: 2\r\nX-CR: a\rb", "{}"),
        ("Content-Length: 2\r\nno colon", "{}"),
        ("Content-Length: 2\nX-LF: a", "{}"),
        ("Transfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "-2\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "0x2\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "2\r\n{}xx0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "2 ;\x00\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: xchunked", "2\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked, identity", "2\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding:\x0bchunked", "2\r\n{}\r\n0\r\n\r\n"),
    ],
)
def test_a_shape_that_two_servers_could_read_differently_is_400(
    lane: Station, wire: Wire, headers: str, body: str
) -> None:
    smuggled = SMUGGLED.format(path=lane.paths["plain"], headers=headers, body=body).encode("latin-1")
    heard = wire.send(smuggled + course(lane)).hear()
    assert 400 == heard.status
    assert "application/json" == heard.headers["content-type"]
    assert heard.document["success"] is False
    assert wire.is_over()


@pytest.mark.parametrize(
    "line",
    [
        b"POST",
        b"CONNECT a:1 HTTP/1.1",
        b"\x16\x03\x01\x02\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9",
        b"\x00",
    ],
)
def test_what_is_no_request_is_400_or_silence(lane: Station, wire: Wire, line: bytes) -> None:
    wire.send(line + b"\r\n\r\n")
    assert 400 == wire.hear().status
    assert wire.is_over()


def test_a_call_behind_a_broken_one_does_not_cut_the_answer_before_it(lane: Station, wire: Wire) -> None:
    lane.fault("slow", seconds=0.3)
    wire.send(course(lane, "imis") + b"this is no request\r\n\r\n")
    heard = wire.hear()
    assert (200, "imis") == (heard.status, lane.event(heard)["webhook"])


def test_calls_before_a_broken_one_are_all_answered(lane: Station, wire: Wire) -> None:
    lane.fault("slow", seconds=0.3)
    wire.send(course(lane, "imis") + course(lane) + course(lane) + b"this is no request\r\n\r\n")
    assert [200, 200, 200] == [wire.hear().status for _ in range(3)]


@pytest.mark.parametrize(
    "more",
    [
        {"X-Large": "x" * 70_000},
        {f"X-{n}": "x" * 60 for n in range(1_200)},
        {f"X-{n}": "" for n in range(9_000)},
    ],
)
def test_a_head_over_64_kib_is_431(lane: Station, wire: Wire, more: dict[str, str]) -> None:
    heard = wire.send(head("POST", lane.paths["plain"], "station", {"Content-Length": "0", **more})).hear()
    assert (431, False) == (heard.status, heard.document["success"])
    assert wire.is_over()


def test_an_address_over_64_kib_is_431(lane: Station, wire: Wire) -> None:
    assert 431 == wire.send(head("POST", lane.paths["plain"] + "?" + "q" * 70_000, "station")).hear().status


def test_a_head_just_under_64_kib_is_read(lane: Station, wire: Wire) -> None:
    assert 200 == wire.send(course(lane, **{"X-Large": "x" * 60_000})).hear().status


def test_a_head_that_follows_a_large_body_is_not_blamed_for_it(lane: Station, wire: Wire) -> None:
    large = request(
        "POST", lane.paths["plain"], "station", json.dumps({"memberId": "1", "x": "y" * 190_000}).encode()
    )
    next_one = course(lane)
    wire.send(large + next_one[:20])
    assert 200 == wire.hear().status
    assert 200 == wire.send(next_one[20:]).hear().status


def test_thousands_of_headers_within_the_bound_are_read(lane: Station, wire: Wire) -> None:
    heard = wire.send(course(lane, **{f"h{n}": "" for n in range(4_000)})).hear()
    assert 200 == heard.status
    assert 70 > len(lane.event(heard)["headers"])


def test_a_wish_for_another_protocol_is_passed_over(lane: Station, wire: Wire) -> None:
    wished = course(lane, Connection="Upgrade, HTTP2-Settings", Upgrade="h2c")
    assert 200 == wire.send(wished).hear().status


def test_after_a_wish_for_another_protocol_the_next_call_is_served(lane: Station, wire: Wire) -> None:
    wished = course(lane, Connection="Upgrade, HTTP2-Settings", Upgrade="h2c")
    assert [200, 200] == [wire.send(wished).hear().status for _ in range(2)]


def test_a_sender_that_says_it_has_no_more_to_send_gets_its_answer(lane: Station, wire: Wire) -> None:
    wire.send(course(lane))
    wire.half_close()
    assert 200 == wire.hear().status


def test_a_sender_that_half_closes_waits_for_a_slow_target(lane: Station, wire: Wire) -> None:
    lane.fault("slow", seconds=0.3)
    wire.send(course(lane, "imis"))
    wire.half_close()
    assert 200 == wire.hear().status
    assert wire.is_over()


def test_a_caller_gone_half_way_through_the_body_is_journalled_as_broken_off(
    lane: Station, wire: Wire
) -> None:
    known = len(lane.events("keeping"))
    wire.send(course(lane, "keeping")[:-5])
    wire.close()
    events = until(lambda: lane.events("keeping")[: -known or None] or None)
    assert ("rejected", "broken_off", len(COURSE) - 5) == (
        events[0]["state"],
        events[0]["reason"],
        events[0]["size"],
    )


def test_a_caller_gone_after_the_body_has_its_event_finished(lane: Station, wire: Wire) -> None:
    lane.fault("slow", seconds=0.3)
    known = {one["id"] for one in lane.events("imis")}
    wire.send(course(lane, "imis"))
    until(lambda: [one for one in lane.events("imis") if one["id"] not in known] or None)
    wire.reset()
    event = until(
        lambda: next(
            (one for one in lane.events("imis") if one["id"] not in known and one["state"] == "succeeded"),
            None,
        )
    )
    assert 1 == len(lane.rows(SOURCE_CODE=event["id"]))


def test_a_body_larger_than_declared_is_the_next_request(lane: Station, wire: Wire) -> None:
    wire.send(course(lane) + b"surplus\r\n\r\n")
    assert 200 == wire.hear().status


def test_a_counted_body_over_the_limit_is_413_even_to_a_sender_that_only_sends(
    lane: Station, wire: Wire
) -> None:
    wire.send(head("POST", lane.paths["plain"], "station", {"Transfer-Encoding": "chunked"}))
    wire.send(chunked(*[b"x" * 65_536] * 64))
    assert 413 == wire.hear().status


def test_a_declared_body_over_the_limit_is_413_even_to_a_sender_that_only_sends(
    lane: Station, wire: Wire
) -> None:
    wire.send(request("POST", lane.paths["plain"], "station", b"x" * 4_000_000))
    assert 413 == wire.hear().status


def test_the_station_serves_on(lane: Station) -> None:
    assert 200 == post(lane.hook("plain"), {"memberId": "10420"}).status
