"""A schema drafted from samples: what it says, what it asks, and that it always takes the samples."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.draft import Doubt, Draft, draft_schema
from hookstation.core.jsontext import Parsed, dump_json, parse_json, plain_of
from hookstation.core.schema import compile_schema
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "2026-11-22",
            "2026-11-22T09:30:00Z",
            "09:30:00Z",
            "ana@example.org",
            "https://example.org/a",
            "00501",
            "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
            "192.0.2.1",
            "2001:db8::1",
            "03/04/2026",
            "31/12/2026",
            "42",
        ]
    ),
)
SCALARS: st.SearchStrategy[JSON] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.sampled_from(["1.0", "19.90", "1e5", "-0", "-0.5"]).map(Number),
    TEXTS,
)
NAMES = st.sampled_from(["id", "zip", "name", "completedAt", "a.b", "", "GL Account", "$ref"])
VALUES: st.SearchStrategy[JSON] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
SAMPLES: st.SearchStrategy[list[JSON]] = st.lists(
    st.one_of(st.dictionaries(NAMES, VALUES, max_size=5), st.lists(VALUES, max_size=4)),
    min_size=1,
    max_size=5,
)


def drafted(*samples: str, **answers: str) -> Any:
    return draft_schema([parse_json(one.encode()).value for one in samples], answers).schema


def asked(*samples: str) -> list[tuple[str, str]]:
    found = draft_schema([parse_json(one.encode()).value for one in samples])
    return [(one.doubt.value, one.assumed) for one in found.questions]


def refuses(draft: Draft, samples: list[JSON]) -> bool:
    compiled = compile_schema(draft.schema)
    return any(compiled.violations(Parsed(one, plain_of(one))) for one in samples)


@given(SAMPLES)
def test_a_draft_takes_every_sample_whatever_is_answered_that_contradicts_none(samples: list[JSON]) -> None:
    draft = draft_schema(samples)
    assert not refuses(draft, samples)
    for question in draft.questions:
        for choice in question.choices:
            answered = draft_schema(samples, {question.key: choice.name})
            assert choice.contradicts or not refuses(answered, samples), choice


@given(SAMPLES)
def test_a_choice_that_says_it_contradicts_a_sample_does(samples: list[JSON]) -> None:
    draft = draft_schema(samples)
    for question in draft.questions:
        for choice in question.choices:
            answered = draft_schema(samples, {question.key: choice.name})
            assert not choice.contradicts or refuses(answered, samples), choice


@given(SAMPLES)
def test_the_same_samples_give_the_same_draft_to_the_letter(samples: list[JSON]) -> None:
    assert dump_json(draft_schema(samples).as_json()) == dump_json(draft_schema(samples).as_json())


@given(SAMPLES, st.randoms(use_true_random=False))
def test_the_order_of_samples_changes_no_type_and_no_requirement(samples: list[JSON], random: Any) -> None:
    mixed = random.sample(samples, len(samples))
    first, second = draft_schema(samples), draft_schema(mixed)
    assert not refuses(first, mixed)
    assert {one.key for one in first.questions} == {one.key for one in second.questions}


def test_the_seed_s_payload_gives_the_seed_s_schema() -> None:
    sample = (
        '{"firstName": "Homer", "lastName": "Simpson", "date": "2021-05-26",'
        ' "dateTime": "2021-05-26T10:00:00Z", "count": 3, "amount": 19.90}'
    )
    assert {
        "firstName": {"type": "string", "examples": ["Homer"]},
        "lastName": {"type": "string", "examples": ["Simpson"]},
        "date": {"type": "string", "format": "date", "examples": ["2021-05-26"]},
        "dateTime": {"type": "string", "format": "date-time", "examples": ["2021-05-26T10:00:00Z"]},
        "count": {"type": "integer", "examples": [3]},
        "amount": {"type": "number", "examples": [Number("19.90")]},
    } == drafted(sample)["properties"]
    assert ["firstName", "lastName", "date", "dateTime", "count", "amount"] == drafted(sample)["required"]
    assert [] == asked(sample)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (('{"a": 1}', '{"a": 1.5}'), {"type": "number", "examples": [1, Number("1.5")]}),
        (('{"a": 1}', '{"a": null}'), {"type": ["integer", "null"], "examples": [1]}),
        (('{"a": "x"}', '{"a": 1}'), {"type": ["string", "integer"], "examples": ["x", 1]}),
        (('{"a": null}',), {}),
        (('{"a": []}',), {"type": "array"}),
        (('{"a": [1, "x"]}',),
         {"type": "array", "items": {"type": ["string", "integer"], "examples": [1, "x"]}}),
        (('{"a": [{"b": 1}, {"c": 2}]}',),
         {"type": "array", "items": {"type": "object", "properties": {
             "b": {"type": "integer", "examples": [1]}, "c": {"type": "integer", "examples": [2]}}}}),
        (('{"a": "2026-11-22"}', '{"a": "soon"}'), {"type": "string", "examples": ["2026-11-22", "soon"]}),
        (('{"a": "2026-11-22"}', '{"a": null}'),
         {"type": ["string", "null"], "format": "date", "examples": ["2026-11-22"]}),
        (('{"a": ""}',), {"type": "string", "examples": [""]}),
    ],
)  # fmt: skip
def test_types_are_merged(samples: tuple[str, ...], expected: Any) -> None:
    assert expected == drafted(*samples)["properties"]["a"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2026-11-22T09:30:00.125+01:00", "date-time"),
        ("2026-11-22", "date"),
        ("09:30:00Z", "time"),
        ("ana.garcia@example.org", "email"),
        ("https://example.org/a?b=c", "uri"),
        ("2eb8aa08-aa98-11ea-b4aa-73b441d16380", "uuid"),
        ("192.0.2.1", "ipv4"),
        ("2001:db8::1", "ipv6"),
    ],
)
def test_a_format_is_recognised(text: str, name: str) -> None:
    assert name == drafted(dump_json({"a": text}))["properties"]["a"]["format"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "2026-11-22T09:30:00",
        "09:30",
        "ana@example",
        "example.org",
        "a:b",
        "192.0.2.256",
        "1:2",
        "now",
    ],
)
def test_what_only_resembles_a_format_is_plain_text(text: str) -> None:
    assert "format" not in drafted(dump_json({"a": text}))["properties"]["a"]


def test_a_field_is_required_where_every_object_at_its_place_has_it() -> None:
    schema = drafted('{"a": {"b": 1}, "c": 1}', '{"a": {"b": 2, "d": 1}}')
    assert (["a"], ["b"]) == (schema["required"], schema["properties"]["a"]["required"])


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (('{"a": 1}', "{}"), [("optional", "optional")]),
        (('{"a": null}',), [("null-only", "anything")]),
        (('{"a": []}',), [("empty-list", "anything")]),
        (('{"a": "x"}', '{"a": 1}'), [("mixed", "all")]),
        (('{"memberId": 10420}',), [("looks-like-id", "integer")]),
        (('{"a": 190334518}',), [("looks-like-id", "integer")]),
        (('{"a": "00501"}',), [("digits-as-text", "text")]),
        (('{"a": "100.0"}',), [("digits-as-text", "text")]),
        (('{"a": "03/04/2026"}',), [("ambiguous-date", "text")]),
        (('{"a": "31/12/2026"}',), []),
        (('{"a": "pass"}', '{"a": "fail"}', '{"a": "pass"}', '{"a": "pass"}'), [("few-values", "any")]),
        (('{"a": "pass"}', '{"a": "fail"}'), []),
        (('{"amount": 12, "paid": true}',), []),
    ],
)
def test_what_is_unsure_is_asked(samples: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert expected == asked(*samples)


@pytest.mark.parametrize(
    ("samples", "doubt", "answer", "expected"),
    [
        (('{"a": null}',), Doubt.NULL_ONLY, "date", {"type": ["string", "null"], "format": "date"}),
        (('{"a": []}',), Doubt.EMPTY_LIST, "object", {"type": "array", "items": {"type": "object"}}),
        (('{"a": "x"}', '{"a": 1}'), Doubt.MIXED, "string", {"type": "string", "examples": ["x", 1]}),
        (('{"a": 190334518}',), Doubt.LOOKS_LIKE_ID, "either",
         {"type": ["string", "integer"], "examples": [190334518]}),
        (('{"a": "00501"}',), Doubt.DIGITS_AS_TEXT, "digits",
         {"type": "string", "pattern": "^[0-9]+$", "examples": ["00501"]}),
        (('{"a": "p"}',) * 4, Doubt.FEW_VALUES, "only", {"type": "string", "enum": ["p"]}),
    ],
)  # fmt: skip
def test_an_answer_gives_the_schema_again(
    samples: tuple[str, ...], doubt: Doubt, answer: str, expected: Any
) -> None:
    found = drafted(*samples, **{f"{doubt.value}:/properties/a": answer})["properties"]["a"]
    assert expected == found


def test_a_date_whose_order_is_certain_or_answered_is_described_for_people() -> None:
    certain = drafted('{"a": "31/12/2026"}', '{"a": "03/04/2026"}')["properties"]["a"]
    assert "day first" in certain["description"]
    answered = drafted('{"a": "03/04/2026"}', **{"ambiguous-date:/properties/a": "month-first"})
    assert "month first" in answered["properties"]["a"]["description"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"optional:/properties/b": "optional"}, "answers no question"),
        ({"optional:/properties/a": "optionl"}, "Did you mean “optional”?"),
    ],
)
def test_an_answer_to_nothing_is_refused(answers: dict[str, str], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        drafted('{"a": 1}', "{}", **answers)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([], "at least one sample"),
        ([{}] * 101, "at most 100"),
        (["text"], "object or array"),
        ([{str(number): 1 for number in range(1_001)}], "1,000 fields"),
        ([[0] * 100_001], "100,000 values"),
    ],
)
def test_a_limit_is_named(samples: list[JSON], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        draft_schema(samples)


def test_a_sample_that_no_schema_could_follow_is_refused() -> None:
    deep: JSON = {}
    for _ in range(60):
        deep = {"a": deep}
    with pytest.raises(Invalid, match="at most 60"):
        draft_schema([deep])
    assert draft_schema([deep["a"]])  # type: ignore[index, call-overload]
