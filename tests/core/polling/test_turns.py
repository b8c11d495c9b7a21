"""What one turn takes: over many turns every item once, however they come."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.polling.turns import (
    MOST_SEEN,
    Asked,
    Found,
    Item,
    beyond,
    check_since,
    in_order,
    is_before,
    rank,
    unseen,
)
from hookstation.core.values import JSON, Number
from hookstation.errors import Terminal

VALUES = st.integers(0, 6)
ITEMS = st.lists(st.tuples(VALUES, st.integers(0, 40)), max_size=40, unique_by=lambda one: one[1])


def pairs(source: list[tuple[int, int]]) -> list[tuple[JSON, Item]]:
    return [(value, Item(f"key-{name}", name)) for value, name in source]


def follow(found: Found, most: int) -> Asked:
    return Asked(found.at, found.seen, most)


@given(ITEMS, st.integers(1, 5), st.randoms())
def test_every_item_comes_once_however_many_share_a_value(
    source: list[tuple[int, int]], most: int, random: Random
) -> None:
    """Turn after turn over a source whose answers come in any order, each item is taken exactly once."""
    asked, taken = Asked({}, (), most), []
    for _ in range(len(source) + 2):
        random.shuffle(source)
        found = beyond(pairs(source), asked)
        assert len(found.items) <= most
        taken += [item.key for item in found.items]
        asked = follow(found, most)
    assert sorted(f"key-{name}" for _, name in source) == sorted(taken)


@given(ITEMS, ITEMS, st.integers(1, 5))
def test_what_is_added_with_the_last_value_is_not_missed(
    first: list[tuple[int, int]], second: list[tuple[int, int]], most: int
) -> None:
    """Items that come later with the very value up to which the source was read are taken too."""
    top = max((value for value, _ in first), default=0)
    later = [(top, name + 1_000) for _, name in second]
    asked, taken = Asked({}, (), most), []
    for source in [first] * (len(first) + 1) + [[*first, *later]] * (len(later) + 1):
        found = beyond(pairs(source), asked)
        taken += [item.key for item in found.items]
        asked = follow(found, most)
    assert sorted(f"key-{name}" for _, name in [*first, *later]) == sorted(taken)


@given(ITEMS, st.integers(1, 5))
def test_a_source_without_a_cursor_gives_each_item_once(source: list[tuple[int, int]], most: int) -> None:
    """Of a source that always shows all it has, each item is taken once, and “more” says truly whether any is left."""
    items = [item for _, item in pairs(source)]
    asked, taken = Asked({}, (), most), []
    for _ in range(len(items) + 1):
        found = unseen(items, asked, {"begun": True})
        taken += [item.key for item in found.items]
        assert (len(taken) < len(items)) == found.more
        asked = follow(found, most)
    assert sorted(item.key for item in items) == sorted(taken)


@given(ITEMS)
def test_a_beginning_from_now_takes_nothing_that_is_there(source: list[tuple[int, int]]) -> None:
    """A first turn that begins from now on remembers everything, and the next one takes only what is added."""
    begun = beyond(pairs(source), Asked({}, (), 5, baseline=True))
    assert [] == list(begun.items)
    added = [*pairs(source), (9, Item("new", None))]
    assert ["new"] == [item.key for item in beyond(added, follow(begun, 5)).items]


@given(ITEMS, st.permutations(range(7)), st.integers(1, 5), st.integers(0, 3))
def test_an_order_that_the_source_alone_knows_is_kept(
    source: list[tuple[int, int]], order: list[int], most: int, late: int
) -> None:
    """Turn after turn, however a source orders its values: each item comes once, later ones too."""
    rows = sorted(source, key=lambda one: order.index(one[0]))
    added = [(rows[-1][0] if rows else 0, 100 + number) for number in range(late)]
    asked, taken = Asked({}, (), most), []
    for there in [rows] * (len(rows) + 1) + [[*rows, *added]] * (len(added) + 1):
        last = asked.at.get("value")
        values = [value for value, _ in there]
        found = in_order(pairs(there[values.index(last) if last is not None else 0 :]), asked)  # type: ignore[arg-type]
        taken += [item.key for item in found.items]
        asked = follow(found, most)
    assert sorted(f"key-{name}" for _, name in [*source, *added]) == sorted(taken)


@given(st.lists(st.sampled_from([1, 2, 3]), max_size=8), st.integers(1, 3))
def test_an_item_that_a_source_shows_twice_counts_once(numbers: list[int], most: int) -> None:
    """Also where no more than a part is taken at a time."""
    items = [Item(f"key-{number}", number) for number in numbers]
    asked, taken = Asked({}, (), most), []
    for _ in range(4):
        found = unseen(items, asked, {"begun": True})
        taken += [item.key for item in found.items]
        asked = follow(found, most)
    assert sorted({item.key for item in items}) == sorted(taken)


def test_values_are_ordered_as_people_mean_them() -> None:
    """Numbers go by their value, also where they are texts, moments by their time, and other texts by their signs."""
    ordered: list[JSON] = [
        None, Number("1.5"), 2, "10", "2026-01-01", "2026-10-25T02:50:00+02:00", "2026-10-25T02:10:00+01:00",
        "2026-11-22T00:00:00Z", "2026-11-22 00:00:00.5", "2026-11-22T00:00:01", "2026-13-01", "b",
    ]  # fmt: skip
    assert ordered == sorted(set(ordered), key=rank)


@pytest.mark.parametrize(
    ("moment", "since", "expected"),
    [
        ("2026-11-22T09:00:00.000Z", "2026-11-22T09:00:00Z", False),
        ("2026-11-22T08:59:59.999Z", "2026-11-22T10:00:00+01:00", True),
        ("2026-11-21T23:59:59Z", "2026-11-22", True),
        (None, "2026-11-22", False),
        ("2026-11-21", "", False),
    ],
)
def test_a_beginning_is_a_moment_however_it_is_written(moment: JSON, since: str, expected: bool) -> None:
    """With a zone or without, with parts of a second or without."""
    assert expected == is_before(moment, since)


def test_numbers_have_no_date_with_which_they_could_begin() -> None:
    """It is told, since nothing would ever come."""
    with pytest.raises(Terminal, match="grows in numbers"):
        check_since(5, Asked({}, (), 1, since="2026-01-01"))


def test_more_items_of_one_value_than_can_be_told_apart_are_refused() -> None:
    """Not one of them is dropped silently."""
    items = [(1, Item(str(number), None)) for number in range(MOST_SEEN + 1)]
    with pytest.raises(Terminal, match="the same value, 1"):
        beyond(items, Asked({}, (), MOST_SEEN + 1))
    with pytest.raises(Terminal, match="without a cursor"):
        unseen([item for _, item in items], Asked({}, (), 1), {})
