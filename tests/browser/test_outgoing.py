"""The sending side in a real browser: from a new destination to a delivery that was mended, and the portal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import LOOPBACK, Demo
from tests.support.browsing import Visit, visit
from tests.support.receiver import OK, Answer, Receiver

Open = Callable[..., Visit]


@pytest.fixture
def refusing(receiver: Receiver) -> Iterator[Callable[[], None]]:
    """Has the receiver refuse what comes, until the test is over."""

    def refuse() -> None:
        receiver.usual = Answer(400, (("Content-Type", "application/json"),), b'{"error": "no such order"}')

    yield refuse
    receiver.usual = OK


@pytest.mark.parametrize("scripts", [True, False])
def test_from_a_destination_to_a_delivery_that_was_mended(
    look: Open, demo: Demo, receiver: Receiver, refusing: Callable[[], None], scripts: bool
) -> None:
    """Make a destination and a subscription, test, see a delivery, break it, and send again what was given up."""
    name = "shop" if scripts else "plain-shop"
    page = look("/outgoing", java_script_enabled=scripts).page
    page.get_by_role("link", name="New destination").click()
    page.get_by_label("Name (required)", exact=True).fill(name)
    page.get_by_label("URL (required)", exact=True).fill(f"{receiver.url}/{name}")
    page.get_by_text("Trying again", exact=True).click()
    page.get_by_label("Pauses").fill("[]")
    page.get_by_text("The way there", exact=True).click()
    page.get_by_label("Private networks").fill(LOOPBACK[0])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It is shown this once")).to_be_visible()
    page.get_by_role("link", name="Say which events go there").click()
    page.get_by_label("Name (required)", exact=True).fill(f"{name}-orders")
    page.get_by_label("Others, and wildcards").fill(f"{name}.*")
    if scripts:
        expect(page.locator("#preview")).to_contain_text("would be delivered")
    else:
        page.get_by_role("button", name="Check and preview").click()
        expect(page.locator("#preview")).to_contain_text("would be delivered")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("heading", name="The test was delivered")).to_be_visible()

    demo.api("/events", "POST", {"type": f"{name}.paid", "data": {"order": 1}})
    demo.until_delivered(name, 1)
    page.goto(f"{demo.url}/outgoing/deliveries?destination={name}&status=delivered")
    page.locator("tbody th a").first.click()
    expect(page.get_by_text("Nothing more: it was taken.")).to_be_visible()

    refusing()
    demo.api("/events", "POST", {"type": f"{name}.paid", "data": {"order": 2}})
    demo.until_dead(name)
    page.goto(demo.url)
    page.get_by_role("link", name="See the deliveries that were given up").click()
    page.locator("tbody th a").first.click()
    page.get_by_text("Answer", exact=True).click()
    expect(page.locator("#attempts ~ .timeline details").last).to_contain_text("no such order")
    receiver.usual = OK
    page.go_back()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Resend those marked").click()
    expect(page.get_by_text("1 were sent again")).to_be_visible()
    demo.until_delivered(name, 2)
    page.goto(demo.url)
    expect(page.get_by_role("region", name="What needs you now")).to_be_visible()
    expect(page.get_by_role("link", name="See the deliveries that were given up")).to_have_count(0)


def test_the_owner_of_a_destination_looks_after_it_by_a_link(
    look: Open, browser: Browser, demo: Demo
) -> None:
    """The manager makes the link; its owner, who has no account, sends one again and takes a new secret."""
    page = look("/outgoing/destinations/mailing-list").page
    page.get_by_role("button", name="Make a link").click()
    link = page.locator(".copy code").inner_text()
    path = link[link.index("/portal/") :]
    with visit(browser, demo.url) as guest:
        guest.go(path)
        guest.page.locator("tbody th a").first.click()
        guest.page.get_by_role("button", name="Resend").click()
        expect(guest.page.get_by_text("It is tried again now.")).to_be_visible()
        guest.go(path)
        guest.page.get_by_role("link", name="Take a new secret").click()
        guest.page.get_by_label("Type “mailing-list” to go on").fill("mailing-list")
        guest.page.get_by_role("button", name="Take it").click()
        expect(guest.page.get_by_text("It is shown this once")).to_be_visible()
        assert [] == guest.axe()
        guest.expected = ("404",)
        guest.go("/portal/not-a-link")
        expect(guest.page.get_by_role("heading", level=1)).to_have_text("This link does not work any more")
        guest.go("/outgoing")
        expect(guest.page.get_by_role("heading", level=1)).to_have_text("Sign in")
