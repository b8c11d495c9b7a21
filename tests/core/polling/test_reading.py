"""Items of answers: JSON at a path, rows of other formats, entries of feeds."""

from __future__ import annotations

import pytest

from hookstation.core.polling.reading import read_feed, read_items
from hookstation.errors import BodyRefused

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><title>Second</title><link>https://example.org/2</link><guid>two</guid>
<pubDate>Sun, 22 Nov 2026 09:30:00 +0100</pubDate></item>
<item><title>First</title><link>https://example.org/1</link><pubDate>Sat, 21 Nov 2026 09:30:00 GMT</pubDate></item>
</channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>
<entry><id>urn:1</id><title type="text">First</title><link rel="self" href="https://example.org/self"/>
<link href="https://example.org/1"/><updated>2026-11-22T08:30:00Z</updated></entry></feed>"""


def test_items_stand_at_a_path() -> None:
    """The list is found where the path says, with the sender's own digits."""
    assert [{"id": 1}] == read_items("json", "data.items", b'{"data": {"items": [{"id": 1}]}}')


@pytest.mark.parametrize(
    ("format_", "items", "body"),
    [
        ("ndjson", "", b'{"id":"1"}\n{"id":"2"}\n'),
        ("csv", "", b"id\r\n1\r\n2\r\n"),
        ("tsv", "", b"id\n1\n2\n"),
        ("xml", "member", b"<all><member><id>1</id></member><member><id>2</id></member></all>"),
    ],
)
def test_rows_of_every_format_are_items(format_: str, items: str, body: bytes) -> None:
    """Each format gives the same items."""
    assert [{"id": "1"}, {"id": "2"}] == read_items(format_, items, body)


def test_entries_of_rss_come_oldest_first() -> None:
    """An entry is known by its guid, else by its link, and has its moment in UTC."""
    first, second = read_feed(RSS)
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert ("https://example.org/1", "2026-11-21T09:30:00Z") == (first["id"], first["published"])
    assert ("two", "2026-11-22T08:30:00Z") == (second["id"], second["published"])


def test_entries_of_atom_have_their_alternate_link() -> None:
    """Of several links the one that leads to the entry counts."""
    [entry] = read_feed(ATOM)
    assert isinstance(entry, dict)
    assert ("urn:1", "First", "https://example.org/1") == (entry["id"], entry["title"], entry["link"])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"items": 7}', "is integer at “items”"),
        (b"[]", "is null at “items”"),
    ],
)
def test_an_answer_without_a_list_says_what_is_there(body: bytes, told: str) -> None:
    """What is no list at the path is refused with what stands there."""
    with pytest.raises(BodyRefused) as refused:
        read_items("json", "items", body)
    assert told in str(refused.value)


def test_what_is_no_feed_is_refused() -> None:
    """A page of HTML is told apart from a feed."""
    with pytest.raises(BodyRefused, match="neither an RSS nor an Atom feed"):
        read_feed(b"<html><body></body></html>")
