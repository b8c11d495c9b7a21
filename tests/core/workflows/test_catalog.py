"""The catalogue of steps is whole, and says of every type what decoding, the editor and the runner need."""

from __future__ import annotations

import pytest

from hookstation.core.fieldlist import decode
from hookstation.core.workflows.catalog import OFFERED, SPECS, Reach, StepSpec

ASKED_FOR = {
    *(f"{verb}_{thing}" for verb in ("insert", "update", "upsert", "delete") for thing in ("activity", "panel")),
    "find_activities", "find_panels",
    "sql_select", "sql_insert", "sql_upsert", "sql_update",
    "imis_call", "imis_query", "http_request",
    "validate", "gate", "if", "switch", "for_each", "parallel", "workflow", "wait", "approval", "set", "select",
    "delta", "convert", "upload", "download", "mail", "emit", "respond", "stop", "transfer",
}  # fmt: skip
EACH = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


class NoSecrets:
    def decode(self, value: object, purpose: str) -> None:
        raise AssertionError(purpose)


def test_every_step_that_was_asked_for_is_there_and_offered() -> None:
    assert sorted(OFFERED) == sorted(ASKED_FOR)


def test_the_work_of_a_transfer_is_known_but_not_offered() -> None:
    assert SPECS.keys() - set(OFFERED) == {"move"}


@EACH
def test_what_is_said_of_a_types_settings_names_settings_that_it_has(spec: StepSpec) -> None:
    named = {
        *spec.templates, *spec.row_templates, *spec.conditions, *spec.rules,
        *(name for group in spec.needs_one for name in group), *(name for name, _ in spec.outputs),
    }  # fmt: skip
    assert named <= {setting.name for setting in spec.settings}


@EACH
def test_every_type_tells_people_what_it_does_and_what_it_puts_out(spec: StepSpec) -> None:
    assert spec.title
    assert spec.help.endswith(".")
    assert bool(spec.output) == bool(spec.holds)
    assert all(setting.help for setting in spec.settings)


@EACH
def test_the_examples_and_defaults_of_settings_are_allowed(spec: StepSpec) -> None:
    document = {one.name: one.example for one in spec.settings if one.example is not None}

    _, problems = decode(spec.settings, document, NoSecrets())  # type: ignore[arg-type]

    assert [problem for problem in problems if problem.path] == []


@EACH
def test_a_type_that_needs_a_connection_says_which_kinds(spec: StepSpec) -> None:
    assert (spec.setting("connection") is not None) == bool(spec.connections)


@pytest.mark.parametrize(
    ("reach", "kind", "settings"),
    [
        (Reach.HERE, "insert_activity", {"connection": "records"}),
        (Reach.ELSEWHERE, "insert_activity", {"connection": "imis"}),
        (Reach.READS, "http_request", {}),
        (Reach.READS, "imis_call", {"method": "HEAD"}),
        (Reach.ELSEWHERE, "imis_call", {"method": "POST"}),
        (Reach.READS, "find_panels", {"connection": "records"}),
        (Reach.CONTROL, "gate", {}),
    ],
)
def test_how_far_a_step_reaches_depends_on_its_settings(
    reach: Reach, kind: str, settings: dict[str, str]
) -> None:
    assert reach == SPECS[kind].reach_of(dict(settings))


@pytest.mark.parametrize(
    ("output", "kind", "settings"),
    [
        ("rows", "convert", {}),
        ("text", "convert", {"to": "csv"}),
        ("call", "wait", {"call": True}),
        ("waited", "wait", {"for": "2h"}),
        ("items", "imis_call", {"all_pages": True}),
        ("answer", "imis_call", {}),
        ("", "gate", {}),
    ],
)
def test_the_usual_name_of_a_result_depends_on_the_settings(
    output: str, kind: str, settings: dict[str, str]
) -> None:
    assert output == SPECS[kind].output_of(dict(settings))


def test_settings_are_read_with_their_defaults() -> None:
    values = SPECS["wait"].read({"for": "2h"})

    assert values.seconds("for") == 7_200
    assert values.seconds("expires") == 7 * 86_400
