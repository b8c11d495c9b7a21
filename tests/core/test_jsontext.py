"""JSON text: every refusal with its reason, every digit kept, both passes of one mind."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookstation.core import jsontext
from hookstation.core.jsontext import DEPTH, MEMBERS, Parsed, dump_json, dump_json_line, parse_json
from hookstation.core.values import JSON, Number
from hookstation.errors import BodyRefused

REFUSED = {
    "empty": (b"", "The body is empty"),
    "only white space": (b" \r\n\t", "The body is empty"),
    "a form feed is not white space": (b"\x0c{}", "Line 1, column 1 (byte 0)"),
    "a zero byte": (b"\x00", "Line 1, column 1 (byte 0)"),
    "a zero byte after the end": (b"{}\x00", "only one JSON document"),
    "half a word": (b"[tru]", "a value is expected here"),
    "a Python word": (b"[True]", "a value is expected here"),
    "single quotes": (b"{'a': 1}", "a property name in double quotes"),
    "bare property name": (b"{a: 1}", "a property name in double quotes"),
    "comma before the end of an array": (b"[1,]", "remove the comma before"),
    "comma before the end of an object": (b'{"a":1,}', "remove the comma before"),
    "leading comma": (b"[,1]", "a value is expected here"),
    "missing colon": (b'{"a" 1}', "a colon is expected"),
    "missing comma": (b"[1 2]", "a comma or the end"),
    "missing value": (b'{"a":}', "a value is expected here"),
    "an unfinished object": (b'{"a": 1', "the body ends before"),
    "an unfinished array": (b"[[1]", "the body ends before"),
    "an unfinished text": (b'["abc', "has no closing quote"),
    "the wrong bracket": (b'{"a":1]', "a comma or the end"),
    "a comment": (b"{} // done", "only one JSON document"),
    "two documents": (b"{}{}", "only one JSON document"),
    "two lines of JSON": (b"{}\n{}", "Line 2, column 1 (byte 3)"),
    "a bare number": (b"1", "a bare integer"),
    "a bare text": (b'"a"', "a bare text"),
    "a bare null": (b"null", "a bare null"),
    "leading zero": (b"[01]", "a comma or the end"),
    "leading plus": (b"[+1]", "a value is expected here"),
    "no digit before the point": (b"[.5]", "a value is expected here"),
    "no digit after the point": (b"[1.]", "a comma or the end"),
    "no digit in the exponent": (b"[1e]", "a comma or the end"),
    "hexadecimal": (b"[0x10]", "a comma or the end"),
    "digits of another script": ("[١]".encode(), "a value is expected here"),
    "only a minus": (b"[-]", "a value is expected here"),
    "NaN": (b'{"NaN": NaN}', "Line 1, column 9 (byte 8): NaN is not JSON"),
    "Infinity": (b"[Infinity]", "Infinity is not JSON"),
    "minus Infinity": (b"[-Infinity]", "-Infinity is not JSON"),
    "a duplicate key": (b'{"a":1,"b":2,"a":3}', "The property “a” appears twice"),
    "a duplicate key written as an escape": (b'{"a":1,"\\u0061":3}', "The property “a” appears twice"),
    "a duplicate key with space before its colon": (b'{"a":1,"a" :3}', "The property “a” appears twice"),
    "a duplicate key deep inside": (b'[{"x":[{"k":1,\n"k"\t:1}]}]', "The property “k” appears twice"),
    "a duplicate key beside text like a key": (b'{"a":1,"a":"\\":"}', "The property “a” appears twice"),
    "a lone high surrogate": (b'["\\ud83d"]', "\\ud83d without its other half"),
    "a lone low surrogate": (b'["\\ude00"]', "\\ude00 without its other half"),
    "surrogates in the wrong order": (b'["\\ude00\\ud83d"]', "without its other half"),
    "a lone surrogate in a key": (b'{"\\ud83d":1}', "\\ud83d without its other half"),
    "an encoded surrogate": (b'["\xed\xa0\x80"]', "not UTF-8: byte 2 (0xed)"),
    "an overlong encoding": (b'["\xc0\xaf"]', "not UTF-8: byte 2 (0xc0)"),
    "Latin-1": ('["é"]'.encode("latin-1"), "not UTF-8: byte 2 (0xe9)"),
    "a character cut in half": (b'["\xc3', "not UTF-8"),
    "beyond Unicode": (b'["\xf4\x90\x80\x80"]', "not UTF-8"),
    "a UTF-8 byte-order mark": (b"\xef\xbb\xbf{}", "a byte-order mark"),
    "UTF-16 with its mark": ("{}".encode("utf-16"), "a byte-order mark"),
    "UTF-16 without a mark": ("{}".encode("utf-16-le"), "Line 1, column 2 (byte 1)"),
    "a raw line break in text": (b'["a\nb"]', "a control character inside text"),
    "a raw zero in text": (b'["a\x00b"]', "a control character inside text"),
    "an unknown escape": (b'["\\x41"]', "this escape is unknown"),
    "a short escape": (b'["\\u12"]', "four hexadecimal digits"),
    "an escape that is not hexadecimal": (b'["\\u00g0"]', "four hexadecimal digits"),
    "an integer of too many digits": (b"[" + b"1" * 4301 + b"]", "An integer has 4,301 digits"),
    "a negative one": (b"[-" + b"1" * 4301 + b"]", "An integer has 4,301 digits"),
    "an absurd exponent": (b"[1e999999999]", "must lie between 1e-300 and 1e300"),
    "an absurd negative exponent": (b"[1E-0000999999999]", "must lie between 1e-300 and 1e300"),
    "an exponent of absurd length": (b"[1e" + b"9" * 500 + b"]", "must lie between 1e-300 and 1e300"),
    "a zero with an absurd exponent": (b"[0e999999]", "must lie between 1e-300 and 1e300"),
    "a decimal of too many characters": (b"[1." + b"1" * 999 + b"]", "A number has 1,001 characters"),
    "a large decimal without exponent": (b"[" + b"1" * 400 + b".5]", "must lie between 1e-300 and 1e300"),
    "too deep": (b"[" * 65 + b"]" * 65, "at most 64 objects and arrays"),
    "objects too deep": (b'{"a":' * 65 + b"1" + b"}" * 65, "at most 64 objects and arrays"),
    "deeper than any stack": (b"[" * 1_000_000, "at most 64 objects and arrays"),
    "too many elements": (b"[" + b"1," * 10_000 + b"1]", "at most 10,000"),
    "too many empty arrays": (b"[" + b"[]," * 10_000 + b"[]]", "at most 10,000"),
}


def refusal(raw: bytes, **limits: int) -> str:
    """The reason for which a body is refused."""
    with pytest.raises(BodyRefused) as caught:
        parse_json(raw, **limits)
    assert (400, "json", "") == (caught.value.status, caught.value.rule, caught.value.path)
    return caught.value.reason


@pytest.mark.parametrize(("raw", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_every_kind_of_bad_body_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    assert reason in refusal(raw)


@pytest.mark.parametrize("raw", [raw for raw, _ in REFUSED.values()], ids=REFUSED.keys())
def test_a_reason_can_be_shown_and_is_short(raw: bytes) -> None:
    reason = refusal(raw)
    assert reason.encode("utf-8").decode() == reason
    assert len(reason) < 250


def test_a_position_counts_lines_columns_and_bytes() -> None:
    assert refusal('{"é": 1,\n "b" 2}'.encode()).startswith("Line 2, column 6 (byte 15)")


def test_the_limits_can_be_chosen() -> None:
    assert "at most 2 " in refusal(b"[[[]]]", depth=2)
    assert "at most 3 " in refusal(b"[1,2,3,4]", members=3)
    assert "at most 3 " in refusal(b'{"a":{"b":1,"c":[2]}}', members=3)
    assert [1, 2, 3] == parse_json(b"[1,2,3]", depth=1, members=3).value


def test_what_is_exactly_at_the_limits_is_read() -> None:
    deepest = b"[" * DEPTH + b"]" * DEPTH
    assert deepest.decode() == dump_json(parse_json(deepest).value)
    widest = b"[" + b"1," * (MEMBERS - 1) + b"1]"
    assert [1] * MEMBERS == parse_json(widest).value
    longest = b"[" + b"9" * 4300 + b"]"
    assert [int("9" * 4300)] == parse_json(longest).value


@pytest.mark.parametrize("text", ["19.90", "1e5", "1E+05", "-0", "-0.0", "0.10", "1e300", "1e-300", "-1.0"])
def test_a_number_that_is_no_plain_integer_keeps_its_digits(text: str) -> None:
    parsed = parse_json(f'{{"n":{text}}}'.encode())
    assert {"n": Number(text)} == parsed.value
    assert {"n": Decimal(text)} == parsed.plain
    assert f'{{"n":{text}}}' == dump_json(parsed.value)
    assert f'{{"n": {text}}}'.encode() == dump_json_line(parsed.value)


@pytest.mark.parametrize("number", [0, 7, -1, 2**53 + 1, 2**63, 2**64, -(2**64), 10**400])
def test_an_integer_stays_exact(number: int) -> None:
    parsed = parse_json(f"[{number}]".encode())
    assert [number] == parsed.value
    assert f"[{number}]" == dump_json(parsed.value)
    assert f"[{number}]".encode() == dump_json_line(parsed.value)


def test_without_numbers_plain_is_the_same_object() -> None:
    parsed = parse_json(b'{"a":[1,"x",null,true]}')
    assert parsed.value is parsed.plain


@pytest.mark.parametrize("raw", [b'{"a":"x-0","b":"2026-01-05"}', b'{"a":"\\":","b":"\\" :"}', b" \r\n[1]\t"])
def test_text_that_only_looks_suspicious_is_read(raw: bytes) -> None:
    assert json.loads(raw) == parse_json(raw).value


def test_an_answer_has_the_spacing_of_the_standard_library() -> None:
    answer: JSON = {
        "success": False,
        "errors": [{"path": "/é", "n": []}, {}],
        "a": [1, None, True, '\x00"\\'],
    }
    assert json.dumps(answer, ensure_ascii=False).encode() == dump_json_line(answer)
    assert b'{"success": true}' == dump_json_line({"success": True})


def test_compact_text_has_no_spaces_and_keeps_characters() -> None:
    assert '{"é":[1,"😀"]}' == dump_json({"é": [1, "😀"]})


# --- both passes agree on everything

LITERALS = st.sampled_from(
    [
        "0",
        "-0",
        "-0.0",
        "1.50",
        "1e5",
        "1E-07",
        "-1",
        str(2**64),
        "-" + "9" * 30,
        "1e301",
        "NaN",
        "-Infinity",
        "01",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.text(max_size=6).map(json.dumps),
    st.sampled_from(
        ['"\\ud83d"', '"\\ud83d\\ude00"', '"a\\":1"', '"\\u0061"', '"a"', '"-0"', '"x\ny"', '"\\q"', '"a']
    ),
)
SPACES = st.sampled_from(["", "", " ", "\n", "\t", "\r\n", "  ", "\x0c"])


def _array(items: list[str], space: str) -> str:
    return f"[{space}{f'{space},'.join(items)}{space}]"


def _object(pairs: list[tuple[str, str]], space: str) -> str:
    return f"{{{space}{f',{space}'.join(f'{key}{space}:{value}' for key, value in pairs)}}}"


DOCUMENTS = st.recursive(
    st.one_of(LITERALS, TEXTS, st.sampled_from(["null", "true", "false", "[]", "{}"])),
    lambda inner: st.one_of(
        st.builds(_array, st.lists(inner, max_size=4), SPACES),
        st.builds(_object, st.lists(st.tuples(TEXTS, inner), max_size=4), SPACES),
    ),
    max_leaves=12,
)


def outcome(read: Any, raw: bytes, depth: int, members: int) -> tuple[object, object] | str:
    """What one pass makes of a body: values with their exact types, or the reason of its refusal."""
    try:
        parsed: Parsed = read(raw, depth, members)
    except BodyRefused as refused:
        return refused.reason
    return repr(parsed.value), repr(parsed.plain)


def through_both(raw: bytes, depth: int, members: int) -> None:
    fast = outcome(lambda *call: parse_json(call[0], depth=call[1], members=call[2]), raw, depth, members)
    assert outcome(jsontext._parse_exactly, raw, depth, members) == fast


@given(DOCUMENTS, st.integers(1, 5), st.integers(1, 12))
@settings(max_examples=400, deadline=None)
def test_fast_and_exact_pass_agree_on_documents(text: str, depth: int, members: int) -> None:
    through_both(text.encode("utf-8", "surrogatepass"), depth, members)


@given(st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_fast_and_exact_pass_agree_on_any_bytes(raw: bytes) -> None:
    through_both(raw, 3, 10)


@given(DOCUMENTS, st.integers(0, 60), st.binary(max_size=2))
@settings(max_examples=300, deadline=None)
def test_fast_and_exact_pass_agree_on_damaged_documents(text: str, place: int, damage: bytes) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    through_both(raw[:place] + damage + raw[place + 1 :], 4, 12)


VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=8),
        st.decimals(-(10**9), 10**9, allow_nan=False)
        .map(lambda number: Number(f"{number:f}"))
        .filter(lambda number: "." in number.text),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_writing_and_reading_gives_the_same_value(value: JSON) -> None:
    assert [value] == parse_json(dump_json([value]).encode()).value
    assert [value] == parse_json(dump_json_line([value])).value
