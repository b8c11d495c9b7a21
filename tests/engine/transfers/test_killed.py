"""Stations that are killed while they move rows: the transfer goes on from its last chunk, on both sides."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.engine.transfers.each_row import OTHER_ROWS
from tests.support.receiver import HANG, Answer, Call, Receiver
from tests.support.sftp_server import PASSWORD, USER, SftpHost
from tests.support.station_process import PAUSE, StationProcess
from tests.support.transfers import PATIENCE, crm, csv, fill, member, transfer

LOOPBACK: Final[JSON] = ["127.0.0.0/8"]
COUNT: Final = 8_000
AT_ONCE: Final = 3
LAST: Final = 6
"""The page behind which there is none."""


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[SftpHost]:
    (tmp_path / "host").mkdir()
    async with SftpHost(tmp_path / "host").running() as running:
        yield running


@asynccontextmanager
async def killed(
    tmp_path: Path, host: SftpHost, chunks: int, document: dict[str, Any], *connections: JSON
) -> AsyncIterator[tuple[StationProcess, str]]:
    """A station that was killed behind so many chunks of a transfer, and the run."""
    async with begun(tmp_path, host, chunks, document, *connections) as (station, run_id):
        await station.kill()
        yield station, run_id


@asynccontextmanager
async def begun(
    tmp_path: Path, host: SftpHost, chunks: int, document: dict[str, Any], *connections: JSON
) -> AsyncIterator[tuple[StationProcess, str]]:
    """A station that works on a transfer and has so many chunks behind it, and the run."""
    fill(tmp_path / "crm.db", COUNT)
    out: JSON = {
        "name": "out", "type": "sftp", "host": "127.0.0.1", "port": host.port, "username": USER,
        "password": PASSWORD, "host_key": host.fingerprint, "networks": LOOPBACK,
    }  # fmt: skip
    async with StationProcess(
        tmp_path / "station", environment={"HOOKSTATION_FOLDERS": str(tmp_path)}
    ) as station:
        every = [crm(tmp_path / "crm.db"), out, *connections]
        await station.configure({"version": 1, "connections": every, "transfers": [document]})
        _, run = await station.api("POST", "/transfers/members/run", {})
        await until(station, run["id"], lambda far: far["chunks"] >= chunks)
        yield station, run["id"]


async def until(station: StationProcess, run_id: str, reached: Any) -> dict[str, Any]:
    """How far a run is, once it is so far."""
    async with asyncio.timeout(PATIENCE):
        while True:
            _, far = await station.api("GET", f"/runs/{run_id}/progress")
            if reached(far):
                return dict(far)
            await asyncio.sleep(PAUSE)  # house: allow sleep - another process tells nobody


async def emptied(folder: Path) -> None:
    """Wait until no file is there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if not os.listdir(folder):  # noqa: PTH208 - a look in a loop that waits
                return
            await asyncio.sleep(PAUSE)  # house: allow sleep - another process tells nobody


async def ended(station: StationProcess, run_id: str) -> dict[str, Any]:
    """How a run ended."""
    return await until(station, run_id, lambda far: far["ended"])


async def test_a_file_is_the_same_byte_by_byte(tmp_path: Path, host: SftpHost) -> None:
    async with killed(tmp_path, host, 3, transfer(chunk=50)) as (station, run_id):
        [part] = (tmp_path / "host").iterdir()
        await station.start()
        far = await ended(station, run_id)
    assert ("succeeded", COUNT, COUNT // 50) == (far["status"], far["rows"], far["chunks"])
    assert csv(*range(1, COUNT + 1)) == (tmp_path / "host/members.csv").read_bytes()
    assert not part.exists()


async def test_a_station_that_is_stopped_hands_the_rest_over(tmp_path: Path, host: SftpHost) -> None:
    async with begun(tmp_path, host, 3, transfer(chunk=50)) as (station, run_id):
        assert 0 == await station.terminate()
        await station.start()
        far = await ended(station, run_id)
    assert ("succeeded", COUNT, COUNT // 50) == (far["status"], far["rows"], far["chunks"])
    assert csv(*range(1, COUNT + 1)) == (tmp_path / "host/members.csv").read_bytes()


async def test_a_transfer_that_is_cancelled_takes_its_unfinished_file_away(
    tmp_path: Path, host: SftpHost
) -> None:
    async with begun(tmp_path, host, 3, transfer(chunk=50)) as (station, run_id):
        status, _ = await station.api("POST", f"/runs/{run_id}/cancel")
        assert 200 == status
        await emptied(tmp_path / "host")
        far = await ended(station, run_id)
    assert "cancelled" == far["status"]


class Pages:
    """A source of three members a page, which stops to answer at its fourth page."""

    def __init__(self) -> None:
        self.stops = True
        self.names = ""

    def __call__(self, call: Call) -> Answer:
        """One page."""
        page = int(call.path.partition("page=")[2])
        if page == 4 and self.stops:
            return HANG
        numbers = range((page - 1) * AT_ONCE + 1, page * AT_ONCE + 1) if page <= LAST else range(0)
        items: JSON = [{"ID": number, "Name": self.names + member(number)[1]} for number in numbers]
        return Answer(body=dump_json(items).encode())


SOURCE: Final = {
    "type": "http",
    "connection": "api",
    "path": "members",
    "pages": {"type": "page", "parameter": "page", "first": 1},
}


async def test_rows_without_a_key_are_passed_over_where_they_are_the_same(
    tmp_path: Path, host: SftpHost
) -> None:
    pages = Pages()
    async with Receiver(pages) as receiver:
        api: JSON = {"name": "api", "type": "http", "url": receiver.url, "networks": LOOPBACK}
        async with killed(tmp_path, host, 2, transfer(source=SOURCE), api) as (station, run_id):
            pages.stops = False
            await station.start()
            far = await ended(station, run_id)
    assert ("succeeded", 18, 6) == (far["status"], far["rows"], far["chunks"])
    lines = (tmp_path / "host/members.csv").read_text().splitlines()
    assert [str(number) for number in range(1, 19)] == [line.partition(",")[0] for line in lines[1:]]


async def test_rows_that_are_others_than_before_are_refused(tmp_path: Path, host: SftpHost) -> None:
    pages = Pages()
    async with Receiver(pages) as receiver:
        api: JSON = {"name": "api", "type": "http", "url": receiver.url, "networks": LOOPBACK}
        async with killed(tmp_path, host, 2, transfer(source=SOURCE), api) as (station, run_id):
            pages.stops, pages.names = False, "Dr. "
            await station.start()
            far = await ended(station, run_id)
    assert ("failed", f"move: {OTHER_ROWS}") == (far["status"], far["error"])
    assert [] == list((tmp_path / "host").iterdir())


async def test_a_call_that_may_have_arrived_is_for_a_person_to_say(tmp_path: Path, host: SftpHost) -> None:
    def slow(call: Call) -> Answer:
        return HANG if call.body.splitlines()[1].startswith(b"7,") and receiver.count == 3 else Answer()

    async with Receiver(slow) as receiver:
        target = {"type": "http", "url": receiver.url, "networks": LOOPBACK, "ports": [receiver.port]}
        source = {"type": "sql", "connection": "crm", "table": "members", "where": {"ID": {"<=": 12}}}
        document = transfer(source=source, destination=target)
        async with killed(tmp_path, host, 2, document) as (station, run_id):
            await receiver.until(3)
            await station.start()
            await until(station, run_id, lambda far: far["status"] == "unknown")
            said = {"path": "move", "happened": True}
            status, _ = await station.api("POST", f"/runs/{run_id}/resolve", said)
            assert 200 == status
            far = await ended(station, run_id)
    assert ("succeeded", 12, 4) == (far["status"], far["rows"], far["chunks"])
    assert [csv(1, 2, 3), csv(4, 5, 6), csv(7, 8, 9), csv(10, 11, 12)] == [one.body for one in receiver.calls]
