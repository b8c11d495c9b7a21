"""Subscriptions as documents, and what holds between them and their destinations."""

from __future__ import annotations

import pytest

from hookstation.core.definitions import Configuration
from hookstation.core.documents import (
    PersonSecrets,
    check_configuration,
    decode_configuration,
    decode_subscription,
    encode_subscription,
)
from hookstation.core.outgoing.definitions import Body, BodyForm, Subscription
from hookstation.core.values import JSON
from tests.support.configurations import CATALOGUE

CRM: dict[str, JSON] = {"name": "crm", "url": "https://crm.example.org"}
MEMBERS: dict[str, JSON] = {"name": "members", "events": ["record.*"], "destination": "crm"}


def read(**changes: JSON) -> Subscription:
    found, problems = decode_subscription({**MEMBERS, **changes})
    assert found is not None, problems
    return found


def problems_of(**changes: JSON) -> list[str]:
    return [str(problem) for problem in decode_subscription({**MEMBERS, **changes})[1]]


def configured(
    document: dict[str, JSON], current: Configuration | None = None
) -> tuple[Configuration, list[str]]:
    found, problems = decode_configuration({"version": 1, **document}, CATALOGUE, PersonSecrets(), current)
    return found, [str(problem) for problem in problems]


def test_three_settings_are_enough_and_all_else_is_usual() -> None:
    assert Subscription("members", "crm", ("record.*",)) == read()
    assert MEMBERS == encode_subscription(read())


def test_with_what_is_usual_written_out_a_document_says_it_all() -> None:
    assert {
        **MEMBERS,
        "active": True,
        "method": "POST",
        "body": {"type": "envelope"},
    } == encode_subscription(read(), defaults=True)


def test_a_whole_document_means_what_it_says() -> None:
    body: JSON = {"type": "form", "content": {"a": "$$a$$", "n": 5}, "content_type": "application/x-thing"}
    document: dict[str, JSON] = {
        "name": "members",
        "title": "Members",
        "note": "For the CRM",
        "active": False,
        "events": ["record.*", "order.paid"],
        "destination": "crm",
        "condition": "a == 1",
        "method": "PATCH",
        "body": body,
        "headers": {"X-A": "$$a$$"},
    }
    wanted = Subscription(
        "members",
        "crm",
        ("record.*", "order.paid"),
        "Members",
        "For the CRM",
        False,
        "a == 1",
        "PATCH",
        Body(BodyForm.FORM, {"a": "$$a$$", "n": 5}, "application/x-thing"),
        {"X-A": "$$a$$"},
    )
    assert (wanted, []) == decode_subscription(document)
    assert document == encode_subscription(wanted)


def test_templates_are_read_in_the_form_in_which_they_are_saved() -> None:
    written, saved = '{{ day.format("yyyy") }}', '{{ day | format: "yyyy" }}'
    found = read(body={"type": "template", "content": {"a": [written]}}, headers={"X-A": written})
    assert ({"a": [saved]}, {"X-A": saved}) == (found.body.content, found.headers)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"events": []}, "events: is empty: name at least one."),
        ({"events": ["record.insertd"]}, "events.0: there is no type “record.insertd”"),
        ({"events": [5]}, "events.0: must be text, but is integer"),
        ({"condition": "a = 1"}, "condition: “=” is not known here; write ==."),
        ({"method": "GET"}, "method: “GET” is not allowed; choose one of POST, PUT or PATCH."),
        ({"headers": {"X-A": 5}}, "headers.X-A: must be a template (text), but is integer."),
        ({"headers": {"Host": "x"}}, "headers.Host: Host belongs to HTTP itself"),
        ({"headers": {"X-A": "a\nb"}}, "headers.X-A: holds a line break or control character"),
        ({"headers": {"X-A": "café"}}, "headers.X-A: holds a letter beyond ASCII"),
        ({"body": {"type": "yaml"}}, "body.type: “yaml” is not a known type"),
        ({"body": {"type": "form", "content": {"a": "$$a"}}}, "body.content.a: “$$” is never closed"),
        ({"body": {"type": "json", "content": {}}}, "body.content: is not a known setting"),
        (
            {"body": {"type": "xml", "content": {"a": "x", "b": "y"}}},
            "body.content: has 2 members; at most 1 are",
        ),
        ({"destination": "C R M"}, "destination: “C R M” is not a name"),
        ({"desination": "crm"}, "desination: is not a known setting"),
    ],
)
def test_what_cannot_stand_is_refused_with_the_place_and_what_to_do(
    changes: dict[str, JSON], said: str
) -> None:
    assert any(one.startswith(said) for one in problems_of(**changes)), problems_of(**changes)


def test_a_mistake_in_a_condition_is_told_with_its_place_in_the_text() -> None:
    [problem] = decode_subscription({**MEMBERS, "condition": "a == 1 and b"})[1]
    assert (("condition",), 11) == (problem.path, problem.position)


def test_the_destination_of_a_subscription_must_be_there() -> None:
    said = "subscriptions.0.destination: there is no destination “crm”; define it under “destinations”."
    assert [said] == configured({"subscriptions": [MEMBERS]})[1]
    near = {**MEMBERS, "destination": "cmr"}
    assert [
        "subscriptions.0.destination: there is no destination “cmr”; there are crm. Did you mean “crm”?"
    ] == configured({"destinations": [CRM], "subscriptions": [near]})[1]


def test_a_subscription_may_lean_on_a_destination_that_the_station_already_has() -> None:
    current, problems = configured({"destinations": [CRM], "subscriptions": [MEMBERS]})
    assert ([], []) == (problems, configured({"subscriptions": [MEMBERS]}, current)[1])
    assert [] == check_configuration(current)
    [problem] = check_configuration(Configuration(subscriptions=current.subscriptions))
    assert ("subscriptions", "members", "destination") == problem.path


@pytest.mark.parametrize(
    "settings",
    [
        {"authentication": {"type": "api_key", "header": "X-Key", "key": "k"}},
        {"signing": {"type": "hmac", "header": "X-KEY", "secret": "s"}},
    ],
    ids=["credentials", "signature"],
)
def test_a_header_that_the_destination_writes_cannot_be_a_subscriptions_too(
    settings: dict[str, JSON],
) -> None:
    plain, problems = configured(
        {"destinations": [CRM], "subscriptions": [{**MEMBERS, "headers": {"X-Key": "1"}}]}
    )
    assert [] == problems
    changed: JSON = {**CRM, **settings}
    with_header: JSON = {**MEMBERS, "headers": {"X-Key": "1"}}
    both = configured({"destinations": [changed], "subscriptions": [with_header]})[1]
    assert [
        "subscriptions.0.headers.X-Key: is written by the destination “crm” itself; choose another header."
    ] == both
    [alone] = configured({"destinations": [changed]}, plain)[1]
    assert (
        "destinations.0: would write the header X-Key, which the subscription “members” writes too." == alone
    )
