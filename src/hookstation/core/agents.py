"""Browsers by the names that people know, out of what they call themselves."""

from __future__ import annotations

import re
from typing import Final

UNNAMED: Final = "An unnamed browser"
LONGEST: Final = 60
"""Characters of what is shown of a name that is not known."""

_BROWSERS: Final = (
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"(?:OPR|OPT)/(\d+)"),
    ("Samsung Internet", r"SamsungBrowser/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:HeadlessChrome|Chrome|Chromium|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/"),
)
"""In the order in which they have to be looked for: each of the first also claims to be one of the later ones."""

_SYSTEMS: Final = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("ChromeOS", r"CrOS"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)
"""Androids also say Linux, and iPhones Mac OS X."""


def browser_name(agent: str) -> str:
    """“Firefox 145 on Windows” for the header User-Agent (RFC 9110, 10.1.5; as browsers write it: MDN, “User-Agent
    header”), what is known of it where that is less, and its beginning where nothing is."""
    browser = next(
        (f"{name} {found[1]}" for name, form in _BROWSERS if (found := re.search(form, agent))), ""
    )
    system = next((name for name, form in _SYSTEMS if re.search(form, agent)), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    if system:
        return f"A browser on {system}"
    text = " ".join(agent.split())
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]}…") or UNNAMED
