"""What the connector makes of statements and values, whatever database is behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.connectors.sql import dialect, sqlserver
from hookstation.connectors.sql.engine import Column, ColumnFacts, Place, Quoting, Table
from hookstation.connectors.sql.mysql import driver
from hookstation.connectors.sql.sqlserver import SqlServerEngine
from hookstation.connectors.sql.statement import joined, read_statement
from hookstation.connectors.sql.values import array_text, bind, distinct, read_value
from hookstation.core.records import FieldType
from hookstation.core.values import JSON, Number
from hookstation.errors import NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.rows import Comparison, RowQuery, Where

BERLIN = ZoneInfo("Europe/Berlin")


def column(kind: FieldType, wire: str = "", **more: bool) -> Column:
    return Column(ColumnFacts("x", kind).spec, wire, **more)


TABLE = Table(
    "dbo.a]b",
    "[dbo].[a]]b]",
    {
        "id": column(FieldType.INTEGER),
        "at": column(FieldType.DATETIME, "datetime2"),
        "50% [x]": column(FieldType.STRING),
    },
    ("id",),
    (frozenset({"id"}),),
)


def test_sql_server_is_spoken_to_in_its_own_words() -> None:
    query = RowQuery(
        "dbo.a]b",
        ("id", "50% [x]"),
        (
            Where("at", Comparison.MORE, "2026-11-22T10:00:00Z"),
            Where("50% [x]", Comparison.STARTS_WITH, "a[_"),
        ),
        ("-id",),
        5,
    )
    statement, values = dialect.select(SqlServerEngine.dialect, TABLE, query, BERLIN)
    assert (
        "SELECT TOP (5) [id], [50%% [x]]] FROM [dbo].[a]]b] WHERE [at] > CAST(%s AS datetime2)"
        " AND [50%% [x]]] LIKE %s ESCAPE '!' ORDER BY [id] DESC"
    ) == statement
    assert ["2026-11-22T11:00:00", "a![!_%"] == values


def test_sql_server_upserts_by_an_update_and_an_insert() -> None:
    assert not dialect.can_upsert(SqlServerEngine.dialect, TABLE, ["id"])
    made = dialect.update(SqlServerEngine.dialect, TABLE, {"id": 1, "at": None}, ["id"], BERLIN)
    assert ("UPDATE [dbo].[a]]b] SET [at] = CAST(%s AS datetime2) WHERE [id] = %s", [None, 1]) == made


class _Told(Exception):
    def __init__(self, number: int) -> None:
        super().__init__("told")
        self.msg_no = number


@pytest.mark.parametrize(
    ("number", "committing", "kind"),
    [
        (18456, False, NeedsAuth), (1205, False, Retriable), (2627, False, Terminal), (0, False, Retriable),
        (0, True, UnknownOutcome),
    ],
)  # fmt: skip
def test_what_sql_server_says_is_told_as_what_to_do(
    number: int, committing: bool, kind: type[Exception]
) -> None:
    assert kind is type(SqlServerEngine(Place()).failure(_Told(number), committing=committing))


def test_sql_servers_columns_are_read_from_its_catalogue() -> None:
    made = sqlserver._column(("name", "nvarchar", 1, 0, 80, 0, 0))
    assert (FieldType.STRING, 40, True) == (made.spec.type, made.spec.length, made.spec.required)
    assert sqlserver._column(("v", "timestamp", 0, 1, 8, 0, 0)).spec.read_only


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(Terminal, match=r"install hookstation\[mysql\]"):
        driver("hookstation_has_no_such_driver", "mysql")


@pytest.mark.parametrize(("statement", "quoting", "names"), [
    ("SELECT a::int, ':x', \":y\", $$ :z $$ FROM t WHERE b = :b", Quoting.STANDARD, ("b",)),
    ("SELECT 'a\\' , :a , 'b'", Quoting.STANDARD, ("a",)),
    ("SELECT 'a\\' , :a , ' , :b # :c\n, :d --:e", Quoting.BACKSLASHES, ("b", "d", "e")),
    ("SELECT [a:b] , [c]]:d], :e FROM t -- :f", Quoting.BRACKETS, ("e",)),
    ("  WITH t AS (SELECT 1) SELECT * FROM t; -- the end", Quoting.STANDARD, ()),
    ("SELECT \"update\", '12:30' , x[1:2]", Quoting.STANDARD, ()),
])  # fmt: skip
def test_names_of_values_stand_outside_of_quotes_and_comments(
    statement: str, quoting: Quoting, names: tuple[str, ...]
) -> None:
    assert names == read_statement(statement, quoting).names


@pytest.mark.parametrize("statement", [
    "SELECT 1 /* /* */ ' */ DELETE FROM t --'", "SELECT 1 /*! DELETE */", "SELECT 1; SELECT 2", "EXEC x",
    "SELECT [a'] ; DELETE FROM t --']", "SELECT 1 DELETE FROM t", "/* SELECT */", "SELECT 1 /**/; /**/ DROP TABLE t",
])  # fmt: skip
def test_what_might_write_is_refused(statement: str) -> None:
    with pytest.raises(Terminal):
        read_statement(statement, Quoting.BRACKETS)


@given(
    st.lists(st.sampled_from(["'it''s :no'", '":no"', "/* :no */", "-- :no\n", "a::b", " x ", "%", "=", "1"]))
)
def test_without_names_a_statement_stays_as_it_is(parts: list[str]) -> None:
    text = "SELECT " + " ".join(parts)
    assert text == joined(read_statement(text), [])


@given(st.lists(st.sampled_from(["a", "a_2", "b"]), max_size=6))
def test_names_of_columns_are_each_there_once_and_the_first_is_kept(names: list[str]) -> None:
    made = distinct(names)
    assert len(names) == len(set(made)) == len(made)
    assert names[:1] == made[:1]


@pytest.mark.parametrize(("value", "told"), [
    (Decimal("19.900"), Number("19.900")), (Decimal("1E+3"), Number("1000")), (Decimal("NaN"), "NaN"),
    (0.1, Number("0.1")), (float("inf"), "inf"), (b"\x00\xff", "AP8="), (timedelta(days=-1, seconds=1), "-23:59:59"),
    (datetime(2026, 11, 22, 9, 30, tzinfo=UTC), "2026-11-22T09:30:00+00:00"), ([Decimal(1), None], [Number("1"), None]),
    (ZoneInfo("UTC"), "UTC"),
])  # fmt: skip
def test_a_drivers_value_becomes_json(value: object, told: JSON) -> None:
    assert told == read_value(value)


@pytest.mark.parametrize(("value", "made", "bound"), [
    ("2026-11-22T10:00:00Z", column(FieldType.DATETIME), "2026-11-22T11:00:00"),
    ("2026-11-22 10:00:00+01:00", column(FieldType.DATETIME), "2026-11-22 10:00:00"),
    ("2026-11-22T10:00:00", column(FieldType.DATETIME), "2026-11-22T10:00:00"),
    ("2026-11-22T10:00:00+01:00", column(FieldType.DATETIME, zoned=True), "2026-11-22T10:00:00+01:00"),
    ("tomorrow", column(FieldType.DATETIME), "tomorrow"), ("Yes", column(FieldType.BOOLEAN), 1),
    ("AP8=", column(FieldType.BINARY), b"\x00\xff"), (Number("1.50"), column(FieldType.DECIMAL), "1.50"),
    (2**70, column(FieldType.INTEGER), str(2**70)), (True, column(FieldType.STRING), "true"),
    ({"a": [1]}, column(FieldType.STRING), '{"a":[1]}'),
    ([1, None], column(FieldType.STRING, json_list=True), '{"1",NULL}'),
])  # fmt: skip
def test_a_value_is_bound_as_its_column_takes_it(value: JSON, made: Column, bound: object) -> None:
    assert bound == bind("x", value, made, BERLIN)


@pytest.mark.parametrize(
    ("value", "kind"), [("no base64!", FieldType.BINARY), ("perhaps", FieldType.BOOLEAN)]
)
def test_a_value_that_a_column_cannot_hold_is_named(value: str, kind: FieldType) -> None:
    with pytest.raises(Terminal, match="x: "):
        bind("x", value, column(kind), BERLIN)


def test_a_list_is_an_array_with_quotes_around_all_that_is_text() -> None:
    assert r'{"a","b \"c\\",NULL,{"1","2"}}' == array_text(["a", 'b "c\\', None, [1, 2]])
