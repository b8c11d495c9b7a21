"""What two documents have otherwise is all of it and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from hookstation.core.differences import Difference, Verb, differences
from hookstation.core.values import JSON, Number, PathPart

scalars: some.SearchStrategy[JSON] = some.sampled_from(
    [None, True, 0, 1, Number("1.0"), Number("1"), "", "a"]
)
documents: some.SearchStrategy[JSON] = some.recursive(
    scalars,
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)


def leaves(document: JSON, path: tuple[PathPart, ...] = ()) -> dict[tuple[PathPart, ...], JSON]:
    """Every value without members, and every empty object and list, by its place."""
    members: dict[PathPart, JSON] = {}
    if isinstance(document, dict):
        members.update(document)
    elif isinstance(document, list):
        members.update(enumerate(document))
    if not members:
        return {path: document}
    found: dict[tuple[PathPart, ...], JSON] = {}
    for name, value in members.items():
        found |= leaves(value, (*path, name))
    return found


@given(documents)
def test_a_document_has_nothing_otherwise_than_itself(one: JSON) -> None:
    assert [] == list(differences(one, one))


@given(documents, documents)
def test_two_documents_that_differ_have_a_difference_and_equal_ones_none(one: JSON, other: JSON) -> None:
    left, right = (sorted(map(repr, leaves(document).items())) for document in (one, other))
    assert (left == right) == (not list(differences(one, other)))


@given(documents, documents)
def test_the_way_back_is_the_same_with_both_sides_changed_over(one: JSON, other: JSON) -> None:
    turned = {Verb.ADDED: Verb.REMOVED, Verb.REMOVED: Verb.ADDED, Verb.CHANGED: Verb.CHANGED}
    there = {repr(Difference(d.path, turned[d.verb], d.after, d.before)) for d in differences(one, other)}
    assert there == {repr(d) for d in differences(other, one)}


def test_each_place_is_told_with_both_values() -> None:
    before: JSON = {"same": 1, "gone": {"x": 1}, "list": [1, 2], "kind": 1, "number": Number("1.0")}
    after: JSON = {"same": 1, "new": None, "list": [1, 3, 4], "kind": True, "number": Number("1.00")}
    assert [
        Difference(("gone",), Verb.REMOVED, {"x": 1}, None),
        Difference(("list", 1), Verb.CHANGED, 2, 3),
        Difference(("list", 2), Verb.ADDED, None, 4),
        Difference(("kind",), Verb.CHANGED, 1, True),
        Difference(("number",), Verb.CHANGED, Number("1.0"), Number("1.00")),
        Difference(("new",), Verb.ADDED, None, None),
    ] == list(differences(before, after))
    assert {"path": "list.1", "change": "changed", "before": 2, "after": 3} == list(
        differences(before, after)
    )[1].as_json()
