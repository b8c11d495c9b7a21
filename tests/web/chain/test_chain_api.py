"""The API of workflows, runs, schedules and polls, against a running station."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.chained import ITEMS, begun, chained, ended
from tests.support.station import Station, until
from tests.support.wire import Heard, ask, post


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station with a few of each."""
    with chained(tmp_path_factory.mktemp("chain")) as (made, _):
        yield made


def heard(running: Station, path: str, method: str = "GET", body: object = None) -> Heard:
    """What the API answers, whatever that is."""
    sent = b"" if body is None else json.dumps(body).encode()
    return ask(f"{running.url}/api/v1{path}", sent, method, {"Authorization": f"Bearer {running.key}"})


def names(told: Any) -> list[str]:
    return [one["name"] for one in told["items"]]


def waits_for_a_person(running: Station, run_id: str) -> dict[str, Any]:
    """The one decision that a run waits for."""

    def look() -> dict[str, Any] | None:
        found = [one for one in running.api("/approvals")["items"] if one["run_id"] == run_id]
        return found[0] if found else None

    return until(look)


def test_workflows_are_listed_without_their_steps_and_shown_with_them(running: Station) -> None:
    listed = running.api("/workflows")
    assert ["asking", "calling", "failing", "hooked", "many", "plain", "timed"] == names(listed)
    plain = next(one for one in listed["items"] if one["name"] == "plain")
    assert (2, 1, "active", "manual") == (
        plain["step_count"],
        plain["version"],
        plain["state"],
        plain["trigger"]["type"],
    )
    assert "steps" not in plain
    assert ["keep", "insert"] == [one["name"] for one in running.api("/workflows/plain")["steps"]]


def test_a_workflow_is_made_changed_compared_rolled_back_and_deleted(running: Station) -> None:
    made = running.api(
        "/workflows",
        "POST",
        {"name": "mine", "steps": [{"name": "a", "type": "set", "with": {"values": {"x": 1}}}]},
    )
    assert 1 == made["version"]
    assert 409 == heard(running, "/workflows", "POST", {"name": "mine", "steps": []}).status
    changed = running.api("/workflows/mine?began=1&note=mine%20now", "PUT", {**made, "title": "Mine"})
    assert (2, "Mine") == (changed["version"], changed["title"])
    late = heard(running, "/workflows/mine?began=1", "PUT", {**made, "title": "Yours"})
    assert 409 == late.status
    assert "began from 1" in late.document["detail"]
    versions = running.api("/workflows/mine/versions")["items"]
    assert [(2, "mine now"), (1, "")] == [(one["version"], one["note"]) for one in versions]
    assert "Mine" == running.api("/workflows/mine/versions/2")["document"]["title"]
    (difference,) = running.api("/workflows/mine/versions/2/differences")["items"]
    assert ("title", "added", "Mine") == (difference["path"], difference["change"], difference["after"])
    back = running.api("/workflows/mine/rollback", "POST", {"version": 1})
    assert (3, None) == (back["version"], back.get("title"))
    assert 204 == heard(running, "/workflows/mine", "DELETE").status
    assert 404 == heard(running, "/workflows/mine").status


def test_a_workflow_that_something_names_stays(running: Station) -> None:
    held = heard(running, "/workflows/hooked", "DELETE")
    assert 409 == held.status
    assert "starting" in held.document["detail"]


def test_a_document_is_refused_at_the_place_that_is_wrong(running: Station) -> None:
    wrong = {"steps": [{"name": "a", "type": "sett"}]}
    answer = heard(running, "/workflows/wrong", "PUT", wrong)
    assert (422, "/steps/0/type") == (answer.status, answer.document["problems"][0]["pointer"])
    checked = running.api("/workflows/wrong/check", "POST", {"document": wrong})
    assert ["/steps/0/type"] == [one["pointer"] for one in checked["problems"]]


def test_a_run_is_begun_by_hand_and_waited_for(running: Station) -> None:
    run = begun(running, "plain", {"id": "10420", "course": "Maths"})
    assert ("workflow", "plain", "succeeded", 1) == (
        run["kind"],
        run["workflow"],
        run["status"],
        run["version"],
    )
    assert {"id": "10420", "course": "Maths"} == running.api(f"/runs/{run['id']}")["input"]
    steps = running.api(f"/runs/{run['id']}/steps")["items"]
    assert [("keep", "done", 1), ("insert", "done", 1)] == [
        (one["path"], one["state"], one["attempt"]) for one in steps
    ]
    assert "Maths" == running.records("Courses", ID="10420")[0]["Course"]


def test_steps_of_a_run_come_page_by_page_and_below_one_step(running: Station) -> None:
    run = begun(running, "many", [1, 2, 3, 4])
    path = f"/runs/{run['id']}/steps"
    found, after = [], ""
    while True:
        page = running.api(f"{path}?limit=2&after={after}")
        found += page["items"]
        after = page["next"]
        if not after:
            break
    assert running.api(path)["items"] == found
    assert {"each", *(f"each[{turn}]/one" for turn in range(4))} == {one["path"] for one in found}
    assert ["each[2]/one"] == [one["path"] for one in running.api(f"{path}?under=each[2]/one")["items"]]


def test_a_failed_run_is_done_again_from_where_it_failed_or_whole_with_another_input(
    running: Station,
) -> None:
    run = begun(running, "failing", {"id": "1"})
    assert ("failed", "no: no 1") == (run["status"], run["error"])
    again = running.api(f"/runs/{run['id']}/retry", "POST")
    assert run["id"] == again["source"]
    assert "no: no 1" == ended(running, again["id"])["error"]
    edited = running.api(f"/runs/{run['id']}/retry", "POST", {"input": {"id": "2"}})
    assert "no: no 2" == ended(running, edited["id"])["error"]
    assert {again["id"], edited["id"]} == {
        one["id"] for one in running.api(f"/runs?source={run['id']}")["items"]
    }


def test_an_administrator_decides_for_another_and_the_answer_says_so(running: Station) -> None:
    run = begun(running, "asking", {"id": "9"}, wait=0)
    waiting = waits_for_a_person(running, run["id"])
    assert ("ann@example.org", "asking", "ask") == (
        waiting["person"],
        waiting["workflow"],
        waiting["step"],
    )
    assert [] == running.api("/approvals?person=bob@example.org")["items"]
    assert ["approval"] == [one["kind"] for one in running.api(f"/runs/{run['id']}/waits")["items"]]
    said = {"path": waiting["path"], "approved": True, "note": "as agreed"}
    told = running.api(f"/runs/{run['id']}/approve", "POST", said)
    assert (True, "ann@example.org", True) == (told["approved"], told["person"], told["for_another"])
    assert "succeeded" == ended(running, run["id"])["status"]
    assert 409 == heard(running, f"/runs/{run['id']}/approve", "POST", said).status


def test_a_waiting_run_is_cancelled(running: Station) -> None:
    run = begun(running, "asking", {"id": "8"}, wait=0)
    waits_for_a_person(running, run["id"])
    assert "cancelled" == running.api(f"/runs/{run['id']}/cancel", "POST")["status"]
    assert 409 == heard(running, f"/runs/{run['id']}/cancel", "POST").status


def test_runs_of_webhooks_and_of_workflows_stand_in_one_list(running: Station) -> None:
    assert 200 == post(running.hook("queued"), {"id": "1"}).status
    assert 200 == post(running.hook("starting"), {"course": "A"}).status
    begun(running, "plain", {"id": "2", "course": "B"})
    whole = running.api("/runs?limit=1000")["items"]
    first = [(one["kind"], one["webhook"], one["workflow"]) for one in whole[:3]]
    assert [
        ("workflow", None, "plain"),
        ("workflow", "starting", "hooked"),
        ("webhook", "queued", None),
    ] == first
    found: list[Any] = []
    after = ""
    while True:
        page = running.api(f"/runs?limit=2&after={after}")
        found += page["items"]
        after = page["next"]
        if not after:
            break
    assert [one["id"] for one in whole] == [one["id"] for one in found]
    hooked = running.api("/runs?webhook=starting")["items"]
    assert ["hooked"] == [one["workflow"] for one in hooked]
    event = hooked[0]["event_id"]
    assert hooked[0]["id"] == running.api(f"/runs/{event}")["id"]
    assert {"hooked"} == {one["workflow"] for one in running.api("/runs?workflow=hooked")["items"]}
    assert {"failed"} == {one["status"] for one in running.api("/runs?status=failed")["items"]}


def test_what_a_run_of_a_webhook_cannot_do_is_heard(running: Station) -> None:
    assert 200 == post(running.hook("queued"), {"id": "3"}).status
    (run,) = running.api("/runs?webhook=queued&limit=1")["items"]
    assert 409 == heard(running, f"/runs/{run['id']}/steps").status
    assert 409 == heard(running, f"/runs/{run['id']}/retry", "POST", {"whole": True}).status
    assert 404 == heard(running, "/runs/nobody/steps").status
    assert 422 == heard(running, "/runs?status=sleeping").status


def test_a_dry_run_touches_nothing_and_a_step_is_tried_alone(running: Station) -> None:
    tried = running.api("/workflows/calling/test", "POST", {"input": {"id": "1"}})["items"]
    assert [("call", "done", True), ("", "succeeded", False)] == [
        (one["path"], one["state"], one["sample"]) for one in tried
    ]
    sampled = running.api("/workflows/plain/test", "POST")["items"]
    assert {"course": "Sample"} == sampled[0]["output"]
    asked = {"step": "call", "scope": {"trigger": {"id": "5"}}}
    assert running.api("/workflows/calling/steps/try", "POST", asked)["sample"]
    really = running.api("/workflows/calling/steps/try", "POST", {**asked, "really": True})
    assert {"ok": True} == really["output"]["body"]
    alone = {"name": "x", "type": "set", "with": {"values": {"a": "$$trigger.id$$"}}}
    answer = running.api("/workflows/none/steps/try", "POST", {"step": alone, "scope": asked["scope"]})
    assert {"a": "5"} == answer["output"]


def test_a_schedule_tells_its_next_times_and_those_that_the_clocks_touch(running: Station) -> None:
    shown = running.api("/schedules/berlin")
    assert ("every day at 2:30", "timed") == (shown["words"], shown["workflow"])
    fires = running.api("/schedules/berlin/preview?count=400")["items"]
    assert 400 == len(fires)
    assert [("2027-03-28T02:30:00", "shifted"), ("2027-10-31T02:30:00", "first")] == [
        (one["local"], one["clock_change"]) for one in fires if one["clock_change"]
    ]
    unsaved = {"document": {"workflow": "timed", "every": "15m"}, "count": 2}
    first, second = running.api("/schedules/new/preview", "POST", unsaved)["items"]
    assert first["at"] < second["at"]
    assert 422 == heard(running, "/schedules/berlin/preview?count=0").status


def test_a_schedule_whose_time_has_passed_says_so_when_it_is_saved_and_wherever_it_is_shown(
    running: Station,
) -> None:
    past = {"name": "past", "workflow": "timed", "at": "2020-01-01T09:00"}
    said = "2020-01-01 09:00 (UTC) is over or left out: the schedule will not fire."
    assert said in running.api("/schedules", "POST", past)["said"]
    assert said in running.api("/schedules/past")["said"]
    document = {"version": 1, "schedules": [{**past, "name": "old"}]}
    planned = running.api("/config/plan", "POST", {"document": document})
    assert [("/schedules/0/at", "warning")] == [
        (one["pointer"], one["severity"]) for one in planned["problems"]
    ]
    assert 204 == heard(running, "/schedules/past", "DELETE").status


def test_a_schedule_is_run_now_and_kept_like_any_other_thing(running: Station) -> None:
    run = running.api("/schedules/berlin/run", "POST")["run"]
    assert "schedule:berlin" == run["trigger"]
    ended(running, run["id"])
    assert run["id"] == running.api("/schedules/berlin")["last"]["id"]
    assert {"run": None} == running.api("/schedules/asks/run", "POST")
    assert 409 == heard(running, "/schedules/berlin/enable", "POST").status
    shown = running.api("/schedules/berlin")
    put = running.api("/schedules/berlin", "PUT", {**shown, "state": "disabled"})
    assert "disabled" == put["state"]
    running.api("/schedules/berlin", "PUT", {**put, "state": "active"})
    made = running.api("/schedules", "POST", {"name": "again", "workflow": "timed", "every": "12h"})
    assert "every 12 hours" == made["words"]
    assert 204 == heard(running, "/schedules/again", "DELETE").status
    assert ["asks", "berlin"] == names(running.api("/schedules"))


def test_a_poll_is_tried_run_repaired_and_begun_anew(running: Station) -> None:
    document = running.api("/polls/feed")
    running.api("/polls", "POST", {**document, "name": "other", "every": None, "schema": True})
    unsaved = running.api("/polls/other/try", "POST", {"document": {**document, "key": "x-$$id$$"}})["items"]
    assert [(f"x-{one['id']}", one, True) for one in ITEMS] == [
        (one["key"], one["item"], one["new"]) for one in unsaved
    ]
    turn = running.api("/polls/other/run", "POST")
    assert (3, 3, "") == (turn["found"], turn["accepted"], turn["error"])
    assert running.api("/polls/other/cursor")["begun"]
    assert [] == running.api("/polls/other/try", "POST")["items"]
    assert {"found": 3, "accepted": 0} == running.api("/polls/other/repair", "POST")
    anew = running.api("/polls/other/cursor", "PUT", {"first": "everything"})
    assert (False, "everything") == (anew["begun"], anew["first"])
    again = running.api("/polls/other/run", "POST")
    assert (3, 0, 3) == (again["found"], again["accepted"], again["repeated"])
    assert 422 == heard(running, "/polls/other/cursor", "PUT", {"first": "soon"}).status
    shown = running.api("/polls/other")
    assert (3, 0) == (shown["last"]["found"], shown["standing"]["failures"])
    assert 204 == heard(running, "/polls/other", "DELETE").status
    assert ["feed"] == names(running.api("/polls"))


def test_a_transfer_is_previewed_run_and_followed(running: Station) -> None:
    begun(running, "plain", {"id": "T1", "course": "Sent"})
    target = {"type": "http", "connection": "lms", "path": "members"}
    source = {"type": "records", "panel": "Courses"}
    document = {"source": source, "destination": target, "columns": [{"name": "Who", "from": "ID"}]}
    unsaved = running.api("/transfers/new/preview", "POST", {"document": document})
    assert ["Who"] == unsaved["columns"]
    assert "T1" in {row["Who"] for row in unsaved["rows"]}
    running.api("/transfers", "POST", {"name": "sends", "state": "disabled", **document})
    assert 409 == heard(running, "/transfers/sends/run", "POST").status
    assert "active" == running.api("/transfers/sends/enable", "POST")["state"]
    assert 1 == len(running.api("/transfers/sends/preview?count=1")["rows"])
    run = running.api("/transfers/sends/run", "POST", {"wait": 30})
    assert ("transfer", "sends", "succeeded") == (run["kind"], run["transfer"], run["status"])
    progress = running.api(f"/runs/{run['id']}/progress")
    assert (True, unsaved["read"], unsaved["read"]) == (progress["ended"], progress["read"], progress["rows"])
    assert run["id"] == running.api("/transfers/sends")["last"]["id"]
    other = begun(running, "plain", {"id": "T2", "course": "B"})
    assert 404 == heard(running, f"/runs/{other['id']}/progress").status


def test_secrets_that_a_step_puts_out_are_masked(running: Station) -> None:
    steps = [{"name": "a", "type": "set", "with": {"values": {"token": "$$trigger$$"}}}]
    running.api("/workflows", "POST", {"name": "secretive", "steps": steps})
    run = begun(running, "secretive", "hush")
    told = json.dumps([running.api(f"/runs/{run['id']}/steps"), running.api(f"/runs/{run['id']}")["output"]])
    assert "hush" not in told


def test_secrets_that_a_run_was_given_and_answered_are_masked_and_stay_when_it_is_done_again(
    running: Station,
) -> None:
    answer = {"name": "b", "type": "respond", "with": {"body": {"token": "$$trigger.token$$"}}}
    running.api("/workflows", "POST", {"name": "discreet", "steps": [answer]})
    run = begun(running, "discreet", {"token": "hush", "key": "K1", "n": 1})
    shown = running.api(f"/runs/{run['id']}")
    assert ({"token": "***", "key": "K1", "n": 1}, {"token": "***"}) == (
        shown["input"],
        shown["answer"]["body"],
    )
    again = running.api(f"/runs/{run['id']}/retry", "POST", {"input": {**shown["input"], "n": 2}})
    told = json.dumps([run, shown, ended(running, again["id"])])
    assert "hush" not in told
    wrong = heard(running, f"/runs/{run['id']}/retry", "POST", {"input": {"pwd": "***"}})
    assert (422, "/input/pwd") == (wrong.status, wrong.document["problems"][0]["pointer"])


def test_a_template_is_tried_on_what_a_run_has(running: Station) -> None:
    run = begun(running, "plain", {"id": "E1", "course": "Maths", "token": "hush"})
    there = f"/runs/{run['id']}/try"
    asked = {"template": {"who": "$$trigger.id$$ $$trigger.token$$", "key": "$$steps.insert.record.key$$"}}
    given = running.api(there, "POST", asked)
    assert ("E1 ***", False, "") == (given["value"]["who"], given["missing"], given["error"])
    assert given["value"]["key"].startswith("E1|")
    assert running.api(there, "POST", {"condition": 'vars.course == "Maths"'})["value"] is True
    wrong = heard(running, there, "POST", {"condition": "a =="})
    assert (422, "/condition") == (wrong.status, wrong.document["problems"][0]["pointer"])
    assert 422 == heard(running, there, "POST", {}).status
    assert 404 == heard(running, "/runs/none/try", "POST", asked).status


def test_a_transfer_is_kept_like_any_other_thing(running: Station) -> None:
    target = {"type": "http", "connection": "lms", "path": "members"}
    made = running.api(
        "/transfers", "POST", {"name": "out", "source": {"type": "records"}, "destination": target}
    )
    assert ("transfer:out", None) == (made["workflow"], made["last"])
    changed = running.api("/transfers/out", "PUT", {**made, "title": "Out"})
    assert "Out" == changed["title"]
    assert "out" in names(running.api("/transfers"))
    assert 204 == heard(running, "/transfers/out", "DELETE").status
    assert 404 == heard(running, "/transfers/out").status


def test_the_gallery_makes_documents_and_steps_describe_themselves(running: Station) -> None:
    templates = running.api("/gallery")["items"]
    assert 5 == len(templates)
    made = running.api(f"/gallery/{templates[0]['name']}", "POST", {})
    assert made["document"]["workflows"]
    wrong = heard(running, f"/gallery/{templates[0]['name']}", "POST", {"answers": {"x": "y"}})
    assert (422, "/answers/x") == (wrong.status, wrong.document["problems"][0]["pointer"])
    for template in templates:
        made = running.api(f"/gallery/{template['name']}", "POST")["document"]
        checked = running.api("/workflows/any/check", "POST", {"document": made["workflows"][0]})
        assert [] == checked["problems"]
    types = {one["type"]: one for one in running.api("/step-types")["items"]}
    assert ["Flow", "control"] == [types["for_each"]["group"], types["for_each"]["reach"]]
    assert "url" in types["http_request"]["settings"]["properties"]


def test_metrics_tell_of_runs_and_turns(running: Station) -> None:
    begun(running, "plain", {"id": "5", "course": "C"})
    text = ask(f"{running.url}/metrics", method="GET").body.decode()
    assert 'hookstation_runs_ended_total{state="succeeded",workflow="plain"}' in text
    assert 'hookstation_poll_turns_total{end="new"}' in text
