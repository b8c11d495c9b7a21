"""Transfers into files: what stands in them, when, and what is told of it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pysequoia import Tsk, decrypt

from hookstation.core.values import JSON
from hookstation.core.workflows.values import RunState
from hookstation.errors import Invalid
from hookstation.wiring.station import Station
from tests.support.sftp_server import PASSWORD, USER, SftpHost
from tests.support.smtp_server import SmtpHost
from tests.support.transfers import change, crm, csv, fill, folder, moving, put, run, transfer

TO = {"type": "files", "connection": "out", "path": "members.csv"}


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    fill(tmp_path / "crm.db", 8)
    async with moving(tmp_path, connections=[crm(tmp_path / "crm.db"), folder(tmp_path / "out")]) as made:
        yield made


def out(tmp_path: Path) -> dict[str, bytes]:
    """Every file that arrived, finished or not."""
    place = tmp_path / "out"
    return {str(one.relative_to(place)): one.read_bytes() for one in place.rglob("*") if one.is_file()}


async def test_rows_of_a_table_become_a_file_chunk_by_chunk(station: Station, tmp_path: Path) -> None:
    await put(station, transfer())
    ended = await run(station)
    assert (RunState.SUCCEEDED, "") == (ended.state, ended.error)
    assert {"members.csv": csv(*range(1, 9))} == out(tmp_path)
    size = len(csv(*range(1, 9)))
    told = {"read": 8, "rows": 8, "chunks": 3, "bytes": size, "path": "members.csv"}
    assert told == json.loads(ended.output)
    far = await station.services.chain.transfers.progress(ended.id)
    assert (8, 8, 3, size, True) == (far.read, far.rows, far.chunks, far.bytes, far.ended)


async def test_only_what_changed_since_the_last_success_is_sent(station: Station, tmp_path: Path) -> None:
    await put(station, transfer(delta={"key": ["ID"]}))
    await run(station)
    change(tmp_path / "crm.db", "UPDATE members SET Fee = 99 WHERE ID = 7")
    (tmp_path / "out/members.csv").unlink()
    await run(station)
    assert b"ID,Name,Since,Fee\r\n7," == out(tmp_path)["members.csv"][:21]
    (tmp_path / "out/members.csv").unlink()
    ended = await run(station)
    assert ({}, RunState.SUCCEEDED) == (out(tmp_path), ended.state)


async def test_what_a_run_that_failed_has_seen_counts_for_nothing(station: Station, tmp_path: Path) -> None:
    columns: JSON = [{"name": "ID"}, {"name": "Fee", "value": "{{ Fee | divided_by: Zero }}"}]
    await put(station, transfer(delta={"key": ["ID"]}, columns=columns))
    failed = await run(station)
    assert (RunState.FAILED, {}) == (failed.state, out(tmp_path))
    await put(station, transfer(delta={"key": ["ID"]}))
    await run(station)
    assert {"members.csv": csv(*range(1, 9))} == out(tmp_path)


async def test_columns_are_chosen_renamed_and_made(station: Station, tmp_path: Path) -> None:
    columns: JSON = [{"name": "member", "from": "ID"}, {"name": "label", "value": "$$Since$$/$$index$$"}]
    source = {"type": "sql", "connection": "crm", "table": "members", "where": {"ID": {"<": "$$top$$"}}}
    await put(station, transfer(columns=columns, source=source, format={"type": "ndjson"}))
    await run(station, input_={"top": 6})
    written = [json.loads(line) for line in out(tmp_path)["members.csv"].splitlines()]
    assert [1, 2, 3, 4, 5] == [one["member"] for one in written]
    assert ["2001-01-15/0", "2005-01-15/4"] == [written[0]["label"], written[4]["label"]]


@pytest.mark.parametrize("kind", ["json", "xml", "tsv"])
async def test_a_file_in_chunks_is_as_one_that_is_written_at_once(
    station: Station, tmp_path: Path, kind: str
) -> None:
    one, other = {**TO, "path": "one"}, {**TO, "path": "other"}
    both = (
        transfer(name="one", destination=one, format={"type": kind}),
        transfer(name="other", destination=other, format={"type": kind}, chunk=100),
    )
    await put(station, *both)
    await run(station, "one")
    await run(station, "other")
    assert out(tmp_path)["one"] == out(tmp_path)["other"]


async def test_each_chunk_may_be_a_file_of_its_own(station: Station, tmp_path: Path) -> None:
    await put(station, transfer(destination={**TO, "how": "chunks", "path": "m/$$run.id$$-$$chunk$$.csv"}))
    ended = await run(station)
    parts = {f"m/{ended.id}-1.csv": csv(1, 2, 3), f"m/{ended.id}-2.csv": csv(4, 5, 6)}
    assert {**parts, f"m/{ended.id}-3.csv": csv(7, 8)} == out(tmp_path)


async def test_a_file_is_packed_and_encrypted_for_its_reader(station: Station, tmp_path: Path) -> None:
    reader = Tsk.generate("printer@example.org")
    target = {**TO, "path": "members.csv.zip.pgp"}
    await put(station, transfer(zip=True, pgp={"key": str(reader.extract_certificate())}, destination=target))
    ended = await run(station)
    assert (RunState.SUCCEEDED, "") == (ended.state, ended.error)
    opened = decrypt(bytes=out(tmp_path)["members.csv.zip.pgp"], decryptor=reader.decryptor()).bytes
    archive = zipfile.ZipFile(BytesIO(opened or b""))
    assert ["members.csv"] == archive.namelist()
    assert csv(*range(1, 9)) == archive.read("members.csv")


async def test_a_row_that_cannot_be_written_is_named_and_leaves_no_file(
    station: Station, tmp_path: Path
) -> None:
    change(tmp_path / "crm.db", "UPDATE members SET Name = 'Ōta' WHERE ID = 5")
    await put(station, transfer(destination={**TO, "encoding": "iso-8859-1"}))
    ended = await run(station)
    assert RunState.FAILED is ended.state
    assert "“Ō” cannot be written in iso-8859-1" in ended.error
    assert {} == out(tmp_path)


async def test_people_are_told_of_success_failure_and_nothing_to_send(
    station: Station, tmp_path: Path
) -> None:
    alerts = {"connection": "post", "to": ["ann@example.org"], "on": ["success", "failure", "nothing"]}
    async with SmtpHost().running() as host:
        post: dict[str, Any] = {
            "name": "post", "type": "smtp", "host": "127.0.0.1", "port": host.port, "security": "none",
            "sender": "station@example.org", "networks": ["127.0.0.0/8"],
        }  # fmt: skip
        await put(station, transfer(alerts=alerts, delta={"key": ["ID"]}), connections=[post])
        assert RunState.SUCCEEDED is (await run(station)).state
        assert RunState.SUCCEEDED is (await run(station)).state
        change(tmp_path / "crm.db", "DROP TABLE members")
        failed = await run(station)
    subjects = [one.message["Subject"] for one in host.taken]
    assert ["“members”: 8 rows sent", "“members”: nothing to send", "“members”: failed"] == subjects
    assert RunState.FAILED is failed.state
    assert "members" in failed.error


async def test_a_connection_that_breaks_costs_a_chunk_and_no_row(tmp_path: Path) -> None:
    fill(tmp_path / "crm.db", 4_000)
    (tmp_path / "host").mkdir()
    async with SftpHost(tmp_path / "host").running() as host:
        sftp: JSON = {
            "name": "out", "type": "sftp", "host": "127.0.0.1", "port": host.port, "username": USER,
            "password": PASSWORD, "host_key": host.fingerprint, "networks": ["127.0.0.0/8"],
        }  # fmt: skip
        async with moving(
            tmp_path, transfer(chunk=100), connections=[crm(tmp_path / "crm.db"), sftp]
        ) as station:
            begun = await station.services.chain.transfers.run("members", "test")
            far = await station.services.chain.transfers.progress(begun.id)
            while far.chunks < 3:
                far = await station.services.chain.transfers.progress(begun.id)
            host.cut()
            ended = await station.chaining.work.shop.ended.wait(begun.id, 60.0)
    assert ended is not None
    assert (RunState.SUCCEEDED, "") == (ended.state, ended.error)
    assert csv(*range(1, 4_001)) == (tmp_path / "host/members.csv").read_bytes()


async def test_a_format_that_cannot_be_written_is_refused_when_it_is_saved(station: Station) -> None:
    with pytest.raises(Invalid, match=r"format\.row: must be a name in XML"):
        await put(station, transfer(format={"type": "xml", "row": "1st"}))


async def test_runs_of_one_transfer_go_one_after_the_other(station: Station, tmp_path: Path) -> None:
    await put(station, transfer(delta={"key": ["ID"]}))
    transfers = station.services.chain.transfers
    first, second = await transfers.run("members", "ann"), await transfers.run("members", "bob")
    ended = station.chaining.work.shop.ended
    both = [await ended.wait(one.id, 60.0) for one in (first, second)]
    assert [0, 8] == sorted(json.loads(one.output)["rows"] for one in both if one is not None)
