"""Each thing that can be wrong in the wizard: told at its field and in the summary, and put right from there."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browsing import Visit
from tests.support.wizarding import REFUSED, Person

Open = Callable[..., Visit]


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def person(request: pytest.FixtureRequest, look: Open) -> Person:
    """Somebody at the list of webhooks, whose mistakes are expected."""
    visit = look("/webhooks", java_script_enabled=bool(request.param))
    visit.expected = (REFUSED,)
    return Person(visit, bool(request.param))


def wrong(person: Person, text: str | re.Pattern[str]) -> None:
    """An error that says this stands on the page, in words and not by colour alone."""
    expect(person.page.locator(".error, .notice.bad, .warning").filter(has_text=text).first).to_be_visible()


def section(person: Person, name: str, key: str) -> None:
    """Open a section of a webhook's wizard."""
    person.visit.go(f"/webhooks/{name}/edit/{key}")
    person.settle()


def test_a_webhook_without_a_name(person: Person) -> None:
    person.click("link", "New webhook")
    person.type("What do you want to call it?", "   ")
    person.click("button", "Next step")
    wrong(person, "Give it a name")
    person.type("What do you want to call it?", f"Nameless no more {person.scripts}")
    person.click("button", "Next step")
    person.is_at("Data")


def test_a_short_name_that_may_not_be(person: Person) -> None:
    person.begin(f"Misnamed {person.scripts}")
    section(person, f"misnamed-{person.scripts}".lower(), "general")
    person.type("Short name", "No Spaces!")
    person.click("button", "Save draft")
    wrong(person, "lower-case letters, digits and “-”")
    person.type("Short name", "course-records")
    person.click("button", "Save draft")
    wrong(person, "course-records")
    person.type("Short name", f"named-well-{person.scripts}".lower())
    person.click("button", "Next step")
    expect(person.page).to_have_url(re.compile(f"/webhooks/named-well-{person.scripts}/edit/data".lower()))


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("", "Paste what the sender sends"),
        ('{\n  "a": 1,\n  "b": \n}', "line 4"),
        ('{"a": 1}\n{"a": tru}', "line 2"),
        ("5", "object"),
    ],
    ids=["nothing", "no value", "the second of two", "a number"],
)
def test_a_sample_that_is_none(person: Person, pasted: str, said: str) -> None:
    """The line is told, what was pasted is still there, and mended there it is taken."""
    person.begin(f"Bad sample {len(pasted)} {person.scripts}")
    person.type("Sample", pasted)
    person.click("button", "Draft the fields from it")
    wrong(person, re.compile(said, re.IGNORECASE))
    expect(person.page.locator("textarea[name=samples]")).to_have_value(pasted)
    person.paste('{"a": 1}')


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("", "Paste a JSON Schema here"),
        ('{\n  "type": "object",\n}', "Line 3"),
        ('{\n  "type": "object",\n  "properties": {\n    "a": {"type": "strnig"}\n  }\n}', "Line 4"),
        ('{"firstName": "Homer"}', "looks like a sample"),
    ],
    ids=["nothing", "a comma too many", "no such type", "a sample"],
)
def test_a_schema_that_is_none(person: Person, pasted: str, said: str) -> None:
    person.begin(f"Bad schema {len(pasted)} {person.scripts}")
    person.page.get_by_text("The vendor gave you one").click()
    person.type("JSON Schema", pasted)
    person.click("button", "Take this schema")
    wrong(person, said)
    expect(person.page.locator("textarea[name=schema]")).to_have_value(pasted)
    person.type("JSON Schema", '{"type": "object", "properties": {"a": {"type": "string"}}}')
    person.click("button", "Take this schema")
    person.sees("Fields of a call")


def test_a_table_that_does_not_hold_together(person: Person) -> None:
    person.begin(f"Bad table {person.scripts}")
    person.paste('{"a": "x", "b": "y"}')
    person.page.get_by_label("Longest a, in characters").fill("many")
    person.click("button", "Next step")
    wrong(person, "“a”")
    person.page.get_by_label("Longest a, in characters").fill("5")
    person.click("button", "Next step")
    person.is_at("Action")


def test_an_action_that_is_not_complete(person: Person) -> None:
    """No action, a field that is required, a value that never fits, a property that there is not."""
    name = f"bad-action-{person.scripts}".lower()
    person.begin(f"Bad action {person.scripts}")
    person.paste('{"memberId": "10420"}')
    person.click("button", "Next step")
    person.click("button", "Next step")
    wrong(person, "Choose what is to be done with a call")
    person.act("insert_activity|records")
    person.click("button", "Save draft")
    wrong(person, "is required")
    person.type("ACTIVITY_TYPE", "LONGER THAN TEN")
    person.click("button", "Save draft")
    wrong(person, "at most 10 are allowed")
    person.type("ACTIVITY_TYPE", "$$memberid$$")
    person.click("button", "Save draft")
    wrong(person, "memberId")
    person.type("ACTIVITY_TYPE", "{{ memberId")
    person.click("button", "Save draft")
    expect(person.page.locator(".summary a[href='#action-fields-ACTIVITY_TYPE']")).to_be_visible()
    person.type("ACTIVITY_TYPE", "LMS")
    person.click("button", "Save draft")
    expect(person.page.locator(".summary")).to_have_count(0)
    person.type("ACTIVITY_TYPE", "Order")
    person.click("button", "Save draft")
    wrong(person, "iMIS itself writes")
    section(person, name, "save")
    person.sees("1 thing to know")


def test_a_panel_that_there_is_not(person: Person) -> None:
    person.begin(f"Bad panel {person.scripts}")
    person.paste('{"memberId": "10420"}')
    person.click("button", "Next step")
    person.page.get_by_label("Action", exact=True).select_option("insert_panel|records")
    person.click("button", "Show its fields")
    wrong(person, "Say which panel is written")
    panel = person.page.get_by_label("Panel", exact=True)
    panel.fill("ABC_Nothing")
    panel.press("Enter")
    wrong(person, "ABC_Nothing")
    panel.fill("ABC_Courses")
    panel.press("Enter")
    person.sees("Field mapping")


def test_a_way_to_prove_that_proves_nothing(person: Person) -> None:
    """A secret and a header that are missing, an address that is none, a rate and a key that cannot be read."""
    name = f"bad-access-{person.scripts}".lower()
    person.begin(f"Bad access {person.scripts}")
    section(person, name, "access")
    person.page.get_by_role("radio", name="Token in a header").check()
    person.page.get_by_role("radio", name="Another").check()
    person.type("The other key", "bodyid")
    person.page.get_by_label(re.compile("^Addresses")).fill("nowhere")
    person.page.get_by_label(re.compile("^Rate")).fill("often")
    person.click("button", "Save draft")
    for place in ("authentication-header", "authentication-secret", "duplicates-key", "access-rate"):
        expect(person.page.locator(f"#{place}-error")).to_be_visible()
        expect(person.page.locator(f"#{place}")).to_have_attribute("aria-invalid", "true")
    wrong(person, "nowhere")
    fields = person.page.locator(".choice:has(input[value=token])")
    fields.get_by_role("textbox", name="Header").fill("X-Token")
    person.page.get_by_label(re.compile("^Addresses")).fill("203.0.113.0/24")
    person.page.get_by_label(re.compile("^Rate")).fill("10/min")
    person.type("The other key", "body:id")
    fields.get_by_role("button", name="Generate a secret").click()
    person.sees("This is the new secret.")
    expect(person.page.locator(".summary")).to_have_count(0)
    section(person, name, "access")
    expect(person.page.locator("main")).not_to_contain_text("This is the new secret.")
    expect(person.page.locator("main")).to_contain_text("One is kept")


def test_a_call_that_would_be_refused_and_a_webhook_that_is_not_complete(person: Person) -> None:
    name = f"bad-test-{person.scripts}".lower()
    person.begin(f"Bad test {person.scripts}")
    section(person, name, "test")
    person.sees("There is nothing to test yet")
    person.click("link", "To the data")
    person.paste('{"memberId": "10420"}')
    person.click("button", "Next step")
    person.act("insert_activity|records")
    person.click("button", "Save draft")
    section(person, name, "test")
    person.click("button", "Try it, write nothing")
    wrong(person, "not complete")
    section(person, name, "save")
    person.click("button", "Publish")
    wrong(person, "put right first")
    person.page.locator(".summary a[href*='action-fields-ACTIVITY_TYPE']").first.click()
    person.is_at("Action")
    person.type("ACTIVITY_TYPE", "LMS")
    person.click("button", "Save draft")
    section(person, name, "test")
    person.type("Body of the call", '{"memberId": 10420}')
    person.click("button", "Try it, write nothing")
    person.sees("would be refused")
    person.type("Body of the call", '{"memberId": "10420"')
    person.click("button", "Try it, write nothing")
    person.sees("would be refused")
    person.type("Body of the call", '{"memberId": "10420"}')
    person.click("button", "Try it, write nothing")
    person.sees("would be accepted")
