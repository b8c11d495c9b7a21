"""What a subscription makes of an event: bodies of every form and headers, whatever the payload holds."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import parse_qsl
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.outgoing.definitions import Body, BodyForm, Subscription
from hookstation.core.outgoing.headers import LONGEST, MOST, name_refused
from hookstation.core.outgoing.scope import compile_outgoing, scope_of
from hookstation.core.outgoing.subscribing import Rendered, compile_subscription
from hookstation.core.outgoing.trees import DEEPEST, MOST_VALUES
from hookstation.core.outgoing.values import EventOut
from hookstation.core.outgoing.xml import write_xml
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid, MappingFailed
from tests.support.configurations import documents, texts
from tests.support.golden_requests import FOLDER, MOMENT, cases, rendered, written

ANY_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
XML_TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
) | st.text(st.sampled_from("\r\n\t <&>\"']]>x"), max_size=20)


def event(payload: JSON) -> EventOut:
    return EventOut("01E", "order.paid", MOMENT, dump_json(payload))


def request(payload: JSON, body: Body, headers: dict[str, str] | None = None) -> Rendered:
    compiled = compile_subscription(Subscription("s", "d", ("order.paid",), body=body, headers=headers or {}))
    return compiled.render(event(payload), "01D", 3)


def body_of(payload: JSON, form: BodyForm, content: JSON = None) -> bytes:
    return request(payload, Body(form, content)).body


USUAL = Body()


def problems_of(body: Body = USUAL, headers: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(Invalid) as caught:
        compile_subscription(Subscription("s", "d", ("order.paid",), body=body, headers=headers or {}))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", cases())
def test_the_request_of_a_known_event_is_that_of_the_golden_file(name: str) -> None:
    """After a change that is meant, ``python -m tests.support.golden_requests`` writes the files anew."""
    assert (FOLDER / f"{name}.http").read_text() == written(rendered(name))


@given(st.dictionaries(texts, documents, max_size=4) | st.lists(documents, max_size=4))
def test_a_payload_goes_out_to_the_letter_alone_and_in_its_envelope(payload: JSON) -> None:
    as_it_came = dump_json(payload).encode()
    assert as_it_came == body_of(payload, BodyForm.JSON)
    envelope = parse_json(body_of(payload, BodyForm.ENVELOPE)).value
    assert {"type": "order.paid", "timestamp": "2026-11-22T15:30:00.123Z", "data": payload} == envelope
    assert as_it_came in body_of(payload, BodyForm.ENVELOPE)
    assert as_it_came == body_of(payload, BodyForm.TEMPLATE, "$$payload$$")


@given(st.dictionaries(st.sampled_from("abc"), documents, max_size=3), documents)
def test_json_by_template_is_json_and_leaves_out_what_is_missing(
    payload: dict[str, JSON], fixed: JSON
) -> None:
    content: JSON = {"a": "$$a$$", "b": ["$$b.0$$", {"c": "x $$c$$"}], "fixed": _literal(fixed)}
    made = parse_json(body_of(payload, BodyForm.TEMPLATE, content)).value
    assert isinstance(made, dict)
    assert ("a" in payload) is ("a" in made)
    assert payload.get("a") == made.get("a")
    assert fixed == made["fixed"]


def _literal(value: JSON) -> JSON:
    """The content that gives this value: every text doubled where it would be a template."""
    if isinstance(value, dict):
        return {name: _literal(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_literal(one) for one in value]
    return f"{{% raw %}}{value}{{% endraw %}}" if isinstance(value, str) and value else value


@given(ANY_TEXTS, ANY_TEXTS)
def test_a_form_is_read_back_as_it_was_meant(name: str, value: str) -> None:
    body = body_of({"x": value}, BodyForm.FORM, {name: "$$x$$", "n": 5})
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert {name: value, "n": "5"} | {"n": "5"} == dict(pairs)


@given(XML_TEXTS, XML_TEXTS)
def test_values_in_xml_are_read_back_and_never_become_markup(one: str, other: str) -> None:
    body = body_of({"one": one, "other": other}, BodyForm.XML, {"r": {"@a": "$$one$$", "t": "$$other$$"}})
    root = Xml.fromstring(body)
    assert ({"a": one}, other, 1) == (root.attrib, root.findtext("t"), len(root))


@given(documents)
def test_any_payload_gives_a_document_or_fails_by_name(payload: JSON) -> None:
    with suppress(MappingFailed):
        assert "r" == Xml.fromstring(write_xml({"r": payload}).encode()).tag


@given(ANY_TEXTS)
def test_a_header_never_carries_more_than_its_value(value: str) -> None:
    with suppress(MappingFailed):
        headers = dict(request({"x": value}, Body(), {"X-Value": "$$x$$"}).headers)
        assert value.strip(" \t") == headers["X-Value"]
        assert re.fullmatch(r"[ -~\t]*", value)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "Åsa", "x" * (LONGEST + 1)])
def test_what_no_header_can_carry_fails_the_delivery(value: str) -> None:
    with pytest.raises(MappingFailed, match=r"^X-Value: "):
        request({"x": value}, Body(), {"X-Value": "$$x$$"})


def test_a_header_whose_property_is_missing_or_null_is_left_out() -> None:
    headers = {"A": "$$nothing$$", "B": "$$null$$", "C": "[$$nothing$$]"}
    assert (("Content-Type", "application/json"), ("C", "[]")) == request(
        {"null": None}, Body(), headers
    ).headers


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Connection",
        "Transfer-Encoding",
        "webhook-id",
        "Webhook-Signature",
        "AUTHORIZATION",
        "Cookie",
        "Content-Type",
        "Hookstation-Event-Id",
        "Proxy-Authorization",
        "TE",
        "a b",
        "a:",
        "",
        "ö",
        "a\r\nb",
    ],
)
def test_a_header_that_is_not_the_subscriptions_is_refused(name: str) -> None:
    assert name_refused(name)
    assert any(one.startswith(f"headers.{name}: ") for one in problems_of(headers={name: "x"}))


def test_a_header_is_set_once_and_not_too_many_are() -> None:
    assert "headers.x-a: is the same header as “X-A”; keep one." in problems_of(
        headers={"X-A": "1", "x-a": "2"}
    )
    many = {f"X-{number}": "1" for number in range(MOST + 1)}
    assert problems_of(headers=many) == ["headers: has 31 headers; at most 30 are allowed."]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (Body(BodyForm.JSON, {"a": 1}), "body.content: “json” takes no content"),
        (Body(BodyForm.TEMPLATE), "body.content: is missing"),
        (Body(BodyForm.TEMPLATE, {"a": ["$$x"]}), "body.content.a.0: “$$” is never closed"),
        (Body(BodyForm.TEMPLATE, "$$delivery.atempt$$"), "Did you mean “delivery.attempt”?"),
        (Body(BodyForm.TEMPLATE, [0] * MOST_VALUES), "body.content: has more than 2,000 values"),
        (Body(BodyForm.FORM, ["a"]), "body.content: must be an object of fields"),
        (Body(BodyForm.FORM, {"a": {}}), "body.content.a: must be a template or a single value."),
        (
            Body(BodyForm.XML, {"a": 1, "b": 2}),
            "body.content: must be an object whose one member is the root",
        ),
        (Body(BodyForm.XML, {"a": {"1b": ""}}), "body.content.a.1b: “1b” is not a name in XML"),
        (Body(BodyForm.XML, {"a": {"xml-b": ""}}), "belong to XML itself"),
        (Body(BodyForm.XML, {"a": {"p:b": ""}}), "the prefix “p” is declared nowhere around it"),
        (Body(BodyForm.XML, {"a": {"@xmlns:xmlp": "urn:x"}}), "prefixes that begin with “xml”"),
        (Body(BodyForm.XML, {"a": {"@b": {}}}), "body.content.a.@b: must be a single value."),
        (Body(BodyForm.XML, {"a": {"b": [[1]]}}), "body.content.a.b.0: a list inside a list has no name"),
        (Body(BodyForm.XML, {"a": [1]}), "body.content.a: the root is one element"),
        (Body(BodyForm.TEXT, 5), "body.content: must be a template, but is integer."),
        (Body(content_type="json"), "body.content_type: “json” is not a type of content"),
        (Body(content_type="text/plain\r\nX: y"), "is not a type of content"),
        (Body(content_type="text/plain; charset=latin1"), "bodies are written in UTF-8, not in “latin1”"),
    ],
)
def test_a_body_that_cannot_be_made_is_refused_with_its_place(body: Body, said: str) -> None:
    assert any(said in one for one in problems_of(body))


def test_content_deeper_than_the_limit_is_refused() -> None:
    content: JSON = "$$x$$"
    for _ in range(DEEPEST):
        content = [content]
    assert [] != parse_json(body_of({"x": 1}, BodyForm.TEMPLATE, content)).value
    assert "32 deep" in problems_of(Body(BodyForm.TEMPLATE, [content]))[0]


@pytest.mark.parametrize(
    ("form", "content", "payload", "said"),
    [
        (BodyForm.TEMPLATE, "$$x$$", {}, "body: the payload does not have the property"),
        (BodyForm.TEMPLATE, {"a": ["{{ x | divided_by: 0 }}"]}, {"x": 1}, "a.0: "),
        (BodyForm.XML, {"r": "$$x$$"}, {}, "body: the root is missing"),
        (BodyForm.XML, {"r": "$$x$$"}, {"x": [1]}, "r: is an array in this payload"),
        (BodyForm.XML, {"r": {"@a": "$$x$$"}}, {"x": {}}, "r.@a: must be a single value, but is object."),
        (BodyForm.XML, {"r": {"b": "$$x$$"}}, {"x": "\x01"}, "r.b: holds a control character"),
        (BodyForm.XML, {"r": {"b": "$$x$$"}}, {"x": {"GL Account": 1}}, "r.b.GL Account: "),
        (BodyForm.XML, {"r": {"b": "$$x$$"}}, {"x": [[1]]}, "r.b: holds an array in an array"),
        (BodyForm.XML, {"r": {"@xmlns:p": "$$x$$"}}, {"x": ""}, "r.@xmlns:p: is empty"),
        (BodyForm.TEXT, "{{ x | divided_by: 0 }}", {"x": 1}, "body: "),
        (BodyForm.TEXT, "$$x$$", {"x": ["x" * 1_000_000] * 9}, "body: has 9,000,0"),
    ],
)
def test_a_payload_that_cannot_be_told_fails_by_the_name_of_the_place(
    form: BodyForm, content: JSON, payload: JSON, said: str
) -> None:
    with pytest.raises(MappingFailed) as caught:
        body_of(payload, form, content)
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$$event.id$$", "01E"),
        ("{{ event.type }}", "order.paid"),
        ("$$delivery.attempt$$", 3),
        ("$$payload.event$$", "mine"),
        ("{{ payload.event | upcase }}", "MINE"),
        ("$$event_id$$", "theirs"),
        ("$$webhook$$", "theirs"),
        ("{{ headers.x | default: 'none' }}", "none"),
        ("[$$received_at$$|$$query.x$$]", "[|]"),
    ],
)
def test_names_are_the_payloads_but_for_three(source: str, value: JSON) -> None:
    payload: JSON = {"event": "mine", "delivery": "mine", "event_id": "theirs", "webhook": "theirs"}
    assert value == compile_outgoing(source).evaluate(scope_of(event(payload), payload, "01D", 3))


def test_a_payload_that_is_an_array_has_the_same_names_beside_it() -> None:
    payload: JSON = [{"id": Number("1.0")}]
    scope = scope_of(event(payload), payload, "01D", 3)
    sources = (
        "$$0.id$$",
        "{{ 0.id }}",
        "$$event.id$$",
        "{{ event.id }}",
        "$$payload.0.id$$",
        "{{ payload.first.id }}",
    )
    one = Number("1.0")
    assert [one, one, "01E", "01E", one, one] == [
        compile_outgoing(source).evaluate(scope) for source in sources
    ]


def test_every_mistake_of_a_subscription_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        compile_subscription(
            Subscription(
                "s", "d", ("*", "record.x"), condition="a ==", body=Body(BodyForm.TEXT), headers={"Host": "x"}
            )
        )
    assert [("events", 1), ("condition",), ("body", "content"), ("headers", "Host")] == [
        problem.path for problem in caught.value.problems
    ]


def test_an_event_is_wanted_by_type_and_condition_of_an_active_subscription_only() -> None:
    def wants(active: bool = True, amount: int = 20, type_: str = "order.paid") -> bool:
        subscription = Subscription("s", "d", (type_,), active=active, condition="amount >= 20")
        return compile_subscription(subscription).wants(event({"amount": amount}), {"amount": amount})

    assert (True, False, False, False) == (
        wants(),
        wants(active=False),
        wants(amount=19),
        wants(type_="order.sent"),
    )


@pytest.mark.parametrize(
    "payload",
    [{"a": "x" * 10_000}, {"a": ["x"] * 4_000}, {"a": {f"k{number}": 1 for number in range(2_000)}}],
)
def test_what_templates_make_is_counted_while_it_is_made(payload: JSON) -> None:
    """However often a body repeats what came: it is refused before so much is held."""
    content: JSON = {f"k{number}": ["$$a$$"] for number in range(900)}
    with pytest.raises(
        MappingFailed, match="body: what templates make of this payload has more than 8,388,608"
    ):
        request(payload, Body(BodyForm.TEMPLATE, content))
