"""Modes `queued` and `poll` over the wire: byte by byte what the contract says, and the work that follows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.station import Station, command, station, told, until
from tests.support.webhooks import activity, imis, webhook
from tests.support.wire import Heard, ask, post

COURSE = {"memberId": "10420", "note": "a run"}
AWAY = imis("away", "http://127.0.0.1:9")
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "connections": [AWAY],
    "webhooks": [
        webhook("queued", answer="queued", duplicates={"key": "header:x-id"}, limits={"body": 1000}),
        webhook("accepted", answer="queued", acknowledge=202, omit_body=True),
        webhook("poll", answer="poll"),
        webhook("patient", respond_async=True),
        webhook("later", answer="queued", check="later"),
        webhook("closed", answer="queued", state="paused"),
        webhook(
            "secret", answer="poll", authentication={"type": "token", "header": "X-Token", "secret": "open"}
        ),
        webhook("narrow", answer="queued", access={"allow": ["203.0.113.0/24"]}),
        webhook("seldom", answer="queued", access={"rate": "1/h"}),
        webhook(
            "ordered",
            answer="queued",
            action=activity("away"),
            work={"order": "$$memberId$$", "retry": {"attempts": 1}},
        ),
    ],
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with station(tmp_path_factory.mktemp("queued") / "data", DOCUMENT) as started:
        yield started


def ended(running: Station, run_id: str) -> Heard:
    """What a status address says once its run has ended."""

    def look() -> Heard | None:
        heard = ask(f"{running.url}/hooks/runs/{run_id}", method="GET")
        return heard if heard.status != 202 else None

    return until(look)


def test_the_acknowledgement_has_the_run_and_the_second_of_its_queuing(running: Station) -> None:
    heard = post(running.hook("queued"), COURSE)
    assert 200 == heard.status
    shape = rb'\{"error": false, "id": "([0-9A-HJKMNP-TV-Z]{26})", "queueTime": "(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"\}'
    found = re.fullmatch(shape, heard.body)
    assert found is not None, heard.body
    run_id = found[1].decode()
    assert run_id != heard.event_id
    shown = ended(running, run_id).document
    assert {"id", "status", "result", "queued_at", "started_at", "ended_at"} == shown.keys()
    assert ("succeeded", {"success": True}) == (shown["status"], shown["result"])
    assert abs(int(shown["queued_at"][17:19]) - int(found[2][17:19])) in (0, 1, 59)
    assert 1 == len(running.records("Activity", UF_1=heard.event_id))


def test_it_may_be_202_without_a_body(running: Station) -> None:
    heard = post(running.hook("accepted"), COURSE)
    assert (202, b"", "0") == (heard.status, heard.body, heard.headers["content-length"])
    until(lambda: running.records("Activity", UF_1=heard.event_id) or None)


def test_poll_gives_an_address_at_which_the_end_is_told(running: Station) -> None:
    heard = post(running.hook("poll"), COURSE)
    run_id = heard.document["id"]
    assert (202, {"id": run_id, "status": "queued"}) == (heard.status, heard.document)
    assert f"/hooks/runs/{run_id}" == heard.headers["location"]
    assert 1 <= int(heard.headers["retry-after"])
    assert "preference-applied" not in heard.headers
    assert "succeeded" == ended(running, run_id).document["status"]
    assert 404 == ask(f"{running.url}/hooks/runs/{heard.event_id}", method="GET").status


def test_a_sender_may_ask_not_to_wait(running: Station) -> None:
    heard = post(running.hook("patient"), COURSE, prefer="respond-async, wait=10")
    assert (202, "respond-async", "queued") == (
        heard.status,
        heard.headers["preference-applied"],
        heard.document["status"],
    )
    assert {"success": True} == post(running.hook("patient"), COURSE).document


def test_what_is_not_valid_is_told_with_every_violation(running: Station) -> None:
    heard = post(running.hook("queued"), {"amount": "much"})
    document = heard.document
    assert (400, ["error", "message", "validationErrors", "errors"]) == (heard.status, list(document))
    assert [("/memberId", "required"), ("/amount", "type")] == sorted(
        ((one["path"], one["rule"]) for one in document["errors"]), reverse=True
    )
    assert "Invalid JSON body: " + "; ".join(document["validationErrors"]) == document["message"]


def test_checked_later_the_run_tells_what_was_wrong(running: Station) -> None:
    heard = post(running.hook("later"), {"amount": "much"})
    assert (200, False) == (heard.status, heard.document["error"])
    shown = ended(running, heard.document["id"]).document
    assert ("failed", True) == (shown["status"], "amount" in shown["error"])


def refusals(running: Station) -> Iterator[tuple[int, Heard]]:
    """Every step of the staircase that refuses, by the status that it refuses with."""
    hook = running.hook
    yield 503, post(hook("closed"), COURSE)
    yield 405, ask(hook("queued"), method="GET")
    yield 403, post(hook("narrow"), COURSE)
    post(hook("seldom"), COURSE)
    yield 429, post(hook("seldom"), COURSE)
    yield 413, ask(hook("queued"), json.dumps({**COURSE, "note": "x" * 1000}))
    yield 415, post(hook("queued"), COURSE, content_encoding="gzip")
    yield 401, post(hook("secret"), COURSE)
    yield 415, ask(hook("queued"), "<a/>", headers={"Content-Type": "text/xml"})
    yield 400, ask(hook("queued"), "{")
    post(hook("queued"), COURSE, x_id="taken")
    yield 409, post(hook("queued"), {**COURSE, "note": "other"}, x_id="taken")


def test_every_refusal_speaks_as_the_mode_does(running: Station) -> None:
    for status, heard in refusals(running):
        document = heard.document
        assert (status, True, str) == (heard.status, document["error"], type(document["message"]))
        assert "success" not in document


def test_an_unknown_address_looks_the_same_in_every_mode(running: Station) -> None:
    heard = post(f"{running.url}/hooks/nobody", COURSE)
    assert (404, b'{"success": false}') == (heard.status, heard.body)


def test_a_repeat_gets_the_same_bytes_again(running: Station) -> None:
    first = post(running.hook("queued"), COURSE, x_id="again")
    again = post(running.hook("queued"), COURSE, x_id="again")
    ended(running, first.document["id"])
    later = post(running.hook("queued"), COURSE, x_id="again")
    assert [(200, first.body, "true")] * 2 == [
        (one.status, one.body, one.headers["hookstation-replayed"]) for one in (again, later)
    ]
    assert 1 == len(running.records("Activity", UF_1=first.event_id))


def parked(running: Station) -> list[dict[str, Any]]:
    return list(told("runs", "list", "--status", "parked", "--data", running.data)["items"])


def test_runs_are_listed_shown_cancelled_and_retried(running: Station) -> None:
    """The target is not there, so the one try fails and the key is parked, first by one event, then by the next."""
    first, second = (post(running.hook("ordered"), COURSE).document["id"] for _ in range(2))
    [head] = until(lambda: parked(running) or None)
    assert (first, "10420", True, 1) == (head["id"], head["order"], head["parked"], head["attempts"])
    behind = running.api(f"/runs/{second}")
    assert ("queued", True, 0) == (behind["status"], behind["behind"], behind["attempts"])
    retried = told("runs", "retry", first, "--data", running.data)["items"]
    assert [first] == [one["id"] for one in retried]
    until(lambda: [one for one in parked(running) if one["attempts"] == 2] or None)
    cancelled = told("runs", "cancel", first, "--data", running.data)["items"]
    assert ["cancelled"] == [one["status"] for one in cancelled]
    until(lambda: [one for one in parked(running) if one["id"] == second] or None)
    assert "cancelled" == ended(running, first).document["status"]
    assert "parked" in command("runs", "list", "--data", running.data).stdout
    assert 2 == command("runs", "list", "--status", "lost", "--data", running.data).returncode
    assert 1 == command("runs", "show", "nobody", "--data", running.data).returncode


def test_a_dry_run_shows_the_acknowledgement(running: Station, tmp_path: Path) -> None:
    payload = tmp_path / "payload.json"
    payload.write_text(json.dumps(COURSE))
    shown = told("test", "poll", "--payload", payload, "--data", running.data)
    assert ("accepted", 202, "queued") == (shown["verdict"], shown["status"], shown["answer"]["status"])
