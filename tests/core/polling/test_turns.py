"""What one turn takes: over many turns every item once, however they come."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.polling.turns import Asked, Found, Item, beyond, rank, unseen
from hookstation.core.values import JSON, Number

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


def test_values_are_ordered_as_people_mean_them() -> None:
    """Numbers go by their value, also where they are texts, and moments by their signs."""
    ordered: list[JSON] = [None, Number("1.5"), 2, "10", "2026-01-01T00:00:00Z", "2026-11-22T00:00:00Z", "b"]
    assert ordered == sorted(set(ordered), key=rank)
