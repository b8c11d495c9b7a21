"""Webhooks that start workflows, over HTTP: each answer mode, repeats, change notifications and one-time URLs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from tests.support.running import insert, step, workflow
from tests.support.station import Station, station, until
from tests.support.wire import Heard, ask, post

COURSES: Final[dict[str, Any]] = {
    "name": "Courses",
    "fields": {"Course": {"type": "string", "length": 40}, "Note": {"type": "string", "length": 200}},
}
KEEP: Final = step("keep", "set", values={"course": "$$trigger.course$$"})
WEBHOOK: Final = {"type": "webhook"}


def hook(name: str, starts: str, **more: Any) -> dict[str, Any]:
    """A webhook that starts a workflow."""
    return {"name": name, "authentication": {"type": "none"}, "schema": True, "workflow": starts, **more}


ANSWER: Final = step(
    "say",
    "respond",
    status=201,
    headers={"X-Course": "$$trigger.course$$"},
    body={"key": "$$steps.insert.record.key$$"},
)
DOCUMENT: Final[dict[str, Any]] = {
    "version": 1,
    "panels": [COURSES],
    "workflows": [
        workflow(KEEP, insert(), name="plain", trigger=WEBHOOK),
        workflow(KEEP, insert(), ANSWER, name="telling", trigger=WEBHOOK),
        workflow(
            step("no", "stop", **{"as": "failure", "message": "no member $$trigger.id$$"}),
            name="failing",
            trigger=WEBHOOK,
        ),
        workflow(step("rest", "wait", **{"for": "1h"}), name="slow", trigger=WEBHOOK),
        workflow(
            step("link", "set", values={"link": "$$run.calls.asked$$", "course": "called"}),
            step("tell", "emit", type="link.made", payload={"link": "$$vars.link$$"}),
            step("asked", "wait", call=True),
            insert(),
            name="asking",
            trigger=WEBHOOK,
        ),
        workflow(
            step("keep", "set", values={"course": "$$trigger.entity$$-$$trigger.action$$"}),
            step("insert", "insert_panel", connection="records", panel="Courses",
                 fields={"ID": "$$trigger.key$$", "Course": "$$vars.course$$"}),
            name="changed",
            trigger={"type": "change", "changes": ["Party.*"], "condition": 'action != "Deleted"'},
        ),
        workflow(
            step("keep", "set", values={"course": "$$trigger.link$$"}),
            name="on-link",
            trigger={"type": "event", "types": ["link.*"]},
        ),
    ],
    "webhooks": [
        hook("plain", "plain"),
        hook("telling", "telling", duplicates={"key": "header:X-Key"}),
        hook("failing", "failing"),
        hook("slow", "slow", limits={"time": "1s"}),
        hook("queued", "plain", answer="queued"),
        hook("polled", "plain", answer="poll"),
        hook("told-later", "telling", answer="poll"),
        hook("asking", "asking", answer="poll"),
        hook("changes", "changed", handshake="event-grid"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station with all of them."""
    with station(tmp_path_factory.mktemp("workflows") / "data", DOCUMENT) as made:
        yield made


def courses(running: Station, **fields: str) -> list[dict[str, Any]]:
    """The records that runs have written."""
    return running.records("Courses", **fields)


def state(running: Station, heard: Heard) -> str:
    """How the event of a call stands."""
    return str(running.api(f"/events/{heard.event_id}")["state"])


def test_the_end_of_the_run_is_the_answer(running: Station) -> None:
    heard = post(running.hook("plain"), {"id": "1", "course": "A"})
    assert (200, {"success": True}) == (heard.status, heard.document)
    assert ["A"] == [one["Course"] for one in courses(running, ID="1")]
    assert "succeeded" == state(running, heard)


def test_a_step_may_say_the_answer_and_a_repeat_gets_it_again(running: Station) -> None:
    sent = json.dumps({"id": "2", "course": "B"})
    first = ask(running.hook("telling"), sent, headers={"X-Key": "k2", "Content-Type": "application/json"})
    again = ask(running.hook("telling"), sent, headers={"X-Key": "k2", "Content-Type": "application/json"})
    assert (201, {"key": "2|1"}, "B") == (first.status, first.document, first.headers["x-course"])
    assert (201, {"key": "2|1"}, "true") == (
        again.status,
        again.document,
        again.headers["hookstation-replayed"],
    )
    assert 1 == len(courses(running, ID="2"))


def test_a_run_that_fails_is_a_500_that_says_why(running: Station) -> None:
    heard = post(running.hook("failing"), {"id": "3"})
    assert (500, {"success": False, "error": "no: no member 3"}) == (heard.status, heard.document)
    assert "failed" == state(running, heard)


def test_after_the_time_limit_the_status_address_is_told_and_the_event_can_be_cancelled(
    running: Station,
) -> None:
    heard = post(running.hook("slow"), {"id": "4"})
    assert (202, True) == (heard.status, heard.document.get("pending")), heard.body
    assert 202 == ask(running.url + heard.headers["location"], method="GET").status
    running.api(f"/events/{heard.event_id}/cancel", "POST")
    ended = running.ended(heard)
    assert (200, "cancelled") == (ended.status, ended.document["status"])


def test_a_queued_call_is_acknowledged_and_its_run_ends_later(running: Station) -> None:
    heard = post(running.hook("queued"), {"id": "5", "course": "Q"})
    assert (200, False) == (heard.status, heard.document["error"])
    assert until(lambda: courses(running, ID="5") or None)
    assert until(lambda: state(running, heard) == "succeeded" or None)


def test_a_polled_call_tells_where_to_ask(running: Station) -> None:
    heard = post(running.hook("polled"), {"id": "6", "course": "P"})
    assert (202, "queued") == (heard.status, heard.document["status"])
    ended = running.ended(heard)
    assert ("succeeded", {"success": True}) == (ended.document["status"], ended.document["result"])


def test_the_status_address_tells_what_the_workflow_answered(running: Station) -> None:
    heard = post(running.hook("told-later"), {"id": "9", "course": "T"})
    assert {"key": "9|1"} == running.ended(heard).document["result"]


def test_a_one_time_url_is_good_once(running: Station) -> None:
    heard = post(running.hook("asking"), {"id": "7"})

    def link() -> str | None:
        found = running.api("/events-out?limit=100")["items"]
        made = [one["id"] for one in found if one["type"] == "link.made"]
        if not made:
            return None
        return str(json.loads(running.api(f"/events-out/{made[0]}")["data"])["link"])

    url = running.url + "/hooks/waits/" + until(link).rpartition("/")[2]
    assert 405 == ask(url, method="GET").status
    assert 400 == ask(url, b"{").status
    assert (200, {"success": True}) == (post(url, {"yes": 1}).status, {"success": True})
    assert 404 == post(url, {"yes": 1}).status
    assert "succeeded" == running.ended(heard).document["status"]
    assert ["called"] == [one["Course"] for one in courses(running, ID="7")]


def test_an_unknown_one_time_url_is_not_there(running: Station) -> None:
    assert (404, {"success": False}) == (
        (heard := post(running.url + "/hooks/waits/nothing", {})).status,
        heard.document,
    )


WHEN: Final = datetime.now(UTC).isoformat(timespec="milliseconds")


def grid(id_: str, type_: str, key: str, **data: str) -> dict[str, Any]:
    """One event as Event Grid sends it."""
    return {
        "id": id_,
        "eventType": type_,
        "subject": f"party/{key}",
        "eventTime": WHEN,
        "data": {"id": key, **data},
        "dataVersion": "1",
    }


def test_the_validation_of_event_grid_is_answered_with_its_code(running: Station) -> None:
    asked = grid("v", "Microsoft.EventGrid.SubscriptionValidationEvent", "", validationCode="code-1")
    heard = post(running.hook("changes"), [asked])
    assert (200, {"validationResponse": "code-1"}) == (heard.status, heard.document)


def test_of_a_batch_each_wanted_change_begins_one_run_however_often_it_comes(running: Station) -> None:
    batch = [
        grid("g1", "iMIS.Party.Updated", "81"),
        grid("g2", "iMIS.Party.Deleted", "82"),
        grid("g3", "iMIS.Event.Updated", "83"),
        grid("g4", "iMIS.Party.Created", "84"),
    ]
    heard = post(running.hook("changes"), batch)
    assert (200, {"success": True}) == (heard.status, heard.document)
    assert 200 == post(running.hook("changes"), batch[:1]).status
    assert ["Party-Created"] == [one["Course"] for one in until(lambda: courses(running, ID="84") or None)]
    assert ["Party-Updated"] == [one["Course"] for one in until(lambda: courses(running, ID="81") or None)]
    assert [] == courses(running, ID="82") + courses(running, ID="83")
