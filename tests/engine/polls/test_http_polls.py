"""HTTP APIs and feeds as sources: every rule by which they say what is new, against a server on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.polls import LOOPBACK, PollBench, poll_bench
from tests.support.receiver import Answer, Call, Receiver


@dataclass
class Api:
    """Answers from a list of items, as each test has it."""

    items: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    page: int = 2

    def answer(self, call: Call) -> Answer:
        parts = urlsplit(call.path)
        self.asked.append(parse_qs(parts.query))
        body, headers = getattr(self, parts.path.rpartition("/")[2])(call, self.asked[-1])
        if call.header("If-None-Match") == headers.get("ETag", "-"):
            return Answer(304, tuple(headers.items()))
        if call.header("If-Modified-Since") == headers.get("Last-Modified", "-"):
            return Answer(304, tuple(headers.items()))
        return Answer(
            200, tuple(headers.items()), body if isinstance(body, bytes) else json.dumps(body).encode()
        )

    def whole(self, call: Call, query: dict[str, list[str]]) -> tuple[object, dict[str, str]]:
        """All of them, the newest first."""
        return self.items[::-1], {}

    def tagged(self, call: Call, query: dict[str, list[str]]) -> tuple[object, dict[str, str]]:
        return self.items, {"ETag": f'"{len(self.items)}"'}

    def paged(self, call: Call, query: dict[str, list[str]]) -> tuple[object, dict[str, str]]:
        number = int(query["page"][0])
        return self.items[(number - 1) * self.page : number * self.page], {}

    def linked(self, call: Call, query: dict[str, list[str]]) -> tuple[object, dict[str, str]]:
        begin = int(query.get("from", ["0"])[0])
        end = begin + self.page
        link = {"Link": f'<linked?from={end}>; rel="next"'} if end < len(self.items) else {}
        return self.items[begin:end], link

    def cursors(self, call: Call, query: dict[str, list[str]]) -> tuple[object, dict[str, str]]:
        begin = int(query.get("after", ["0"])[0])
        end = begin + self.page
        following = str(end) if end < len(self.items) else None
        return {"data": self.items[begin:end], "meta": {"next": following}}, {}

    def away(self, call: Call, query: dict[str, list[str]]) -> tuple[object, dict[str, str]]:
        return self.items, {"Link": '<http://192.0.2.7/linked?from=1>; rel="next"'}


def numbered(*numbers: int, at: str = "2026-11-22T09:00:00Z") -> list[dict[str, Any]]:
    return [{"id": number, "at": at} for number in numbers]


def ids(items: list[Any]) -> list[Any]:
    return [one["id"] for one in items]


@pytest.fixture
async def api() -> Api:
    return Api()


@pytest.fixture
async def receiver(api: Api) -> AsyncIterator[Receiver]:
    async with Receiver(api.answer) as one:
        yield one


@pytest.fixture
async def bench(tmp_path: Path, receiver: Receiver) -> AsyncIterator[PollBench]:
    lms = {"name": "lms", "type": "http", "url": f"{receiver.url}/v1", "networks": LOOPBACK}
    async with poll_bench(tmp_path, lms) as one:
        yield one


def source(path: str, **more: Any) -> dict[str, Any]:
    return {"type": "http", "connection": "lms", "path": f"/{path}", **more}


BY_TIME = {"type": "field", "field": "at", "parameter": "since"}


async def test_items_beyond_a_field_come_once_with_all_that_share_its_value(
    bench: PollBench, api: Api
) -> None:
    """Three at a time over items of one moment: each comes once, and one that is added under that moment too."""
    api.items = numbered(1, 2, 3, 4)
    await bench.put(source("whole", cursor=BY_TIME), most=3)
    came = ids(await bench.come()) + ids(await bench.come())
    assert [1, 2, 3, 4] == sorted(came)
    api.items += numbered(5) + numbered(6, at="2026-11-22T10:00:00+01:00")
    assert [5, 6] == sorted(ids(await bench.come()))
    assert "2026-11-22T09:00:00Z" == api.asked[-1]["since"][0]


async def test_moments_are_ordered_by_time_and_not_by_their_signs(bench: PollBench, api: Api) -> None:
    """A part of a second, and the hour that comes twice when clocks are put back, pass nothing over."""
    api.items = numbered(1, at="2026-10-25T02:50:00+02:00")
    await bench.put(source("whole", cursor=BY_TIME))
    assert [1] == ids(await bench.come())
    api.items += numbered(2, at="2026-10-25T02:10:00+01:00") + numbered(3, at="2026-10-25T01:10:00.5Z")
    assert [2, 3] == ids(await bench.come())
    assert ["2026-10-25T02:50:00+02:00"] == api.asked[-1]["since"]


async def test_an_item_that_has_no_such_field_is_told(bench: PollBench, api: Api) -> None:
    """The turn fails, and nothing of it is taken."""
    api.items = [*numbered(1), {"id": 2}]
    await bench.put(source("whole", cursor=BY_TIME))
    assert "no “at” that grows" in (await bench.look()).error
    assert [] == await bench.events()


@pytest.mark.parametrize(
    ("first", "expected"),
    [("now", []), ("everything", [1, 2]), ({"since": "2026-11-22T10:00:00+01:00"}, [2])],
)
async def test_a_cursor_begins_as_its_poll_says(
    bench: PollBench, api: Api, first: object, expected: list[int]
) -> None:
    """Now, from a date, or everything; and what is added comes in any case."""
    api.items = numbered(1, at="2026-11-22T08:59:00Z") + numbered(2)
    await bench.put(source("whole", cursor=BY_TIME), first=first)
    assert expected == ids(await bench.come())
    api.items += numbered(3)
    assert [3] == ids(await bench.come())


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("whole", {}),
        ("tagged", {"cursor": {"type": "changed"}}),
        ("paged", {"cursor": {"type": "page"}}),
        ("linked", {"cursor": {"type": "next_link"}}),
        (
            "cursors",
            {"cursor": {"type": "cursor", "parameter": "after", "path": "meta.next"}, "items": "data"},
        ),
        ("linked", {"pages": {"type": "next_link"}}),
        ("paged", {"pages": {"type": "page"}}),
    ],
)
@pytest.mark.parametrize("first", ["now", "everything"])
async def test_every_way_of_reading_on_gives_each_item_once(
    bench: PollBench, api: Api, path: str, more: dict[str, Any], first: str
) -> None:
    """However a source grows, also where it fills up a page that was read: what is new comes, and nothing again."""
    api.items = numbered(1, 2, 3)
    await bench.put(source(path, **more), first=first, most=2)
    came = []
    for added in ([], [], numbered(4), numbered(5, 6, 7, 8), [], [], []):
        api.items += added
        came += ids(await bench.come())
    begun = {"now": 4, "everything": 1}[first]
    assert list(range(begun, 9)) == sorted(came)


async def test_a_page_that_is_read_again_has_not_to_be_gone_through_again(bench: PollBench, api: Api) -> None:
    """A turn begins at the last page, not at the first."""
    api.items = numbered(*range(8))
    await bench.put(source("linked", cursor={"type": "next_link"}))
    await bench.come()
    await bench.come()
    assert ["6"] == api.asked[-1]["from"]


async def test_a_link_to_another_host_is_not_followed(bench: PollBench, api: Api) -> None:
    """Our credentials would go along."""
    api.items = numbered(1)
    await bench.put(source("away", cursor={"type": "next_link"}))
    assert (await bench.look()).error
    assert 1 == len(api.asked)


async def test_what_has_not_changed_is_not_sent_again(bench: PollBench, api: Api, receiver: Receiver) -> None:
    """The second turn asks whether anything has changed, and is told that nothing has."""
    api.items = numbered(1)
    await bench.put(source("tagged", cursor={"type": "changed"}))
    assert [1] == ids(await bench.come())
    assert [] == await bench.come()
    assert '"1"' == receiver.calls[-1].header("If-None-Match")


@pytest.mark.parametrize(
    ("made", "asks"),
    [
        ("Sun, 22 Nov 2026 09:00:00 GMT", ""),
        ("Sun, 22 Nov 2026 09:00:01 GMT", "Sun, 22 Nov 2026 09:00:00 GMT"),
    ],
)
async def test_a_moment_tells_states_apart_once_its_second_is_over(
    bench: PollBench, receiver: Receiver, made: str, asks: str
) -> None:
    """Within the second of the last change something may still be added without the moment being another one."""
    headers = (("Last-Modified", "Sun, 22 Nov 2026 09:00:00 GMT"), ("Date", made))
    receiver.usual = Answer(200, headers, b'[{"id": 1}]')
    await bench.put(source("tagged", cursor={"type": "changed"}))
    await bench.come()
    await bench.come()
    assert asks == receiver.calls[-1].header("If-Modified-Since")


async def test_a_feed_gives_each_entry_once_and_old_ones_never(bench: PollBench, receiver: Receiver) -> None:
    """Entries from before the date with which it began do not come in the second turn either."""
    entry = "<item><guid>{0}</guid><pubDate>{0} Nov 2026 09:00:00 GMT</pubDate></item>".format
    feed = "<rss><channel>{}</channel></rss>".format
    receiver.usual = Answer(200, body=feed(entry(20) + entry(21)).encode())
    await bench.put({"type": "rss", "connection": "lms", "path": "/feed"}, first={"since": "2026-11-21"})
    assert ["21"] == ids(await bench.come())
    receiver.usual = Answer(200, body=feed(entry(20) + entry(21) + entry(22)).encode())
    assert ["22"] == ids(await bench.come())


@pytest.mark.parametrize(
    ("format_", "items", "body"),
    [
        ("csv", "", b"id,name\n1,Ann\n"),
        ("xml", "member", b"<all><member><id>1</id><name>Ann</name></member></all>"),
        ("ndjson", "", b'{"id": "1", "name": "Ann"}\n'),
    ],
)
async def test_answers_of_other_formats_are_items_too(
    bench: PollBench, receiver: Receiver, format_: str, items: str, body: bytes
) -> None:
    """A row is an item."""
    receiver.usual = Answer(200, body=body)
    await bench.put(source("rows", format=format_, **({"items": items} if items else {})))
    assert [{"id": "1", "name": "Ann"}] == await bench.come()


async def test_a_source_that_has_moved_is_told(bench: PollBench, receiver: Receiver) -> None:
    """Nothing follows it to another address by itself."""
    receiver.usual = Answer(301, (("Location", "https://lms.example.org/new"),), b"[]")
    await bench.put(source("whole"))
    assert "(301)" in (await bench.look()).error


async def test_a_source_without_a_connection_is_behind_the_address_guard(
    bench: PollBench, receiver: Receiver
) -> None:
    """An address of the own network is not called without a connection that permits it."""
    await bench.put({"type": "http", "url": f"{receiver.url}/whole"})
    assert "may not call this address" in (await bench.look()).error
    assert [] == receiver.calls
