"""Templates of the gallery: what their answers make can be read, holds together, and fits what really comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hookstation.core.definitions import Configuration
from hookstation.core.documents import PersonSecrets, decode_configuration
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.schema import compile_schema
from hookstation.core.workflows.definitions import all_steps
from hookstation.core.workflows.gallery import GALLERY
from hookstation.errors import Invalid

NONE: Mapping[str, tuple[Any, ...]] = {}


def made(name: str) -> Configuration:
    """What a template makes of its usual answers, with every question that has none answered."""
    template = GALLERY[name]
    answers = {one.name: one.default or f"some-{one.name}" for one in template.questions}
    configuration, problems = decode_configuration(template.make(answers), NONE, PersonSecrets())
    elsewhere = [one for one in problems if "connection" not in one.message]
    assert [] == elsewhere
    return configuration


@pytest.mark.parametrize("name", GALLERY)
def test_what_a_template_makes_can_be_read(name: str) -> None:
    """Only the connections that it asks for are missing here."""
    workflow = next(iter(made(name).workflows.values()))
    types = [one.type for one in all_steps(workflow.steps)]
    assert {*GALLERY[name].steps} <= {*types}


@pytest.mark.parametrize("name", GALLERY)
def test_something_begins_each_workflow_by_itself(name: str) -> None:
    made_of = made(name)
    workflow = next(iter(made_of.workflows.values()))
    starters = {
        "webhook": {one.workflow for one in made_of.webhooks.values()},
        "schedule": {one.target for one in made_of.schedules.values()},
        "poll": {one.webhook.workflow for one in made_of.polls.values()},
    }
    assert {workflow.name} == starters[workflow.trigger.kind.value]


@pytest.mark.parametrize("name", GALLERY)
def test_the_sample_of_a_template_fits_its_schema(name: str) -> None:
    made_of = made(name)
    hooks = [*made_of.webhooks.values(), *(one.webhook for one in made_of.polls.values())]
    sample = parse_json(dump_json(GALLERY[name].sample).encode())
    assert [[] for _ in hooks] == [compile_schema(one.schema).violations(sample) for one in hooks]


def test_an_answer_to_no_question_is_refused() -> None:
    with pytest.raises(Invalid, match="is no question of this template"):
        GALLERY["course-completion"].make({"colour": "red"})
