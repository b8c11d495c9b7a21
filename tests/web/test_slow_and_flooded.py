"""Slow senders and floods: nobody else waits for them, and what is kept of them is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from starlette.types import Message

from hookstation.adapters.log import JsonLog
from hookstation.config.settings import resolve
from hookstation.core.events import State
from hookstation.engine.bodies import Bodies
from hookstation.engine.ingest import MOST_IN_FLIGHT
from hookstation.engine.runs import Runs
from hookstation.ports.store import EventFilter
from hookstation.web.hooks import HookLane
from hookstation.web.server import Listening, reserve, serve
from hookstation.wiring.station import Station, open_station
from tests.support.station_process import StationProcess
from tests.support.webhooks import webhook
from tests.support.wire import Heard, Wire, head, request

COURSE = json.dumps({"memberId": "10420"}).encode()
JSON = {"Content-Type": "application/json"}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: station\r\n\r\n"
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
    with reserve("127.0.0.1", 0) as listening:
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
                    station.leave,
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


async def test_a_body_that_is_still_coming_counts_as_a_call_at_work(impatient: Impatient) -> None:
    ingest = impatient.station.services.ingest
    declared = {"Content-Length": "21", "Expect": "100-continue"}
    with Wire(impatient.url) as slow:
        await asyncio.to_thread(
            lambda: slow.send(head("POST", impatient.paths["plain"], "station", declared)).hear()
        )
        assert (1, 0) == (ingest.bodies.open, ingest.bodies.bytes)
        ingest.in_flight += MOST_IN_FLIGHT - 1
        status, headers, _ = await call(impatient, "other", COURSE)
        ingest.in_flight -= MOST_IN_FLIGHT - 1
        assert 408 == (await asyncio.to_thread(slow.hear)).status
    assert (503, "1") == (status, headers["Retry-After"])
    assert 0 == ingest.bodies.open
    assert 200 == (await call(impatient, "other", COURSE))[0]


@pytest.mark.parametrize("declared", [{"Content-Length": "60000"}, {"Transfer-Encoding": "chunked"}])
async def test_a_body_that_finds_no_room_is_503_and_closes_its_connection(
    impatient: Impatient, declared: dict[str, str]
) -> None:
    bodies = impatient.station.services.ingest.bodies = Bodies(100_000)
    other = bodies.begin()
    assert other.grow(60_000)
    begun = head("POST", impatient.paths["plain"], "station", declared) + b"30000\r\n" + b" " * 50_000

    def send() -> tuple[Heard, bool]:
        with Wire(impatient.url) as wire:
            return wire.send(begun).hear(), wire.is_over()

    heard, over = await asyncio.to_thread(send)
    assert (503, "1", "close") == (heard.status, heard.headers["retry-after"], heard.headers["connection"])
    assert {"success": False, "error": "The station is busy. Send it again."} == heard.document
    assert over
    assert (1, 60_000) == (bodies.open, bodies.bytes)
    assert 200 == (await call(impatient, "plain", COURSE))[0]


@pytest.mark.parametrize(
    "sent",
    [
        head("POST", "/", "station", {"Content-Length": "200000"}),
        head("POST", "/", "station", {"Transfer-Encoding": "chunked"}) + b"30000\r\n" + b" " * 150_000,
    ],
)
async def test_a_body_that_could_never_find_room_is_413_and_names_the_setting(
    impatient: Impatient, sent: bytes
) -> None:
    bodies = impatient.station.services.ingest.bodies = Bodies(100_000)
    heard = await asyncio.to_thread(
        trickle, impatient, sent.replace(b" / ", f" {impatient.paths['plain']} ".encode())
    )
    assert (413, "close") == (heard.status, heard.headers["connection"])
    assert "larger than 100000 bytes" in heard.document["error"]
    assert "most_body_bytes" in heard.document["error"]
    assert (0, 0) == (bodies.open, bodies.bytes)


async def test_through_asgi_a_body_that_finds_no_room_is_503_too(impatient: Impatient) -> None:
    bodies = impatient.station.services.ingest.bodies = Bodies(130_000)
    other = bodies.begin()
    assert other.grow(30_000)
    lane, told = impatient.station.lane, []
    scope = {
        "type": "http", "method": "POST", "path": impatient.paths["plain"], "query_string": b"",
        "headers": [], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    held = []

    async def receive() -> Message:
        held.append((bodies.open, bodies.bytes))
        return {"type": "http.request", "body": b" " * 60_000, "more_body": True}

    async def send(message: Message) -> None:
        told.append(message)

    await lane(scope, receive, send)
    assert 503 == told[0]["status"]
    assert {(b"connection", b"close"), (b"retry-after", b"1")} <= set(told[0]["headers"])
    assert [(2, 30_000), (2, 90_000)] == held
    assert (1, 30_000) == (bodies.open, bodies.bytes)


async def test_a_large_body_is_let_go_when_its_call_is_answered_or_broken_off(impatient: Impatient) -> None:
    bodies = impatient.station.services.ingest.bodies
    large = COURSE + b" " * 900_000
    assert 200 == (await call(impatient, "plain", large))[0]
    with Wire(impatient.url) as wire:
        await asyncio.to_thread(wire.send, request("POST", impatient.paths["plain"], "station", large)[:-9])
        wire.reset()
    assert 200 == (await call(impatient, "plain", large))[0]
    assert (0, 0) == (bodies.open, bodies.bytes)


async def test_a_body_that_does_not_come_behind_another_call_is_408_too(impatient: Impatient) -> None:
    begun = head("POST", impatient.paths["plain"], "station", {"Content-Length": "21"})
    for first in (request("POST", impatient.paths["plain"], "station", COURSE), HEALTH):
        with Wire(impatient.url) as wire:
            heard = await asyncio.to_thread(_both, wire.send(first + begun))
        assert [200, 408] == heard


def _both(wire: Wire) -> list[int]:
    return [wire.hear().status, wire.hear().status]


async def test_one_connection_too_many_is_told_so_and_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKSTATION_MOST_CONNECTIONS", "10")
    async with StationProcess(tmp_path / "crowded") as station:
        with contextlib.ExitStack() as open_ones:
            wires = [open_ones.enter_context(Wire(station.url)) for _ in range(11)]
            heard = await asyncio.to_thread(wires[10].hear)
            assert (503, "1", "close") == (
                heard.status,
                heard.headers["retry-after"],
                heard.headers["connection"],
            )
            assert wires[10].is_over()
            assert 200 == (await asyncio.to_thread(lambda: wires[9].send(HEALTH).hear())).status


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
