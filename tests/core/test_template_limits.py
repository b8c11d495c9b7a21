"""Hostile templates end with an error that names a limit; the wall clock of the test run is the only clock here."""

from __future__ import annotations

import pytest

from hookstation.core.template import Scope, compile_template
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid, MappingFailed


def loop(body: str, turns: int = 1_000) -> str:
    return f"{{% for i in (1..{turns}) %}}{body}{{% endfor %}}"


def nested(value: JSON, levels: int) -> JSON:
    for _ in range(levels):
        value = [value]
    return value


PAYLOAD: JSON = {
    "t": "a" * 1_000_000,
    "block": "x" * 65_536,
    "one": "x",
    "less": -3,
    "list": list(range(9_000)),
    "words": [f"word {index}" for index in range(9_000)],
    "objects": [{"a": str(index)} for index in range(4_000)],
    "deep": nested("x", 60),
    "huge": int("9" * 4_300),
    "long": Number("1" * 900 + ".5"),
    "tags": "<" * 500_000,
}

STEPS = "100,000 steps"
TURNS = "1,000 turns"
BYTES = "65,536 bytes"
CHARACTERS = "1,048,576 characters"
ELEMENTS = "10,000 elements"

OVER = {
    "nested loops": (
        "".join(f"{{% for i{n} in (1..900) %}}" for n in range(10)) + "x" + "{% endfor %}" * 10,
        TURNS,
    ),
    "loops one after another": (loop("x", 600) * 2, TURNS),
    "a long array": ("{% for i in list %}x{% endfor %}", TURNS),
    "a huge range": (loop("x", 1_000_000_000), TURNS),
    "a huge range backwards": ("{% for i in (1..1000000000) reversed %}x{% endfor %}", TURNS),
    "a huge range in a variable": (
        "{% assign r = (1..1000000000) %}{% for i in r reversed %}x{% endfor %}",
        TURNS,
    ),
    "a huge range in a filter": ("{{ (1..1000000000) | join }}", "10,000 numbers"),
    "searching a long text again and again": (loop("{% if t contains 'b' %}{% endif %}"), STEPS),
    "searching a long text in itself": (loop("{% if t contains t %}{% endif %}"), STEPS),
    "comparing long arrays": (loop("{% if list == list %}{% endif %}"), STEPS),
    "many statements": (loop("{{ one }}" * 200), STEPS),
    "writing a deep value": (
        loop("{% capture c %}{{ deep }}{{ objects | first }}{% endcapture %}" * 12),
        STEPS,
    ),
    "sorting again and again": (loop("{% assign s = words | sort %}"), STEPS),
    "a text in many variables": (
        "".join(f"{{% assign v{n} = t | upcase %}}" for n in range(1_500)),
        STEPS,
    ),
    "doubling a text": ("{% assign x = 'ab' %}" + loop("{% assign x = x | append: x %}"), CHARACTERS),
    "replacing by a long text": ("{{ t | replace: 'a', t }}", CHARACTERS),
    "replacing nothing": ("{{ t | replace: '', t }}", CHARACTERS),
    "joining by a long text": ("{{ list | join: t }}", CHARACTERS),
    "doubling an array": ("{% assign x = list %}" + loop("{% assign x = x | concat: x %}"), ELEMENTS),
    "splitting into characters": ("{{ t | split: '' }}", ELEMENTS),
    "squaring a number": ("{% assign x = 9 %}" + loop("{% assign x = x | times: x %}"), "100 digits"),
    "rounding a long number": ("{{ long | round: 2 }}", "800 digits"),
    "a long result": ("$$t$$!", BYTES),
    "a long Liquid result": ("{{ t | upcase }}", BYTES),
    "a long capture": (loop("{% capture c %}{{ c }}{{ c }}x{% endcapture %}"), BYTES),
    "a wide character counts its bytes": ("$$one$$" + "€" * 22_000, BYTES),
    "a long format": ("{{ received_at | date: t }}", "200 characters"),
}


@pytest.mark.parametrize("case", OVER)
def test_over_a_limit_is_an_error_that_names_it(case: str) -> None:
    source, limit = OVER[case]
    with pytest.raises(MappingFailed) as caught:
        compile_template(source).evaluate(Scope(PAYLOAD))
    assert limit in caught.value.reason


REFUSED = {
    "blocks too deep": ("{% if one %}" * 33 + "{% endif %}" * 33, "At most 32 blocks"),
    "brackets too deep": ("{{ " + "[" * 900 + " }}", "At most 32 brackets"),
    "parentheses": ("{{ " + "(" * 900 + " }}", "At most 32 brackets"),
    "white space without end": ("{% if" + " " * 60_000 + "one %}x{% endif %}", "1,000 characters"),
    "opening braces": ("{{" * 30_000, "never closed"),
    "opening tags": ("{%" * 30_000, "never closed"),
    "raw without end": ("{% raw %}" * 7_000, "never closed"),
    "comments without end": ("{% comment %}" * 5_000, "never closed"),
    "dollars without end": ("$$" * 32_767, "never closed"),
    "a path without end": ("$$a" + ".a" * 30_000 + "$$", "64 parts"),
    "quotation marks": ("{{ " + "'" * 900 + " }}", "not Liquid"),
    "calls in calls": ("{{ x" + ".format(" * 100 + " }}", "32 brackets"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_never_work_is_refused_when_it_is_compiled(case: str) -> None:
    source, said = REFUSED[case]
    with pytest.raises(Invalid) as caught:
        compile_template(source)
    assert said in caught.value.problems[0].message


FINE = {
    "32 blocks inside one another": ("{% if one %}" * 32 + "x" + "{% endif %}" * 32, "x"),
    "1,000 turns": (loop("x"), "x" * 1_000),
    "leaving a long array early": (
        "{% for i in list %}{% if i > 2 %}{% break %}{% endif %}{{ i }}{% endfor %}",
        "012",
    ),
    "65,536 bytes": ("{% if one %}$$block$${% endif %}", "x" * 65_536),
    "many conditions": ("{% if " + "one and " * 110 + "one %}x{% endif %}", "x"),
    "stripping tags that never end": ("{{ tags | strip_html | size }}", "500000"),
    "a deep value": ("{{ deep | json | size }}", "123"),
}


@pytest.mark.parametrize("case", FINE)
def test_up_to_the_limit_it_works(case: str) -> None:
    source, expected = FINE[case]
    assert expected == compile_template(source).evaluate(Scope(PAYLOAD))
