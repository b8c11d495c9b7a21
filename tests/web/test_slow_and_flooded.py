"""Slow senders and floods: nobody else waits for them, and what is kept of them is bounded."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from hookstation.adapters.log import JsonLog
from hookstation.config.settings import resolve
from hookstation.core.events import State
from hookstation.engine.runs import Runs
from hookstation.ports.store import EventFilter
from hookstation.web.hooks import HookLane
from hookstation.web.server import Listening, listen, serve
from hookstation.wiring.station import Station, open_station
from tests.support.webhooks import webhook
from tests.support.wire import Heard, Wire, head, request

COURSE = json.dumps({"memberId": "10420"}).encode()
JSON = {"Content-Type": "application/json"}
SHORT = 0.2
"""Seconds that this station waits for a body."""


@dataclass
class Impatient:
    """A station in this process that waits for a body but a moment."""

    station: Station
    url: str
    paths: Mapping[str, str]


@pytest_asyncio.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Impatient]:
    settings = resolve({"data": str(tmp_path / "data")}, {})
    with listen("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with open_station(settings, JsonLog(), url) as station:
            board = station.services.board
            await station.services.configurator.apply(
                {"version": 1, "webhooks": [webhook("plain"), webhook("other")]}, {}
            )
            await station.start()
            lane = HookLane(station.services.ingest, Runs(station.store), SHORT)
            ready = asyncio.Event()
            serving = asyncio.create_task(
                serve(
                    station.app,
                    lane,
                    Listening("127.0.0.1", 0),
                    [listening],
                    ready.set,
                    station.stop_accepting,
                )
            )
            await ready.wait()
            paths = {name: f"/hooks/{board.token(stored)}" for name, stored in board.stored.webhooks.items()}
            yield Impatient(station, url, paths)
            signal.raise_signal(signal.SIGTERM)
            await serving
            await station.stop()


def trickle(impatient: Impatient, sent: bytes) -> Heard:
    """Send this much of a call, and wait for what the station says."""
    with Wire(impatient.url) as wire:
        return wire.send(sent).hear()


@pytest.mark.parametrize("declared", [{"Content-Length": "21"}, {"Transfer-Encoding": "chunked"}])
async def test_a_body_that_does_not_come_is_408(impatient: Impatient, declared: dict[str, str]) -> None:
    heard = await asyncio.to_thread(
        trickle, impatient, head("POST", impatient.paths["plain"], "station", declared)
    )
    assert (408, {"success", "error"}) == (heard.status, heard.document.keys())
    assert "close" == heard.headers["connection"]


async def test_a_slow_body_is_journalled_with_what_came_of_it(impatient: Impatient) -> None:
    sent = request("POST", impatient.paths["plain"], "station", COURSE)[:-4]
    heard = await asyncio.to_thread(trickle, impatient, sent)
    assert 408 == heard.status
    await call(impatient, "other", COURSE)
    event = await impatient.station.store.get_event(heard.event_id)
    assert event is not None
    assert (State.REJECTED, "too_slow", len(COURSE) - 4) == (event.state, event.reason, event.size)


async def test_others_do_not_wait_for_slow_senders(impatient: Impatient) -> None:
    declared = head("POST", impatient.paths["plain"], "station", {"Content-Length": "21"})
    slow = [asyncio.create_task(asyncio.to_thread(trickle, impatient, declared)) for _ in range(5)]
    statuses = [(await call(impatient, "other", COURSE))[0] for _ in range(20)]
    assert [200] * 20 == statuses
    assert [408] * 5 == [heard.status for heard in await asyncio.gather(*slow)]


async def test_a_flood_of_refused_calls_is_bounded_in_the_journal_and_stalls_nobody(
    impatient: Impatient,
) -> None:
    async with aiohttp.ClientSession() as session:

        async def refused() -> int:
            async with session.post(impatient.url + impatient.paths["plain"], json={}) as answer:
                await answer.read()
                return answer.status

        refusals = await asyncio.gather(*(refused() for _ in range(1_500)))
    assert {400} == set(refusals)
    assert 200 == (await call(impatient, "other", COURSE))[0]
    rejected = await impatient.station.store.list_events(
        EventFilter(states=frozenset({State.REJECTED})), 1_500
    )
    assert 1 <= len(rejected.items) < 1_500
    assert len(rejected.items) == len({event.id for event in rejected.items})


async def test_a_call_while_stopping_is_503_and_has_no_effect(impatient: Impatient) -> None:
    impatient.station.stop_accepting()
    status, headers, _ = await call(impatient, "plain", COURSE)
    assert 503 == status
    assert 1 <= int(headers["Retry-After"])
    assert 0 == await impatient.station.store.count_records("Activity")


async def test_a_full_line_is_503_and_says_when_to_come_again(impatient: Impatient) -> None:
    impatient.station.services.ingest.in_flight = 1_000_000
    status, headers, body = await call(impatient, "plain", COURSE)
    assert (503, False) == (status, json.loads(body)["success"])
    assert 1 <= int(headers["Retry-After"])


async def call(impatient: Impatient, name: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(impatient.url + impatient.paths[name], data=body, headers=JSON) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


@pytest.mark.parametrize("step", ["admit", "receive"])
async def test_whatever_a_step_raises_is_500_with_a_log_line_and_the_connection_stays(
    impatient: Impatient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("the disk is on fire")

    with monkeypatch.context() as broken, Wire(impatient.url) as wire:
        broken.setattr(impatient.station.services.ingest, step, break_down)
        sent = request("POST", impatient.paths["plain"], "station", COURSE)
        heard = [await asyncio.to_thread(lambda: wire.send(sent).hear()) for _ in range(2)]
    failed = {"success": False, "error": "The station failed. Nothing was promised."}
    assert [(500, failed)] * 2 == [(one.status, one.document) for one in heard]
    assert 2 == sum("a call broke the station" in record.message for record in caplog.records)
    assert 200 == (await call(impatient, "plain", COURSE))[0]
