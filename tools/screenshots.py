"""Take the pictures of ``docs/images``: the demo with a few calls behind it, in a browser (`make screenshots`)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import Demo
from tests.support.browsing import Visit, launch
from tests.support.receiver import Answer, receiving
from tests.support.station import process, until
from tests.support.wizarding import Person

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGES: Final = ROOT / "docs" / "images"
SAMPLE: Final = ROOT / "examples" / "thinkific" / "payload.json"
Side = Literal["light", "dark"]
PICTURES: Final[tuple[tuple[str, str, Side], ...]] = (
    ("dashboard", "/", "light"),
    ("webhooks", "/webhooks", "light"),
    ("webhook", "/webhooks/course-completions", "dark"),
    ("events", "/events?live=off", "light"),
    ("event", "EVENT", "light"),
    ("replay", "/replays/new?webhook=course-records&status=succeeded&again=yes", "light"),
    ("connection", "/connections/imis", "dark"),
    ("outgoing", "/outgoing", "light"),
    ("destination", "/outgoing/destinations/mailing-list", "light"),
    ("subscription", "/outgoing/subscriptions/new-records/edit", "light"),
    ("delivery", "DELIVERY", "dark"),
    ("portal", "PORTAL", "light"),
    ("records", "/records/Activity", "light"),
    ("panel", "/panels/ABC_Courses", "light"),
)
"""File, page and side of the look; EVENT stands for the newest one that succeeded, DELIVERY for the one that was tried
most often, PORTAL for a link to the page of the receiver's people."""

SENT_ON: Final = 12
"""Deliveries that have arrived before pictures are taken."""

BUSY: Final = Answer(503, (("Content-Type", "text/plain"),), b"Busy. Come again.")
NAMES: Final = ("Homer", "Marge", "Lisa", "Bart", "Ned")
SIGNATURE: Final = "X-Thinkific-Hmac-Sha256"
MEMBER: Final = "{{ payload.user.email | split: '@' | first }}"


COURSE: Final = {
    "title": "Course completed",
    "trigger": {"type": "webhook"},
    "sample": {
        "memberId": "10420",
        "email": "ann@example.org",
        "grade": "pass",
        "course": {"code": "SAFE-101"},
    },
    "steps": [
        {
            "name": "passed",
            "type": "if",
            "title": "Passed?",
            "with": {"condition": 'trigger.grade == "pass"'},
            "then": [
                {
                    "name": "keep",
                    "type": "insert_activity",
                    "title": "Activity on the record",
                    "with": {
                        "connection": "records",
                        "fields": {"ID": "$$trigger.memberId$$", "ACTIVITY_TYPE": "COURSE"},
                    },
                },
                {
                    "name": "tell",
                    "type": "emit",
                    "title": "Tell others",
                    "with": {"type": "course.passed", "payload": {"record": "$$steps.keep.record.key$$"}},
                },
            ],
            "else": [{"name": "end", "type": "stop", "title": "Not passed"}],
        },
    ],
}
"""A workflow as the editor shows it."""


def main() -> int:
    """Take all of them; the exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with (
            receiving() as receiver,
            process(folder / "log", "demo", "--port", "0", "--data", folder / "data") as started,
        ):
            demo = Demo.of(started, folder / "data")
            demo.send_on(receiver)
            receiver.plan(BUSY)
            fill(demo)
            with sync_playwright() as playwright:
                browser = launch(playwright)
                for name, path, side in PICTURES:
                    take(browser, demo, name, path, side)
                walk(browser, demo)
                edit(browser, demo)
                browser.close()
    return 0


def fill(demo: Demo) -> None:
    """A few calls of every kind."""
    for number, first in enumerate(NAMES):
        for webhook in demo.paths:
            demo.call(webhook, memberId=str(10420 + number), firstName=first)
    for _ in range(3):
        demo.call("course-records", memberId=7)
    until(lambda: len(demo.delivered()) >= SENT_ON or None)
    until(lambda: demo.api("/dashboard")["total"]["calls"] >= 3 + len(NAMES) * len(demo.paths) or None)


@contextmanager
def opened(browser: Browser, demo: Demo, side: Side) -> Iterator[Page]:
    """An empty page of a visitor who is let in."""
    context = browser.new_context(
        viewport={"width": 1180, "height": 760},
        color_scheme=side,
        reduced_motion="reduce",
        timezone_id="UTC",
        extra_http_headers={"Authorization": f"Bearer {demo.key}"},
    )
    yield context.new_page()
    context.close()


def take(browser: Browser, demo: Demo, name: str, path: str, side: Side) -> None:
    """One picture, with everything on the page drawn."""
    with opened(browser, demo, side) as page:
        page.goto(demo.url + address_of(path, demo))
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / f"{name}.png")


def address_of(path: str, demo: Demo) -> str:
    """Where a picture is taken."""
    if path == "PORTAL":
        return demo.portal()
    if path == "DELIVERY":
        tried = max(demo.delivered(), key=lambda one: int(one["attempts"]))
        return f"/outgoing/deliveries/{tried['id']}"
    newest = demo.events("course-completions", status="succeeded")[0]["id"]
    return path.replace("EVENT", f"/events/{newest}")


def walk(browser: Browser, demo: Demo) -> None:
    """The wizard from a vendor's sample to a webhook, a picture a section."""
    with opened(browser, demo, "light") as page:
        person = Person(Visit(page, demo.url))
        page.goto(demo.url + "/webhooks")
        person.begin("Course completions from Thinkific")
        shoot(person, "wizard-sample")
        person.paste(SAMPLE.read_text())
        shoot(person, "wizard-data", "Fields of a call")
        person.click("button", "Next step")
        person.act("insert_activity|imis")
        person.type("ID", MEMBER)
        person.type("ACTIVITY_TYPE", "LMS")
        person.sees("would be written")
        shoot(person, "wizard-action", "Field mapping")
        person.click("button", "Next step")
        person.type("Header", SIGNATURE)
        shoot(person, "wizard-access", "How does a call prove")
        person.click("button", "Generate a secret")
        person.click("button", "Next step")
        person.click("button", "Try it, write nothing")
        person.sees("would be accepted")
        shoot(person, "wizard-test")
        person.click("link", "Next step")
        person.click("button", "Publish")
        person.sees("It is live.")
        shoot(person, "wizard-save")


def edit(browser: Browser, demo: Demo) -> None:
    """The editor of a workflow, with a step selected."""
    demo.api("/workflows/course-completed", "PUT", COURSE)
    with opened(browser, demo, "light") as page:
        page.set_viewport_size({"width": 1400, "height": 860})
        page.goto(f"{demo.url}/workflows/course-completed/edit")
        page.locator('[data-focus="step:tell"]').click()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / "workflow-editor.png")


def shoot(person: Person, name: str, heading: str = "") -> None:
    """One picture of where a person is, from a heading on where one is named."""
    person.settle()
    person.page.wait_for_load_state("networkidle")
    place = person.page.get_by_role("heading", name=heading).first
    if heading:
        place.evaluate("one => { one.scrollIntoView(); scrollBy(0, -24); }")
    person.page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    raise SystemExit(main())
