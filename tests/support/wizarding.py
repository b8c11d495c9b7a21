"""A person at the wizard: what they click, type and choose, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Locator, Page, expect

from tests.support.browsing import SOON, Visit

READY: Final = (
    "() => [...document.querySelectorAll('code-editor, time-chart')].every(one => one.dataset.ready === '')"
)
REFUSED: Final = "error: Failed to load resource: the server responded with a status of"
"""What Chromium says of every answer that is a refusal, also where the page says more."""


@dataclass
class Person:
    """Somebody at a page. A choice in a list counts as two clicks, typing into a field as one."""

    visit: Visit
    scripts: bool = True
    clicks: int = 0

    @property
    def page(self) -> Page:
        """The page."""
        return self.visit.page

    def click(self, role: str, name: str) -> None:
        """Press a button, or follow a link."""
        self.clicks += 1
        self.page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]  # one of many roles
        self.settle()

    def choose(self, label: str, value: str) -> None:
        """Choose in a list; what follows from it comes by itself where scripts run."""
        self.clicks += 2
        self.page.get_by_label(label, exact=True).select_option(value)
        self.settle()

    def type(self, label: str, text: str) -> None:
        """Write into a field or an editor, in place of what is there."""
        self.clicks += 1
        box = self.box(label)
        if box.get_attribute("contenteditable") is None:
            box.fill(text)
            return
        box.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)

    def box(self, label: str) -> Locator:
        """A field or an editor by its name."""
        self.settle()
        return self.page.get_by_role("textbox", name=label, exact=True).first

    def settle(self) -> None:
        """Wait until the page has come, with its editors."""
        self.page.wait_for_load_state()
        if self.scripts:
            self.page.wait_for_function(READY)

    def sees(self, text: str) -> None:
        """The page says this."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=SOON)

    def is_at(self, section: str) -> None:
        """The wizard shows this section."""
        expect(self.page.locator("[aria-current=step]")).to_contain_text(section)

    def begin(self, title: str) -> None:
        """From the list of webhooks to the data of a new one."""
        self.click("link", "New webhook")
        self.type("What do you want to call it?", title)
        self.click("button", "Next step")
        self.is_at("Data")

    def paste(self, sample: str) -> None:
        """Draft the fields from a sample."""
        self.type("Sample", sample)
        self.click("button", "Draft the fields from it")
        self.sees("Fields of a call")

    def act(self, target: str) -> None:
        """Choose the action, and take what is proposed."""
        self.choose("Action", target)
        if not self.scripts:
            self.click("button", "Show its fields")
        self.click("button", "Accept")
        self.sees("would")
