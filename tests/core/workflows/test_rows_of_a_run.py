"""Rows on their way through a run: which of them changed, and which columns of them come out."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.transfers.definitions import Column
from hookstation.core.values import JSON, Number
from hookstation.core.workflows.columns import compile_columns
from hookstation.core.workflows.delta import Delta, Row
from hookstation.core.workflows.scope import RunScope, first_frame
from hookstation.errors import Invalid, MappingFailed

VALUES: Final[st.SearchStrategy[JSON]] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(Number("1.50")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
ROWS: Final = st.lists(st.fixed_dictionaries({"ID": st.integers(0, 5), "a": VALUES, "b": VALUES}), max_size=8)


def turned_round(value: JSON) -> JSON:
    """The same value with the members of every object in the opposite order."""
    if isinstance(value, dict):
        return {name: turned_round(one) for name, one in reversed(value.items())}
    return [turned_round(one) for one in value] if isinstance(value, list) else value


@given(rows=ROWS)
def test_what_was_let_through_once_is_not_let_through_again(rows: list[dict[str, JSON]]) -> None:
    delta = Delta(["ID"])
    by_key = delta.by_key(rows)
    fresh, hashes = delta.changed(by_key, {})
    assert (list(by_key.values()), ([], {})) == (fresh, delta.changed(by_key, hashes))


@given(row=st.fixed_dictionaries({"ID": st.integers(), "a": VALUES}))
def test_the_order_of_columns_and_members_does_not_count(row: dict[str, JSON]) -> None:
    other = turned_round(row)
    assert isinstance(other, dict)
    delta = Delta(["ID"])
    assert (delta.key_of(row), delta.hash_of(row)) == (delta.key_of(other), delta.hash_of(other))


@given(before=VALUES, after=VALUES)
def test_a_row_is_let_through_when_a_value_that_counts_changed_and_only_then(
    before: JSON, after: JSON
) -> None:
    delta = Delta(["ID"], ["a"])
    old, new = {"ID": 1, "a": before, "b": before}, {"ID": 1, "a": after, "b": after}
    _, known = delta.changed(delta.by_key([old]), {})
    fresh, _ = delta.changed(delta.by_key([new]), known)
    expected = [] if delta.hash_of({"a": before}) == delta.hash_of({"a": after}) else [new]
    assert expected == fresh


def test_rows_with_other_keys_are_never_taken_for_one_another() -> None:
    """A key of several columns keeps them apart: what ends one does not begin the next."""
    delta = Delta(["x", "y"])
    assert delta.key_of({"x": "a", "y": "bc"}) != delta.key_of({"x": "ab", "y": "c"})
    assert delta.key_of({"x": 1, "y": 2}) != delta.key_of({"x": "1", "y": "2"})


def test_of_two_rows_with_one_key_the_last_one_counts() -> None:
    rows: list[Row] = [{"ID": 1, "a": 1}, {"ID": 1, "a": 2}]
    delta = Delta(["ID"])
    assert [{"ID": 1, "a": 2}] == delta.changed(delta.by_key(rows), {})[0]


def test_a_long_key_is_kept_as_its_digest() -> None:
    assert 64 == len(Delta(["ID"]).key_of({"ID": "x" * 1_000}))


@pytest.mark.parametrize("row", [{"x": 1}, {"x": 1, "y": None}])
def test_a_row_without_its_key_is_refused_with_its_number(row: dict[str, JSON]) -> None:
    with pytest.raises(MappingFailed, match="row 3: has no “y”"):
        Delta(["x", "y"]).by_key([row], first=3)


def scope() -> RunScope:
    return first_frame({"course": "A"}, {"id": "r"}, 0).scope()


def test_columns_are_chosen_renamed_and_made_in_their_order() -> None:
    columns = compile_columns(
        (
            Column("label", value="$$Name$$ ($$trigger.course$$, $$index$$)"),
            Column("member", "ID"),
            Column("Name"),
        ),
        {"from": "us"},
    )
    expected = [{"label": "Ann (A, 4)", "member": Number("7.0"), "Name": "Ann", "from": "us"}]
    made = columns.select([{"ID": Number("7.0"), "Name": "Ann"}], scope(), 4)
    assert expected == made
    assert ["label", "member", "Name", "from"] == list(made[0])


def test_a_column_that_is_not_there_is_null() -> None:
    columns = compile_columns((Column("a"), Column("b", value="$$none$$")))
    assert [{"a": None, "b": None}] == columns.select([{}], scope())


def test_a_value_that_is_one_property_keeps_its_type_and_the_whole_row_is_item() -> None:
    columns = compile_columns((Column("tags", value="$$tags$$"), Column("all", value="$$item$$")))
    assert [{"tags": [1], "all": {"tags": [1]}}] == columns.select([{"tags": [1]}], scope())


def test_a_template_that_fails_names_row_and_column() -> None:
    columns = compile_columns((Column("a", value="{{ x | date: '%Y' }}"),))
    with pytest.raises(MappingFailed, match="row 2: “a”"):
        columns.select([{"x": "2026-01-01"}, {"x": "never"}], scope())


def test_a_template_that_cannot_be_read_is_refused_at_its_place() -> None:
    with pytest.raises(Invalid) as refusal:
        compile_columns((Column("a"), Column("b", value="$$oops")))
    assert [(1, "value")] == [problem.path for problem in refusal.value.problems]
