"""Changes and captures on real stations: through the real lane, on two nodes over PostgreSQL, and after a restart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.support.program import start
from tests.support.station import Station, serving, told, until
from tests.support.webhooks import webhook
from tests.support.wire import PATIENCE, Heard, ask

JSON_TYPE = {"Content-Type": "application/json", "X-Api-Key": "hidden"}

LONGER = {
    "type": "object",
    "properties": {"memberId": {"type": "string", "minLength": 3}, "note": {"type": "string"}},
}
"""A schema that a member's id of one digit does not fit."""


def draft(began: int, **more: Any) -> dict[str, Any]:
    return {"document": webhook("courses", **more), "began": began}


def status(heard: Heard) -> Heard | None:
    """Nothing while nobody listens."""
    return heard if heard.status != 404 else None


def test_a_capture_hears_through_the_real_lane_and_outlasts_a_restart(tmp_path: Path) -> None:
    """Calls are kept, large ones too; after a restart the URL listens on."""
    data = tmp_path / "data"
    with serving(data) as program:
        key = str(told("keys", "add", "tests", "--role", "administrator", "--data", data)["key"])
        station = Station(program.url, data, program, key)
        capture = station.api("/captures", "POST", {"answer": 500})
        assert program.url + capture["path"] == capture["url"]
        large = json.dumps({"text": "x" * 500_000})
        for body in ('{"id": "7"}', large):
            assert 500 == ask(capture["url"], body, "POST", JSON_TYPE).status
        too_large = ask(capture["url"], "x" * (1024 * 1024 + 1), "POST", JSON_TYPE)
        assert 413 == too_large.status
    with serving(data) as program:
        station = Station(program.url, data, program, key)
        again = until(partial(_called, program.url + capture["path"]))
        assert 500 == again.status
        calls = station.api(f"/captures/{capture['id']}")["calls"]
        assert ['{"id": "7"}', large, "{}"] == [one["body"] for one in calls]
        assert {"***"} == {one["headers"]["x-api-key"] for one in calls}
        assert [] == station.api("/events")["items"]


def test_two_nodes_share_drafts_versions_and_captures(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """What is saved on one node is published on the other; a URL that one opened is heard by both."""
    nodes = [
        start(tmp_path / f"{name}.log", "serve", "--port", "0", "--data", tmp_path / name, variables=shared)
        for name in ("one", "two")
    ]
    try:
        for node in nodes:
            node.ready()
        made = told("keys", "add", "tests", "--role", "administrator", "--data", tmp_path / "one", **shared)
        one, two = (Station(node.url, tmp_path / "one", node, str(made["key"])) for node in nodes)

        one.api("/webhooks/courses/draft", "PUT", draft(0, title="first"))
        two.api("/webhooks/courses/draft", "PUT", draft(1, title="second"))
        assert 409 == _put(one, draft(1, title="third")).status
        assert 3 == one.api("/webhooks/courses/draft/publish", "POST", {"began": 2})["version"]
        assert "second" == until(lambda: _title(two))

        sent = two.api("/webhooks/courses/send", "POST", {"payload": {"memberId": "7"}})
        assert (200, "person: tests") == (sent["status"], sent["event"]["sender"])
        lines = _streamed(one, "/webhooks/courses/backtest", {"document": webhook("courses", schema=LONGER)})
        assert (1, "no more events") == (lines[-1]["newly_refused"], lines[-1]["ended"])

        path = one.api("/captures", "POST", {})["path"]
        for node in nodes:
            assert 200 == until(partial(_called, node.url + path)).status
        [capture] = two.api("/captures")["items"]
        assert [1, 2] == [call["number"] for call in two.api(f"/captures/{capture['id']}")["calls"]]
    finally:
        for node in nodes:
            node.close()


def _title(station: Station) -> str | None:
    found = [one["title"] for one in station.api("/webhooks")["items"]]
    return found[0] if found else None


def _called(url: str) -> Heard | None:
    return status(ask(url, "{}", "POST", JSON_TYPE))


def _streamed(station: Station, path: str, body: object) -> list[dict[str, Any]]:
    """An answer that comes in chunks, a JSON object a line."""
    headers = {"Authorization": f"Bearer {station.key}", **JSON_TYPE}
    asked = Request(f"{station.url}/api/v1{path}", json.dumps(body).encode(), headers)
    with urlopen(asked, timeout=PATIENCE) as answer:
        return [json.loads(line) for line in answer]


def _put(station: Station, body: object) -> Heard:
    headers = {"Authorization": f"Bearer {station.key}", **JSON_TYPE}
    return ask(f"{station.url}/api/v1/webhooks/courses/draft", json.dumps(body), "PUT", headers)
