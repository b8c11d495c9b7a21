"""Take the pictures of ``docs/images``: the demo with a few calls behind it, in a browser (`make screenshots`)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import Demo
from tests.support.browsing import launch
from tests.support.station import process, until

IMAGES: Final = Path(__file__).resolve().parent.parent / "docs" / "images"
Side = Literal["light", "dark"]
PICTURES: Final[tuple[tuple[str, str, Side], ...]] = (
    ("dashboard", "/", "light"),
    ("webhooks", "/webhooks", "light"),
    ("webhook", "/webhooks/course-completions", "dark"),
    ("events", "/events?live=off", "light"),
    ("event", "EVENT", "light"),
    ("replay", "/replays/new?webhook=course-records&status=succeeded&again=yes", "light"),
    ("connection", "/connections/imis", "dark"),
    ("records", "/records/Activity", "light"),
    ("panel", "/panels/ABC_Courses", "light"),
)
"""File, page and side of the look; EVENT stands for the newest one that succeeded."""

NAMES: Final = ("Homer", "Marge", "Lisa", "Bart", "Ned")


def main() -> int:
    """Take all of them; the exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with process(folder / "log", "demo", "--port", "0", "--data", folder / "data") as started:
            demo = Demo.of(started, folder / "data")
            fill(demo)
            with sync_playwright() as playwright:
                browser = launch(playwright)
                for name, path, side in PICTURES:
                    take(browser, demo, name, path, side)
                browser.close()
    return 0


def fill(demo: Demo) -> None:
    """A few calls of every kind."""
    for number, first in enumerate(NAMES):
        for webhook in demo.paths:
            demo.call(webhook, memberId=str(10420 + number), firstName=first)
    for _ in range(3):
        demo.call("course-records", memberId=7)
    until(lambda: demo.api("/dashboard")["total"]["calls"] >= 3 + len(NAMES) * len(demo.paths) or None)


def take(browser: Browser, demo: Demo, name: str, path: str, side: Side) -> None:
    """One picture, with everything on the page drawn."""
    newest = demo.events("course-completions", status="succeeded")[0]["id"]
    context = browser.new_context(
        viewport={"width": 1180, "height": 760},
        color_scheme=side,
        reduced_motion="reduce",
        timezone_id="UTC",
        extra_http_headers={"Authorization": f"Bearer {demo.key}"},
    )
    page = context.new_page()
    page.goto(demo.url + path.replace("EVENT", f"/events/{newest}"))
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")
    context.close()


if __name__ == "__main__":
    raise SystemExit(main())
