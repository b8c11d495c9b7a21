"""Connections, panels, records and settings, on pages without a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from hookstation.core.shown import ShownSetting
from hookstation.core.values import JSON
from hookstation.errors import NeedsAuth
from hookstation.web.pages.panel_form import Draft, Line, draft_of
from hookstation.web.rest import Rest
from hookstation.web.services import Services
from tests.support.asgi import Answered, Client
from tests.support.engine import PANEL, UNFIT, Engine, connection, engine, upsert, webhook
from tests.support.services import services_of

FORM = {"content-type": "application/x-www-form-urlencoded"}
LINES = {"lines": "2", "name-0": "Code", "type-0": "string", "length-0": "5", "required-0": "yes"}
"""The form of a panel with one field and an empty line."""


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    """A webhook for each of two targets, and a connection that nothing uses."""
    systems = [connection(password="old one"), connection("spare")]
    async with engine(upsert(), webhook("away", "far"), connections=systems, panels=[PANEL]) as made:
        yield made


@pytest.fixture
def services(bench: Engine) -> Services:
    shown_settings = (ShownSetting("database_url", "postgresql://me:***@db/x", "file", "The database."),)
    return services_of(bench, settings=shown_settings)


@pytest_asyncio.fixture
async def pages(services: Services) -> Client:
    """Somebody who may do everything, by a key of the API."""
    key = await services.keys.add("tests", "administrator")
    return Client(Rest(services), {"host": "x", "accept": "text/html", "authorization": f"Bearer {key}"})


async def shown(pages: Client, target: str, status: int = 200) -> str:
    """The text of a page."""
    answer = await pages.ask("GET", target)
    assert status == answer.status, answer.body
    return unescape(answer.body.decode())


async def send(pages: Client, target: str, **fields: str) -> Answered:
    """Send a form."""
    return await pages.ask("POST", target, urlencode(fields).encode(), **FORM)


class TestConnections:
    async def test_one_is_tried_before_it_is_saved(self, pages: Client, bench: Engine) -> None:
        fields = {"name": "new", "url": "http://elsewhere", "password": "words"}
        tried = await send(pages, "/connections/_new", **fields, act="try")
        assert b"Reached new." in tried.body
        assert "new" not in bench.board.connections
        saved = await send(pages, "/connections/_new", **fields, act="save")
        assert (303, "/connections/new?done=saved") == (saved.status, saved.headers["location"])
        assert "http://elsewhere" in await shown(pages, "/connections/new")
        assert "words" == bench.board.connections["new"].secrets["password"].reveal()
        assert "words" not in await shown(pages, "/connections/spare/edit")

    async def test_what_the_target_refuses_is_told_and_can_be_saved_anyway(
        self, pages: Client, bench: Engine
    ) -> None:
        bench.far.refusal = NeedsAuth("The password is refused.")
        fields = {"name": "new", "url": "http://elsewhere"}
        tried = await send(pages, "/connections/_new", **fields, act="try")
        assert b"It does not work" in tried.body
        assert b"The password is refused." in tried.body
        assert 303 == (await send(pages, "/connections/_new", **fields, act="save")).status

    @pytest.mark.parametrize(
        ("fields", "place"),
        [
            ({"name": "new", "url": ""}, 'id="url-error"'),
            ({"name": "new", "url": "ftp://x"}, 'id="url-error"'),
            ({"name": "a b", "url": "http://x"}, 'id="name-error"'),
            ({"name": "", "url": "http://x"}, 'id="name-error"'),
            ({"name": "spare", "url": "http://x"}, 'id="name-error"'),
            ({"name": "new", "url": UNFIT}, 'id="password-error"'),
        ],
    )
    async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
        self, pages: Client, fields: dict[str, str], place: str
    ) -> None:
        answer = await send(pages, "/connections/_new", **fields, act="save")
        assert 422 == answer.status
        assert place in answer.body.decode()
        assert f'value="{fields["url"]}"' in answer.body.decode()

    async def test_a_secret_stays_unless_it_is_typed_or_taken_away(
        self, pages: Client, bench: Engine
    ) -> None:
        def secret() -> str | None:
            held = bench.board.connections["far"].secrets.get("password")
            return None if held is None else held.reveal()

        place, url = "/connections/far/edit", {"url": "http://target", "act": "save"}
        assert 303 == (await send(pages, place, **url, password="")).status
        assert "old one" == secret()
        assert "old one" not in await shown(pages, place)
        only = await shown(pages, f"{place}?only=secrets")
        assert 'name="password"' in only
        assert 'name="url"' not in only
        assert 303 == (await send(pages, f"{place}?only=secrets", password="new one", act="save")).status
        assert "new one" == secret()
        given = {"forget-password": "yes"}
        assert 303 == (await send(pages, place, **url, password="", **given)).status
        assert secret() is None

    async def test_a_secret_does_not_go_to_another_address(self, pages: Client, bench: Engine) -> None:
        answer = await send(pages, "/connections/far/edit", url="http://evil.example", password="", act="try")
        assert 422 == answer.status
        assert b'id="password-error"' in answer.body
        assert [] == [one for one in bench.built if one.closed == 0 and one.name == "evil"]

    async def test_one_is_deleted_by_its_typed_name_unless_it_is_used(
        self, pages: Client, bench: Engine
    ) -> None:
        assert "cannot be deleted while a webhook writes" in await shown(pages, "/connections/far")
        assert 409 == (await send(pages, "/connections/far/delete", typed="far")).status
        assert 422 == (await send(pages, "/connections/spare/delete", typed="Spare")).status
        assert "spare" in bench.board.connections
        answer = await send(pages, "/connections/spare/delete", typed="spare")
        assert (303, "/connections?done=spare") == (answer.status, answer.headers["location"])
        assert "spare" not in bench.board.connections
        assert "“spare” was deleted" in await shown(pages, answer.headers["location"])

    async def test_one_that_a_workflow_uses_says_so_and_stays(self, pages: Client, bench: Engine) -> None:
        step: JSON = {
            "name": "note",
            "type": "insert_activity",
            "with": {"connection": "spare", "fields": {"ID": "$$id$$", "ActivityType": "X"}},
        }
        flow: JSON = {"name": "flow", "trigger": {"type": "manual"}, "steps": [step]}
        await bench.configurator.apply({"version": 1, "workflows": [flow]})
        assert '<a href="/workflows/flow">flow</a>' in await shown(pages, "/connections")
        told = await shown(pages, "/connections/spare")
        assert '<a href="/workflows/flow">flow</a>' in told
        assert "It cannot be deleted while something uses it" in told
        assert 409 == (await send(pages, "/connections/spare/delete", typed="spare")).status

    async def test_what_is_missing_is_told_above_the_form_too(self, pages: Client) -> None:
        answer = await send(pages, "/connections/_new", act="save")
        assert 422 == answer.status
        assert b'<a href="#name">Name</a>: ' in answer.body

    async def test_one_that_is_saved_can_be_tried(self, pages: Client, bench: Engine) -> None:
        assert b"It works: Reached far." in (await send(pages, "/connections/far/check")).body
        bench.far.refusal = NeedsAuth("The password is refused.")
        await bench.board.refresh()
        for one in bench.built:
            one.refusal = bench.far.refusal
        assert (
            b"It does not work: The password is refused."
            in (await send(pages, "/connections/far/check")).body
        )

    async def test_the_built_in_one_cannot_be_changed(self, pages: Client) -> None:
        await shown(pages, "/connections/records")
        await shown(pages, "/connections/records/edit", 409)
        assert 409 == (await send(pages, "/connections/records/delete", typed="records")).status
        await shown(pages, "/connections/none", 404)
        await shown(pages, "/connections/_new?type=none", 404)


class TestPanels:
    async def test_one_is_defined_as_a_table_and_changed(self, pages: Client, bench: Engine) -> None:
        more = await send(pages, "/panels/_new", name="Marks", act="more", **LINES)
        assert b'name="lines" value="5"' in more.body
        assert b'value="Code"' in more.body
        saved = await send(pages, "/panels/_new", name="Marks", act="save", **LINES)
        assert (303, "/records/Marks?done=saved") == (saved.status, saved.headers["location"])
        field = bench.board.panels["Marks"].spec.fields["Code"]
        assert (5, True) == (field.length, field.required)
        changed = {**LINES, "name-1": "Grade", "type-1": "string", "values-1": "A, B"}
        assert 303 == (await send(pages, "/panels/Marks", act="save", **changed)).status
        assert ("A", "B") == bench.board.panels["Marks"].spec.fields["Grade"].values
        assert 'value="A, B"' in await shown(pages, "/panels/Marks")
        assert "Nothing here yet" in await shown(pages, "/records/Marks?done=saved")

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"name": "Courses"}, "Is taken by another panel"),
            ({"name": "Activity"}, "built-in activities"),
            ({"name": ""}, 'id="name-error"'),
            ({"name": "X", "length-0": "many"}, 'id="line-0-error"'),
            ({"name": "X", "name-1": "Code"}, "Stands on two lines"),
            ({"name": "X", "name-0": "a b"}, 'id="line-0-error"'),
            ({"name": "X", "name-0": ""}, "It has no field yet"),
            ({"name": "X", "type-0": "date"}, 'id="line-0-error"'),
            ({"name": "X", "instances": "some"}, 'id="instances-error"'),
        ],
    )
    async def test_what_is_wrong_is_told_where_it_is(
        self, pages: Client, bench: Engine, fields: dict[str, str], said: str
    ) -> None:
        answer = await send(pages, "/panels/_new", act="save", **{**LINES, "name": "", **fields})
        assert 422 == answer.status
        assert said in unescape(answer.body.decode())
        assert {"Courses"} == set(bench.board.panels)

    async def test_one_is_deleted_by_its_typed_name_unless_it_is_used(
        self, pages: Client, bench: Engine
    ) -> None:
        assert "cannot be deleted while" in await shown(pages, "/panels/Courses")
        assert 409 == (await send(pages, "/panels/Courses/delete", typed="Courses")).status
        await bench.configurator.delete("webhook", "panel")
        assert 422 == (await send(pages, "/panels/Courses/delete", typed="")).status
        assert 303 == (await send(pages, "/panels/Courses/delete", typed="Courses")).status
        await shown(pages, "/panels/Courses", 404)

    def test_a_draft_says_the_same_as_its_document(self) -> None:
        fields: dict[str, JSON] = {
            "Code": {"type": "string", "length": 5, "required": True, "values": ["A", "B"]},
            "Sum": {"type": "decimal", "precision": 9, "scale": 2, "caption": "How much"},
        }
        document: dict[str, JSON] = {"name": "X", "parent": "party", "instances": "single", "fields": fields}
        assert document == draft_of(document).document()
        assert {} == Draft(lines=(Line(),)).document()["fields"]


class TestRecords:
    async def test_are_found_by_words_in_any_field(self, pages: Client, bench: Engine) -> None:
        for person, code in (("1", "SAFE"), ("2", "RISK")):
            await bench.post("panel", {"id": person, "note": code})
        text = await shown(pages, "/records/Courses?text=saf")
        assert "SAFE" in text
        assert "RISK" not in text
        assert "No record with these words" in await shown(pages, "/records/Courses?text=safe+2")

    async def test_a_search_that_takes_long_says_how_far_it_came(
        self, pages: Client, bench: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hookstation.engine.browsing.MOST_LOOKED_AT", 2)
        monkeypatch.setattr("hookstation.engine.browsing.PAGE", 1)
        for person in ("1", "2", "3"):
            await bench.post("panel", {"id": person, "note": f"C{person}"})
        text = await shown(pages, "/records/Courses?text=c3")
        assert "2 records were looked at" in text
        [on] = re.findall(r'href="(/records/Courses\?[^"]*after=[^"]+)"', text)
        assert "C3" in await shown(pages, on)


class TestSettings:
    async def test_are_shown_with_their_source(self, pages: Client) -> None:
        text = await shown(pages, "/settings")
        assert 2 == text.count("postgresql://me:***@db/x")
        assert "<td>file</td>" in text

    async def test_a_key_is_shown_once(self, pages: Client, services: Services) -> None:
        answer = await send(pages, "/settings/keys", name="a program", role="administrator")
        [key] = re.findall(r"<code>(hsk_[^<]+)</code>", answer.body.decode())
        found = await services.keys.find(key)
        assert found is not None
        assert "a program" == found.name
        text = await shown(pages, "/settings")
        assert "a program" in text
        assert key not in text

    async def test_a_key_is_revoked_when_its_name_is_typed(self, pages: Client, services: Services) -> None:
        key = await services.keys.add("a <program>", "administrator")
        assert "Revoke the key “a <program>”?" in await shown(pages, "/settings")
        wrong = await send(pages, "/settings/keys/revoke", key="a <program>", typed="a program")
        assert (422, True) == (wrong.status, await services.keys.find(key) is not None)
        done = await send(pages, "/settings/keys/revoke", key="a <program>", typed="a <program>")
        assert (303, None) == (done.status, await services.keys.find(key))
        gone = await send(pages, "/settings/keys/revoke", key="a <program>", typed="a <program>")
        assert 404 == gone.status

    @pytest.mark.parametrize(("name", "status"), [("", 422), ("tests", 409)])
    async def test_a_key_that_cannot_be_made_is_told_at_its_field(
        self, pages: Client, name: str, status: int
    ) -> None:
        answer = await send(pages, "/settings/keys", name=name, role="administrator")
        assert status == answer.status
        assert b'id="name-error"' in answer.body


async def test_a_program_tries_a_connection_as_a_page_does(pages: Client, bench: Engine) -> None:
    place = "/api/v1/connections/new/try"
    tried = await pages.ask("POST", place, {"type": "scripted", "url": "http://elsewhere"})
    assert ["Settings", "Sign in", "Read"] == [one["step"] for one in tried.document["steps"]]
    assert all(one["passed"] for one in tried.document["steps"])
    assert "new" not in bench.board.connections
    wrong = await pages.ask("POST", place, {"type": "scripted", "url": UNFIT})
    assert ("/password", 422) == (wrong.document["problems"][0]["pointer"], wrong.status)
    assert 422 == (await pages.ask("POST", place, {"name": "other", "type": "scripted"})).status
    records = "/api/v1/connections/records/try"
    assert 409 == (await pages.ask("POST", records, {"type": "scripted", "url": "http://x"})).status


async def test_a_program_reads_the_settings_as_a_page_shows_them(pages: Client, services: Services) -> None:
    """Masked, and with where each came from."""
    told = (await pages.ask("GET", "/api/v1/settings")).document
    expected = {"name": "database_url", "value": "postgresql://me:***@db/x", "source": "file"}
    assert [{**expected, "help": "The database."}] == told["items"]
    assert services.base_url == told["address"]


async def test_a_program_finds_records_as_a_page_does(pages: Client, bench: Engine) -> None:
    """By words of their values, or by key."""
    for person, code in (("1", "SAFE"), ("2", "RISK")):
        await bench.post("panel", {"id": person, "note": code})
    every = (await pages.ask("GET", "/api/v1/records/Courses")).document["items"]
    for asked, expected in ((f"key={every[0]['key']}", every[:1]), ("text=ris", every[1:]), ("key=9", [])):
        told = (await pages.ask("GET", f"/api/v1/records/Courses?{asked}")).document
        assert {"items": expected, "next": None} == told
