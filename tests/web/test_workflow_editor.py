"""The workflow editor's answers without a browser: text with its lines, checks, trials, and who saves second."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from hookstation.core.jsontext import dump_json
from hookstation.core.workflows.catalog import OFFERED
from hookstation.web.pages.chain.editor.described import described, label_of
from hookstation.web.rest import Rest
from tests.support.asgi import Answered, Client
from tests.support.engine import PANEL, Engine, connection, engine, webhook
from tests.support.services import services_of

HERE = {"host": "127.0.0.1:8080", "accept": "text/html"}
FORM = "application/x-www-form-urlencoded"
INLINE = r"<style|\sstyle=|\son\w+=|javascript:|hx-on|<script(?![^>]*\ssrc=)"
BLANK = "/workflows/_new/blank"
EDIT = "/workflows/greet/edit"
LOOK = "/workflows/_editor/look"
TRY = "/workflows/_editor/try"
TEXT = """\
name: greet
title: Greet
sample: {name: Ann, amount: 1.50}
steps:
- name: keep
  type: set
  with:
    values:
      hello: Hello $$trigger.name$$
- name: big
  type: if
  with: {condition: trigger.amount > 1}
  then:
  - name: tell
    type: emit
    title: Tell others
    with: {type: order.big}
"""
DOCUMENT = {"name": "greet", "steps": [{"name": "keep", "type": "set", "with": {"values": {"a": "1"}}}]}


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    """A station with a webhook, a connection and a panel."""
    async with engine(webhook(), connections=[connection()], panels=[PANEL]) as made:
        yield made


@pytest_asyncio.fixture
async def pages(bench: Engine) -> Client:
    """Somebody who may change everything, by a key of the API."""
    services = services_of(bench)
    key = await services.keys.add("ann", "administrator")
    return Client(Rest(services), {**HERE, "authorization": f"Bearer {key}"})


@pytest_asyncio.fixture
async def script(pages: Client) -> Client:
    """The same person's script, which reads JSON."""
    return replace(pages, headers={**pages.headers, "accept": "application/json"})


async def send(client: Client, target: str, **fields: str) -> Answered:
    """Send a form."""
    return await client.ask("POST", target, urlencode(fields).encode(), content_type=FORM)


async def told(client: Client, target: str, **fields: str) -> Any:
    """Send what a script sends; the JSON that comes back."""
    return json.loads((await send(client, target, **fields)).body)


async def made(client: Client, text: str = TEXT) -> None:
    """Save a workflow for the first time."""
    assert 303 == (await send(client, BLANK, text=text, began="0", do="save")).status


@pytest.mark.parametrize("target", [BLANK, EDIT])
async def test_the_editor_holds_nothing_inline(pages: Client, target: str) -> None:
    await made(pages)
    answer = await pages.ask("GET", target)
    assert 200 == answer.status
    assert [] == re.findall(INLINE, answer.body.decode())


async def test_without_scripts_a_workflow_is_written_saved_and_read_back_to_the_digit(
    pages: Client, bench: Engine
) -> None:
    answer = await send(pages, BLANK, text=TEXT, began="0", do="save", note="first")
    assert (303, f"{EDIT}?done=saved") == (answer.status, answer.headers["location"])
    assert "1.50" in dump_json(bench.board.workflows["greet"].sample)
    page = (await pages.ask("GET", EDIT)).body.decode()
    assert "hello: Hello $$trigger.name$$" in page
    assert '<span class="badge">then</span> <strong>Tell others</strong>' in page
    [version] = await bench.store.list_workflow_versions("greet", 5)
    assert ("ann", "first", 1) == (version.by, version.note, version.number)


async def test_a_text_with_mistakes_comes_back_with_each_at_its_line(pages: Client, bench: Engine) -> None:
    wrong = TEXT.replace("type: set", "type: sett").replace("type: order.big", "typ: order.big")
    answer = await send(pages, BLANK, text=wrong, began="0", do="save")
    page = answer.body.decode()
    assert 422 == answer.status
    assert ["6", "17", "17"] == re.findall(r">Line (\d+)</a>", page)
    assert "type: sett" in page
    assert {} == bench.board.workflows


@pytest.mark.parametrize(
    ("text", "line"),
    [("name: [", "Line 2"), ("{]", "Line 1"), ("- a", "must be a workflow"), ("", "is empty")],
)
async def test_a_text_that_is_no_document_is_told_so_and_kept(pages: Client, text: str, line: str) -> None:
    answer = await send(pages, BLANK, text=text, began="0", do="check")
    assert 200 == answer.status
    assert line in answer.body.decode()


async def test_a_look_saves_nothing(pages: Client, bench: Engine) -> None:
    answer = await send(pages, BLANK, text=TEXT, began="0", do="check")
    assert (200, True) == (answer.status, b"Nothing is wrong with it" in answer.body)
    assert {} == bench.board.workflows


async def test_what_began_from_another_version_is_not_saved_and_the_difference_is_told(
    pages: Client, script: Client, bench: Engine
) -> None:
    await made(pages)
    theirs = TEXT.replace("Greet", "Theirs")
    assert 303 == (await send(pages, EDIT, text=theirs, began="1", do="save")).status
    mine = json.dumps({**DOCUMENT, "title": "Mine"})
    answer = await send(script, EDIT, document=mine, began="1", do="save")
    overtaken = json.loads(answer.body)["overtaken"]
    assert (409, "ann", 2) == (answer.status, overtaken["by"], overtaken["version"])
    assert ["title"] == [one["path"] for one in overtaken["differences"]]
    assert "Theirs" == bench.board.workflows["greet"].title
    page = await send(pages, EDIT, text=TEXT, began="1", do="save")
    assert (409, True) == (page.status, b'name="began" value="2"' in page.body)
    assert 3 == (await told(script, EDIT, document=mine, began="2", do="save"))["version"]


async def test_a_name_that_is_taken_is_not_written_over_and_one_that_is_known_stays(
    pages: Client, script: Client, bench: Engine
) -> None:
    await made(pages)
    again = await told(script, BLANK, document=json.dumps(DOCUMENT), began="0", do="save")
    assert [["name"], "is taken by another workflow; choose another one."] == [
        *again["problems"][0].values()
    ][:2]
    other = await told(script, EDIT, document=json.dumps({**DOCUMENT, "name": "other"}), began="1", do="save")
    assert ["name"] == other["problems"][0]["path"]
    assert "Greet" == bench.board.workflows["greet"].title
    assert "other" not in bench.board.workflows


async def test_it_is_switched_off_and_on_whatever_stands_in_an_editor(
    pages: Client, script: Client, bench: Engine
) -> None:
    await made(pages)
    off = await told(script, f"{EDIT}/state", state="disabled")
    assert ({"version": 2, "state": "disabled"}, "disabled") == (off, bench.board.workflows["greet"].state)
    on = await send(pages, f"{EDIT}/state", state="active")
    assert (303, "active") == (on.status, bench.board.workflows["greet"].state)
    assert 422 == (await send(pages, f"{EDIT}/state", state="asleep")).status


async def test_the_script_is_told_of_each_problem_at_the_field_that_it_is_about(script: Client) -> None:
    steps = [{"name": "a", "type": "mail", "with": {"connection": "nowhere", "subject": "$$steps.b.x$$"}}]
    found = await told(script, LOOK, document=json.dumps({"name": "greet", "steps": steps}))
    at = {".".join(str(part) for part in one["path"]): one["message"] for one in found["problems"]}
    assert "is missing. To whom: an address, several with commas between, or a list." == at["steps.0.with.to"]
    assert "steps.0.with.subject" in at


async def test_a_connection_that_is_not_there_is_told_before_it_is_saved(script: Client) -> None:
    step = {"name": "a", "type": "find_activities", "with": {"connection": "nowhere", "match": {"ID": "1"}}}
    found = await told(script, LOOK, document=json.dumps({"name": "greet", "steps": [step]}))
    assert [["steps", 0, "with", "connection"]] == [one["path"] for one in found["problems"]]


@pytest.mark.parametrize("language", ["yaml", "json"])
async def test_the_document_as_text_reads_back_as_the_same(script: Client, language: str) -> None:
    step = '{"name":"a","type":"set","with":{"values":{"b":12345678901234567890}}}'
    document = f'{{"name":"greet","sample":{{"n":1.50}},"steps":[{step}]}}'
    written = await told(script, LOOK, document=document, **{"as": language})
    answer = await send(script, LOOK, text=written["text"])
    assert document in answer.body.decode()
    assert [] == json.loads(answer.body)["problems"]


async def test_a_text_that_is_typed_is_told_with_its_lines(script: Client) -> None:
    found = await told(script, LOOK, text=TEXT.replace("trigger.amount > 1", "trigger.amount >"))
    assert [12] == [one["line"] for one in found["problems"]]
    assert "greet" == found["document"]["name"]


async def test_a_step_is_tried_on_sample_data_though_others_are_not_finished(script: Client) -> None:
    step = {
        "name": "keep",
        "type": "set",
        "with": {"values": {"hello": "Hello $$steps.find.records.0.Name$$"}},
    }
    scope = {"trigger": {}, "steps": {"find": {"records": [{"Name": "Ann"}]}}}
    tried = await told(script, TRY, step=json.dumps(step), scope=json.dumps(scope))
    assert {"hello": "Hello Ann"} == tried["output"]
    assert ("done", False) == (tried["state"], tried["sample"])


@pytest.mark.parametrize(("grade", "holds"), [("pass", True), ("fail", False)])
async def test_of_a_step_that_leads_on_it_is_told_whether_its_conditions_hold(
    script: Client, grade: str, holds: bool
) -> None:
    step = {"name": "a", "type": "if", "when": "index > 0", "with": {"condition": 'trigger.grade == "pass"'}}
    scope = {"trigger": {"grade": grade}, "index": 1}
    tried = await told(script, TRY, step=json.dumps(step), scope=json.dumps(scope))
    assert {"holds": {"when": True, "condition": holds}} == tried
    wrong = await told(script, TRY, step=json.dumps({**step, "when": "index >"}), scope="{}")
    assert [["when"]] == [one["path"] for one in wrong["problems"]]


async def test_a_step_that_writes_elsewhere_is_not_carried_out_by_a_trial(
    script: Client, bench: Engine
) -> None:
    fields = {"ID": "$$trigger.id$$", "ACTIVITY_TYPE": "X"}
    step = {"name": "add", "type": "insert_activity", "with": {"connection": "records", "fields": fields}}
    tried = await told(script, TRY, step=json.dumps(step), scope='{"trigger":{"id":"7"}}', really="true")
    assert (True, "7") == (tried["sample"], tried["input"]["fields"]["ID"])
    assert 0 == await bench.store.count_records("Activity")


async def test_a_step_that_cannot_be_tried_says_why_at_its_field(script: Client) -> None:
    answer = await send(script, TRY, step='{"name":"a","type":"validate"}', scope="{}")
    assert 422 == answer.status
    assert [["with"]] == [one["path"] for one in json.loads(answer.body)["problems"]]


async def test_the_fields_of_what_is_written_are_offered_and_what_cannot_be_asked_is_told(
    script: Client,
) -> None:
    async def offered(query: str) -> Any:
        return json.loads((await script.ask("GET", f"/workflows/_editor/offer?{query}")).body)

    activity = await offered("connection=records")
    assert {"ID", "ACTIVITY_TYPE"} <= {one["name"] for one in activity["fields"] if one["required"]}
    panel = await offered("connection=records&panel=Courses")
    assert {"Code", "Grade"} <= {one["name"] for one in panel["fields"]}
    assert "no panel" in (await offered("connection=records&panel=Nowhere"))["warning"]
    assert {"fields": [], "tables": [], "warning": ""} == await offered("connection=nobody")


async def test_one_that_is_not_there_has_no_editor(pages: Client) -> None:
    assert 404 == (await pages.ask("GET", "/workflows/nobody/edit")).status


def test_every_type_that_people_may_write_is_offered_with_a_label_for_each_setting() -> None:
    types: Any = described()["types"]
    assert [*OFFERED] == [one["type"] for one in types]
    assert all(setting["label"] for one in types for setting in one["settings"])
    assert ("At once", "URL", "All pages") == tuple(map(label_of, ("at_once", "url", "all_pages")))


async def test_what_triggered_the_newest_run_is_offered_as_a_sample_with_its_secrets_masked(
    pages: Client, bench: Engine
) -> None:
    await made(pages)
    assert "newest" not in (await pages.ask("GET", EDIT)).body.decode()
    await services_of(bench).chain.workflows.run("greet", {"name": "Bo", "password": "hidden-one"}, "ann")
    shown = (await pages.ask("GET", EDIT)).body.decode()
    assert "&#34;newest&#34;:{&#34;name&#34;:&#34;Bo&#34;" in shown
    assert "hidden-one" not in shown
