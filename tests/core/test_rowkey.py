"""Which row a record means, and the turn that one event at a time has at it."""

from __future__ import annotations

import pytest
from msgspec import structs

from hookstation.core.records import Operation, Record
from hookstation.core.rowkey import turn_of
from hookstation.core.values import Number, Scalar


def wanted(value: Scalar) -> Record:
    return Record("far", "Courses", Operation.UPSERT, {}, {"Code": value})


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("abc", "ABC  ", True),
        ("a", "b", False),
        (7, Number("7.0"), True),
        (100, Number("1e2"), True),
        (Number("1.50"), Number("1.5"), True),
        (Number("1e999999999"), Number("10e999999998"), True),
        (0, Number("-0.00"), True),
        (Number("0.1"), Number("0.10000000000000000000000000000000001"), False),
        ("2026-11-22T09:30:00", "2026-11-22T09:30:00.000", True),
        (True, "TRUE", True),
    ],
)
def test_one_row_has_one_turn_however_its_value_is_written(left: Scalar, right: Scalar, same: bool) -> None:
    assert same is (turn_of(wanted(left)) == turn_of(wanted(right)))


@pytest.mark.parametrize("operation", [Operation.INSERT, Operation.UPDATE])
def test_what_is_no_upsert_needs_no_turn(operation: Operation) -> None:
    assert b"" == turn_of(Record("far", "Courses", operation, {}, {"Code": "A"}))


def test_other_connections_entities_and_fields_are_other_rows() -> None:
    one = Record("far", "Courses", Operation.UPSERT, {"Grade": "1"}, {"Code": "A"})
    same = structs.replace(one, fields={"Grade": "2"})
    others = [
        structs.replace(one, connection="near"),
        structs.replace(one, entity="Venues"),
        structs.replace(one, match={"Name": "A"}),
        structs.replace(one, match={"Code": "A", "Name": "B"}),
    ]
    assert turn_of(one) == turn_of(same)
    assert 5 == len({turn_of(one), *map(turn_of, others)})
