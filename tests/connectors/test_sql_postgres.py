"""PostgreSQL as a system of rows."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest

from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.connectors import build_connector
from hookstation.connectors.outside import Outside
from hookstation.connectors.sql import SqlConnector
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Number, Secret
from hookstation.errors import Invalid, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.rows import Comparison, RowWrite, Where
from hookstation.testing.connector_suite import refusal
from hookstation.testing.rows_suite import RowsBench, RowsSuite, people
from tests.connectors.imis_bench import Watch
from tests.support.certificates import Authority
from tests.support.cutting_proxy import Cut, CuttingProxy
from tests.support.pooler import pooling
from tests.support.postgres import (
    NOBODY,
    QUICK_START,
    Given,
    Server,
    execute,
    new_database,
    postgres,
    private_folder,
)

__all__ = ["postgres"]

TABLES = """
    CREATE TABLE people (id integer PRIMARY KEY, name varchar(20) NOT NULL, fee numeric(12, 2), joined date,
        seen timestamp, active boolean, photo bytea, note text);
    CREATE TABLE log (who text, what text);
    CREATE TABLE "odd %""`]" ("a b" text);
    CREATE VIEW names AS SELECT id, name FROM people;
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE TABLE many (id bigint GENERATED ALWAYS AS IDENTITY, tags text[], numbers int[], data jsonb, mood mood,
        at timestamptz, uid uuid, code char(3) DEFAULT 'x', span interval, net inet, real double precision);
    CREATE SCHEMA other; CREATE TABLE other.people (id int); CREATE TABLE other.only (id int UNIQUE);
    CREATE FUNCTION sneak() RETURNS int LANGUAGE sql AS $$ INSERT INTO log VALUES ('x', 'y'); SELECT 1 $$;
"""


def settings(url: str, **more: JSON) -> Connection:
    parts = urlsplit(url)
    values: dict[str, JSON] = {
        "engine": "postgresql", "host": parts.hostname or "", "port": parts.port or 5432, "username": parts.username,
        "database": parts.path[1:], "tls": "off", "networks": ["127.0.0.0/8", "::1/128"], "timeout": 10, "zone": "UTC",
    }  # fmt: skip
    secrets = {"password": Secret(parts.password)} if parts.password else {}
    return Connection("warehouse", "sql", values | more, secrets)


def made(url: str, **more: JSON) -> SqlConnector:
    outside = Outside(GuardedHttpClient(), Watch(), HttpSender())
    connector = build_connector(settings(url, **more), outside)
    assert isinstance(connector, SqlConnector)
    return connector


@pytest.fixture
async def url(postgres: Server | Given) -> AsyncIterator[str]:
    async with new_database(postgres, "template0") as found:
        await execute(found, TABLES)
        yield found


@pytest.fixture
def bench(url: str) -> RowsBench:
    return RowsBench(made(url))


class TestPostgres(RowsSuite):
    """The suite, on a server."""


async def test_types_of_every_kind_come_back_as_they_were_written(bench: RowsBench) -> None:
    row: dict[str, JSON] = {
        "tags": ["a", 'b "c" \\', "{,}", "NULL", None], "numbers": [[1, 2], [3, 4]], "data": {"a": [1, Number("1.50")]},
        "mood": "glad", "at": "2026-11-22T10:30:00+01:00", "uid": "0a1b2c3d-0000-4000-8000-000000000001",
        "span": "1 day 02:00:00", "net": "10.0.0.1", "real": Number("0.1"),
    }  # fmt: skip
    assert 1 == await bench.add(row, table="many")
    [found] = await bench.all("many")
    expected = row | {
        "id": 1, "at": "2026-11-22T09:30:00+00:00", "data": '{"a": [1, 1.50]}', "code": "x  ", "span": "26:00:00",
        "net": "10.0.0.1/32",
    }  # fmt: skip
    assert expected == {**found, "net": f"{str(found['net']).removesuffix('/32')}/32"}


async def test_a_generated_column_is_read_only_and_a_default_makes_one_optional(url: str) -> None:
    columns = (await made(url).table("many")).columns
    assert columns["id"].read_only
    assert not columns["code"].required
    assert ("sad", "glad") == columns["mood"].values


async def test_a_table_of_another_schema_is_named_with_it(url: str) -> None:
    names = await made(url).tables()
    assert {"other.only", "other.people", "people"} <= set(names)
    other = RowsBench(made(url, schema="other"))
    assert {"only", "people", "public.people"} <= set(await other.connector.tables())
    await other.add({"id": 7})
    assert [{"id": 7}] == await other.ask("SELECT * FROM people")


async def test_parameters_have_the_type_that_the_server_wants(bench: RowsBench) -> None:
    await bench.add(*people(1, fee=Number("2.5"), joined="2026-11-22", seen="2026-11-22T08:00:00"))
    asked = await bench.ask(
        "SELECT id FROM people WHERE fee = :fee AND joined = :joined AND seen < :seen AND id = :id AND :flag",
        fee="2.50", joined="2026-11-22", seen="2026-11-22T08:00:01", id="1", flag=True,
    )  # fmt: skip
    assert [{"id": 1}] == asked
    assert isinstance(await refusal(bench.ask("SELECT 1 WHERE 1 = :id", id="one")), Terminal)


async def test_a_function_cannot_write_behind_a_statement(bench: RowsBench) -> None:
    assert isinstance(await refusal(bench.ask("SELECT sneak()")), Terminal)
    assert [] == await bench.all("log")


async def test_a_large_result_is_read_in_pieces(bench: RowsBench) -> None:
    rows = await bench.ask("SELECT g AS n, 'x' || g AS t FROM generate_series(1, 20000) g")
    assert (20_000, {"n": 20_000, "t": "x20000"}) == (len(rows), rows[-1])


async def test_wrong_credentials_a_closed_door_and_a_forbidden_address_are_told_apart(
    postgres: Server | Given, url: str
) -> None:
    await execute(url, "DROP ROLE IF EXISTS nobody_logs_in", "CREATE ROLE nobody_logs_in NOLOGIN")
    try:
        assert isinstance(await refusal(made(url, username="nobody_logs_in").check()), NeedsAuth)
    finally:
        await execute(url, "DROP ROLE nobody_logs_in")
    assert isinstance(await refusal(made(url, port=1).check()), Retriable)
    with pytest.raises(Invalid, match="networks"):
        made(url, networks=[])
    assert isinstance(await refusal(made(url, host="localhost", networks=[]).check()), Terminal)


async def test_a_row_that_another_holds_is_tried_later(url: str) -> None:
    import asyncpg

    bench = RowsBench(made(url, timeout=1))
    await bench.add(*people(1))
    holder = await asyncpg.connect(url)
    await holder.execute("BEGIN")
    await holder.execute("UPDATE people SET note = 'held' WHERE id = 1")
    change = bench.connector.write(RowWrite.UPDATE, "people", [{"id": 1, "name": "x"}], ["id"])
    assert isinstance(await refusal(change), Retriable)
    await holder.close()
    assert 1 == len(await bench.all(where=(Where("name", Comparison.EQUAL, "p1"),)))


async def test_a_date_that_is_none_is_refused_by_the_server(bench: RowsBench) -> None:
    assert isinstance(await refusal(bench.add({"id": 1, "name": "x", "joined": "2026-02-30"})), Terminal)


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
async def test_a_commit_without_an_answer_has_an_unknown_outcome(
    postgres: Server | Given, url: str, cut: Cut
) -> None:
    """Whether the rows are there is not known, and one of the two is true."""
    async with CuttingProxy(urlsplit(url).port or 5432).running() as proxy:
        bench = RowsBench(made(url, port=proxy.port))
        proxy.cut = cut
        assert isinstance(await refusal(bench.add(*people(1, 2))), UnknownOutcome)
        assert 1 == proxy.cuts
    assert (2 if cut is Cut.AFTER else 0) == len(await RowsBench(made(url)).all())


@pytest.fixture
def authority() -> Authority:
    return Authority.new()


@pytest.fixture
def secure(authority: Authority) -> Iterator[Server]:
    """A server with a certificate for the name localhost."""
    with private_folder() as (programs, folder):
        server, certified = Server(programs, folder), authority.certify("localhost")
        (folder / "own.crt").write_text(certified.certificate)
        (folder / "own.key").write_text(certified.key.reveal())
        (folder / "own.key").chmod(0o600)
        if os.geteuid() == 0:
            os.chown(folder / "own.key", NOBODY, NOBODY)
        server.settings = (
            f"{QUICK_START} -c ssl=on -c ssl_cert_file={folder}/own.crt -c ssl_key_file={folder}/own.key"
        )
        try:
            server.make()
            yield server
        finally:
            server.kill()


async def test_the_certificate_must_bear_the_name_although_an_address_is_called(
    secure: Server, authority: Authority
) -> None:
    url = secure.url("postgres")
    trusted: dict[str, JSON] = {"tls": "verify", "tls_ca": authority.certificate}
    assert "PostgreSQL" in await made(url, host="localhost", **trusted).check()
    assert "PostgreSQL" in await made(url, tls="require").check()
    stranger = Authority.new().certificate
    for settings_ in (trusted, {"host": "localhost", "tls": "verify", "tls_ca": stranger}):
        assert "tls_ca" in (await refusal(made(url, **settings_).check())).message


async def test_behind_a_pooler_it_reads_and_writes_too(url: str) -> None:
    with pooling(url) as pooler:
        bench = RowsBench(made(pooler.url(url)))
        assert 2 == await bench.add(*people(1, 2))
        assert [{"id": 1}, {"id": 2}] == await bench.ask("SELECT id FROM people ORDER BY id")
        assert isinstance(await refusal(bench.ask("SELECT sneak()")), Terminal)
        assert 1 == await bench.connector.write(RowWrite.UPSERT, "people", [{"id": 2, "name": "x"}], ["id"])
