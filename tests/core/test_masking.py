"""What the journal may show of a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.masking import (
    LONGEST_QUERY,
    LONGEST_VALUE,
    MASK,
    MOST_HEADERS,
    is_token_like,
    is_whole,
    lost_headers,
    lost_parameters,
    mask_headers,
    mask_query,
)

NONE: frozenset[str] = frozenset()


class TestHeaders:
    def test_named_secrets_are_masked_and_others_kept(self) -> None:
        headers = {"x-proof": "abc", "webhook-id": "msg_1", "content-type": "application/json"}
        assert mask_headers(headers, frozenset({"x-proof"})) == {**headers, "x-proof": MASK}

    @pytest.mark.parametrize(
        "name",
        [
            "authorization",
            "x-api-key",
            "x-apikey",
            "x-auth-token",
            "x-gitlab-token",
            "x-functions-key",
            "x-secret",
            "x-session-id",
            "x-csrf-token",
            "x-csrftoken",
            "x-xsrf",
            "sid",
        ],
    )
    def test_headers_that_look_like_credentials_are_masked_unasked(self, name: str) -> None:
        assert mask_headers({name: "abc"}, NONE) == {name: MASK}

    @pytest.mark.parametrize(
        "name",
        [
            "x-github-delivery",
            "idempotency-key",
            "x-shopify-hmac-sha256",
            "x-hub-signature-256",
            "sec-websocket-key",
            "x-code",
        ],
    )
    def test_ids_and_signatures_of_other_schemes_stay(self, name: str) -> None:
        assert mask_headers({name: "abc"}, NONE) == {name: "abc"}

    def test_a_long_value_is_capped_and_says_so(self) -> None:
        kept = mask_headers({"x-long": "a" * (LONGEST_VALUE + 5)}, NONE)["x-long"]
        assert kept == "a" * LONGEST_VALUE + "… (+5 characters)"

    def test_headers_over_the_count_are_counted_not_kept(self) -> None:
        kept = mask_headers({f"x-{number}": "v" for number in range(MOST_HEADERS + 3)}, NONE)
        assert len(kept) == MOST_HEADERS + 1
        assert kept["…"] == "3 more headers are not kept"

    @given(value=st.text(max_size=2000))
    def test_a_value_is_whole_only_if_it_is_what_was_sent(self, value: str) -> None:
        kept = mask_headers({"x-any": value}, NONE)["x-any"]
        assert not is_whole(kept) or kept == value

    def test_a_masked_or_capped_value_is_not_whole(self) -> None:
        kept = mask_headers({"x-token": "abc", "x-long": "a" * 5000, "x-id": "7"}, NONE)
        assert [is_whole(value) for value in kept.values()] == [False, False, True]


class TestQuery:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ""),
            ("course=7&token=abc", "course=7&token=***"),
            ("access_token=abc&a=b=c", "access_token=***&a=b=c"),
            ("apiKey=abc&API_KEY=abc&key=abc", "apiKey=***&API_KEY=***&key=***"),
            ("%74oken=abc", "%74oken=***"),
            ("auth[token]=abc", "auth[token]=***"),
            ("sig=abc&password=&pwd=1", "sig=***&password=***&pwd=***"),
            ("session=1&sid=2&Code=3&PHPSESSID=4", "session=***&sid=***&Code=***&PHPSESSID=***"),
            ("zipcode=1&course_code=2&obsession=3", "zipcode=1&course_code=2&obsession=3"),
            ("monkey=1&sort_key=2&tokens&&", "monkey=1&sort_key=2&tokens&&"),
        ],
    )
    def test_parameters_that_look_like_credentials_are_masked(self, query: str, expected: str) -> None:
        assert mask_query(query) == expected

    def test_a_long_query_is_capped_and_says_so(self) -> None:
        assert mask_query("a" * (LONGEST_QUERY + 1)) == "a" * LONGEST_QUERY + "… (+1 characters)"

    @given(secret=st.text("0123456789", min_size=8, max_size=40), other=st.text(max_size=40))
    def test_the_value_of_a_token_never_shows(self, secret: str, other: str) -> None:
        assert secret not in mask_query(f"token={secret}&x={other.replace(secret, '')}")


class TestNames:
    @pytest.mark.parametrize(
        "name", ["token", "accessToken", "ACCESS_TOKEN", "accesstoken", "x.secret", "jwt", "JWT"]
    )
    def test_names_of_credentials_are_known_in_every_spelling(self, name: str) -> None:
        assert is_token_like(name)

    @pytest.mark.parametrize("name", ["", "tokenizer", "author", "course", "keyword", "design", "7", "é"])
    def test_names_that_only_resemble_them_are_not(self, name: str) -> None:
        assert not is_token_like(name)


class TestLost:
    @given(
        headers=st.dictionaries(
            st.sampled_from(["x-a", "x-b", "x-token", "cookie"]), st.text(max_size=1100), max_size=4
        ),
        names=st.frozensets(st.sampled_from(["x-a", "x-b", "x-token", "*"])),
    )
    def test_what_is_not_lost_is_as_it_was_sent(self, headers: dict[str, str], names: frozenset[str]) -> None:
        kept = mask_headers(headers, NONE)
        read = headers.keys() if "*" in names else names
        told = read - set(lost_headers(kept, names, NONE))
        assert {name: headers.get(name) for name in told} == {name: kept.get(name) for name in told}

    def test_a_header_that_was_not_sent_is_not_lost(self) -> None:
        assert [] == lost_headers({"x-a": "1"}, frozenset({"x-b"}), NONE)

    def test_beyond_the_count_whatever_is_not_there_may_have_been_sent(self) -> None:
        kept = mask_headers({f"x-{number}": "v" for number in range(MOST_HEADERS + 1)}, NONE)
        assert ["x-none"] == lost_headers(kept, frozenset({"x-none", "x-0"}), NONE)
        assert ["…"] == lost_headers(kept, frozenset({"*"}), NONE)

    def test_headers_that_no_template_reads_cannot_be_missed(self) -> None:
        kept = mask_headers({"cookie": "a", "x-a": "1"}, frozenset({"cookie"}))
        assert [] == lost_headers(kept, frozenset({"*"}), frozenset({"cookie"}))

    @pytest.mark.parametrize(
        ("query", "names", "lost"),
        [
            ("token=abc&x=1", {"x", "y"}, []),
            ("token=abc&x=1", {"token"}, ["token"]),
            ("token=abc&x=1&api%5Fkey=2", {"*"}, ["api_key", "token"]),
            ("x=1&y=" + "a" * 5000, {"x"}, ["x"]),
            ("x=1&y=" + "a" * 5000, set(), []),
            ("", {"x", "*"}, []),
        ],
    )
    def test_a_parameter_is_lost_where_it_is_masked_or_the_query_is_cut(
        self, query: str, names: set[str], lost: list[str]
    ) -> None:
        assert lost == lost_parameters(mask_query(query), frozenset(names))
