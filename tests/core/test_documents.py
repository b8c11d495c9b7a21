"""Configuration documents and the definitions they mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import jsonschema_rs
import pytest
from hypothesis import given

from hookstation.core.definitions import (
    Action,
    Configuration,
    HmacAuthentication,
    NoAuthentication,
    Panel,
    StandardWebhooksAuthentication,
    TokenAuthentication,
    Webhook,
)
from hookstation.core.documents import (
    PersonSecrets,
    check_configuration,
    decode_configuration,
    decode_destination,
    decode_panel,
    decode_subscription,
    decode_webhook,
    encode_configuration,
    encode_destination,
    encode_subscription,
    encode_webhook,
    known_secrets,
)
from hookstation.core.documents.schemas import configuration_schema
from hookstation.core.journal_rules import is_single
from hookstation.core.rates import Rate
from hookstation.core.records import FieldSpec, FieldType, Instances, Parent
from hookstation.core.values import JSON, Secret
from tests.support.configurations import (
    CATALOGUE,
    configurations,
    course_document,
    documents,
    webhook_document,
)

PERSON: Final = PersonSecrets()
KEY: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def decoded(document: JSON) -> Configuration:
    configuration, problems = decode_configuration(document, CATALOGUE, PERSON)
    assert problems == []
    return configuration


def problems_of(document: JSON) -> list[str]:
    return [str(problem) for problem in decode_configuration(document, CATALOGUE, PERSON)[1]]


def webhook(**changes: JSON) -> Webhook:
    found, problems = decode_webhook({**webhook_document(), **changes}, PERSON)
    assert found, problems
    return found


def webhook_problems(**changes: JSON) -> list[str]:
    return [str(problem) for problem in decode_webhook({**webhook_document(), **changes}, PERSON)[1]]


def panel(**changes: JSON) -> Panel:
    found, problems = decode_panel({"name": "P", "fields": {"A": {"type": "string"}}, **changes})
    assert found, problems
    return found


def panel_problems(**changes: JSON) -> list[str]:
    _, problems = decode_panel({"name": "P", "fields": {"A": {"type": "string"}}, **changes})
    return [str(problem) for problem in problems]


def test_the_example_of_the_contract_means_what_it_says() -> None:
    configuration = decoded(course_document())
    found = configuration.webhooks["course-completions"]
    assert found.authentication == TokenAuthentication("X-Token", Secret("t0ken"))
    assert found.access.allow == ("203.0.113.0/24",)
    assert found.access.rate == Rate(100, 1)
    assert (found.limits.body, found.limits.time) == (1_048_576, 25.0)
    assert found.action == Action(
        "insert_activity",
        "imis",
        {"ActivityType": "TEST", "ID": "$$memberId$$", "Note": "$$firstName$$, $$lastName$$"},
    )
    assert configuration.connections["imis"].settings == {
        "url": "http://127.0.0.1:8090",
        "networks": ["127.0.0.0/8"],
        "username": "manager",
        "zone": "America/Chicago",
        "pause": 300,
    }
    assert configuration.connections["imis"].secrets == {"password": Secret("open sesame")}


def test_a_webhook_needs_only_a_name_an_authentication_and_an_action() -> None:
    document = webhook_document()
    short: JSON = {name: document[name] for name in ("name", "action")} | {"authentication": {"type": "none"}}
    found, problems = decode_webhook(short, PERSON)
    assert found, problems
    assert found.action is not None
    assert found == Webhook(
        "course-completions", NoAuthentication(), Action("insert_activity", "imis", found.action.fields)
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"type": "none"}, NoAuthentication()),
        (
            {"type": "hmac", "header": "X-S", "secret": "k", "encoding": "base64", "prefix": "sha256="},
            HmacAuthentication("X-S", Secret("k"), "sha256", "base64", "sha256="),
        ),
        ({"type": "standard-webhooks", "secret": KEY}, StandardWebhooksAuthentication(Secret(KEY), 300)),
    ],
)
def test_each_authentication_is_read(written: JSON, expected: object) -> None:
    assert webhook(authentication=written).authentication == expected


def test_an_open_webhook_must_be_said_aloud() -> None:
    document = webhook_document()
    del document["authentication"]
    [problem] = decode_webhook(document, PERSON)[1]
    assert str(problem) == (
        "“authentication” is missing. How callers prove themselves. Where anybody who knows the URL may post, "
        "say it aloud: {type: none}."
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"name": "Course Completions"},
            "name: “Course Completions” is not a name; allowed are lower-case letters, digits and “-”, up to 64."
            " Write it like “course-completions”.",
        ),
        (
            {"answer": "outcom"},
            "answer: “outcom” is not allowed; choose one of outcome, queued or poll. Did you mean “outcome”?",
        ),
        (
            {"state": "on"},
            "state: “on” is not allowed; choose one of active, paused, disabled or archived.",
        ),
        (
            {"authentication": {"type": "hmac", "header": "X", "secret": "k", "algorithm": "md5"}},
            "authentication.algorithm: “md5” is not allowed; choose one of sha1, sha256 or sha512.",
        ),
        (
            {"authentication": {"type": "standard-webhooks", "secret": "secret"}},
            "authentication.secret: A Standard Webhooks secret is whsec_ and base64 of 24 to 64 bytes; this one does "
            "not begin with whsec_.",
        ),
        (
            {"authentication": {"type": "standard-webhooks", "secret": "whsec_AAAA"}},
            "authentication.secret: A Standard Webhooks secret is whsec_ and base64 of 24 to 64 bytes; this one has 3.",
        ),
        (
            {"authentication": {"type": "standard-webhooks", "secret": "whsec_?"}},
            "authentication.secret: A Standard Webhooks secret is whsec_ and base64 of 24 to 64 bytes; this one is "
            "not base64 after whsec_.",
        ),
        (
            {"authentication": {"type": "token", "header": "X", "secret": ""}},
            "authentication.secret: must not be empty.",
        ),
        (
            {"duplicates": {"key": "webhook-id"}},
            "duplicates.key: “webhook-id” is not a dedup key; write header:<name>, body:<path> or body-hash.",
        ),
        ({"duplicates": {}}, "duplicates: “key” is missing. `header:NAME`, `body:PATH` or `body-hash`."),
        (
            {"access": {"allow": []}},
            "access.allow: is empty, which lets nobody in: leave it out where anybody may call.",
        ),
        ({"schema": None}, "schema: is empty: write the schema, or true where any JSON is taken."),
        (
            {"authentication": {"type": "token", "header": "Content-Length", "secret": "k"}},
            "authentication.header: “Content-Length” belongs to HTTP itself and cannot carry a proof; write one such "
            "as X-Signature.",
        ),
        ({"limits": {"time": 0}}, "limits.time: must be more than 0."),
        ({"limits": {"body": "1GiB"}}, "limits.body: must be at most 64MiB."),
        (
            {"schema_file": "x.json"},
            "schema_file: is read by the command line only; send the schema as “schema”.",
        ),
        (
            {"action": {"type": "insert_activity", "connection": "imis", "fields": {"ID": ["x"]}}},
            "action.fields.ID: must be a template (text) or a literal number, boolean or null, but is array.",
        ),
        (
            {"action": {"type": "insert_activity", "connection": "imis", "fields": {"ID": "x" * 65_537}}},
            "action.fields.ID: is 65,537 characters long; a template has at most 65,536.",
        ),
        (
            {"action": {"type": "insert_activity", "connection": "imis", "fields": {"": "x"}}},
            "action.fields.: a field name has 1 to 128 characters.",
        ),
        (
            {"action": {"type": "update_panel", "connection": "imis", "panel": "P", "fields": {"A": 1}}},
            "action: “match” is missing. Which row is meant: fields and the templates of their values.",
        ),
        (
            {"action": {"type": "delete_panel"}},
            "action.type: “delete_panel” is not a known type; choose one of insert_activity, insert_panel, "
            "update_panel or upsert_panel. Did you mean “update_panel”?",
        ),
    ],
)
def test_a_wrong_webhook_is_refused_with_an_instruction(changes: dict[str, JSON], expected: str) -> None:
    assert expected in webhook_problems(**changes)


def test_holding_is_off_until_it_is_said_and_is_not_for_the_built_in_target() -> None:
    assert (False, True) == (webhook().hold, webhook(hold=True).hold)
    action: JSON = {"type": "insert_activity", "connection": "records", "fields": {"ID": "1"}}
    assert [] == webhook_problems(hold=False, action=action)
    assert [
        "hold: is for targets elsewhere: “records” is in the station's own database, where events are written at once. "
        "Leave it out."
    ] == webhook_problems(hold=True, action=action)


def test_a_party_panel_has_the_persons_id_and_an_ordinal_without_defining_them() -> None:
    spec = panel(fields={"Credits": {"type": "decimal", "precision": 5, "scale": 2}}).spec
    assert spec.party_field == "ID"
    assert spec.fields == {
        "ID": FieldSpec("ID", FieldType.STRING, length=10, required=True),
        "Credits": FieldSpec("Credits", FieldType.DECIMAL, precision=5, scale=2),
        "Ordinal": FieldSpec("Ordinal", FieldType.INTEGER, read_only=True),
    }


def test_a_single_panel_has_no_ordinal_and_a_standalone_one_nobody() -> None:
    assert list(panel(instances="single").spec.fields) == ["ID", "A"]
    alone = panel(parent="standalone").spec
    assert (alone.parent, alone.instances, alone.party_field) == (Parent.STANDALONE, Instances.MULTI, None)
    assert list(alone.fields) == ["A"]


def test_a_standalone_panel_has_any_number_of_rows_whatever_it_says_of_persons() -> None:
    assert not is_single(panel(parent="standalone", instances="single").spec)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "activity"}, "name: “Activity” is the name of the built-in activities; choose another."),
        ({"fields": {}}, "fields: is empty: name at least one."),
        (
            {"fields": {"ID": {"type": "string"}}},
            "fields.ID: “ID” is reserved: it holds the person's id and is always there in a party panel; choose "
            "another name.",
        ),
        (
            {"fields": {"ordinal": {"type": "string"}}},
            "fields.ordinal: “ordinal” is reserved: it numbers a person's rows; choose another name.",
        ),
        (
            {"fields": {"Grade": {"type": "string"}, "GRA_DE": {"type": "string"}}},
            "fields.GRA_DE: differs from “Grade” only in case or underscores; rename one of them.",
        ),
        (
            {"fields": {"Größe": {"type": "string"}}},
            "fields.Größe: “Größe” is not a field name; allowed are letters, digits and “_”, up to 64, beginning "
            "with a letter.",
        ),
        (
            {"fields": {"A": {"type": "date", "length": 3}}},
            "fields.A.length: is for fields of type string only; this one is date. Remove it.",
        ),
        (
            {"fields": {"A": {"type": "integer", "values": ["1"]}}},
            "fields.A.values: is for fields of type string only; this one is integer. Remove it.",
        ),
        (
            {"fields": {"A": {"type": "string", "length": 2, "values": ["no", "yes"]}}},
            "fields.A.values.1: “yes” has 3 characters, but the field takes at most 2.",
        ),
        (
            {"fields": {"A": {"type": "string", "values": ["no", "no"]}}},
            "fields.A.values.1: “no” is listed twice; remove one.",
        ),
        (
            {"fields": {"A": {"type": "decimal", "precision": 2, "scale": 3}}},
            "fields.A.scale: is 3, more digits after the point than the precision of 2 has in all.",
        ),
        (
            {"fields": {"A": {"type": "text"}}},
            "fields.A.type: “text” is not allowed; choose one of string, integer, decimal, boolean, date or datetime.",
        ),
    ],
)
def test_a_wrong_panel_is_refused_with_an_instruction(changes: dict[str, JSON], expected: str) -> None:
    assert expected in panel_problems(**changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version": 2}, "version: must be 1, the only version there is."),
        ({"version": True}, "version: must be 1, the only version there is."),
        (
            {"webhook": []},
            "webhook: is not known here; known are version, connections, panels, webhooks, destinations, "
            "subscriptions, workflows, transfers, polls, schedules. Did you mean “webhooks”?",
        ),
        ({"panels": {}}, "panels: must be a list, but is object; begin each with “- name: ...”."),
        ({"panels": ["x"]}, "panels.0: must be an object with settings, but is text."),
        (
            {"connections": [{"name": "records", "type": "records"}]},
            "connections.0.type: the records database is always there as connection “records” and cannot be defined; "
            "remove this.",
        ),
        (
            {"connections": [{"name": "records", "type": "shelf"}]},
            "connections.0.name: “records” is the built-in records database; choose another name.",
        ),
        (
            {"connections": [{"name": "x", "type": "imiss"}]},
            "connections.0.type: “imiss” is not a type of connection; choose imis or shelf. Did you mean “imis”?",
        ),
        (
            {"connections": [{"name": "x"}]},
            "connections.0: “type” is missing. What kind of system it is.",
        ),
        (
            {"connections": [{"name": "imsi", "type": "shelf"}]},
            "webhooks.0.action.connection: there is no connection “imis”; there are imsi, records. "
            "Did you mean “imsi”?",
        ),
        (
            {"connections": [{"name": "imis", "type": "shelf"}, {"name": "Imis", "type": "shelf"}]},
            "connections.1.name: “Imis” is defined twice, first as connections.0; names are unique, whatever their "
            "case.",
        ),
    ],
)
def test_what_does_not_hold_together_is_refused(changes: dict[str, JSON], expected: str) -> None:
    assert expected in problems_of({**course_document(), **changes})


@pytest.mark.parametrize("document", [None, [], "x", 5])
def test_a_document_that_is_no_object_is_refused(document: JSON) -> None:
    [problem] = problems_of(document)
    assert problem.startswith("must be an object with version and webhooks, but is ")


def test_a_panel_of_the_records_database_must_be_there_and_one_of_another_target_is_asked_there() -> None:
    action: dict[str, JSON] = {
        "type": "insert_panel",
        "connection": "records",
        "panel": "ABC_Curses",
        "fields": {"A": 1},
    }
    document = course_document() | {"webhooks": [webhook_document() | {"action": action}]}
    assert problems_of(document) == [
        "webhooks.0.action.panel: there is no panel “ABC_Curses” in the records database; there are ABC_Courses. "
        "Did you mean “ABC_Courses”?"
    ]
    elsewhere = webhook_document() | {"action": action | {"connection": "imis"}}
    assert problems_of(course_document() | {"webhooks": [elsewhere]}) == []


def test_a_document_may_lean_on_what_the_station_already_has() -> None:
    current = decoded(course_document())
    document: JSON = {"version": 1, "webhooks": [webhook_document()]}
    assert decode_configuration(document, CATALOGUE, PERSON, current)[1] == []
    assert check_configuration(current) == []


def test_a_configuration_without_its_connection_does_not_hold() -> None:
    current = decoded(course_document())
    [problem] = check_configuration(Configuration(webhooks=current.webhooks))
    assert problem.path == ("webhooks", "course-completions", "action", "connection")


@given(configurations)
def test_a_document_read_back_is_the_same_configuration(configuration: Configuration) -> None:
    document = encode_configuration(configuration, CATALOGUE, PERSON)
    again, problems = decode_configuration(document, CATALOGUE, PersonSecrets(known_secrets(configuration)))
    assert problems == []
    assert again == configuration


@given(configurations)
def test_what_is_written_with_all_defaults_is_read_back_as_the_same(configuration: Configuration) -> None:
    secrets = PersonSecrets(known_secrets(configuration))
    for hook in configuration.webhooks.values():
        assert (hook, []) == decode_webhook(encode_webhook(hook, PERSON, defaults=True), secrets)
    for place in configuration.destinations.values():
        assert (place, []) == decode_destination(encode_destination(place, PERSON, defaults=True), secrets)
    for one in configuration.subscriptions.values():
        assert (one, []) == decode_subscription(encode_subscription(one, defaults=True))


@given(configurations)
def test_what_is_written_satisfies_the_published_schema(configuration: Configuration) -> None:
    validator = jsonschema_rs.Draft202012Validator(configuration_schema(CATALOGUE))
    document = encode_configuration(replace(configuration, webhooks={}), CATALOGUE, PERSON)
    assert validator.is_valid(document)


@given(documents, documents, documents)
def test_any_document_gives_problems_and_never_fails(one: JSON, two: JSON, three: JSON) -> None:
    document: JSON = {"version": 1, "connections": [one], "panels": [two], "webhooks": [three]}
    assert problems_of(document) != []
    assert problems_of({"version": 1, "destinations": [one, two], "subscriptions": [three, two]}) != []


def test_a_template_is_read_in_the_form_in_which_it_is_saved() -> None:
    """Calls as other suites write them become Liquid; reading what was saved changes nothing."""
    written: JSON = {"Note": '{{ day.format("yyyy") }}', "Other": 7}
    saved: JSON = {"Note": '{{ day | format: "yyyy" }}', "Other": 7}
    action = {"type": "update_panel", "connection": "records", "panel": "P"}
    read = webhook(action={**action, "match": written, "fields": written})
    assert read.action is not None
    assert (saved, saved) == (read.action.fields, read.action.match)
    assert read == webhook(action={**action, "match": saved, "fields": saved})
