"""A record and a field list survive being kept as text, digits and all."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as some

from hookstation.core.jsontext import dump_json
from hookstation.core.records import EntitySpec, FieldSpec, FieldType, Instances, Operation, Parent, Record
from hookstation.core.recordtext import read_record
from hookstation.core.spectext import read_spec, write_spec
from hookstation.core.values import Number, Scalar

TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS: some.SearchStrategy[Scalar] = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(-(10**30), 10**30),
    TEXT,
    some.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9).map(
        lambda value: Number(str(Decimal(value)))
    ),
)
FIELDS = some.dictionaries(TEXT, SCALARS, max_size=6)
RECORDS = some.tuples(TEXT, TEXT, some.sampled_from(Operation), FIELDS, FIELDS).map(
    lambda parts: Record(*parts)
)
SPECS = some.builds(
    EntitySpec,
    TEXT,
    some.dictionaries(
        TEXT,
        some.builds(
            FieldSpec,
            TEXT,
            some.sampled_from(FieldType),
            length=some.none() | some.integers(0, 10**6),
            required=some.booleans(),
            values=some.lists(TEXT, max_size=3).map(tuple),
            precision=some.none() | some.integers(0, 38),
            scale=some.none() | some.integers(0, 38),
            read_only=some.booleans(),
            caption=TEXT,
        ),
        max_size=4,
    ),
    some.sampled_from(Parent),
    some.sampled_from(Instances),
    some.none() | TEXT,
    some.booleans(),
)


@given(RECORDS)
def test_a_record_is_read_back_as_it_was_written(record: Record) -> None:
    assert record == read_record(dump_json(record.as_json()))


def test_a_number_keeps_its_digits() -> None:
    record = Record(
        "c", "E", Operation.INSERT, {"a": Number("19.90"), "b": Number("1e5"), "c": 12345678901234567890}
    )
    assert record.fields == read_record(dump_json(record.as_json())).fields
    assert "19.90" in dump_json(record.as_json())
    assert "1e5" in dump_json(record.as_json())


@given(SPECS)
def test_a_field_list_is_read_back_as_it_was_written(spec: EntitySpec) -> None:
    assert spec == read_spec(write_spec(spec))
