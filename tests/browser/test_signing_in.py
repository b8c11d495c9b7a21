"""Signing in with a real browser: the first administrator, a mistake and its recovery, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsing import DESK, PHONE, Visit, visit
from tests.support.program import Program
from tests.support.station import serving
from tests.support.visitor import EMAIL, WORDS, Visitor, first_user, setup_link

REFUSED = "error: Failed to load resource: the server responded with a status of"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """A station that nobody can sign in to yet."""
    with serving(tmp_path / "data") as running:
        yield running


def keep(seen: Visit, person: Visitor) -> None:
    """Give the browser the session of somebody who is signed in."""
    seen.page.context.add_cookies(
        [{"name": "session", "value": person.cookies["session"], "url": seen.origin}]
    )


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_first_administrator_comes_in_goes_and_comes_back(
    browser: Browser, program: Program, scripts: bool
) -> None:
    """Each mistake is told at its field and mended there; the address that was asked for is reached in the end."""
    with visit(browser, program.url, java_script_enabled=scripts) as seen:
        seen.expected = (REFUSED,)
        seen.go(setup_link(program.log))
        seen.page.get_by_label("Your e-mail address").fill(EMAIL)
        seen.page.get_by_label("A password").fill(EMAIL)
        seen.page.keyboard.press("Enter")
        expect(seen.page.get_by_text("Must not be the e-mail address.")).to_be_visible()
        seen.page.get_by_label("A password").fill(WORDS)
        seen.page.keyboard.press("Enter")
        expect(seen.page.get_by_role("heading", name="Dashboard")).to_be_visible()
        seen.page.get_by_role("button", name="Sign out").click()
        expect(seen.page.get_by_role("heading", name="Sign in")).to_be_visible()
        seen.go("/events?status=failed")
        seen.page.get_by_label("E-mail address").fill(EMAIL)
        seen.page.get_by_label("Password").fill("not this one")
        seen.page.keyboard.press("Enter")
        expect(seen.page.get_by_role("alert")).to_have_text("E-mail address or password is wrong.")
        expect(seen.page.get_by_label("E-mail address")).to_have_value(EMAIL)
        seen.page.get_by_label("Password").fill(WORDS)
        seen.page.keyboard.press("Enter")
        expect(seen.page).to_have_url(f"{program.url}/events?status=failed")


def test_everybody_can_use_the_forms(browser: Browser, program: Program) -> None:
    """WCAG 2.2 AA as far as axe can tell, in light and dark, and on a phone nothing sticks out."""
    link = setup_link(program.log)
    with visit(browser, program.url) as seen:
        for path in (link, "/sign-in"):
            _check(seen, path)
    person = first_user(program.url, link)
    with visit(browser, program.url) as seen:
        keep(seen, person)
        for path in ("/account", "/users"):
            _check(seen, path)


def _check(seen: Visit, path: str) -> None:
    seen.go(path)
    assert [] == seen.axe()
    seen.page.emulate_media(color_scheme="dark")
    assert [] == seen.axe("color-contrast")
    seen.page.emulate_media(color_scheme="light")
    seen.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert seen.page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    seen.page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})


def test_a_page_that_renews_itself_goes_to_the_sign_in_page_when_the_session_ends(
    browser: Browser, program: Program
) -> None:
    """Nothing goes on looking alive that is not: the partial update itself leads there."""
    person = first_user(program.url, setup_link(program.log))
    with visit(browser, program.url) as seen:
        seen.expected = (REFUSED,)
        keep(seen, person)
        seen.go("/")
        other = Visitor(program.url, person.cookies)
        other.get("/account")
        other.post("/sign-out")
        expect(seen.page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=15_000)
        expect(seen.page).to_have_url(f"{program.url}/sign-in?back=%2F")
