"""Rows of a database that is moved: their keys, the mark of how far it is, and their digest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.copying import TABLES, Digest, Row, Unfinished, read_key, read_unfinished, write_key

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.binary(max_size=5),
)
ROWS = st.lists(VALUES, max_size=4).map(tuple)


@given(ROWS)
def test_a_key_is_read_as_it_was_written(key: Row) -> None:
    assert key == read_key(write_key(key))


@given(st.text(max_size=8), st.integers(0, 2**40), ROWS)
def test_how_far_a_copy_is_is_read_as_it_was_written(source: str, batch: int, key: Row) -> None:
    standing = Unfinished(source.encode("utf-8", "replace").decode(), batch, "events", write_key(key))
    assert standing == read_unfinished(standing.write())


@given(st.lists(ROWS, max_size=4), st.lists(ROWS, max_size=4))
def test_digests_are_the_same_exactly_for_the_same_rows(some: list[Row], others: list[Row]) -> None:
    assert (some == others) == (digest(some) == digest(others))


@given(st.lists(ROWS, max_size=6), st.integers(0, 6))
def test_a_digest_does_not_know_of_batches(rows: list[Row], cut: int) -> None:
    assert digest(rows) == digest(rows[:cut], rows[cut:])


def test_a_table_is_found_by_its_first_columns() -> None:
    assert [] == [table.name for table in TABLES if not 0 < table.key < len(table.columns)]
    [jobs] = [table for table in TABLES if table.name == "jobs"]
    assert ("events", "01") == jobs.key_of(("events", "01", *range(10)))


def digest(*batches: list[Row]) -> tuple[int, str]:
    found = Digest()
    for batch in batches:
        found.add(batch)
    return found.rows, found.sha256
