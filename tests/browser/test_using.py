"""What a person does on the pages: with a mouse, with keys only, without scripts, in another zone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Demo
from tests.support.browsing import Visit

Open = Callable[..., Visit]


def names(visit: Visit, demo: Demo) -> list[str]:
    """The demo's own webhooks that the page lists, in its order; other tests may have made more."""
    return [one for one in visit.page.locator("tbody th .soft").all_text_contents() if one in demo.paths]


def test_times_are_in_the_readers_zone_with_the_exact_value_on_hover(look: Open) -> None:
    shown = look("/events", timezone_id="Asia/Kathmandu", locale="en-GB").page.locator("tbody time").first
    expect(shown).to_have_text(re.compile(r"^\d+ \w+ 2026, \d\d:\d\d:\d\d$"))
    assert "GMT+5:45" in (shown.get_attribute("title") or "")
    assert (shown.get_attribute("title") or "").endswith("Z")


def test_a_moment_is_typed_in_the_readers_zone(look: Open) -> None:
    """It is asked for as what it is in UTC, and stands in the form as it was typed."""
    page = look("/events?live=off", timezone_id="Asia/Kathmandu").page
    expect(page.get_by_text(re.compile("in the time of Asia/Kath?mandu"))).to_be_visible()
    page.get_by_label("From", exact=True).fill("2026-11-22 00:30")
    page.get_by_label("Until", exact=True).fill("1h")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile("since=2026-11-21T18%3A45%3A00.000Z&until=1h"))
    expect(page.get_by_label("From", exact=True)).to_have_value("2026-11-22 00:30")


def test_the_url_of_a_webhook_is_copied(look: Open, demo: Demo) -> None:
    visit = look("/webhooks", permissions=["clipboard-read", "clipboard-write"])
    visit.page.get_by_role("button", name="Copy URL of course-panel").click()
    expect(visit.page.get_by_role("button", name="Copied of course-panel")).to_be_visible()
    assert demo.hook("course-panel") == visit.page.evaluate("navigator.clipboard.readText()")


def test_a_new_event_appears_by_itself_until_that_is_paused(look: Open, demo: Demo) -> None:
    visit = look("/events?webhook=course-panel&status=succeeded")
    rows = visit.page.locator("#journal tbody tr")
    before = rows.count()
    demo.call("course-panel", memberId="live")
    expect(rows).to_have_count(before + 1)
    expect(rows.first.locator("time")).not_to_contain_text("UTC")
    visit.page.get_by_role("link", name="Pause").click()
    expect(visit.page.get_by_text("Paused.")).to_be_visible()
    assert visit.page.locator("[data-live]").count() == 0


@pytest.mark.parametrize("scripts", [True, False])
def test_webhooks_are_searched_filtered_and_sorted(look: Open, demo: Demo, scripts: bool) -> None:
    visit = look("/webhooks", java_script_enabled=scripts)
    visit.page.get_by_label("Search").fill("panel")
    visit.page.get_by_role("button", name="Show").click()
    assert ["course-panel"] == names(visit, demo)
    visit.page.get_by_role("link", name="Show all").click()
    visit.page.get_by_label("Order").select_option("falling")
    visit.page.get_by_role("button", name="Show").click()
    assert ["course-records", "course-panel", "course-completions"] == names(visit, demo)
    visit.page.get_by_label("State").select_option("archived")
    visit.page.get_by_role("button", name="Show").click()
    expect(visit.page.get_by_role("heading", name="No webhook fits")).to_be_visible()


def test_the_list_of_webhooks_fits_on_a_desk_with_what_can_be_done_opened(look: Open) -> None:
    """No button is cut off, and nothing has to be moved aside to find one."""
    visit = look("/webhooks")
    visit.page.get_by_label("More for course-records").click()
    expect(visit.page.get_by_role("button", name="Archive course-records")).to_be_visible()
    wide, room = visit.page.locator(".scroller").evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert room == wide


@pytest.mark.parametrize("scripts", [True, False])
def test_from_the_dashboard_to_an_event_and_its_record(look: Open, scripts: bool) -> None:
    visit = look("/", java_script_enabled=scripts)
    visit.page.get_by_role("link", name="Events", exact=True).click()
    visit.page.get_by_label("Webhook").select_option("course-records")
    visit.page.get_by_label("State").select_option("succeeded")
    visit.page.get_by_role("button", name="Show").click()
    visit.page.locator("tbody th a").first.click()
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text("Event ")
    visit.page.get_by_role("link", name="Activity ·").click()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Activity")
    visit.page.get_by_role("link", name="the event").click()
    expect(visit.page.get_by_role("heading", name="Stages")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_look_is_chosen_and_stays(look: Open, scripts: bool) -> None:
    visit = look("/settings", java_script_enabled=scripts, color_scheme="light")
    visit.page.get_by_role("button", name="Dark").click()
    expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(visit.page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    visit.go("/events")
    expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(visit.page.locator("html")).to_have_css("background-color", "rgb(20, 25, 27)")


def test_a_table_is_taken_along_as_csv(look: Open) -> None:
    visit = look("/records/Activity")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Export CSV").click()
    assert "Activity.csv" == download.value.suggested_filename
    assert download.value.path().read_text().startswith("KEY,")


def test_keys_alone_lead_through_a_page_and_the_focus_is_seen(look: Open) -> None:
    visit = look("/webhooks")
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#main")).to_be_focused()
    visit.page.keyboard.press("Tab")
    expect(visit.page.locator(".head a").first).to_be_focused()
    visit.page.get_by_label("Search").focus()
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_label("Search")).to_be_focused()
    expect(visit.page.get_by_label("Search")).to_have_css("outline-style", "solid")
    visit.page.keyboard.type("panel")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("tbody tr")).to_have_count(1)


def test_who_wants_no_motion_sees_none(look: Open) -> None:
    still = look("/events", reduced_motion="reduce").page.locator(".lamp")
    moving = look("/events", reduced_motion="no-preference").page.locator(".lamp")
    expect(still).to_have_css("animation-name", "none")
    expect(moving).to_have_css("animation-name", "breathe")


def test_the_charts_are_drawn_and_their_values_can_be_read(look: Open) -> None:
    visit = look("/")
    chart = visit.page.get_by_role("img", name="All webhooks: calls")
    expect(chart).to_be_visible()
    chart.locator(".u-over").hover()
    expect(visit.page.locator(".readout").first).to_contain_text("Calls")
    visit.page.get_by_text("Calls as a table, by hour").click()
    table = visit.page.get_by_role("group", name="All webhooks: calls")
    expect(table.locator("tbody tr")).to_have_count(24)


def test_a_body_is_laid_out_with_the_digits_that_were_sent(look: Open, demo: Demo) -> None:
    event = demo.events("course-records", status="succeeded")[0]["id"]
    editor = look(f"/events/{event}").page.get_by_role("textbox", name="Body of the request")
    expect(editor).to_contain_text('"amount": 19.9')
    expect(editor).to_have_attribute("aria-readonly", "true")


def test_the_template_editor_completes_properties_and_keeps_the_form_in_step(look: Open) -> None:
    visit = look("/settings")
    visit.page.evaluate(
        """() => {
          document.querySelector("main").insertAdjacentHTML("beforeend",
            '<code-editor language="template" label="Note" properties="firstName lastName">' +
            '<textarea name="note" aria-label="Note"></textarea></code-editor>');
          document.dispatchEvent(new Event("hookstation:added"));
        }"""
    )
    expect(visit.page.locator("code-editor[data-ready]")).to_be_visible()
    visit.page.get_by_role("textbox", name="Note").click()
    visit.page.keyboard.type("Hello $$la", delay=20)
    visit.page.get_by_role("option", name="lastName").click()
    expect(visit.page.locator("textarea[name=note]")).to_have_value("Hello $$lastName$$")


def test_a_confirmation_opens_over_the_page_and_wants_the_name_typed(look: Open) -> None:
    visit = look("/settings")
    visit.page.evaluate(
        """() => {
          document.querySelector("main").insertAdjacentHTML("beforeend",
            '<a href="#gone" data-dialog="gone">Delete</a><dialog id="gone"><form method="post">' +
            '<label for="typed">Type it</label><input id="typed" data-must-be="lms">' +
            '<button type="submit">Delete it</button><button type="button" data-close>Keep it</button>' +
            "</form></dialog>");
          document.dispatchEvent(new Event("hookstation:added"));
        }"""
    )
    dialog = visit.page.get_by_role("dialog")
    expect(dialog).to_be_hidden()
    visit.page.get_by_role("link", name="Delete").click()
    expect(dialog.get_by_role("button", name="Delete it")).to_be_disabled()
    dialog.get_by_label("Type it").fill("lms")
    expect(dialog.get_by_role("button", name="Delete it")).to_be_enabled()
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
