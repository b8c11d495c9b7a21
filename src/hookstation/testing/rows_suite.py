"""What every system of rows has to keep, as tests.

A connector's test file subclasses `RowsSuite` and gives a ``bench`` fixture, whose tables are empty for each test:

- ``people``: ``id`` whole number and primary key, ``name`` text of 20 characters, ``fee`` decimal (12, 2),
  ``joined`` date, ``seen`` date-time without zone, ``active`` boolean, ``photo`` bytes, ``note`` long text;
- ``log``: ``who`` and ``what``, text, without any key;
- ``odd %"`]``: ``a b`` text, a name that has to be quoted;
- ``names``: a view of ``people`` with ``id`` and ``name``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from hookstation.core.records import FieldType
from hookstation.core.values import JSON, Number
from hookstation.errors import ActionFailed, NotFound, Terminal
from hookstation.ports.rows import Comparison, Row, RowQuery, RowsConnector, RowWrite, Where
from hookstation.testing.connector_suite import refusal

PEOPLE: Final = "people"
LOG: Final = "log"
ODD: Final = 'odd %"`]'
HOSTILE: Final = (
    "'; DROP TABLE people; --",
    "\\'; x",
    '"',
    "`",
    "%s %(a)s",
    "]]",
    "ä ß 漢 🎓",
    ":name $1 ?",
    "a\nb",
)

ANNA: Final[Row] = {
    "id": 1,
    "name": "Anna",
    "fee": Number("19.90"),
    "joined": "2026-11-22",
    "seen": "2026-11-22T09:30:00",
    "active": True,
    "photo": "AP9h",
    "note": None,
}


@dataclass(frozen=True, slots=True)
class RowsBench:
    """A connector with the tables of this suite. `exact`: decimals keep their digits; `lengths` are enforced."""

    connector: RowsConnector
    exact: bool = True
    lengths: bool = True

    async def rows(self, query: RowQuery) -> list[Row]:
        """All rows of a query."""
        async with aclosing(self.connector.select(query)) as batches:  # type: ignore[type-var]
            return [row async for batch in batches for row in batch]

    async def all(self, table: str = PEOPLE, **more: object) -> list[Row]:
        """A table's rows."""
        return await self.rows(RowQuery(table, **more))  # type: ignore[arg-type]

    async def add(self, *rows: Row, table: str = PEOPLE) -> int:
        """Rows inserted."""
        return await self.connector.write(RowWrite.INSERT, table, rows)

    async def ask(self, statement: str, **parameters: JSON) -> list[Row]:
        """Rows of a person's statement."""
        return await self.rows(RowQuery(statement=statement, parameters=parameters))


def people(*ids: int, **more: JSON) -> Sequence[Row]:
    """Rows with these ids."""
    return [{"id": one, "name": f"p{one}", **more} for one in ids]


class RowsSuite:
    """For every system of rows."""

    async def test_tables_and_views_are_told(self, bench: RowsBench) -> None:
        """Names stand as the system spells them."""
        names = await bench.connector.tables()
        assert {PEOPLE, LOG, ODD, "names"} <= set(names)
        assert (await bench.connector.check()).endswith(".")

    async def test_a_table_is_described_with_types_and_key(self, bench: RowsBench) -> None:
        """What decoding and forms go by."""
        table = await bench.connector.table(PEOPLE)
        kinds = {name: one.type for name, one in table.columns.items()}
        assert table.primary_key == ("id",)
        assert (kinds["id"], kinds["name"]) == (FieldType.INTEGER, FieldType.STRING)
        assert (kinds["fee"], kinds["joined"]) == (FieldType.DECIMAL, FieldType.DATE)
        assert (kinds["seen"], kinds["active"]) == (FieldType.DATETIME, FieldType.BOOLEAN)
        assert kinds["photo"] == FieldType.BINARY
        assert table.columns["name"].length == 20
        assert (table.columns["fee"].precision, table.columns["fee"].scale) == (12, 2)

    async def test_an_unknown_table_is_told_with_what_comes_near(self, bench: RowsBench) -> None:
        """A slip of the pen is seen at once."""
        missing = await refusal(bench.connector.table("peopel"))
        assert isinstance(missing, NotFound)
        assert PEOPLE in missing.message

    async def test_a_row_comes_back_as_it_was_written(self, bench: RowsBench) -> None:
        """Each type of column keeps its value."""
        assert await bench.add(ANNA) == 1
        [row] = await bench.all()
        fee = row["fee"]
        assert isinstance(fee, Number)
        assert Number("19.90").decimal == fee.decimal
        assert bench.exact is False or fee.text == "19.90"
        seen = str(row["seen"]).replace(" ", "T")
        assert {**row, "fee": ANNA["fee"], "seen": seen} == ANNA

    async def test_a_moment_with_an_offset_is_kept_in_the_zone_of_the_connection(
        self, bench: RowsBench
    ) -> None:
        """UTC, where nothing else is set."""
        await bench.add({"id": 1, "name": "a", "seen": "2026-11-22T10:30:00+01:00"})
        [row] = await bench.all()
        assert str(row["seen"]).replace(" ", "T") == "2026-11-22T09:30:00"

    async def test_hostile_text_is_only_text(self, bench: RowsBench) -> None:
        """Nothing that is written or looked for becomes part of a statement."""
        await bench.add(*({"who": text, "what": "x"} for text in HOSTILE), table=LOG)
        for text in HOSTILE:
            [row] = await bench.all(LOG, where=(Where("who", Comparison.EQUAL, text),))
            assert text == row["who"]
        assert len(HOSTILE) == len(await bench.all(LOG))

    async def test_odd_names_are_quoted(self, bench: RowsBench) -> None:
        """Spaces, quotes and percent signs in names."""
        assert await bench.add({"a b": "1"}, table=ODD) == 1
        assert await bench.all(ODD, where=(Where("a b", Comparison.EQUAL, "1"),), order=("a b",)) == [
            {"a b": "1"}
        ]

    async def test_a_column_that_is_not_there_is_refused(self, bench: RowsBench) -> None:
        """Names never come from what somebody wrote."""
        for call in (
            bench.all(columns=("id; DROP TABLE people",)),
            bench.all(order=("-nme",)),
            bench.all(where=(Where('id" = 1 --', Comparison.EQUAL, 1),)),
            bench.add({"id": 1, "nme": "x"}),
            bench.all("peopel"),
        ):
            assert isinstance(await refusal(call), Terminal)

    async def test_rows_are_chosen_ordered_and_limited(self, bench: RowsBench) -> None:
        """Each comparison."""
        await bench.add(*people(1, 2, 3, 4), {"id": 5, "name": "50%_x"}, {"id": 6, "name": "50ab"})
        wanted: Sequence[tuple[Where, list[int]]] = (
            (Where("id", Comparison.EQUAL, 2), [2]),
            (Where("id", Comparison.UNEQUAL, 2), [1, 3, 4, 5, 6]),
            (Where("id", Comparison.LESS, 3), [1, 2]),
            (Where("id", Comparison.AT_MOST, 3), [1, 2, 3]),
            (Where("id", Comparison.MORE, 4), [5, 6]),
            (Where("id", Comparison.AT_LEAST, 4), [4, 5, 6]),
            (Where("id", Comparison.IN, [1, 3, 9]), [1, 3]),
            (Where("id", Comparison.IN, []), []),
            (Where("name", Comparison.STARTS_WITH, "50%_"), [5]),
            (Where("note", Comparison.EQUAL, None), [1, 2, 3, 4, 5, 6]),
            (Where("note", Comparison.UNEQUAL, None), []),
        )
        for where, ids in wanted:
            assert ids == [row["id"] for row in await bench.all(where=(where,), order=("id",))]
        assert await bench.all(columns=("id",), order=("-id",), limit=2) == [{"id": 6}, {"id": 5}]

    async def test_rows_come_in_batches_and_reading_may_stop(self, bench: RowsBench) -> None:
        """The connection is let go when the reader goes."""
        await bench.add(*people(*range(1, 26)))
        query = RowQuery(PEOPLE, order=("id",), batch=10)
        async with aclosing(bench.connector.select(query)) as batches:  # type: ignore[type-var]
            assert len(await anext(batches)) == 10
        assert [len(batch) async for batch in bench.connector.select(query)] == [10, 10, 5]

    async def test_a_failing_row_leaves_none_behind(self, bench: RowsBench) -> None:
        """Rows are written in one transaction."""
        failure = await refusal(bench.add(*people(1, 2, 3, 1)))
        assert isinstance(failure, Terminal)
        assert await bench.all() == []

    async def test_a_text_that_is_too_long_is_refused_and_not_cut(self, bench: RowsBench) -> None:
        """What stands there is what was sent."""
        call = bench.add({"id": 1, "name": "n" * 21})
        if bench.lengths:
            assert isinstance(await refusal(call), Terminal)
        else:
            await call
            assert (await bench.all())[0]["name"] == "n" * 21

    async def test_an_update_changes_the_row_that_matches(self, bench: RowsBench) -> None:
        """A row that is as it is already counts; one that is not there is not added."""
        await bench.add(*people(1, 2))
        rows: Sequence[Row] = [{"id": 1, "name": "new"}, {"id": 2, "name": "p2"}, {"id": 9, "name": "none"}]
        assert await bench.connector.write(RowWrite.UPDATE, PEOPLE, rows, ["id"]) == 2
        assert [row["name"] for row in await bench.all(order=("id",))] == ["new", "p2"]

    async def test_an_update_that_finds_several_rows_for_one_writes_nothing(self, bench: RowsBench) -> None:
        """Nobody's record is changed by mistake."""
        await bench.add(*people(1, 2, note="same"))
        write = bench.connector.write
        change: Sequence[Row] = [{"note": "same", "name": "x"}]
        assert isinstance(await refusal(write(RowWrite.UPDATE, PEOPLE, change, ["note"])), Terminal)
        assert [row["name"] for row in await bench.all(order=("id",))] == ["p1", "p2"]

    async def test_an_upsert_adds_or_changes(self, bench: RowsBench) -> None:
        """By a key of the table."""
        await bench.add(*people(1, note="kept"))
        rows: Sequence[Row] = [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}, {"id": 2, "name": "again"}]
        assert await bench.connector.write(RowWrite.UPSERT, PEOPLE, rows, ["id"]) == 3
        told = [(row["id"], row["name"], row["note"]) for row in await bench.all(order=("id",))]
        assert told == [(1, "one", "kept"), (2, "again", None)]

    async def test_an_upsert_without_a_key_of_the_table_adds_or_changes_too(self, bench: RowsBench) -> None:
        """And refuses where several rows match."""
        write = bench.connector.write
        rows: Sequence[Row] = [
            {"who": "a", "what": "1"},
            {"who": "b", "what": "1"},
            {"who": "a", "what": "2"},
        ]
        assert await write(RowWrite.UPSERT, LOG, rows, ["who"]) == 3
        assert [(row["who"], row["what"]) for row in await bench.all(LOG, order=("who",))] == [
            ("a", "2"),
            ("b", "1"),
        ]
        await bench.add({"who": "a", "what": "3"}, table=LOG)
        assert isinstance(await refusal(write(RowWrite.UPSERT, LOG, rows[:1], ["who"])), Terminal)

    async def test_a_value_to_match_on_is_needed(self, bench: RowsBench) -> None:
        """NULL matches nothing, and a missing column would match everything."""
        for row, match in (({"name": "x"}, ["id"]), ({"id": None, "name": "x"}, ["id"]), ({"id": 1}, [])):
            call = bench.connector.write(RowWrite.UPSERT, PEOPLE, [row], match)
            assert isinstance(await refusal(call), Terminal)

    async def test_a_statement_of_a_person_has_bound_parameters(self, bench: RowsBench) -> None:
        """Names in quotes and comments are none; the same one may stand twice."""
        await bench.add(*people(1, 2, 3), {**ANNA, "id": 4})
        rows = await bench.ask(
            "SELECT id, ':no' AS said FROM people /* :no */ WHERE id > :least AND (name = :name OR id < :most)"
            " AND id > :least ORDER BY id -- :no\n;",
            least=1, most=3, name="Anna",
        )  # fmt: skip
        assert rows == [{"id": 2, "said": ":no"}, {"id": 4, "said": ":no"}]
        assert await bench.ask("SELECT id FROM people WHERE name = :name", name=HOSTILE[0]) == []
        assert await bench.ask("SELECT count(*) AS n FROM people") == [{"n": 4}]

    async def test_a_missing_parameter_is_named(self, bench: RowsBench) -> None:
        """With what was meant, perhaps."""
        failure = await refusal(bench.ask("SELECT id FROM people WHERE id > :since", sinc=1))
        assert "sinc" in failure.message

    async def test_columns_of_one_name_are_told_apart(self, bench: RowsBench) -> None:
        """A second one has a number."""
        await bench.add(*people(1))
        statement = "SELECT a.id, b.id FROM people a JOIN people b ON a.id = b.id"
        assert await bench.ask(statement) == [{"id": 1, "id_2": 1}]

    async def test_a_statement_of_a_person_only_reads(self, bench: RowsBench) -> None:
        """And is one."""
        await bench.add(*people(1))
        for statement in (
            "DELETE FROM people",
            "UPDATE people SET id = 2",
            "SELECT 1; DELETE FROM people",
            "SELECT * INTO other FROM people",
            "WITH gone AS (DELETE FROM people RETURNING id) SELECT id FROM gone",
            "COMMIT",
            "DROP TABLE people",
            "SELECT 1 /*! ; DELETE FROM people */",
            "-- nothing",
        ):
            assert isinstance(await refusal(bench.ask(statement)), ActionFailed)
        assert len(await bench.all()) == 1

    async def test_what_the_database_refuses_is_told(self, bench: RowsBench) -> None:
        """With its own words, on one line."""
        failure = await refusal(bench.ask("SELECT nothing_here FROM people"))
        assert isinstance(failure, Terminal)
        assert "nothing_here" in failure.message
        assert "\n" not in failure.message

    async def test_a_connection_of_rows_can_be_closed_twice(self, bench: RowsBench) -> None:
        """Closing is safe to repeat."""
        await bench.connector.close()
        await bench.connector.close()
