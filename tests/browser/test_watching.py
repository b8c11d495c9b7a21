"""Seeing what happens and setting it right, in a real browser: the journal's remedies, connections, panels, keys."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Demo
from tests.support.browsing import PHONE, Visit

Open = Callable[..., Visit]
with_and_without_scripts = pytest.mark.parametrize("scripts", [True, False])


def newest(demo: Demo, webhook: str = "course-records") -> str:
    """The id of the newest event that succeeded."""
    return str(demo.events(webhook, status="succeeded")[0]["id"])


@with_and_without_scripts
def test_from_the_dashboard_to_why_calls_failed(look: Open, scripts: bool) -> None:
    visit = look("/", java_script_enabled=scripts)
    expect(visit.page.get_by_role("region", name="What needs you now")).to_be_visible()
    visit.page.get_by_role("link", name="Month").click()
    visit.page.get_by_role("link", name="failures of course-records").click()
    expect(visit.page.locator("tbody .badge.bad").first).to_have_text("rejected")


@with_and_without_scripts
def test_the_journal_is_searched_in_several_ways(look: Open, demo: Demo, scripts: bool) -> None:
    visit = look("/events?live=off", java_script_enabled=scripts)
    visit.page.get_by_text("By sender, record, key or id").click()
    visit.page.get_by_label("Event id, or its beginning").fill(newest(demo))
    visit.page.get_by_role("button", name="Show").click()
    expect(visit.page.locator("tbody tr")).to_have_count(1)
    expect(visit.page.get_by_label("Event id, or its beginning")).to_be_visible()
    visit.page.get_by_label("Event id, or its beginning").fill("")
    visit.page.get_by_label("Text in the payload").fill("no such words")
    visit.page.get_by_role("button", name="Show").click()
    expect(visit.page.get_by_text("The search index")).to_be_visible()
    visit.page.get_by_role("link", name="Show all", exact=True).click()
    expect(visit.page.locator("tbody tr").nth(2)).to_be_visible()


@with_and_without_scripts
def test_an_event_is_replayed_after_its_dry_run(look: Open, demo: Demo, scripts: bool) -> None:
    visit = look(f"/events/{newest(demo)}", java_script_enabled=scripts)
    visit.page.get_by_role("link", name="Replay…", exact=True).click()
    expect(visit.page.get_by_role("heading", name="this record would be written")).to_be_visible()
    visit.page.get_by_label("I know, and mean it").check()
    visit.page.get_by_role("button", name="Replay now").click()
    expect(visit.page.get_by_text("A new attempt was made.")).to_be_visible()
    assert 2 <= visit.page.locator("section[aria-labelledby=attempts] tbody tr").count()


@with_and_without_scripts
def test_a_payload_is_fixed_after_an_error(look: Open, demo: Demo, scripts: bool) -> None:
    """The copy is tried, refused for want of a note, and sent in; both events know of each other."""
    event_id = newest(demo, "course-panel")
    visit = look(f"/events/{event_id}", java_script_enabled=scripts)
    visit.expected = ("422",)
    visit.page.get_by_role("link", name="Fix and replay…").click()
    visit.page.get_by_label("I know, and mean it").check()
    visit.page.get_by_role("button", name="Try it").click()
    expect(visit.page.get_by_role("heading", name="it would succeed")).to_be_visible()
    visit.page.get_by_label("I know, and mean it").check()
    visit.page.get_by_role("button", name="Send the copy in").click()
    expect(visit.page.get_by_label("Why it is changed")).to_have_attribute("aria-invalid", "true")
    visit.page.get_by_label("Why it is changed").fill("A member changed her name.")
    visit.page.get_by_label("I know, and mean it").check()
    visit.page.get_by_role("button", name="Send the copy in").click()
    expect(visit.page.get_by_text("This is a copy of")).to_contain_text("A member changed her name.")
    visit.page.get_by_role("link", name=f"event {event_id}").click()
    expect(visit.page.get_by_text("came in:")).to_be_visible()


@with_and_without_scripts
def test_marked_events_are_replayed_with_a_progress_bar(look: Open, scripts: bool) -> None:
    visit = look("/events?webhook=course-records&status=succeeded&live=off", java_script_enabled=scripts)
    for row in range(2):
        visit.page.locator("tbody input[type=checkbox]").nth(row).check()
    visit.page.get_by_role("button", name="Replay those marked…").click()
    expect(visit.page.get_by_text("would be left alone").first).to_be_visible()
    visit.page.get_by_role("link", name="Take these too").click()
    visit.page.get_by_label("I know, and mean it").check()
    visit.page.get_by_role("button", name="Replay 2 events").click()
    expect(visit.page.get_by_role("progressbar", name="Events done")).to_be_visible()
    visit.page.wait_for_function("() => document.querySelector('progress').value >= 0")


def test_a_replay_tells_by_itself_when_it_is_done(look: Open) -> None:
    visit = look("/replays/new?webhook=course-records&status=succeeded&again=yes")
    visit.page.get_by_label("I know, and mean it").check()
    visit.page.get_by_role("button", name=re.compile("Replay .* events")).click()
    expect(visit.page.get_by_text("All done")).to_be_visible()
    assert [] == visit.axe()


def test_a_live_journal_rests_while_rows_are_marked(look: Open, demo: Demo) -> None:
    visit = look("/events")
    rows = visit.page.locator("#journal tbody tr")
    rows.first.get_by_role("checkbox").check()
    first = rows.first.get_by_role("checkbox").get_attribute("value")
    demo.call("course-records", memberId="marked")
    asked = visit.page.evaluate(
        """() => new Promise(done => document.addEventListener("htmx:before:request",
             event => setTimeout(() => done(event.defaultPrevented)), {once: true}))"""
    )
    assert asked
    assert first == rows.first.get_by_role("checkbox").get_attribute("value")


@with_and_without_scripts
def test_a_connection_is_tried_corrected_saved_and_deleted(look: Open, demo: Demo, scripts: bool) -> None:
    address = demo.api("/connections/imis")["url"]
    name = f"second-{scripts}".lower()
    visit = look("/connections", java_script_enabled=scripts)
    visit.expected = ("422",)
    visit.page.get_by_role("link", name="New connection").click()
    visit.page.get_by_label("Name", exact=True).fill(name)
    visit.page.get_by_label("Url (required)").fill(address)
    visit.page.get_by_role("button", name="Try it now").click()
    expect(visit.page.get_by_label("Username")).to_have_attribute("aria-invalid", "true")
    assert [] == visit.axe() if scripts else True
    visit.page.get_by_label("Username").fill("manager")
    visit.page.get_by_label("Password").fill("wrong")
    visit.page.get_by_label("Networks").fill("127.0.0.0/8")
    visit.page.get_by_role("button", name="Try it now").click()
    expect(visit.page.get_by_role("heading", name="It does not work")).to_be_visible()
    expect(visit.page.get_by_label("Password")).to_have_value("wrong")
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_text("Saved, and live now.")).to_be_visible()
    visit.page.get_by_role("link", name="Delete this connection").click()
    visit.page.get_by_label(f"Type “{name}” to go on").fill(name)
    visit.page.get_by_role("button", name="Delete the connection").click()
    expect(visit.page.get_by_text(f"The connection “{name}” was deleted.")).to_be_visible()


@with_and_without_scripts
def test_the_connection_of_the_demo_works(look: Open, scripts: bool) -> None:
    visit = look("/connections/imis", java_script_enabled=scripts)
    visit.page.get_by_role("button", name="Try it now").click()
    expect(visit.page.get_by_text("It works:")).to_be_visible()
    visit.page.get_by_role("link", name="Rotate the secret").click()
    expect(visit.page.get_by_label("Password")).to_be_visible()
    visit.page.get_by_role("button", name="Try it now").click()
    expect(visit.page.get_by_role("heading", name="It works")).to_be_visible()


@with_and_without_scripts
def test_a_panel_is_defined_corrected_and_deleted(look: Open, scripts: bool) -> None:
    name = "Marks" if scripts else "Notes"
    visit = look("/records", java_script_enabled=scripts)
    visit.expected = ("422",)
    visit.page.get_by_role("link", name="New panel").click()
    visit.page.get_by_label("Name", exact=True).fill(name)
    visit.page.get_by_label("Name of field 1").fill("Mark")
    visit.page.get_by_label("Type of field 1").select_option("date")
    visit.page.get_by_label("Length of field 1").fill("3")
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_label("Name of field 1")).to_have_attribute("aria-invalid", "true")
    visit.page.get_by_label("Type of field 1").select_option("string")
    visit.page.get_by_role("button", name="More lines").click()
    expect(visit.page.get_by_label("Name of field 6")).to_be_visible()
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_text(f"Webhooks can write to {name} now")).to_be_visible()
    visit.page.get_by_role("link", name="Its fields").click()
    visit.page.get_by_role("link", name="Delete this panel").click()
    visit.page.get_by_label(f"Type “{name}” to go on").fill(name)
    visit.page.get_by_role("button", name="Delete the panel").click()
    expect(visit.page.get_by_text(f"The panel “{name}” was deleted.")).to_be_visible()


@with_and_without_scripts
def test_a_key_is_made_and_shown_once(look: Open, scripts: bool) -> None:
    visit = look("/settings", java_script_enabled=scripts)
    visit.expected = ("422",)
    visit.page.get_by_role("button", name="Make a key").click()
    expect(visit.page.get_by_label("Name of a new key")).to_have_attribute("aria-invalid", "true")
    visit.page.get_by_label("Name of a new key").fill(f"of a test {scripts}")
    visit.page.get_by_role("button", name="Make a key").click()
    expect(visit.page.get_by_text("It is shown this once")).to_be_visible()
    visit.go("/settings")
    expect(visit.page.get_by_role("rowheader", name=f"of a test {scripts}")).to_be_visible()
    assert 0 == visit.page.get_by_text("It is shown this once").count()


def test_the_journal_is_used_on_a_phone(look: Open) -> None:
    visit = look("/events?live=off", viewport=PHONE, has_touch=True, is_mobile=True)
    visit.page.locator("tbody input[type=checkbox]").first.tap()
    visit.page.get_by_role("button", name="Replay those marked…").tap()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Replay 1 event")
    assert PHONE["width"] == visit.page.evaluate("document.documentElement.scrollWidth")
