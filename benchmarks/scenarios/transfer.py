"""Rows of a database as a CSV file over SFTP, and a plain script that does the same with the same drivers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import apsw
import asyncpg

from benchmarks.bench import Bench, tell
from benchmarks.machine import memory, pin
from benchmarks.measures import Figure, at_least, at_most, figure, ratios, take_turns
from benchmarks.moving.sftp_server import KEY_FILE
from benchmarks.postgres_server import bench_server
from benchmarks.servers import Api, ServerFailed, StationFolder, running
from tests.support.sftp_server import PASSWORD, USER

TABLE: Final = (
    'CREATE TABLE members ("ID" INTEGER PRIMARY KEY, "Name" TEXT, "City" TEXT, "Since" TEXT, "Fee" INTEGER)'
)
CHUNK: Final = 5_000
TRANSFER: Final = "members"
LOOK: Final = 0.1
WAIT: Final = 60
"""Seconds: the longest that a call waits for a run."""

PATIENCE: Final = 1_800.0


def transfer(bench: Bench) -> list[Figure]:
    """A million rows from SQLite and PostgreSQL to CSV over SFTP: seconds, memory, and beside a plain script."""
    root = bench.folder / "transfer"
    root.mkdir()
    with bench_server(bench.folder) as server, _receiving(bench, root) as port:
        url, file = server.create("members"), root / "members.db"
        _fill_file(file, bench.amounts.rows)
        asyncio.run(_fill_server(url, bench.amounts.rows))
        return [
            *_measured(bench, root, port, "SQLite", str(file), {"engine": "sqlite", "file": str(file)}),
            *_measured(bench, root, port, "PostgreSQL", url, _server_settings(url)),
        ]


@dataclass(slots=True)
class _Ours:
    """A station that sends the members."""

    api: Api
    process: int
    grown: float = 0.0

    def round(self) -> float:
        """Send them all; seconds. It is asked once and told at the end, so that asking is not what is measured."""
        began, before = time.perf_counter(), memory(self.process)
        with _watching(self.process) as seen:
            run = self.api.call("POST", f"/transfers/{TRANSFER}/run", {"wait": WAIT})
            while run["status"] == "running" and time.perf_counter() < began + PATIENCE:
                time.sleep(LOOK)
                run = self.api.call("GET", f"/runs/{run['id']}")
        if run["status"] != "succeeded":
            raise ServerFailed(f"the transfer did not succeed: {run}")
        self.grown = max(self.grown, max(seen, default=before) - before)
        return time.perf_counter() - began


@contextmanager
def _watching(process: int) -> Iterator[list[float]]:
    """The memory of a process, again and again until the block ends."""
    seen: list[float] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK):
            seen.append(memory(process))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _measured(
    bench: Bench, root: Path, port: int, place: str, database: str, settings: dict[str, object]
) -> list[Figure]:
    folder = StationFolder(
        root / f"station-{place}", bench.cores.server, environment={"HOOKSTATION_FOLDERS": str(root)}
    )
    _apply(folder, _configuration(root, port, settings))
    key = folder.key()
    plain = [sys.executable, "-m", "benchmarks.moving.plain", database, str(port), _fingerprint(root)]
    with folder.serve() as server:
        ours = _Ours(Api(server, key), server.process)
        our, their = take_turns(
            bench.amounts.rounds, [ours.round, lambda: _plain(bench, [*plain, "plain.csv"])]
        )
    received = root / "received"
    if (received / "members.csv").read_bytes() != (received / "plain.csv").read_bytes():
        raise ServerFailed("the transfer and the plain script sent different files")
    rows = bench.amounts.rows
    tell(f"  {rows:,} rows from {place}: {min(our):.2f} s, the script {min(their):.2f} s")
    return [
        figure(f"{place}: rows/s", [rows / one for one in our], "rows/s"),
        figure(f"{place}: rows/s of a plain script", [rows / one for one in their], "rows/s"),
        ratios(
            f"{place}: ÷ plain script", [1 / one for one in our], [1 / one for one in their], at_least(0.3)
        ),
        figure(f"{place}: memory that it took", [ours.grown], "MB", at_most(64)),
    ]


def _plain(bench: Bench, command: list[str]) -> float:
    """Run the script on the core of the station; its seconds."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as script:
        pin(bench.cores.server, script.pid)
        out, said = script.communicate()
    if script.returncode:
        raise ServerFailed(f"the plain script failed:\n{said}")
    return float(out)


@contextmanager
def _receiving(bench: Bench, root: Path) -> Iterator[int]:
    arguments = ("-m", "benchmarks.moving.sftp_server", str(root / "received"))
    with running(arguments, root / "sftp.log", bench.cores.load) as server:
        yield server.port


def _fingerprint(root: Path) -> str:
    return (root / KEY_FILE).read_text()


def _apply(folder: StationFolder, text: str) -> None:
    file = folder.data.with_name(f"{folder.data.name}.json")
    file.write_text(text)
    folder.command("apply", str(file), "--yes", "--allow-literal-secrets")


def _configuration(root: Path, port: int, database: dict[str, object]) -> str:
    host = {
        "name": "host",
        "type": "sftp",
        "host": "127.0.0.1",
        "port": port,
        "username": USER,
        "password": PASSWORD,
        "host_key": _fingerprint(root),
        "networks": ["127.0.0.1/32"],
    }
    moved = {
        "name": TRANSFER,
        "source": {"type": "sql", "connection": "crm", "table": "members"},
        "destination": {"type": "files", "connection": "host", "path": "members.csv"},
        "chunk": CHUNK,
    }
    crm = {"name": "crm", "type": "sql", **database}
    return json.dumps({"version": 1, "connections": [crm, host], "transfers": [moved]})


def _server_settings(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    return {
        "engine": "postgresql",
        "host": parts.hostname,
        "port": parts.port,
        "database": parts.path[1:],
        "username": parts.username,
        "password": parts.password or "none",
        "tls": "off",
        "networks": ["127.0.0.1/32", "::1/128"],
    }


def _member(number: int) -> tuple[int, str, str, str, int]:
    return number, f"Member {number}", f"City of {number % 1000}", f"20{number % 26:02}-01-15", number % 500


def _fill_file(file: Path, rows: int) -> None:
    database = apsw.Connection(str(file))
    database.execute(TABLE)
    with database:
        database.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?)", map(_member, range(1, rows + 1)))
    database.close()


async def _fill_server(url: str, rows: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(TABLE)
        await connection.copy_records_to_table("members", records=map(_member, range(1, rows + 1)))
        await connection.execute("ANALYZE members")
    finally:
        await connection.close()
