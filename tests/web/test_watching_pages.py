"""Seeing what happens, on pages without a browser: figures, findings, the journal and what a person does with it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from hookstation.core.detect.findings import Finding, Kind, Remedy, Signal
from hookstation.core.events import State
from hookstation.core.journal_rules import lowest_id
from hookstation.errors import NeedsAuth, Retriable, UnknownOutcome
from hookstation.ports.connector import LookUp, LookUpVerdict
from hookstation.ports.store import EventFilter, Page
from hookstation.web.pages.findings import noticed
from hookstation.web.rest import Rest
from tests.support.asgi import Answered, Client
from tests.support.engine import Engine, engine, webhook
from tests.support.services import services_of

LONG: Any = {"Category": "$$note$$"}
TOO_LONG: Any = {"id": "7", "note": "x" * 300}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    """A webhook that writes here, whose mapping takes no long note, and one that writes far away."""
    async with engine(webhook(fields=LONG), webhook("away", "far", hold=True)) as made:
        yield made


@pytest_asyncio.fixture
async def pages(bench: Engine) -> Client:
    """Somebody who may do everything, by a key of the API."""
    services = services_of(bench)
    key = await services.keys.add("tests", "administrator")
    return Client(Rest(services), {"host": "x", "accept": "text/html", "authorization": f"Bearer {key}"})


async def shown(pages: Client, target: str, status: int = 200) -> str:
    """The text of a page."""
    answer = await pages.ask("GET", target)
    assert status == answer.status, answer.body
    return unescape(answer.body.decode())


async def send(pages: Client, target: str, **fields: str | list[str]) -> Answered:
    """Send a form."""
    body = urlencode(fields, doseq=True).encode()
    return await pages.ask("POST", target, body, **FORM)


async def failed(bench: Engine) -> str:
    """The id of an event that its mapping did not take."""
    await bench.post("courses", TOO_LONG)
    return (await bench.last()).id


async def unknown(bench: Engine) -> str:
    """The id of an event whose outcome is unknown."""
    bench.far.outcomes.append(UnknownOutcome("No answer came."))
    await bench.post("away", {"id": "7"})
    return (await bench.last()).id


def figures(text: str) -> dict[str, str]:
    """The figures of a page by their names."""
    return dict(re.findall(r"<div><dt>([^<]+)</dt><dd[^>]*>([^<]+)</dd>", text))


async def test_a_search_that_is_not_at_its_end_says_so_and_goes_on(
    pages: Client, bench: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never says that nothing fits while older events were not looked at; without scripts a link leads on."""
    whole, moment = bench.store.list_events, 1_795_000_000_000_000

    async def in_steps(which: EventFilter, limit: int, after: str = "") -> Page:
        """As a journal so large that one look finds nothing and has not come to its end."""
        return await whole(which, limit, after) if after else Page([], lowest_id(moment))

    monkeypatch.setattr(bench.store, "list_events", in_steps)
    first = await shown(pages, "/events?text=homer")
    assert "No event fits" not in first
    assert "every 3s" not in first
    [onward] = set(re.findall(r'(?:hx-get|href)="(/events[^"]*after=[^"]+)"', first))
    assert "No event fits" in await shown(pages, onward)


class TestFigures:
    @pytest.mark.parametrize("target", ["/", "/webhooks/courses", "/?hours=2"])
    async def test_are_those_of_the_calls(self, pages: Client, bench: Engine, target: str) -> None:
        await bench.post("courses", {"id": "1"})
        await bench.post("courses", {"id": 1})
        await bench.tallying.tell()
        text = await shown(pages, target)
        told = figures(text)
        assert ("1", "1") == (told["succeeded"], told["turned away"])
        assert 'kind="bars"' in text
        assert "does not fit the schema" in text

    async def test_stand_in_the_list_with_the_last_call(self, pages: Client, bench: Engine) -> None:
        await bench.post("courses", {"id": "1"})
        await bench.post("courses", {"id": 1})
        await bench.tallying.tell()
        text = await shown(pages, "/webhooks")
        assert 1 == text.count('<span class="spark">')
        assert '<span class="failures">· 1 failed</span>' in text
        assert "last call of courses" in text

    @pytest.mark.parametrize(
        ("hours", "points", "step"), [(2, 120, "minute"), (168, 168, "hour"), (744, 31, "day")]
    )
    async def test_a_course_is_as_fine_as_its_span_lets_it(
        self, pages: Client, bench: Engine, hours: int, points: int, step: str
    ) -> None:
        """Whatever was counted is in it."""
        await bench.post("courses", {"id": "1"})
        await bench.tallying.tell()
        text = await shown(pages, f"/?hours={hours}")
        [table] = re.findall(rf"Calls as a table, by {step}.*?</table>", text, re.DOTALL)
        told = re.findall(r'data-value="(\d+)"', table)
        assert points == len(told) / 2
        assert "1" == told[-2]

    async def test_an_unknown_span_is_a_day(self, pages: Client) -> None:
        assert '<a href="/?hours=24" aria-current' in await shown(pages, "/?hours=5")


class TestFindings:
    @pytest_asyncio.fixture
    async def refused(self, bench: Engine) -> None:
        """The target refuses the credentials, and an event waits for it."""
        bench.far.outcomes.append(NeedsAuth("The password is refused."))
        await bench.post("away", {"id": "7"})
        await bench.tallying.tell()
        await bench.watcher.look()

    @pytest.mark.usefixtures("refused")
    async def test_each_leads_to_its_remedy(self, pages: Client) -> None:
        text = await shown(pages, "/")
        assert 'href="/connections/far"' in text
        assert "See the connection" in text
        assert "Nothing. No event waits" not in text
        assert 'class="badge bad"' in await shown(pages, "/connections")
        assert "refused" in await shown(pages, "/connections/far")

    @pytest.mark.usefixtures("refused")
    async def test_one_that_is_dismissed_is_shown_no_more(self, pages: Client) -> None:
        text = await shown(pages, "/")
        places = re.findall(r'action="(/findings/[^"]+/dismiss)"', text)
        assert places
        for place in places:
            answer = await send(pages, place, back="/webhooks")
            assert (303, "/webhooks") == (answer.status, answer.headers["location"])
        assert 'class="finding' not in await shown(pages, "/")

    @pytest.mark.parametrize(
        ("kind", "remedy", "address"),
        [
            (Kind.SIGNATURE, Remedy.ACCESS, "/webhooks/courses/edit/access"),
            (Kind.SCHEMA, Remedy.SCHEMA, "/webhooks/courses/edit/data"),
            (Kind.FAILING, Remedy.JOURNAL, "/events?webhook=courses&status=failed"),
            (Kind.UNKNOWN, Remedy.JOURNAL, "/events?webhook=courses&status=unknown"),
            (Kind.SILENCE, Remedy.WEBHOOK, "/webhooks/courses"),
            (Kind.HELD, Remedy.CONNECTION, "/connections/far"),
        ],
    )
    async def test_every_remedy_is_a_page_that_is_there(
        self, pages: Client, kind: Kind, remedy: Remedy, address: str
    ) -> None:
        signal = Signal(kind, "courses", "It is so.", {}, remedy, "far")
        [one] = noticed([Finding("1", signal, 1, 1)])
        assert address == one.links[0][1]
        await shown(pages, address)

    async def test_dismissing_leads_nowhere_else(self, pages: Client) -> None:
        assert 404 == (await send(pages, "/findings/none/dismiss", back="//evil.example")).status


class TestJournal:
    async def test_is_searched_by_words_and_says_how_far_the_index_is(
        self, pages: Client, bench: Engine
    ) -> None:
        await bench.post("courses", {"id": "7", "note": "Ada"})
        assert "is not begun yet" in await shown(pages, "/events?text=ada")
        await bench.clock.advance(2)
        while await bench.remedies.indexer.step():
            pass
        text = await shown(pages, "/events?text=ada")
        assert "The search index has every event." in text
        event_id = (await bench.last()).id
        assert event_id in text
        for query in ("sender=203.0.113.9", f"event_id={event_id}", "webhook=courses", "since=1h"):
            assert event_id in await shown(pages, f"/events?{query}"), query
        assert "No event fits" in await shown(pages, "/events?text=grace")
        assert "Text in the payload" in await shown(pages, "/events?text=--", 422)

    async def test_an_event_says_where_each_value_came_from(self, pages: Client, bench: Engine) -> None:
        await bench.post("courses", {"id": "7", "note": "Ada"})
        text = await shown(pages, f"/events/{(await bench.last()).id}")
        row = re.search(r"<code>note</code>.*?</tr>", text)
        assert row is not None
        assert "Ada" in row[0]
        assert "$$note$$" in row[0]

    async def test_one_that_failed_shows_others_like_it(self, pages: Client, bench: Engine) -> None:
        first, second = await failed(bench), await failed(bench)
        text = await shown(pages, f"/events/{second}")
        assert "Similar failures" in text
        assert f"/events/{first}" in text

    async def test_one_that_is_not_there_is_said_to_be_so(self, pages: Client) -> None:
        for end in ("", "/replay", "/resolve", "/fix"):
            await shown(pages, f"/events/none{end}", 404)


class TestReplaying:
    async def test_a_dry_run_stands_before_it(self, pages: Client, bench: Engine) -> None:
        event_id = await failed(bench)
        assert "it would fail again" in await shown(pages, f"/events/{event_id}/replay")
        await bench.apply(webhook())
        text = await shown(pages, f"/events/{event_id}/replay")
        assert "this record would be written" in text
        assert State.FAILED is (await bench.last()).state
        answer = await send(pages, f"/events/{event_id}/replay")
        assert (303, f"/events/{event_id}?done=replayed") == (answer.status, answer.headers["location"])
        assert State.SUCCEEDED is (await bench.last()).state

    async def test_what_succeeded_is_written_twice_only_where_that_is_meant(
        self, pages: Client, bench: Engine
    ) -> None:
        await bench.post("courses", {"id": "7"})
        place = f"/events/{(await bench.last()).id}/replay"
        assert "may write it a second time" in await shown(pages, place)
        assert 409 == (await send(pages, place)).status
        assert 1 == len(await bench.records())
        assert 303 == (await send(pages, place, again="yes")).status
        assert 2 == len(await bench.records())

    async def test_many_are_looked_through_then_replayed_and_counted(
        self, pages: Client, bench: Engine
    ) -> None:
        ids = [await failed(bench), await failed(bench)]
        await bench.clock.advance(1)
        await bench.apply(webhook())
        text = await shown(pages, "/replays/new?status=failed&webhook=courses&since=1h")
        assert "2" == figures(text)["would be written"]
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
        assert {"status", "webhook", "since", "until"} <= fields.keys()
        begun = await send(pages, "/replays", **fields)
        assert 303 == begun.status, begun.body
        place = begun.headers["location"]
        assert 'id="progress" data-live' in await shown(pages, place)
        while await bench.replays.take():
            await bench.clock.settle()
            await bench.replays.settle()
        text = await shown(pages, place)
        assert "All done" in text
        assert all(one in text for one in ids)
        assert 2 == len(await bench.records())
        assert place in await shown(pages, "/replays")

    async def test_those_that_are_marked_alone_are_taken(self, pages: Client, bench: Engine) -> None:
        first, _ = await failed(bench), await failed(bench)
        await bench.apply(webhook())
        assert "Replay 1 event<" in await shown(pages, f"/replays/new?id={first}")
        place = (await send(pages, "/replays", id=[first])).headers["location"]
        assert (await send(pages, f"{place}/cancel")).status == 303
        assert "ancelled" in await shown(pages, place)

    async def test_what_succeeded_is_taken_only_where_that_is_meant(
        self, pages: Client, bench: Engine
    ) -> None:
        await bench.post("courses", {"id": "7"})
        target = f"/replays/new?id={(await bench.last()).id}"
        text = await shown(pages, target)
        assert "1" == figures(text)["would be left alone"]
        assert "again=yes" in text
        assert "1" == figures(await shown(pages, f"{target}&again=yes"))["would be written"]


class TestFixing:
    async def test_a_copy_is_edited_tried_and_sent_in(self, pages: Client, bench: Engine) -> None:
        event_id = await failed(bench)
        place = f"/events/{event_id}/fix"
        assert "xxxx" in await shown(pages, place)
        good = json.dumps({"id": "7", "note": "short"})
        tried = await send(pages, place, body=good, note="", act="try")
        assert b"it would succeed" in tried.body
        assert b"short" in tried.body
        assert [] == await bench.records()
        missing = await send(pages, place, body=good, note="", act="send")
        assert (422, True) == (missing.status, b"why the payload is changed" in missing.body)
        sent = await send(pages, place, body=good, note="It was too long.", act="send")
        assert 303 == sent.status, sent.body
        assert 1 == len(await bench.records())
        copy = await shown(pages, sent.headers["location"])
        assert "It was too long." in copy
        assert event_id in copy
        assert "Edited copy came in" in await shown(pages, f"/events/{event_id}")

    async def test_what_is_no_json_is_told_at_its_field_and_kept(self, pages: Client, bench: Engine) -> None:
        place = f"/events/{await failed(bench)}/fix"
        answer = await send(pages, place, body='{"id": }', note="x", act="send")
        assert 422 == answer.status
        assert b'id="body-error"' in answer.body
        assert '{"id": }' in unescape(answer.body.decode())


class TestEnding:
    async def test_what_is_held_is_ended_and_can_be_replayed(self, pages: Client, bench: Engine) -> None:
        bench.far.outcomes.append(Retriable("It is down."))
        await bench.post("away", {"id": "7"})
        event_id = (await bench.last()).id
        assert "End it, send nothing" in await shown(pages, f"/events/{event_id}")
        answer = await send(pages, f"/events/{event_id}/cancel")
        assert (303, f"/events/{event_id}?done=cancelled") == (answer.status, answer.headers["location"])
        assert "A replay begins it anew." in await shown(pages, answer.headers["location"])
        assert 409 == (await send(pages, f"/events/{event_id}/cancel")).status

    async def test_an_unknown_outcome_is_looked_up_and_settled(self, pages: Client, bench: Engine) -> None:
        event_id = await unknown(bench)
        assert f"/events/{event_id}/resolve" in await shown(pages, f"/events/{event_id}")
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ("K-1",)))
        text = await shown(pages, f"/events/{event_id}/resolve")
        assert "One record was found" in text
        assert "K-1" in text
        answer = await send(pages, f"/events/{event_id}/resolve", outcome="written", written="K-1")
        assert 303 == answer.status
        last = await bench.last()
        assert (State.SUCCEEDED, "K-1") == (last.state, last.record_key)

    async def test_a_target_that_cannot_be_asked_leaves_it_to_the_person(
        self, pages: Client, bench: Engine
    ) -> None:
        event_id = await unknown(bench)
        bench.far.found.append(Retriable("It is down."))
        text = await shown(pages, f"/events/{event_id}/resolve")
        assert "could not be looked into: It is down." in text
        for fields in ({}, {"outcome": "written", "written": ""}):
            assert 422 == (await send(pages, f"/events/{event_id}/resolve", **fields)).status
        answer = await send(pages, f"/events/{event_id}/resolve", outcome="not_written")
        assert 303 == answer.status
        assert State.FAILED is (await bench.last()).state
