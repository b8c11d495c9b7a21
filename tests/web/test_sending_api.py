"""The sending side over HTTP: each operation with good and bad input, and what is told only once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import jsonschema_rs
import pytest
import pytest_asyncio
from starlette.types import Message

from hookstation.connectors import CATALOGUE
from hookstation.core.jsontext import parse_json
from hookstation.core.outgoing.types import OWN_NAMES
from hookstation.core.values import JSON
from hookstation.engine.outgoing import listening, resend
from hookstation.engine.outgoing.rotate import MOST_OVERLAP
from hookstation.ports.store import ConfigurationChange
from hookstation.web.api import build_api
from hookstation.web.api.build import OPERATIONS
from hookstation.web.api.openapi import document
from hookstation.web.api.raising import MOST_SHOWN
from hookstation.web.services import Services
from tests.support.asgi import Client
from tests.support.engine import webhook
from tests.support.receiver import Answer
from tests.support.sending import SendingBench, sending, subscription
from tests.support.services import ADDRESS, services_of
from tests.web.test_api import CONTROL, got, problem, sent

DESCRIPTION: Any = document(OPERATIONS, CATALOGUE, "1")
BEARER: dict[str, JSON] = {"type": "bearer", "token": "the-token-of-a-destination"}
CALM: dict[str, Any] = {"breaker": {"calls": 1000}, "retry": {"schedule": []}}


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[SendingBench]:
    """Two destinations that get one try a delivery, each with a subscription."""
    async with sending() as made:
        places = [made.destination(**CALM), made.destination("lms", authentication=BEARER, **CALM)]
        shapes = [subscription(), subscription("lms", "lms", events=["course.*"])]
        await made.configure(webhook(), destinations=places, subscriptions=shapes)
        yield made


@pytest.fixture
def services(bench: SendingBench) -> Services:
    return services_of(bench.engine, control_key=CONTROL)


@pytest.fixture
def api(services: Services) -> Client:
    return Client(build_api(services), {"Authorization": f"Bearer {CONTROL}"})


def fits(name: str, shown: Any) -> None:
    """Whether an answer is as the description says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
    assert not [one.message for one in jsonschema_rs.validator_for(schema).iter_errors(shown)]


async def dead(bench: SendingBench, *types: str) -> None:
    """Deliveries that have used up their attempts."""
    bench.receiver.usual = Answer(400, (("X-Trace", "7"),), b"not today")
    for type_ in types:
        await bench.raised(type_)
    await bench.deliver()
    bench.receiver.usual = Answer()


def ids(told: Any) -> list[str]:
    return [one["id"] for one in told["items"]]


class TestDestinations:
    """Made, changed, deleted; secrets are told once."""

    async def test_they_are_listed_with_how_they_stand(self, api: Client, bench: SendingBench) -> None:
        bench.receiver.usual = Answer(410)
        await bench.raised("course.done")
        await bench.deliver()
        await bench.raised("course.done")
        told = await got(api, "/destinations")
        fits("Destinations", told)
        assert ["crm", "lms"] == [one["name"] for one in told["items"]]
        assert ("gone", 1, False) == (
            told["items"][1]["health"]["state"],
            told["items"][1]["waiting"],
            told["items"][1]["more_waiting"],
        )
        first = await got(api, "/destinations?limit=1")
        assert ("crm", "crm") == (first["items"][0]["name"], first["next"])
        assert ["lms"] == [one["name"] for one in (await got(api, "/destinations?after=crm"))["items"]]

    async def test_a_secret_that_is_made_is_told_once(self, api: Client) -> None:
        made = await sent(api, "POST", "/destinations", {"name": "new", "url": "https://e.org/"}, 201)
        fits("Destination", made)
        secret = made.pop("made_secret")
        assert secret.startswith("whsec_")
        shown = await got(api, "/destinations/new")
        assert "made_secret" not in shown
        assert made == shown
        assert secret not in json.dumps(shown)
        changed = await sent(api, "PUT", "/destinations/new", {**shown, "title": "New"})
        assert ("New", False) == (changed["title"], "made_secret" in changed)

    async def test_put_makes_one_too(self, api: Client) -> None:
        made = await sent(api, "PUT", "/destinations/new", {"url": "https://e.org/"})
        assert made["made_secret"]

    async def test_what_was_shown_can_be_sent_back_and_secrets_stay(
        self, api: Client, bench: SendingBench
    ) -> None:
        shown = await got(api, "/destinations/lms")
        assert "the-token-of-a-destination" not in json.dumps(shown)
        assert shown == await sent(api, "PUT", "/destinations/lms", shown)
        await sent(api, "POST", "/destinations/lms/test", {})
        assert "Bearer the-token-of-a-destination" == bench.receiver.calls[-1].header("authorization")

    async def test_a_secret_is_not_carried_to_another_host(self, api: Client) -> None:
        shown = await got(api, "/destinations/lms")
        told = await api.ask(
            "PUT", "/api/v1/destinations/lms", {**shown, "url": "https://other.example.org/"}
        )
        assert 422 == told.status, told.body

    async def test_a_name_that_is_taken_is_a_conflict(self, api: Client) -> None:
        problem(await api.ask("POST", "/api/v1/destinations", {"name": "crm", "url": "https://e.org"}), 409)

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": ["crm"], "url": "https://e.org/"}, "/name"),
            ({"name": "new"}, ""),
            ({"name": "new", "url": "ftp://e.org/"}, "/url"),
            ({"name": "new", "url": "https://e.org/", "concurrency": 0}, "/concurrency"),
            ({"name": "new", "url": "https://e.org/", "ordr": "$$id$$"}, "/ordr"),
            ({"name": "new", "url": "https://e.org/", "signing": {"type": "rot13"}}, "/signing/type"),
        ],
    )
    async def test_what_cannot_stand_is_refused_at_its_place(
        self, api: Client, body: Any, pointer: str
    ) -> None:
        told = await api.ask("POST", "/api/v1/destinations", body)
        assert 422 == told.status, told.body
        assert pointer in [one["pointer"] for one in told.document["problems"]]

    async def test_put_takes_no_other_name_than_the_address_s(self, api: Client) -> None:
        body = {"name": "other", "url": "https://e.org/"}
        problem(await api.ask("PUT", "/api/v1/destinations/new", body), 422, "/name")

    async def test_one_that_a_subscription_names_is_not_deleted(self, api: Client) -> None:
        problem(await api.ask("DELETE", "/api/v1/destinations/crm"), 409)
        await sent(api, "DELETE", "/subscriptions/orders", status=204)
        await sent(api, "DELETE", "/destinations/crm", status=204)
        problem(await api.ask("GET", "/api/v1/destinations/crm"), 404)

    async def test_a_damaged_one_is_listed_as_such_with_the_others(
        self, api: Client, bench: SendingBench
    ) -> None:
        change = ConfigurationChange(destinations={"crm": "{"})
        await bench.store.save_configuration(change, await bench.store.revision())
        await bench.engine.board.refresh()
        told = await got(api, "/destinations")
        fits("Destinations", told)
        assert [("crm", True), ("lms", False)] == [(one["name"], "problem" in one) for one in told["items"]]
        problem(await api.ask("GET", "/api/v1/destinations/crm"), 404)

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/enable"),
            ("POST", "/rotate"),
            ("POST", "/test"),
            ("POST", "/portal"),
            ("DELETE", "/portal"),
            ("GET", "/figures"),
        ],
    )
    async def test_one_that_is_not_there_is_404(self, api: Client, method: str, path: str) -> None:
        problem(await api.ask(method, f"/api/v1/destinations/nobody{path}"), 404)


class TestActs:
    """What is done with a destination."""

    async def test_one_that_is_gone_is_called_again_once_it_is_enabled(
        self, api: Client, bench: SendingBench
    ) -> None:
        bench.receiver.plan(Answer(410))
        await bench.raised()
        await bench.deliver()
        assert "gone" == (await got(api, "/destinations/crm"))["health"]["state"]
        enabled = await sent(api, "POST", "/destinations/crm/enable")
        fits("DestinationHealth", enabled)
        assert "good" == enabled["state"]
        await bench.raised()
        assert 1 == await bench.deliver()

    async def test_one_that_its_owner_paused_is_not_enabled(self, api: Client) -> None:
        shown = await got(api, "/destinations/crm")
        await sent(api, "PUT", "/destinations/crm", {**shown, "state": "paused"})
        problem(await api.ask("POST", "/api/v1/destinations/crm/enable"), 409)

    async def test_a_new_secret_is_told_once_and_the_old_one_signs_too(
        self, api: Client, bench: SendingBench
    ) -> None:
        signed = {**bench.destination("signed", **CALM), "signing": {"type": "standard-webhooks"}}  # type: ignore[dict-item]
        first = (await sent(api, "POST", "/destinations", signed, 201))["made_secret"]
        rotated = await sent(api, "POST", "/destinations/signed/rotate", {"overlap": 60})
        fits("RotatedSecret", rotated)
        assert first != rotated["secret"]
        assert rotated["secret"] not in json.dumps(await got(api, "/destinations/signed"))
        await sent(api, "POST", "/destinations/signed/test", {})
        assert 2 == len(bench.receiver.calls[-1].header("webhook-signature").split())
        alone = await sent(api, "POST", "/destinations/signed/rotate", {"overlap": 0, "secret": first})
        assert (first, None) == (alone["secret"], alone["old_until"])

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"overlap": -1}, "/overlap"),
            ({"overlap": MOST_OVERLAP + 1}, "/overlap"),
            ({"overlap": "1d"}, "/overlap"),
            ({"secret": 7}, "/secret"),
            ({"key": "x"}, "/key"),
        ],
    )
    async def test_a_rotation_that_cannot_be_is_refused(self, api: Client, body: Any, pointer: str) -> None:
        problem(await api.ask("POST", "/api/v1/destinations/crm/rotate", body), 422, pointer)

    async def test_a_test_is_sent_at_once_and_not_kept(self, api: Client, bench: SendingBench) -> None:
        bench.receiver.plan(Answer(503, body=b"\xff"))
        attempt = await sent(api, "POST", "/destinations/lms/test")
        fits("DeliveryAttempt", attempt)
        assert ("busy", 503, None, "/w==") == (
            attempt["trouble"],
            attempt["answer"]["status"],
            attempt["answer"]["body"],
            attempt["answer"]["body_base64"],
        )
        assert "the-token-of-a-destination" not in json.dumps(attempt)
        assert [] == (await got(api, "/deliveries"))["items"]

    async def test_a_test_goes_as_a_subscription_sends_it(self, api: Client, bench: SendingBench) -> None:
        data = b'{"subscription": "orders", "type": "order.paid", "data": {"amount": 19.90}}'
        answer = await api.ask("POST", "/api/v1/destinations/crm/test", data)
        assert (200, b'{"amount":19.90}') == (answer.status, bench.receiver.calls[-1].body)
        body = {"subscription": "nobody"}
        problem(await api.ask("POST", "/api/v1/destinations/crm/test", body), 404)
        problem(await api.ask("POST", "/api/v1/destinations/crm/test", {"type": 7}), 422, "/type")

    async def test_nobody_there_is_an_attempt_too(self, api: Client) -> None:
        shown = await got(api, "/destinations/crm")
        nowhere = {**shown, "url": "http://127.0.0.1:9/", "networks": [], "ports": [9]}
        await sent(api, "PUT", "/destinations/crm", nowhere)
        attempt = await sent(api, "POST", "/destinations/crm/test")
        fits("DeliveryAttempt", attempt)
        assert ("address", None) == (attempt["trouble"], attempt["answer"])

    async def test_a_link_lets_the_owner_in_until_it_is_revoked(
        self, api: Client, services: Services
    ) -> None:
        told = await sent(api, "POST", "/destinations/crm/portal", {"seconds": 3600}, 201)
        fits("PortalLink", told)
        address, _, token = told["url"].rpartition("/")
        assert f"{ADDRESS}/portal" == address
        guest = await services.outgoing.portal.enter(token)
        assert guest is not None
        assert "crm" == guest.destination
        await sent(api, "DELETE", "/destinations/crm/portal", status=204)
        assert await services.outgoing.portal.enter(token) is None
        problem(await api.ask("POST", "/api/v1/destinations/crm/portal", {"seconds": 1}), 422, "/seconds")

    async def test_what_ended_is_told_by_the_hour(self, api: Client, bench: SendingBench) -> None:
        await dead(bench, "order.paid")
        await bench.raised()
        await bench.deliver()
        told = await got(api, "/destinations/crm/figures?hours=3")
        fits("DestinationFigures", told)
        assert [(0, 0), (0, 0), (1, 1)] == [(one["delivered"], one["dead"]) for one in told["items"]]
        assert 48 == len((await got(api, "/destinations/crm/figures"))["items"])
        for hours in ("0", "1000000", "many", "-1"):
            problem(await api.ask("GET", f"/api/v1/destinations/crm/figures?hours={hours}"), 422, "/hours")


class TestSubscriptions:
    """Made, changed, deleted, and looked at before."""

    async def test_what_one_would_send_is_shown_before_it_is_saved(self, api: Client) -> None:
        draft: dict[str, Any] = {
            "destination": "crm",
            "events": ["record.inserted"],
            "condition": 'record.conection == "records"',
            "body": {"type": "text", "content": "{{ fields.ID }} is new"},
        }
        told = await sent(api, "POST", "/subscriptions/preview", {"subscription": draft})
        fits("SubscriptionPreview", told)
        assert (False, False, "") == (told["real"], told["delivered"], told["failure"])
        assert "23 is new" == told["request"]["body"]
        assert "webhook-id" in told["headers_added"]
        assert ["/condition"] == [one["pointer"] for one in told["problems"]]
        assert "preview" not in {one["name"] for one in (await got(api, "/subscriptions"))["items"]}

    async def test_of_what_was_raised_the_last_real_event_is_taken(
        self, api: Client, bench: SendingBench
    ) -> None:
        await bench.raised(amount=7)
        body = {"subscription": {"destination": "crm", "events": ["order.*"]}, "real": True}
        told = await sent(api, "POST", "/subscriptions/preview", body)
        assert (True, '{"amount": 7}') == (told["real"], told["event"]["data"])

    async def test_one_that_cannot_be_read_is_not_shown(self, api: Client) -> None:
        path = "/api/v1/subscriptions/preview"
        body = {"subscription": {"destination": "crm", "events": ["record.gone"]}}
        problem(await api.ask("POST", path, body), 422, "/subscription/events/0")
        problem(await api.ask("POST", path, {"subscription": 7}), 422, "/subscription")
        problem(await api.ask("POST", path, {"other": 7}), 422, "/other")

    async def test_each_is_made_changed_shown_and_deleted(self, api: Client) -> None:
        body = {"name": "new", "destination": "crm", "events": ["record.*"], "condition": 'a == "b"'}
        made = await sent(api, "POST", "/subscriptions", body, 201)
        fits("SubscriptionDocument", made)
        assert made == await got(api, "/subscriptions/new")
        problem(await api.ask("POST", "/api/v1/subscriptions", body), 409)
        changed = await sent(api, "PUT", "/subscriptions/new", {**made, "events": ["*"]})
        assert ["*"] == changed["events"]
        listed = await got(api, "/subscriptions")
        fits("Subscriptions", listed)
        assert ["lms", "new", "orders"] == [one["name"] for one in listed["items"]]
        await sent(api, "DELETE", "/subscriptions/new", status=204)
        for method in ("GET", "DELETE"):
            problem(await api.ask(method, "/api/v1/subscriptions/new"), 404)

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"destination": "nobody"}, "/destination"),
            ({"events": []}, "/events"),
            ({"events": ["record.insert"]}, "/events/0"),
            ({"events": ["Order.Paid"]}, "/events/0"),
            ({"condition": "a =="}, "/condition"),
            ({"body": {"type": "yaml"}}, "/body/type"),
            ({"headers": {"Host": "x"}}, "/headers/Host"),
            ({"name": "Orders!"}, "/name"),
        ],
    )
    async def test_what_cannot_stand_is_refused_at_its_place(
        self, api: Client, change: Any, pointer: str
    ) -> None:
        body = {"name": "new", "destination": "crm", "events": ["*"], **change}
        told = await api.ask("POST", "/api/v1/subscriptions", body)
        assert 422 == told.status, told.body
        assert pointer in [one["pointer"] for one in told.document["problems"]]

    async def test_the_station_s_own_types_are_told_with_samples(self, api: Client) -> None:
        told = await got(api, "/event-types")
        fits("EventTypes", told)
        assert [*OWN_NAMES] == [one["name"] for one in told["items"]]


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
        assert MOST_SHOWN > 1
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
