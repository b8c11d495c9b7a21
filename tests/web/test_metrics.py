"""Prometheus metrics: what was counted, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request

from hookstation.errors import NeedsAuth
from hookstation.web import metrics
from hookstation.web.api import access, build_api
from tests.support.asgi import Answered, Client
from tests.support.engine import engine, webhook
from tests.support.receiver import Answer as Delivered
from tests.support.sending import sending, subscription
from tests.support.services import services_of

if TYPE_CHECKING:
    pass


def samples(answer: Answered) -> dict[tuple[str, ...], float]:
    """Values by name and labels."""
    families = text_string_to_metric_families(answer.body.decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


async def test_calls_are_counted_by_webhook_and_end() -> None:
    async with engine(webhook()) as bench:
        for payload in (b'{"id": "7"}', b'{"id": "8"}', b'{"id": 9}', b"{}"):
            await bench.post("courses", payload)
        bench.ingest.admit("POST", "nobody's token", {}, "", "203.0.113.9")
        bench.store.noted_lost = 3
        answer = await Client(build_api(services_of(bench)), {}).ask("GET", "/metrics")
        assert (200, metrics.MEDIA_TYPE) == (answer.status, answer.headers["content-type"])
        expected = {
            ("hookstation_calls_total", "succeeded", "courses"): 2,
            ("hookstation_calls_total", "schema", "courses"): 1,
            ("hookstation_calls_total", "failed", "courses"): 1,
            ("hookstation_calls_total", "not_found", ""): 1,
            ("hookstation_calls_in_flight",): 0,
            ("hookstation_rejections_not_journalled_total",): 3,
        }
        found = samples(answer)
        took = {
            name: found.pop(name) for name in list(found) if name[0].startswith("hookstation_answer_seconds")
        }
        assert expected == found
        assert (4, 4) == (
            took["hookstation_answer_seconds_count",],
            took["hookstation_answer_seconds_bucket", "+Inf"],
        )
        assert (
            took["hookstation_answer_seconds_bucket", "0.0005"]
            <= took["hookstation_answer_seconds_bucket", "60"]
        )


async def test_what_waits_and_what_is_unusual_is_counted() -> None:
    """Held events by webhook, and open findings by kind; answers are counted on after they were told."""
    async with engine(webhook("holds", "far", hold=True)) as bench:
        bench.far.outcomes.append(NeedsAuth("The password is wrong."))
        await bench.post("holds", {"id": "1"})
        await bench.tallying.tell()
        await bench.watcher.look()
        found = samples(await Client(build_api(services_of(bench)), {}).ask("GET", "/metrics"))

        assert 1 == found["hookstation_events_held", "holds"]
        assert 1 == found["hookstation_findings_open", "events held"]
        assert 1 == found["hookstation_findings_open", "credentials refused"]
        assert 1 == found["hookstation_answer_seconds_count",]


async def test_an_address_that_is_not_this_machine_needs_a_key() -> None:
    async with engine() as bench:
        made = services_of(bench)
        key = await made.keys.add("scraper", "administrator")
        app = build_api(made)
        for address in ("203.0.113.9", "::ffff:203.0.113.9", "nonsense", ""):
            assert 401 == (await Client(app, {}, address).ask("GET", "/metrics")).status
            keyed = Client(app, {"Authorization": f"Bearer {key}"}, address)
            assert 200 == (await keyed.ask("GET", "/metrics")).status
        for address in ("127.0.0.1", "127.8.8.8", "::1"):
            assert 200 == (await Client(app, {}, address).ask("GET", "/metrics")).status


async def test_a_call_that_a_proxy_passed_on_is_not_of_this_machine() -> None:
    async with engine() as bench:
        app = build_api(services_of(bench))
        for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
            assert 401 == (await Client(app, {header: "203.0.113.9"}).ask("GET", "/metrics")).status


def test_a_caller_without_an_address_is_not_of_this_machine() -> None:
    assert not access.from_loopback(Request({"type": "http", "client": None, "headers": []}))


async def test_deliveries_are_counted_by_destination_and_end() -> None:
    async with sending() as bench:
        await bench.configure(
            destinations=[bench.destination(retry={"schedule": ["1h"]})], subscriptions=[subscription()]
        )
        bench.receiver.plan(Delivered(200), Delivered(503))
        for _ in range(2):
            await bench.raised()
            await bench.deliver()
        found = samples(await Client(build_api(services_of(bench.engine)), {}).ask("GET", "/metrics"))
        expected = {
            ("hookstation_delivery_attempts_total", "crm", "delivered"): 1,
            ("hookstation_delivery_attempts_total", "crm", "busy"): 1,
            ("hookstation_deliveries_waiting", "crm"): 1,
            ("hookstation_destination_state", "crm", "slowed"): 1,
            ("hookstation_destination_state", "crm", "active"): 0,
            ("hookstation_delivery_seconds_count",): 2,
        }
        assert expected == {name: found[name] for name in expected}
