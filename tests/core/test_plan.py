"""What applying a configuration would change."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from hookstation.core.definitions import Configuration, TokenAuthentication
from hookstation.core.documents import PersonSecrets, decode_configuration
from hookstation.core.plan import Change, Verb, differences, merge, plan
from hookstation.core.values import Secret
from tests.support.configurations import CATALOGUE, configurations, course_document

EMPTY = Configuration()


def courses() -> Configuration:
    return decode_configuration(course_document(), CATALOGUE, PersonSecrets())[0]


def changed(secret: Secret) -> Configuration:
    """The course configuration with another token and note."""
    before = courses()
    webhook = before.webhooks["course-completions"]
    assert webhook.action is not None
    action = replace(webhook.action, fields={**webhook.action.fields, "Note": "-", "Amount": 5})
    after = replace(webhook, authentication=TokenAuthentication("X-Token", secret), action=action)
    return replace(before, webhooks={after.name: after})


def test_everything_is_added_to_an_empty_station_in_the_order_of_need() -> None:
    assert plan(EMPTY, courses(), prune=False) == [
        Change("connection", "imis", Verb.ADD),
        Change("panel", "ABC_Courses", Verb.ADD),
        Change("webhook", "course-completions", Verb.ADD),
    ]


def test_the_same_again_keeps_everything() -> None:
    assert {change.verb for change in plan(courses(), courses(), prune=True)} == {Verb.KEEP}


def test_a_change_names_the_settings_that_differ() -> None:
    [*_, change] = plan(courses(), changed(Secret("t0ken")), prune=False)
    assert change == Change(
        "webhook", "course-completions", Verb.CHANGE, ("action.fields.Note", "action.fields.Amount")
    )


def test_a_changed_secret_or_reference_is_seen_but_not_shown() -> None:
    assert "authentication.secret" in plan(courses(), changed(Secret("other")), prune=False)[-1].paths
    assert (
        "authentication.secret"
        in plan(courses(), changed(Secret("t0ken", "${env:T}")), prune=False)[-1].paths
    )
    assert "other" not in repr(plan(courses(), changed(Secret("other")), prune=False))


def test_nothing_is_removed_unless_asked_and_then_what_leans_goes_first() -> None:
    assert plan(courses(), EMPTY, prune=False) == []
    assert plan(courses(), EMPTY, prune=True) == [
        Change("webhook", "course-completions", Verb.REMOVE),
        Change("panel", "ABC_Courses", Verb.REMOVE),
        Change("connection", "imis", Verb.REMOVE),
    ]


def test_a_change_is_shown_as_json() -> None:
    change = Change("webhook", "orders", Verb.CHANGE, ("title",))
    assert change.as_json() == {"kind": "webhook", "name": "orders", "verb": "change", "paths": ["title"]}


def test_differences_tell_types_apart_and_ignore_the_order_of_members() -> None:
    assert list(differences({"a": 1, "b": [1, {"c": 2}]}, {"b": [1, {"c": True}], "a": 1})) == ["b.1.c"]
    assert list(differences({"a": 1}, {"a": True, "b": None})) == ["a", "b"]
    assert list(differences([1], [1, 2])) == [""]


@given(configurations, configurations)
def test_after_the_plan_is_carried_out_nothing_is_left_to_do(
    current: Configuration, wanted: Configuration
) -> None:
    for prune in (False, True):
        after = merge(current, wanted, prune)
        assert {change.verb for change in plan(after, wanted, prune)} <= {Verb.KEEP}
