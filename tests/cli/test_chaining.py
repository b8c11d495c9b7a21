"""The commands of workflows, runs, schedules, polls, transfers and approvals, beside a running server and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hookstation.cli.transfers import said
from tests.support.chained import ITEMS, chained, document, ended
from tests.support.command_line import heard, here
from tests.support.station import Station, apply, until
from tests.support.wire import post


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station with a few of each."""
    with chained(tmp_path_factory.mktemp("chain")) as (made, _):
        yield made


@pytest.fixture(scope="module")
def unserved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the same, and no server."""
    data = tmp_path_factory.mktemp("unserved") / "data"
    apply(data, document("http://127.0.0.1:9"))
    return data


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    """A file with what triggers a run."""
    file = tmp_path / "input.json"
    file.write_text('{"id": "10420", "course": "Maths"}')
    return file


def names(told: Any) -> list[str]:
    return [one["name"] for one in told["items"]]


def test_a_run_is_begun_and_waited_for(running: Station, payload: Path) -> None:
    run = heard("workflows", "run", "plain", "--input", payload, "--wait", "30s", "--data", running.data)
    assert ("succeeded", "plain") == (run["status"], run["workflow"])
    steps = heard("runs", "steps", run["id"], "--data", running.data)["items"]
    assert ["keep", "insert"] == [one["path"] for one in steps]
    table = here("runs", "steps", run["id"], "--data", running.data).stdout.splitlines()
    assert ["STEP", "keep", "insert"] == [line.split()[0] for line in table]
    assert run["id"] == heard("runs", "show", run["id"], "--data", running.data)["id"]


def test_a_run_that_is_waited_for_and_fails_ends_with_1_and_says_why(running: Station, payload: Path) -> None:
    told = here("workflows", "run", "failing", "--input", payload, "--wait", "30s", "--data", running.data)
    [first, *rest] = told.stdout.splitlines()
    assert (1, "failed", ["step: no", "error: no 10420"]) == (told.exit_code, first.split()[1], rest)
    assert f"hookstation runs steps {first.split(':')[0]} shows" in told.stderr
    begun = here("workflows", "run", "failing", "--input", payload, "--data", running.data)
    assert 0 == begun.exit_code


def test_what_steps_before_a_failed_one_put_out_is_not_taken_for_what_the_run_put_out(
    running: Station, payload: Path
) -> None:
    steps = [
        {"name": "much", "type": "set", "with": {"values": {"all": "x" * 1_000}}},
        {"name": "open", "type": "gate", "with": {"condition": "trigger.id == 1"}},
    ]
    running.api("/workflows", "POST", {"name": "gated", "steps": steps})
    told = here("workflows", "run", "gated", "--input", payload, "--wait", "30s", "--data", running.data)
    assert ["step: open", "error: The gate's condition does not hold."] == told.stdout.splitlines()[1:]
    assert 0 == here("workflows", "delete", "gated", "--yes", "--data", running.data).exit_code


def test_a_template_is_tried_on_what_a_run_has(running: Station, payload: Path) -> None:
    run = heard("workflows", "run", "plain", "--input", payload, "--wait", "30s", "--data", running.data)[
        "id"
    ]
    assert "Maths!\n" == here("runs", "try", run, "$$vars.course$$!", "--data", running.data).stdout
    assert "true\n" == here("runs", "try", run, 'id == "10420"', "--condition", "--data", running.data).stdout
    missing = here("runs", "try", run, "$$vars.none$$", "--data", running.data)
    assert (0, "", True) == (missing.exit_code, missing.stdout, "is not there" in missing.stderr)
    failing = here("runs", "try", run, "{{ vars.course | plus: 1 }}", "--data", running.data)
    assert (1, "", True) == (failing.exit_code, failing.stdout, "error: " in failing.stderr)


def test_what_does_not_exist_ends_with_1_and_what_is_misused_with_2(running: Station, tmp_path: Path) -> None:
    assert 1 == here("workflows", "run", "nothing", "--data", running.data).exit_code
    (tmp_path / "no.json").write_text("{")
    broken = here("workflows", "run", "plain", "--input", tmp_path / "no.json", "--data", running.data)
    assert 1 == broken.exit_code
    assert "no.json" in broken.stderr
    assert 2 == here("workflows", "run", "plain", "--wait", "soon", "--data", running.data).exit_code
    assert 2 == here("schedules", "preview", "berlin", "--count", "0").exit_code
    assert 2 == here("runs", "list", "--status", "sleeping", "--data", running.data).exit_code


def test_workflows_are_listed_tried_and_rolled_back(running: Station, payload: Path) -> None:
    listed = heard("workflows", "list", "--data", running.data)
    assert ["asking", "calling", "failing", "hooked", "many", "plain", "timed"] == names(listed)
    tried = heard("workflows", "test", "calling", "--input", payload, "--data", running.data)["items"]
    assert ["call", ""] == [one["path"] for one in tried]
    shown = heard("workflows", "show", "many", "--data", running.data)
    running.api("/workflows/many", "PUT", {**shown, "title": "Many"})
    versions = heard("workflows", "versions", "many", "--data", running.data)["items"]
    assert [2, 1] == [one["version"] for one in versions]
    changes = heard("workflows", "versions", "many", "--version", "2", "--data", running.data)["items"]
    assert [("title", "added")] == [(one["path"], one["change"]) for one in changes]
    back = here("workflows", "rollback", "many", "1", "--yes", "--data", running.data)
    assert "as version 3" in back.stderr
    refused = here("workflows", "delete", "hooked", "--yes", "--data", running.data)
    assert (1, True) == (refused.exit_code, "starting" in refused.stderr)


def test_the_gallery_makes_a_config_file(running: Station) -> None:
    listed = heard("workflows", "gallery", "--data", running.data)["items"]
    made = here("workflows", "gallery", listed[0]["name"], "--answer", "name=mine", "--data", running.data)
    assert "mine" in names({"items": json.loads(made.stdout)["workflows"]})
    assert 2 == here("workflows", "gallery", "x", "--answer", "nonsense").exit_code


def test_runs_of_both_kinds_are_listed_cancelled_and_done_again(running: Station, payload: Path) -> None:
    assert 200 == post(running.hook("queued"), {"id": "1"}).status
    run = _failed(running, payload)
    kinds = {one["kind"] for one in heard("runs", "list", "--data", running.data)["items"]}
    assert {"webhook", "workflow"} == kinds
    again = heard("runs", "retry", run, "--whole", "--data", running.data)["items"]
    assert [run] == [one["source"] for one in again]
    own = heard("runs", "list", "--workflow", "failing", "--data", running.data)["items"]
    assert {"failing"} == {one["workflow"] for one in own}
    assert 1 == here("runs", "cancel", run, "--data", running.data).exit_code
    assert 1 == here("runs", "resolve", run, "no", "--happened", "--data", running.data).exit_code


def _failed(running: Station, payload: Path) -> str:
    """The id of a run that has failed."""
    told = here("workflows", "run", "failing", "--input", payload, "--wait", "30s", "--data", running.data)
    return told.stdout.partition(":")[0]


@pytest.mark.parametrize(("act", "end"), [("approve", "succeeded"), ("refuse", "failed")])
def test_what_waits_for_a_person_is_decided(running: Station, payload: Path, act: str, end: str) -> None:
    run = heard("workflows", "run", "asking", "--input", payload, "--data", running.data)["id"]

    def waiting() -> Any:
        found = heard("approvals", "list", "--data", running.data)["items"]
        return next((one for one in found if one["run_id"] == run), None)

    asked = until(waiting)
    told = here("approvals", act, run, asked["path"], "--note", "so", "--data", running.data)
    assert "for ann@example.org" in told.stdout
    assert end == ended(running, run)["status"]


def test_schedules_are_listed_previewed_run_and_enabled(running: Station) -> None:
    assert ["asks", "berlin"] == names(heard("schedules", "list", "--data", running.data))
    fires = heard("schedules", "preview", "berlin", "--data", running.data)["items"]
    assert 20 == len(fires)
    spring = here("schedules", "preview", "berlin", "--count", "200", "--data", running.data).stdout
    assert "2027-03-28T02:30:00  the clocks leave this time out: put off" in spring
    run = heard("schedules", "run", "berlin", "--data", running.data)["run"]
    assert "schedule:berlin" == run["trigger"]
    assert "looks now" in here("schedules", "run", "asks", "--data", running.data).stdout
    enabled = here("schedules", "enable", "berlin", "--data", running.data)
    assert (1, True) == (enabled.exit_code, "not switched off" in enabled.stderr)
    assert "timed" == heard("schedules", "show", "berlin", "--data", running.data)["workflow"]


def test_polls_are_tried_run_repaired_and_begun_anew(running: Station) -> None:
    shown = heard("polls", "show", "feed", "--data", running.data)
    running.api("/polls", "POST", {**shown, "name": "mine", "schema": True})
    tried = heard("polls", "try", "mine", "--data", running.data)["items"]
    assert ITEMS == [one["item"] for one in tried]
    turn = heard("polls", "run", "mine", "--data", running.data)
    assert (3, 3) == (turn["found"], turn["accepted"])
    assert "Nothing new" in here("polls", "try", "mine", "--data", running.data).stderr
    repaired = heard("polls", "repair", "mine", "--data", running.data)
    assert {"found": 3, "accepted": 0} == repaired
    anew = here("polls", "reset", "mine", "everything", "--yes", "--data", running.data)
    assert "begins anew" in anew.stderr
    assert 1 == here("polls", "reset", "mine", "soon", "--yes", "--data", running.data).exit_code
    deleted = heard("polls", "delete", "mine", "--yes", "--data", running.data)
    assert {"deleted": "mine"} == deleted
    assert ["feed"] == names(heard("polls", "list", "--data", running.data))


def test_a_transfer_is_previewed_and_run_to_its_end(running: Station) -> None:
    target = {"type": "http", "connection": "lms", "path": "members"}
    source = {"type": "records", "panel": "Courses"}
    running.api("/workflows/plain/run", "POST", {"input": {"id": "77", "course": "Sent"}, "wait": 30})
    running.api("/transfers", "POST", {"name": "out", "source": source, "destination": target})
    preview = heard("transfers", "preview", "out", "--data", running.data)
    assert "77" in {row["ID"] for row in preview["rows"]}
    run = heard("transfers", "run", "out", "--data", running.data)
    assert ("succeeded", len(preview["rows"])) == (run["status"], run["progress"]["rows"])
    assert "succeeded" in here("transfers", "list", "--data", running.data).stdout
    assert "active" in here("transfers", "enable", "out", "--data", running.data).stdout
    assert {"deleted": "out"} == heard("transfers", "delete", "out", "--yes", "--data", running.data)


def test_a_bar_says_how_far_a_transfer_is() -> None:
    far = {"read": 500, "of": 1000, "rows": 480, "bytes": 9000}
    assert f"[{'█' * 15}{'·' * 15}]  50 %  500 rows read, 480 sent, 9000 bytes" == said(far)
    assert "500 rows read, 480 sent, 9000 bytes" == said({**far, "of": None})


def test_without_a_server_a_run_waits_until_somebody_waits_for_one(unserved: Path, payload: Path) -> None:
    begun = here("workflows", "run", "plain", "--input", payload, "--data", unserved)
    assert (0, True) == (begun.exit_code, "hookstation serve" in begun.stderr)
    (run,) = heard("runs", "list", "--data", unserved)["items"]
    assert ("queued", "plain") == (run["status"], run["workflow"])
    waited = heard("workflows", "run", "plain", "--input", payload, "--wait", "30s", "--data", unserved)
    assert "succeeded" == waited["status"]
    records = heard("records", "list", "Courses", "--data", unserved)["items"]
    assert {"10420"} == {one["fields"]["ID"] for one in records}


def test_without_a_server_a_poll_whose_source_is_away_ends_with_1(unserved: Path) -> None:
    told = here("polls", "run", "feed", "--data", unserved)
    assert 1 == told.exit_code
    assert "error: " in told.stderr
    assert 20 == len(heard("schedules", "preview", "berlin", "--data", unserved)["items"])
