"""Mappings: what is checked when they are saved, and the records that they make."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.activity import ACTIVITY_SPEC, BUILT_IN_TYPES, built_in_type_warning, canonical_name
from hookstation.core.definitions import Action
from hookstation.core.mapping import CompiledMapping, check_mapping, compile_mapping
from hookstation.core.records import (
    EntitySpec,
    FieldSpec,
    FieldType,
    Instances,
    Operation,
    Parent,
    Record,
)
from hookstation.core.template import Scope
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid, MappingFailed, Problem

AT = 1_795_339_800_123_000
"""2026-11-22T09:30:00.123Z in microseconds."""

SCHEMA: JSON = {
    "type": "object",
    "properties": {
        name: {}
        for name in ("memberId", "dateTime", "date", "firstName", "lastName", "count", "amount", "code")
    },
}
PAYLOAD: JSON = {
    "memberId": "10420",
    "dateTime": "2021-05-26T10:00:00Z",
    "date": "2021-05-26",
    "firstName": "Homer",
    "lastName": "Simpson",
    "count": 3,
    "amount": Number("19.90"),
    "code": None,
}
REQUIRED: dict[str, JSON] = {"ID": "$$memberId$$", "ActivityType": "TEST"}
COURSES = EntitySpec(
    "ABC_Courses",
    {
        "ID": FieldSpec("ID", FieldType.STRING, 10, required=True),
        "CourseCode": FieldSpec("CourseCode", FieldType.STRING, 20, required=True),
        "Grade": FieldSpec("Grade", FieldType.STRING, 10, values=("pass", "fail")),
        "CompletedOn": FieldSpec("CompletedOn", FieldType.DATE),
        "Ordinal": FieldSpec("Ordinal", FieldType.INTEGER, read_only=True),
    },
    parent=Parent.PARTY,
    instances=Instances.MULTI,
)
UNKNOWN = EntitySpec("Elsewhere", {}, Parent.STANDALONE, Instances.MULTI, None, open=True)
NO_HEADERS: frozenset[str] = frozenset()


def activity(
    fields: Mapping[str, JSON], schema: JSON = SCHEMA, zone: str = "America/Chicago"
) -> CompiledMapping:
    action = Action("insert_activity", "imis", {**REQUIRED, **fields})
    return compile_mapping(action, ACTIVITY_SPEC, schema, zone, NO_HEADERS)


def panel(kind: str, fields: Mapping[str, JSON], match: Mapping[str, JSON] | None = None) -> Action:
    return Action(kind, "records", fields, "ABC_Courses", match or {})


def scope(payload: JSON = PAYLOAD) -> Scope:
    return Scope(payload, AT, "EVENT", "courses", {"x-trace": "t", "x-token": "secret"}, "a=1")


def problems(action: Action, spec: EntitySpec = ACTIVITY_SPEC, schema: JSON = SCHEMA) -> list[Problem]:
    return check_mapping(action, spec, schema, "UTC", frozenset({"x-token"}))


def test_the_seed_s_example_makes_the_record_that_it_describes() -> None:
    mapping = activity(
        {
            "TransactionDate": "$$dateTime$$",
            "Category": "DATE:$$date$$",
            "Note": "First name: $$firstName$$, Last name: $$lastName$$",
            "Quantity": "$$count$$",
            "Amount": "$$amount$$",
            "RecurringRequest": True,
        }
    )
    assert mapping.map(scope(), AT) == Record(
        "imis",
        "Activity",
        Operation.INSERT,
        {
            "ID": "10420",
            "ACTIVITY_TYPE": "TEST",
            "TRANSACTION_DATE": "2021-05-26T05:00:00",
            "CATEGORY": "DATE:2021-05-26",
            "NOTE": "First name: Homer, Last name: Simpson",
            "QUANTITY": Number("3"),
            "AMOUNT": Number("19.90"),
            "RECURRING_REQUEST": True,
        },
    )


def test_an_activity_without_its_date_gets_the_moment_of_receipt_in_the_connection_s_zone() -> None:
    assert activity({}).map(scope(), AT).fields["TRANSACTION_DATE"] == "2026-11-22T03:30:00.123"
    lone = activity({"TransactionDate": "$$dateTime$$"}, zone="UTC")
    assert lone.map(scope({"memberId": "1"}), AT).fields["TRANSACTION_DATE"] == "2026-11-22T09:30:00.123"


def test_a_lone_missing_property_leaves_the_field_out_and_a_lone_null_clears_it() -> None:
    fields = (
        activity({"UF_1": "$$count$$", "UF_2": "$$code$$", "UF_3": "$$count$$!"})
        .map(scope({"memberId": "1", "code": None}), AT)
        .fields
    )
    assert "UF_1" not in fields
    assert (fields["UF_2"], fields["UF_3"]) == (None, "!")


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({}, "ID: the payload does not have the property"),
        ({"memberId": None}, "ID: null, but the field is required"),
        ({"memberId": "12345678901"}, "ID: text of 11 characters; at most 10"),
    ],
)
def test_a_required_field_that_is_not_filled_fails_by_its_name(payload: JSON, said: str) -> None:
    with pytest.raises(MappingFailed) as caught:
        activity({}).map(scope(payload), AT)
    assert said in caught.value.message


def test_a_template_that_fails_names_the_field() -> None:
    with pytest.raises(MappingFailed) as caught:
        activity({"UF_1": "{{ firstName | plus: 1 }}"}).map(scope(), AT)
    assert caught.value.field == "UF_1"


def test_a_constant_never_reaches_an_error() -> None:
    with pytest.raises(MappingFailed) as caught:
        activity({"Category": "CONSTANT $$firstName$$ $$lastName$$"}).map(scope(), AT)
    assert "CONSTANT" not in caught.value.message


@pytest.mark.parametrize(
    ("field", "source", "marker"),
    [
        ("SourceCode", "$$event_id$$", "SOURCE_CODE"),
        ("UF_1", "{{ event_id }}", "UF_1"),
        ("UF_1", "E-$$event_id$$", ""),
        ("UF_1", "$$memberId$$", ""),
    ],
)
def test_the_marker_is_the_field_that_holds_exactly_the_event_id(
    field: str, source: str, marker: str
) -> None:
    assert activity({field: source}).marker == marker


def test_a_marker_is_ours_whatever_the_payload_holds() -> None:
    mapping = activity({"UF_1": "$$event_id$$"}, schema=True)
    assert mapping.map(scope({"memberId": "1", "event_id": "forged"}), AT).fields["UF_1"] == "EVENT"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, "courses"),
        ({"properties": {"memberId": {}}, "additionalProperties": True}, "courses"),
        ({"patternProperties": {"": {}}}, "courses"),
        ({"properties": {"memberId": {}, "webhook": {"properties": {"name": {}}}}}, "evil"),
        ({"properties": {"memberId": {}}, "anyOf": [{"properties": {"webhook": {}}}]}, "evil"),
    ],
)
@pytest.mark.parametrize("source", ["$$webhook.name$$", "{{ webhook.name }}", "{{ webhook.name | strip }}"])
def test_a_payload_takes_the_place_of_a_fact_only_where_the_schema_names_it(
    schema: JSON, expected: str, source: str
) -> None:
    mapping = activity({"UF_1": source}, schema=schema)
    event = Scope({"memberId": "1", "webhook": {"name": "evil"}}, AT, "EVENT", "courses")
    assert expected == mapping.map(event, AT).fields["UF_1"]


def test_a_declared_event_id_of_the_sender_is_no_marker() -> None:
    mapping = activity({"UF_1": "$$event_id$$"}, schema={"properties": {"event_id": {}, "memberId": {}}})
    assert mapping.marker == ""
    assert mapping.map(scope({"memberId": "1", "event_id": "theirs"}), AT).fields["UF_1"] == "theirs"


def test_the_proving_header_is_not_read_even_where_the_name_comes_from_the_payload() -> None:
    fields: dict[str, JSON] = {
        **REQUIRED,
        "UF_1": "{{ [h]['x-token'] }}{{ headers[k] }}{{ headers['x-trace'] }}",
    }
    mapping = compile_mapping(
        Action("insert_activity", "imis", fields), ACTIVITY_SPEC, True, "UTC", frozenset({"X-Token"})
    )
    payload: JSON = {"memberId": "1", "h": "headers", "k": "x-token"}
    assert mapping.map(scope(payload), AT).fields["UF_1"] == "t"


@pytest.mark.parametrize(
    ("source", "headers", "parameters"),
    [
        ("plain $$memberId$$", set(), set()),
        ('$$headers["X-A"]$$ {{ query.Name }}', {"x-a"}, {"Name"}),
        ("{{ headers[memberId] }}", {"*"}, set()),
        ("{{ query[memberId] }}", set(), {"*"}),
        ("{{ [memberId]['X-A'] }}", {"x-a"}, {"X-A"}),
    ],
)
def test_a_mapping_names_the_headers_and_parameters_that_it_reads(
    source: str, headers: set[str], parameters: set[str]
) -> None:
    mapping = activity({"UF_1": source}, schema=True)
    assert (headers, parameters) == (set(mapping.headers), set(mapping.parameters))


def test_an_upsert_matches_and_writes_what_it_matched() -> None:
    action = panel("upsert_panel", {"Grade": "pass"}, {"id": "$$memberId$$", "coursecode": "C-$$count$$"})
    mapping = compile_mapping(action, COURSES, SCHEMA, "UTC", NO_HEADERS)
    record = mapping.map(scope(), AT)
    assert record.match == {"ID": "10420", "CourseCode": "C-3"}
    assert record.fields == {"Grade": "pass", "ID": "10420", "CourseCode": "C-3"}


def test_an_update_writes_only_what_is_mapped() -> None:
    action = panel(
        "update_panel", {"CompletedOn": "$$dateTime$$"}, {"CourseCode": "X", "Ordinal": "$$count$$"}
    )
    record = compile_mapping(action, COURSES, SCHEMA, "UTC", NO_HEADERS).map(scope(), AT)
    assert (record.operation, record.fields) == (Operation.UPDATE, {"CompletedOn": "2021-05-26"})
    assert record.match == {"CourseCode": "X", "Ordinal": 3}


@pytest.mark.parametrize("payload", [{}, {"memberId": None}])
def test_a_match_that_has_no_value_fails_by_its_name(payload: JSON) -> None:
    action = panel("update_panel", {"Grade": "pass"}, {"ID": "$$memberId$$"})
    with pytest.raises(MappingFailed) as caught:
        compile_mapping(action, COURSES, SCHEMA, "UTC", NO_HEADERS).map(scope(payload), AT)
    assert caught.value.field == "ID"


def test_a_null_in_an_optional_match_field_matches_nothing_and_fails() -> None:
    action = panel("update_panel", {"Grade": "pass"}, {"Grade": "$$code$$"})
    with pytest.raises(MappingFailed, match="Grade: "):
        compile_mapping(action, COURSES, SCHEMA, "UTC", NO_HEADERS).map(scope(), AT)


def test_an_entity_of_which_nothing_is_known_takes_any_name_and_value() -> None:
    action = Action("insert_panel", "x", {"AnyThing": "$$count$$", "n": 5, "o": "$$code$$"}, "Elsewhere")
    record = compile_mapping(action, UNKNOWN, SCHEMA, "UTC", NO_HEADERS).map(scope(), AT)
    assert record.fields == {"AnyThing": 3, "n": 5, "o": None}


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"Categry": "x"}, ("fields", "Categry"), "Did you mean “CATEGORY”?"),
        ({"UF_1": "a", "uf1": "b"}, ("fields", "uf1"), "“uf1” and “UF_1” are the same field"),
        ({"PartyId": "1"}, ("fields", "PartyId"), "are the same field, ID"),
        ({"SEQN": "1"}, ("fields", "SEQN"), "is given by the target"),
        ({"Category": "x" * 16}, ("fields", "Category"), "at most 15 are allowed"),
        ({"Quantity": "much"}, ("fields", "Quantity"), "This value never fits"),
        ({"Quantity": Number("1.005")}, ("fields", "Quantity"), "at most 2 are allowed"),
        ({"ActivityType": None}, ("fields", "ActivityType"), "required"),
        ({"UF_1": "$$firstNam$$"}, ("fields", "UF_1"), "Did you mean “firstName”?"),
        ({"UF_1": '$$headers["x-token"]$$'}, ("fields", "UF_1"), "no template may read it"),
        ({"UF_1": "$$firstName"}, ("fields", "UF_1"), "never closed"),
    ],
)
def test_a_mistake_in_a_field_is_an_error_at_that_field(
    fields: dict[str, JSON], path: tuple[str, str], said: str
) -> None:
    found = problems(Action("insert_activity", "imis", {**REQUIRED, **fields}))
    assert [(problem.path, problem.severity) for problem in found] == [(path, "error")]
    assert said in found[0].message


def test_a_position_is_the_offset_in_the_template() -> None:
    found = problems(Action("insert_activity", "imis", {**REQUIRED, "Note": "Dear $$firstNam$$"}))
    assert [problem.position for problem in found] == [5]


@pytest.mark.parametrize(
    ("action", "spec", "path", "said"),
    [
        (
            Action("insert_activity", "i", {"ID": "1"}),
            ACTIVITY_SPEC,
            ("fields",),
            "ACTIVITY_TYPE is required",
        ),
        (Action("insert_activity", "i", {"ActivityType": "X"}), ACTIVITY_SPEC, ("fields",), "ID is required"),
        (panel("insert_panel", {"CourseCode": "X"}), COURSES, ("fields",), "ID is required"),
        (panel("insert_panel", {"ID": "1"}), COURSES, ("fields",), "CourseCode is required"),
        (panel("update_panel", {"Grade": "pass"}), COURSES, ("match",), "needs `match`"),
        (
            panel("insert_panel", {"ID": "1", "CourseCode": "X"}, {"ID": "1"}),
            COURSES,
            ("match",),
            "an insert always",
        ),
        (panel("update_panel", {}, {"Cours": "X"}), COURSES, ("match", "Cours"), "has no field “Cours”"),
        (panel("update_panel", {}, {"Grade": None}), COURSES, ("match", "Grade"), "null matches nothing"),
        (panel("update_panel", {"Grade": "maybe"}, {"ID": "1"}), COURSES, ("fields", "Grade"), "pass, fail"),
        (
            Action("delete_panel", "i", REQUIRED),
            ACTIVITY_SPEC,
            ("type",),
            "There is no action “delete_panel”",
        ),
        (Action("update_panel", "i", {}, "", {"ID": "1"}), COURSES, ("panel",), "needs the name of a panel"),
        (Action("insert_activity", "i", REQUIRED, "P"), ACTIVITY_SPEC, ("panel",), "use insert_panel"),
    ],
)
def test_a_mapping_that_cannot_work_is_an_error(
    action: Action, spec: EntitySpec, path: tuple[str, ...], said: str
) -> None:
    found = problems(action, spec)
    assert [(problem.path, problem.severity) for problem in found] == [(path, "error")]
    assert said in found[0].message


def test_a_party_panel_needs_the_party_even_where_its_list_does_not_name_it() -> None:
    spec = EntitySpec("P", {"A": FieldSpec("A", FieldType.STRING)})
    assert "ID is required" in problems(Action("insert_panel", "i", {"A": "x"}, "P"), spec)[0].message
    assert problems(Action("insert_panel", "i", {"A": "x", "PartyId": "$$memberId$$"}, "P"), spec) == []


def test_all_errors_are_raised_together_and_warnings_are_not() -> None:
    fields: dict[str, JSON] = {"ActivityType": "GIFT", "Nope": "x", "UF_1": "$$nope$$ {{ alsoNope }}"}
    action = Action("insert_activity", "imis", fields)
    assert [problem.severity for problem in problems(action)].count("warning") == 1
    with pytest.raises(Invalid) as caught:
        compile_mapping(action, ACTIVITY_SPEC, SCHEMA, "UTC", NO_HEADERS)
    assert len(caught.value.problems) == 4


def test_a_name_under_explicit_additional_properties_is_only_a_warning() -> None:
    schema: JSON = {"properties": {"memberId": {}}, "additionalProperties": True}
    found = problems(Action("insert_activity", "i", {**REQUIRED, "UF_1": "$$more$$"}), schema=schema)
    assert [(problem.severity, problem.position) for problem in found] == [("warning", 0)]
    assert (
        activity({"UF_1": "$$more$$"}, schema).map(scope({"memberId": "1", "more": "x"}), AT).fields["UF_1"]
        == "x"
    )


def test_an_unknown_zone_is_an_error() -> None:
    found = check_mapping(
        Action("insert_activity", "i", REQUIRED), ACTIVITY_SPEC, SCHEMA, "Mars/Olympus", NO_HEADERS
    )
    assert "Mars/Olympus" in found[0].message


@pytest.mark.parametrize("name", BUILT_IN_TYPES)
def test_a_type_that_imis_writes_itself_is_warned_about(name: str) -> None:
    assert name.upper() in built_in_type_warning(name.upper())


@given(st.sampled_from(sorted(ACTIVITY_SPEC.fields)))
def test_a_field_may_be_written_in_any_case_with_or_without_underscores(name: str) -> None:
    written = (name.lower(), name.replace("_", ""), name.title(), name.title().replace("_", ""))
    assert {canonical_name(ACTIVITY_SPEC, one) for one in written} == {name}


def test_a_name_that_could_be_two_fields_is_none() -> None:
    spec = EntitySpec(
        "P",
        {name: FieldSpec(name, FieldType.STRING) for name in ("UF_1", "UF1", "PARTYID")},
        party_field="ID",
    )
    assert (canonical_name(spec, "uf_1"), canonical_name(spec, "UF1")) == (None, "UF1")
    assert (canonical_name(spec, "PartyId"), canonical_name(spec, "id")) == ("PARTYID", "ID")
