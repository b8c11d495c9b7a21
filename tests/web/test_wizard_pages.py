"""The wizard's answers without a browser: nothing inline, nothing saved that is stale or cannot be read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from hookstation.core.events import Answer
from hookstation.core.values import JSON
from hookstation.web.rest import Rest
from tests.support.asgi import Answered, Client
from tests.support.engine import PANEL, Engine, connection, engine, upsert, webhook
from tests.support.services import services_of

HERE = {"host": "127.0.0.1:8080", "accept": "text/html"}
FORM = "application/x-www-form-urlencoded"
SECTIONS = ("general", "data", "action", "access", "test", "save")
INLINE = r"<style|\sstyle=|\son\w+=|javascript:|hx-on|<script(?![^>]*\ssrc=)"


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    """A station with two webhooks."""
    async with engine(webhook(), upsert(), connections=[connection()], panels=[PANEL]) as made:
        yield made


@pytest_asyncio.fixture
async def pages(bench: Engine) -> Client:
    """Somebody who may change everything, by a key of the API."""
    services = services_of(bench)
    key = await services.keys.add("tests", "administrator")
    return Client(Rest(services), {**HERE, "authorization": f"Bearer {key}"})


async def send(client: Client, target: str, /, **fields: str) -> Answered:
    """Send a form."""
    body = urlencode(fields).encode()
    return await client.ask("POST", target, body, content_type=FORM)


@pytest.mark.parametrize("section", SECTIONS)
async def test_a_section_holds_nothing_inline(pages: Client, section: str) -> None:
    answer = await pages.ask("GET", f"/webhooks/courses/edit/{section}")
    assert 200 == answer.status
    assert [] == re.findall(INLINE, answer.body.decode())


@pytest.mark.parametrize(
    ("act", "said"),
    [("delete", "The webhook “courses” was deleted."), ("rotate", "It has a new URL: give it out now.")],
)
async def test_what_was_destroyed_is_told(pages: Client, act: str, said: str) -> None:
    answer = await send(pages, f"/webhooks/courses/{act}", typed="courses")
    assert 303 == answer.status
    assert said in (await pages.ask("GET", answer.headers["location"])).body.decode()


@pytest.mark.parametrize("began", ["", "0", "x", "99"])
async def test_what_began_from_another_version_is_not_saved(pages: Client, bench: Engine, began: str) -> None:
    answer = await send(pages, "/webhooks/courses/edit/general", title="Another", began=began, do="save")
    assert 409 == answer.status
    assert b"Another" in answer.body
    assert not (await bench.changing.drafts.show("courses")).is_draft


async def test_what_is_right_is_a_draft_and_leads_on(pages: Client, bench: Engine) -> None:
    answer = await send(pages, "/webhooks/courses/edit/general", title="Another", began="1", do="next")
    assert (303, "/webhooks/courses/edit/data") == (answer.status, answer.headers["location"])
    draft = await bench.changing.drafts.show("courses")
    assert (True, "Another") == (draft.is_draft, draft.document["title"])
    assert "Another" != bench.board.webhooks(["courses"])["courses"].title


@pytest.mark.parametrize("act", ["delete", "rotate"])
async def test_what_destroys_wants_the_name_typed(pages: Client, bench: Engine, act: str) -> None:
    answer = await send(pages, f"/webhooks/courses/{act}", typed="course")
    assert 422 == answer.status
    assert "courses" in bench.board.stored.webhooks


@pytest.mark.parametrize(
    "target", ["/webhooks/nobody/edit/data", "/webhooks/nobody/versions", "/webhooks/courses/versions/x"]
)
async def test_what_is_not_there_gets_a_page_that_leads_on(pages: Client, target: str) -> None:
    assert 404 == (await pages.ask("GET", target)).status


async def test_a_webhook_that_is_not_live_leads_to_its_draft_or_its_events(
    pages: Client, bench: Engine
) -> None:
    """A link to it may stand in many places, and outlives it."""
    assert 303 == (await send(pages, "/webhooks/courses/duplicate")).status
    copy = await pages.ask("GET", "/webhooks/courses-copy")
    await bench.post("courses", {"id": "7"})
    await send(pages, "/webhooks/courses/delete", typed="courses")
    gone = await pages.ask("GET", "/webhooks/courses")
    never = await pages.ask("GET", "/webhooks/never")
    assert (303, "/webhooks/courses-copy/edit/general") == (copy.status, copy.headers["location"])
    assert (303, "/events?webhook=courses") == (gone.status, gone.headers["location"])
    assert 200 == (await pages.ask("GET", "/events?webhook=courses")).status
    assert 404 == never.status


async def test_when_the_sender_is_answered_is_chosen_and_given_up_again(pages: Client, bench: Engine) -> None:
    target = "/webhooks/courses/edit/access"
    chosen = {
        "answer": "queued",
        "accepted": "on",
        "order": "$$id$$",
        "poison": "drop",
        "attempts": "4",
        "concurrency": "2",
    }
    await send(pages, target, type="none", began="1", do="save", **chosen)
    draft = await bench.changing.drafts.show("courses")
    work = {"concurrency": 2, "order": "$$id$$", "poison": "drop", "retry": {"attempts": 4}}
    assert ("queued", 202, work) == tuple(draft.document[name] for name in ("answer", "acknowledge", "work"))
    shown = (await pages.ask("GET", target)).body.decode()
    assert '<option value="drop" selected>' in shown
    assert 'value="$$id$$"' in shown
    await send(pages, target, type="none", began=str(draft.began), do="save", answer="outcome")
    again = (await bench.changing.drafts.show("courses")).document
    assert not {"answer", "acknowledge", "work"} & again.keys()


async def test_real_calls_are_offered_however_many_were_turned_away_since(
    pages: Client, bench: Engine
) -> None:
    """Those that were turned away have no body, and do not take the place of those that have."""
    await bench.post("courses", {"id": "10420"})
    for _ in range(5):
        await bench.post("courses", {"id": 7})
    for section in ("action", "test"):
        answer = await pages.ask("GET", f"/webhooks/courses/edit/{section}")
        assert b"10420" in answer.body


async def test_the_header_of_a_signature_is_read_off_captured_calls(pages: Client, bench: Engine) -> None:
    _, token = await bench.captures.open("tests", "courses")
    admitted = bench.ingest.admit("POST", token, {"x-shop-signature": "abc"}, "", "203.0.113.9")
    assert not isinstance(admitted, Answer)
    await bench.ingest.receive(admitted, b"{}")
    answer = await pages.ask("GET", "/webhooks/courses/edit/access")
    assert 'name="hmac:header" value="x-shop-signature"' in answer.body.decode()


async def test_payloads_are_kept_out_of_the_search_and_let_in_again(pages: Client, bench: Engine) -> None:
    form = {"type": "none", "do": "save"}
    await send(pages, "/webhooks/courses/edit/access", **form, began="1", unsearched="on")
    assert False is (await bench.changing.drafts.show("courses")).document["search"]
    assert b'id="search" checked' in (await pages.ask("GET", "/webhooks/courses/edit/access")).body
    await send(pages, "/webhooks/courses/edit/access", **form, began="2")
    assert "search" not in (await bench.changing.drafts.show("courses")).document


async def test_a_workflow_is_chosen_in_the_place_of_an_action_and_given_up_again(
    pages: Client, bench: Engine
) -> None:
    steps: JSON = [{"name": "end", "type": "stop"}]
    flow: JSON = {"name": "sort-out", "title": "Sort it out", "trigger": {"type": "webhook"}, "steps": steps}
    await bench.configurator.apply({"version": 1, "workflows": [flow]})
    target = "/webhooks/courses/edit/action"
    assert b'<option value="workflow|sort-out">Sort it out' in (await pages.ask("GET", target)).body
    chosen = urlencode({"target": "workflow|sort-out", "began": "1", "do": "save"}).encode()
    await pages.ask("POST", target, chosen, content_type=FORM)
    draft = await bench.changing.drafts.show("courses")
    assert ("sort-out", False, []) == (
        draft.document["workflow"],
        "action" in draft.document,
        [one for one in draft.problems if one.severity == "error"],
    )
    shown = (await pages.ask("GET", target)).body.decode()
    assert "It starts the workflow sort-out" in shown
    assert '<a href="/workflows/sort-out/edit">' in shown
    other = urlencode(
        {"target": "insert_activity|records", "began": str(draft.began), "do": "target"}
    ).encode()
    await pages.ask("POST", target, other, content_type=FORM)
    assert "workflow" not in (await bench.changing.drafts.show("courses")).document


async def test_a_webhook_without_an_action_yet_asks_for_one(pages: Client, bench: Engine) -> None:
    await bench.changing.drafts.save("fresh", {"name": "fresh", "title": "Fresh", "schema": True}, 0, "ann")
    assert b"No action yet" in (await pages.ask("GET", "/webhooks/fresh/edit/action")).body


FRESH: dict[str, JSON] = {
    "name": "fresh",
    "title": "Fresh",
    "authentication": {"type": "none"},
    "schema": True,
}


async def test_an_action_that_was_only_chosen_is_no_mistake_until_it_is_left_empty(
    pages: Client, bench: Engine
) -> None:
    await bench.changing.drafts.save("fresh", FRESH, 0, "ann")
    target = "/webhooks/fresh/edit/action"
    form = {"target": "insert_activity|records", "began": "1"}
    await send(pages, target, **form, do="target")
    assert b"to put right" not in (await pages.ask("GET", target)).body
    left = await send(pages, target, **{**form, "began": "2"}, do="next")
    assert 422 == left.status
    assert "Field mapping</a>: nothing goes into the record yet." in left.body.decode()


async def test_what_is_wrong_in_one_section_is_told_in_the_others(pages: Client, bench: Engine) -> None:
    await bench.changing.drafts.save("fresh", {**FRESH, "access": {"rate": "lots"}}, 0, "ann")
    shown = (await pages.ask("GET", "/webhooks/fresh/edit/data")).body.decode()
    assert 'put right in <a href="/webhooks/fresh/edit/access">Sender and access</a>' in shown
    assert (
        '<a href="#access-rate">Rate</a>'
        in (await pages.ask("GET", "/webhooks/fresh/edit/access")).body.decode()
    )


async def test_the_page_of_a_webhook_leads_to_what_is_not_published(pages: Client, bench: Engine) -> None:
    target = "/webhooks/courses"
    assert b"not published" not in (await pages.ask("GET", target)).body
    await send(pages, f"{target}/edit/general", title="Another", name="courses", began="1", do="save")
    assert (
        b'<a href="/webhooks/courses/edit/save">see it, and publish it</a>'
        in (await pages.ask("GET", target)).body
    )
