"""The outgoing example: its file is applied as it is, but for the addresses, and its receivers get what it says."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from standardwebhooks.webhooks import Webhook

from tests.support.command_line import heard, here
from tests.support.receiver import Answer, Call, Receiver, receiving
from tests.support.station import Station, command, station, told, until
from tests.support.wire import ask

FOLDER = Path(__file__).parent.parent / "examples" / "outgoing"
SECRET = "whsec_" + base64.b64encode(hashlib.sha256(b"the examples").digest()).decode()
VARIABLES = {"PARTNER_TOKEN": "the-token", "PARTNER_SECRET": SECRET, "LMS_TOKEN": "the token of the lms"}
ADDRESSES = {
    "https://partner.example.org": "/partner",
    "https://chat.example.org": "/chat",
}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """The partner and the chat."""
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def file(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with both addresses on loopback, which each destination allows."""
    text = (FOLDER / "outgoing.yaml").read_text()
    for address, path in ADDRESSES.items():
        text = text.replace(
            f"    url: {address}", f"    networks: [127.0.0.0/8]\n    url: {receiver.url}{path}"
        )
    written = tmp_path_factory.mktemp("outgoing") / "outgoing.yaml"
    written.write_text(text)
    return written


@pytest.fixture(scope="module")
def running(file: Path) -> Iterator[Station]:
    """A station to which the example was applied."""
    data = file.parent / "data"
    with station(data, {"version": 1}) as started:
        applied = command("apply", file, "--yes", "--data", data, **VARIABLES)
        assert 0 == applied.returncode, applied.stderr
        assert "warning" not in applied.stderr
        started.paths = {one["name"]: one["path"] for one in started.api("/webhooks")["items"]}
        yield started


def came(receiver: Receiver, path: str) -> list[Call]:
    """What came to one of the two."""
    return until(lambda: [one for one in receiver.calls if one.path.startswith(path)] or None)


def test_a_record_that_a_webhook_writes_reaches_the_partner_signed(
    running: Station, receiver: Receiver
) -> None:
    receiver.calls.clear()
    called = ask(
        running.hook("lms"),
        b'{"memberId": "10420", "course": "SAFE-101"}',
        headers={"X-Token": VARIABLES["LMS_TOKEN"], "Content-Type": "application/json"},
    )
    assert 200 == called.status
    (call,) = came(receiver, "/partner")
    headers = {name.lower(): value for name, value in call.headers}
    sent: Any = Webhook(SECRET).verify(call.body, headers)
    assert "Bearer the-token" == headers["authorization"]
    assert ("record.inserted", "Activity", "SAFE-101") == (
        sent["type"],
        sent["data"]["record"]["entity"],
        sent["data"]["fields"]["PRODUCT_CODE"],
    )
    assert {"id": called.event_id, "webhook": "lms"} == sent["data"]["source"]


def test_an_order_that_is_raised_reaches_the_partner_in_its_form(
    running: Station, receiver: Receiver
) -> None:
    receiver.calls.clear()
    words = ("order.paid", "--payload", FOLDER / "order.json", "--key", "A-1042", "--data", running.data)
    assert [1, 0] == [told("events", "raise", *words).get("deliveries", 0) for _ in range(2)]
    (call,) = came(receiver, "/partner")
    assert ("A-1042", "application/json") == (call.header("x-order"), call.header("content-type"))
    assert {
        "order": "A-1042",
        "member": "10420",
        "total": 149.90,
        "text": "Order A-1042 of Homer Simpson",
    } == json.loads(call.body)


def test_a_small_order_is_not_sent(running: Station, tmp_path: Path) -> None:
    (tmp_path / "small.json").write_text('{"number": "A-1", "total": 99.99, "customer": {}}')
    words = ("order.paid", "--payload", tmp_path / "small.json", "--data", running.data)
    assert 0 == heard("events", "raise", *words)["deliveries"]


def test_what_the_partner_has_gone_from_is_told_in_the_chat(running: Station, receiver: Receiver) -> None:
    receiver.calls.clear()
    receiver.plan(Answer(410))
    told("events", "raise", "order.paid", "--payload", FOLDER / "order.json", "--data", running.data)
    until(lambda: len(came(receiver, "/chat")) == 2 or None)
    texts = {json.loads(one.body)["text"] for one in came(receiver, "/chat")}
    assert "delivery.dead: The destination answered 410." in texts
    assert ["destination.disabled"] == [one.partition(":")[0] for one in texts if "delivery" not in one]
    enabled = here("destinations", "enable", "partner", "--data", running.data)
    assert 0 == enabled.exit_code, enabled.stderr


def test_the_test_that_the_page_tells_of_shows_what_is_sent(running: Station, receiver: Receiver) -> None:
    which = ("--subscription", "partner-orders", "--type", "order.paid", "--payload", FOLDER / "order.json")
    attempt = heard("destinations", "test", "partner", *which, "--data", running.data)
    assert "A-1042" == json.loads(attempt["request"]["body"])["order"]
    assert "the-token" not in json.dumps(attempt)


def test_what_is_exported_is_what_was_applied(running: Station, file: Path, tmp_path: Path) -> None:
    exported = here("export", "--out", tmp_path, "--data", running.data)
    assert 0 == exported.exit_code, exported.stderr
    written = tmp_path / "hookstation.yaml"
    for name in ("PARTNER_TOKEN", "PARTNER_SECRET", "LMS_TOKEN"):
        assert f"${{env:{name}}}" in written.read_text()
    was, now = (
        {one["name"] for kind in ("destinations", "subscriptions", "webhooks") for one in whole[kind]}
        for whole in (yaml.safe_load(file.read_text()), yaml.safe_load(written.read_text()))
    )
    assert was == now
    same = heard("plan", written, "--prune", "--data", running.data, **VARIABLES)
    assert (0, []) == (same["changed"], same["problems"])
    elsewhere = here("apply", written, "--yes", "--data", tmp_path / "elsewhere", **VARIABLES)
    assert 0 == elsewhere.exit_code, elsewhere.stderr
    again = heard("plan", file, "--prune", "--data", tmp_path / "elsewhere", **VARIABLES)
    assert 0 == again["changed"]


def test_pruning_takes_away_what_the_file_leaves_out_in_one_go(file: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert 0 == here("apply", file, "--yes", "--data", data, **VARIABLES).exit_code
    whole = yaml.safe_load(file.read_text())
    whole["destinations"].pop(1)
    (tmp_path / "less.yaml").write_text(yaml.safe_dump(whole))
    refused = here("apply", tmp_path / "less.yaml", "--prune", "--yes", "--data", data, **VARIABLES)
    assert (1, True) == (refused.exit_code, "subscriptions.2.destination" in refused.stderr)
    whole["subscriptions"].pop(2)
    (tmp_path / "less.yaml").write_text(yaml.safe_dump(whole))
    pruned = here("apply", tmp_path / "less.yaml", "--prune", "--yes", "--data", data, **VARIABLES)
    assert 0 == pruned.exit_code, pruned.stderr
    assert {"- destination chat", "- subscription chat-troubles"} <= {*pruned.stdout.splitlines()}
    assert ["partner"] == [one["name"] for one in heard("destinations", "list", "--data", data)["items"]]
