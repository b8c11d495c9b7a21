"""What is saved survives the way into a form and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.documents.subscription import SUBSCRIPTION
from hookstation.core.values import JSON, Number
from hookstation.web.pages.forms import Form
from hookstation.web.pages.outgoing.items import items_of
from hookstation.web.pages.outgoing.reading import Reading
from tests.support.asgi import Client
from tests.support.engine import webhook
from tests.support.paging import administrator, fill, text
from tests.support.sending import SendingBench, sending, subscription
from tests.support.services import services_of

HEADERS = tuple(one for one in SUBSCRIPTION if one.name == "headers")
"""A setting that is a mapping."""

plain = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[SendingBench]:
    """A destination, and a webhook."""
    async with sending() as made:
        await made.configure(webhook(), destinations=[made.destination()])
        yield made


@pytest_asyncio.fixture
async def pages(bench: SendingBench) -> Client:
    """Somebody who may do everything."""
    return await administrator(services_of(bench.engine))


@pytest.mark.parametrize(
    "more",
    [
        {"body": {"type": "template", "content": {"a": ["$$order$$", {"b": Number("1.50")}], "c": None}}},
        {"body": {"type": "template", "content": "$$order$$"}},
        {"body": {"type": "form", "content": {"id": "$$order$$", "from": "here: and there"}}},
        {"body": {"type": "form", "content": {"id": 7, "text": "two\nlines"}}},
        {"body": {"type": "xml", "content": {"order": {"@id": "$$order$$", "line": ["a", "b"]}}}},
        {"body": {"type": "text", "content": " {{ order }} has come\n"}},
        {"body": {"type": "json", "content_type": "application/vnd.example+json"}},
        {"headers": {"X-Source": "station", "X-Order": "$$order$$"}, "method": "PUT", "active": False},
        {"condition": 'order == "7" and\n  exists(amount)', "title": "Orders", "note": "One\n\nTwo"},
        {"events": ["inbound.courses", "record.*", "order.paid", "test", "*"]},
    ],
)
async def test_a_subscription_saved_unchanged_stays_as_it_is(
    pages: Client, bench: SendingBench, more: Any
) -> None:
    await bench.configure(subscriptions=[subscription(**more)])
    before = bench.engine.board.subscriptions["orders"]
    answer = await fill(pages, "/outgoing/subscriptions/orders/edit", "Subscription")
    assert 303 == answer.status, text(answer)
    after = bench.engine.board.subscriptions["orders"]
    assert sorted(before.events) == sorted(after.events)
    assert {name: one for name, one in vars_of(before) if name != "events"} == {
        name: one for name, one in vars_of(after) if name != "events"
    }


async def test_a_destination_that_moves_gets_a_new_secret_which_is_shown(
    pages: Client, bench: SendingBench
) -> None:
    """The old one may not follow, and was shown once, long ago."""
    name, target = "signed", "/outgoing/destinations/signed/edit"
    await bench.configure(destinations=[bench.destination(name, signing={"type": "standard-webhooks"})])
    old = bench.engine.board.destinations[name].signing
    stayed = await fill(pages, target, "Destination", title="Renamed")
    assert 303 == stayed.status, text(stayed)
    assert old == bench.engine.board.destinations[name].signing
    moved = await fill(pages, target, "Destination", url="https://elsewhere.example.org/in")
    assert 200 == moved.status
    assert "It is shown this once" in text(moved)
    assert old != bench.engine.board.destinations[name].signing


def vars_of(one: object) -> list[tuple[str, object]]:
    """The fields of a definition."""
    return [(name, getattr(one, name)) for name in one.__slots__]  # type: ignore[attr-defined]  # it has them


@given(st.dictionaries(plain.filter(str.strip), plain, min_size=1, max_size=4))
def test_names_and_templates_are_read_back_from_their_lines(pairs: dict[str, JSON]) -> None:
    """Those that do not go on a line are written as JSON."""
    written = items_of(HEADERS, {"headers": pairs})["headers"].value
    reading = Reading(Form({"headers": [written]}))
    assert {"headers": pairs} == reading.document(HEADERS, {})
    assert [] == reading.problems
