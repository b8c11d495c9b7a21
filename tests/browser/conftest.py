"""The demo as a person starts it, with calls of every kind in its journal, and a browser to look at it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser

from tests.support.browsing import Visit, Visits, chromium
from tests.support.program import Program
from tests.support.receiver import Receiver, receiving
from tests.support.station import Station, process, until
from tests.support.wire import Heard, ask

LOOPBACK = ["127.0.0.0/8"]
GOOD: dict[str, Any] = {
    "firstName": "Homer",
    "lastName": "Simpson",
    "date": "2026-11-22",
    "dateTime": "2026-11-22T09:30:00Z",
    "count": 3,
    "amount": 19.90,
    "memberId": "10420",
    "courseCode": "SAFE-101",
}


@dataclass
class Demo(Station):
    """The running demo."""

    @classmethod
    def of(cls, started: Program, data: Path) -> Demo:
        """The demo that has just said that it is ready."""
        key = str(json.loads((data / "control.json").read_text())["key"])
        made = cls(started.url, data, started, key)
        made.paths = {one["name"]: one["path"] for one in made.api("/webhooks")["items"]}
        return made

    def call(self, name: str, **changes: object) -> Heard:
        """Call a webhook with a payload that fits, but for the changes."""
        return ask(self.hook(name), json.dumps({**GOOD, **changes}))

    def send_on(self, receiver: Receiver) -> None:
        """Have records, and what comes in, sent on to a receiver."""
        self.api(
            "/destinations/mailing-list",
            "PUT",
            {"title": "The mailing list", "url": f"{receiver.url}/list", "networks": LOOPBACK},
        )
        self.api(
            "/subscriptions/new-records",
            "PUT",
            {"destination": "mailing-list", "events": ["record.*", "inbound.course-panel"]},
        )

    def portal(self) -> str:
        """The path of a fresh link to the portal of the receiver's destination."""
        return urlsplit(str(self.api("/destinations/mailing-list/portal", "POST", {})["url"])).path

    def until_dead(self, destination: str) -> None:
        """Wait until a delivery there was given up."""
        until(lambda: self.api(f"/deliveries?destination={destination}&status=dead")["items"] or None)

    def until_delivered(self, destination: str, count: int) -> None:
        """Wait until so many deliveries there were taken."""
        until(lambda: len(self.delivered(destination=destination)) == count or None)

    def delivered(self, **which: str) -> list[dict[str, Any]]:
        """Deliveries that were taken, to the receiver where nothing else is asked, newest first."""
        asked = {"destination": "mailing-list", "status": "delivered", **which}
        found: list[dict[str, Any]] = self.api(f"/deliveries?{urlencode(asked)}")["items"]
        return found


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """Takes every delivery, unless a test has it answer otherwise."""
    with receiving() as running:
        yield running


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Demo]:
    """The demo, with a few calls behind it, which were sent on."""
    folder = tmp_path_factory.mktemp("demo")
    with process(folder / "log", "demo", "--port", "0", "--data", folder / "data") as started:
        running = Demo.of(started, folder / "data")
        running.send_on(receiver)
        for number in range(3):
            for name in running.paths:
                assert 200 == running.call(name, memberId=str(10420 + number)).status
        assert 400 == running.call("course-records", memberId=7).status
        until(lambda: running.api("/dashboard")["total"]["calls"] or None)
        until(lambda: len(running.delivered(type="inbound.*")) == 3 or None)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. It ends with its module: its loop and those of asynchronous tests do not get on."""
    with chromium() as running:
        yield running


Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def visits(browser: Browser, demo: Demo) -> Iterator[Visits]:
    """The visitors of a module."""
    made = Visits(browser, demo.url, demo.key)
    yield made
    made.close()


@pytest.fixture
def look(visits: Visits) -> Iterator[Open]:
    """Opens a page, or none yet, in a visit of its own with these options; nothing may have gone wrong at the end."""
    with ExitStack() as stack:

        def open_page(path: str = "", **options: Any) -> Visit:
            made = stack.enter_context(visits.one(options))
            if path:
                made.go(path)
            return made

        yield open_page
