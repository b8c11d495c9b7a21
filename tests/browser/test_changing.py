"""A live webhook is changed: back-tested, published, rolled back, by two people, and put away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Demo
from tests.support.browsing import Visit, visit
from tests.support.station import told
from tests.support.wire import ask
from tests.support.wizarding import REFUSED, Person

Open = Callable[..., Visit]
LIVE = "/webhooks/course-records"


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def person(request: pytest.FixtureRequest, look: Open) -> Person:
    """Somebody at the list of webhooks."""
    made = look("/webhooks", java_script_enabled=bool(request.param))
    made.expected = (REFUSED,)
    return Person(made, bool(request.param))


def change(person: Person, text: str) -> None:
    """Save a draft in which the note is filled otherwise."""
    person.visit.go(f"{LIVE}/edit/action")
    person.type("NOTE", text)
    person.click("button", "Save draft")


def test_a_change_is_tried_on_real_calls_published_and_taken_back(person: Person, demo: Demo) -> None:
    """Nothing is live before it is published; the differences are told field by field; one click leads back."""
    change(person, f"Changed {person.scripts} $$firstName$$")
    demo.call("course-records", memberId=f"1043{int(person.scripts)}")
    assert "Changed" not in str(demo.records("Activity", ID=f"1043{int(person.scripts)}"))
    person.visit.go(f"{LIVE}/edit/save")
    person.click("link", "Back-test it on real calls")
    person.click("button", "Run the back-test")
    person.sees("come out otherwise")
    expect(person.page.locator("details.card").first).to_contain_text(f"Changed {person.scripts} Homer")
    person.click("link", "To the draft")
    person.type("What is changed, for the history – optional", "another note")
    person.click("button", "Publish")
    person.sees("It is live.")
    demo.call("course-records", memberId=f"1044{int(person.scripts)}")
    assert f"Changed {person.scripts} Homer" in str(demo.records("Activity", ID=f"1044{int(person.scripts)}"))
    person.visit.go(f"{LIVE}/versions")
    newest = person.page.locator("tbody tr").first
    expect(newest).to_contain_text("another note")
    expect(newest).to_contain_text("live")
    newest.locator("th a").click()
    expect(person.page.locator("tbody")).to_contain_text("action.fields.Note")
    person.visit.go(f"{LIVE}/versions")
    person.click("button", "Roll back to it")
    person.sees("is live again")
    demo.call("course-records", memberId=f"1045{int(person.scripts)}")
    assert "Changed" not in str(demo.records("Activity", ID=f"1045{int(person.scripts)}"))


def test_a_draft_that_breaks_calls_is_told_by_the_back_test_and_discarded(person: Person) -> None:
    person.visit.go(f"{LIVE}/edit/data")
    person.page.get_by_label("Type of firstName").select_option("integer")
    person.click("button", "Save draft")
    person.visit.go(f"{LIVE}/backtest?events=50")
    person.sees("would be refused")
    person.visit.go(f"{LIVE}/edit/save")
    person.click("button", "Discard the draft")
    person.sees("The draft was let go")
    person.visit.go(f"{LIVE}/edit/save")
    person.sees("Nothing is changed since it was published")
    person.visit.page.go_back()
    person.click("button", "Take the draft up again")
    person.sees("Publish this change")
    person.click("button", "Discard the draft")


@pytest.fixture(scope="module")
def key_of_bert(demo: Demo) -> str:
    """The key of a second person."""
    return str(told("keys", "add", "bert", "--role", "administrator", "--data", demo.data)["key"])


@pytest.fixture
def other(browser: Browser, demo: Demo, key_of_bert: str) -> Iterator[Person]:
    """A second person, with a name of their own."""
    with visit(browser, demo.url, key_of_bert) as made:
        made.expected = (REFUSED,)
        yield Person(made)


def test_two_who_edit_see_each_other_and_nobody_overwrites_unseen(person: Person, other: Person) -> None:
    """The second to save is told what the first changed, keeps what was typed, and may put it on top."""
    other.visit.go("/webhooks/course-panel/edit/general")
    person.visit.go("/webhooks/course-panel/edit/general")
    person.sees("bert has this webhook open, too.")
    other.type("Note – optional", f"Bert’s note {person.scripts}")
    other.click("button", "Save draft")
    person.page.get_by_label("Name", exact=True).fill(f"Courses {person.scripts}")
    person.click("button", "Save draft")
    person.sees("bert saved version")
    expect(person.page.get_by_role("alert").first).to_contain_text("note")
    expect(person.page.get_by_label("Name", exact=True)).to_have_value(f"Courses {person.scripts}")
    person.click("button", "Save draft")
    expect(person.page.locator("h1")).to_have_text(f"Courses {person.scripts}")
    person.click("button", "Discard the draft")


def test_a_webhook_is_copied_switched_off_archived_and_deleted(person: Person, demo: Demo) -> None:
    """A copy is a draft; what is disabled answers 404; a deletion wants the name typed and says what goes."""
    person.page.get_by_label("More for course-panel").click()
    person.click("button", "Duplicate course-panel")
    person.is_at("General")
    name = person.page.get_by_label("Short name").input_value()
    person.visit.go(f"/webhooks/{name}/edit/save")
    person.click("button", "Publish")
    person.sees("It is live.")
    url = person.page.locator("#url + p code").inner_text()
    person.visit.go(f"/webhooks/{name}")
    person.click("button", "Disable")
    expect(person.page.locator(".head .badge")).to_have_text("disabled")
    assert 404 == ask(url, "{}").status
    person.click("button", "Activate")
    assert 400 == ask(url, "{}").status
    person.click("button", "Archive")
    expect(person.page.locator(".head .badge")).to_have_text("archived")
    person.page.get_by_role("link", name="Delete", exact=True).click()
    dialog = person.page.locator("dialog#delete")
    expect(dialog).to_contain_text("gone for good")
    dialog.get_by_label(re.compile("Type")).fill(name)
    dialog.get_by_role("button", name="Delete it").click()
    expect(person.page.locator("main .notice")).to_contain_text(f"“{name}” was deleted")
    expect(person.page.locator("main .table")).not_to_contain_text(name)
    assert name not in [one["name"] for one in demo.api("/webhooks")["items"]]


def test_a_draft_that_was_never_live_is_listed_and_discarded_by_its_name(person: Person) -> None:
    name = f"left-{person.scripts}".lower()
    person.begin(f"Left {person.scripts}")
    person.visit.go("/webhooks")
    person.click("link", name)
    person.page.get_by_role("link", name="Discard", exact=True).click()
    dialog = person.page.locator("dialog#discard")
    dialog.get_by_label(re.compile("Type")).fill(name)
    dialog.get_by_role("button", name="Discard it").click()
    expect(person.page).to_have_url(re.compile("/webhooks$"))
    expect(person.page.locator("main")).not_to_contain_text(name)


@pytest.mark.parametrize(
    "path", [f"{LIVE}/versions", f"{LIVE}/versions/1", f"{LIVE}/backtest?events=50", "/webhooks/_new"]
)
def test_everybody_can_use_these_pages(look: Open, path: str) -> None:
    made = look(path)
    assert [] == made.axe()
    made.page.emulate_media(color_scheme="dark")
    assert [] == made.axe("color-contrast")
