"""How a repeated call is known."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.duplicates import LONGEST_KEY, body_digest, compile_key
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid


def from_body(path: str, parsed: JSON) -> str | None:
    return compile_key(f"body:{path}").read({}, parsed, b"")


def from_header(value: str) -> str | None:
    return compile_key("header:X-Id").read({"x-id": value}, None, b"")


class TestSpecification:
    @pytest.mark.parametrize(
        ("spec", "needs_body"), [("header:X-Id", False), ("body:id", True), ("body-hash", False)]
    )
    def test_a_reader_says_whether_it_needs_the_parsed_body(self, spec: str, needs_body: bool) -> None:
        assert compile_key(spec).needs_body is needs_body

    @pytest.mark.parametrize(
        ("spec", "header"), [("header:X-Id", "x-id"), ("body:id", ""), ("body-hash", "")]
    )
    def test_a_reader_names_the_header_that_it_looks_at(self, spec: str, header: str) -> None:
        assert compile_key(spec).header == header

    @pytest.mark.parametrize(
        "spec",
        [
            *("", "id", "query:id", "body", "body:", "header", "header:", "header:x id", "body-hash:x"),
            *("body:.", "body:a.", "body:.a", "body:a..b", "body:a b.", "body:a[", 'body:a["b'),
            *("body:a[x]", "body:a]b", "body: ", 'body:a["b"]c'),
        ],
    )
    def test_anything_else_is_refused_with_what_is_allowed(self, spec: str) -> None:
        with pytest.raises(
            Invalid, match=r"write (it as in a template|header:<name>, body:<path> or body-hash)"
        ):
            compile_key(spec)

    @given(spec=st.text(max_size=30))
    def test_any_text_is_a_reader_or_invalid(self, spec: str) -> None:
        with suppress(Invalid):
            compile_key(f"body:{spec}").read({}, {"a": [1]}, b"")
        with suppress(Invalid):
            compile_key(spec).read({}, {"a": [1]}, b"")


class TestHeader:
    def test_the_header_is_found_whatever_the_case_of_its_name(self) -> None:
        assert from_header(" 72d3162e ") == "72d3162e"

    def test_a_missing_or_empty_header_is_no_key(self) -> None:
        assert compile_key("header:x-id").read({}, None, b"") is None
        assert from_header("  ") is None


class TestBody:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("id", "a-1"),
            ("order.id", "7"),
            ("items.0.sku", "S1"),
            ("items[1].sku", "S2"),
            ('["Order No"]', "4711"),
            ("order['Line.No']", "9"),
            ("order.7", "seven"),
            ("Order No", "4711"),
        ],
    )
    def test_a_path_reaches_into_objects_and_arrays(self, path: str, expected: str) -> None:
        parsed: JSON = {
            "id": "a-1",
            "order": {"id": 7, "Line.No": "9", "7": "seven"},
            "items": [{"sku": "S1"}, {"sku": "S2"}],
            "Order No": "4711",
        }
        assert from_body(path, parsed) == expected

    def test_a_path_may_begin_in_an_array(self) -> None:
        assert from_body("0.id", [{"id": "x"}]) == "x"

    @pytest.mark.parametrize(
        "parsed", [{}, {"id": None}, {"id": ""}, {"id": {}}, {"id": ["x"]}, [], None, "id", 7]
    )
    def test_absent_null_empty_and_nested_values_are_no_key(self, parsed: JSON) -> None:
        assert from_body("id", parsed) is None

    @pytest.mark.parametrize(
        "path", ["items.2", "items.-1", "items.x", "items.99999999999999999999", "items.٠"]
    )
    def test_a_place_outside_an_array_is_no_key(self, path: str) -> None:
        assert from_body(path, {"items": ["a", "b"]}) is None

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (10**30, "1" + "0" * 30),
            (Number("19.90"), "19.90"),
            (Number("1e5"), "1e5"),
            (True, "true"),
            (False, "false"),
            (0, "0"),
        ],
    )
    def test_numbers_go_by_their_digits(self, value: JSON, expected: str) -> None:
        assert from_body("id", {"id": value}) == expected


class TestBodyHash:
    def test_the_same_bytes_have_the_same_key_and_others_another(self) -> None:
        reader = compile_key("body-hash")
        assert reader.read({}, None, b"a") == "sha256:" + hashlib.sha256(b"a").hexdigest()
        assert reader.read({}, None, b"a") != reader.read({}, None, b"b")

    def test_two_bodies_are_told_apart_by_32_bytes(self) -> None:
        assert body_digest(b"a") == hashlib.sha256(b"a").digest()


class TestBounds:
    def test_the_longest_key_is_kept_as_it_is_and_a_longer_one_becomes_a_digest(self) -> None:
        assert from_header("x" * LONGEST_KEY) == "x" * LONGEST_KEY
        assert from_header("x" * (LONGEST_KEY + 1)) == "sha256:" + hashlib.sha256(b"x" * 256).hexdigest()

    def test_a_sent_text_cannot_be_equal_to_the_digest_of_another(self) -> None:
        digest = from_header("x" * 256)
        assert digest is not None
        assert from_header(digest) != digest

    @given(one=st.text(max_size=300), other=st.text(max_size=300))
    def test_different_texts_have_different_keys(self, one: str, other: str) -> None:
        assert (from_body("id", {"id": one}) == from_body("id", {"id": other})) is (one == other)

    @given(text=st.text(st.characters(), min_size=1, max_size=600))
    def test_every_key_fits_every_database(self, text: str) -> None:
        key = from_body("id", {"id": text})
        assert key is not None
        assert 0 < len(key) <= LONGEST_KEY
        assert key.isprintable()
