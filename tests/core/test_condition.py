"""Conditions: total for whatever JSON comes, lawful, written back as they were read, and exact in what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from hookstation.core.condition import (
    DEEPEST,
    LONGEST,
    LONGEST_PART,
    MOST_ELEMENTS,
    MOST_OPTIONS,
    MOST_SEARCHES,
    MOST_TERMS,
    AllOf,
    Among,
    AnyOf,
    Compare,
    Exists,
    Not,
    Operator,
    Property,
    Search,
    Term,
    Where,
    compile_condition,
    text_of_term,
)
from hookstation.core.values import JSON, Number, Scalar
from hookstation.errors import Invalid

NAMES = st.sampled_from(["a", "b", "and", "in", "exists", "odd name", "0", "x-y", "ö", '"', "\\", "\n", ""])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(["a", "ab", "A", "5"])
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,3}|[eE][-+]?[0-9]{1,2})", fullmatch=True).map(
    Number
)
SCALARS: SearchStrategy[Scalar] = st.none() | st.booleans() | st.integers(-30, 30) | NUMBERS | TEXTS
JSONS: SearchStrategy[JSON] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
PATHS = st.lists(NAMES | st.integers(0, 3), min_size=1, max_size=3).map(tuple)
PROPERTIES = st.builds(Property, PATHS)
PAIRS = st.tuples(PROPERTIES, PROPERTIES | SCALARS) | st.tuples(SCALARS, PROPERTIES)
LEAVES: SearchStrategy[Term] = st.one_of(
    st.builds(lambda pair, how: Compare(pair[0], how, pair[1]), PAIRS, st.sampled_from(Operator)),
    st.builds(Among, PROPERTIES, st.lists(SCALARS, min_size=1, max_size=3).map(tuple)),
    st.builds(Exists, PROPERTIES),
    st.builds(lambda pair, where: Search(where, *pair), PAIRS, st.sampled_from(Where)),
)


def _grown(inner: SearchStrategy[Term]) -> SearchStrategy[Term]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(AllOf, several) | st.builds(AnyOf, several)


TERMS: SearchStrategy[Term] = st.recursive(LEAVES, _grown, max_leaves=6)


def holds(source: str, payload: JSON, facts: dict[str, JSON] | None = None) -> bool:
    return compile_condition(source).holds(payload, facts or {})


def mistake_of(source: str) -> tuple[str, int | None]:
    with pytest.raises(Invalid) as caught:
        compile_condition(source)
    [problem] = caught.value.problems
    return problem.message, problem.position


@given(TERMS)
def test_what_is_written_is_read_back_as_the_same(term: Term) -> None:
    written = text_of_term(term)
    assert (term, written) == (compile_condition(written).term, compile_condition(written).text)


@given(TERMS, JSONS)
def test_any_condition_holds_or_does_not_for_any_json(term: Term, payload: JSON) -> None:
    condition = compile_condition(text_of_term(term))
    assert condition.holds(payload) in (True, False)
    assert condition.said


@given(TERMS, TERMS, JSONS)
def test_and_or_and_not_keep_the_laws_of_logic(one: Term, other: Term, payload: JSON) -> None:
    def truth(term: Term) -> bool:
        return compile_condition(text_of_term(term)).holds(payload)

    assert truth(Not(Not(one))) == truth(one)
    assert truth(AllOf((one, other))) == (truth(one) and truth(other)) == truth(AllOf((other, one)))
    assert truth(AnyOf((one, other))) == (truth(one) or truth(other)) == truth(AnyOf((other, one)))
    assert truth(Not(AllOf((one, other)))) == truth(AnyOf((Not(one), Not(other))))
    assert truth(Not(AnyOf((one, other)))) == truth(AllOf((Not(one), Not(other))))


@given(PROPERTIES, SCALARS, JSONS)
def test_comparisons_agree_with_one_another(one: Property, other: Scalar, payload: JSON) -> None:
    def truth(term: Term) -> bool:
        return compile_condition(text_of_term(term)).holds(payload)

    equal, less, greater = (
        truth(Compare(one, how, other)) for how in (Operator.EQUAL, Operator.LESS, Operator.GREATER)
    )
    assert [equal, less, greater].count(True) <= 1
    assert truth(Compare(one, Operator.UNEQUAL, other)) is not equal
    assert truth(Compare(other, Operator.EQUAL, one)) is equal
    assert truth(Compare(other, Operator.GREATER, one)) is less
    assert truth(Among(one, (other,))) is equal
    assert not (less or greater) or truth(Compare(one, Operator.AT_MOST, other)) is less


@given(st.text(st.sampled_from("ab.\"'[]()<>=!,15 \n-\\") | st.sampled_from("andortifx_"), max_size=25))
@settings(max_examples=500)
def test_any_text_is_a_condition_or_says_where_it_is_wrong(source: str) -> None:
    try:
        assert compile_condition(source).holds({}) in (True, False)
    except Invalid as refusal:
        [problem] = refusal.problems
        assert problem.position is not None
        assert 0 <= problem.position <= len(source)


def test_the_empty_condition_always_holds() -> None:
    condition = compile_condition(" \n ")
    assert (True, "", "always") == (condition.holds(None), condition.text, condition.said)


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        (
            "a == 100000000000000000000000000000000000001",
            {"a": Number("100000000000000000000000000000000000001.0")},
        ),
        ("a < 0.1000000000000000000000000000000000000000001", {"a": Number("0.1")}),
        ("a == 1e2", {"a": 100}),
        ("a > 1e299", {"a": 10**4_000}),
        ("[0].x == 7", [{"x": 7}]),
        ("a.0 == 1", {"a": {"0": 1}}),
        ('a["0"] == 1', {"a": {"0": 1}}),
        ('["and"] == 1 and ["a b"].in == 2', {"and": 1, "a b": {"in": 2}}),
        ("exists == 1 and contains(exists_, 2)", {"exists": 1, "exists_": [2]}),
        ("not not a == 1", {"a": 1}),
        ('a=="x"and(b==1)', {"a": "x", "b": 1}),
        ('a == "\\u00e9\\n\\""', {"a": 'é\n"'}),
    ],
)
def test_conditions_that_hold(source: str, payload: JSON) -> None:
    assert holds(source, payload)


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("a == b", {}),
        ("a == a", {"a": [1]}),
        ('a["0"] == 1', {"a": [1]}),
        ("a == 1", {"a": True}),
        ("a < 1", {"a": False}),
        ("a == 1", {"a": Number("1e99999999999999999999")}),
        ("a.b.c == 1", {"a": "text"}),
        ("contains(a, b)", {"a": [[1]], "b": [1]}),
    ],
)
def test_conditions_that_do_not_hold(source: str, payload: JSON) -> None:
    assert not holds(source, payload)


def test_a_text_that_is_too_long_to_be_looked_for_is_in_none() -> None:
    long = "x" * LONGEST_PART
    assert holds("contains(a, b)", {"a": long, "b": long})
    assert not holds("contains(a, b)", {"a": f"{long}x", "b": f"{long}x"})


def test_an_array_of_too_many_elements_contains_nothing() -> None:
    most: list[JSON] = ["x"] * MOST_ELEMENTS
    assert holds('contains(a, "x")', {"a": most})
    assert not holds('contains(a, "x")', {"a": [*most, "x"]})


def test_a_fact_hides_a_property_of_its_name() -> None:
    assert holds('event.type == "order.paid"', {"event": "mine"}, {"event": {"type": "order.paid"}})
    assert holds('payload.event == "mine"', {"event": "mine"}, {"payload": {"event": "mine"}})
    assert holds('event.type == "order.paid"', [1], {"event": {"type": "order.paid"}})


@pytest.mark.parametrize(
    ("source", "said", "position"),
    [
        ("amount = 5", "“=” is not known here; write ==.", 7),
        ("a == 1 && b == 2", "“&&” is not known here; write and.", 7),
        ('strats_with(a, "x")', "Did you mean “starts_with”?", 0),
        ("a == 1 AND b == 2", "Did you mean “and”?", 7),
        ('a == "x', "The text that begins here has no closing quote.", 5),
        ("(a == 1", "The parenthesis that opens here is never closed: “)” is missing.", 0),
        ("a == 1)", "“)” is not expected here", 6),
        ("member.active", "write member.active == true or exists(member.active).", 0),
        ("a == 1 and b", "“b” alone is no condition", 11),
        ("1 == 1", "This names no property, so it is the same for every payload", 0),
        ('"x" in ["x"]', "This names no property", 0),
        ("a not in [1]", "“not” stands before the whole", 2),
        ('exists("x")', "“exists” asks for a property", 0),
        ("starts_with(a)", "a comma: starts_with(where, what)", 13),
        ("a in [b]", "a text in quotes, a number, true, false or null", 6),
        ("a in [1", "The condition ends where a comma or “]” is expected.", 7),
        ("a[x] == 1", "Write a position or a name in quotes between the brackets", 1),
        ("a. == 1", "A property name is expected after the dot.", 2),
        ('a == "\\x"', "The escape \\x is unknown", 5),
        ('a == "\\ud800"', "A surrogate escape has no partner.", 5),
        ("a == 1e999", "out of range", 5),
        ("a == 01", "A property or a value is expected here", 5),
        ("a == and", "“and” is not expected here", 5),
        ("a ==", "but the condition ends", 4),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(source: str, said: str, position: int) -> None:
    message, place = mistake_of(source)
    assert said in message
    assert position == place


@pytest.mark.parametrize(
    ("write", "most", "said"),
    [
        (lambda count: " " * (count - 6) + "a == 1", LONGEST, "at most 10,000 characters"),
        (lambda count: " or ".join(["a == 1"] * count), MOST_TERMS, "at most 200 comparisons"),
        (lambda count: "(" * count + "a == 1" + ")" * count, DEEPEST, "32 deep"),
        (lambda count: "not " * count + "a == 1", DEEPEST, "32 deep"),
        (lambda count: " or ".join(["1 in a"] * count), MOST_SEARCHES, "20 times"),
        (lambda count: f"a in [{','.join('1' * count)}]", MOST_OPTIONS, "at most 1,000 values"),
        (lambda count: ".".join("a" * count) + " == 1", 64, "at most 64 parts"),
        (lambda count: f"a == {'1' * count}", 1_000, "at most 1,000 digits"),
    ],
)
def test_a_limit_can_be_reached_but_not_passed(write: Callable[[int], str], most: int, said: str) -> None:
    compile_condition(write(most))
    assert said in mistake_of(write(most + 1))[0]


def test_a_condition_is_told_in_words() -> None:
    source = (
        'record.entity == "ACTIVITY" and (amount >= 19.90 or not status in ["A", "B"]) and exists(member.id) '
        'and not starts_with(name, "Test") and not (a < 1 or b != null)'
    )
    assert (
        "record.entity is “ACTIVITY” and (amount is at least 19.90 or status is none of “A”, “B”) and member.id is "
        "there and name does not begin with “Test” and none of these: (a is less than 1 or b is not null)"
    ) == compile_condition(source).said


def test_a_condition_knows_the_properties_that_it_reads_and_where() -> None:
    names = compile_condition('a.b == 1 or contains(tags[0], ["odd name"])').names
    assert [(("a", "b"), 0), (("tags", 0), 21), (("odd name",), 30)] == [
        (one.path, one.position) for one in names
    ]
