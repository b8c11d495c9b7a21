"""Commands give the same output whether a server holds the data folder or none does."""

from __future__ import annotations

import contextlib
import json
import shutil
import stat
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.support.command_line import heard
from tests.support.station import apply, command, serving, told
from tests.support.webhooks import webhook
from tests.support.wire import Wire, ask

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: station\r\n\r\n"


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


def test_a_station_that_is_full_still_hears_its_own_commands(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKSTATION_MOST_CONNECTIONS", "10")
    with serving(data) as process, contextlib.ExitStack() as crowd:
        channel = json.loads((data / "control.json").read_text())["url"]
        for url in (channel, process.url):
            wires = [crowd.enter_context(Wire(url)) for _ in range(10)]
            assert [200] * 10 == [wire.send(HEALTH).hear().status for wire in wires]
        assert 503 == crowd.enter_context(Wire(process.url)).hear().status
        assert told("webhooks", "list", "--data", data)["items"]


def test_the_channel_is_for_its_owner_only_and_goes_with_the_server(data: Path) -> None:
    with serving(data):
        assert 0o600 == stat.S_IMODE((data / "control.json").stat().st_mode)
    assert not (data / "control.json").exists()


def test_a_channel_that_a_killed_server_left_behind_is_passed_over(data: Path) -> None:
    with serving(data) as process:
        process.kill()
    assert (data / "control.json").exists()
    assert told("webhooks", "list", "--data", data)["items"]


class Stranger(BaseHTTPRequestHandler):
    """Whoever has the port of a station that is gone; it says yes to everything."""

    heard: ClassVar[list[tuple[str, dict[str, str]]]] = []

    def do_GET(self) -> None:
        """Keep what was sent."""
        self.heard.append((self.path, dict(self.headers)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"proof": "' + b"0" * 64 + b'", "items": [], "next": null}')

    def do_POST(self) -> None:
        """The same for what would change something."""
        self.do_GET()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


def test_who_cannot_prove_to_hold_the_folder_gets_neither_the_key_nor_a_command(
    data: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(data, tmp_path / "data")
    key = "the key of a station that is gone"
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever).start()
        told_of = {"url": f"http://127.0.0.1:{stranger.server_port}", "key": key, "pid": 1}
        (copied / "control.json").write_text(json.dumps({**told_of, "database": "hookstation.db"}))
        ended = command("webhooks", "rotate", "courses", "--data", copied)
        stranger.shutdown()
    assert (0, True) == (ended.returncode, "/hooks/" in ended.stdout)
    [(path, headers)] = Stranger.heard
    assert path.startswith("/api/control?nonce=")
    assert key not in str(headers)
    assert "authorization" not in {name.lower() for name in headers}


def test_a_command_on_a_copy_of_a_running_folder_reaches_the_copy(data: Path, tmp_path: Path) -> None:
    with serving(data):
        copied = shutil.copytree(data, tmp_path / "data")
        before = told("webhooks", "show", "courses", "--data", data)["path"]
        assert 0 == command("webhooks", "rotate", "courses", "--data", copied).returncode
        assert before == told("webhooks", "show", "courses", "--data", data)["path"]
        assert before != told("webhooks", "show", "courses", "--data", copied)["path"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": 1, "key": 2, "database": "hookstation.db"}'])
def test_a_channel_file_that_is_none_is_passed_over(data: Path, tmp_path: Path, text: str) -> None:
    copied = shutil.copytree(data, tmp_path / "data")
    (copied / "control.json").write_text(text)
    assert 2 == len(heard("webhooks", "list", "--data", copied)["items"])


def test_sigterm_ends_with_zero(data: Path) -> None:
    with serving(data) as process:
        assert 0 == process.end()
