"""Destinations and subscriptions over HTTP: good and bad input, and what is told only once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hookstation.core.outgoing.types import OWN_NAMES
from hookstation.engine.outgoing.rotate import MOST_OVERLAP
from hookstation.ports.store import ConfigurationChange
from hookstation.web.services import Services
from tests.support.asgi import Client
from tests.support.receiver import Answer
from tests.support.sending import SendingBench
from tests.support.sending_api import CALM, dead, fits
from tests.support.services import ADDRESS
from tests.web.test_api import got, problem, sent


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
