"""Values fitted to fields: exactly, or refused with the field, the limit and the kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.coerce import coerce, open_coercer
from hookstation.core.jsontext import dump_json
from hookstation.core.records import FieldSpec, FieldType
from hookstation.core.values import JSON, Number, Scalar
from hookstation.errors import MappingFailed

CHICAGO = ZoneInfo("America/Chicago")
STRING = FieldSpec("UF_1", FieldType.STRING, 10)
INTEGER = FieldSpec("COUNT", FieldType.INTEGER)
DECIMAL = FieldSpec("AMOUNT", FieldType.DECIMAL, precision=15, scale=2)
FREE_DECIMAL = FieldSpec("CREDITS", FieldType.DECIMAL)
BOOLEAN = FieldSpec("FLAG", FieldType.BOOLEAN)
DATE = FieldSpec("DAY", FieldType.DATE)
DATETIME = FieldSpec("WHEN", FieldType.DATETIME)
BINARY = FieldSpec("FILE", FieldType.BINARY, 3)
CHOICE = FieldSpec("GRADE", FieldType.STRING, 10, values=("pass", "fail"))


def failure(value: JSON, spec: FieldSpec) -> MappingFailed:
    with pytest.raises(MappingFailed) as caught:
        coerce(value, spec, CHICAGO)
    return caught.value


@pytest.mark.parametrize(
    ("value", "spec", "expected"),
    [
        ("abc", STRING, "abc"),
        ("", STRING, ""),
        (5, STRING, "5"),
        (Number("1e5"), STRING, "1e5"),
        (True, STRING, "true"),
        ({"a": 1}, STRING, '{"a":1}'),
        ([Number("1.0")], STRING, "[1.0]"),
        ("pass", CHOICE, "pass"),
        (7, INTEGER, 7),
        ("-7", INTEGER, -7),
        ("+007", INTEGER, 7),
        (Number("1e5"), INTEGER, 100_000),
        (Number("3.0"), INTEGER, 3),
        (2**31 - 1, INTEGER, 2**31 - 1),
        (Number("19.90"), DECIMAL, Number("19.90")),
        ("19.90", DECIMAL, Number("19.90")),
        ("+.5", DECIMAL, Number("0.5")),
        ("-007.50", DECIMAL, Number("-7.50")),
        ("5.", DECIMAL, Number("5")),
        (5, DECIMAL, Number("5")),
        (Number("1e5"), DECIMAL, Number("100000")),
        (Number("1.25E+1"), DECIMAL, Number("12.5")),
        (Number("19.900"), DECIMAL, Number("19.900")),
        (Number("1e-20"), FREE_DECIMAL, Number("0.00000000000000000001")),
        (True, BOOLEAN, True),
        ("False", BOOLEAN, False),
        ("2026-11-22", DATE, "2026-11-22"),
        ("2026-11-22T03:00:00Z", DATE, "2026-11-21"),
        ("2026-11-22T23:59:00", DATE, "2026-11-22"),
        ("2026-11-22", DATETIME, "2026-11-22T00:00:00"),
        ("2026-11-22T09:30", DATETIME, "2026-11-22T09:30:00"),
        ("2026-11-22 09:30:15.120", DATETIME, "2026-11-22T09:30:15.120"),
        ("2026-11-22T09:30:00.1234567Z", DATETIME, "2026-11-22T03:30:00.1234567"),
        ("2026-07-22T09:30:00+02:00", DATETIME, "2026-07-22T02:30:00"),
        ("2026-07-22t09:30:00-0530", DATETIME, "2026-07-22T10:00:00"),
        ("2026-11-22T09:30:00+05", DATETIME, "2026-11-21T22:30:00"),
        ("AAEC", BINARY, "AAEC"),
        (None, STRING, None),
        (None, DATE, None),
    ],
)
def test_a_value_that_fits_goes_out_in_the_field_s_type(
    value: JSON, spec: FieldSpec, expected: Scalar
) -> None:
    fitted = coerce(value, spec, CHICAGO)
    assert (expected, type(expected)) == (fitted, type(fitted))


@pytest.mark.parametrize(
    ("value", "spec", "said"),
    [
        ("x" * 11, STRING, "text of 11 characters; at most 10 are allowed"),
        (10**10, STRING, "integer of 11 characters; at most 10"),
        ({"key": "value"}, STRING, "object of 15 characters"),
        ("Pass", CHOICE, "not among the allowed values: pass, fail"),
        ("", INTEGER, "text that is not a whole number"),
        ("1.0", INTEGER, "text that is not a whole number"),
        (" 1", INTEGER, "text that is not a whole number"),
        ("٣", INTEGER, "text that is not a whole number"),
        (True, INTEGER, "boolean that is not a whole number"),
        (Number("1.5"), INTEGER, "number that is not a whole number"),
        ([1], INTEGER, "array that is not a whole number"),
        (2**31, INTEGER, "outside -2,147,483,648 to 2,147,483,647"),
        ("9" * 5_000, INTEGER, "text that is not a whole number"),
        (Number("19.905"), DECIMAL, "3 decimals; at most 2"),
        (10**13, DECIMAL, "14 digits before the point; at most 13"),
        ("1,5", DECIMAL, "text that is not a number"),
        (".", DECIMAL, "text that is not a number"),
        ("NaN", DECIMAL, "text that is not a number"),
        ("Infinity", DECIMAL, "text that is not a number"),
        ("1e9999", DECIMAL, "text that is not a number"),
        (False, DECIMAL, "boolean that is not a number"),
        (int("9" * 101), FREE_DECIMAL, "101 digits before the point; at most 100"),
        (1, BOOLEAN, "integer that is not a boolean"),
        ("yes", BOOLEAN, "text that is not a boolean"),
        ("2026-02-30", DATE, "text that is not an ISO date"),
        ("22.11.2026", DATE, "text that is not an ISO date"),
        (20261122, DATE, "integer that is not an ISO date"),
        ("2026-11-22T25:00:00", DATETIME, "text that is not an ISO datetime"),
        ("2026-11-22T09:30:60Z", DATETIME, "text that is not an ISO datetime"),
        ("2026-11-22T09:30:00+99:00", DATETIME, "text that is not an ISO datetime"),
        ("", DATETIME, "text that is not an ISO datetime"),
        ("0001-01-01T00:00:00Z", DATETIME, "end of the calendar"),
        ("A?==", BINARY, "not base64"),
        ("AAECAw==", BINARY, "4 bytes; at most 3"),
        (5, BINARY, "integer; base64 text is expected"),
        (None, FieldSpec("ID", FieldType.STRING, required=True), "null, but the field is required"),
        (
            "",
            FieldSpec("ID", FieldType.STRING, required=True),
            "text that is empty, but the field is required",
        ),
        (None, FieldSpec("D", FieldType.DATE, required=True), "null, but the field is required"),
        ("a\0b", STRING, "text that holds the character U+0000"),
        ("\0", CHOICE, "text that holds the character U+0000"),
        ("\0", DATE, "text that is not an ISO date"),
        ("2026-11-22T09:30:00\0", DATETIME, "text that is not an ISO datetime"),
        ("AA\0=", BINARY, "not base64"),
        ("€" * 22_000, FieldSpec("NOTE", FieldType.STRING), "66,000 bytes"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_field_limit_and_kind(
    value: JSON, spec: FieldSpec, said: str
) -> None:
    failed = failure(value, spec)
    assert failed.field == spec.name
    assert said in failed.message


def test_a_field_of_which_nothing_is_known_takes_no_nul_either() -> None:
    with pytest.raises(MappingFailed, match=r"^.*FREE.*U\+0000"):
        open_coercer("FREE")("a\0b")


def test_other_control_characters_go_out_as_they_came() -> None:
    text = "".join(map(chr, range(1, 32))) + "\x7f\x85"
    assert text == coerce(text, FieldSpec("NOTE", FieldType.STRING), CHICAGO)
    assert text == open_coercer("FREE")(text)


@given(st.text(min_size=5, max_size=200))
def test_an_error_never_echoes_the_value(value: str) -> None:
    marked = f"<{value}>"
    for spec in (INTEGER, DECIMAL, BOOLEAN, DATE, DATETIME, CHOICE):
        assert marked not in failure(marked, spec).message


@given(st.text(max_size=30), st.integers(0, 30))
def test_text_is_whole_or_refused(value: str, length: int) -> None:
    spec = FieldSpec("F", FieldType.STRING, length)
    try:
        assert coerce(value, spec, CHICAGO) == value
    except MappingFailed:
        assert len(value) > length


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**14), max_value=10**14))
def test_a_decimal_has_the_same_value_or_is_refused(value: Decimal) -> None:
    spec = FieldSpec("F", FieldType.DECIMAL, precision=12, scale=2)
    try:
        fitted = coerce(Number(str(value)), spec, CHICAGO)
        assert isinstance(fitted, Number)
        assert fitted.decimal == value
    except MappingFailed:
        assert value != value.quantize(Decimal("0.01")) or abs(value) >= 10**10


@given(
    st.datetimes(datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01")),
    st.integers(-23 * 60, 23 * 60),
    st.sampled_from(["America/Chicago", "UTC", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_a_zone_is_honoured_to_the_second(at: datetime, minutes: int, zone: str) -> None:
    away = timedelta(minutes=minutes)
    sign, size = ("-" if minutes < 0 else "+"), abs(minutes)
    written = f"{at.isoformat(timespec='seconds')}{sign}{size // 60:02}:{size % 60:02}"
    expected = (at - away).replace(tzinfo=UTC, microsecond=0).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert coerce(written, DATETIME, ZoneInfo(zone)) == expected.isoformat()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "x"),
        (5, 5),
        (Number("1e5"), Number("1e5")),
        (True, True),
        (None, None),
        ([1], "[1]"),
        ({"a": "b"}, '{"a":"b"}'),
    ],
)
def test_a_field_of_which_nothing_is_known_takes_values_as_they_are(value: JSON, expected: Scalar) -> None:
    assert open_coercer("X")(value) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_a_decimal_is_always_a_json_number(value: Decimal) -> None:
    try:
        fitted = coerce(str(value), FREE_DECIMAL, CHICAGO)
    except MappingFailed:
        return
    assert Decimal(dump_json(fitted)) == value
