"""One description of a setting: decoding, writing back, JSON Schema."""

from __future__ import annotations

from typing import Final

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.documents import PersonSecrets
from hookstation.core.fieldlist import Kind, Setting, decode, encode, json_schema
from hookstation.core.rates import Rate
from hookstation.core.values import JSON, Number, Secret
from tests.support.configurations import documents

CODEC: Final = PersonSecrets()
EVERY: Final = (
    Setting("text", Kind.TEXT, maximum=10),
    Setting("name", Kind.NAME),
    Setting("url", Kind.URL),
    Setting("endpoint", Kind.ENDPOINT),
    Setting("secret", Kind.SECRET),
    Setting("integer", Kind.INTEGER, minimum=1, maximum=9_000),
    Setting("duration", Kind.DURATION, minimum=1, maximum=86_400),
    Setting("durations", Kind.DURATIONS, minimum=1, maximum=86_400),
    Setting("size", Kind.SIZE, maximum=1024**2),
    Setting("rate", Kind.RATE),
    Setting("boolean", Kind.BOOLEAN),
    Setting("choice", Kind.CHOICE, choices=("red", "green")),
    Setting("networks", Kind.NETWORKS),
    Setting("ports", Kind.PORTS),
    Setting("zone", Kind.ZONE),
    Setting("header", Kind.HEADER),
    Setting("list", Kind.LIST, maximum=3),
    Setting("mapping", Kind.MAPPING, minimum=1),
    Setting("json", Kind.JSON),
    Setting("group", Kind.GROUP, fields=(Setting("inner", Kind.INTEGER, required=True),)),
    Setting("entries", Kind.ENTRIES, fields=(Setting("inner", Kind.INTEGER, required=True),)),
    Setting("groups", Kind.GROUPS, maximum=2, fields=(Setting("inner", Kind.INTEGER, required=True),)),
    Setting("one", Kind.ONE_OF, variants={"none": (), "some": (Setting("how", required=True),)}),
)


def problems_of(document: JSON, settings: tuple[Setting, ...] = EVERY) -> list[str]:
    return [str(problem) for problem in decode(settings, document, CODEC)[1]]


@pytest.mark.parametrize(
    ("name", "written", "expected"),
    [
        ("text", "a\tb", "a\tb"),
        ("url", "https://example.org:8443/api/", "https://example.org:8443/api"),
        ("endpoint", "https://example.org/hooks/?a=1", "https://example.org/hooks/?a=1"),
        ("durations", ["5s", 30, "1.5s"], [5, 30, Number("1.5")]),
        ("durations", [], []),
        ("ports", [443, 65_535], [443, 65_535]),
        ("integer", 9_000, 9_000),
        ("duration", "25s", 25),
        ("duration", "1.5h", 5_400),
        ("duration", "2500ms", Number("2.5")),
        ("duration", 90, 90),
        ("duration", Number("1.50"), Number("1.5")),
        ("size", "1MiB", 1_048_576),
        ("size", "500KB", 500_000),
        ("size", "500 kb", 500_000),
        ("size", 17, 17),
        ("rate", "100/s", Rate(100, 1)),
        ("rate", "1000/min", Rate(1_000, 60)),
        ("rate", "10/h", Rate(10, 3_600)),
        ("rate", "5/10s", Rate(5, 10)),
        ("networks", ["203.0.113.7", "2001:DB8::/32"], ["203.0.113.7/32", "2001:db8::/32"]),
        ("zone", "Europe/Berlin", "Europe/Berlin"),
        ("header", "X-Hub-Signature-256", "X-Hub-Signature-256"),
        ("secret", "s", Secret("s")),
        ("json", [1, {"a": Number("1.0")}], [1, {"a": Number("1.0")}]),
    ],
)
def test_each_kind_is_read_as_it_is_meant(name: str, written: JSON, expected: object) -> None:
    values, problems = decode(EVERY, {name: written}, CODEC)
    assert problems == []
    assert values[name] == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"text": 5}, 'text: must be text, but is integer; put it in quotes: "5".'),
        ({"text": "12345678901"}, "text: is 11 characters long; at most 10 are allowed."),
        ({"text": "a\x00"}, "text: holds control characters or broken Unicode; remove them."),
        (
            {"name": "a b"},
            "name: “a b” is not a name; allowed are letters, digits, “_”, “-” and “.”, up to 64, beginning with a "
            "letter or digit. Write it like “a-b”.",
        ),
        (
            {"name": ""},
            "name: must not be empty; allowed are letters, digits, “_”, “-” and “.”, up to 64, beginning with a "
            "letter or digit.",
        ),
        (
            {"name": "課程"},
            "name: “課程” is not a name; allowed are letters, digits, “_”, “-” and “.”, up to 64, beginning with a "
            "letter or digit.",
        ),
        (
            {"url": "ftp://x"},
            "url: “ftp://x” is not an address; it must begin with http:// or https:// and name a host.",
        ),
        (
            {"url": "https://a:b@x"},
            "url: an address must not hold a user name or password; use the settings made for them.",
        ),
        (
            {"url": "https://x/?q"},
            "url: an address must not have a query (“?”) or a fragment (“#”) here; remove it.",
        ),
        (
            {"endpoint": "https://x/#a"},
            "endpoint: an address must not have a fragment (“#”): it is never sent; remove it.",
        ),
        (
            {"endpoint": "//x"},
            "endpoint: “//x” is not an address; it must begin with http:// or https:// and name a host.",
        ),
        ({"durations": ["1s", "1w"]}, "durations.1: must be at most 1d."),
        ({"durations": ["1s"] * 101}, "durations: has 101 members; at most 100 are allowed."),
        ({"ports": [0]}, "ports.0: must be at least 1."),
        ({"ports": "443"}, "ports: must be a list of ports, like [443, 8443], but is text."),
        ({"integer": "12"}, "integer: must be a whole number, but is text; write it without quotes."),
        ({"integer": True}, "integer: must be a whole number, but is boolean."),
        ({"integer": 0}, "integer: must be at least 1."),
        ({"integer": 10_000}, "integer: must be at most 9,000."),
        (
            {"duration": "5 minutes"},
            "duration: “5 minutes” is not a duration; write it like 25s, 5m, 12h or 7d, or as seconds.",
        ),
        ({"duration": "25h"}, "duration: must be at most 1d."),
        ({"duration": "1500.1ms"}, "duration: a duration cannot be finer than a millisecond."),
        ({"size": "2MiB"}, "size: must be at most 1MiB."),
        ({"size": True}, "size: true is not a size; write it like 1MiB, 500KB or 200B, or as bytes."),
        ({"rate": "fast"}, "rate: “fast” is not a rate; write it like 100/s, 1000/min or 10/h."),
        (
            {"rate": "0/s"},
            "rate: a rate must be at least 1; to stop everything, set the state to “paused”.",
        ),
        ({"boolean": "yes"}, "boolean: must be true or false, but is “yes”."),
        (
            {"choice": "gren"},
            "choice: “gren” is not allowed; choose one of red or green. Did you mean “green”?",
        ),
        (
            {"networks": ["10.0.0.5/8"]},
            "networks.0: “10.0.0.5/8” has bits beyond its mask; write 10.0.0.0/8 for the network or 10.0.0.5 for "
            "the one address.",
        ),
        (
            {"networks": ["::1", "home"]},
            "networks.1: “home” is not a network; write it like 203.0.113.0/24, 203.0.113.7 or 2001:db8::/32.",
        ),
        (
            {"zone": "america/chicago"},
            "zone: “america/chicago” is not a time zone; write an IANA name like America/Chicago or UTC. "
            "Did you mean “America/Chicago”?",
        ),
        (
            {"header": "X-Token: abc"},
            "header: “X-Token: abc” is not a header name; write only the name, like X-Signature.",
        ),
        ({"list": ["a", 1]}, 'list.1: must be text, but is integer; put it in quotes: "1".'),
        ({"list": ["", "", "", ""]}, "list: has 4 members; at most 3 are allowed."),
        ({"mapping": {}}, "mapping: is empty: name at least one."),
        ({"secret": ["x"]}, "secret: must be text, but is array."),
        (
            {"group": {"iner": 1}},
            "group.iner: is not a known setting; known here are inner. Did you mean “inner”?",
        ),
        ({"group": []}, "group: must be an object with settings, but is array."),
        ({"entries": {"a": {"inner": "x"}}}, "entries.a.inner: must be a whole number, but is text."),
        ({"one": {}}, "one: “type” is missing; choose one of none or some."),
        (
            {"one": {"type": "non"}},
            "one.type: “non” is not a known type; choose one of none or some. Did you mean “none”?",
        ),
        ({"one": {"type": "some"}}, "one: “how” is missing."),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_is_allowed(document: JSON, expected: str) -> None:
    assert expected in problems_of(document)


def test_all_problems_come_at_once() -> None:
    document: JSON = {"integer": "x", "boolean": 1, "one": {"type": "some", "what": 1}, "txet": ""}
    places = [problem.path for problem in decode(EVERY, document, CODEC)[1]]
    assert places == [("txet",), ("integer",), ("boolean",), ("one", "what"), ("one",)]


def test_a_missing_setting_is_named_with_its_help_and_an_empty_one_at_its_place() -> None:
    settings = (Setting("url", Kind.URL, required=True, help="Where it is."),)
    assert problems_of({}, settings) == ["“url” is missing. Where it is."]
    assert problems_of({"url": None}, settings) == ["url: must not be empty. Where it is."]


def test_defaults_are_filled_in_when_read_and_left_out_when_written() -> None:
    settings = (Setting("time", Kind.DURATION, default="25s"), Setting("zone", Kind.ZONE, default="UTC"))
    values, _ = decode(settings, {"zone": "UTC"}, CODEC)
    assert dict(values) == {"time": 25, "zone": "UTC"}
    assert encode(settings, values, CODEC) == {}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("duration", 604_800, "7d"),
        ("duration", 90, "90s"),
        ("duration", Number("2.5"), "2.5s"),
        ("durations", [5, 120, Number("1.5")], ["5s", "2m", "1.5s"]),
        ("size", 1_048_576, "1MiB"),
        ("size", 500_000, "500KB"),
        ("size", 17, 17),
        ("rate", Rate(10, 3_600), "10/h"),
        ("rate", Rate(5, 10), "5/10s"),
    ],
)
def test_units_are_written_the_way_people_read_them(name: str, value: object, expected: JSON) -> None:
    assert encode(EVERY, {name: value}, CODEC) == {name: expected}


@given(st.integers(1, 86_400_000))
def test_a_duration_is_read_back_as_it_was_written(milliseconds: int) -> None:
    values, problems = decode(EVERY, {"duration": f"{milliseconds}ms"}, CODEC)
    assert problems == [] or milliseconds < 1_000
    again, _ = decode(EVERY, encode(EVERY, values, CODEC), CODEC)
    assert dict(again) == dict(values)


@given(st.dictionaries(st.sampled_from([one.name for one in EVERY]), documents))
def test_any_document_gives_values_or_problems_and_never_fails(document: dict[str, JSON]) -> None:
    values, problems = decode(EVERY, document, CODEC)
    assert set(values) | {str(problem.path[0]) for problem in problems} >= {
        name for name, value in document.items() if value is not None
    }


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "text": st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=12),
            "integer": st.integers(-10, 10_000),
            "boolean": st.booleans() | st.just("yes"),
            "choice": st.sampled_from(["red", "blue", 1]),
            "list": st.lists(st.just("x") | st.just(1), max_size=5),
            "mapping": st.dictionaries(st.just("a"), st.none()),
            "group": st.fixed_dictionaries({}, optional={"inner": st.integers(), "other": st.none()}),
            "one": st.sampled_from([{"type": "none"}, {"type": "some"}, {"type": "some", "how": "x"}, {}]),
        },
    )
)
def test_the_json_schema_agrees_with_the_decoder(document: dict[str, JSON]) -> None:
    validator = jsonschema_rs.Draft202012Validator(json_schema(EVERY))
    assert validator.is_valid(document) == (problems_of(document) == [])


@pytest.mark.parametrize(
    "value",
    [10**6_000, Number("1e999999999"), Number("1e-999999999"), "9" * 100_000, -(10**300)],
    ids=["vast", "exponent", "tiny", "text", "negative"],
)
@pytest.mark.parametrize("setting", EVERY, ids=[one.name for one in EVERY])
def test_monstrous_numbers_are_refused_or_kept_in_no_time(setting: Setting, value: JSON) -> None:
    assert len("".join(problems_of({setting.name: value}))) < 1_000


def test_a_list_of_groups_is_read_and_written_back_in_its_order() -> None:
    values, problems = decode(EVERY, {"groups": [{"inner": 2}, {"inner": 1}]}, CODEC)
    assert [] == problems
    assert [2, 1] == [one.integer("inner") for one in values.groups("groups")]
    assert {"groups": [{"inner": 2}, {"inner": 1}]} == encode(EVERY, values, CODEC)


def test_mistakes_in_a_list_of_groups_are_said_at_their_places() -> None:
    assert [
        "groups.0.inner: must be a whole number, but is text.",
        "groups.1: must be an object with settings, but is integer.",
    ] == problems_of({"groups": [{"inner": "x"}, 1]})
    assert ["groups: has 3 members; at most 2 are allowed."] == problems_of({"groups": [{"inner": 1}] * 3})
    assert ["groups: must be a list of objects with settings, but is object."] == problems_of({"groups": {}})
