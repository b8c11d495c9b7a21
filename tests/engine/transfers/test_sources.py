"""Every source that rows may come from, into a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.core.workflows.values import RunState
from hookstation.testing.sandbox import running_sandbox
from hookstation.wiring.station import Station
from tests.support.asgi import Client
from tests.support.receiver import Answer, Call, Receiver
from tests.support.transfers import crm, fill, folder, moving, put, run, transfer

LOOPBACK: JSON = ["127.0.0.0/8"]
HOOK: JSON = {
    "name": "courses",
    "authentication": {"type": "none"},
    "action": {
        "type": "insert_panel",
        "connection": "records",
        "panel": "Courses",
        "fields": {"ID": "$$member$$", "Course": "$$course$$"},
    },
}
PANEL: JSON = {"name": "Courses", "fields": {"Course": {"type": "string", "length": 40}}}


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    fill(tmp_path / "crm.db", 8)
    connections = [crm(tmp_path / "crm.db"), folder(tmp_path / "out")]
    async with moving(tmp_path, connections=connections) as made:
        yield made


async def moved(station: Station, tmp_path: Path, source: JSON, **settings: Any) -> list[dict[str, Any]]:
    """What arrives of a source."""
    await put(station, transfer(source=source, format={"type": "ndjson"}, **settings))
    ended = await run(station)
    assert (RunState.SUCCEEDED, "") == (ended.state, ended.error)
    return [json.loads(line) for line in (tmp_path / "out/members.csv").read_bytes().splitlines()]


async def courses(station: Station, *names: str) -> None:
    """Courses that came in by a webhook."""
    await put(station, panels=[PANEL], webhooks=[HOOK])
    hook = next(iter(station.services.board.stored.webhooks.values()))
    client = Client(station.app, {"Content-Type": "application/json"})
    for number, name in enumerate(names, 1):
        body = dump_json({"member": f"M{number}", "course": name}).encode()
        answer = await client.ask("POST", f"/hooks/{station.services.board.token(hook)}", body)
        assert 200 == answer.status


async def test_a_statement_that_a_person_wrote(station: Station, tmp_path: Path) -> None:
    statement = "SELECT ID AS n FROM members WHERE ID > :least ORDER BY ID DESC"
    source: JSON = {
        "type": "sql",
        "connection": "crm",
        "statement": statement,
        "parameters": {"least": "$$from$$"},
    }
    await put(station, transfer(source=source, format={"type": "ndjson"}))
    ended = await run(station, input_={"from": 5})
    assert (RunState.SUCCEEDED, "") == (ended.state, ended.error)
    assert b'{"n":8}\n{"n":7}\n{"n":6}\n' == (tmp_path / "out/members.csv").read_bytes()


async def test_columns_without_the_key_that_they_are_ordered_by(station: Station, tmp_path: Path) -> None:
    source: JSON = {"type": "sql", "connection": "crm", "table": "members", "columns": ["Since"]}
    assert [["Since"]] * 8 == [list(row) for row in await moved(station, tmp_path, source)]


async def test_records_of_our_own_database(station: Station, tmp_path: Path) -> None:
    await courses(station, "Law", "Art", "Law")
    every = await moved(station, tmp_path, {"type": "records", "panel": "Courses"}, chunk=2)
    assert ["Law", "Art", "Law"] == [row["Course"] for row in every]
    some = await moved(
        station, tmp_path, {"type": "records", "panel": "Courses", "match": {"Course": "Law"}}, chunk=2
    )
    assert ["M1", "M3"] == [row["ID"] for row in some]


async def test_events_of_the_journal_with_what_came(station: Station, tmp_path: Path) -> None:
    await courses(station, "Law", "Art")
    source: JSON = {"type": "journal", "webhook": "courses", "states": ["succeeded"], "since": "1d"}
    rows = await moved(station, tmp_path, source)
    assert [("M2", "succeeded"), ("M1", "succeeded")] == [
        (row["payload"]["member"], row["state"]) for row in rows
    ]


async def test_every_page_of_an_http_interface(station: Station, tmp_path: Path) -> None:
    def page(call: Call) -> Answer:
        number = int(call.path.partition("page=")[2])
        items: JSON = [{"n": number * 2}, {"n": number * 2 + 1}] if number < 4 else []
        return Answer(body=dump_json({"items": items}).encode())

    async with Receiver(page) as receiver:
        api: JSON = {"name": "api", "type": "http", "url": receiver.url, "networks": LOOPBACK}
        await put(station, connections=[api])
        source: JSON = {
            "type": "http", "connection": "api", "path": "members", "items": "items",
            "pages": {"type": "page", "parameter": "page", "first": 1},
        }  # fmt: skip
        rows = await moved(station, tmp_path, source, chunk=4)
    assert [2, 3, 4, 5, 6, 7] == [row["n"] for row in rows]


async def test_a_stored_query_of_imis(station: Station, tmp_path: Path) -> None:
    async with running_sandbox() as sandbox:
        imis: JSON = {
            "name": "imis", "type": "imis", "url": sandbox.url, "networks": LOOPBACK,
            "username": "manager", "password": "sandbox",
        }  # fmt: skip
        await put(station, connections=[imis])
        source: JSON = {"type": "imis_query", "connection": "imis", "query": "$/Sandbox/Party"}
        rows = await moved(station, tmp_path, source)
    assert rows
    assert "Id" in rows[0]


async def test_a_preview_shows_what_would_leave_and_writes_nothing(station: Station, tmp_path: Path) -> None:
    columns: JSON = [{"name": "label", "value": "$$Name$$ ($$ID$$)"}]
    await put(station, transfer(columns=columns))
    seen = await station.services.chain.transfers.preview("members", 2)
    assert (("label",), 8) == (seen.columns, seen.read)
    assert 'label\r\n"Bo, Jr. (1)"\r\n"Cy ""the"" Third (2)"\r\n' == seen.text
    assert [] == list((tmp_path / "out").iterdir())


async def test_one_that_is_off_does_not_run_until_it_is_switched_on(station: Station) -> None:
    await put(station, transfer(state="disabled"))
    transfers = station.services.chain.transfers
    await transfers.enable("members", "ann")
    assert "active" == transfers.named("members").state.value
    await run(station)
    [shown] = await transfers.all()
    assert shown.last is not None
    assert (RunState.SUCCEEDED, 0) == (shown.last.state, shown.standing.failures)
    assert 0 < shown.standing.succeeded_at


async def test_a_workflow_runs_a_transfer_and_reads_what_it_sent(station: Station) -> None:
    steps = [
        {"name": "send", "type": "transfer", "with": {"transfer": "members"}},
        {"name": "keep", "type": "set", "with": {"values": {"rows": "$$steps.send.result.output.rows$$"}}},
        {"name": "end", "type": "stop", "with": {"message": "$$vars.rows$$"}},
    ]
    await put(station, transfer(), workflows=[{"name": "nightly", "steps": steps}])
    ended = await station.services.chain.workflows.run("nightly", None, "test", wait=60.0)
    assert (RunState.SUCCEEDED, "8") == (ended.state, ended.output)


async def test_a_schedule_starts_a_transfer(station: Station) -> None:
    await put(station, transfer(), schedules=[{"name": "night", "transfer": "members", "cron": "0 3 * * *"}])
    begun = await station.services.chain.schedules.run_now("night", "ann")
    assert begun is not None
    ended = await station.chaining.work.shop.ended.wait(begun.id, 60.0)
    assert ended is not None
    assert (RunState.SUCCEEDED, "schedule:night") == (ended.state, ended.trigger)
