"""What must hold for every value that the sandbox stores, and for every find."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.testing.sandbox.definitions import Column, panel
from hookstation.testing.sandbox.people import seeded_people
from hookstation.testing.sandbox.table import Condition, Table, read_condition
from hookstation.testing.sandbox.values import Stored, comparable, indexed, read_value, wrap

COLUMNS = [Column("CourseCode", length=5), Column("Credits", "Decimal", digits=9, scale=2)]
CODES = st.sampled_from(["", "A", "a", "Ab", "B", "ba"])
OPERATORS = st.sampled_from(["", "eq:", "contains:", "StartsWith:"])

stored = st.one_of(
    st.tuples(st.just(Column("Text")), st.text()),
    st.tuples(st.just(Column("Whole", "Integer")), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just(Column("Flag", "Boolean")), st.booleans()),
    st.tuples(
        st.just(Column("Money", "Monetary", digits=19, scale=4)),
        st.decimals(-(10**14), 10**14, places=4),
    ),
    st.tuples(
        st.just(Column("Day", "Date")),
        st.datetimes(datetime(1753, 1, 1)).map(lambda at: at.isoformat(timespec="milliseconds")),  # noqa: DTZ001
    ),
    st.tuples(st.just(Column("Any", "Integer")), st.none()),
)


@given(stored)
def test_what_goes_out_comes_back_the_same(pair: tuple[Column, Stored]) -> None:
    """A value read from its own wire form is the value."""
    column, value = pair
    assert value == read_value(column, wrap(column, value))


@given(stored)
def test_a_value_is_found_by_its_own_text(pair: tuple[Column, Stored]) -> None:
    """A find for the text of a stored value compares equal to it."""
    column, value = pair
    assert indexed(value) == comparable(column, "" if value is None else str(value))


@given(stored, st.sampled_from([[], {}, 1.5, True, {"$type": "System.Int32"}, {"$type": "x", "$value": []}]))
def test_what_cannot_be_stored_is_refused_with_the_name(pair: tuple[Column, Stored], raw: object) -> None:
    """A value of another form raises the refusal that names the property, whatever the property's type."""
    with pytest.raises(ValueError, match=pair[0].name):
        read_value(pair[0], raw)


@given(
    st.lists(st.tuples(CODES, CODES)),
    st.lists(st.tuples(OPERATORS, CODES), min_size=1, max_size=3),
)
def test_an_index_finds_what_looking_at_every_row_finds(
    changes: list[tuple[str, str]], asked: list[tuple[str, str]]
) -> None:
    """Whatever was inserted, changed and deleted, a find gives exactly the rows that meet its conditions."""
    table = Table(panel("ABC_Courses", COLUMNS))
    conditions: list[Condition] = [read_condition(COLUMNS[0], operator + text) for operator, text in asked]
    for before, after in changes:
        table.find(conditions)
        table.insert({"ID": "1", "CourseCode": before})
        kept = table.insert({"ID": "1", "CourseCode": before})
        table.update(kept, {"CourseCode": after or None})
        table.delete(next(iter(table.rows.values())))

    expected = [
        found.key for found in table.rows.values() if all(condition.holds(found) for condition in conditions)
    ]
    assert expected == [found.key for found in table.find(conditions)]


def test_there_are_500_people_with_ids_in_a_row() -> None:
    """The people are parties 10001 to 10500, and only the last two share an address."""
    people = list(seeded_people())
    assert [str(number) for number in range(10001, 10501)] == [person["id"] for person in people]
    assert len({person["email"] for person in people}) == 499
