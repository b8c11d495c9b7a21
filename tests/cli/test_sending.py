"""The commands of the sending side, beside a running server and without one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support.command_line import heard, here
from tests.support.program import ENDING, PROGRAM, environment
from tests.support.receiver import Answer, Receiver, receiving
from tests.support.station import Station, apply, station, told, until
from tests.support.webhooks import STANDARD_SECRET, TOKEN, TOKEN_AUTHENTICATION, webhook
from tests.support.wire import ask

ONE_TRY = {"retry": {"schedule": []}, "breaker": {"calls": 1000}, "networks": ["127.0.0.0/8"]}


def document(receiver: Receiver) -> dict[str, Any]:
    """Two destinations at the receiver, each with a subscription."""
    plain = {"signing": {"type": "none"}, **ONE_TRY}
    return {
        "version": 1,
        "webhooks": [webhook("courses", authentication=TOKEN_AUTHENTICATION)],
        "destinations": [
            {"name": "crm", "url": f"{receiver.url}/crm", **plain},
            {"name": "lms", "url": f"{receiver.url}/lms", **ONE_TRY},
        ],
        "subscriptions": [
            {"name": "orders", "destination": "crm", "events": ["order.*"], "body": {"type": "json"}},
            {"name": "courses", "destination": "lms", "events": ["course.*"]},
        ],
    }


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Who is sent to; everything is taken unless a test says otherwise."""
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def running(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station with two destinations."""
    with station(tmp_path_factory.mktemp("sending") / "data", document(receiver)) as started:
        yield started


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """A file with the facts of an event."""
    file = tmp_path / "facts.json"
    file.write_text('{"amount": 19.90}')
    return file


def raised(running: Station, facts: Path, type_: str = "order.paid", *words: str) -> dict[str, Any]:
    """An event, once its one delivery has ended."""
    event = told("events", "raise", type_, "--payload", facts, *words, "--data", running.data)
    until(lambda: deliveries(running, "--event", event["id"], "--status", "delivered,dead") or None)
    return dict(event)


def deliveries(running: Station, *words: str) -> list[dict[str, Any]]:
    return list(heard("deliveries", "list", *words, "--data", running.data)["items"])


def test_an_event_is_raised_once_for_its_key_and_delivered(
    running: Station, receiver: Receiver, facts: Path
) -> None:
    event = raised(running, facts, "order.paid", "--key", "order-1")
    assert (False, 1) == (event["repeated"], event["deliveries"])
    again = here(
        "events", "raise", "order.paid", "--payload", facts, "--key", "order-1", "--data", running.data
    )
    assert f"{event['id']}: raised before" in again.stdout
    assert b'{"amount":19.90}' == receiver.calls[-1].body
    (line,) = deliveries(running, "--event", event["id"])
    shown = here("deliveries", "show", line["id"], "--data", running.data).stdout
    assert "Attempt 1 at " in shown
    assert ": delivered after " in shown
    assert '{"amount":19.90}' in shown
    assert 1 == len(heard("deliveries", "show", line["id"], "--data", running.data)["history"])


@pytest.mark.parametrize(
    ("type_", "payload", "said"),
    [
        ("record.inserted", "{}", "the station's own"),
        ("Order Paid", "{}", "is not a type"),
        ("order.paid", "{", "facts.json: "),
        ("order.paid", "7", "must be a JSON object or array"),
    ],
)
def test_what_cannot_be_raised_says_why(
    running: Station, facts: Path, type_: str, payload: str, said: str
) -> None:
    facts.write_text(payload)
    refused = here("events", "raise", type_, "--payload", facts, "--data", running.data)
    assert (1, "", True) == (refused.exit_code, refused.stdout, said in refused.stderr), refused.stderr


def test_deliveries_are_listed_by_what_they_are(running: Station, receiver: Receiver, facts: Path) -> None:
    receiver.plan(Answer(500))
    bad = raised(running, facts, "course.failed")
    (line,) = deliveries(running, "--destination", "lms", "--status", "dead", "--trouble", "server")
    assert (bad["id"], 500, 1) == (line["event_id"], line["status"], line["attempts"])
    assert [line] == deliveries(running, "--subscription", "courses", "--type", "course.*", "--since", "1h")
    assert [] == deliveries(running, "--until", "1h")
    rows = here("deliveries", "list", "--data", running.data).stdout.splitlines()
    head = ["ID", "BEGUN", "DESTINATION", "TYPE", "STATE", "TRIES", "STATUS", "NEXT", "ERROR"]
    assert head == rows[0].split()
    assert "The destination answered 500." in rows[1]
    for wrong in (("--status", "done"), ("--trouble", "x"), ("--since", "yesterday")):
        refused = here("deliveries", "list", *wrong, "--data", running.data)
        assert (2, "") == (refused.exit_code, refused.stdout)


def test_what_is_dead_is_sent_again_one_and_all(running: Station, receiver: Receiver, facts: Path) -> None:
    receiver.plan(*[Answer(400)] * 3)
    for number in range(3):
        raised(running, facts, f"course.again{number}")
    dead = deliveries(running, "--type", "course.*", "--status", "dead", "--trouble", "refused")
    assert 3 == len(dead)
    one = heard("deliveries", "resend", dead[0]["id"], "--data", running.data)["items"]
    assert [dead[0]["id"]] == [each["id"] for each in one]
    until(lambda: deliveries(running, "--event", dead[0]["event_id"], "--status", "delivered") or None)
    which = ("--destination", "lms", "--trouble", "refused", "--since", "1h", "--data", running.data)
    assert "--yes" in (asked := here("deliveries", "resend", *which)).stderr
    assert 2 == asked.exit_code
    assert {"count": 2} == heard("deliveries", "resend", *which, "--yes")
    until(lambda: not deliveries(running, "--status", "dead", "--trouble", "refused") or None)
    all_of_them = ("--type", "course.again*", "--all-matching", "--yes", "--data", running.data)
    words = here("deliveries", "resend", *all_of_them).stdout
    assert words.startswith("Sent again: ")


def test_a_paused_destination_keeps_its_deliveries_until_they_are_cancelled(
    running: Station, receiver: Receiver, facts: Path
) -> None:
    paused = document(receiver)
    paused["destinations"][0]["state"] = "paused"
    apply(running.data, paused)
    ids = [
        heard("events", "raise", "order.held", "--payload", facts, "--data", running.data)["id"]
        for _ in range(3)
    ]
    waiting = deliveries(running, "--type", "order.held")
    assert [*reversed(ids)] == [one["event_id"] for one in waiting]
    rows = here("destinations", "list", "--data", running.data).stdout.splitlines()
    assert ["crm", "paused", "good", "3"] == rows[1].split()[:4]
    shown = here("deliveries", "cancel", waiting[0]["id"], "--data", running.data).stdout
    assert f"{waiting[0]['id']}: cancelled\n" == shown
    late = here("deliveries", "cancel", waiting[0]["id"], "--data", running.data)
    assert (1, True) == (late.exit_code, "nothing to cancel" in late.stderr)
    every = ("--destination", "crm", "--yes", "--data", running.data)
    assert {"count": 2} == heard("deliveries", "cancel", *every)
    refused = here("destinations", "enable", "crm", "--data", running.data)
    assert (1, True) == (refused.exit_code, "paused by its settings" in refused.stderr)
    apply(running.data, document(receiver))


@pytest.mark.parametrize("act", ["resend", "cancel"])
@pytest.mark.parametrize("words", [(), ("some", "--destination", "crm")])
def test_ids_or_options_say_which(running: Station, act: str, words: tuple[str, ...]) -> None:
    assert 2 == here("deliveries", act, *words, "--data", running.data).exit_code


@pytest.mark.parametrize(
    "words",
    [
        ("deliveries", "show", "none"),
        ("deliveries", "resend", "none"),
        ("deliveries", "resend", "a/b"),
        ("deliveries", "resend", "--destination", "none", "--yes"),
        ("destinations", "show", "none"),
        ("destinations", "rotate", "none"),
        ("destinations", "enable", "none"),
        ("destinations", "test", "none"),
        ("destinations", "portal", "none"),
        ("destinations", "revoke-links", "none"),
        ("destinations", "delete", "none", "--yes"),
        ("destinations", "delete", "crm", "--yes"),
        ("subscriptions", "show", "none"),
        ("subscriptions", "delete", "none", "--yes"),
        ("listen", "--destination", "none"),
        ("listen", "--webhook", "none"),
    ],
)
def test_what_is_not_there_or_still_needed_says_so_and_exits_with_1(
    running: Station, words: tuple[str, ...]
) -> None:
    refused = here(*words, "--data", running.data)
    assert (1, "") == (refused.exit_code, refused.stdout)
    assert "error: " in refused.stderr


def test_a_test_shows_what_was_sent_and_what_came_back(
    running: Station, receiver: Receiver, facts: Path
) -> None:
    shown = here("destinations", "test", "lms", "--data", running.data)
    assert (0, True) == (shown.exit_code, f"POST {receiver.url}/lms" in shown.stdout)
    receiver.plan(Answer(503, body=b"busy"))
    given = ("--subscription", "orders", "--type", "order.paid", "--payload", facts)
    failed = here("destinations", "test", "crm", *given, "--data", running.data)
    assert (1, True) == (failed.exit_code, "busy: The destination answered 503." in failed.stdout)
    assert b'{"amount":19.90}' == receiver.calls[-1].body


def test_a_new_secret_is_shown_once(running: Station, tmp_path: Path) -> None:
    made = heard("destinations", "rotate", "lms", "--overlap", "1h", "--data", running.data)
    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in here("destinations", "show", "lms", "--data", running.data).stdout
    (tmp_path / "secret").write_text(STANDARD_SECRET + "\n")
    given = ("destinations", "rotate", "lms", "--secret", tmp_path / "secret", "--data", running.data)
    assert f"{STANDARD_SECRET}\n" == here(*given).stdout
    again = here(*given)
    assert (1, True) == (again.exit_code, "with this secret already" in again.stderr)
    for wrong in ("soon", "1.5s"):
        assert 2 == here("destinations", "rotate", "lms", "--overlap", wrong).exit_code
    assert 1 == here("destinations", "rotate", "lms", "--overlap", "31d", "--data", running.data).exit_code


def test_a_destination_that_is_gone_is_enabled_again(
    running: Station, receiver: Receiver, facts: Path
) -> None:
    receiver.plan(Answer(410))
    raised(running, facts, "course.gone")
    rows = here("destinations", "list", "--data", running.data).stdout.splitlines()
    assert ["lms", "active", "gone"] == rows[2].split()[:3]
    examined = json.loads(here("doctor", "--json", "--data", running.data).stdout)
    assert ["destination lms"] == [one["what"] for one in examined["items"] if not one["well"]]
    assert "destination crm" in [one["what"] for one in examined["items"]]
    assert "lms: good\n" == here("destinations", "enable", "lms", "--data", running.data).stdout


def test_the_owner_s_link_is_made_and_revoked(running: Station) -> None:
    link = heard("destinations", "portal", "crm", "--for", "1h", "--data", running.data)
    assert link["url"].startswith(f"{running.url}/portal/")
    assert link["url"][:30] in here("destinations", "portal", "crm", "--data", running.data).stdout
    assert 0 == here("destinations", "revoke-links", "crm", "--data", running.data).exit_code
    assert {"revoked": "crm"} == heard("destinations", "revoke-links", "crm", "--data", running.data)


def test_subscriptions_and_destinations_are_listed_and_deleted_without_a_server(
    receiver: Receiver, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    assert "no destination yet" in here("destinations", "list", "--data", data).stderr
    assert "no subscription yet" in here("subscriptions", "list", "--data", data).stderr
    wanted = document(receiver)
    (tmp_path / "config.json").write_text(json.dumps(wanted))
    applied = here("apply", tmp_path / "config.json", "--yes", "--allow-literal-secrets", "--data", data)
    assert 0 == applied.exit_code, applied.stderr
    rows = here("subscriptions", "list", "--data", data).stdout.splitlines()
    assert ["orders", "crm", "order.*"] == rows[2].split()
    assert ["order.*"] == heard("subscriptions", "show", "orders", "--data", data)["events"]
    assert {"deleted": "orders"} == heard("subscriptions", "delete", "orders", "--data", data)
    assert "Deleted: crm." in here("destinations", "delete", "crm", "--yes", "--data", data).stderr
    assert ["lms"] == [one["name"] for one in heard("destinations", "list", "--data", data)["items"]]


class Listener:
    """`hookstation listen` in a process of its own."""

    def __init__(self, data: Path, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *PROGRAM, "listen", *words, "--data", str(data)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.said = self._line(self._process.stderr)

    @staticmethod
    def _line(pipe: IO[str] | None) -> str:
        assert pipe is not None
        return pipe.readline()

    def line(self) -> str:
        """The next line of stdout."""
        return self._line(self._process.stdout)

    def line_with(self, text: str) -> str:
        """The first line with this in it: one that has only begun may be seen before it is tried."""
        return next(line for line in iter(self.line, "") if text in line)

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C: the exit code, and what was said on stderr at the end."""
        self._process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """The exit code, and what was said on stderr at the end."""
        try:
            _, said = self._process.communicate(timeout=ENDING)
        finally:
            self._process.kill()
        return self._process.returncode, said


def test_deliveries_are_shown_as_they_happen_until_ctrl_c(
    running: Station, receiver: Receiver, facts: Path
) -> None:
    listener = Listener(running.data, "--destination", "crm")
    assert "Listening to deliveries to crm." in listener.said
    raised(running, facts, "course.other")
    receiver.plan(Answer(418))
    raised(running, facts, "order.heard")
    at, *words = listener.line_with("418").rstrip("\n").split("  ")
    assert ["crm", "order.heard", "418"] == words[:3]
    assert ["dead", "The destination answered 418."] == words[4:]
    assert at.startswith("20")
    assert words[3].endswith(" ms")
    assert (0, "Ended.\n") == listener.interrupt()


def test_a_program_hears_of_them_as_documents_until_the_station_stops(
    receiver: Receiver, tmp_path: Path, facts: Path
) -> None:
    with station(tmp_path / "data", document(receiver)) as started:
        listener = Listener(started.data, "--json")
        assert "Listening to deliveries. " in listener.said
        event = raised(started, facts, "course.done")
        told_of = json.loads(listener.line_with('"delivered"'))
        assert (event["id"], 200) == (
            told_of["delivery"]["event_id"],
            told_of["attempt"]["answer"]["status"],
        )
        assert 0 == started.process.end()
        assert (1, True) == ((ended := listener.ended())[0], "The station has stopped." in ended[1])


def test_calls_of_a_webhook_are_passed_on_with_headers_and_raw_body(running: Station) -> None:
    with receiving(Answer(422, body=b"not like that")) as local:
        forward = ("--webhook", "courses", "--forward", f"{local.url}/mine?a=1")
        listener = Listener(running.data, *forward)
        assert f"Listening to calls of courses, {running.hook('courses')}." in listener.said
        body = b'{ "memberId":"1", "amount": 19.90 }'
        headers = {"X-Token": TOKEN, "X-Signature": "sha256=00", "Content-Type": "application/json"}
        heard_of = ask(f"{running.hook('courses')}?b=2", body, headers=headers)
        assert 200 == heard_of.status
        at, *words = listener.line().rstrip("\n").split("  ")
        assert ["courses", "succeeded", "200", f"{len(body)} bytes"] == words
        assert at.startswith("20")
        answer = listener.line()
        assert f"→ 422 from {local.url}/mine?a=1 in " in answer
        assert "not like that" in answer
        (call,) = local.calls
        assert (body, "/mine?a=1&b=2") == (call.body, call.path)
        assert ("sha256=00", "application/json", "") == (
            call.header("x-signature"),
            call.header("content-type"),
            call.header("x-token"),
        )
        assert 400 == ask(running.hook("courses"), b'{"memberId": 1}', headers=headers).status
        assert "rejected" in listener.line()
        assert "not passed on: its body is not kept" in listener.line()
        assert (0, "Ended.\n") == listener.interrupt()


def test_a_temporary_url_passes_calls_on_and_is_gone_at_the_end(running: Station) -> None:
    with receiving() as local:
        listener = Listener(running.data, "--forward", str(local.port), "--json")
        assert f"Calls to this URL go to http://127.0.0.1:{local.port}/ until " in listener.said
        url = json.loads(listener.line())["capture"]["url"]
        body = b"\x00\xff, not text"
        assert 200 == ask(url, body).status
        told_of = json.loads(listener.line())
        assert (1, 200) == (told_of["call"]["number"], told_of["forwarded"]["status"])
        assert [body] == [call.body for call in local.calls]
        assert (0, "Ended.\n") == listener.interrupt()
        assert 404 == ask(url, body).status


def test_a_local_program_that_is_not_there_is_said_to_be_none(running: Station) -> None:
    with receiving() as local:
        port = local.port
    listener = Listener(running.data, "--forward", str(port))
    url = listener.line().strip()
    assert 200 == ask(url, b"{}").status
    assert "127.0.0.1" in listener.line()
    assert f"not passed on: http://127.0.0.1:{port}/ did not answer" in listener.line()
    assert (0, "Ended.\n") == listener.interrupt()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "nonsense", "http://", "http://127.0.0.1:99999/"])
def test_calls_are_passed_on_to_urls_only(url: str) -> None:
    assert 2 == here("listen", "--forward", url).exit_code


def test_without_a_station_there_is_nothing_to_listen_to(tmp_path: Path) -> None:
    refused = here("listen", "--data", tmp_path / "data")
    assert (1, True) == (refused.exit_code, "hookstation serve" in refused.stderr)
