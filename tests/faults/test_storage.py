"""A database that cannot be written: every call is told so, nothing is promised, and it goes on when it can."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from hookstation.testing.sandbox import Fault, running_sandbox
from tests.support import limited_station, plain_user
from tests.support.crash import Sender
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.raw_http import Received, exchange, post
from tests.support.station_process import StationProcess

NOT_STORED: Final = "The event could not be stored just now. Nothing was done; send it again."
SETTLE_SECONDS: Final = 60.0
LIMITED: Final = (str(Path(limited_station.__file__)),)
PLAIN_USER: Final = (str(Path(plain_user.__file__)),)


async def call(station: StationProcess, path: str, key: str, size: int = 300) -> Received:
    """One event of that key."""
    body = json.dumps({"key": key, "memberId": "10420", "note": "n" * size}).encode()
    [answer] = await exchange(station.url, post(path, body, f"Webhook-Id: {key}"))
    return answer


async def calls(
    station: StationProcess, path: str, prefix: str, most: int, until: Callable[[Received], bool]
) -> tuple[list[str], Received]:
    """Calls one after the other until an answer is as wanted: the keys that were acknowledged, and that answer."""
    acknowledged: list[str] = []
    for number in range(most):
        answer = await call(station, path, f"{prefix}{number}")
        if until(answer):
            return acknowledged, answer
        acknowledged += [f"{prefix}{number}"] if answer.status == 200 else []
    raise AssertionError(f"no answer of {most} was as wanted; the last was {answer}")


async def keys(station: StationProcess) -> list[str]:
    """The keys of all records."""
    return [one["fields"]["UF_1"] for one in await station.items("/records/Activity")]


def refused(answer: Received) -> bool:
    return answer.status == 503


def taken(answer: Received) -> bool:
    return answer.status == 200


async def test_a_full_database_promises_nothing_and_recovers(tmp_path: Path) -> None:
    """With no page left every call gets 503 and a log line, the page limit lifted it gets 200, without a restart."""
    async with StationProcess(tmp_path / "data", program=LIMITED) as station:
        await station.configure({"version": 1, "webhooks": [key_webhook("records")]})
        path = await station.hook("keys")
        await call(station, path, "before")
        station.signal(signal.SIGUSR1)
        acknowledged, answer = await calls(station, path, "full", 500, refused)
        assert {"success": False, "error": NOT_STORED} == json.loads(answer.body)
        await station.logged("page limit is full: free some space or raise the limit")
        assert 503 == (await call(station, path, "still")).status

        station.signal(signal.SIGUSR2)
        again, _ = await calls(station, path, "again", 100, taken)
        assert {*acknowledged, *again, "before"} <= set(await keys(station))
        assert "still" not in await keys(station)
        assert 200 == (await call(station, path, "still")).status
        assert len(await keys(station)) == len(set(await keys(station)))


async def test_a_locked_database_promises_nothing_and_recovers(tmp_path: Path) -> None:
    """While another process holds the lock, a call gets 503 after our patience; when it lets go, 200."""
    async with StationProcess(tmp_path / "data") as station:
        await station.configure({"version": 1, "webhooks": [key_webhook("records")]})
        path = await station.hook("keys")
        other = sqlite3.connect(station.folder / "hookstation.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            sender, ready = Sender(path, connections=8), b"GET /readyz HTTP/1.0\r\n\r\n"
            answers, refusal, [readiness] = await asyncio.gather(
                sender.repeat(station.url, [f"K{number}" for number in range(8)]),
                call(station, path, "locked"),
                exchange(station.url, ready),
            )
            assert {503: 8} == answers
            assert {"success": False, "error": NOT_STORED} == json.loads(refusal.body)
            assert 503 == readiness.status
            await station.logged("Another process holds the database's lock: end that process")
            other.execute("ROLLBACK")
        finally:
            other.close()
        assert [] == await keys(station)
        assert 200 == (await call(station, path, "locked")).status
        assert ["locked"] == await keys(station)
        assert 200 == (await exchange(station.url, ready))[0].status


async def test_a_lock_that_is_let_go_in_time_is_only_waited_for(tmp_path: Path) -> None:
    """A call that meets a lock for less than our patience gets its 200."""
    async with StationProcess(tmp_path / "data") as station:
        await station.configure({"version": 1, "webhooks": [key_webhook("records")]})
        path = await station.hook("keys")
        other = sqlite3.connect(station.folder / "hookstation.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            assert b"" != (await exchange(station.url, b"GET /healthz HTTP/1.0\r\n\r\n"))[0].body
            other.execute("ROLLBACK")
            assert 200 == (await call(station, path, "patient")).status
        finally:
            other.close()


async def test_a_lock_between_the_call_and_its_settling_leaves_the_event_open(tmp_path: Path) -> None:
    """The target did it, but that cannot be stored: 202 in time, never a 200; when the lock is gone, succeeded."""
    async with running_sandbox() as sandbox, StationProcess(tmp_path / "data") as station:
        hook = key_webhook("imis", limits={"time": "2s"})
        connection = sandbox_connection(sandbox.url)
        await station.configure({"version": 1, "connections": [connection], "webhooks": [hook]})
        path = await station.hook("keys")
        sandbox.fault(Fault("slow", method="POST", path="/api/Activity", seconds=1.0))
        calling = asyncio.create_task(call(station, path, "between"))
        while not sandbox.calls("POST", "/api/Activity"):
            await exchange(station.url, b"GET /healthz HTTP/1.0\r\n\r\n")
        other = sqlite3.connect(station.folder / "hookstation.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            assert 202 == (await calling).status
            await station.logged("event not settled yet")
            other.execute("ROLLBACK")
        finally:
            other.close()
        await station.settled(SETTLE_SECONDS)
        [event] = await station.items("/events")
        assert "succeeded" == event["state"]
        assert ["between"] == [row["UF_1"] for row in sandbox.rows("Activity")]
        assert 200 == (await call(station, path, "between")).status


@pytest.fixture
async def plain(tmp_path: Path) -> StationProcess:
    """A station with a webhook and one event, run by a user to whom the rights of files apply."""
    station = StationProcess(tmp_path / "data", program=PLAIN_USER)
    async with station:
        await station.configure({"version": 1, "webhooks": [key_webhook("records")]})
        assert 200 == (await call(station, await station.hook("keys"), "before")).status
        await station.terminate()
    return station


@pytest.mark.parametrize("place", ["", "hookstation.db"], ids=["folder", "file"])
async def test_what_may_not_be_written_is_told_in_one_line(plain: StationProcess, place: str) -> None:
    """A read-only folder or file at start: exit 1 and one sentence; with the right to write it starts and serves."""
    locked = [one for one in (plain.folder, *plain.folder.iterdir()) if place in one.name]
    for one in locked:
        one.chmod(0o555 if one.is_dir() else 0o444)
    code, lines = plain.fails_to_start()
    assert (1, 1) == (code, len(lines)), lines
    assert "give this user the right to write it" in lines[0]
    for one in locked:
        one.chmod(0o700)
    async with plain:
        assert 200 == (await call(plain, await plain.hook("keys"), "after")).status
        assert ["before", "after"] == await keys(plain)


async def test_a_folder_made_read_only_during_work_breaks_no_promise(plain: StationProcess) -> None:
    """Whatever the calls are told while the rights are gone is true, and afterwards the work goes on."""
    async with plain as station:
        path = await station.hook("keys")
        files = list(station.folder.glob("hookstation.db*"))
        for place in (*files, station.folder):
            place.chmod(0o555)
        told = {key: (await call(station, path, key)).status for key in ("one", "two")}
        assert {200, 503} >= set(told.values())
        for place in (station.folder, *files):
            place.chmod(0o700)
        assert 200 == (await call(station, path, "after")).status
        true = {"before", "after", *(key for key, status in told.items() if status == 200)}
        assert true == set(await keys(station))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"this is no database, but it is longer than a header of SQLite is" * 40, "is damaged"),
        (b"SQLite format 3\0" + b"\xff" * 8000, "is damaged"),
        (b"\0" * 100, "is damaged"),
    ],
    ids=["text", "torn header", "zeros"],
)
async def test_a_damaged_database_is_told_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    """A file that is no database of ours: exit 1, one sentence with what to do, and the file as it was."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "hookstation.db").write_bytes(content)
    code, lines = StationProcess(folder).fails_to_start()
    assert (1, 1) == (code, len(lines)), lines
    assert told in lines[0]
    assert "restore a backup" in lines[0]
    assert content == (folder / "hookstation.db").read_bytes()


async def test_a_database_cut_short_is_told_in_one_line(tmp_path: Path) -> None:
    """Half of a real database: one sentence, no traceback, exit 1."""
    station = StationProcess(tmp_path / "data")
    async with station:
        await station.configure({"version": 1, "webhooks": [key_webhook("records")]})
        await station.terminate()
    database = station.folder / "hookstation.db"
    database.write_bytes(database.read_bytes()[: 4096 * 3])
    code, lines = station.fails_to_start()
    assert (1, 1) == (code, len(lines)), lines
    assert "error: " in lines[0]


async def test_a_folder_in_the_place_of_the_database_is_told_in_one_line(tmp_path: Path) -> None:
    """What cannot be opened at all: one sentence, exit 1."""
    (tmp_path / "data" / "hookstation.db").mkdir(parents=True)
    code, lines = StationProcess(tmp_path / "data").fails_to_start()
    assert (1, 1) == (code, len(lines)), lines
    assert "cannot be opened" in lines[0]
