"""An outcome that nobody knows: it is seen on the dashboard, looked up in the target, and settled by a person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Demo
from tests.support.browsing import Visit
from tests.support.wire import ask

Open = Callable[..., Visit]
LOST = {"kind": "dropped", "method": "POST", "path": "/api/", "times": 1}
"""The stand-in closes the connection without an answer, and has written nothing; the station cannot know that."""


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_the_dashboard_to_what_the_target_holds(look: Open, demo: Demo, scripts: bool) -> None:
    """Nothing is found there, so the event has failed, and is replayed."""
    sandbox = demo.api("/connections/imis")["url"]
    assert 201 == ask(f"{sandbox}/_sandbox/faults", json.dumps(LOST)).status
    heard = demo.call("course-completions", memberId="10420")
    assert (202, "unknown") == (heard.status, demo.event(heard)["state"])

    visit = look("/", java_script_enabled=scripts)
    visit.page.get_by_role("link", name=re.compile("Look at what the target holds")).click()
    expect(visit.page.get_by_role("heading", name="Nothing was found")).to_be_visible()
    visit.page.get_by_label(re.compile("The record was not written")).check()
    visit.page.get_by_role("button", name="That is how it ended").click()
    expect(visit.page.get_by_text("Its outcome is settled as you said.")).to_be_visible()
    assert "failed" == demo.event(heard)["state"]
    visit.page.get_by_role("link", name="Replay…", exact=True).click()
    visit.page.get_by_role("button", name="Replay now").click()
    expect(visit.page.get_by_text("A new attempt was made.")).to_be_visible()
    assert "succeeded" == demo.event(heard)["state"]
