"""The wizard as a person meets it: from a vendor's sample to a webhook that works."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Demo
from tests.support.browsing import Visit
from tests.support.wire import ask
from tests.support.wizarding import REFUSED, Person

Open = Callable[..., Visit]
SAMPLE = (Path(__file__).parents[2] / "examples" / "thinkific" / "payload.json").read_text()
MEMBER = "{{ payload.user.email | split: '@' | first }}"
SIGNATURE = "X-Thinkific-Hmac-Sha256"


def url_of(person: Person) -> str:
    """The webhook's URL, as the last section shows it."""
    return person.page.locator("#url + p code").inner_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_the_thinkific_sample_to_a_working_webhook_in_under_25_clicks(
    look: Open, demo: Demo, scripts: bool
) -> None:
    """The click-by-click script: name, sample, action, mapping, signature, test, publish; then the vendor calls."""
    person = Person(look("/webhooks", java_script_enabled=scripts), scripts)
    person.begin(f"Thinkific completions {scripts}")
    person.paste(SAMPLE)
    person.click("button", "Next step")
    person.act("insert_activity|imis")
    person.type("ID", MEMBER)
    person.type("ACTIVITY_TYPE", "LMS")
    person.click("button", "Next step")
    person.is_at("Sender and access")
    person.type("Header", SIGNATURE)
    person.click("button", "Generate a secret")
    secret = person.page.locator(".notice.good code").inner_text()
    person.click("button", "Next step")
    person.click("button", "Try it, write nothing")
    person.sees("would be accepted")
    person.click("link", "Next step")
    person.click("button", "Publish")
    person.sees("It is live.")
    assert person.clicks < 25
    signed = hmac.new(secret.encode(), SAMPLE.encode(), hashlib.sha256).hexdigest()
    assert 401 == ask(url_of(person), SAMPLE).status
    heard = ask(url_of(person), SAMPLE, headers={SIGNATURE: signed})
    assert (200, {"success": True}) == (heard.status, heard.document)
    event = demo.event(heard)
    written = event["record"]
    assert ("imis", "Activity", "succeeded") == (written["connection"], written["entity"], event["state"])


def test_keys_alone_lead_through_all_sections(look: Open) -> None:
    """No mouse: every section is reached and filled with Tab, Enter and typing; the focus is always to be seen."""
    visit = look("/webhooks/_new")
    keys, person = visit.page.keyboard, Person(visit)
    expect(person.box("What do you want to call it?")).to_be_focused()
    keys.type("By keys alone")
    keys.press("Enter")
    person.is_at("Data")
    _tab_to(person, "Sample")
    keys.insert_text('{"memberId": "10420", "course": "Safety", "done": "2026-11-20T16:45:12Z"}')
    _tab_to(person, "Draft the fields from it")
    keys.press("Enter")
    person.sees("Fields of a call")
    _tab_to(person, "Next step")
    keys.press("Enter")
    person.is_at("Action")
    _tab_to(person, "Action")
    keys.type("Insert an Activity – records")
    _tab_to(person, "Show its fields")
    keys.press("Enter")
    person.sees("Field mapping")
    _tab_to(person, re.compile("Accept"))
    keys.press("Enter")
    person.sees("would not be written")
    _tab_to(person, "ACTIVITY_TYPE")
    keys.press("Enter")
    keys.insert_text("LMS")
    person.sees("would be written")
    _tab_to(person, "Next step")
    keys.press("Enter")
    person.is_at("Sender and access")
    _tab_to(person, "Signature (HMAC)")
    keys.press("ArrowUp")
    person.sees("Anybody who learns the URL")
    _tab_to(person, "Next step")
    keys.press("Enter")
    person.is_at("Test")
    _tab_to(person, "Try it, write nothing")
    keys.press("Enter")
    person.sees("would be accepted")
    _tab_to(person, "Next step")
    keys.press("Enter")
    person.is_at("Save")
    _tab_to(person, "Publish")
    keys.press("Enter")
    person.sees("It is live.")


NAMED = """() => {
  let one = document.activeElement;
  while (one && one.shadowRoot && one.shadowRoot.activeElement) one = one.shadowRoot.activeElement;
  if (!one) return ["", ""];
  const labels = one.labels && one.labels[0] ? one.labels[0].innerText : one.innerText;
  const rings = [one, one.closest(".cm-editor") || one].map((ring) => getComputedStyle(ring).outlineStyle);
  return [one.getAttribute("aria-label") || labels || "", rings.join(" ")];
}"""


def _tab_to(person: Person, name: str | re.Pattern[str]) -> None:
    """Press Tab until what is named has the focus; on the way there is always something that shows it."""
    person.settle()
    wanted = re.compile(f"{re.escape(name)}") if isinstance(name, str) else name
    for _ in range(150):
        person.page.keyboard.press("Tab")
        label, _ = person.page.evaluate(NAMED)
        if wanted.match(label.strip()):
            person.page.wait_for_function(f"() => /solid|auto/.test(({NAMED})()[1])")
            return
    pytest.fail(f"Tab never came to {name}")


def test_calls_are_heard_picked_and_drafted_from(look: Open) -> None:
    """A temporary URL shows calls as they come; the fields, the way to prove and the dedup key follow from them."""
    person = Person(look("/webhooks"))
    person.visit.expected = (REFUSED,)
    person.begin("Heard")
    person.page.get_by_text("Let the sender call once").click()
    person.click("button", "Listen for calls")
    listening = person.page.locator("#listen .copy code").inner_text()
    headers = {"webhook-id": "msg_1", "webhook-signature": "v1,abc"}
    assert 200 == ask(listening, '{"member": 10420, "when": "2026-11-22"}', headers=headers).status
    person.sees("1 call so far")
    assert 200 == ask(listening, '{"member": 10421, "when": null, "more": true}', headers=headers).status
    person.sees("2 calls so far")
    assert 200 == ask(listening, "no JSON", headers=headers).status
    person.sees("3 calls so far")
    expect(person.page.locator("#call-3")).to_be_disabled()
    person.click("button", "Draft the fields from those picked")
    person.sees("Pick at least one call")
    person.page.locator("#call-1").check()
    person.page.locator("#call-2").check()
    person.click("button", "Draft the fields from those picked")
    person.sees("Fields of a call")
    expect(person.page.get_by_label("more is required")).not_to_be_checked()
    expect(person.page.get_by_label("when may be null")).to_be_checked()
    person.visit.go("/webhooks/heard/edit/access")
    expect(person.page.get_by_role("radio", name="Standard Webhooks")).to_be_checked()
    expect(person.page.get_by_role("radio", name="header:webhook-id")).to_be_checked()


def test_the_table_and_the_json_are_one(look: Open) -> None:
    """What is changed in the table stands in the JSON at once, before it is saved; and the other way round."""
    person = Person(look("/webhooks"))
    person.begin("In step")
    person.paste('{"code": "SAFE", "count": 3}')
    person.page.get_by_text("The same as JSON").click()
    person.page.get_by_label("Longest code, in characters").fill("12")
    person.page.get_by_label("count is required").uncheck()
    expect(person.page.locator("textarea[name=json]")).to_have_value(re.compile('"maxLength": 12'))
    text = json.loads(person.page.locator("textarea[name=json]").input_value())
    assert ["code"] == text["required"]
    text["properties"]["code"]["maxLength"] = 8
    person.type("JSON Schema of now", json.dumps(text))
    person.click("button", "Take this JSON")
    expect(person.page.get_by_label("Longest code, in characters")).to_have_value("8")
    person.type("Add a field", "note")
    person.click("button", "Add")
    expect(person.page.get_by_label("Name of note")).to_have_value("note")
    person.page.get_by_label("Remove count").check()
    person.click("button", "Save draft")
    expect(person.page.get_by_label("Name of count")).to_have_count(0)


def test_a_question_is_answered_and_the_table_follows(look: Open) -> None:
    person = Person(look("/webhooks"))
    person.begin("Asked")
    person.paste('{"member": "00420", "given": null}')
    person.page.get_by_label("A date", exact=True).check()
    person.page.get_by_label("Text of digits only").check()
    person.click("button", "Use these answers")
    expect(person.page.get_by_label("Format of given")).to_have_value("date")
    expect(person.page.get_by_label("A date", exact=True)).to_be_checked()
    expect(person.page.get_by_label("Text of digits only")).to_be_checked()


def test_a_property_is_put_in_by_click_drag_and_completion_and_the_preview_follows(look: Open) -> None:
    """A chip goes to the cursor, a dragged one where it is dropped; `$$` offers names; the record stands beside."""
    person = Person(look("/webhooks"))
    person.begin("Inserting")
    person.paste('{"memberId": "10420", "first": "Homer", "last": "Simpson"}')
    person.click("button", "Next step")
    person.choose("Action", "insert_activity|records")
    person.sees("Field mapping")
    person.page.get_by_text("further fields of Activity").click()
    person.type("DESCRIPTION", "Name: ")
    person.page.get_by_role("button", name="first", exact=True).click()
    value = person.page.locator("textarea[name='value:DESCRIPTION']")
    expect(value).to_have_value("Name: $$first$$")
    person.page.keyboard.type(" $$la", delay=20)
    person.page.get_by_role("option", name="last").click()
    expect(value).to_have_value("Name: $$first$$ $$last$$")
    preview = person.page.locator("#preview")
    expect(preview).to_contain_text("Name: Homer Simpson")
    editor = person.page.locator(".map[data-field=NOTE] code-editor")
    carried = person.page.evaluate_handle("() => new DataTransfer()")
    chip = person.page.get_by_role("button", name="memberId", exact=True)
    chip.dispatch_event("dragstart", {"dataTransfer": carried})
    editor.dispatch_event("drop", {"dataTransfer": carried})
    expect(person.page.locator("textarea[name='value:NOTE']")).to_have_value("$$memberId$$")
    person.type("ACTIVITY_TYPE", "LONGER THAN TEN")
    mark = person.page.locator("[data-marks=ACTIVITY_TYPE]")
    expect(mark).to_contain_text("at most 10")
    person.type("ACTIVITY_TYPE", "Order")
    expect(mark).to_contain_text("iMIS itself writes")
    person.type("QUANTITY", "$$first$$")
    expect(person.page.locator("[data-marks=QUANTITY]")).to_have_attribute("data-fate", "fails")


def test_it_is_sent_for_real_once_while_nobody_else_can_call_it(look: Open, demo: Demo) -> None:
    """The record can be opened; until it is published the URL answers 404."""
    person = Person(look("/webhooks"))
    person.begin("For real")
    person.paste('{"memberId": "10420", "first": "Homer"}')
    person.click("button", "Next step")
    person.act("insert_activity|records")
    person.type("ACTIVITY_TYPE", "REAL")
    person.click("button", "Next step")
    person.click("radio", "None")
    person.click("button", "Next step")
    person.click("button", "Send for real, once")
    person.sees("It is written.")
    person.page.get_by_role("link", name="Open the record").click()
    expect(person.page.locator("main")).to_contain_text("REAL")
    person.visit.go("/webhooks/for-real/edit/save")
    person.sees("It is switched off until you publish it below")
    assert 404 == ask(url_of(person), '{"memberId": "1", "first": "A"}').status
    person.click("button", "Publish")
    person.sees("Calls to its URL are taken from now on.")
    assert 200 == ask(url_of(person), '{"memberId": "10421", "first": "Ned"}').status


def test_what_could_fail_is_shown_and_one_button_closes_each_gap(look: Open) -> None:
    person = Person(look("/webhooks"))
    person.begin("Proven")
    person.paste('{"memberId": "10420"}')
    person.click("button", "Next step")
    person.act("insert_activity|records")
    person.type("ACTIVITY_TYPE", "LMS")
    person.click("button", "Save draft")
    person.visit.go("/webhooks/proven/edit/test")
    person.sees("can still fail")
    gap = person.page.locator("article.gap", has_text="at most 10").first
    gap.get_by_text("A payload that shows it").click()
    expect(gap.locator("pre")).to_contain_text("memberId")
    for _ in range(6):
        buttons = person.page.locator("article.gap button")
        if not buttons.count():
            break
        for closed in person.page.locator("#proof > details:not([open]) > summary").all():
            closed.click()
        buttons.first.click()
        expect(person.page).to_have_url(re.compile("prove=1"))
        person.page.wait_for_load_state()
    person.sees("Whatever the schema lets through can be written")


def test_the_hand_out_says_what_a_vendor_needs_and_nothing_secret(look: Open) -> None:
    visit = look("/webhooks/course-records/handout")
    for heading in ("Send each event as one call", "Sending again", "A body that is accepted", "Answers"):
        expect(visit.page.get_by_role("heading", name=heading)).to_be_visible()
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="As Markdown").click()
    assert "course-records.md" == download.value.suggested_filename
    assert "## Answers" in download.value.path().read_text()
