"""The sending side on pages without a browser: destinations and subscriptions, every error recovered from."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from hookstation.core.values import JSON
from tests.support.asgi import Client
from tests.support.engine import webhook
from tests.support.forms import form_of
from tests.support.paging import FORM, Fields, administrator, again, fill, raw, send, shown, text
from tests.support.receiver import Answer
from tests.support.sending import SendingBench, sending, subscription
from tests.support.services import services_of

NEW = "/outgoing/destinations/_new"
NEW_SUBSCRIPTION = "/outgoing/subscriptions/_new"
GOOD: Fields = {
    "name": "orders",
    "destination": "crm",
    "events__marked": ["record.inserted"],
}
"""A subscription that has what it needs."""


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[SendingBench]:
    """Nothing is configured yet but a webhook."""
    async with sending() as made:
        await made.configure(webhook())
        yield made


@pytest_asyncio.fixture
async def pages(bench: SendingBench) -> Client:
    """Somebody who may do everything."""
    return await administrator(services_of(bench.engine))


@pytest_asyncio.fixture
async def crm(bench: SendingBench) -> None:
    """A destination that is told of orders."""
    await bench.configure(destinations=[bench.destination()], subscriptions=[subscription()])


class TestEmptyPages:
    async def test_say_what_to_do_next(self, pages: Client) -> None:
        assert 'href="/outgoing/destinations/_new"' in await shown(pages, "/outgoing")
        assert 'href="/outgoing/destinations/_new"' in await shown(pages, "/outgoing/deliveries")
        assert "No destination yet" in await shown(pages, NEW_SUBSCRIPTION)


class TestDestinationForm:
    async def test_name_and_url_are_enough_and_the_secret_is_shown_once(
        self, pages: Client, bench: SendingBench
    ) -> None:
        answer = await fill(pages, NEW, "Destination", name="crm", url="https://crm.example.org/in")
        assert 200 == answer.status
        [secret] = re.findall(r"<code>(whsec_[^<]+)</code>", text(answer))
        assert secret in text(answer).partition("verifies a delivery")[2]
        assert secret == bench.outgoing.live.destination("crm").signing.secret.reveal()  # type: ignore[union-attr]
        assert secret not in await shown(pages, "/outgoing/destinations/crm")
        assert secret not in await shown(pages, "/outgoing/destinations/crm/edit")

    @pytest.mark.parametrize(
        ("wrong", "field", "right"),
        [
            ({"name": "Not good"}, "name", {"name": "crm"}),
            ({"name": ""}, "name", {"name": "crm"}),
            ({"url": "ftp://crm"}, "url", {"url": "https://crm.example.org"}),
            ({"url": ""}, "url", {"url": "https://crm.example.org"}),
            ({"timeout": "an age"}, "timeout", {"timeout": "30s"}),
            ({"retry__schedule": "5s soon"}, "retry-schedule", {"retry__schedule": "5s 1m"}),
            ({"retry__jitter": "much"}, "retry-jitter", {"retry__jitter": "10%"}),
            ({"rate": "fast"}, "rate", {"rate": "50/s"}),
            ({"concurrency": "0"}, "concurrency", {"concurrency": "5"}),
            ({"concurrency": "many"}, "concurrency", {"concurrency": "5"}),
            ({"order": "$$member"}, "order", {"order": "$$member$$"}),
            ({"networks": "here"}, "networks", {"networks": "10.0.0.0/8"}),
            ({"ports": "443 https"}, "ports", {"ports": "443"}),
            ({"ports": "8443"}, "ports", {"ports": "443"}),
            ({"proxy": "socks://x"}, "proxy", {"proxy": "http://proxy.example.org:3128"}),
            ({"breaker__share": "0%"}, "breaker-share", {"breaker__share": "60%"}),
            ({"disable_after": "1s"}, "disable_after", {"disable_after": "2d"}),
            (
                {"authentication__type": "bearer"},
                "authentication-bearer-token",
                {"authentication__bearer__token": "abc"},
            ),
            (
                {"authentication__type": "basic", "authentication__basic__username": "a:b"},
                "authentication-basic-password",
                {"authentication__basic__username": "ann", "authentication__basic__password": "x"},
            ),
            (
                {"signing__type": "standard-webhooks", "signing__standard-webhooks__secret": "short"},
                "signing-standard-webhooks-secret",
                {"signing__standard-webhooks__secret": ""},
            ),
            (
                {"signing__type": "family", "signing__family__secret": "abc"},
                "signing-family-type",
                {"signing__family__type": "github"},
            ),
            (
                {"signing__type": "hmac", "signing__hmac__secret": "abc"},
                "signing-hmac-header",
                {"signing__hmac__header": "X-Signature"},
            ),
        ],
    )
    async def test_every_error_stands_at_its_field_and_can_be_put_right(
        self,
        pages: Client,
        bench: SendingBench,
        wrong: dict[str, str],
        field: str,
        right: dict[str, str],
    ) -> None:
        good = {"name": "crm", "url": "https://crm.example.org"}
        refused = await fill(pages, NEW, "Destination", **{**good, **wrong})
        assert 422 == refused.status
        assert f'id="{field}-error"' in text(refused)
        assert f'href="#{field}"' in text(refused)
        assert not bench.outgoing.live.destinations
        assert (await again(pages, NEW, refused, "Destination", **right)).status in (200, 303)
        assert ["crm"] == [*bench.outgoing.live.destinations]

    async def test_a_name_that_is_taken_is_refused(self, pages: Client, crm: None) -> None:
        refused = await fill(pages, NEW, "Destination", name="crm", url="https://other.example.org")
        assert 422 == refused.status
        assert "taken by another destination" in text(refused)

    async def test_saved_unchanged_nothing_changes(self, pages: Client, bench: SendingBench) -> None:
        """Every setting survives the way into the form and back, secrets included."""
        full = bench.destination(
            title="The CRM",
            note="Line 1\nLine 2",
            authentication={"type": "oauth2", "token_url": f"{bench.receiver.url}/t", "client_id": "me",
                            "client_secret": "s3cret", "in_body": True},
            signing={"type": "stripe", "secret": "abcdef"},
            retry={"schedule": ["1.5s", "1m"], "jitter": "0%"},
            ports=[bench.receiver.port],
            rate="50/s",
            order="$$member.id$$",
            timeout="5s",
            breaker={"share": "80%", "calls": 20, "window": "2m", "pause": "1m"},
            disable_after="2d",
        )  # fmt: skip
        await bench.configure(destinations=[full])
        before = bench.outgoing.live.destination("crm")
        answer = await fill(pages, "/outgoing/destinations/crm/edit", "Destination")
        assert 303 == answer.status, text(answer)
        assert before == bench.outgoing.live.destination("crm")

    async def test_no_pause_means_one_attempt(self, pages: Client, bench: SendingBench, crm: None) -> None:
        answer = await fill(pages, "/outgoing/destinations/crm/edit", "Destination", retry__schedule="[]")
        assert 303 == answer.status
        assert () == bench.outgoing.live.destination("crm").retry.pauses

    async def test_a_secret_does_not_follow_to_another_host(self, pages: Client, bench: SendingBench) -> None:
        secret: JSON = {"type": "bearer", "token": "abc"}
        await bench.configure(destinations=[bench.destination(authentication=secret)])
        edit = "/outgoing/destinations/crm/edit"
        refused = await fill(pages, edit, "Destination", url="https://elsewhere.example.org")
        assert 422 == refused.status
        assert 'id="authentication-bearer-token-error"' in text(refused)
        right = await again(pages, edit, refused, "Destination", authentication__bearer__token="abc")
        assert 303 == right.status

    async def test_another_kind_takes_no_secret_of_the_one_before(
        self, pages: Client, bench: SendingBench
    ) -> None:
        await bench.configure(destinations=[bench.destination(signing={"type": "github", "secret": "abc"})])
        edit = "/outgoing/destinations/crm/edit"
        refused = await fill(
            pages, edit, "Destination", signing__type="hmac", signing__hmac__header="X-Signature"
        )
        assert 422 == refused.status
        assert 'id="signing-hmac-secret-error"' in text(refused)
        right = await again(pages, edit, refused, "Destination", signing__hmac__secret="xyz")
        assert 303 == right.status


class TestDestinationPage:
    async def test_a_test_is_shown_at_once(self, pages: Client, bench: SendingBench, crm: None) -> None:
        bench.receiver.plan(Answer(200, (), b"thanks"), Answer(503))
        good = text(await send(pages, "/outgoing/destinations/crm/test", {}))
        assert "The test was delivered" in good
        assert "thanks" in good
        bad = text(await send(pages, "/outgoing/destinations/crm/test", {}))
        assert "The test was not delivered" in bad
        assert "busy (429, 502 to 504)" in bad

    async def test_it_is_paused_keeps_everything_and_is_resumed(
        self, pages: Client, bench: SendingBench, crm: None
    ) -> None:
        home = "/outgoing/destinations/crm"
        await send(pages, f"{home}/mode", {"mode": "paused"})
        await bench.raised()
        assert 0 == await bench.deliver()
        told = await shown(pages, home)
        assert "It keeps everything until it is resumed." in told
        assert "status=waiting" in told
        await send(pages, f"{home}/mode", {"mode": "active"})
        assert 1 == await bench.deliver()

    async def test_says_why_nothing_goes_there_and_is_enabled(
        self, pages: Client, bench: SendingBench, crm: None
    ) -> None:
        bench.receiver.plan(Answer(410))
        await bench.raised()
        await bench.deliver()
        home = "/outgoing/destinations/crm"
        told = await shown(pages, home)
        assert "badge bad" in told
        assert "410" in told
        assert "It stays so until a person enables it." in told
        assert "gone" in await shown(pages, "/outgoing")
        answer = await send(pages, f"{home}/enable", {})
        assert f"{home}?done=enabled" == answer.headers["location"]
        assert "It stays so until" not in await shown(pages, home)

    async def test_a_new_secret_is_typed_for_and_shown_once(self, pages: Client, bench: SendingBench) -> None:
        await fill(pages, NEW, "Destination", name="crm", url="https://crm.example.org")
        home = "/outgoing/destinations/crm"
        before = bench.outgoing.live.destination("crm").signing
        assert 422 == (await send(pages, f"{home}/rotate", {"typed": "no"})).status
        assert before == bench.outgoing.live.destination("crm").signing
        told = text(await send(pages, f"{home}/rotate", {"typed": "crm", "overlap": "3600"}))
        [secret] = re.findall(r"<code>(whsec_[^<]+)</code>", told)
        assert "The old one signs, too, until" in told
        assert secret not in await shown(pages, home)
        wrong = await send(pages, f"{home}/rotate", {"typed": "crm", "secret": "bad"})
        assert 422 == wrong.status
        assert "The secret" in text(wrong)

    async def test_a_link_for_its_owner_is_made_and_ended(self, pages: Client, crm: None) -> None:
        home = "/outgoing/destinations/crm"
        told = text(await send(pages, f"{home}/link", {"seconds": "86400"}))
        [link] = re.findall(r"https://hooks.example.org(/portal/[^<]+)</code>", told)
        assert "crm" in await shown(pages, link)
        assert 422 == (await send(pages, f"{home}/revoke", {"typed": ""})).status
        assert 303 == (await send(pages, f"{home}/revoke", {"typed": "crm"})).status
        assert "does not work any more" in await shown(pages, link, 404)

    async def test_it_is_deleted_when_nothing_leads_to_it_and_its_name_is_typed(
        self, pages: Client, bench: SendingBench, crm: None
    ) -> None:
        home = "/outgoing/destinations/crm"
        assert 409 == (await send(pages, f"{home}/delete", {"typed": "crm"})).status
        await send(pages, "/outgoing/subscriptions/orders/delete", {"typed": "orders"})
        assert 422 == (await send(pages, f"{home}/delete", {"typed": "crmm"})).status
        answer = await send(pages, f"{home}/delete", {"typed": "crm"})
        assert "/outgoing?done=crm" == answer.headers["location"]
        assert {} == bench.outgoing.live.destinations

    async def test_a_proxy_is_said_to_have_the_guard(self, pages: Client, bench: SendingBench) -> None:
        await bench.configure(destinations=[bench.destination(proxy="http://proxy.example.org:3128")])
        assert "the address guard has moved there" in await shown(pages, "/outgoing/destinations/crm")


class TestList:
    async def test_tells_who_is_told_of_what_and_how_it_goes(
        self, pages: Client, bench: SendingBench, crm: None
    ) -> None:
        await bench.raised()
        await bench.deliver()
        told = await shown(pages, "/outgoing")
        assert "order.*" in told
        assert "last delivery to crm" in told
        assert '<span class="spark">' in told

    @pytest.mark.parametrize(
        ("query", "found"),
        [("search=order", True), ("search=CRM", True), ("search=nowhere", False), ("state=paused", False)],
    )
    async def test_is_searched_and_filtered(self, pages: Client, crm: None, query: str, found: bool) -> None:
        told = await shown(pages, f"/outgoing?{query}")
        assert found is ("1 destination" in told)
        assert found is not ("No destination fits" in told)


class TestSubscriptionForm:
    @pytest_asyncio.fixture(autouse=True)
    async def destination(self, bench: SendingBench) -> None:
        await bench.configure(destinations=[bench.destination()])

    async def test_events_that_are_marked_and_typed_are_its_events(
        self, pages: Client, bench: SendingBench
    ) -> None:
        answer = await fill(
            pages,
            NEW_SUBSCRIPTION,
            "Subscription",
            **{**GOOD, "events__marked": ["inbound.courses", "record.inserted"]},
            events="order.*",
        )
        assert 303 == answer.status, text(answer)
        one = bench.engine.board.subscriptions["orders"]
        assert ("inbound.courses", "record.inserted", "order.*") == one.events
        edit = "/outgoing/subscriptions/orders/edit"
        assert 303 == (await fill(pages, edit, "Subscription")).status
        assert one == bench.engine.board.subscriptions["orders"]

    @pytest.mark.parametrize(
        ("wrong", "field", "right"),
        [
            ({"name": "Not good"}, "name", {"name": "orders"}),
            ({"destination": ""}, "destination", {"destination": "crm"}),
            ({"events__marked": []}, "events", {"events": "order.*"}),
            ({"events": "record.vanished"}, "events", {"events": ""}),
            ({"condition": "fields.ID =="}, "condition", {"condition": 'fields.ID == "1"'}),
            ({"headers": "X-One"}, "headers", {"headers": "X-One: 1"}),
            ({"headers": "X-One: 1\nX-One: 2"}, "headers", {"headers": "X-One: 1"}),
            ({"headers": "Content-Length: 1"}, "headers", {"headers": ""}),
            (
                {"body__type": "template", "body__template__content": "{no"},
                "body-template-content",
                {"body__template__content": '{"id": "$$fields.ID$$"}'},
            ),
            (
                {"body__type": "form"},
                "body-form-content",
                {"body__form__content": "id: $$fields.ID$$\nfrom: here"},
            ),
            (
                {"body__type": "xml", "body__xml__content": '{"a": 1, "b": 2}'},
                "body-xml-content",
                {"body__xml__content": '{"a": "$$fields.ID$$"}'},
            ),
            ({"body__type": "text"}, "body-text-content", {"body__text__content": "{{ fields.ID }} is new"}),
            (
                {"body__json__content_type": "no type", "body__type": "json"},
                "body-json-content_type",
                {"body__json__content_type": "application/json"},
            ),
        ],
    )
    async def test_every_error_stands_at_its_field_and_can_be_put_right(
        self,
        pages: Client,
        bench: SendingBench,
        wrong: dict[str, str],
        field: str,
        right: dict[str, str],
    ) -> None:
        refused = await fill(pages, NEW_SUBSCRIPTION, "Subscription", **{**GOOD, **wrong})
        assert 422 == refused.status
        assert f'id="{field}-error"' in text(refused)
        assert not bench.engine.board.subscriptions
        answer = await again(pages, NEW_SUBSCRIPTION, refused, "Subscription", **right)
        assert 303 == answer.status, text(answer)
        assert ["orders"] == [*bench.engine.board.subscriptions]

    async def test_what_it_would_send_is_shown_without_scripts(self, pages: Client) -> None:
        answer = await fill(
            pages,
            NEW_SUBSCRIPTION,
            "Subscription",
            **GOOD,
            condition='record.connection == "records"',
            body__type="text",
            body__text__content="{{ fields.ID }} is new in {{ record.connection }}",
            act="preview",
        )
        told = text(answer)
        assert 200 == answer.status
        assert "would be delivered" in told
        assert "23 is new in records" in told
        assert "record.connection is “records”" in told

    async def test_the_preview_by_itself_says_what_is_wrong(self, pages: Client) -> None:
        form = form_of(await raw(pages, NEW_SUBSCRIPTION), "Subscription")
        fields = form.filled(**{**GOOD, "condition": "fields.ID = 1"})
        answer = await pages.ask(
            "POST",
            "/outgoing/subscriptions/_preview",
            urlencode(fields, doseq=True).encode(),
            **FORM,
            hx_target="div#preview",
        )
        assert text(answer).strip().startswith('<div id="preview"')
        assert "cannot be sent" in text(answer)

    async def test_the_preview_by_itself_does_not_blame_who_has_just_begun(self, pages: Client) -> None:
        form = form_of(await raw(pages, NEW_SUBSCRIPTION), "Subscription")
        answer = await pages.ask(
            "POST",
            "/outgoing/subscriptions/_preview",
            urlencode(form.filled(), doseq=True).encode(),
            **FORM,
            hx_target="div#preview",
        )
        assert "cannot be sent" not in text(answer)
        assert "while you fill in the form" in text(answer)

    async def test_the_last_real_event_is_taken_before_it_ever_went_out(
        self, pages: Client, bench: SendingBench
    ) -> None:
        await bench.engine.post("courses", {"id": "4711"})
        answer = await fill(
            pages,
            NEW_SUBSCRIPTION,
            "Subscription",
            **{**GOOD, "events__marked": ["inbound.courses"]},
            body__type="json",
            over="real",
            act="preview",
        )
        assert '"id": "4711"' in text(answer)
        assert "The last real event: inbound.courses" in text(answer)

    async def test_a_sample_of_what_comes_in_is_as_its_schema_wants_it(self, pages: Client) -> None:
        answer = await fill(
            pages,
            NEW_SUBSCRIPTION,
            "Subscription",
            **{**GOOD, "events__marked": ["inbound.courses"]},
            over="sample",
            act="preview",
        )
        assert "The sample: inbound.courses" in text(answer)
        assert '"note": ' in text(answer)

    async def test_a_property_that_no_event_has_is_doubted(self, pages: Client) -> None:
        answer = await fill(
            pages,
            NEW_SUBSCRIPTION,
            "Subscription",
            **GOOD,
            condition='record.entty == "X"',
            act="preview",
        )
        assert "record.entity" in text(answer)


class TestSubscriptionPage:
    async def test_tells_what_it_sends_and_tests_it(
        self, pages: Client, bench: SendingBench, crm: None
    ) -> None:
        home = "/outgoing/subscriptions/orders"
        assert "order.*" in await shown(pages, home)
        told = text(await send(pages, f"{home}/test", {"over": "sample"}))
        assert "The test was delivered" in told
        assert json.loads(bench.calls()[0].body)["message"].startswith("A sample")

    async def test_it_is_switched_off_and_on(self, pages: Client, bench: SendingBench, crm: None) -> None:
        home = "/outgoing/subscriptions/orders"
        await send(pages, f"{home}/active", {"active": "false"})
        assert not bench.engine.board.subscriptions["orders"].active
        assert "Switch on" in await shown(pages, home)
        await send(pages, f"{home}/active", {"active": "true"})
        assert bench.engine.board.subscriptions["orders"].active
