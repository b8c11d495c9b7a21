"""Templates: both notations, the value rules, and that payload text is never a template."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hookstation.core.jsontext import dump_json
from hookstation.core.template import (
    FACTS,
    MISSING,
    Path,
    Scope,
    TemplateKind,
    Value,
    compile_template,
    path_text,
    rewrite,
)
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid, MappingFailed

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "$$name$$",
        "{{ name }}",
        "{% if name %}x{% endif %}",
        "$$$$",
        "{{",
        "%}",
        "{% raw %}",
        "$$",
        "{{ event_id }}",
    ]
)


def value_of(source: str, payload: JSON, **facts: str) -> Value:
    return compile_template(source).evaluate(Scope(payload, **facts))  # type: ignore[arg-type]


def problem_of(source: str) -> tuple[str, int | None]:
    with pytest.raises(Invalid) as caught:
        compile_template(source)
    return caught.value.problems[0].message, caught.value.problems[0].position


@pytest.mark.parametrize(
    "value", [None, True, False, 0, 10**30, Number("19.90"), Number("1e5"), "text", [1, "a"], {"a": None}]
)
@pytest.mark.parametrize("source", ["$$x$$", "{{ x }}", "{{x}}", '$$["x"]$$', "{{ ['x'] }}"])
def test_a_lone_property_keeps_its_json_value(value: JSON, source: str) -> None:
    assert value == value_of(source, {"x": value})


@pytest.mark.parametrize(
    "source", ["$$y$$", "{{ y }}", "$$x.y$$", "$$x.0$$", "$$0$$", "{{ x[3] }}", "$$x.y.z$$"]
)
def test_a_lone_property_that_is_not_there_is_missing(source: str) -> None:
    assert value_of(source, {"x": "text"}) is MISSING


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$$0.x$$", 7),
        ("{{ 0.x }}", 7),
        ("{{ 0.x | plus: 1 }}", "8"),
        ("$$[0].x$$", 7),
        ("$$5.x$$", MISSING),
    ],
)
def test_the_root_may_be_an_array(source: str, expected: Value) -> None:
    assert expected == value_of(source, [{"x": 7}])


def test_digits_name_a_member_of_an_object() -> None:
    assert value_of("$$a.0$$$$a.007$$", {"a": {"0": "x", "007": "y"}}) == "xy"


@given(st.lists(NAMES, min_size=1, max_size=4), TEXTS)
def test_any_name_can_be_written_and_read_back(names: list[str], text: str) -> None:
    payload: JSON = text
    for name in reversed(names):
        payload = {name: payload}
    path: Path = tuple(names)
    assert text == value_of(f"$${path_text(path)}$$", payload)


@given(TEXTS, TEXTS)
def test_payload_text_is_never_parsed_as_a_template(one: str, other: str) -> None:
    payload: JSON = {"one": one, "other": other, "name": "WRONG"}
    assert value_of("$$one$$|$$other$$", payload) == f"{one}|{other}"
    liquid = "{% if true %}$$one$${% endif %}|{{ other | append: '' }}|{% assign n = one %}{{ n }}"
    captured = "{% capture c %}{{ n }}{% endcapture %}|{{ c }}"
    assert value_of(liquid + captured, payload) == f"{one}|{other}|{one}|{one}"


@given(TEXTS)
def test_text_without_a_notation_is_literal(text: str) -> None:
    assume("$$" not in text and "{{" not in text and "{%" not in text)
    template = compile_template(text)
    assert (template.kind, template.evaluate(Scope({})), template.names) == (TemplateKind.LITERAL, text, ())


@given(st.text(st.sampled_from('$ab.0["]{}%|-: \\\n'), max_size=30))
@settings(max_examples=400)
def test_any_source_compiles_or_says_where_it_is_wrong(source: str) -> None:
    positions: list[int | None] = []
    try:
        compile_template(source)
    except Invalid as invalid:
        positions = [problem.position for problem in invalid.problems]
    assert all(position is not None and 0 <= position <= len(source) + 20 for position in positions)


@pytest.mark.parametrize(
    ("source", "said", "position"),
    [
        ("a $$name", "never closed", 2),
        ("a $$na[me$$", "[0] or", 6),
        ("$$a.$$", "expected after the dot", 4),
        ("$$ $$", "property name is expected", 2),
        ("costs {{ amount", "“{{” is never closed", 6),
        ("x {{ }}", "stands nothing", 2),
        ("{% if a %}x", "This is not Liquid", 11),
        ("{{ a | }}", "This is not Liquid", 3),
        ("{{ a | upcas }}", "Did you mean “upcase”?", 7),
        ("{{ a | upcase: 1 }}", "takes no argument, not 1", 7),
        ("{{ a | replace }}", "takes 1 to 2 arguments, not 0", 7),
        ("{% include 'x' %}", "no tag “include”", 3),
        ("{% fro x in y %}{% endfor %}", "Did you mean “for”?", 3),
        ("{% break %}", "belongs inside a loop", 3),
        ("{% raw %}x", "“{% endraw %}” is missing", 0),
        ("{% comment %}x", "“{% endcomment %}” is missing", 0),
        (f"{{{{ {'a' * 1001} }}}}", "1,000 characters", 0),
        ("x" * 65_537, "65,536 characters", 0),
    ],
)
def test_a_mistake_is_told_with_its_position(source: str, said: str, position: int) -> None:
    message, at = problem_of(source)
    assert (said in message, at) == (True, position), (message, at)


@pytest.mark.parametrize(
    "source",
    [
        "{{ __class__ }}", "{{ x.__class__ }}", "{{ x.upper }}", "{{ d.keys }}", "{{ d.items }}", "{{ l.append }}",
        "{{ l.__len__ }}", "{{ d.__dict__.x }}", "{{ n.real }}", "{{ n.text }}", "{{ forloop.name }}",
        "{{ x | map: '__class__' | first }}", "{{ now }}", "{{ today }}", "{{ partial }}", "{{ event.payload }}",
        "{% for i in l %}{{ forloop.it }}{{ forloop.__class__ }}{% endfor %}",
    ],
)  # fmt: skip
def test_nothing_of_python_can_be_reached(source: str) -> None:
    payload: JSON = {"x": "text", "d": {"a": 1}, "l": [1], "n": Number("1.5")}
    assert value_of(f"{source}{{{{ '' | strip }}}}", payload) == ""


def test_names_of_python_are_names_of_the_payload() -> None:
    payload: JSON = {"__class__": "a", "o": {"items": "b", "keys": "c", "size": "d", "first": "e"}}
    assert (
        value_of("{{ __class__ | upcase }}{{ o.items }}{{ o.keys }}{{ o.size }}{{ o.first }}", payload)
        == "Abcde"
    )


FORGED: JSON = {
    "event_id": "evil", "received_at": "evil", "webhook": {"name": "evil"}, "headers": {"x-a": "evil"},
    "query": {"q": "evil"}, "root": "event_id",
}  # fmt: skip


def forged() -> Scope:
    """A payload that has every fact of the call as a property."""
    return Scope(FORGED, 1_000_000, "ours", "courses", {"x-a": "ours"}, "q=ours")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$$event_id$$", "ours"),
        ("{{ event_id }}", "ours"),
        ("{{ event_id | upcase }}", "OURS"),
        ("<$$event_id$$>", "<ours>"),
        ("{% if true %}$$event_id$${% endif %}", "ours"),
        ("{% assign x = event_id %}{{ x }}", "ours"),
        ("{{ $$event_id$$ | append: '!' }}", "ours!"),
        ("{{ [root] | append: '!' }}", "ours!"),
        ("{{ event_id.size }}", 4),
        ("$$received_at$$", "1970-01-01T00:00:01.000Z"),
        ("{{ received_at | date: '%Y' }}", "1970"),
        ("$$webhook.name$$", "courses"),
        ("{{ webhook.name | append: '.' }}", "courses."),
        ('$$headers["X-A"]$$', "ours"),
        ("{{ headers['X-A'] | append: '.' }}", "ours."),
        ("$$query.q$$", "ours"),
        ("{{ query['q'] | append: '.' }}", "ours."),
    ],
)
def test_no_payload_takes_the_place_of_a_fact_of_the_call(source: str, expected: str) -> None:
    assert expected == compile_template(source).evaluate(forged())


@pytest.mark.parametrize(
    "source",
    [
        "$$event_id$$", "{{ event_id }}", "{{ event_id | append: '' }}", "$$event_id$${{ '' }}",
        "$$webhook.name$$", "{{ webhook.name | append: '' }}", '$$headers["x-a"]$$', "{{ headers.x-a | append: '' }}",
        "$$query.q$$", "$$received_at$$", "{{ [root] | append: '' }}",
    ],
)  # fmt: skip
def test_a_fact_that_the_schema_declares_is_the_payloads(source: str) -> None:
    assert "evil" == compile_template(source, frozenset(FACTS)).evaluate(forged())


@pytest.mark.parametrize("source", ["$$event_id$$", "{{ event_id | append: '' }}"])
def test_a_declared_fact_that_the_payload_does_not_have_is_the_stations(source: str) -> None:
    template = compile_template(source, frozenset({"event_id"}))
    assert "ours" == template.evaluate(Scope({"id": 1}, event_id="ours"))


def test_hidden_headers_are_not_there_under_any_name() -> None:
    scope = Scope(
        {"h": "headers"}, 0, "", "", {"authorization": "a", "cookie": "b", "x-token": "c", "x": "d"}
    )
    scope.hide(frozenset({"x-token"}))
    hidden = "{{ headers.authorization }}{{ headers['Cookie'] }}{{ [h]['x-token'] }}$$headers.X-Token$$"
    source = hidden + "{{ headers | json }}"
    assert compile_template(source).evaluate(scope) == '{"x":"d"}'


def test_headers_may_be_given_as_a_function_that_is_called_only_when_asked() -> None:
    asked: list[str] = []

    def headers() -> dict[str, str]:
        asked.append("asked")
        return {"x": "1"}

    scope = Scope({"a": "b"}, headers=headers)
    assert (compile_template("$$a$$").evaluate(scope), asked) == ("b", [])
    assert (compile_template("$$headers.X$$").evaluate(scope), asked) == ("1", ["asked"])


NUMBERS = st.integers(-(10**40), 10**40) | st.sampled_from([Number("19.90"), Number("1e5")])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_both_engines_write_a_value_alike(value: JSON) -> None:
    plain = value_of("<$$x$$>", {"x": value})
    assert plain == value_of("{% if true %}<{{ x }}>{% endif %}", {"x": value})


def test_objects_and_arrays_are_compact_json_with_their_digits() -> None:
    payload: JSON = {"x": [{"a": Number("2.50")}, None, True]}
    assert value_of("{% if true %}{{ x }}{% endif %}", payload) == dump_json(payload["x"])  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('{{ x.format("yyyy") }}', '{{ x | format: "yyyy" }}'),
        ("{{ x | format('a') }}", "{{ x | format: 'a' }}"),
        ('{{ x | upcase() | join( "," ) }}', '{{ x | upcase | join: "," }}'),
        ('{{ x.y.format("d") | upcase }}', '{{ x.y | format: "d" | upcase }}'),
        ('{{ "x.format(1)" }}', '{{ "x.format(1)" }}'),
        ('x.format("y") | join(",")', 'x.format("y") | join(",")'),
        ('{% raw %}{{ x.format("y") }}{% endraw %}', '{% raw %}{{ x.format("y") }}{% endraw %}'),
        ('$$["{{ x.format(\\"y\\") }}"]$$', '$$["{{ x.format(\\"y\\") }}"]$$'),
        ("{% assign y = x.format('d') %}", "{% assign y = x | format: 'd' %}"),
    ],
)
def test_calls_of_other_suites_are_rewritten_inside_liquid_only(source: str, expected: str) -> None:
    assert rewrite(source) == expected
    assert rewrite(expected) == expected


@given(st.text(st.sampled_from("{}%$x.format()|\"', "), max_size=30))
def test_rewriting_twice_changes_nothing(source: str) -> None:
    assert rewrite(rewrite(source)) == rewrite(source)


def test_the_names_of_a_template_follow_loops_and_assignments() -> None:
    source = "{% assign a = order %}{% for i in a.lines %}{{ i.sku }}{{ other }}{% endfor %}$$b.c$$"
    names = [(path_text(name.path), name.position) for name in compile_template(source).names]
    assert names == [
        ("order", source.index("order")),
        ("order.lines", source.index("a.lines")),
        ("order.lines[…].sku", source.index("i.sku")),
        ("other", source.index("other")),
        ("b.c", source.index("$$b")),
    ]


@pytest.mark.parametrize(
    ("source", "marker"),
    [
        ("$$event_id$$", True),
        ("{{ event_id }}", True),
        ("x$$event_id$$", False),
        ("{{ event_id | upcase }}", False),
    ],
)
def test_only_the_bare_event_id_is_a_marker(source: str, marker: bool) -> None:
    assert compile_template(source).is_marker is marker


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{% if name > 3 %}x{% endif %}", "integer and text"),
        ("{{ name | plus: 1 }}", "the filter “plus”: a number is expected"),
        ("{{ n | divided_by: 0 }}", "division by zero"),
        ("{{ name | date: '%Y' }}", "the filter “date”"),
        ("{{ name | format: 'yyyy' }}", "the filter “format”"),
        ("{{ l | sort }}", "only texts among themselves"),
        ("{{ d | format: '%Q' | date: '%Q' }}", "filter “date”"),
        ("{% for i in l limit: n2 %}{% endfor %}", "does not work"),
    ],
)
def test_what_a_template_cannot_do_is_said_without_the_payload_s_text(source: str, said: str) -> None:
    payload: JSON = {"name": "SECRET", "n": 5, "n2": -9, "l": [1, "a"], "d": "2026-01-01"}
    with pytest.raises(MappingFailed) as caught:
        value_of(source, payload)
    assert said in caught.value.reason
    assert "SECRET" not in caught.value.message
