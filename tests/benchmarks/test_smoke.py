"""The benchmarks run, compare like with like, and leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import apsw
import asyncpg
import pytest

from benchmarks.cloning import newest_event
from benchmarks.filling import FIRST_KEY, fill
from benchmarks.load import LoadFailed, PythonDriver, Result, Wrk
from benchmarks.machine import memory
from benchmarks.measures import at_least, at_most, figure, number, ratios, take_turns
from benchmarks.postgres_server import bench_server
from benchmarks.scenarios import SCENARIOS
from benchmarks.scenarios.against_echo import ECHO
from benchmarks.scenarios.jobs import percentile
from benchmarks.scenarios.on_postgres import DATABASE_CORES, Cost
from benchmarks.servers import StationFolder, post, running
from benchmarks.workload import BODY_SIZE, NUMBER, TOKEN, Calls, body_of
from tests.support.postgres import execute

ROOT = Path(__file__).resolve().parents[2]
MISSING = "the benchmarks' own requirements are not installed (make bench does it)"
pytest.importorskip("fastapi", reason=MISSING)
pytest.importorskip("procrastinate", reason=MISSING)
pytest.importorskip("dbos", reason=MISSING)


def a_round(rate: float) -> Result:
    return Result(int(rate), 1.0, 1.0, 1.0, 2.0, 3.0, {"200": int(rate)})


def test_smoke_measures_every_scenario_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--smoke", "--json", "--folder", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert list(SCENARIOS) == list(report["figures"])
    assert all(report["figures"].values())
    assert [] == list(tmp_path.iterdir())


def test_both_generators_number_every_request(tmp_path: Path) -> None:
    with running(ECHO, tmp_path / "log", None) as echo:
        assert 50 == PythonDriver().send_count(echo.calls(), 4, 50).requests
        assert memory(echo.process) > 1
    assert BODY_SIZE == len(body_of(f"run-{NUMBER}").replace(NUMBER, "000000001"))


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_wrk_reports_what_was_answered(tmp_path: Path) -> None:
    with running(ECHO, tmp_path / "log", None) as echo:
        result = Wrk().send(echo.calls(), 4, 1)
    assert {"200": result.requests} == result.statuses
    assert 0 < result.p50 <= result.p99 <= result.most


def test_calls_that_were_not_answered_200_are_no_figures() -> None:
    with pytest.raises(LoadFailed, match="401"):
        Result(2, 1.0, 1.0, 1.0, 1.0, 1.0, {"200": 1, "401": 1}).sound()


def test_nobody_there_is_said_so() -> None:
    with pytest.raises(LoadFailed, match="broke off"):
        PythonDriver().send_count(Calls(1), 1, 1)


def test_rounds_take_turns_and_turn_round() -> None:
    order: list[str] = []

    def run(name: str) -> Result:
        order.append(name)
        return a_round(1)

    take_turns(2, [lambda: run("a"), lambda: run("b")])
    assert ["a", "b", "b", "a"] == order


def test_a_ratio_is_made_round_by_round() -> None:
    found = ratios("x", [10, 40, 30], [20, 40, 20], at_least(0.9))
    assert (1.0, 0.5, 1.5, "pass") == (found.value, found.low, found.high, found.verdict)


def test_a_figure_beyond_its_target_is_a_miss() -> None:
    assert "MISS" == figure("x", [5.0], "ms", at_most(4)).verdict
    assert "" == figure("x", [5.0]).verdict
    assert ["0.35", "12.3", "123", "12,346"] == [number(one) for one in (0.352, 12.34, 123.4, 12345.6)]


def test_loaded_events_are_read_replayed_and_counted_like_any_other(tmp_path: Path) -> None:
    folder = StationFolder(tmp_path / "data", None)
    folder.define(["bench", "other"])
    with folder.serve() as station:
        assert 200 == post(station, folder.paths()["bench"], FIRST_KEY)
    fill(folder.database, 1000, ["bench", "other"], lambda _: None)
    listed = json.loads(folder.command("events", "list", "--webhook", "other", "--limit", "600", "--json"))[
        "items"
    ]
    assert 500 == len(listed)
    assert 1 + 1000 - 20 - 5 == json.loads(folder.command("records", "count", "Activity", "--json"))["count"]
    event_id = next(item["id"] for item in listed if item["state"] == "succeeded")
    assert "succeeded" in folder.command("events", "replay", event_id, "--again")
    with apsw.Connection(str(folder.database)) as connection:
        assert "ok" == connection.pragma("integrity_check")
        assert "wal" == connection.pragma("journal_mode")
        assert set(newest_event(connection).rows) == {"events", "payloads", "marks", "records"}


def test_the_reference_writes_the_same_rows_once(tmp_path: Path) -> None:
    environment = {"REFERENCE_DATABASE": str(tmp_path / "reference.db"), "REFERENCE_TOKEN": "another"}
    with running(("-m", "benchmarks.reference_app"), tmp_path / "log", None, environment) as reference:
        assert 401 == post(reference, "/hooks/bench", "one")
    environment["REFERENCE_TOKEN"] = TOKEN
    with running(("-m", "benchmarks.reference_app"), tmp_path / "log", None, environment) as reference:
        answers = [post(reference, "/hooks/bench", key) for key in ("one", "one", "two")]
    assert [200, 200, 200] == answers
    with apsw.Connection(str(tmp_path / "reference.db")) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            for table in ("events", "payloads", "marks", "activities")
        ]
    assert [2, 2, 2, 2] == counts


def test_a_client_s_statements_and_the_server_s_work_are_counted(tmp_path: Path) -> None:
    with bench_server(tmp_path) as server:
        loud, quiet = server.create("loud", log_statements=True), server.create("quiet")
        before, size = server.processor_time, server.log_size()
        for url in (loud, quiet):
            asyncio.run(execute(url, "BEGIN", "SELECT 1 AS\none", "COMMIT"))
        asyncio.run(prepared(loud))
        assert 4 == server.statements_since(size)
        asyncio.run(execute(quiet, "SELECT sum(n) FROM generate_series(1, 1000000) AS n"))
        assert server.processor_time > before


async def prepared(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.fetch("SELECT $1::int", 1)
    await connection.close()


def test_nodes_add_up_until_the_database_s_cores_are_full() -> None:
    cost = Cost(node=100.0, database=50.0)
    assert [20_000, 80_000] == [cost.most(2), cost.most(8)]
    assert DATABASE_CORES * 20_000 == cost.most(1000)
    assert DATABASE_CORES * 2 == cost.enough


def test_a_percentile_is_one_of_the_values() -> None:
    assert [99.0, 1.0, 3.0] == [
        percentile([float(one) for one in range(1, 101)], 99),
        percentile([1.0], 99),
        percentile([3.0, 1.0, 2.0], 99),
    ]
