"""Change notifications: what they tell, which of them are wanted, and one run for each however often it comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.journal_rules import time_in
from hookstation.core.values import JSON
from hookstation.core.workflows.changes import changes_of, is_wanted, run_id_of, validation_code

NOON = 1_795_348_800_000_000


def event(type_: str, **data: JSON) -> dict[str, JSON]:
    """One event as Event Grid sends it."""
    return {
        "id": "e1",
        "eventType": type_,
        "subject": "x/81",
        "eventTime": "2026-11-22T12:00:00Z",
        "data": data,
    }


def test_entity_action_and_key_are_those_of_the_data() -> None:
    [change] = changes_of([event("iMIS.Changed", entityTypeName="Party", action="Updated", PartyId="23")])
    assert ("Party.Updated", "23", NOON) == (change.name, change.key, change.at)
    assert ("Party", "Updated", "23", "e1") == tuple(
        change.trigger[name] for name in ("entity", "action", "key", "id")
    )


def test_where_the_data_does_not_name_them_the_type_and_the_subject_do() -> None:
    [change] = changes_of(event("iMIS.Party.Updated"))
    assert ("Party.Updated", "81") == (change.name, change.key)


def test_filters_have_wildcards_for_either_part_and_any_case() -> None:
    [change] = changes_of(event("iMIS.Party.Updated"))
    wanted = [(), ("party.updated",), ("Party.*",), ("*.Updated",), ("Event.*", "*")]
    assert [True] * 5 == [is_wanted(change, filters) for filters in wanted]
    assert [False, False] == [is_wanted(change, filters) for filters in (("Event.*",), ("Party.Created",))]


def test_only_a_validation_event_has_a_code() -> None:
    asked = event("Microsoft.EventGrid.SubscriptionValidationEvent", validationCode="512")
    assert ("512", "", "") == (
        validation_code([asked]),
        validation_code([event("a.b")]),
        validation_code("x"),
    )


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_same_event_has_the_same_id_and_another_one_another(one: str, other: str) -> None:
    [first], [second] = changes_of({**event("a.b"), "id": one}), changes_of({**event("a.b"), "id": other})
    ids = run_id_of("hook", "w", first), run_id_of("hook", "w", second)
    assert (26, NOON) == (len(ids[0]), time_in(ids[0]))
    assert (one == other) == (ids[0] == ids[1])
    assert ids[0] != run_id_of("another", "w", first)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_body_breaks_it(body: JSON) -> None:
    assert all(change.at >= 0 for change in changes_of(body))
    assert isinstance(validation_code(body), str)
