from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from hookstation.adapters.sender.request import Unsendable, check_words, judge_target, read_url, spelling
from hookstation.core.values import Secret
from hookstation.errors import AddressRefused
from hookstation.ports.sender import Dispatch

PIECES = st.lists(
    st.sampled_from(
        ["http", "https", "file", ":", "/", "//", "\\", "@", "#", "?", "%", "%00", "%25", "[", "]", ".", "..", "-",
         "::1", "127.0.0.1", "0x7f", "localhost", "a", "xn--", "１", "。", "\t", "\n", "\r", " ", "\0", ":80", ":0",
         ":99999", "\u00ad", "\u202e", "ß", "é", "é", "\ud800"]
    ),
    max_size=10,
).map("".join)  # fmt: skip
TEXTS = st.text(max_size=20)


def told(url: str, proxy: str = "") -> str:
    """What a person would read of this target: where it leads, or why it is refused."""
    try:
        target = judge_target(url, (), (), Secret(proxy) if proxy else None)
    except AddressRefused as refused:
        return refused.message
    return f"{target.url.raw_host} {target.proxy}."


@given(st.one_of(PIECES, PIECES.map("http://".__add__), TEXTS.map("http://".__add__), TEXTS))
def test_any_text_at_all_is_an_address_or_refused_with_a_sentence(text: str) -> None:
    assert told(text).endswith(".")


@given(PIECES.map("http://".__add__))
def test_what_passes_has_a_scheme_a_plain_host_and_a_port(text: str) -> None:
    with contextlib.suppress(AddressRefused):
        url = read_url(text, "http")
        assert "http" == url.scheme
        assert (url.raw_host or " ").isascii()
        assert not set("\r\n\t\0 @\\/%") & set(url.raw_host or " ")
        assert url.port


@given(PIECES)
def test_a_proxy_is_told_without_its_credentials(text: str) -> None:
    assert "opensesame" not in told("https://hooks.example/", f"http://somebody:opensesame@{text}")


@given(TEXTS, TEXTS)
def test_no_header_that_passes_holds_what_ends_a_line(name: str, value: str) -> None:
    with contextlib.suppress(Unsendable):
        check_words(Dispatch("POST", "http://hooks.example/", ((name, value),)))
        assert name.isascii()
        assert not set("\r\n\0") & set(name + value)


@given(st.lists(st.sampled_from(["X-A", "x-a", "X-B", "x-B"]), max_size=8).map(tuple))
def test_a_name_has_one_spelling(names: tuple[str, ...]) -> None:
    said = spelling(names)
    assert [name.lower() for name in names] == [name.lower() for name in said]
    assert len(set(said)) == len({name.lower() for name in said})
