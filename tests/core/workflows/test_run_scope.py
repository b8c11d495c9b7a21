"""What templates and conditions of a run read, and who sees what."""

from __future__ import annotations

import pytest

from hookstation.core.outgoing.scope import MOST_MADE
from hookstation.core.outgoing.trees import compile_tree
from hookstation.core.template import MISSING, Value
from hookstation.core.values import JSON, Number
from hookstation.core.workflows.compiled import compile_workflow
from hookstation.core.workflows.definitions import Step, Workflow
from hookstation.core.workflows.scope import Frame, compile_run_template, first_frame
from hookstation.core.workflows.scoping import Seen, template_problems
from hookstation.errors import MappingFailed

TRIGGER: JSON = {
    "memberId": "23",
    "price": Number("19.90"),
    "headers": "mine",
    "item": "own",
    "a b": {"c": [1, 2]},
}


def frame() -> Frame:
    made = first_frame(TRIGGER, {"id": "r1", "headers": {"x-a": "1"}}, 0)
    made.add("check", {"errors": []})
    made.set_vars({"total": 7})
    return made


def read(source: str, where: Frame | None = None) -> Value:
    return compile_run_template(source).evaluate((where or frame()).scope())


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$$trigger$$", TRIGGER),
        ("$$trigger.price$$", Number("19.90")),
        ("$$steps.check.errors$$", []),
        ("$$vars.total$$", 7),
        ("$$run.id$$", "r1"),
        ("$$run.headers.x-a$$", "1"),
        ("$$memberId$$", "23"),
        ('$$["a b"].c[1]$$', 2),
        ("$$headers$$", "mine"),
        ("$$item$$", "own"),
        ("$$steps.other.x$$", MISSING),
        ("$$event_id$$", MISSING),
        ("m $$memberId$$ $$vars.total$$", "m 23 7"),
        ("{{ steps.check.errors.size }}", 0),
        ("{% if vars.total > 5 %}{{ memberId | append: run.id }}{% endif %}", "23r1"),
        ("{{ trigger.price | times: 2 }}", "39.80"),
        ("{{ nothing }}", MISSING),
    ],
)
def test_a_template_reads_what_its_first_name_stands_for(source: str, value: Value) -> None:
    assert value == read(source)


@pytest.mark.parametrize("output", ["record", ""])
def test_why_a_step_failed_can_be_read_whatever_it_puts_out(output: str) -> None:
    assert [] == template_problems("$$steps.tell.error$$", Seen(outputs={"tell": output}))


def test_inside_a_loop_item_and_index_hide_properties_of_these_names() -> None:
    turn = frame().inner({"item": {"id": 5}, "index": 0})
    assert (5, 0, "own") == (
        read("$$item.id$$", turn),
        read("$$index$$", turn),
        read("$$trigger.item$$", turn),
    )


def test_a_trigger_that_is_no_object_is_read_by_its_name_alone() -> None:
    where = first_frame(["a", "b"], {}, 0)
    assert ("b", MISSING) == (read("$$trigger[1]$$", where), read("$$first$$", where))


def test_what_an_inner_frame_adds_is_known_outside_when_it_has_ended() -> None:
    outer = frame()
    inner = outer.inner()
    inner.add("insert", {"record": {"key": "1"}})
    inner.set_vars({"total": 8})
    before = (read("$$vars.total$$", outer), read("$$steps.insert$$", outer), read("$$vars.total$$", inner))
    outer.join(inner)
    assert (7, MISSING, 8) == before
    assert (8, "1") == (read("$$vars.total$$", outer), read("$$steps.insert.record.key$$", outer))


def test_nested_settings_are_filled_leaf_by_leaf_and_missing_ones_left_out() -> None:
    body: JSON = {
        "id": "$$memberId$$",
        "none": "$$nothing$$",
        "list": ["$$vars.total$$", "$$nothing$$", 3],
        "x": None,
    }
    step = Step("tell", "emit", settings={"type": "t", "payload": body})
    compiled = compile_workflow(Workflow("w", (step,))).by_name["tell"]
    assert {"type": "t", "payload": {"id": "23", "list": [7, 3], "x": None}} == compiled.fill(frame().scope())


def test_a_setting_that_is_left_out_has_its_default() -> None:
    step = Step("check", "validate", settings={"schema": {"type": "object"}})
    compiled = compile_workflow(Workflow("w", (step,))).by_name["check"]
    assert {"schema": {"type": "object"}, "data": TRIGGER} == compiled.fill(frame().scope())


def test_texts_of_a_schema_are_no_templates() -> None:
    step = Step("check", "validate", settings={"schema": {"const": "$$memberId$$"}})
    compiled = compile_workflow(Workflow("w", (step,))).by_name["check"]
    assert {"const": "$$memberId$$"} == compiled.fill(frame().scope())["schema"]


def test_a_template_that_fails_names_its_setting() -> None:
    step = Step("tell", "emit", settings={"type": "t", "payload": {"at": "{{ memberId | date: '%Y' }}"}})
    compiled = compile_workflow(Workflow("w", (step,))).by_name["tell"]
    with pytest.raises(MappingFailed, match=r"^payload\.at: "):
        compiled.fill(frame().scope())


def test_templates_of_a_row_read_its_columns_first_and_the_run_behind_its_names() -> None:
    step = Step(
        "shape",
        "select",
        settings={
            "rows": [],
            "columns": [{"name": "a", "value": "$$ID$$ $$index$$ $$vars.total$$ $$item.ID$$"}],
        },
    )
    fill = compile_workflow(Workflow("w", (step,))).by_name["shape"].per_row(frame().scope())
    made = [fill("columns", {"ID": number}, number) for number in range(2)]
    assert [[{"name": "a", "value": "0 0 7 0"}], [{"name": "a", "value": "1 1 7 1"}]] == made


def test_what_the_templates_of_one_step_make_together_is_bounded() -> None:
    where = first_frame({"long": "x" * (MOST_MADE // 4)}, {}, 0)
    make = compile_tree(["$$long$$"] * 5, compile_run_template)
    with pytest.raises(MappingFailed, match="more than"):
        make(where.scope())
