"""What is done after the answer, on pages without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from hookstation.web.rest import Rest
from tests.support.asgi import Client
from tests.support.engine import Engine, engine
from tests.support.queued import AFAR, NO, ORDERED, states
from tests.support.services import services_of
from tests.web.test_watching_pages import send, shown


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    """One webhook whose order is parked by a refusal, and one that gives up."""
    async with engine(ORDERED, AFAR) as made:
        yield made


@pytest_asyncio.fixture
async def pages(bench: Engine) -> Client:
    """Somebody who may do everything, by a key of the API."""
    services = services_of(bench)
    key = await services.keys.add("tests", "administrator")
    return Client(Rest(services), {"host": "x", "accept": "text/html", "authorization": f"Bearer {key}"})


async def test_a_parked_event_is_tried_again_from_its_page(pages: Client, bench: Engine) -> None:
    bench.far.outcomes += [NO]
    for _ in range(2):
        await bench.post("ordered", {"id": "7"})
    async with bench.working():
        await bench.clock.settle()
        first, _ = await bench.events()
        assert "Try it again or end it" in await shown(pages, "/")
        text = await shown(pages, f"/events/{first.id}")
        assert "It is parked: those of its order wait behind it" in text
        assert "Try it now" in text
        answer = await send(pages, f"/events/{first.id}/try-now")
        assert (303, f"/events/{first.id}?done=hurried") == (answer.status, answer.headers["location"])
        await bench.clock.settle()
    assert ["succeeded", "succeeded"] == await states(bench)
    assert "Try it now" not in await shown(pages, f"/events/{first.id}")


async def test_what_waits_can_be_ended_from_its_page(pages: Client, bench: Engine) -> None:
    await bench.post("queued", {"id": "7"})
    event = await bench.last()
    assert "End it" in await shown(pages, f"/events/{event.id}")
    assert 303 == (await send(pages, f"/events/{event.id}/cancel")).status
    assert "Cancelled by" in await shown(pages, f"/events/{event.id}")


async def test_the_front_page_counts_what_waits_and_what_was_given_up(pages: Client, bench: Engine) -> None:
    bench.far.outcomes += [NO]
    await bench.post("queued", {"id": "1"})
    async with bench.working():
        await bench.clock.settle()
    await bench.post("queued", {"id": "2"})
    await bench.tallying.tell()
    text = await shown(pages, "/")
    assert "1 event</a> acknowledged and not done yet" in text
    assert "1 dead letter</a> of this time" in text
