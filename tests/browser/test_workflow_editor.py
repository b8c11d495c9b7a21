"""The workflow editor as a person meets it: built by mouse and keys, tried, saved, run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Demo
from tests.support.browsing import PHONE, Visit
from tests.support.wizarding import REFUSED

Open = Callable[..., Visit]
NAMES = "all => all.map(one => one.dataset.focus.replace('step:', ''))"
FLOW: dict[str, Any] = {
    "name": "sorted-orders",
    "title": "Sorted orders",
    "sample": {"total": 7},
    "steps": [
        {
            "name": "first",
            "type": "set",
            "title": "Keep it",
            "with": {"values": {"sum": "$$trigger.total$$"}},
        },
        {
            "name": "large",
            "type": "if",
            "title": "A large one?",
            "with": {"condition": "vars.sum > 5"},
            "then": [{"name": "end", "type": "stop", "title": "Enough"}],
        },
        {
            "name": "around",
            "type": "for_each",
            "with": {"items": [1, 2]},
            "steps": [{"name": "in", "type": "stop"}],
        },
    ],
}


@dataclass
class Author:
    """Somebody at the editor."""

    page: Page

    def add(self, after: str, words: str) -> None:
        """Add a step by the plus of this name: the first that a search finds."""
        self.page.get_by_role("button", name=after, exact=True).click()
        self.page.get_by_label("Search").fill(words)
        self.page.keyboard.press("Enter")

    def write(self, label: str, text: str) -> None:
        """Write into an editor or field of the pane, in place of what is there."""
        box = self.pane.get_by_role("textbox", name=label, exact=True).first
        box.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)

    @property
    def pane(self) -> Locator:
        """The properties."""
        return self.page.get_by_role("complementary", name="Properties")

    def card(self, name: str) -> Locator:
        """A step's card."""
        return self.page.locator(f'[data-focus="step:{name}"]')

    def names(self) -> list[str]:
        """The steps in the order of the flow."""
        found: list[str] = self.page.locator(".flow-line .node-main").evaluate_all(NAMES)
        return found

    def is_right(self) -> None:
        """The station has looked at it, and nothing is wrong."""
        expect(self.page.locator("workflow-editor")).to_have_attribute("data-checked", "0")

    def save(self) -> None:
        """Press the button."""
        self.page.get_by_role("button", name="Save", exact=True).click()


def author(visit: Visit) -> Author:
    """At the open editor, ready."""
    expect(visit.page.locator("workflow-editor")).to_have_attribute("data-ready", "")
    return Author(visit.page)


def test_four_steps_with_a_branch_are_built_tried_saved_and_run(look: Open, demo: Demo) -> None:
    """By mouse and keys: the search picks steps, chips write variables, keys move a step into the branch."""
    made = look("/workflows/_new/blank", viewport={"width": 1440, "height": 900})
    person = author(made)
    person.write("Name (required)", "greet-members")
    person.page.get_by_role("button", name="Begins by hand").click()
    person.write("Sample of what triggers it", '{"first": "Ann", "grade": "pass"}')
    person.add("Add a step", "set variables")
    person.pane.get_by_role("button", name="Add to Values").click()
    person.page.keyboard.type("hello")
    person.write("Value of entry 1", "Hello ")
    person.pane.get_by_role("button", name="trigger.first").click()
    person.add("Add a step after set", "if")
    person.write("Condition (required)", 'trigger.grade == "pass"')
    person.add("Add a step after if", "emit")
    person.write("Type", "member.greeted")
    person.add("Add a step after emit", "respond")
    person.card("emit").press("Alt+ArrowUp")
    expect(person.page.get_by_role("region", name="otherwise")).to_contain_text("Emit an event")
    person.card("emit").press("Alt+ArrowUp")
    assert ["set", "if", "emit", "respond"] == person.names()
    expect(person.page.get_by_role("region", name="where it holds")).to_contain_text("Emit an event")
    person.is_right()
    person.card("set").click()
    person.pane.get_by_role("button", name="Try it", exact=True).click()
    expect(person.pane.get_by_role("region", name="What it puts out")).to_contain_text('"hello": "Hello Ann"')
    assert [] == made.axe()
    person.save()
    expect(person.page.get_by_text("Saved: this is version 1 now.")).to_be_attached()
    saved = demo.api("/workflows/greet-members")
    assert {"set": {"hello": "Hello Ann"}} == saved["samples"]
    run = demo.api(
        "/workflows/greet-members/run", "POST", {"input": {"first": "Bo", "grade": "pass"}, "wait": 20}
    )
    assert "succeeded" == run["state"]


def test_steps_are_dragged_and_undone_shown_as_text_and_a_newer_version_is_told(
    look: Open, demo: Demo
) -> None:
    demo.api("/workflows/sorted-orders", "PUT", FLOW)
    made = look("/workflows/sorted-orders/edit", viewport={"width": 1440, "height": 900})
    person = author(made)
    card = person.page.locator(".node-card", has=person.card("end"))
    card.drag_to(person.page.get_by_role("button", name="Add a step at the beginning", exact=True))
    assert ["end", "first", "large", "around", "in"] == person.names()
    person.card("end").press("Control+z")
    assert ["first", "large", "end", "around", "in"] == person.names()
    person.card("in").press("Delete")
    expect(person.page.get_by_text("to put right")).to_be_visible()
    person.page.get_by_role("button", name="Undo").click()
    person.page.get_by_role("button", name="YAML").click()
    text = person.page.get_by_role("textbox", name="The workflow as text")
    expect(text).to_contain_text("title: Keep it")
    person.page.get_by_role("button", name="JSON").click()
    expect(text).to_contain_text('"title": "Keep it"')
    person.page.get_by_role("button", name="Flow").click()
    demo.api("/workflows/sorted-orders", "PUT", {**FLOW, "title": "Theirs"})
    person.card("first").click()
    person.write("Title", "Kept")
    made.expected = (REFUSED,)
    person.save()
    dialog = person.page.get_by_role("dialog", name="Somebody was quicker")
    expect(dialog).to_contain_text("title changed")
    dialog.get_by_role("button", name="Save mine on top of it").click()
    expect(person.page.get_by_text("Saved as version 3")).to_be_visible()
    assert "Kept" == demo.api("/workflows/sorted-orders")["steps"][0]["title"]


def test_on_a_phone_in_the_dark_the_properties_stand_below_the_flow(look: Open, demo: Demo) -> None:
    demo.api("/workflows/sorted-orders", "PUT", FLOW)
    made = look("/workflows/sorted-orders/edit", viewport=PHONE, color_scheme="dark")
    person = author(made)
    person.card("end").click()
    expect(person.pane.get_by_role("heading", name="Enough")).to_be_in_viewport()
    assert [] == made.axe()
    assert PHONE["width"] == made.page.evaluate("document.documentElement.scrollWidth")
    person.pane.get_by_role("button", name="Back to the flow").click()
    expect(person.card("end")).to_be_focused()


def test_without_scripts_the_same_workflow_is_a_text(look: Open, demo: Demo) -> None:
    demo.api("/workflows/sorted-orders", "PUT", FLOW)
    made = look("/workflows/sorted-orders/edit", java_script_enabled=False)
    made.expected = (REFUSED,)
    page = made.page
    text = page.get_by_label("Document")
    text.fill(text.input_value().replace("type: if", "type: iff"))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("is not a type of step")
    text.fill(text.input_value().replace("type: iff", "type: if").replace("Keep it", "Kept here"))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved: this is version")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Kept here")).to_be_visible()
