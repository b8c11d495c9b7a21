"""Deliveries on pages without a browser: looked through, sent again, ended, and told of where they matter."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hookstation.core.outgoing.values import DeliveryAttempt, DeliveryState, Trouble
from hookstation.web.pages.outgoing.attempts import INSIDE, parts, tried
from hookstation.web.pages.outgoing.words import ADVICE, TROUBLES
from tests.support.asgi import Client
from tests.support.engine import webhook
from tests.support.forms import form_of
from tests.support.paging import administrator, raw, send, shown
from tests.support.receiver import Answer
from tests.support.sending import SendingBench, sending, subscription
from tests.support.services import services_of

LIST = "/outgoing/deliveries"


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[SendingBench]:
    """A destination that is told of orders and of what comes in, and that tries once."""
    async with sending() as made:
        await made.configure(
            webhook(),
            destinations=[made.destination(retry={"schedule": []})],
            subscriptions=[
                subscription(),
                subscription("calls", events=["inbound.courses", "record.inserted"]),
            ],
        )
        yield made


@pytest_asyncio.fixture
async def pages(bench: SendingBench) -> Client:
    """Somebody who may do everything."""
    return await administrator(services_of(bench.engine))


async def dead(bench: SendingBench, count: int = 1) -> list[str]:
    """The ids of deliveries that were given up."""
    bench.receiver.plan(*[Answer(400, (), b'{"why": "no such order"}')] * count)
    for _ in range(count):
        await bench.raised(number=1)
    await bench.deliver()
    return [one.id for one in await bench.deliveries(states=frozenset({DeliveryState.DEAD}))]


class TestList:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", True),
            ("destination=crm", True),
            ("destination=other", False),
            ("subscription=orders", True),
            ("status=dead", True),
            ("status=delivered", False),
            ("trouble=refused", True),
            ("trouble=timeout", False),
            ("type=order.*", True),
            ("type=record.*", False),
            ("since=1h", True),
            ("until=1h", False),
        ],
    )
    async def test_shows_what_fits(self, pages: Client, bench: SendingBench, query: str, found: bool) -> None:
        [one] = await dead(bench)
        assert found is (f"{LIST}/{one}" in await shown(pages, f"{LIST}?{query}"))

    @pytest.mark.parametrize("query", ["status=lost", "since=soon", "trouble=none"])
    async def test_what_cannot_be_asked_is_said_above_the_list(self, pages: Client, query: str) -> None:
        assert "notice bad" in await shown(pages, f"{LIST}?{query}", 422)

    async def test_goes_on_with_older_ones(self, pages: Client, bench: SendingBench) -> None:
        for number in range(51):
            await bench.raised(number=number)
        first = await shown(pages, LIST)
        assert 50 == first.count('type="checkbox" name="id"')
        [following] = [one for one in first.split('"') if "after=" in one]
        assert 1 == (await shown(pages, following)).count('type="checkbox" name="id"')


class TestOne:
    async def test_tells_every_attempt_its_error_and_what_to_do(
        self, pages: Client, bench: SendingBench
    ) -> None:
        [one] = await dead(bench)
        told = await shown(pages, f"{LIST}/{one}")
        assert TROUBLES[Trouble.REFUSED] in told
        assert ADVICE[Trouble.REFUSED] in told
        assert "no such order" in told
        assert "webhook-id" in told
        assert "Nothing by itself" in told
        assert '"number": 1' in told

    async def test_is_sent_again(self, pages: Client, bench: SendingBench) -> None:
        [one] = await dead(bench)
        answer = await send(pages, f"{LIST}/{one}/resend", {})
        assert f"{LIST}/{one}?done=resent" == answer.headers["location"]
        assert "It is tried by itself." in await shown(pages, f"{LIST}/{one}")
        await bench.deliver()
        told = await shown(pages, f"{LIST}/{one}")
        assert "2 attempts" in told
        assert "Nothing more: it was taken." in told

    async def test_that_waits_is_ended(self, pages: Client, bench: SendingBench) -> None:
        await bench.raised()
        one = (await bench.only()).id
        await send(pages, f"{LIST}/{one}/cancel", {})
        assert "Nothing more: it was ended." in await shown(pages, f"{LIST}/{one}")
        assert 409 == (await send(pages, f"{LIST}/{one}/cancel", {})).status

    async def test_that_is_not_there_is_not_found(self, pages: Client) -> None:
        await shown(pages, f"{LIST}/nothing", 404)

    async def test_says_that_a_paused_destination_keeps_it(self, pages: Client, bench: SendingBench) -> None:
        await bench.raised()
        await send(pages, "/outgoing/destinations/crm/mode", {"mode": "paused"})
        told = await shown(pages, f"{LIST}/{(await bench.only()).id}")
        assert "Its destination is paused: it waits until that is resumed" in told

    async def test_the_parts_of_its_time_fill_the_whole(self, bench: SendingBench) -> None:
        await bench.raised()
        await bench.deliver()
        [attempt] = await bench.attempts()
        found = parts(attempt)
        assert attempt.timing.total == sum(one.took for one in found)
        assert "reading the answer" == found[-1].name


class TestAttempt:
    def test_what_is_cut_and_what_is_no_text_is_shown_as_it_came(self) -> None:
        one = DeliveryAttempt("d", 1, 1, "POST", "http://x", body=b"\xff\x00", answer=b'{"half": ', cut=True)
        found = tried(one)
        assert ("ff 00", "bytes") == (found.sent and found.sent.text, found.sent and found.sent.language)
        assert '{"half": ' == (found.answer and found.answer.text)

    @pytest.mark.parametrize("trouble", [one for one in Trouble if one])
    def test_every_trouble_has_words_and_advice_which_guests_get_none_of(self, trouble: Trouble) -> None:
        one = DeliveryAttempt("d", 1, 1, "POST", "http://x", trouble=trouble, error="Why it failed.")
        assert tried(one).trouble
        assert tried(one).advice
        assert ("", trouble not in INSIDE) == (
            tried(one, guest=True).advice,
            bool(tried(one, guest=True).error),
        )


class TestMany:
    async def test_those_that_are_marked_are_sent_again(self, pages: Client, bench: SendingBench) -> None:
        ids = await dead(bench, 3)
        answer = await send(pages, f"{LIST}/marked", {"act": "resend", "id": [*ids[:2], "nothing"]})
        assert "2 were sent again. 1 could not be" in await shown(pages, answer.headers["location"])
        assert 2 == await bench.deliver()

    async def test_none_marked_says_so(self, pages: Client) -> None:
        answer = await send(pages, f"{LIST}/marked", {"act": "cancel"})
        assert "Mark deliveries first." in await shown(pages, answer.headers["location"])

    async def test_all_that_match_are_counted_and_then_sent_again(
        self, pages: Client, bench: SendingBench
    ) -> None:
        await dead(bench, 3)
        many = f"{LIST}/many?act=resend&destination=crm&status=dead&since=24h"
        page = await raw(pages, many)
        assert "3 deliveries" in page
        fields = {**form_of(page, action="/many").fields, "act": "resend"}
        answer = await send(pages, f"{LIST}/many", fields)
        assert "3 were sent again" in await shown(pages, answer.headers["location"])
        assert 3 == await bench.deliver()

    async def test_from_a_destination_s_page_they_are_a_click_away(
        self, pages: Client, bench: SendingBench
    ) -> None:
        await dead(bench)
        answer = await send(pages, "/outgoing/destinations/crm/resend", {"since": "7d"})
        assert "1 delivery" in await shown(pages, answer.headers["location"])

    async def test_all_that_wait_and_match_are_ended(self, pages: Client, bench: SendingBench) -> None:
        await bench.raised()
        page = await raw(pages, f"{LIST}/many?act=cancel&type=order.paid")
        await send(pages, f"{LIST}/many", {**form_of(page, action="/many").fields, "act": "cancel"})
        assert DeliveryState.CANCELLED is (await bench.only()).state

    async def test_everything_at_once_is_never_meant(self, pages: Client, bench: SendingBench) -> None:
        await dead(bench)
        assert "everything at once is never meant" in await shown(pages, f"{LIST}/many?act=resend")
        assert 422 == (await send(pages, f"{LIST}/many", {"act": "resend"})).status

    async def test_none_that_matches_says_what_is_meant(self, pages: Client) -> None:
        assert "given up are meant" in await shown(pages, f"{LIST}/many?act=resend&destination=crm")


class TestElsewhere:
    async def test_an_event_tells_what_others_were_told_of_it(
        self, pages: Client, bench: SendingBench
    ) -> None:
        await bench.engine.post("courses", {"id": "7"})
        await bench.deliver()
        told = await shown(pages, f"/events/{(await bench.engine.last()).id}")
        assert "What others were told of it" in told
        assert "inbound.courses" in told
        assert "record.inserted" in told
        assert all(f"{LIST}/{one.id}" in told for one in await bench.deliveries())

    async def test_a_webhook_tells_who_else_is_told(self, pages: Client) -> None:
        told = await shown(pages, "/webhooks/courses")
        assert "/outgoing/subscriptions/calls" in told
        assert "/outgoing/subscriptions/_new?event=inbound.courses" in told
        form = form_of(await raw(pages, "/outgoing/subscriptions/_new?event=inbound.courses"), "Subscription")
        assert ["inbound.courses"] == form.fields["events.marked"]

    async def test_the_dashboard_tells_of_what_was_given_up_until_it_is_sent_again(
        self, pages: Client, bench: SendingBench
    ) -> None:
        assert "Deliveries given up" not in await shown(pages, "/")
        [one] = await dead(bench)
        assert "1 delivery of the last day used up its attempts" in await shown(pages, "/")
        await send(pages, f"{LIST}/{one}/resend", {})
        assert "Deliveries given up" not in await shown(pages, "/")

    async def test_the_dashboard_tells_of_a_destination_that_is_gone(
        self, pages: Client, bench: SendingBench
    ) -> None:
        bench.receiver.plan(Answer(410))
        await bench.raised()
        await bench.deliver()
        assert "Nothing goes to" in await shown(pages, "/")
        await send(pages, "/outgoing/destinations/crm/enable", {})
        assert "Nothing goes to" not in await shown(pages, "/")
