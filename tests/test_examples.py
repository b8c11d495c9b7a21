"""Every webhook under examples/ runs into the iMIS stand-in, and through the dry run with the same record."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from hookstation.core.definitions import HmacAuthentication
from hookstation.core.signing import sign_hmac
from hookstation.core.values import Secret
from tests.support.station import Station, command, process, station, told
from tests.support.wire import ask

EXAMPLES = Path(__file__).parent.parent / "examples"
FOLDERS = sorted(file.parent.name for file in EXAMPLES.glob("*/webhook.yaml"))
SECRET = "a secret of the examples"
EVENT_ID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station without webhooks, and the iMIS stand-in."""
    folder = tmp_path_factory.mktemp("examples")
    with (
        process(folder / "sandbox.log", "sandbox", "--port", "0") as sandbox,
        station(folder / "data", {"version": 1}, sandbox.url) as running,
    ):
        yield running


class Example:
    """One folder, applied to a station."""

    def __init__(self, name: str, shop: Station, folder: Path) -> None:
        self.folder = folder / name
        shutil.copytree(EXAMPLES / name, self.folder)
        file = self.folder / "webhook.yaml"
        text = file.read_text()
        file.write_text(text.replace("http://127.0.0.1:8090", shop.sandbox))
        self.webhook: dict[str, Any] = yaml.safe_load(text)["webhooks"][0]
        secrets = dict.fromkeys(re.findall(r"\$\{env:([A-Z_]+)\}", text), SECRET)
        variables = {**secrets, "IMIS_PASSWORD": "sandbox"}
        applied = command("apply", file, "--yes", "--data", shop.data, **variables)
        assert applied.returncode == 0, applied.stderr
        self.payload = (self.folder / "payload.json").read_bytes()
        self.expected: dict[str, Any] = json.loads(
            (self.folder / "expected.json").read_text(), parse_float=Decimal
        )
        self.headers: dict[str, str] = json.loads((self.folder / "headers.json").read_text()) | self.proof()

    def proof(self) -> dict[str, str]:
        """The header that proves the sender."""
        settings = dict(self.webhook["authentication"])
        settings.pop("secret")
        if settings.pop("type") == "token":
            return {settings["header"]: SECRET}
        return sign_hmac(HmacAuthentication(secret=Secret(SECRET), **settings), self.payload)

    @property
    def marker(self) -> str:
        """The field that holds the event's id."""
        fields: dict[str, object] = self.expected["fields"]
        return next(name for name, value in fields.items() if value == "{{ event_id }}")

    def record(self, event_id: str) -> dict[str, Any]:
        """The fields that must result for an event of this id."""
        fields = self.expected["fields"]
        return {
            name: event_id if value == "{{ event_id }}" else comparable(value)
            for name, value in fields.items()
        }


@pytest.fixture(scope="module", params=FOLDERS)
def example(
    request: pytest.FixtureRequest, shop: Station, tmp_path_factory: pytest.TempPathFactory
) -> Example:
    made = Example(request.param, shop, tmp_path_factory.mktemp("example"))
    shop.paths = {one["name"]: one["path"] for one in shop.api("/webhooks")["items"]}
    return made


def comparable(value: object) -> object:
    """Numbers by value, whatever the notation."""
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) else value


def fields_of(row: Mapping[str, object]) -> dict[str, object]:
    """A row of the stand-in under the names of our records, without what the stand-in itself adds."""
    named = {"ID" if name == "PartyId" else name: comparable(value) for name, value in row.items()}
    named.pop("SEQN", None)
    return named


def test_a_real_call_writes_the_record(shop: Station, example: Example) -> None:
    heard = ask(shop.hook(example.webhook["name"]), example.payload, headers=example.headers)
    assert (200, b'{"success": true}') == (heard.status, heard.body)
    rows = shop.rows(**{example.marker: heard.event_id})
    assert [example.record(heard.event_id)] == [fields_of(row) for row in rows]


def test_a_call_without_the_proof_is_refused(shop: Station, example: Example) -> None:
    headers = {name: value for name, value in example.headers.items() if name not in example.proof()}
    assert 401 == ask(shop.hook(example.webhook["name"]), example.payload, headers=headers).status


def test_a_repeat_gets_the_stored_answer(shop: Station, example: Example) -> None:
    heard = [
        ask(shop.hook(example.webhook["name"]), example.payload, headers=example.headers) for _ in range(2)
    ]
    assert (200, "true") == (heard[1].status, heard[1].headers["hookstation-replayed"])
    assert 1 == len(shop.rows(**{example.marker: heard[1].event_id}))


def test_the_dry_run_makes_the_same_record(shop: Station, example: Example) -> None:
    options = [part for item in example.headers.items() for part in ("--header", ": ".join(item))]
    payload = example.folder / "payload.json"
    document = told("test", example.webhook["name"], "--payload", payload, *options, "--data", shop.data)
    assert ("accepted", 200, {"success": True}) == (
        document["verdict"],
        document["status"],
        document["answer"],
    )
    record = document["record"]
    assert (example.expected["connection"], example.expected["entity"]) == (
        record["connection"],
        record["entity"],
    )
    event_id = record["fields"][example.marker]
    assert EVENT_ID.fullmatch(event_id)
    assert event_id.encode() not in example.payload
    fields = {name: comparable(value) for name, value in record["fields"].items()}
    assert example.record(event_id) == fields
