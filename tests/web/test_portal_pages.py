"""The portal: the owner of one destination, without an account, sees and does what is theirs and nothing else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.support.paging import Guest
from tests.support.receiver import Answer
from tests.support.sending import WHO, SendingBench, sending, subscription
from tests.support.services import services_of

INSIDE = ("/outgoing", "/webhooks", "/settings", "other-destination", "secret-query", "orders")
"""What of the station no guest may read."""


@dataclass
class Portal:
    """A link to the portal of `crm`, and who came by it."""

    home: str
    guest: Guest
    bench: SendingBench

    async def delivery(self) -> str:
        """The newest delivery to `crm`."""
        return (await self.bench.deliveries(destination="crm"))[-1].id


@pytest_asyncio.fixture
async def portal() -> AsyncIterator[Portal]:
    """Two destinations that are told of orders; one has a link, and a delivery that was given up."""
    async with sending() as bench:
        await bench.configure(
            destinations=[
                bench.destination(
                    url=f"{bench.receiver.url}/crm?token=secret-query",
                    retry={"schedule": []},
                    signing={"type": "standard-webhooks"},
                ),
                bench.destination("other-destination"),
            ],
            subscriptions=[subscription(), subscription("more", "other-destination")],
        )
        bench.receiver.usual = lambda call: Answer(400 if call.path.startswith("/crm") else 200)
        await bench.raised(number=1)
        await bench.deliver()
        token, _ = await bench.outgoing.portal.link("crm", WHO)
        yield Portal(f"/portal/{token}", Guest(services_of(bench.engine)), bench)


async def test_shows_the_destination_and_nothing_of_the_station(portal: Portal) -> None:
    told = await portal.guest.open(portal.home)
    assert "given up" in told
    assert "How to verify a delivery" in told
    pages = [told, await portal.guest.open(f"{portal.home}/deliveries/{await portal.delivery()}")]
    assert [] == [word for word in INSIDE for page in pages if word in page]
    assert '"number": 1' in pages[1]


async def test_the_link_leaks_to_no_other_site_and_into_no_index(portal: Portal) -> None:
    told = await portal.guest.open(portal.home)
    assert portal.guest.last is not None
    assert "same-origin" == portal.guest.last.headers["referrer-policy"]
    assert "no-store" == portal.guest.last.headers["cache-control"]
    assert '<meta name="robots" content="noindex, nofollow">' in told
    assert not re.findall('(?:href|src)="https?:', told)


async def test_one_is_sent_again(portal: Portal) -> None:
    one = await portal.delivery()
    portal.bench.receiver.usual = Answer(200)
    await portal.guest.open(f"{portal.home}/deliveries/{one}")
    await portal.guest.post(f"{portal.home}/deliveries/{one}/resend")
    await portal.bench.deliver()
    assert "2 attempts" in await portal.guest.open(f"{portal.home}/deliveries/{one}")


async def test_all_that_failed_are_sent_again(portal: Portal) -> None:
    await portal.guest.open(portal.home)
    await portal.guest.post(f"{portal.home}/resend", since="24h")
    assert portal.guest.last is not None
    assert "1 is sent again" in await portal.guest.open(portal.guest.last.headers["location"])
    assert 1 == await portal.bench.deliver()


async def test_a_new_secret_is_typed_for_and_shown_once(portal: Portal) -> None:
    await portal.guest.open(portal.home)
    assert "must be “crm”" in await portal.guest.post(f"{portal.home}/rotate", 422, typed="no")
    await portal.guest.open(portal.home)
    told = await portal.guest.post(f"{portal.home}/rotate", 200, typed="crm", overlap="3600")
    [secret] = re.findall("<code>(whsec_[^<]+)</code>", told)
    told = await portal.guest.open(portal.home)
    assert secret not in told
    assert "signs, too, until" in told


@pytest.mark.parametrize("path", ["", "/deliveries/nothing", "/rotate", "/resend"])
async def test_a_link_that_was_ended_opens_nothing(portal: Portal, path: str) -> None:
    await portal.guest.open(portal.home)
    await portal.bench.outgoing.portal.revoke("crm", WHO)
    method = portal.guest.post if path in ("/rotate", "/resend") else portal.guest.open
    assert "This link does not work any more" in await method(f"{portal.home}{path}", 404)


async def test_a_link_ends_by_itself(portal: Portal) -> None:
    await portal.bench.clock.advance(8 * 86_400)
    assert "This link does not work any more" in await portal.guest.open(portal.home, 404)


async def test_a_delivery_to_others_is_not_there(portal: Portal) -> None:
    [foreign] = await portal.bench.deliveries(destination="other-destination")
    await portal.guest.open(portal.home)
    await portal.guest.open(f"{portal.home}/deliveries/{foreign.id}", 404)
    await portal.guest.open(portal.home)
    await portal.guest.post(f"{portal.home}/deliveries/{foreign.id}/resend", 404)


async def test_a_form_that_another_page_sends_is_refused(portal: Portal) -> None:
    await portal.guest.open(portal.home)
    await portal.guest.post(f"{portal.home}/resend", 403, token="", since="24h")
    assert 0 == await portal.bench.deliver()


async def test_who_tries_many_links_is_made_to_wait(portal: Portal) -> None:
    """The right link still opens."""
    stranger = Guest(services_of(portal.bench.engine), "198.51.100.7")
    for number in range(20):
        await stranger.open(f"/portal/guess{number}", 404)
    assert "Wait" in await stranger.open("/portal/guess", 429)
    assert "How to verify" in await stranger.open(portal.home)


async def test_what_could_not_be_sent_is_told_without_the_station_s_settings(portal: Portal) -> None:
    """The address guard's sentence names networks that are the station's own."""
    bench = portal.bench
    await bench.configure(destinations=[bench.destination(retry={"schedule": []}, networks=[])])
    token, _ = await bench.outgoing.portal.link("crm", WHO)
    await bench.raised(number=2)
    await bench.deliver()
    told = await portal.guest.open(f"/portal/{token}/deliveries/{await portal.delivery()}")
    assert "address not allowed" in told
    assert "networks" not in told
