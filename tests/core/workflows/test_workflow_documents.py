"""A workflow's document: what it means, that it comes back as it was, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from hookstation.core.definitions import Fault, Retry
from hookstation.core.documents.workflow import decode_workflow, encode_workflow
from hookstation.core.values import JSON
from hookstation.core.workflows.compiled import compile_workflow
from hookstation.core.workflows.definitions import (
    Concurrency,
    Rule,
    Step,
    Then,
    Trigger,
    TriggerKind,
    WhenUnknown,
    Workflow,
    WorkflowState,
)
from tests.support.workflows import step, workflow_document, workflows


def decoded(**settings: Any) -> Workflow:
    workflow, problems = decode_workflow(workflow_document(**settings))
    assert problems == []
    assert workflow is not None
    return workflow


def problems_of(*steps: JSON, **settings: Any) -> list[str]:
    workflow, problems = decode_workflow(workflow_document(steps=list(steps), **settings))
    assert workflow is None
    return [str(problem) for problem in problems]


@given(workflows())
def test_a_workflow_is_the_same_after_it_was_written_and_read(workflow: Workflow) -> None:
    assert (workflow, []) == decode_workflow(encode_workflow(workflow))
    assert (workflow, []) == decode_workflow(encode_workflow(workflow, defaults=True))


@given(workflows())
def test_what_is_read_without_a_problem_can_be_made_ready_to_run(workflow: Workflow) -> None:
    assert workflow is compile_workflow(workflow).workflow


def test_a_workflow_of_few_words_is_manual_and_active() -> None:
    found = decoded()

    assert Workflow("courses", found.steps) == found
    assert (Step("keep", "set", settings={"values": {"id": "$$trigger.memberId$$"}}),) == found.steps


def test_every_setting_of_a_workflow_is_read() -> None:
    found = decoded(
        title="Courses",
        note="Of the LMS",
        state="disabled",
        trigger={"type": "event", "types": ["record.*"], "condition": 'fields.ID == "1"'},
        concurrency={"runs": 10, "key": "$$trigger.memberId$$"},
        time="1h",
        sample={"memberId": "23"},
        samples={"keep": {"id": "23"}},
    )

    assert (
        Workflow(
            "courses",
            found.steps,
            "Courses",
            "Of the LMS",
            WorkflowState.DISABLED,
            Trigger(TriggerKind.EVENT, ("record.*",), condition='fields.ID == "1"'),
            Concurrency(10, "$$trigger.memberId$$"),
            3_600,
            {"memberId": "23"},
            {"keep": {"id": "23"}},
        )
        == found
    )


def test_every_setting_of_a_step_is_read() -> None:
    first = step(
        title="Keep it",
        note="For later",
        enabled=False,
        when="trigger.x == 1",
        on_failure={"go_to": "tell"},
        when_disabled="succeed",
        when_unknown="repeat",
        retry={"attempts": 3, "first": "1s", "factor": 4, "most": "1m", "jitter": "10%", "on": ["offline"]},
        time="30s",
    )
    found = decoded(steps=[first, step(name="tell")]).steps[0]

    assert (False, "trigger.x == 1", 30.0) == (found.enabled, found.when, found.time)
    assert (Rule(Then.GO_TO, "tell"), Rule(Then.SUCCEED)) == (found.on_failure, found.when_disabled)
    assert WhenUnknown.REPEAT is found.when_unknown
    assert Retry(3, 1.0, 4, 60.0, 0.1, frozenset({Fault.OFFLINE})) == found.retry


def test_templates_are_kept_in_the_form_that_they_are_compiled_from() -> None:
    found = decoded(steps=[step(**{"with": {"values": {"day": '{{ trigger.at.format("yyyy") }}'}}})])

    assert {"day": '{{ trigger.at | format: "yyyy" }}'} == found.steps[0].settings["values"]


def test_blocks_are_read_by_their_names() -> None:
    inner = step(name="inner")
    switch = {
        "name": "kind",
        "type": "switch",
        "with": {"value": "$$trigger.kind$$"},
        "cases": [{"value": "Order paid", "steps": [inner]}, {"value": 2, "name": "two", "steps": []}],
        "default": [step(name="other")],
    }
    found = decoded(steps=[switch]).steps[0]

    assert ["order-paid", "two", "default"] == list(found.blocks)
    assert [{"name": "order-paid", "value": "Order paid"}, {"name": "two", "value": 2}] == found.settings[
        "cases"
    ]


def loop(**settings: Any) -> dict[str, Any]:
    return {
        "name": "each",
        "type": "for_each",
        "with": {"items": "$$trigger.rows$$"},
        "steps": [step()],
        **settings,
    }


def use(text: str, name: str = "use") -> dict[str, Any]:
    return step(name=name, **{"with": {"values": {"a": text}}})


MATCH: dict[str, JSON] = {"connection": "records", "match": {"ID": "$$trigger.id$$"}}
FIND: dict[str, JSON] = {"name": "find", "type": "find_activities", "with": MATCH}
BRANCHES = {
    "name": "both",
    "type": "parallel",
    "branches": [{"name": "a", "steps": [FIND]}, {"name": "b", "steps": [use("$$steps.find.records$$")]}],
}


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param([use("$$steps.find.records$$")], "there is no step “find”", id="no such step"),
        pytest.param([use("$$steps.fnd.records$$", "u"), FIND], "there is no step “fnd”", id="none above"),
        pytest.param([FIND, use("$$steps.fnid.records$$")], "Did you mean “find”?", id="did you mean"),
        pytest.param([use("$$steps.find.records$$"), FIND], "“find” cannot have run before", id="later"),
        pytest.param([FIND, use("$$steps.find.rows$$")], "puts out “records”", id="other output"),
        pytest.param([BRANCHES], "“find” cannot have run before", id="other branch"),
        pytest.param([loop(steps=[FIND]), use("$$steps.find.records$$")], "once for each turn of “each”", id="loop"),
        pytest.param([use("$$vars.a$$")], "no step above sets the variable “a”", id="variable"),
        pytest.param([use("$$item.ID$$")], "“item” is there inside a for_each only", id="item"),
        pytest.param([use("$$run.ide$$")], "Did you mean “id”?", id="run"),
        pytest.param([use("$$run.calls.keep$$")], "waits for a call", id="calls"),
        pytest.param([use("$$trigger.")], "with.values.a", id="template"),
        pytest.param([step(when="trigger.x ==")], "steps.0.when", id="condition"),
        pytest.param([step(), step()], "“keep” is there twice, first as steps.0", id="twice"),
        pytest.param([step(), loop(steps=[step()])], "steps.1.steps.0.name", id="twice inside"),
        pytest.param([step(type="sett")], "Did you mean “set”?", id="type"),
        pytest.param([step(type="move")], "is not a type of step", id="not offered"),
        pytest.param([step(name="A b")], "steps.0.name", id="name"),
        pytest.param([step(**{"with": {"valus": {}}})], "Did you mean “values”?", id="setting"),
        pytest.param([step(on_failure={"go_to": "keep"})], "is no later step of the same block", id="itself"),
        pytest.param([step(on_failure="again")], "write fail, succeed, continue", id="rule"),
        pytest.param([step(), step(name="b", on_failure={"go_to": "keep"})], "is no later step", id="way back"),
        pytest.param([loop(**{"with": {"items": [], "most": "$$x$$"}})], "with.most", id="static number"),
        pytest.param([{**FIND, "with": {**MATCH, "connection": "$$x$$"}}], "connection", id="static name"),
        pytest.param([loop(steps=[])], "holds no steps", id="empty block"),
        pytest.param([loop(retry={"attempts": 2})], "a block is not tried again", id="block retry"),
        pytest.param([step(retry={"first": "5s"})], "“attempts” is missing", id="attempts"),
        pytest.param([step(retry={"attempts": 2, "on": ["of"]})], "is no fault", id="fault"),
        pytest.param([step(when_unknown="perhaps")], "when_unknown", id="unknown"),
        pytest.param([step(output="x")], "puts nothing out", id="output"),
        pytest.param(["keep"], "must be an object with name and type", id="text"),
        pytest.param([], "write at least one step", id="none"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_where_it_is(steps: list[JSON], said: str) -> None:
    assert any(said in problem for problem in problems_of(*steps)), problems_of(*steps)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("wait", {}, "needs one of for, until or call"),
        ("wait", {"for": "1h", "call": True}, "cannot stand beside “for”"),
        ("sql_select", {"connection": "db", "table": "t", "statement": "select 1"}, "cannot stand beside"),
        ("sql_select", {"connection": "db", "statement": "select '$$x$$'"}, "write :name"),
        (
            "sql_select",
            {"connection": "db", "table": "t", "where": {"a": {"=>": 1}}},
            "“=>” is no comparison",
        ),
        ("http_request", {"url": "https://$$trigger.host$$/"}, "list the hosts"),
        ("http_request", {"url": "https://a:b@example.org/"}, "user name"),
        ("http_request", {"path": "/x"}, "needs a connection"),
        ("http_request", {"url": "https://a.example", "hosts": ["https://a"]}, "is not a host"),
        ("http_request", {"url": "https://example.org", "body": {}}, "is not sent with GET"),
        ("emit", {"type": "record.inserted"}, "are the station's own"),
        ("respond", {"status": 99}, "from 200 to 599"),
        ("mail", {"connection": "mail", "to": "a@example.org", "subject": "x"}, "says nothing"),
        ("select", {"rows": []}, "changes nothing"),
        ("select", {"rows": [], "columns": [{"name": "a"}, {"name": "a"}]}, "is there twice"),
        ("set", {"values": {"a.b": 1}}, "is not a name"),
        ("gate", {"condition": "true == true", "otherwise": "continue"}, "write fail, succeed"),
        ("for_each", {"items": [], "failures": {"most": "x"}}, "must be stop, continue"),
        ("validate", {}, "needs one of schema or schema_from"),
    ],
)
def test_settings_of_a_type_are_checked(kind: str, settings: dict[str, JSON], said: str) -> None:
    found = problems_of({"name": "it", "type": kind, "with": settings})

    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ({"type": "clock"}, "is not a known type"),
        ({"type": "event"}, "“types” is missing"),
        ({"type": "event", "types": ["record.made"]}, "there is no type"),
        ({"type": "change", "changes": ["Party Updated"]}, "write Entity.Action"),
        ({"type": "manual", "types": ["x.y"]}, "is not a known setting"),
        ({"type": "change", "condition": "x =="}, "trigger.condition"),
    ],
)
def test_a_trigger_is_checked(trigger: JSON, said: str) -> None:
    found = problems_of(step(), trigger=trigger)

    assert any(said in problem for problem in found), found


def test_all_mistakes_are_said_at_once_and_at_their_places() -> None:
    found = problems_of("x", use("$$vars.a$$"), step(type="sett", name="c"))

    assert ["steps.0", "steps.2.type", "steps.1.with.values.a"] == [one.partition(":")[0] for one in found]


def test_blocks_may_stand_sixteen_deep_and_no_deeper() -> None:
    nested: list[JSON] = [step()]
    for depth in range(15):
        nested = [loop(name=f"each{depth}", steps=nested)]

    assert decode_workflow(workflow_document(steps=nested))[1] == []
    assert any("16 deep" in one for one in problems_of(loop(name="outermost", steps=nested)))


def test_a_workflow_has_at_most_five_hundred_steps() -> None:
    many = [step(name=f"s{number}") for number in range(501)]

    assert any("at most 500" in one for one in problems_of(*many))
    assert decode_workflow(workflow_document(steps=many[:500]))[1] == []


def test_a_workflow_has_at_most_a_million_characters() -> None:
    assert any("1,000,000" in one for one in problems_of(step(), sample="x" * 1_000_000))


def test_what_stands_above_can_be_read_at_every_place() -> None:
    wait = {"name": "hold", "type": "wait", "with": {"call": True}}
    steps = [
        use("$$run.calls.hold$$ $$memberId$$", "first"),
        FIND,
        wait,
        loop(
            **{"with": {"items": "$$steps.find.records$$"}},
            steps=[use("$$item.ID$$ $$index$$ $$vars.a$$", "turn")],
        ),
        use("$$steps.hold.call$$ $$steps.each.results.count$$", "last"),
    ]

    assert len(decoded(steps=steps).steps) == 5
