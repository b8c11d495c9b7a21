"""Programs change webhooks as pages do: drafts, versions, back-tests, captures and calls by hand over the API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from hookstation.core.definitions import WebhookState
from hookstation.core.values import JSON
from hookstation.web.api import build_api
from hookstation.web.services import Services
from tests.support.asgi import Answered, Client
from tests.support.engine import Engine, engine, webhook
from tests.support.services import ADDRESS, services_of

SECRET, MASK = "the secret of a sender", "********"
TOKEN: dict[str, JSON] = {"type": "token", "header": "X-Token", "secret": SECRET}


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    async with engine(webhook(authentication=TOKEN)) as made:
        yield made


@pytest_asyncio.fixture
async def services(bench: Engine) -> Services:
    return services_of(bench)


@pytest_asyncio.fixture
async def api(services: Services) -> Client:
    key = await services.keys.add("tests", "administrator")
    return Client(build_api(services), {"Authorization": f"Bearer {key}"})


async def asked(api: Client, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer: Answered = await api.ask(method, f"/api/v1{path}", body)
    assert status == answer.status, answer.body
    assert SECRET.encode() not in answer.body
    return answer.document if answer.body else None


def document(**more: Any) -> Any:
    return webhook(authentication={**TOKEN, "secret": MASK}, **more)


@pytest.mark.parametrize("state", WebhookState)
async def test_a_webhook_is_switched_and_keeps_its_draft(api: Client, state: WebhookState) -> None:
    shown = await asked(api, "GET", "/webhooks/courses/draft")
    change = {"document": {**shown["document"], "title": "new"}, "began": 1}
    await asked(api, "PUT", "/webhooks/courses/draft", change)
    switched = await asked(api, "POST", "/webhooks/courses/state", {"state": state.value})
    assert (state.value, "") == (switched["state"], switched["title"])
    draft = await asked(api, "GET", "/webhooks/courses/draft")
    assert (True, state.value, "new") == (
        draft["is_draft"],
        draft["document"].get("state", "active"),
        draft["document"]["title"],
    )


async def test_a_state_that_there_is_not_is_told_with_those_that_there_are(api: Client) -> None:
    told = await asked(api, "POST", "/webhooks/courses/state", {"state": "off"}, 422)
    assert "known are active, paused, disabled, archived" in told["detail"]
    await asked(api, "POST", "/webhooks/nobody/state", {"state": "paused"}, 404)


async def test_a_change_is_drafted_compared_published_and_taken_back(api: Client, bench: Engine) -> None:
    shown = await asked(api, "GET", "/webhooks/courses/draft")
    assert (1, False, MASK) == (
        shown["began"],
        shown["is_draft"],
        shown["document"]["authentication"]["secret"],
    )
    change = {"document": {**shown["document"], "title": "new"}, "began": 1, "note": "why"}
    draft = await asked(api, "PUT", "/webhooks/courses/draft", change)
    assert (2, True, True, []) == (
        draft["began"],
        draft["is_draft"],
        draft["may_be_published"],
        draft["problems"],
    )
    assert ["courses"] == [one["webhook"] for one in (await asked(api, "GET", "/drafts"))["items"]]
    assert "" == (await asked(api, "GET", "/webhooks/courses"))["title"]

    live = await asked(api, "POST", "/webhooks/courses/draft/publish", {"began": 2})
    assert (3, "published", "tests", "why") == (live["version"], live["state"], live["by"], live["note"])
    assert "new" == (await asked(api, "GET", "/webhooks/courses"))["title"]
    told = await asked(api, "GET", "/webhooks/courses/versions/3/differences?against=1")
    assert [{"path": "title", "change": "added", "before": None, "after": "new"}] == told["items"]

    back = await asked(api, "POST", "/webhooks/courses/rollback", {"version": 1})
    assert (4, "tests", "back to version 1") == (back["version"], back["by"], back["note"])
    first = await asked(api, "GET", "/webhooks/courses/versions?limit=3")
    assert ([4, 3, 2], "2") == ([one["version"] for one in first["items"]], first["next"])
    rest = await asked(api, "GET", "/webhooks/courses/versions?limit=3&after=2")
    assert ([1], None) == ([one["version"] for one in rest["items"]], rest["next"])
    assert "title" not in (await asked(api, "GET", "/webhooks/courses/versions/4"))["document"]


async def test_every_way_to_change_says_who_did(api: Client) -> None:
    await asked(api, "PUT", "/webhooks/courses", document(title="one"))
    await asked(
        api,
        "POST",
        "/config/apply",
        {"document": {"version": 1, "webhooks": [document(title="two")]}},
    )
    await asked(api, "POST", "/webhooks", webhook("other"), 201)
    found = (await asked(api, "GET", "/webhooks/courses/versions"))["items"]
    assert [(3, "tests"), (2, "tests"), (1, "")] == [(one["version"], one["by"]) for one in found]
    assert "tests" == (await asked(api, "GET", "/webhooks/other/versions"))["items"][0]["by"]


async def test_problems_of_a_draft_are_told_by_section(api: Client) -> None:
    half = {"document": {"schema": {"type": "what"}}, "began": 0}
    draft = await asked(api, "PUT", "/webhooks/half/draft", half)
    assert {"general": 0, "data": 1, "action": 1, "access": 1} == {
        section: len(those) for section, those in draft["sections"].items()
    }
    refused = await asked(api, "POST", "/webhooks/half/draft/publish", {"began": 1}, 422)
    assert "/action" in [one["pointer"] for one in refused["problems"]]
    checked = await asked(api, "POST", "/webhooks/half/draft/check", {"document": webhook("half")})
    assert [] == checked["problems"]
    moved = await asked(api, "POST", "/webhooks/half/draft/rename", {"name": "whole", "began": 1})
    assert "whole" == moved["webhook"]
    assert {"discarded": 1} == await asked(api, "DELETE", "/webhooks/whole/draft?began=1")
    await asked(api, "GET", "/webhooks/whole/draft", status=404)


async def test_a_draft_that_was_discarded_is_taken_up_again(api: Client, bench: Engine) -> None:
    """With what it said and the secret that it had; what is live stays live until it is published."""
    fresh = webhook(title="new", authentication={**TOKEN, "secret": "another"})
    await asked(api, "PUT", "/webhooks/courses/draft", {"document": fresh, "began": 1})
    await asked(api, "DELETE", "/webhooks/courses/draft?began=2")
    draft = await asked(api, "POST", "/webhooks/courses/draft/take-up", {"version": 2, "began": 2})
    assert (3, True, "new") == (draft["began"], draft["is_draft"], draft["document"]["title"])
    assert "taken up from version 2" == draft["newest"]["note"]
    assert 200 == (await bench.post("courses", {"id": "1"}, x_token=SECRET)).status
    await asked(api, "POST", "/webhooks/courses/draft/publish", {"began": 3})
    assert 200 == (await bench.post("courses", {"id": "1"}, x_token="another")).status


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/webhooks/courses/draft/take-up", {"version": 9, "began": 1}, 404),
        ("POST", "/webhooks/courses/draft/take-up", {"version": 1, "began": 9}, 409),
        ("PUT", "/webhooks/courses/draft", {"document": {}, "began": 0}, 409),
        ("PUT", "/webhooks/courses/draft", {"document": {}}, 422),
        ("PUT", "/webhooks/courses/draft", {"document": [], "began": 1}, 422),
        ("PUT", "/webhooks/courses/draft", {"document": {}, "began": "1"}, 422),
        ("PUT", "/webhooks/Odd/draft", {"document": {}, "began": 0}, 422),
        ("DELETE", "/webhooks/courses/draft", None, 422),
        ("DELETE", "/webhooks/courses/draft?began=7", None, 409),
        ("DELETE", "/webhooks/none/draft?began=1", None, 404),
        ("POST", "/webhooks/courses/draft/publish", {"began": 1}, 409),
        ("POST", "/webhooks/none/draft/publish", {"began": 1}, 404),
        ("GET", "/webhooks/none/versions", None, 404),
        ("GET", "/webhooks/courses/versions?after=x", None, 422),
        ("GET", "/webhooks/courses/versions/x", None, 404),
        ("GET", "/webhooks/courses/versions/9", None, 404),
        ("GET", "/webhooks/courses/versions/1/differences", None, 404),
        ("POST", "/webhooks/courses/rollback", {"version": 9}, 404),
        ("POST", "/webhooks/courses/rollback", {"version": 1, "began": 9}, 409),
        ("POST", "/webhooks/courses/backtest", {"events": 0}, 422),
        ("POST", "/webhooks/none/backtest", {}, 404),
        ("POST", "/webhooks/courses/test", {"payload": 1, "document": 1}, 422),
        ("POST", "/webhooks/courses/test", {"payload": 1, "version": 9}, 404),
        ("POST", "/webhooks/none/send", {"payload": 1}, 404),
        ("POST", "/captures", {"seconds": 1}, 422),
        ("POST", "/captures", {"answer": 302}, 422),
        ("GET", "/captures/none", None, 404),
        ("DELETE", "/captures/none", None, 404),
    ],
)
async def test_what_cannot_be_done_is_refused(
    api: Client, method: str, path: str, body: Any, status: int
) -> None:
    refused = await asked(api, method, path, body, status)
    assert refused["detail"]


async def test_a_back_test_tells_an_event_a_line_and_a_tally_at_the_end(api: Client, bench: Engine) -> None:
    for number in range(30):
        await bench.post("courses", {"id": str(number)}, x_token=SECRET)
    change = {"document": document(fields={"Note": "new"}), "events": 30}
    answer = await api.ask("POST", "/api/v1/webhooks/courses/backtest", change)
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert (200, "application/x-ndjson") == (answer.status, answer.headers["content-type"].split(";")[0])
    assert 30 == sum("event" in line for line in lines)
    assert [(25, ""), (30, "all")] == [(line["done"], line["ended"]) for line in lines if "done" in line]
    assert (30, 0, 0) == tuple(lines[-1][name] for name in ("changed", "same", "unjudged"))
    assert {"path": "fields.NOTE", "change": "added", "before": None, "after": "new"} in lines[0][
        "differences"
    ]


async def test_a_payload_is_tried_on_what_is_not_saved_drafted_or_old(api: Client, bench: Engine) -> None:
    draft = {"document": document(fields={"Note": "draft"}), "began": 1}
    await asked(api, "PUT", "/webhooks/courses/draft", draft)
    for which, note in (
        ({"document": document(fields={"Note": "unsaved"})}, "unsaved"),
        ({"draft": True}, "draft"),
        ({"version": 2}, "draft"),
    ):
        told = await asked(api, "POST", "/webhooks/courses/test", {"payload": {"id": "7"}, **which})
        assert ("accepted", note) == (told["verdict"], told["record"]["fields"]["NOTE"])
    live = await asked(api, "POST", "/webhooks/courses/test", {"payload": {"id": "7"}})
    assert "NOTE" not in live["record"]["fields"]
    assert ([], []) == (await bench.events(), await bench.records())


async def test_a_captured_call_is_tried_though_its_secret_is_masked(api: Client) -> None:
    headers = {"X-Token": "***", "Content-Type": "application/json"}
    told = await asked(
        api, "POST", "/webhooks/courses/test", {"payload": {"id": "7"}, "headers": headers, "draft": True}
    )
    [proof] = [one for one in told["stages"] if one["stage"] == "authentication"]
    assert ("skipped", "accepted") == (proof["verdict"], told["verdict"])


async def test_a_call_by_hand_is_a_real_event(api: Client, bench: Engine) -> None:
    sent = await asked(api, "POST", "/webhooks/courses/send", {"payload": {"id": "7"}})
    assert (200, {"success": True}, "person: tests") == (
        sent["status"],
        sent["answer"],
        sent["event"]["sender"],
    )
    assert ["7"] == [one["ID"] for one in await bench.records()]


@pytest.mark.parametrize(
    "headers", [{":edited-by": "somebody else"}, {"x y": "z"}, {"": "z"}, {"x": "a\r\nb"}, {"x": "a\0"}]
)
async def test_a_call_by_hand_has_no_header_that_a_sender_could_not_send(
    api: Client, bench: Engine, headers: dict[str, str]
) -> None:
    for target in ("test", "send"):
        answer = await api.ask(
            "POST", f"/api/v1/webhooks/courses/{target}", {"payload": {"id": "7"}, "headers": headers}
        )
        assert 422 == answer.status
    assert [] == await bench.events()


async def test_a_capture_is_opened_heard_and_closed(api: Client, bench: Engine) -> None:
    opened = await asked(api, "POST", "/captures", {"webhook": "new", "answer": 404}, 201)
    assert (ADDRESS + opened["path"], "tests", "new") == (opened["url"], opened["by"], opened["webhook"])
    token = opened["path"].removeprefix("/hooks/")
    for body in (b'{"a": 1}', b"\xff"):
        raw: Any = bench.ingest.admit("POST", token, {"x-a": "b"}, "q=1", "203.0.113.9")
        assert 404 == (await bench.ingest.receive(raw, body)).status
    heard = await asked(api, "GET", f"/captures/{opened['id']}")
    assert [('{"a": 1}', None), (None, "/w==")] == [
        (one["body"], one["body_base64"]) for one in heard["calls"]
    ]
    assert ({"x-a": "b"}, "q=1") == (heard["calls"][0]["headers"], heard["calls"][0]["query"])
    assert [2] == [
        one["number"] for one in (await asked(api, "GET", f"/captures/{opened['id']}?after=1"))["calls"]
    ]
    assert [opened] == (await asked(api, "GET", "/captures"))["items"]
    await asked(api, "DELETE", f"/captures/{opened['id']}", status=204)
    assert [] == (await asked(api, "GET", "/captures"))["items"]


async def test_who_else_has_it_open_is_told(api: Client, services: Services) -> None:
    assert [] == (await asked(api, "POST", "/webhooks/courses/editors"))["items"]
    key = await services.keys.add("bert", "administrator")
    other = Client(build_api(services), {"Authorization": f"Bearer {key}"})
    assert ["tests"] == [
        one["who"] for one in (await asked(other, "POST", "/webhooks/courses/editors"))["items"]
    ]
