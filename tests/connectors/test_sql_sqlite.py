"""SQLite files as a system of rows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.connectors import build_connector
from hookstation.connectors.outside import Outside
from hookstation.connectors.sql import SqlConnector
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Number
from hookstation.errors import Busy, Invalid, Retriable, Terminal
from hookstation.ports.rows import RowQuery, RowsConnector
from hookstation.testing.connector_suite import refusal
from hookstation.testing.rows_suite import RowsBench, RowsSuite, people
from tests.connectors.imis_bench import Watch

TABLES = """
    CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, fee DECIMAL(12, 2), joined DATE,
        seen DATETIME, active BOOLEAN, photo BLOB, note TEXT);
    CREATE TABLE log (who TEXT, what TEXT);
    CREATE TABLE "odd %""`]" ("a b" TEXT);
    CREATE VIEW names AS SELECT id, name FROM people;
"""


def made(file: Path, folder: Path, own: Path | None = None, **more: JSON) -> SqlConnector:
    settings: dict[str, JSON] = {
        "engine": "sqlite",
        "file": str(file),
        "timeout": 1,
        "tls": "verify",
        "zone": "UTC",
    }
    outside = Outside(GuardedHttpClient(), Watch(), HttpSender(), (folder,), own)
    connector = build_connector(Connection("exchange", "sql", settings | more, {}), outside)
    assert isinstance(connector, SqlConnector)
    return connector


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "exchange.db"
    database = apsw.Connection(str(place))
    database.execute(TABLES)
    database.close()
    return place


@pytest.fixture
def bench(file: Path) -> RowsBench:
    return RowsBench(made(file, file.parent), exact=False, lengths=False)


class TestSqlite(RowsSuite):
    """The suite, on a file."""


async def test_it_is_a_system_of_rows_that_holds_no_records(file: Path) -> None:
    connector = made(file, file.parent)
    assert isinstance(connector, RowsConnector)
    assert frozenset() == connector.operations


async def test_a_file_outside_of_the_folders_is_refused_at_its_setting(file: Path, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        made(file, tmp_path / "other")
    assert ("file",) == refused.value.problems[0].path


async def test_a_link_that_was_moved_later_is_seen(file: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    link = tmp_path / "in" / "link.db"
    link.symlink_to(tmp_path / "in" / "nothing.db")
    connector = made(link, tmp_path / "in")
    link.unlink()
    link.symlink_to(file)
    assert isinstance(await refusal(connector.tables()), Terminal)


@pytest.mark.parametrize("statement", [
    "WITH a AS (SELECT 1) SELECT load_extension('x')", "SELECT * FROM pragma_journal_mode('off')",
    "VALUES (writefile('x', 'y'))", "TABLE people",
])  # fmt: skip
async def test_a_statement_does_nothing_but_read(bench: RowsBench, statement: str) -> None:
    assert isinstance(await refusal(bench.ask(statement)), Terminal)


async def test_a_file_that_is_not_there_or_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, but long enough to be one" * 30)
    for name in ("none.db", "text.db"):
        assert isinstance(await refusal(made(tmp_path / name, tmp_path).check()), Terminal)


async def test_a_file_that_somebody_else_writes_is_busy(file: Path) -> None:
    other = apsw.Connection(str(file))
    other.execute("BEGIN IMMEDIATE")
    bench = RowsBench(made(file, file.parent, timeout=Number("0.05")))
    assert isinstance(await refusal(bench.add(*people(1))), Busy)
    other.close()
    assert 1 == await bench.add(*people(1))


async def test_whole_numbers_beyond_64_bits_and_floats_keep_what_can_be_kept(bench: RowsBench) -> None:
    await bench.add({"who": 10**30, "what": Number("1e400")}, table="log")
    [row] = await bench.rows(RowQuery("log"))
    assert (str(10**30), "1e400") == (row["who"], row["what"])


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


async def test_a_statement_without_an_end_is_cut_off(file: Path) -> None:
    """By the connection's time-out, and when whoever asked has gone."""
    bench = RowsBench(made(file, file.parent, timeout=Number("0.05")))
    assert isinstance(await refusal(bench.ask(ENDLESS)), Retriable)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(RowsBench(made(file, file.parent)).ask(ENDLESS), 0.05)


async def test_a_number_that_the_database_cannot_hold_is_refused(bench: RowsBench) -> None:
    assert isinstance(await refusal(bench.ask("SELECT :n AS n", n=2**80)), Terminal)
