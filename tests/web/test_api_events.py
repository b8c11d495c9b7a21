"""The API of what a person does with events: find, explain, fix, replay many, cancel, resolve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from hookstation.core.values import JSON
from hookstation.engine.keys import Keys
from hookstation.errors import Retriable, UnknownOutcome
from hookstation.web.api import build_api
from tests.support.asgi import Client
from tests.support.engine import Engine, engine, webhook
from tests.support.services import services_of

LONG: Any = {"Category": "$$note$$"}


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    async with engine(webhook(fields=LONG), webhook("away", "far", hold=True)) as made:
        yield made


@pytest_asyncio.fixture
async def api(bench: Engine) -> Client:
    key = await Keys(bench.store, bench.clock).add("tests", "administrator")
    return Client(build_api(services_of(bench)), {"Authorization": f"Bearer {key}"})


async def asked(api: Client, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await api.ask(method, f"/api/v1{path}", body)
    assert status == answer.status, answer.body
    return answer.document


async def failed(bench: Engine) -> str:
    await bench.post("courses", {"id": "7", "note": "x" * 300})
    return (await bench.last()).id


async def test_events_are_found_by_the_words_of_their_payloads(api: Client, bench: Engine) -> None:
    await bench.post("courses", {"id": "7", "note": "Ada"})
    assert {"lag_seconds": None} == await asked(api, "GET", "/search")
    await bench.clock.advance(2)
    while await bench.remedies.indexer.step():
        pass
    assert {"lag_seconds": 0} == await asked(api, "GET", "/search")
    for query, count in (("text=ada", 1), ("text=grace", 0), ("sender=203.0.113.9", 1), ("event_id=ZZ", 0)):
        assert count == len((await asked(api, "GET", f"/events?{query}"))["items"]), query
    refused = await asked(api, "GET", "/events?text=--", status=422)
    assert "/text" == refused["problems"][0]["pointer"]


async def test_an_event_is_explained(api: Client, bench: Engine) -> None:
    event_id = await failed(bench)
    shown = await asked(api, "GET", f"/events/{event_id}?explain=true")
    assert ("CATEGORY" in shown["details"]["mapping"]["why"], []) == (True, shown["details"]["similar"])
    assert "details" not in await asked(api, "GET", f"/events/{event_id}")


async def test_an_edited_copy_goes_in(api: Client, bench: Engine) -> None:
    event_id = await failed(bench)
    body = {"payload": {"id": "7", "note": "short"}, "note": "It was too long."}
    fixed = await asked(api, "POST", f"/events/{event_id}/fix", body, 201)
    assert (200, event_id) == (fixed["status"], fixed["edited_from"])
    details = (await asked(api, "GET", f"/events/{fixed['id']}?explain=true"))["details"]
    assert (event_id, "tests", "It was too long.") == (
        details["edited_from"],
        details["edited_by"],
        details["edit_note"],
    )
    original = await asked(api, "GET", f"/events/{event_id}?explain=true")
    assert [fixed["id"]] == original["details"]["edited_copies"]
    await asked(api, "POST", f"/events/{event_id}/fix", {"note": "nothing"}, 422)


async def test_many_are_replayed_after_a_dry_run(api: Client, bench: Engine) -> None:
    event_id = await failed(bench)
    await bench.apply(webhook())
    body: Any = {"filter": {"webhook": "courses", "status": "failed", "since": "1h"}}
    dry = await asked(api, "POST", "/replays", {**body, "dry_run": True})
    assert (1, {"writes": 1}) == (dry["total"], dry["counts"])
    begun = await asked(api, "POST", "/replays", body)
    assert (1, "tests") == (begun["left"], begun["by"])
    await bench.replays.take()
    await bench.clock.settle()
    await bench.replays.settle()
    ended = await asked(api, "GET", f"/replays/{begun['id']}")
    assert (0, {"succeeded": 1}) == (ended["left"], ended["counts"])
    items = (await asked(api, "GET", f"/replays/{begun['id']}/items"))["items"]
    assert [{"id": event_id, "verdict": "succeeded", "why": ""}] == items
    assert [begun["id"]] == [one["id"] for one in (await asked(api, "GET", "/replays"))["items"]]
    cancelled = await asked(api, "POST", f"/replays/{begun['id']}/cancel")
    assert "tests" == cancelled["cancelled_by"]
    refused: list[JSON] = [{}, {"ids": [], "filter": {}}, {"filter": {"state": "failed"}}, {"ids": [1]}]
    for wrong in refused:
        await asked(api, "POST", "/replays", wrong, 422)


async def test_a_held_event_is_cancelled(api: Client, bench: Engine) -> None:
    bench.far.outcomes.append(Retriable("off-line"))
    await bench.post("away", {"id": "7"})
    ended = await asked(api, "POST", f"/events/{(await bench.last()).id}/cancel")
    assert ("failed", True) == (ended["state"], "tests" in ended["error"])
    await asked(api, "POST", f"/events/{ended['id']}/cancel", status=409)


async def test_an_unknown_outcome_is_looked_up_and_resolved(api: Client, bench: Engine) -> None:
    bench.far.outcomes.append(UnknownOutcome("lost"))
    await bench.post("away", {"id": "7"})
    path = f"/events/{(await bench.last()).id}"
    found = await asked(api, "GET", f"{path}/look-up")
    assert ("none", [], True) == (found["verdict"], found["found"], found["as_sent"])
    await asked(api, "POST", f"{path}/resolve", {}, 422)
    settled = await asked(api, "POST", f"{path}/resolve", {"written": "41"})
    assert ("succeeded", "41") == (settled["state"], settled["record"]["key"])
    await asked(api, "POST", f"{path}/resolve", {"not_written": True}, 409)
