"""A browser that watches what a page does: every message, every request, and what axe finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, Request, sync_playwright

from tools.browser import find

AXE: Final = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""What axe checks: WCAG 2.2 to level AA, and what else is known to help."""

PHONE: Final = {"width": 360, "height": 740}
DESK: Final = {"width": 1280, "height": 800}
SOON: Final = 10_000
"""Milliseconds that a page has for what it is expected to do."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser."""
    found = find()
    assert found is not None, "There is no Chromium: python -m tools.browser brings one."
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            yield browser
        finally:
            browser.close()


def launch(playwright: Playwright) -> Browser:
    """Start the browser that was found."""
    found = find()
    assert found is not None
    return playwright.chromium.launch(
        executable_path=found.program,
        args=found.arguments,
        env={**found.environment},
    )


@dataclass
class Visit:
    """A page on the way through one station, and all that went wrong on it."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def watch(self) -> None:
        """From now on everything is noted that a good page never does."""
        self.page.set_default_timeout(SOON)
        self.page.on("console", lambda message: self._note(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self._note(f"error: {error}"))
        self.page.on("requestfailed", lambda request: self._failed(request))
        self.page.on("request", self._asked)

    def _note(self, complaint: str) -> None:
        if not any(one in complaint for one in self.expected):
            self.complaints.append(complaint)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url)[:2] != urlsplit(self.origin)[:2]:
            self._note(f"left the origin: {request.url}")

    def _failed(self, request: Request) -> None:
        if "ERR_ABORTED" not in str(request.failure):
            self._note(f"failed: {request.url} {request.failure}")

    def go(self, path: str) -> None:
        """Open a page of the station."""
        self.page.goto(self.origin + path)

    def leave(self) -> None:
        """Nothing may have gone wrong; then nothing of this visit is left."""
        complaints, self.complaints, self.expected = self.complaints, [], ()
        assert [] == complaints
        self.page.goto("about:blank")
        self.page.context.clear_cookies()
        self.page.context.clear_permissions()
        self.complaints = []

    def forget_files(self) -> None:
        """Fetch everything again, as on a first visit."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Network.clearBrowserCache")
        session.detach()

    def axe(self, *rules: str) -> list[str]:
        """What axe finds wrong by these rules (all of `STANDARDS` where none is named), each with the place."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text())
        kind, values = ("rule", [*rules]) if rules else ("tag", [*STANDARDS])
        options = {"runOnly": {"type": kind, "values": values}, "resultTypes": ["violations"]}
        found: Any = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{one['id']}: {node['target']} {node['html']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]


class Visits:
    """Visitors of one station who come again: a browser takes far longer to open a fresh window than a page.

    A test gets one that nobody else has, with nothing of the test before left: no cookies, no rights, an empty page.
    """

    def __init__(self, browser: Browser, origin: str, key: str) -> None:
        self._browser, self._origin, self._key = browser, origin, key
        self._windows = ExitStack()
        self._free: list[tuple[Mapping[str, Any], Visit]] = []

    @contextmanager
    def one(self, options: Mapping[str, Any]) -> Iterator[Visit]:
        """A visitor with these options of the window; at the end nothing may have gone wrong."""
        free = next((at for at, (others, _) in enumerate(self._free) if others == options), None)
        made = self._open(options) if free is None else self._free.pop(free)[1]
        yield made
        made.leave()
        made.page.emulate_media(color_scheme=options.get("color_scheme", "light"))
        self._free.append((options, made))

    def _open(self, options: Mapping[str, Any]) -> Visit:
        return self._windows.enter_context(visit(self._browser, self._origin, self._key, **options))

    def close(self) -> None:
        """Close every window."""
        self._windows.close()


@contextmanager
def visit(browser: Browser, origin: str, key: str = "", **options: Any) -> Iterator[Visit]:
    """A fresh visitor, let in by a key of the API where one is given; at the end nothing may have gone wrong."""
    entry = {"extra_http_headers": {"Authorization": f"Bearer {key}"}} if key else {}
    context = browser.new_context(**{"viewport": DESK, "reduced_motion": "reduce", **entry, **options})
    try:
        made = Visit(context.new_page(), origin)
        made.watch()
        yield made
        assert [] == made.complaints
    finally:
        context.close()
