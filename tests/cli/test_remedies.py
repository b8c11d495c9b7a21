"""Commands by which a person takes events in hand, beside a running server and without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.station import Station, apply, command, station, told, until
from tests.support.webhooks import webhook
from tests.support.wire import ask

NARROW = {
    "type": "object",
    "properties": {"memberId": {"type": "string"}, "note": {"type": "string"}, "n": {"maximum": 1}},
}
OPEN = {"version": 1, "webhooks": [webhook("courses")]}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station whose schema refused three calls of which the bodies were kept, and was then opened."""
    document = {"version": 1, "webhooks": [webhook("courses", schema=NARROW, keep_rejected_bodies=True)]}
    with station(tmp_path_factory.mktemp("remedies") / "data", document) as started:
        for member in ("1", "2", "3"):
            body = json.dumps({"memberId": member, "n": 2, "note": f"Ada {member}"})
            refused = ask(started.hook("courses"), body)
            assert 400 == refused.status
            started.event(refused)
        apply(started.data, OPEN)
        yield started


def events(running: Station, *words: str) -> list[dict[str, Any]]:
    return list(told("events", "list", *words, "--data", running.data)["items"])


def test_events_are_found_by_what_is_in_them(running: Station) -> None:
    found = until(lambda: events(running, "--text", "ada") or None)
    assert 3 == len(found) == len(events(running, "--sender", found[0]["sender"]))
    assert [found[0]["id"]] == [one["id"] for one in events(running, "--id", found[0]["id"].lower())]
    assert [] == events(running, "--text", "ada grace")


def test_all_that_fit_are_looked_through_and_then_replayed(running: Station) -> None:
    which = ("--webhook", "courses", "--state", "rejected", "--since", "1h", "--data", running.data)
    dry = told("events", "replay", *which, "--dry-run")
    assert (3, {"writes": 3}) == (dry["total"], dry["counts"])
    ended = told("events", "replay", *which, "--yes")
    assert ({"succeeded": 3}, 3) == (ended["counts"], len(ended["items"]))
    listed = told("events", "replays", "list", "--data", running.data)["items"]
    assert [ended["id"]] == [one["id"] for one in listed]
    assert 0 == told("events", "replays", "show", ended["id"], "--data", running.data)["left"]
    assert told("events", "replays", "cancel", ended["id"], "--data", running.data)["cancelled_by"]
    assert {"1", "2", "3"} == {one["ID"] for one in running.records("Activity")}


def test_a_mended_payload_goes_in(running: Station, tmp_path: Path) -> None:
    mended = tmp_path / "mended.json"
    mended.write_text('{"memberId": "77"}')
    newest = events(running)[0]["id"]
    words = ("events", "fix", newest, "--body", mended, "--note", "Wrong member.", "--data", running.data)
    assert 1 == command(*words).returncode
    fixed = told(*words, "--again")
    assert (200, newest) == (fixed["status"], fixed["edited_from"])
    assert running.records("Activity", ID="77")


def test_what_has_ended_is_neither_cancelled_nor_resolved(running: Station) -> None:
    newest = events(running)[0]["id"]
    late: list[tuple[str, ...]] = [
        ("cancel", newest),
        ("resolve", newest, "--not-written"),
        ("look-up", newest),
    ]
    for words in late:
        refused = command("events", *words, "--data", running.data)
        assert (1, True) == (refused.returncode, "succeeded" in refused.stderr), refused.stderr
    unsaid: list[tuple[str, ...]] = [
        ("resolve", newest),
        ("replay",),
        ("replay", newest, "--webhook", "courses"),
    ]
    for words in unsaid:
        assert 2 == command("events", *words, "--data", running.data).returncode


def test_many_are_replayed_without_a_server_too(tmp_path: Path) -> None:
    data = tmp_path / "data"
    document = {"version": 1, "webhooks": [webhook("courses", schema=NARROW, keep_rejected_bodies=True)]}
    with station(data, document) as started:
        refused = ask(started.hook("courses"), '{"memberId": "1", "n": 2}')
        started.event(refused)
    apply(data, OPEN)
    ended = told("events", "replay", "--webhook", "courses", "--yes", "--data", data)
    assert {"succeeded": 1} == ended["counts"]
