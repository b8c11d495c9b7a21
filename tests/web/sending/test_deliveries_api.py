"""Deliveries and events out over HTTP: listed, sent again, ended, raised, and heard as they happen."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message

from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.engine.outgoing import listening, resend
from tests.support.asgi import Client
from tests.support.sending import SendingBench
from tests.support.sending_api import dead, fits, ids
from tests.web.test_api import got, problem, sent


class TestDeliveries:
    """Listed, looked at, sent again, ended."""

    async def test_they_are_listed_newest_first_by_page_and_filter(
        self, api: Client, bench: SendingBench
    ) -> None:
        await dead(bench, "order.paid", "course.done")
        await bench.clock.advance(3600)
        event_id = await bench.raised("order.sent")
        await bench.deliver()
        await bench.raised("order.late")
        told = await got(api, "/deliveries")
        fits("Deliveries", told)
        late, sent_one, done, paid = ids(told)
        assert ["order.late", "order.sent", "course.done", "order.paid"] == [
            one["type"] for one in told["items"]
        ]
        for query, found in (
            ("destination=lms", [done]),
            ("subscription=orders", [late, sent_one, paid]),
            ("status=dead", [done, paid]),
            ("status=delivered,waiting", [late, sent_one]),
            ("trouble=refused", [done, paid]),
            ("type=order.*", [late, sent_one, paid]),
            ("type=course.done", [done]),
            (f"event_id={event_id}", [sent_one]),
            ("since=10m", [late, sent_one]),
            ("until=10m", [done, paid]),
            ("destination=nobody", []),
        ):
            assert found == ids(await got(api, f"/deliveries?{query}")), query
        first = await got(api, "/deliveries?limit=3")
        assert [paid] == ids(await got(api, f"/deliveries?limit=3&after={first['next']}"))

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("status=done", "/status"),
            ("trouble=tiimeout", "/trouble"),
            ("since=yesterday", "/since"),
            ("until=soon", "/until"),
            ("limit=0", "/limit"),
            (f"type={'x' * 501}", "/type"),
        ],
    )
    async def test_a_query_that_cannot_be_is_refused_by_its_name(
        self, api: Client, query: str, pointer: str
    ) -> None:
        problem(await api.ask("GET", f"/api/v1/deliveries?{query}"), 422, pointer)

    async def test_one_is_shown_with_its_event_and_every_attempt(
        self, api: Client, bench: SendingBench
    ) -> None:
        await dead(bench, "course.done")
        (line,) = (await got(api, "/deliveries"))["items"]
        shown = await got(api, f"/deliveries/{line['id']}")
        fits("DeliveryInFull", shown)
        assert line.items() <= shown.items()
        assert ("course.done", "{}") == (shown["event"]["type"], shown["event"]["data"])
        (attempt,) = shown["history"]
        assert ("POST", "{}", 400, "not today") == (
            attempt["request"]["method"],
            attempt["request"]["body"],
            attempt["answer"]["status"],
            attempt["answer"]["body"],
        )
        assert ["X-Trace", "7"] in attempt["answer"]["headers"]
        assert "the-token-of-a-destination" not in json.dumps(shown)
        assert attempt["microseconds"]["total"] > 0
        problem(await api.ask("GET", "/api/v1/deliveries/nobody"), 404)

    async def test_one_is_sent_again_and_ended(self, api: Client, bench: SendingBench) -> None:
        await dead(bench, "order.paid")
        one = (await bench.only()).id
        again = await sent(api, "POST", f"/deliveries/{one}/resend")
        fits("Delivery", again)
        assert "waiting" == again["state"]
        await bench.deliver()
        assert "delivered" == (await got(api, f"/deliveries/{one}"))["state"]
        problem(await api.ask("POST", f"/api/v1/deliveries/{one}/cancel"), 409)
        await sent(api, "POST", f"/deliveries/{one}/resend")
        assert "cancelled" == (await sent(api, "POST", f"/deliveries/{one}/cancel"))["state"]
        for act in ("resend", "cancel"):
            problem(await api.ask("POST", f"/api/v1/deliveries/nobody/{act}"), 404)

    async def test_one_whose_subscription_is_gone_is_not_sent_again(
        self, api: Client, bench: SendingBench
    ) -> None:
        await dead(bench, "order.paid")
        await sent(api, "DELETE", "/subscriptions/orders", status=204)
        problem(await api.ask("POST", f"/api/v1/deliveries/{(await bench.only()).id}/resend"), 409)

    async def test_all_that_match_are_sent_again_or_ended_in_calls_of_bounded_length(
        self, api: Client, bench: SendingBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resend, "MOST", 2)
        monkeypatch.setattr(resend, "PAGE", 2)
        await dead(bench, *["order.paid"] * 3, "course.done")
        body: dict[str, JSON] = {"destination": "crm", "since": "1h"}
        for act, pages in (("resend", (2, 1)), ("cancel", (2, 1))):
            first = await sent(api, "POST", f"/deliveries/{act}", body)
            fits("DeliveriesDone", first)
            second = await sent(api, "POST", f"/deliveries/{act}", {**body, "after": first["next"]})
            assert (*pages, None) == (first["count"], second["count"], second["next"])
        assert 0 == await bench.deliver()
        assert ["cancelled"] * 3 == [one.state for one in await bench.deliveries(destination="crm")]

    async def test_without_a_status_only_what_is_dead_is_sent_again(
        self, api: Client, bench: SendingBench
    ) -> None:
        await bench.raised()
        await bench.deliver()
        body: dict[str, JSON] = {"subscription": "orders"}
        assert 0 == (await sent(api, "POST", "/deliveries/resend", body))["count"]
        assert 1 == (await sent(api, "POST", "/deliveries/resend", {**body, "status": "delivered"}))["count"]

    @pytest.mark.parametrize("act", ["resend", "cancel"])
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, ""),
            ({"status": "dead"}, ""),
            ({"status": "done"}, "/status"),
            ({"destination": 7}, "/destination"),
            ({"destinations": ["crm"]}, "/destinations"),
            ({"destination": "crm", "since": "x"}, "/since"),
        ],
    )
    async def test_what_says_not_which_is_refused(
        self, api: Client, act: str, body: Any, pointer: str
    ) -> None:
        problem(await api.ask("POST", f"/api/v1/deliveries/{act}", body), 422, pointer)

    async def test_nothing_is_sent_again_to_a_destination_that_is_not_there(self, api: Client) -> None:
        body = {"destination": "nobody"}
        problem(await api.ask("POST", "/api/v1/deliveries/resend", body), 404)


class TestRaising:
    """Events that others raise, and those that were told."""

    async def test_an_event_is_raised_once_for_its_key(self, api: Client, bench: SendingBench) -> None:
        raw = b'{"type": "order.paid", "data": {"amount": 19.90}}'
        first = await api.ask("POST", "/api/v1/events", raw, Idempotency_Key="order-1")
        assert (201, False, 1) == (
            first.status,
            first.document["repeated"],
            first.document["deliveries"],
        )
        fits("RaisedEvent", first.document)
        again = await api.ask("POST", "/api/v1/events", raw, Idempotency_Key="order-1")
        fits("RaisedEvent", again.document)
        assert (200, True, first.document["id"]) == (
            again.status,
            again.document["repeated"],
            again.document["id"],
        )
        other = {"type": "order.paid", "data": {"amount": 1}, "key": "order-1"}
        problem(await api.ask("POST", "/api/v1/events", other), 409)
        assert 1 == await bench.deliver()
        assert b'{"amount":19.90}' == bench.receiver.calls[0].body

    async def test_two_keys_that_differ_are_a_conflict(self, api: Client) -> None:
        body = {"type": "order.paid", "data": {}, "key": "a"}
        problem(await api.ask("POST", "/api/v1/events", body, Idempotency_Key="b"), 409)
        assert 201 == (await api.ask("POST", "/api/v1/events", body, Idempotency_Key="a")).status

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"type": "order.paid"}, ""),
            ({"data": {}}, ""),
            ({"type": "order.paid", "data": 1}, "/data"),
            ({"type": "record.inserted", "data": {}}, "/type"),
            ({"type": "inbound.courses", "data": {}}, "/type"),
            ({"type": "Order Paid", "data": {}}, "/type"),
            ({"type": "order.paid", "data": {}, "key": "é"}, "/key"),
            ({"type": "order.paid", "data": ["x" * 2_000_000]}, "/data"),
            ({"type": "order.paid", "payload": 1}, "/payload"),
        ],
    )
    async def test_what_cannot_be_raised_is_refused_at_its_place(
        self, api: Client, body: Any, pointer: str
    ) -> None:
        problem(await api.ask("POST", "/api/v1/events", body), 422, pointer)

    async def test_what_is_no_json_is_refused(self, api: Client) -> None:
        problem(await api.ask("POST", "/api/v1/events", b"{"), 400)

    async def test_events_out_are_listed_newest_first_and_shown_with_their_deliveries(
        self, api: Client, bench: SendingBench
    ) -> None:
        await bench.raised("order.paid", "k-1", n=1)
        await bench.raised("nobody.cares")
        await bench.raised("order.sent")
        told = await got(api, "/events-out")
        fits("EventsOut", told)
        sent_one, nobody, paid = ids(told)
        assert "data" not in told["items"][0]
        assert None is told["next"]
        assert [sent_one, paid] == ids(await got(api, "/events-out?type=order.*"))
        first = await got(api, "/events-out?limit=2")
        assert [paid] == ids(await got(api, f"/events-out?limit=2&after={first['next']}"))
        assert None is (await got(api, "/events-out?limit=3"))["next"]
        shown = await got(api, f"/events-out/{paid}")
        fits("EventOutInFull", shown)
        assert ('{"n": 1}', "k-1", ["orders"]) == (
            shown["data"],
            shown["key"],
            [one["subscription"] for one in shown["deliveries"]],
        )
        assert [] == (await got(api, f"/events-out/{nobody}"))["deliveries"]
        problem(await api.ask("GET", "/api/v1/events-out/nobody"), 404)
        problem(await api.ask("GET", f"/api/v1/events-out?type={'x' * 501}"), 422, "/type")


class Stream:
    """A call whose answer goes on: what came of it so far, and its end."""

    def __init__(self, client: Client, target: str) -> None:
        path, _, query = target.partition("?")
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in client.headers.items()],
            "client": ("127.0.0.1", 5),
        }
        self._came: asyncio.Queue[Message] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._answering = asyncio.ensure_future(client.app(self.scope, self._receive, self._came.put))

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def start(self) -> int:
        """The status."""
        return int((await self._came.get())["status"])

    async def line(self) -> bytes:
        """The next piece of the body; empty at its end."""
        return bytes((await self._came.get()).get("body", b""))

    async def leave(self) -> None:
        """The caller goes."""
        self._gone.set()
        await self.end()

    async def end(self) -> None:
        """Wait until the answer has ended."""
        await asyncio.wait_for(self._answering, 30)


class TestListening:
    """Deliveries as they happen."""

    async def test_each_delivery_is_a_line_until_the_caller_goes(
        self, api: Client, bench: SendingBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listening, "MOST_LISTENERS", 1)
        stream = Stream(api, "/api/v1/deliveries/listen?destination=crm")
        assert (200, b"\n") == (await stream.start(), await stream.line())
        problem(await api.ask("GET", "/api/v1/deliveries/listen"), 429)
        await dead(bench, "course.done", "order.paid")
        heard = parse_json(await stream.line()).value
        fits("HeardDelivery", heard)
        assert isinstance(heard, dict)
        assert ("order.paid", "dead", 0) == (
            heard["delivery"]["type"],  # type: ignore[index,call-overload]
            heard["delivery"]["state"],  # type: ignore[index,call-overload]
            heard["missed"],
        )
        await stream.leave()
        head = await api.ask("HEAD", "/api/v1/deliveries/listen")
        assert (200, "application/x-ndjson") == (head.status, head.headers["content-type"])
        await api.ask("HEAD", "/api/v1/deliveries/listen")

    async def test_a_silence_is_an_empty_line_and_the_station_s_stop_is_the_end(
        self, api: Client, bench: SendingBench
    ) -> None:
        stream = Stream(api, "/api/v1/deliveries/listen")
        assert (200, b"\n") == (await stream.start(), await stream.line())
        await bench.clock.settle()
        await bench.clock.advance(listening.LOOK_EVERY)
        assert b"\n" == await stream.line()
        bench.engine.ingest.stopping = True
        await bench.clock.settle()
        await bench.clock.advance(listening.LOOK_EVERY)
        assert (b"\n", b"") == (await stream.line(), await stream.line())
        await stream.end()

    async def test_nobody_listens_to_a_destination_that_is_not_there(self, api: Client) -> None:
        problem(await api.ask("GET", "/api/v1/deliveries/listen?destination=nobody"), 404)
