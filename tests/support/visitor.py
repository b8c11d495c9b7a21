"""A person with a browser that runs no scripts: cookies, forms with their tokens, and what came last."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from tests.support.station import until
from tests.support.wire import Heard, ask

FORM = "application/x-www-form-urlencoded"
EMAIL, WORDS = "anna@example.org", "four plain words"


class Visitor:
    """Somebody who looks at the station at `url`."""

    def __init__(self, url: str, cookies: dict[str, str] | None = None) -> None:
        self.url = url
        self.cookies = dict(cookies or {})
        self.text = ""

    def get(self, path: str) -> Heard:
        """Open a page."""
        return self._ask("GET", path, "")

    def post(self, path: str, **fields: str) -> Heard:
        """Send a form of the page that was opened last."""
        token = re.findall(r'name="csrf" value="([^"]+)"', self.text)[0]
        return self._ask("POST", path, urlencode({"csrf": token, **fields}))

    def sign_in(self, password: str = WORDS, email: str = EMAIL) -> Heard:
        """By the form."""
        self.get("/sign-in")
        return self.post("/sign-in", email=email, password=password, back="/")

    def _ask(self, method: str, path: str, body: str) -> Heard:
        headers = {"Accept": "text/html", "Content-Type": FORM, "Origin": self.url}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        heard = ask(self.url + path, body, method, headers)
        self.cookies |= {
            name: one.value for name, one in SimpleCookie(heard.headers.get("set-cookie", "")).items()
        }
        self.text = heard.body.decode()
        return heard


def setup_link(log: Path) -> str:
    """The path of the link that a station without users writes to its log."""

    def look() -> str | None:
        found = re.findall(r'"setup_link_made","url":"https?://[^/"]+([^"]+)"', log.read_text())
        return found[-1] if found else None

    return until(look)


def first_user(url: str, path: str) -> Visitor:
    """Make the first administrator by the link at `path`, and stay signed in."""
    made = Visitor(url)
    made.get(path)
    heard = made.post(path, email=EMAIL, password=WORDS)
    assert heard.status == 303, heard.body
    return made
