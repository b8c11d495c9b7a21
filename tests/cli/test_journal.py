"""test, events, records and keys beside a running server, with calls that were answered in every way."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import heard, here
from tests.support.station import Station, command, station, told
from tests.support.webhooks import TOKEN, TOKEN_AUTHENTICATION, webhook
from tests.support.wire import ask

DOCUMENT = {
    "version": 1,
    "webhooks": [
        webhook("courses", authentication=TOKEN_AUTHENTICATION, keep_rejected_bodies=True),
        webhook("others"),
    ],
}
HEADER = f"X-Token: {TOKEN}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station that took three good calls and refused two."""
    with station(tmp_path_factory.mktemp("journal") / "data", DOCUMENT) as started:
        for member in ("1", "2", "3"):
            assert 200 == call(started, "courses", {"memberId": member}).status
            await_millisecond()
        refused = call(started, "courses", {"memberId": 4})
        assert 400 == refused.status
        started.event(refused)
        await_millisecond()
        assert 200 == call(started, "others", {"memberId": "5"}).status
        yield started


def await_millisecond() -> None:
    """Let the next call have a later id: those of one millisecond stand in any order."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == now:
        pass


def call(started: Station, name: str, payload: object) -> Any:
    """Post a payload as its sender would."""
    return ask(started.hook(name), json.dumps(payload), headers={"X-Token": TOKEN})


def trial(started: Station, tmp_path: Path, payload: bytes, *words: str) -> dict[str, Any]:
    """What `test` says; it always ends with 0."""
    (tmp_path / "payload").write_bytes(payload)
    given = ("--payload", tmp_path / "payload", "--data", started.data)
    return dict(heard("test", "courses", *given, *words))


def test_a_trial_shows_stages_answer_and_record_and_writes_nothing(running: Station, tmp_path: Path) -> None:
    found = trial(running, tmp_path, b'{"memberId": "10420", "note": "N"}', "--header", HEADER)
    assert ("accepted", 200, {"success": True}) == (found["verdict"], found["status"], found["answer"])
    assert {"stage", "verdict", "detail"} == set(found["stages"][0])
    assert ("records", "Activity") == (found["record"]["connection"], found["record"]["entity"])
    assert {"ACTIVITY_TYPE": "TEST", "ID": "10420", "NOTE": "N"}.items() <= found["record"]["fields"].items()
    assert {"count": 4} == told("records", "count", "Activity", "--data", running.data)


@pytest.mark.parametrize(
    ("payload", "header", "status", "stage"),
    [
        (b'{"memberId": 1}', HEADER, 400, "schema"),
        (b"\x00\xff\xfe binary", HEADER, 400, "body"),
        (b"", HEADER, 400, "body"),
        (b'{"memberId": "1"}', "X-Token: wrong", 401, "authentication"),
    ],
)
def test_a_trial_that_is_refused_was_done_and_exits_with_0(
    running: Station, tmp_path: Path, payload: bytes, header: str, status: int, stage: str
) -> None:
    found = trial(running, tmp_path, payload, "--header", header)
    last = found["stages"][-1]
    assert ("rejected", status, None) == (found["verdict"], found["status"], found["record"])
    assert (stage, "rejected") == (last["stage"], last["verdict"])


def test_a_trial_of_nothing_fails(running: Station, tmp_path: Path) -> None:
    (tmp_path / "payload").write_text("{}")
    ended = command("test", "nothing", "--payload", tmp_path / "payload", "--data", running.data)
    assert (1, "", "error: There is no webhook “nothing”.\n") == (
        ended.returncode,
        ended.stdout,
        ended.stderr,
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--webhook", "courses"], ["rejected", "succeeded", "succeeded", "succeeded"]),
        (["--status", "rejected"], ["rejected"]),
        (["--status", "succeeded,failed", "--webhook", "others"], ["succeeded"]),
        (["--limit", "2"], ["succeeded", "rejected"]),
        (["--since", "2099-01-01"], []),
        (["--since", "1h", "--limit", "1"], ["succeeded"]),
    ],
)
def test_events_are_listed_newest_first_and_filtered(
    running: Station, words: list[str], expected: list[str]
) -> None:
    items = heard("events", "list", *words, "--data", running.data)["items"]
    assert expected == [one["state"] for one in items]


@pytest.mark.parametrize(("option", "value"), [("--status", "lost"), ("--since", "yesterday")])
def test_a_filter_that_is_none_is_wrong_use(running: Station, option: str, value: str) -> None:
    ended = here("events", "list", option, value, "--data", running.data)
    assert (2, "") == (ended.exit_code, ended.stdout)
    assert ended.stderr.startswith(f"error: {option[2:]}: ")


def test_the_table_of_events_has_a_line_an_event(running: Station) -> None:
    lines = command("events", "list", "--webhook", "courses", "--data", running.data).stdout.splitlines()
    assert ["ID", "RECEIVED", "WEBHOOK", "STATE", "ANSWER", "RECORD", "ERROR"] == lines[0].split()
    assert ["rejected", "400", "memberId:"] == lines[1].split()[3:6]
    assert ["succeeded", "200", "Activity", "3"] == lines[2].split()[3:]


def test_an_event_is_replayed_only_where_that_can_double_nothing_or_is_meant(running: Station) -> None:
    listed = told("events", "list", "--webhook", "others", "--data", running.data)["items"]
    done = listed[0]["id"]
    refused = command("events", "replay", done, "nothing", "--data", running.data)
    assert (1, "") == (refused.returncode, refused.stdout)
    first, second = refused.stderr.splitlines()
    assert first.startswith(f"error: {done}: ")
    assert "error: nothing: There is no event “nothing”." == second
    again = told("events", "replay", done, "--again", "--data", running.data)["items"]
    assert [(done, "succeeded", 2)] == [(one["id"], one["state"], one["attempts"]) for one in again]


def test_records_are_listed_by_their_own_names(running: Station) -> None:
    items = told("records", "list", "activity", "--limit", "2", "--data", running.data)["items"]
    assert [("1", "TEST", "1"), ("2", "TEST", "2")] == [
        (str(one["key"]), one["fields"]["ACTIVITY_TYPE"], one["fields"]["ID"]) for one in items
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("records", "count", "Nothing"), "entity “Nothing”"),
        (("records", "list", ""), "entity “”"),
        (("events", "show", "../keys"), "event “../keys”"),
        (("webhooks", "rotate", "ä b?x=1"), "webhook “ä b?x=1”"),
    ],
)
def test_a_name_of_nothing_is_told_whatever_its_letters(
    running: Station, words: tuple[str, ...], said: str
) -> None:
    ended = here(*words, "--data", running.data)
    assert (1, "", f"error: There is no {said}.\n") == (ended.exit_code, ended.stdout, ended.stderr)


def test_a_key_is_shown_once_and_opens_the_api(running: Station) -> None:
    made = command("keys", "add", "somebody", "--role", "administrator", "--data", running.data)
    key = made.stdout.strip()
    headers = {"Authorization": f"Bearer {key}"}
    assert 200 == ask(f"{running.url}/api/v1/events", method="GET", headers=headers).status
    listed = command("keys", "list", "--data", running.data).stdout
    assert (True, False) == ("somebody" in listed, key in listed)
    twice = command("keys", "add", "somebody", "--role", "administrator", "--data", running.data)
    assert (1, "") == (twice.returncode, twice.stdout)


def test_a_revoked_key_is_refused_by_the_running_station(running: Station) -> None:
    made = heard("keys", "add", "former", "--role", "administrator", "--data", running.data)
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert {"revoked": "former"} == heard("keys", "revoke", "former", "--data", running.data)
    assert 401 == ask(f"{running.url}/api/v1/events", method="GET", headers=headers).status
    again = here("keys", "revoke", "former", "--data", running.data)
    assert (1, "") == (again.exit_code, again.stdout)
    assert "former" in again.stderr
