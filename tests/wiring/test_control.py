"""Commands give the same output whether a server holds the data folder or none does."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.support.station import apply, command, serving, told
from tests.support.webhooks import webhook
from tests.support.wire import ask


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two webhooks, a record and a rejected call."""
    folder = tmp_path_factory.mktemp("control") / "data"
    apply(folder, {"version": 1, "webhooks": [webhook("courses"), webhook("others", state="paused")]})
    path = told("webhooks", "list", "--data", folder)["items"][0]["path"]
    with serving(folder) as process:
        assert 200 == ask(process.url + path, json.dumps({"memberId": "10420", "amount": 1})).status
        assert 400 == ask(process.url + path, "{}").status
    return folder


def test_what_reads_says_the_same_with_a_server_and_without(data: Path, tmp_path: Path) -> None:
    payload = tmp_path / "payload.json"
    payload.write_text('{"memberId": "10420", "amount": "much"}')
    event = told("events", "list", "--data", data, "--status", "succeeded")["items"][0]["id"]
    asked: list[tuple[str | Path, ...]] = [
        ("webhooks", "list"),
        ("events", "list"),
        ("events", "show", event),
        ("events", "show", "nothing"),
        ("records", "list", "Activity"),
        ("records", "list", "Nothing"),
        ("test", "courses", "--payload", payload),
        ("events", "replay", event),
    ]
    alone = [said(data, *words) for words in asked]
    with serving(data):
        together = [said(data, *words) for words in asked]
    assert alone == together
    assert [0, 0, 0, 1, 0, 1, 0, 1] == [code for code, _, _ in alone]


def said(data: Path, *words: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr; the station's own address differs from start to start."""
    ended = command(*words, "--data", data)
    lines = [line for line in ended.stdout.splitlines() if "http://" not in line]
    return ended.returncode, "\n".join(lines), ended.stderr


def test_what_writes_goes_through_the_server_and_is_live_at_once(data: Path) -> None:
    with serving(data) as process:
        before = told("webhooks", "show", "courses", "--data", data)["path"]
        assert 0 == command("webhooks", "rotate", "courses", "--data", data).returncode
        after = told("webhooks", "show", "courses", "--data", data)["path"]
        body = json.dumps({"memberId": "10420"})
        assert [404, 200] == [ask(process.url + path, body).status for path in (before, after)]
        apply(data, {"version": 1, "webhooks": [webhook("courses", state="paused")]})
        assert 503 == ask(process.url + after, body).status
        apply(data, {"version": 1, "webhooks": [webhook("courses")]})
        assert 200 == ask(process.url + after, body).status


def test_a_second_server_is_refused(data: Path) -> None:
    with serving(data):
        second = command("serve", "--port", "0", "--data", data)
        assert 1 == second.returncode
        assert "" == second.stdout
        assert "is held by process" in second.stderr


def test_the_channel_is_for_its_owner_only_and_goes_with_the_server(data: Path) -> None:
    with serving(data):
        assert 0o600 == stat.S_IMODE((data / "control.json").stat().st_mode)
    assert not (data / "control.json").exists()


def test_a_channel_that_a_killed_server_left_behind_is_passed_over(data: Path) -> None:
    with serving(data) as process:
        process.kill()
    assert (data / "control.json").exists()
    assert told("webhooks", "list", "--data", data)["items"]


def test_sigterm_ends_with_zero(data: Path) -> None:
    with serving(data) as process:
        assert 0 == process.end()
