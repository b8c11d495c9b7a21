"""The API of how things go: dashboard, figures, findings, and what the list shows beside a webhook."""

from __future__ import annotations

import pytest

from hookstation.errors import NeedsAuth
from hookstation.web.api import build_api
from tests.support.asgi import Client
from tests.support.engine import Engine, engine, webhook
from tests.support.services import services_of


async def client(bench: Engine) -> Client:
    made = services_of(bench)
    key = await made.keys.add("tests", "administrator")
    return Client(build_api(made), {"Authorization": f"Bearer {key}"})


async def test_dashboard_and_figures() -> None:
    """The station and one webhook, by hour and by minute."""
    async with engine(webhook(), webhook("quiet")) as bench:
        await bench.post("courses", {"id": "1"})
        await bench.post("courses", {"id": "2"})
        await bench.post("courses", b"{")
        await bench.tallying.tell()
        asks = await client(bench)
        shown = (await asks.ask("GET", "/api/v1/dashboard?hours=24")).document
        course = (await asks.ask("GET", "/api/v1/webhooks/courses/figures?hours=1")).document

        assert (24, 3600, 24) == (shown["hours"], shown["step_seconds"], len(shown["points"]))
        total = shown["total"]
        assert (3, 2, 1, {"body": 1}) == (
            total["calls"],
            total["succeeded"],
            total["rejected"],
            total["reasons"],
        )
        assert ["courses"] == [one["webhook"] for one in shown["busiest"]]
        assert ([], [], {}) == (shown["needs"], shown["unusual"], shown["held"])
        assert (60, 60, 3) == (course["step_seconds"], len(course["points"]), course["points"][-1]["calls"])
        assert (3, 1, 3) == (
            course["calls_last_day"],
            course["failures_last_day"],
            course["calls_by_hour"][-1],
        )


async def test_the_list_shows_the_last_day() -> None:
    async with engine(webhook(), webhook("quiet")) as bench:
        await bench.post("courses", {"id": "1"})
        await bench.tallying.tell()
        items = (await (await client(bench)).ask("GET", "/api/v1/webhooks")).document["items"]

        shown = {one["name"]: (one["calls_last_day"], one["last_call"] is None, one["held"]) for one in items}
        assert {"courses": (1, False, 0), "quiet": (0, True, 0)} == shown
        assert {24} == {len(one["calls_by_hour"]) for one in items}


async def test_findings_are_listed_and_dismissed() -> None:
    """By whom is kept, and a dismissed one is gone from the dashboard."""
    async with engine(webhook("holds", "far", hold=True)) as bench:
        bench.far.outcomes.append(NeedsAuth("The password is wrong."))
        await bench.post("holds", {"id": "1"})
        await bench.tallying.tell()
        await bench.watcher.look()
        asks = await client(bench)
        first = (await asks.ask("GET", "/api/v1/findings?state=open&limit=1")).document
        second = (await asks.ask("GET", f"/api/v1/findings?limit=9&after={first['next']}")).document
        ids = [one["id"] for one in (*first["items"], *second["items"])]
        dismissed = [(await asks.ask("POST", f"/api/v1/findings/{one}/dismiss")).document for one in ids]
        shown = (await asks.ask("GET", "/api/v1/dashboard")).document

        kinds = {one["kind"]: (one["webhook"], one["remedy"]) for one in dismissed}
        assert {
            "events held": ("holds", "connection"),
            "credentials refused": ("holds", "connection"),
        } == kinds
        assert {"tests"} == {one["dismissed_by"] for one in dismissed}
        assert ([], {"holds": 1}) == (shown["needs"], shown["held"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/dashboard?hours=0", 422),
        ("GET", "/dashboard?hours=745", 422),
        ("GET", "/dashboard?hours=x", 422),
        ("GET", "/webhooks/nobody/figures", 404),
        ("GET", "/findings?state=shut", 422),
        ("POST", "/findings/nothing/dismiss", 404),
    ],
)
async def test_refusals(method: str, path: str, status: int) -> None:
    async with engine() as bench:
        assert status == (await (await client(bench)).ask(method, f"/api/v1{path}")).status
