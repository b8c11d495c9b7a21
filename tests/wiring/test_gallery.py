"""The five templates of the gallery, from their payload to what stands at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hookstation.adapters.log import JsonLog
from hookstation.config.settings import resolve
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.core.workflows.gallery import GALLERY
from hookstation.core.workflows.values import ENDED, Run, RunState
from hookstation.ports.runs import RunFilter
from hookstation.testing.sandbox import running_sandbox
from hookstation.wiring.station import Seat, Station, open_station
from tests.support.asgi import Client
from tests.support.receiver import Answer, Call, Receiver
from tests.support.smtp_server import SmtpHost

PATIENCE = 60.0
LOOPBACK: JSON = ["127.0.0.0/8"]


@asynccontextmanager
async def station(data: Path, *connections: JSON) -> AsyncIterator[Station]:
    """A station at work in this process, with these connections."""
    settings = resolve({"data": str(data), "role": "all"}, {})
    async with open_station(settings, JsonLog(), "http://station", "", Seat("all", "http://node")) as made:
        await made.start()
        await made.services.configurator.apply({"version": 1, "connections": list(connections)})
        yield made


async def begin(station: Station, template: str, **answers: str) -> str:
    """What a template makes of these answers is put up; the path of its webhook, empty without one."""
    documents = GALLERY[template].make(answers)
    planned = await station.services.configurator.apply(documents)
    assert [] == planned.errors
    hooks = station.services.board.stored.webhooks.values()
    return next((f"/hooks/{station.services.board.token(one)}" for one in hooks), "")


async def run_of(station: Station, found: Callable[[Run], bool] = lambda run: run.state in ENDED) -> Run:
    """The newest run, once it is as it is asked for."""
    async with asyncio.timeout(PATIENCE):
        while True:
            page = await station.store.list_runs(RunFilter(), 1)
            if page.items and found(page.items[0]):
                return page.items[0]
            await asyncio.sleep(0.02)  # house: allow sleep - another process may end the run


async def ended(station: Station, run_id: str) -> Run:
    """This run, once it is at its end."""
    found = await station.chaining.work.shop.ended.wait(run_id, PATIENCE)
    assert found is not None
    return found


async def rows(station: Station, entity: str) -> list[Mapping[str, Any]]:
    return [one.fields for one in await station.store.list_records(entity, 100)]


async def post(station: Station, path: str, template: str) -> tuple[int, Any]:
    """The template's own payload, posted to its webhook."""
    body = dump_json(GALLERY[template].sample).encode()
    answer = await Client(station.app, {"Content-Type": "application/json"}).ask("POST", path, body)
    return answer.status, answer.document


async def test_a_course_completion_writes_an_activity_and_thanks(tmp_path: Path) -> None:
    """The activity stands, and the member has a mail that names the course."""
    async with SmtpHost().running() as mail:
        server: JSON = {
            "name": "mail",
            "type": "smtp",
            "host": "127.0.0.1",
            "port": mail.port,
            "security": "none",
            "networks": LOOPBACK,
            "sender": "office@example.org",
        }
        async with station(tmp_path / "data", server) as made:
            path = await begin(made, "course-completion")
            status, answer = await post(made, path, "course-completion")
            assert (200, False) == (status, answer["error"])
            assert RunState.SUCCEEDED == (await run_of(made)).state
            [activity] = await rows(made, "Activity")
            assert ("10420", "COURSE", "SAFE-101") == tuple(
                activity[name] for name in ("ID", "ACTIVITY_TYPE", "PRODUCT_CODE")
            )
    [taken] = mail.taken
    assert "Well done: Safety at work" == taken.message["Subject"]


async def test_an_event_registration_is_answered_when_every_attendee_stands(tmp_path: Path) -> None:
    """The platform is told how many were registered, by what the workflow says."""
    async with station(tmp_path / "data") as made:
        path = await begin(made, "event-registrations")
        assert (200, {"success": True, "registered": 2}) == await post(made, path, "event-registrations")
        assert ["10420", "10577"] == sorted(str(row["ID"]) for row in await rows(made, "ABC_Registrations"))
        assert (200, {"success": True, "registered": 2}) == await post(made, path, "event-registrations")
        assert 2 == len(await rows(made, "ABC_Registrations"))


async def test_an_order_reaches_the_fulfilment_house(tmp_path: Path) -> None:
    """The order goes out with its key, is put off while the other side is busy, and the shop may ask how it stands."""
    async with Receiver(Answer(201, (("Content-Type", "application/json"),), b'{"accepted": true}')) as house:
        house.plan(Answer(503, (("Retry-After", "1"),)))
        api: JSON = {"name": "fulfilment", "type": "http", "url": house.url, "networks": LOOPBACK}
        async with station(tmp_path / "data", api) as made:
            path = await begin(made, "order-fulfilment")
            status, answer = await post(made, path, "order-fulfilment")
            assert 202 == status
            waiting = await run_of(made, lambda run: run.state is RunState.WAITING)
            assert "fulfil" in json.dumps(
                [one.path for one in await made.store.list_entries(waiting.id, 100)]
            )
            [call] = await house.until(1)
            assert ("4711", "/orders") == (call.header("Idempotency-Key"), call.path)
            assert 1 == len(await rows(made, "Activity"))
            assert answer["status"] in ("queued", "running")


async def test_the_certification_feed_is_read_and_told(tmp_path: Path) -> None:
    """Each credential that the board has stands in the panel, and the ones that were granted are told."""
    items = [
        GALLERY["certification-feed"].sample,
        {**dict_of("certification-feed"), "id": "C-100", "status": "lapsed"},
    ]

    def feed(_: Call) -> Answer:
        return Answer(200, (("Content-Type", "application/json"),), dump_json({"items": items}).encode())

    async with Receiver(feed) as board:
        api: JSON = {"name": "board", "type": "http", "url": board.url, "networks": LOOPBACK}
        async with station(tmp_path / "data", api) as made:
            await begin(made, "certification-feed")
            turn = await made.services.chain.polls.run("certifications", "ann")
            assert "" == turn.error
            begun = (await made.store.list_runs(RunFilter(), 9)).items  # by its first turn or by this one
            assert [RunState.SUCCEEDED] * 2 == [(await ended(made, run.id)).state for run in begun]
            assert 1 == len(await rows(made, "ABC_Credentials"))
            [event] = await made.store.list_events_out(10)
            assert "certification.granted" == event.type


def dict_of(template: str) -> dict[str, JSON]:
    sample = GALLERY[template].sample
    assert isinstance(sample, dict)
    return sample


async def test_lapsed_members_are_marked_once(tmp_path: Path) -> None:
    """A night marks who is on the list; the next night, with the same list, changes nobody."""
    async with running_sandbox() as sandbox:
        imis: JSON = {
            "name": "imis",
            "type": "imis",
            "url": sandbox.url,
            "networks": LOOPBACK,
            "username": "manager",
            "password": "sandbox",
        }
        async with station(tmp_path / "data", imis) as made:
            await begin(made, "lapsed-members", query="$/Sandbox/Party", key="Id")
            run = await made.services.chain.schedules.run_now("lapsed-members", "ann")
            assert run is not None
            first = await run_of(made)
            assert (RunState.SUCCEEDED, "") == (first.state, first.error)
            marked = await rows(made, "ABC_Membership")
            assert {"lapsed"} == {row["Status"] for row in marked}
            await made.services.chain.schedules.run_now("lapsed-members", "ann")
            second = await run_of(made, lambda run: run.state in ENDED and run.id != first.id)
            entries = {one.path: one for one in await made.store.list_entries(second.id, 100)}
            assert (RunState.SUCCEEDED, "[]") == (second.state, entries["changed"].output)
            assert marked == await rows(made, "ABC_Membership")
