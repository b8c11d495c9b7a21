"""Databases and iMIS as sources: rows beyond a watermark, whatever shares it and whatever has none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw
import pytest

from hookstation.connectors.imis import ImisConnector
from hookstation.core.records import ACTIVITY, Operation, Record
from hookstation.testing.sandbox import Sandbox, running_sandbox
from tests.support.mariadb import MariaDb, mariadb
from tests.support.polls import LOOPBACK, PollBench, poll_bench
from tests.support.postgres import Reachable, execute, new_database, postgres

__all__ = ["mariadb", "postgres"]

TABLE = "CREATE TABLE orders (id integer PRIMARY KEY, name varchar(20), at {}, code varchar(10))"


@dataclass
class Shop:
    """A database with orders, and a bench that is connected to it."""

    bench: PollBench
    run: Callable[[str], Awaitable[None]]

    async def put(self, **more: Any) -> None:
        """Poll the orders."""
        source = {"type": "sql", "connection": "shop", "table": "orders", "watermark": "at"}
        await self.bench.put({**source, **more.pop("source", {})}, **more)

    async def add(self, *rows: tuple[int, str]) -> None:
        """Orders with their number and moment; an empty one is NULL."""
        for number, at in rows:
            await self.run(f"INSERT INTO orders (id, name, at) VALUES ({number}, 'n{number}', {_quoted(at)})")

    async def come(self) -> list[int]:
        """The numbers of the orders that one turn brings."""
        return [one["id"] for one in await self.bench.come()]


def _quoted(at: str) -> str:
    return f"'{at}'" if at else "NULL"


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Shop]:
    file = tmp_path / "shop.db"
    database = apsw.Connection(str(file))
    database.execute(TABLE.format("DATETIME"))

    async def run(statement: str) -> None:
        database.execute(statement)

    connection = {"name": "shop", "type": "sql", "engine": "sqlite", "file": str(file)}
    async with poll_bench(tmp_path, connection) as bench:
        yield Shop(bench, run)
    database.close()


@pytest.fixture
async def on_postgres(tmp_path: Path, postgres: Reachable) -> AsyncIterator[Shop]:
    async with new_database(postgres) as url:
        parts = urlsplit(url)
        await execute(url, TABLE.format("timestamptz"))
        connection = {
            "name": "shop", "type": "sql", "engine": "postgresql", "host": parts.hostname, "port": parts.port,
            "username": parts.username, "database": parts.path[1:], "tls": "off", "networks": LOOPBACK,
        }  # fmt: skip
        async with poll_bench(tmp_path, connection) as bench:
            yield Shop(bench, lambda statement: execute(url, statement))


@pytest.fixture
async def on_mariadb(tmp_path: Path, mariadb: MariaDb) -> AsyncIterator[Shop]:
    with mariadb.database() as name:
        mariadb.execute(TABLE.format("datetime(6)"), database=name)

        async def run(statement: str) -> None:
            mariadb.execute(statement, database=name)

        connection = {
            "name": "shop", "type": "sql", "engine": "mysql", "host": "127.0.0.1", "port": mariadb.port,
            "username": mariadb.user, "database": name, "tls": "off", "networks": LOOPBACK,
        }  # fmt: skip
        async with poll_bench(tmp_path, connection) as bench:
            yield Shop(bench, run)


@pytest.fixture(params=["sqlite", "on_postgres", "on_mariadb"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """Each kind of database that can be had here."""
    found: Shop = request.getfixturevalue(request.param)
    return found


MORNING, NOON, EVENING = "2026-11-22 08:00:00", "2026-11-22 12:00:00.123456", "2026-11-22 18:00:00"


async def test_rows_come_once_however_many_share_a_moment(shop: Shop) -> None:
    """Two at a time; what is added under the last moment comes too, and a row without one waits until it has one."""
    await shop.add((1, MORNING), (2, NOON), (3, NOON), (4, NOON), (5, ""))
    await shop.put(most=2)
    assert [1, 2] == await shop.come()
    assert [3, 4] == await shop.come()
    assert [] == await shop.come()
    await shop.add((6, NOON))
    await shop.run(f"UPDATE orders SET at = '{EVENING}' WHERE id = 5")
    assert [6, 5] == await shop.come()
    assert [] == await shop.come()


async def test_a_row_that_is_changed_comes_once_more(shop: Shop) -> None:
    """It is known by its primary key and its moment, unless the poll says another key."""
    await shop.add((1, MORNING))
    await shop.put()
    await shop.bench.put(
        {"type": "sql", "connection": "shop", "table": "orders", "watermark": "at"}, "once", key="$$id$$"
    )
    assert ([1], 1) == (await shop.come(), (await shop.bench.look("once")).accepted)
    await shop.run(f"UPDATE orders SET at = '{EVENING}' WHERE id = 1")
    turn = await shop.bench.look("once")
    assert ([1], (1, 0, 1)) == (await shop.come(), (turn.found, turn.accepted, turn.repeated))


@pytest.mark.parametrize(
    ("first", "begun"), [("now", []), ("everything", [1, 2]), ({"since": "2026-11-22"}, [2])]
)
async def test_rows_begin_as_their_poll_says(shop: Shop, first: object, begun: list[int]) -> None:
    """A row without a moment is no beginning."""
    await shop.add((1, "2026-11-21 23:59:59"), (2, NOON), (9, ""))
    await shop.put(first=first)
    assert begun == await shop.come()
    await shop.add((3, NOON), (4, EVENING))
    assert [3, 4] == await shop.come()


async def test_a_beginning_from_now_takes_the_first_rows_of_an_empty_table(shop: Shop) -> None:
    """What comes later is new."""
    await shop.put(first="now")
    assert [] == await shop.come()
    await shop.add((1, MORNING))
    assert [1] == await shop.come()


@pytest.mark.parametrize("order", ["ORDER BY id", "ORDER BY id DESC"])
async def test_a_statement_gives_rows_in_any_order(shop: Shop, order: str) -> None:
    """It gets the last watermark, before the first turn the one that the poll says."""
    await shop.add((1, MORNING), (2, NOON), (3, EVENING))
    statement = f"SELECT id, name FROM orders WHERE id >= :watermark {order}"
    source = {"statement": statement, "parameters": {"watermark": 2}, "watermark": "id", "table": None}
    await shop.put(source=source, most=1)
    assert [[2], [3], []] == [await shop.come() for _ in range(3)]


async def test_texts_go_by_the_order_of_their_database(shop: Shop) -> None:
    """Digits in a text are no numbers there: none is passed over."""
    for number, code in enumerate(("9", "10", "11", "100")):
        await shop.run(f"INSERT INTO orders (id, code) VALUES ({number}, '{code}')")
    await shop.put(source={"watermark": "code"}, most=1)
    assert [0, 1, 2, 3] == sorted([one for _ in range(5) for one in await shop.come()])


async def test_a_date_is_no_beginning_for_numbers(shop: Shop) -> None:
    """The turn says so, instead of finding nothing for ever."""
    await shop.put(source={"watermark": "id"}, first={"since": "2026-01-01"})
    assert "grows in numbers" in (await shop.bench.look()).error


async def test_a_watermark_is_a_column_however_it_is_spelled(shop: Shop) -> None:
    """One that is none is told, with those that there are."""
    await shop.add((1, MORNING))
    await shop.put(source={"watermark": "AT"})
    assert [1] == await shop.come()
    await shop.put(source={"watermark": "changed"})
    assert "no column “changed”; it has id, name, at, code" in (await shop.bench.look()).error


async def test_what_is_not_there_is_told(shop: Shop) -> None:
    """The poll fails with what is missing, and goes on when it is there."""
    await shop.run("ALTER TABLE orders RENAME TO aside")
    await shop.put()
    assert "orders" in (await shop.bench.look()).error
    assert 1 == (await shop.bench.standing()).standing.failures
    await shop.run("ALTER TABLE aside RENAME TO orders")
    await shop.add((1, MORNING))
    assert [1] == await shop.come()
    assert 0 == (await shop.bench.standing()).standing.failures


async def test_a_range_is_asked_for_again(shop: Shop) -> None:
    """Between two moments, both with them; what came before is known again."""
    await shop.add((1, MORNING), (2, NOON), (3, EVENING))
    await shop.put(first="now")
    await shop.come()
    done = [await shop.bench.polls.repair("feed", MORNING, "2026-11-22 13:00:00", "ann") for _ in range(2)]
    assert [(2, 2), (2, 0)] == [(one.found, one.accepted) for one in done]
    assert ["n1", "n2"] == [(await shop.bench.payload(one))["name"] for one in await shop.bench.events()]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running_sandbox() as one:
        yield one


@pytest.fixture
async def imis(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[PollBench]:
    connection = {
        "name": "imis", "type": "imis", "url": sandbox.url, "networks": LOOPBACK, "username": "manager",
        "password": "sandbox",
    }  # fmt: skip
    async with poll_bench(tmp_path, connection) as bench:
        yield bench


async def write(bench: PollBench, entity: str, **fields: str) -> None:
    """A record in iMIS of our person."""
    target = bench.station.services.targets.connectors["imis"]
    assert isinstance(target, ImisConnector)
    spec = target.presumed(entity) if entity == ACTIVITY else await target.describe(entity)
    await target.execute(Record("imis", entity, Operation.INSERT, {"ID": "10420", **fields}), spec)


async def add(bench: PollBench, *rows: tuple[str, str]) -> None:
    """Activities in iMIS, each of a type and a day."""
    for type_, day in rows:
        await write(bench, ACTIVITY, ACTIVITY_TYPE=type_, TRANSACTION_DATE=f"{day}T09:00:00")


COURSES = "ABC_Courses"
DAYS = (("COURSE", "2026-11-20"), ("GIFT", "2026-11-21"), ("COURSE", "2026-11-22"))


@pytest.mark.parametrize(("first", "begun"), [("now", 0), ("everything", 2), ({"since": "2026-11-21"}, 1)])
async def test_activities_come_by_their_number(imis: PollBench, first: object, begun: int) -> None:
    """Only the types that are wanted; a date holds also where the first reading takes several turns."""
    await add(imis, *DAYS)
    await imis.put(
        {"type": "imis_activities", "connection": "imis", "types": ["COURSE"]}, first=first, most=1
    )
    assert begun == len([one for _ in range(4) for one in await imis.come()])
    await add(imis, ("COURSE", "2026-11-01"))
    assert ["2026-11-01T09:00:00"] == [one["TRANSACTION_DATE"] for _ in range(2) for one in await imis.come()]


@pytest.mark.parametrize("more", [{}, {"watermark": "Ordinal"}])
async def test_rows_of_a_stored_query_come_once(imis: PollBench, more: dict[str, str]) -> None:
    """By a column that grows, or by their content alone."""
    await write(imis, COURSES, CourseCode="C1", Grade="A")
    await imis.put({"type": "imis_query", "connection": "imis", "query": f"$/Sandbox/{COURSES}", **more})
    assert ["C1"] == [one["CourseCode"] for one in await imis.come()]
    await write(imis, COURSES, CourseCode="C2", Grade="A")
    assert ["C2"] == [one["CourseCode"] for one in await imis.come()]
    assert [] == await imis.come()
