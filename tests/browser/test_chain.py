"""Workflows in a real browser: from the gallery to a run, an approval seen live, and every page accessible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Demo
from tests.support.browsing import PHONE, Visit

Open = Callable[..., Visit]

ASKING: dict[str, Any] = {
    "name": "refund",
    "title": "Refunds",
    "sample": {"amounts": [10, 500]},
    "steps": [
        {
            "name": "each",
            "type": "for_each",
            "title": "Each amount",
            "with": {"items": "$$trigger.amounts$$", "failures": "continue"},
            "steps": [{"name": "small", "type": "gate", "with": {"condition": "item < 100"}}],
        },
        {
            "name": "boss",
            "type": "approval",
            "title": "The boss says yes",
            "with": {"person": "ann@example.org", "message": "May it be refunded?", "expire": "2d"},
        },
        {"name": "keep", "type": "set", "title": "Keep it", "with": {"values": {"done": True}}},
    ],
}
FED: dict[str, Any] = {"name": "fed", "trigger": {"type": "poll"}, "steps": [ASKING["steps"][2]]}
TRANSFER: dict[str, Any] = {
    "name": "activities",
    "source": {"type": "records"},
    "columns": [{"name": "Member", "from": "ID"}, {"name": "Type", "from": "ActivityType"}],
    "destination": {"type": "http", "url": "https://printer.example.org/in"},
}
POLL: dict[str, Any] = {
    "name": "feed",
    "state": "paused",
    "source": {"type": "rss", "url": "https://example.org/feed"},
    "every": "5m",
    "workflow": "fed",
}


@pytest.fixture(scope="module")
def asked(demo: Demo) -> str:
    """A run that waits for an approval, beside a poll and a transfer."""
    things = {"workflows": [ASKING, FED], "polls": [POLL], "transfers": [TRANSFER]}
    demo.api("/config/apply", "POST", {"document": {"version": 1, **things}})
    return str(demo.api("/workflows/refund/run", "POST", {"input": ASKING["sample"]})["id"])


@pytest.mark.parametrize("scripts", [True, False])
def test_from_the_gallery_to_a_run(look: Open, scripts: bool) -> None:
    """Answer the questions, see what is made, make it, try it, run it, and look at when it runs by itself."""
    name = "lapsed" if scripts else "plain-lapsed"
    page = look("/workflows/_new", java_script_enabled=scripts).page
    page.get_by_role("link", name="Nightly lapsed").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Show what it makes").click()
    expect(page.get_by_role("region", name="What it makes").last).to_contain_text(f"name: {name}")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("It was made.")).to_be_visible()
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("heading", name="The dry run would succeed")).to_be_visible()
    page.get_by_role("button", name="Run it").click()
    expect(page.get_by_role("heading", name="Run of Lapsed members")).to_be_visible()
    page.goto(f"{page.url.partition('/runs')[0]}/schedules/{name}")
    expect(page.locator("#preview li")).to_have_count(20)


def test_a_rhythm_is_picked_and_its_times_follow(look: Open) -> None:
    """What is typed is read back at once; where a clock change moves a time it says so."""
    page = look("/schedules/_new").page
    page.get_by_label("How often").select_option("weekly")
    page.get_by_label("Friday").check()
    page.get_by_label("At", exact=True).fill("16:30")
    expect(page.locator("#preview")).to_contain_text("Every Friday at 16:30")
    page.get_by_role("radio", name="Cron").check()
    page.get_by_label("Cron expression").fill("30 2 25-31 3 *")
    page.get_by_label("Zone").fill("Europe/Berlin")
    expect(page.locator("#preview")).to_contain_text("clocks go forward")


def test_a_run_is_seen_to_go_on_when_somebody_approves(look: Open, demo: Demo, asked: str) -> None:
    """The page of a run follows it: the flow is coloured, and the loop tells what failed in it."""
    watching = look(f"/runs/{asked}").page
    expect(watching.locator("#run")).to_contain_text("1 step failed")
    expect(watching.locator(".flow-step.is-calm")).to_contain_text("The boss says yes")
    deciding = look("/approvals?whose=all").page
    deciding.get_by_label("Note").fill("Fine")
    deciding.get_by_role("button", name="Approve").click()
    expect(deciding.get_by_text("Approved.")).to_be_visible()
    expect(watching.locator("#run")).to_contain_text("It came to its end.")
    watching.get_by_role("link", name="The boss says yes").first.click()
    expect(watching.get_by_role("heading", name="Try 1")).to_be_visible()


@pytest.mark.parametrize(
    ("options", "rules"),
    [({}, ()), ({"color_scheme": "dark", "viewport": PHONE}, ("color-contrast",))],
)
def test_every_page_is_accessible_and_as_wide_as_its_window(
    look: Open, asked: str, options: dict[str, Any], rules: tuple[str, ...]
) -> None:
    """In the light on a desk; in the dark, where colours are others, on a phone."""
    seen = look(**options)
    wrong: dict[str, object] = {}
    for path in (
        "/workflows",
        "/workflows/_new",
        "/workflows/_new/from/course-completion",
        "/workflows/refund",
        "/workflows/refund/versions/1",
        "/runs?live=off",
        f"/runs/{asked}?loop=each",
        "/schedules",
        "/schedules/_new",
        "/polls",
        "/polls/feed",
        "/polls/feed/edit",
        "/transfers",
        "/transfers/activities",
        "/transfers/activities/edit",
        "/approvals?whose=all",
    ):
        seen.go(path)
        too_wide = seen.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        if found := [*seen.axe(*rules), *(["wider than its window"] if too_wide > 0 else [])]:
            wrong[path] = found
    assert {} == wrong


def test_a_new_schedule_begins_with_the_clocks_of_who_makes_it(look: Open) -> None:
    visit = look("/schedules/_new", timezone_id="Europe/Berlin")
    expect(visit.page.get_by_label("Zone")).to_have_value("Europe/Berlin")
    expect(visit.page.locator("#preview")).to_contain_text("on the clocks of Europe/Berlin")
