"""The pages without a browser: who sees them, what every answer says, and that each shows what is true."""

from __future__ import annotations

import csv
import gzip
import io
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.values import Number, Scalar
from hookstation.ports.store import ConfigurationChange, Payload, StoredWebhook
from hookstation.web.pages import build, events, records, security
from hookstation.web.pages.assets import FOR_EVER, load_bundle
from hookstation.web.pages.rendering import environment
from hookstation.web.pages.routes import Page
from hookstation.web.rest import Rest
from hookstation.web.services import Services
from tests.support.asgi import Answered, Client
from tests.support.engine import PANEL, Engine, connection, engine, upsert, webhook
from tests.support.services import services_of

HERE = {"host": "127.0.0.1:8080", "accept": "text/html"}
ADDRESSES = ("/", "/webhooks", "/events", "/connections", "/records", "/settings")


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    """A station with one thing of each kind."""
    wanted = [webhook(), webhook("away", "far", title="Far <away>"), upsert()]
    async with engine(*wanted, connections=[connection(password="of a target")], panels=[PANEL]) as made:
        yield made


@pytest.fixture
def services(bench: Engine) -> Services:
    return services_of(bench)


@pytest_asyncio.fixture
async def pages(services: Services) -> Client:
    """Somebody who may see everything, by a key of the API."""
    key = await services.keys.add("tests", "administrator")
    return Client(Rest(services), {**HERE, "authorization": f"Bearer {key}"})


async def shown(client: Client, target: str, status: int = 200, **headers: str) -> str:
    """The text of a page."""
    answer = await client.ask("GET", target, **headers)
    assert (status, "text/html; charset=utf-8") == (answer.status, answer.headers["content-type"]), (
        answer.body
    )
    return answer.body.decode()


class TestWhoMaySee:
    @pytest.mark.parametrize(
        "target", [*ADDRESSES, "/webhooks/courses", "/events/x", "/records/Activity.csv"]
    )
    async def test_nobody_without_a_session_or_a_key(self, services: Services, target: str) -> None:
        """On the station's own machine too: others may share it, and a proxy may stand there."""
        for address in ("127.0.0.1", "203.0.113.9"):
            answer = await Client(Rest(services), HERE, address).ask("GET", target)
            assert (303, "/sign-in") == (answer.status, answer.headers["location"].partition("?")[0])

    @pytest.mark.parametrize("given", ["Bearer hsk_unknown", "Bearer ", "Basic abc", ""])
    async def test_a_wrong_key_opens_nothing(self, pages: Client, given: str) -> None:
        answer = await pages.ask("GET", "/", authorization=given)
        assert answer.status in (303, 401)
        assert b"Dashboard</h1>" not in answer.body


class TestEveryAnswer:
    @pytest.mark.parametrize("target", [*ADDRESSES, "/nowhere", "/webhooks/nobody", "/records/Activity.csv"])
    async def test_carries_the_headers_that_keep_it_safe(self, pages: Client, target: str) -> None:
        answer = await pages.ask("GET", target)
        assert security.HEADERS.items() <= {**_named(answer)}.items()
        assert "no-store" == answer.headers["cache-control"]

    async def test_allows_nothing_inline_and_nothing_from_elsewhere(self) -> None:
        assert security.POLICY.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in security.POLICY
        assert [] == re.findall(r"unsafe|nonce|http|\*|data:|blob:", security.POLICY)

    @pytest.mark.parametrize("target", ADDRESSES)
    async def test_holds_no_script_no_style_and_no_handler_of_its_own(
        self, pages: Client, target: str
    ) -> None:
        text = await shown(pages, target)
        assert [] == re.findall(r"<style|\sstyle=|\son\w+=|javascript:|hx-on|<script(?![^>]*\ssrc=)", text)

    async def test_is_compressed_where_the_browser_takes_that(self, pages: Client) -> None:
        answer = await pages.ask("GET", "/", accept_encoding="gzip, br")
        assert "gzip" == answer.headers["content-encoding"]
        assert b"<h1>Dashboard</h1>" in gzip.decompress(answer.body)

    async def test_writes_out_what_looks_like_markup(self, pages: Client) -> None:
        text = await shown(pages, "/webhooks")
        assert "Far &lt;away&gt;" in text
        assert "<away>" not in text


def _named(answer: Answered) -> dict[str, str]:
    return {name: answer.headers.get(name.lower(), "") for name in security.HEADERS}


class TestWhatIsNotThere:
    @pytest.mark.parametrize(
        "target", ["/nowhere", "/webhooks/nobody", "/events/x", "/connections/x", "/records/x"]
    )
    async def test_gets_a_page_that_leads_on(self, pages: Client, target: str) -> None:
        text = await shown(pages, target, 404)
        assert "<h1>Not found</h1>" in text
        assert 'href="/"' in text

    async def test_leads_to_the_list_in_which_it_would_stand(self, pages: Client) -> None:
        assert '<a class="button " href="/events">To the events</a>' in await shown(pages, "/events/x", 404)

    async def test_a_program_gets_a_problem_document(self, pages: Client) -> None:
        answer = await pages.ask("GET", "/nowhere", accept="*/*")
        assert (404, "application/problem+json") == (answer.status, answer.headers["content-type"])

    async def test_a_page_refuses_what_is_not_asked_of_pages(self, pages: Client) -> None:
        answer = await pages.ask("POST", "/webhooks", b"")
        assert (405, {"GET", "HEAD"}) == (answer.status, set(answer.headers["allow"].split(", ")))

    async def test_a_mistake_of_ours_gets_a_number_that_stands_in_the_log(
        self, services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def breaks(_request: Request, _services: Services) -> Response:
            raise RuntimeError("of the test")

        monkeypatch.setattr(build, "PAGES", (Page("/", breaks, is_open=True),))
        with caplog.at_level(logging.ERROR):
            text = await shown(Client(Rest(services), HERE), "/", 500)
        (number,) = re.findall(r"<code>([0-9a-f]{10})</code>", text)
        assert f"a page failed, error {number}: GET /" in caplog.text
        assert "of the test" not in text


class TestBundle:
    async def test_each_file_is_served_compressed_for_ever(self, services: Services) -> None:
        far = Client(Rest(services), {}, "203.0.113.9")
        for name in sorted(load_bundle().files):
            plain = await far.ask("GET", f"/static/{name}")
            packed = await far.ask("GET", f"/static/{name}", accept_encoding="gzip;q=0.5")
            brotli = await far.ask("GET", f"/static/{name}", accept_encoding="gzip, br")
            assert [200, 200, 200] == [plain.status, packed.status, brotli.status]
            assert plain.body == gzip.decompress(packed.body)
            assert ("br", FOR_EVER) == (brotli.headers["content-encoding"], brotli.headers["cache-control"])
            assert len(brotli.body) <= len(packed.body)

    @pytest.mark.parametrize("name", ["manifest.json", "x.js", "..%2Fapp.py", "licences.txt", "main.ts"])
    async def test_nothing_else_is_served(self, pages: Client, name: str) -> None:
        assert 404 == (await pages.ask("GET", f"/static/{name}")).status

    async def test_pages_that_were_not_bundled_say_how(self, tmp_path: Path) -> None:
        bundle = load_bundle(tmp_path)
        assert ("", frozenset()) == (bundle.url("main.ts"), bundle.files)


class TestChanges:
    async def test_the_look_is_kept_in_a_cookie_that_nobody_else_gets(self, pages: Client) -> None:
        chosen = await pages.ask(
            "POST", "/settings/look?theme=dark", b"", referer="http://127.0.0.1/events?live=off"
        )
        assert (303, "/events?live=off") == (chosen.status, chosen.headers["location"])
        cookie = chosen.headers["set-cookie"]
        assert "theme=dark; HttpOnly; Max-Age=31536000; Path=/; SameSite=strict" == cookie
        assert 'data-theme="dark"' in await shown(pages, "/", cookie="theme=dark")
        assert "data-theme" not in await shown(pages, "/", cookie="theme=x")

    @pytest.mark.parametrize("referer", ["//evil.example", "https://evil.example//evil.example/x", "", "x"])
    async def test_the_way_back_never_leads_elsewhere(self, pages: Client, referer: str) -> None:
        chosen = await pages.ask("POST", "/settings/look?theme=dark", b"", referer=referer)
        assert re.match(r"/(?![/\\])", chosen.headers["location"] + "end")

    async def test_a_look_that_there_is_not_is_refused(self, pages: Client) -> None:
        answer = await pages.ask("POST", "/settings/look?theme=pink", b"")
        assert 422 == answer.status
        assert b"must be one of auto, light, dark." in answer.body


class TestWebhooks:
    async def test_are_searched_filtered_and_sorted_by_the_address(self, pages: Client) -> None:
        assert ["away"] == _names(await shown(pages, "/webhooks?search=FAR"))
        everything = _names(await shown(pages, "/webhooks"))
        assert everything == sorted(everything)
        assert everything[::-1] == _names(await shown(pages, "/webhooks?sort=name&order=down"))
        assert [] == _names(await shown(pages, "/webhooks?state=disabled"))
        assert "No webhook fits" in await shown(pages, "/webhooks?search=nothing+like+it")

    async def test_a_part_is_sent_alone_to_who_asks_for_it(self, pages: Client) -> None:
        part = await shown(pages, "/webhooks", hx_target="div#webhooks")
        assert part.strip().startswith('<div class="stack" id="webhooks">')
        assert "<html" not in part

    async def test_one_shows_its_url_and_its_mapping(self, pages: Client, services: Services) -> None:
        text = await shown(pages, "/webhooks/away")
        token = services.board.token(services.board.stored.webhooks["away"])
        assert f"https://hooks.example.org/hooks/{token}" in text
        assert "It has no authentication" in text

    async def test_one_that_cannot_be_read_is_said_to_be_so(self, pages: Client, services: Services) -> None:
        stored = services.board.stored
        broken = {name: _damaged(one) for name, one in stored.webhooks.items() if name == "away"}
        await services.store.save_configuration(ConfigurationChange(webhooks={**broken}), stored.revision)
        await services.board.refresh()
        for target in ("/", "/webhooks", "/webhooks/away"):
            assert "unreadable" in await shown(pages, target)


def _names(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/webhooks/([^"]+)"', text)


def _damaged(stored: StoredWebhook) -> StoredWebhook:
    return replace(stored, document="{}")


class TestEvents:
    async def test_the_journal_shows_each_call_with_its_end(self, pages: Client, bench: Engine) -> None:
        await bench.post("courses", {"id": "1"})
        await bench.post("courses", {"id": 1})
        text = await shown(pages, "/events")
        assert ["rejected", "succeeded"] == _states(text)
        assert ["succeeded"] == _states(
            await shown(pages, "/events?status=succeeded&webhook=courses&since=1h")
        )
        assert "No event fits" in await shown(pages, "/events?status=held")

    async def test_a_filter_that_cannot_be_read_is_told_and_kept(self, pages: Client) -> None:
        text = await shown(pages, "/events?since=yesterday", 422)
        assert "From must be a moment like" in text
        assert 'value="yesterday"' in text

    async def test_older_events_are_on_further_pages(self, pages: Client, bench: Engine) -> None:
        for _ in range(52):
            await bench.post("courses", {"id": "1"})
        first = await shown(pages, "/events?webhook=courses")
        (older,) = re.findall(r'href="(/events\?[^"]*after=[^"]*)"', first)
        second = await shown(pages, unescape(older))
        assert [50, 2] == [len(_states(text)) for text in (first, second)]
        assert ["data-live" in text for text in (first, second)] == [True, False]

    async def test_an_event_that_came_to_nothing_leads_to_what_mends_it(
        self, pages: Client, bench: Engine
    ) -> None:
        await bench.post("courses", {"id": 1})
        told = await shown(pages, f"/events/{(await bench.last()).id}")
        assert "Tell the sender what stands above, or change the fields." in told
        assert '<a href="/webhooks/courses/edit/data">Data of courses</a>' in told
        assert '<a href="/webhooks/courses/edit/access#keep_rejected_bodies">' in told

    async def test_an_event_without_an_error_of_its_own_says_what_was_wrong(
        self, pages: Client, bench: Engine
    ) -> None:
        await bench.post("courses", method="GET")
        await bench.post("courses", {"id": "1"})
        assert "It was no POST request." in await shown(pages, "/events")

    async def test_an_event_shows_its_request_its_stages_its_answer_and_its_attempts(
        self, pages: Client, bench: Engine
    ) -> None:
        await bench.post("courses", {"id": "1"})
        event = await bench.last()
        text = await shown(pages, f"/events/{event.id}")
        for wanted in (
            "Body of the request",
            "Check the schema",
            "Body of the answer",
            "Attempts",
            event.record_key,
        ):
            assert wanted in text

    @pytest.mark.parametrize(
        ("body", "text", "language"),
        [
            (b'{"amount":19.90}', '{\n  "amount": 19.90\n}', "json"),
            (b"plain", "plain", "text"),
            (b"\xff\x00", "ff 00", "bytes"),
        ],
    )
    def test_a_body_is_shown_as_what_it_is(self, body: bytes, text: str, language: str) -> None:
        assert events.Body(text, language) == events.body_of(Payload("x", body))


def _states(text: str) -> list[str]:
    return re.findall(r'<td><span class="badge[^>]*>.*?</svg>(\w+)</span></td>', text)


class TestRecords:
    async def test_a_table_shows_its_rows_and_the_events_that_wrote_them(
        self, pages: Client, bench: Engine
    ) -> None:
        await bench.post("courses", {"id": "1"})
        event = await bench.last()
        assert f'href="/events/{event.id}"' in await shown(pages, "/records/activity")
        assert f'href="/events/{event.id}"' in await shown(pages, f"/records/Activity?key={event.record_key}")
        assert "No record with this key" in await shown(pages, "/records/Activity?key=none")

    async def test_more_words_than_anybody_types_are_refused(self, pages: Client) -> None:
        answer = await pages.ask("GET", f"/records/Activity?text={'1+' * 300}")
        assert (422, True) == (answer.status, b"at most 500 characters" in answer.body)

    async def test_a_table_goes_out_whole_as_csv(self, pages: Client, bench: Engine) -> None:
        for _ in range(records.PER_READ + 1):
            await bench.post("courses", {"id": "1"})
        answer = await pages.ask("GET", "/records/Activity.csv")
        assert 'attachment; filename="Activity.csv"' == answer.headers["content-disposition"]
        lines = list(csv.reader(io.StringIO(answer.body.decode())))
        assert records.PER_READ + 2 == len(lines)
        assert records.KEY == lines[0][0]
        assert len({len(line) for line in lines}) == 1

    @pytest.mark.parametrize(
        ("value", "written"),
        [
            (None, ""),
            (True, "true"),
            (-3, "-3"),
            (Number("19.90"), "19.90"),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-1", "'-1"),
            ("\n=1+1", "'\n=1+1"),
            ("＝1+1", "'＝1+1"),
            ("a, b", "a, b"),
        ],
    )
    def test_no_cell_is_a_formula(self, value: Scalar, written: str) -> None:
        assert written == records.cell(value)


class TestANewStation:
    async def test_a_new_station_says_what_to_do_next_everywhere(self) -> None:
        async with engine(connections=[]) as bare:
            services = services_of(bare)
            key = await services.keys.add("tests", "administrator")
            client = Client(Rest(services), {**HERE, "authorization": f"Bearer {key}"})
            for target in ("/", "/webhooks", "/events", "/records/Activity"):
                assert 'class="empty"' in await shown(client, target)


def test_every_component_can_be_rendered() -> None:
    """Those that no page uses yet too: whoever adds a page finds them working."""
    source = """
    {% from "components/parts.html" import confirmation, sections, text_field %}
    {{ text_field("name", "Name", "x", help="Short.", error="Is taken.") }}
    {{ sections("Parts", [("/a", "A"), ("/b", "B")], "/b") }}
    {% call confirmation("gone", "Delete", "Delete it?", "lms", "/x", "Delete it") %}<p>All of it.</p>{% endcall %}
    """
    text = environment().from_string(source).render()
    assert 'aria-describedby="name-help name-error"' in text
    assert 'aria-invalid="true"' in text
    assert '<a href="/b" aria-current="page">B</a>' in text
    assert 'data-must-be="lms"' in text
