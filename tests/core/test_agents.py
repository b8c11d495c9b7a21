"""Browsers are called what people call them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.agents import LONGEST, UNNAMED, browser_name

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
KNOWN = [
    (
        "Firefox 145 on Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    ),
    ("Firefox 145 on Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
    (
        "Chrome 142 on macOS",
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {BLINK} Chrome/142.0.0.0 Safari/537.36",
    ),
    (
        "Chrome 142 on Android",
        f"Mozilla/5.0 (Linux; Android 10; K) {BLINK} Chrome/142.0.0.0 Mobile Safari/537.36",
    ),
    (
        "Chrome 142 on ChromeOS",
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {BLINK} Chrome/142.0.0.0 Safari/537.36",
    ),
    (
        "Chrome 156 on Linux",
        f"Mozilla/5.0 (X11; Linux x86_64) {BLINK} HeadlessChrome/156.0.0.0 Safari/537.36",
    ),
    (
        "Edge 142 on Windows",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    ),
    (
        "Opera 124 on Windows",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0",
    ),
    (
        "Samsung Internet 28 on Android",
        f"Mozilla/5.0 (Linux; Android 10; K) {BLINK} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
    ),
    (
        "Safari 26 on iPhone",
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {WEBKIT} Version/26.0 Mobile/15E148 Safari/604.1",
    ),
    (
        "Safari 26 on macOS",
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/26.0 Safari/605.1.15",
    ),
    ("A browser on iPad", "Something (iPad; CPU OS 18_6 like Mac OS X)"),
    ("curl/8.14.1", "curl/8.14.1"),
    (UNNAMED, "  "),
]


@pytest.mark.parametrize(("name", "agent"), KNOWN, ids=[name for name, _ in KNOWN])
def test_a_browser_is_known_by_what_it_calls_itself(name: str, agent: str) -> None:
    assert name == browser_name(agent)


@given(st.text(max_size=600))
def test_whatever_calls_itself_something_has_a_short_name(agent: str) -> None:
    assert 0 < len(browser_name(agent)) <= LONGEST + 1
