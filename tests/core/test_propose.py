"""Proposals for a mapping: what people would have chosen, nothing far-fetched, and always a mapping that stands."""

from __future__ import annotations

import pytest
from hypothesis import given

from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.definitions import Action
from hookstation.core.draft import draft_schema
from hookstation.core.mapping import check_mapping
from hookstation.core.propose import MOST, THRESHOLD, propose
from hookstation.core.records import EntitySpec, FieldSpec, FieldType, Instances, Parent
from hookstation.core.values import JSON, Number
from tests.core.test_draft import SAMPLES

COURSES = EntitySpec(
    "ABC_Courses",
    {
        "ID": FieldSpec("ID", FieldType.STRING, 10, required=True),
        "Ordinal": FieldSpec("Ordinal", FieldType.INTEGER, read_only=True),
        "CourseCode": FieldSpec("CourseCode", FieldType.STRING, 20, required=True),
        "Grade": FieldSpec("Grade", FieldType.STRING, 10, values=("pass", "fail")),
        "CompletedOn": FieldSpec("CompletedOn", FieldType.DATE),
        "Credits": FieldSpec("Credits", FieldType.DECIMAL),
        "F_12": FieldSpec("F_12", FieldType.STRING, caption="Zip code"),
    },
    Parent.PARTY,
    Instances.MULTI,
)


def best(sample: JSON, spec: EntitySpec = ACTIVITY_SPEC) -> dict[str, str]:
    schema = draft_schema([sample]).schema
    return {name: found[0].template for name, found in propose(schema, spec, [sample]).items()}


@given(SAMPLES)
def test_every_proposal_stands_in_a_mapping_and_scores_enough(samples: list[JSON]) -> None:
    schema = draft_schema(samples).schema
    proposed = propose(schema, ACTIVITY_SPEC, samples)
    leads = [found[0].template for found in proposed.values()]
    assert len(leads) == len(set(leads))
    for name, found in proposed.items():
        assert 1 <= len(found) <= MOST
        for one in found:
            action = Action("insert_activity", "imis", {"ID": "1", "ActivityType": "T", name: one.template})
            problems = check_mapping(action, ACTIVITY_SPEC, schema, "UTC", frozenset())
            assert [] == [problem for problem in problems if problem.severity == "error"]
            assert THRESHOLD <= one.score <= 100
            assert one.reason.endswith(".")


def test_the_seed_s_payload_is_mapped_as_the_seed_does() -> None:
    sample: JSON = {
        "memberId": "10420",
        "firstName": "Homer",
        "dateTime": "2021-05-26T10:00:00Z",
        "count": 3,
        "amount": Number("19.90"),
    }
    assert {
        "ID": "$$memberId$$",
        "TRANSACTION_DATE": "$$dateTime$$",
        "SOURCE_CODE": "{{ event_id }}",
        "QUANTITY": "$$count$$",
        "AMOUNT": "$$amount$$",
    } == best(sample)


def test_a_panel_s_fields_are_proposed_by_name_caption_type_and_list() -> None:
    sample: JSON = {
        "user": {"id": 77120934, "zip": "00501"},
        "course": {"code": "ETH-1", "name": "Ethics"},
        "result": "pass",
        "completed_at": "2026-11-20T16:45:12Z",
        "ce_credits": "1.5",
    }
    assert {
        "ID": "$$user.id$$",
        "CourseCode": "$$course.code$$",
        "Grade": "$$result$$",
        "CompletedOn": "$$completed_at$$",
        "Credits": "$$ce_credits$$",
        "F_12": "$$user.zip$$",
    } == best(sample, COURSES)


@pytest.mark.parametrize(
    "sample",
    [
        {"completed_at": "yesterday"},
        {"Ordinal": 1, "SEQN": 7},
        {"result": "excellent"},
        {"course_code": "a code that is far too long for it"},
        {"colour": "red"},
        {"CourseCode": {"a": 1}},
    ],
)
def test_what_does_not_fit_is_not_proposed(sample: JSON) -> None:
    assert {} == best(sample, COURSES)


def test_the_moment_of_an_activity_gets_one_proposal_and_read_only_fields_none() -> None:
    sample: JSON = {"completed_at": "2026-11-20T16:45:12Z", "created_at": "2026-11-20T16:45:12Z", "SEQN": 4}
    proposed = propose(draft_schema([sample]).schema, ACTIVITY_SPEC, [sample])
    assert ["$$completed_at$$"] == [one.template for one in proposed["TRANSACTION_DATE"]]
    assert "SEQN" not in proposed


def test_what_stands_in_a_list_is_the_first_entry_s_and_scores_less() -> None:
    proposed = propose(draft_schema([{"lines": [{"sku": "A"}], "x": {"sku": "B"}}]).schema, ACTIVITY_SPEC)
    assert ["$$x.sku$$", "$$lines.0.sku$$"] == [one.template for one in proposed["PRODUCT_CODE"]]
    assert "first entry" in proposed["PRODUCT_CODE"][1].reason


def test_a_payload_with_an_event_id_of_its_own_gets_no_marker() -> None:
    assert "{{ event_id }}" not in best({"event_id": "e"}).values()


def test_a_person_s_id_goes_before_the_call_s_own() -> None:
    """Senders number their calls at the top, and name the person below."""
    sample: JSON = {"id": "2024", "payload": {"user": {"id": 10420}}}
    assert "$$payload.user.id$$" == best(sample)["ID"]
