"""MariaDB as a system of rows; MySQL speaks the same protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.connectors import build_connector
from hookstation.connectors.outside import Outside
from hookstation.connectors.sql import SqlConnector
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Number, Secret
from hookstation.errors import NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.rows import RowWrite
from hookstation.testing.connector_suite import refusal
from hookstation.testing.rows_suite import RowsBench, RowsSuite, people
from tests.connectors.imis_bench import Watch
from tests.support.certificates import Authority
from tests.support.mariadb import AUTHORITY, MariaDb, mariadb

__all__ = ["mariadb"]

TABLES = (
    "CREATE TABLE people (id int PRIMARY KEY, name varchar(20) NOT NULL, fee decimal(12, 2), joined date,"
    " seen datetime, active boolean, photo blob, note text)",
    "CREATE TABLE log (who text, what text)",
    'CREATE TABLE `odd %"``]` (`a b` varchar(20))',
    "CREATE VIEW names AS SELECT id, name FROM people",
    "CREATE TABLE many (id bigint AUTO_INCREMENT PRIMARY KEY, kind enum('a', 'it''s'), bits bit(10), span time(3),"
    " data json, amount double, code varchar(5) UNIQUE, whole int GENERATED ALWAYS AS (id * 2), small tinyint(1))",
    "CREATE TABLE old (id int PRIMARY KEY, name varchar(5)) ENGINE=MyISAM",
)


def made(server: MariaDb, database: str, **more: JSON) -> SqlConnector:
    settings: dict[str, JSON] = {
        "engine": "mysql", "host": "127.0.0.1", "port": server.port, "username": server.user, "database": database,
        "tls": "off", "networks": ["127.0.0.0/8"], "timeout": 10, "zone": "UTC",
    }  # fmt: skip
    outside = Outside(GuardedHttpClient(), Watch(), HttpSender())
    connector = build_connector(Connection("shop", "sql", settings | more, {"password": Secret("")}), outside)
    assert isinstance(connector, SqlConnector)
    return connector


@pytest.fixture
def database(mariadb: MariaDb) -> Iterator[str]:
    with mariadb.database() as name:
        mariadb.execute(*TABLES, database=name)
        yield name


@pytest.fixture
def bench(mariadb: MariaDb, database: str) -> RowsBench:
    return RowsBench(made(mariadb, database))


class TestMariaDb(RowsSuite):
    """The suite, on a server."""


async def test_types_of_every_kind_come_back_as_they_were_written(bench: RowsBench) -> None:
    row: dict[str, JSON] = {
        "kind": "it's", "bits": 513, "span": "-26:00:00.500", "data": {"a": [1, Number("1.50")]},
        "amount": Number("0.1"), "code": "x",
    }  # fmt: skip
    assert 1 == await bench.add(row | {"small": True}, table="many")
    [found] = await bench.all("many")
    expected = row | {
        "id": 1,
        "data": '{"a":[1,1.50]}',
        "span": "-26:00:00.500000",
        "whole": 2,
        "small": True,
    }
    assert expected == found
    columns = (await bench.connector.table("many")).columns
    assert ("a", "it's") == columns["kind"].values
    assert columns["whole"].read_only
    assert not columns["id"].required


async def test_an_upsert_by_one_of_two_keys_never_changes_the_row_of_the_other(bench: RowsBench) -> None:
    await bench.add({"id": 1, "code": "a"}, {"id": 2, "code": "b"}, table="many")
    write = bench.connector.write
    assert isinstance(
        await refusal(write(RowWrite.UPSERT, "many", [{"id": 3, "code": "a"}], ["id"])), Terminal
    )
    assert 1 == await write(RowWrite.UPSERT, "many", [{"code": "a", "amount": 5}], ["code"])
    rows = await bench.all("many", columns=("id", "code"), order=("id",))
    assert [{"id": 1, "code": "a"}, {"id": 2, "code": "b"}] == rows


async def test_what_a_table_without_transactions_did_in_half_is_not_known(bench: RowsBench) -> None:
    failure = await refusal(bench.add(*people(1, 1), table="old"))
    assert isinstance(failure, UnknownOutcome)
    assert "no transactions" in failure.message


@pytest.mark.parametrize("statement", [
    "SELECT 'x' INTO OUTFILE '/tmp/never'", "SELECT 1 # '\n INTO OUTFILE '/tmp/never' # '",
    "SELECT 1 FOR UPDATE INTO @a",
    "SELECT 'a\\' INTO OUTFILE \\'/tmp/never' ; DELETE FROM people", "WITH a AS (SELECT 1) DELETE FROM people",
])  # fmt: skip
async def test_a_statement_reaches_neither_files_nor_rows(bench: RowsBench, statement: str) -> None:
    assert isinstance(await refusal(bench.ask(statement)), Terminal)


async def test_a_percent_sign_in_a_statement_stays_one(bench: RowsBench) -> None:
    await bench.add(*people(1, 2))
    assert [{"id": 1}] == await bench.ask("SELECT id FROM people WHERE name LIKE 'p%' AND id < :most", most=2)
    assert [{"n": 1}] == await bench.ask("SELECT 7 % 2 AS n")


async def test_a_large_result_is_read_in_pieces(bench: RowsBench) -> None:
    rows = await bench.ask("SELECT seq AS n, concat('x', seq) AS t FROM seq_1_to_20000")
    assert (20_000, {"n": 20_000, "t": "x20000"}) == (len(rows), rows[-1])


async def test_wrong_credentials_a_closed_door_and_a_forbidden_address_are_told_apart(
    mariadb: MariaDb, database: str
) -> None:
    assert isinstance(await refusal(made(mariadb, database, username="stranger").check()), NeedsAuth)
    assert isinstance(await refusal(made(mariadb, database, port=1).check()), Retriable)
    assert isinstance(await refusal(made(mariadb, database, host="localhost", networks=[]).check()), Terminal)


async def test_the_certificate_must_bear_the_name_although_an_address_is_called(
    mariadb: MariaDb, database: str
) -> None:
    trusted: dict[str, JSON] = {"tls": "verify", "tls_ca": AUTHORITY.certificate}
    assert "MariaDB" in await made(mariadb, database, host="localhost", **trusted).check()
    assert "MariaDB" in await made(mariadb, database, tls="require").check()
    assert isinstance(await refusal(made(mariadb, database, **trusted).check()), Retriable)
    stranger = Authority.new().certificate
    strange = made(mariadb, database, host="localhost", tls="verify", tls_ca=stranger)
    assert "tls_ca" in (await refusal(strange.check())).message


async def test_a_row_that_another_holds_is_tried_later(mariadb: MariaDb, database: str) -> None:
    bench = RowsBench(made(mariadb, database, timeout=1))
    await bench.add(*people(1))
    with contextlib.closing(mariadb.connect(database)) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE people SET note = 'held' WHERE id = 1")
        change = bench.connector.write(RowWrite.UPDATE, "people", [{"id": 1, "name": "x"}], ["id"])
        assert isinstance(await refusal(change), Retriable)
    assert ["p1"] == [row["name"] for row in await bench.all()]
