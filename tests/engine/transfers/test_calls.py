"""Transfers by calls: a chunk, all, or one row at a time, and what becomes of calls whose end is not known."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Run, RunState
from hookstation.wiring.station import Station
from tests.support.postgres import database, postgres
from tests.support.receiver import CUT, OK, Answer, Call, Receiver
from tests.support.transfers import PATIENCE, crm, csv, fill, moving, put, run, transfer

__all__ = ["database", "postgres"]

PANEL: JSON = {
    "name": "Members",
    "fields": {
        "Number": {"type": "integer"},
        "RemoteId": {"type": "string", "length": 40},
    },
}
THEN: JSON = {
    "type": "upsert_panel",
    "connection": "records",
    "panel": "Members",
    "match": {"ID": "$$ID$$", "Number": "$$ID$$"},
    "fields": {"RemoteId": "$$answer.body.id$$"},
}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as made:
        yield made


@pytest.fixture
async def station(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Station]:
    async with station_of(tmp_path, receiver) as made:
        yield made


@asynccontextmanager
async def station_of(tmp_path: Path, receiver: Receiver, url: str = "") -> AsyncIterator[Station]:
    """A station that may call the receiver."""
    fill(tmp_path / "crm.db", 8)
    api: JSON = {"name": "api", "type": "http", "url": receiver.url, "networks": ["127.0.0.0/8"]}
    async with moving(tmp_path, connections=[crm(tmp_path / "crm.db"), api], url=url) as made:
        yield made


def calls(receiver: Receiver, **settings: Any) -> dict[str, Any]:
    """A transfer that calls the receiver with credentials of its own."""
    target = {
        "type": "http",
        "url": f"{receiver.url}/members",
        "networks": ["127.0.0.0/8"],
        "ports": [receiver.port],
        "authentication": {"type": "bearer", "token": "secret-token"},
        **settings,
    }
    return transfer(destination=target)


async def ended(station: Station, run_id: str) -> Run:
    """How a run stands when it goes on no more by itself."""
    found = await station.chaining.work.shop.ended.wait(run_id, PATIENCE)
    assert found is not None
    return found


async def test_each_chunk_is_a_call_with_the_transfers_own_credentials(
    station: Station, receiver: Receiver
) -> None:
    await put(station, calls(receiver))
    made = await run(station)
    assert (RunState.SUCCEEDED, "") == (made.state, made.error)
    assert [csv(1, 2, 3), csv(4, 5, 6), csv(7, 8)] == [one.body for one in receiver.calls]
    first = receiver.calls[0]
    assert "Bearer secret-token" == first.header("Authorization")
    assert "text/csv; charset=utf-8" == first.header("Content-Type")
    assert [f"{made.id}-{number}" for number in (1, 2, 3)] == [
        one.header("Idempotency-Key") for one in receiver.calls
    ]


async def test_all_rows_may_be_one_call_through_a_connection(station: Station, receiver: Receiver) -> None:
    target = {
        "type": "http",
        "connection": "api",
        "path": "all?by=$$run.id$$",
        "how": "whole",
        "method": "PUT",
    }
    await put(station, transfer(destination=target, format={"type": "json"}))
    made = await run(station)
    assert (RunState.SUCCEEDED, f"/all?by={made.id}") == (made.state, receiver.calls[0].path)
    assert list(range(1, 9)) == [row["ID"] for row in json.loads(receiver.calls[0].body)]


async def test_the_answer_to_each_row_is_written_into_its_record(
    station: Station, receiver: Receiver
) -> None:
    await answers_are_kept(station, receiver)


async def test_so_it_is_where_the_station_is_on_postgresql(
    tmp_path: Path, receiver: Receiver, database: str
) -> None:
    async with station_of(tmp_path, receiver, database) as station:
        await answers_are_kept(station, receiver)


async def answers_are_kept(station: Station, receiver: Receiver) -> None:
    """A record for each row has what its call was answered."""

    def answer(call: Call) -> Answer:
        return Answer(201, body=dump_json({"id": f"R{json.loads(call.body)['n']}"}).encode())

    receiver.usual = answer
    await put(
        station,
        calls(receiver, how="rows", url=f"{receiver.url}/m/$$ID$$", body={"n": "$$ID$$"}, then=THEN),
        panels=[PANEL],
    )
    made = await run(station)
    assert (RunState.SUCCEEDED, "") == (made.state, made.error)
    assert [f"/m/{number}" for number in range(1, 9)] == [one.path for one in receiver.calls]
    kept = await station.store.list_records("Members", 100)
    assert [(n, f"R{n}") for n in range(1, 9)] == [
        (one.fields["Number"], one.fields["RemoteId"]) for one in kept
    ]


@pytest.mark.parametrize(
    ("happened", "sent"), [(True, [1, 4, 7]), (False, [1, 4, 4, 7])], ids=["it arrived", "it did not"]
)
async def test_a_person_says_whether_a_call_arrived_and_the_rest_goes_on(
    station: Station, receiver: Receiver, happened: bool, sent: list[int]
) -> None:
    receiver.plan(OK, CUT)
    await put(station, calls(receiver))
    begun = await station.services.chain.transfers.run("members", "test")
    stands = await ended(station, begun.id)
    assert RunState.UNKNOWN is stands.state
    assert 2 == len(receiver.calls)
    await station.services.chain.runs.resolve(begun.id, "move", "ann", happened=happened)
    done = await ended(station, begun.id)
    assert (RunState.SUCCEEDED, "") == (done.state, done.error)
    assert sent == [int(one.body.splitlines()[1].split(b",")[0]) for one in receiver.calls]


@pytest.mark.parametrize(
    ("happened", "sent"), [(True, [1, 2, 3, 4, 5]), (False, [1, 2, 3, 4, 4, 5])], ids=["yes", "no"]
)
async def test_of_single_rows_the_one_in_question_is_named(
    station: Station, receiver: Receiver, happened: bool, sent: list[int]
) -> None:
    source: JSON = {"type": "sql", "connection": "crm", "table": "members", "where": {"ID": {"<=": 5}}}
    receiver.plan(OK, OK, OK, CUT)
    await put(station, {**calls(receiver, how="rows"), "source": source})
    begun = await station.services.chain.transfers.run("members", "test")
    assert RunState.UNKNOWN is (await ended(station, begun.id)).state
    entry = (await station.store.list_entries(begun.id, 10))[0]
    assert entry.error.startswith("Row 4: ")
    await station.services.chain.runs.resolve(begun.id, "move", "ann", happened=happened)
    assert RunState.SUCCEEDED is (await ended(station, begun.id)).state
    assert sent == [json.loads(one.body)["ID"] for one in receiver.calls]


async def test_a_call_that_changes_nothing_twice_is_simply_made_again(
    station: Station, receiver: Receiver
) -> None:
    receiver.plan(OK, CUT)
    await put(station, calls(receiver, method="PUT"))
    made = await run(station)
    assert (RunState.SUCCEEDED, 4) == (made.state, len(receiver.calls))
    assert receiver.calls[1].body == receiver.calls[2].body == csv(4, 5, 6)


async def test_a_refusal_fails_the_run_and_says_what_was_answered(
    station: Station, receiver: Receiver
) -> None:
    receiver.plan(OK, Answer(422, body=b"no such member"))
    await put(station, calls(receiver, how="rows"))
    made = await run(station)
    assert (RunState.FAILED, 2) == (made.state, len(receiver.calls))
    assert "move: Row 2: The target answered 422: no such member" == made.error


async def test_an_address_that_is_not_permitted_is_not_called(station: Station, receiver: Receiver) -> None:
    await put(station, calls(receiver, networks=[]))
    made = await run(station)
    assert (RunState.FAILED, 0) == (made.state, receiver.count)


async def test_done_again_from_where_it_failed_no_row_is_sent_twice(
    station: Station, receiver: Receiver
) -> None:
    receiver.plan(OK, OK, OK, OK, Answer(422))
    await put(station, calls(receiver, how="rows"))
    failed = await run(station)
    begun = await station.services.chain.runs.again(failed.id, "ann", whole=False)
    done = await ended(station, begun.id)
    assert (RunState.SUCCEEDED, "") == (done.state, done.error)
    assert [1, 2, 3, 4, 5, 5, 6, 7, 8] == [json.loads(one.body)["ID"] for one in receiver.calls]


async def test_an_answer_that_cannot_be_kept_fails_the_run_and_sends_nothing_again(
    station: Station, receiver: Receiver
) -> None:
    then = {**THEN, "type": "update_panel"} if isinstance(THEN, dict) else THEN
    receiver.usual = Answer(body=b'{"id": "R1"}')
    await put(station, calls(receiver, how="rows", then=then), panels=[PANEL])
    made = await run(station)
    assert (RunState.FAILED, 1) == (made.state, receiver.count)
    assert "Row 1 was sent, but its answer could not be written down: Members: no row matches" in made.error
