"""What things name must be there and fit, in a document as in what it leaves as it is."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from hookstation.core.definitions import Configuration
from hookstation.core.documents import (
    PersonSecrets,
    check_configuration,
    decode_configuration,
    encode_configuration,
    encode_workflow,
    known_secrets,
    users_of,
)
from hookstation.core.documents.schemas import configuration_schema
from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.jsontext import dump_json
from hookstation.core.plan import plan
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow
from tests.support.chain import document, poll, schedule, transfer, whole, workflow
from tests.support.configurations import CATALOGUE
from tests.support.workflows import step, workflows

PERSON = PersonSecrets()
KINDS = {**CATALOGUE, "sql": (Setting("place"),), "http": (Setting("url", Kind.URL),), "smtp": (), "sftp": ()}
PANEL: JSON = {"name": "Courses", "fields": {"Code": {"type": "string", "required": True}}}
DATABASE: JSON = {"name": "db", "type": "sql"}


ACTION: dict[str, JSON] = {"action": poll()["action"]}


def decoded(given_document: JSON, current: Configuration | None = None) -> tuple[Configuration, list[str]]:
    wanted, problems = decode_configuration(given_document, KINDS, PERSON, current)
    return wanted, [str(problem) for problem in problems]


def says(said: str, **things: Any) -> None:
    problems = decoded(document(**things))[1]
    assert any(said in problem for problem in problems), problems


def test_one_of_each_kind_can_be_configured_and_is_the_same_when_it_comes_back() -> None:
    wanted, problems = decoded(whole())
    assert [] == problems
    assert (wanted, []) == decoded(encode_configuration(wanted, KINDS, PERSON))
    assert [] == check_configuration(wanted)
    assert {"keep"} == {change.verb.value for change in plan(wanted, wanted, prune=True)}


def calling(name: str, other: str) -> JSON:
    return workflow(name, steps=[{"name": "go", "type": "workflow", "with": {"workflow": other}}])


def using(kind: str, **settings: Any) -> JSON:
    return workflow(steps=[{"name": "it", "type": kind, "with": settings}])


@pytest.mark.parametrize(
    ("said", "things"),
    [
        ("polls.0.workflow: there is no workflow “wrk”; there are work. Did you mean “work”?",
         {"polls": [poll(action=None, workflow="wrk")], "workflows": [workflow("work", "poll")]}),
        ("the workflow “work” has the trigger “manual”; set its trigger.type to “poll”",
         {"polls": [poll(action=None, workflow="work")], "workflows": [workflow("work")]}),
        ("set its trigger.type to “schedule”",
         {"schedules": [schedule(transfer=None, workflow="work")], "workflows": [workflow("work")]}),
        ("schedules.0.transfer: there is no transfer “members”; define it under “transfers”",
         {"schedules": [schedule()]}),
        ("schedules.0.poll: there is no poll", {"schedules": [schedule(transfer=None, poll="feed")]}),
        ("workflows.0.steps.0.with.connection: there is no connection “db”",
         {"workflows": [using("sql_select", connection="db", table="t")]}),
        ("“db” is a connection of type sql; this needs one of type smtp",
         {"connections": [DATABASE],
          "workflows": [using("mail", connection="db", to="a@example.org", subject="x", text="y")]}),
        ("“db” is a connection of type sql; this needs one of type imis or records",
         {"connections": [DATABASE], "workflows": [using("delete_activity", connection="db", match={"ID": "1"})]}),
        ("“records” is a connection of type records; this needs one of type sql",
         {"workflows": [using("sql_select", connection="records", table="t")]}),
        ("there is no panel “Corses”",
         {"workflows": [using("delete_panel", connection="records", panel="Corses", match={"ID": "1"})]}),
        ("workflows.0.steps.0.with.fields.Corse: “Activity” has no field “Corse”",
         {"workflows": [using("insert_activity", connection="records",
                              fields={"ID": "1", "ActivityType": "X", "Corse": "y"})]}),
        ("with.fields: ACTIVITY_TYPE is required and is not written",
         {"workflows": [using("insert_activity", connection="records", fields={"ID": "1"})]}),
        ("with.match.Cod: “Courses” has no field “Cod”. Did you mean “Code”?",
         {"panels": [PANEL],
          "workflows": [using("delete_panel", connection="records", panel="Courses", match={"Cod": "1"})]}),
        ("“Code” and “CODE” are the same field",
         {"panels": [PANEL],
          "workflows": [using("insert_panel", connection="records", panel="Courses",
                              fields={"ID": "1", "CODE": "x", "Code": "y"})]}),
        ("SEQN is given by the target",
         {"workflows": [using("insert_activity", connection="records",
                              fields={"ID": "1", "ActivityType": "X", "SEQN": 5})]}),
        ("there is no transfer “t”", {"workflows": [using("transfer", transfer="t")]}),
        ("leads back to the workflow itself: “a” → “b” → “a”", {"workflows": [calling("a", "b"), calling("b", "a")]}),
        ("leads back to the workflow itself: “a” → “a”", {"workflows": [calling("a", "a")]}),
        ("transfers.0.source.connection: there is no connection “db”",
         {"transfers": [transfer(source={"type": "sql", "connection": "db", "table": "t"})]}),
        ("transfers.0.alerts.connection: there is no connection",
         {"transfers": [transfer(alerts={"connection": "mail", "to": ["a@example.org"]})]}),
        ("transfers.0.destination.then.panel: there is no panel",
         {"transfers": [transfer(destination={
             "type": "http", "url": "https://a.example.org", "how": "rows",
             "then": {"type": "insert_panel", "connection": "records", "panel": "P", "fields": {"ID": "$$ID$$"}}})]}),
        ("polls.0.name: “feed” is the name of a webhook",
         {"polls": [poll(name="feed")],
          "webhooks": [{"name": "feed", "authentication": {"type": "none"}, "action": poll()["action"]}]}),
        ("webhooks.0.workflow: the workflow “work” has the trigger “poll”; set its trigger.type to “webhook”",
         {"webhooks": [{"name": "in", "authentication": {"type": "none"}, "workflow": "work"}],
          "workflows": [workflow("work", "poll")]}),
        ("webhooks.0.workflow: cannot stand beside “action”",
         {"webhooks": [{"name": "in", "authentication": {"type": "none"}, "workflow": "w", **ACTION}]}),
        ("webhooks.0: “action” is missing", {"webhooks": [{"name": "in", "authentication": {"type": "none"}}]}),
    ],
)  # fmt: skip
def test_what_does_not_hold_together_is_said_where_it_is(said: str, things: dict[str, Any]) -> None:
    says(said, **things)


def test_a_thing_may_name_what_the_station_has_already() -> None:
    current = decoded(document(transfers=[transfer()]))[0]
    assert [] == decoded(document(schedules=[schedule()]), current)[1]


def test_a_thing_with_a_mistake_counts_as_there() -> None:
    broken = document(transfers=[transfer(chunk=0)], schedules=[schedule()])
    assert ["transfers.0.chunk: must be at least 1."] == decoded(broken)[1]


def test_a_webhook_may_start_a_workflow_with_a_handshake() -> None:
    hook: JSON = {
        "name": "in",
        "authentication": {"type": "none"},
        "workflow": "w",
        "handshake": "event-grid",
    }
    given_document = document(webhooks=[hook], workflows=[workflow("w", "change")])
    wanted, problems = decoded(given_document)
    assert [] == problems
    assert (None, "w", "event-grid") == (
        wanted.webhooks["in"].action,
        wanted.webhooks["in"].workflow,
        wanted.webhooks["in"].handshake,
    )
    assert (wanted, []) == decoded(encode_configuration(wanted, KINDS, PERSON))


def test_everything_that_names_a_thing_is_known() -> None:
    things = decoded(whole())[0]
    assert [("poll", "feed")] == users_of("workflow", "item-came", things)
    assert [("schedule", "work")] == users_of("workflow", "nightly-work", things)
    assert [("schedule", "nightly")] == users_of("transfer", "members", things)
    assert [("poll", "lms-feed")] == users_of("connection", "records", things)


def test_the_secrets_of_a_transfer_are_known_by_their_place() -> None:
    target = {
        "type": "http",
        "url": "https://a.example.org",
        "authentication": {"type": "bearer", "token": "t0ken"},
    }
    wanted, problems = decoded(document(transfers=[transfer(destination=target)]))
    assert [] == problems
    assert ["transfer/members/destination/authentication/token"] == list(known_secrets(wanted))
    assert "t0ken" not in dump_json(encode_configuration(wanted, KINDS, PERSON))


@given(workflows())
def test_the_schema_for_editors_takes_what_can_be_decoded(one: Workflow) -> None:
    made = json.loads(dump_json(document(workflows=[encode_workflow(one)])))
    assert VALIDATOR.is_valid(made), list(VALIDATOR.iter_errors(made))[:1]


def test_the_schema_for_editors_refuses_what_no_type_of_step_has() -> None:
    made = document(workflows=[workflow(steps=[step(**{"with": {"valus": {}}})])])
    assert not VALIDATOR.is_valid(made)
    assert VALIDATOR.is_valid(whole() | {"polls": []} | {"schedules": []})


VALIDATOR = jsonschema_rs.validator_for(json.loads(dump_json(configuration_schema(KINDS))))
