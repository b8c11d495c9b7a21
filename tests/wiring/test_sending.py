"""Stations that send: what happened goes out at once, from the nodes that work, and a stop ends what is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from hookstation.adapters.log import JsonLog
from hookstation.config.settings import resolve
from hookstation.core.outgoing.values import DeliveryState
from hookstation.core.values import JSON
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.wiring.station import Seat, Station, open_station
from tests.support.receiver import HANG, OK, Receiver

PATIENCE = 60.0
WHO = "ann"


@asynccontextmanager
async def node(
    data: Path, variables: Mapping[str, str] | None = None, role: str = "all"
) -> AsyncIterator[Station]:
    """A station at work in this process."""
    settings = resolve({"data": str(data), "role": role}, dict(variables or {}))
    async with open_station(settings, JsonLog(), "http://station", "", Seat(role, "http://node")) as station:
        await station.start()
        yield station


async def configure(station: Station, receiver: Receiver, *names: str, **more: JSON) -> None:
    """Destinations that get orders, each by a subscription of its own."""
    destinations: list[JSON] = [
        {"name": name, "url": f"{receiver.url}/{name}", "networks": ["127.0.0.0/8"], **more} for name in names
    ]
    subscriptions: list[JSON] = [{"name": name, "destination": name, "events": ["order.*"]} for name in names]
    document: JSON = {"version": 1, "destinations": destinations, "subscriptions": subscriptions}
    await station.services.configurator.apply(document)


async def raised(station: Station) -> None:
    await station.services.outgoing.raising.raise_event("order.paid", b"{}", WHO)


async def states(station: Station) -> list[DeliveryState]:
    return [one.state for one in (await station.store.list_deliveries(DeliveryFilter(), 100)).items]


@pytest.fixture(params=["sqlite", "postgres"])
def variables(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """What a station is told of its database."""
    if request.param == "sqlite":
        return {}
    found: Mapping[str, str] = request.getfixturevalue("shared")
    return found


async def test_what_is_raised_arrives_and_who_listens_hears_it(
    tmp_path: Path, variables: Mapping[str, str]
) -> None:
    async with Receiver() as receiver, node(tmp_path / "data", variables) as station:
        await configure(station, receiver, "crm")
        async with asyncio.timeout(PATIENCE), aclosing(station.services.outgoing.listening.listen()) as heard:
            told = asyncio.ensure_future(anext(heard))
            await asyncio.sleep(0)
            await raised(station)
            (call,) = await receiver.until(1)
            assert DeliveryState.DELIVERED == (await told).delivery.state
        assert call.header("webhook-signature").startswith("v1,")


async def test_a_stop_lets_what_is_under_way_end_and_leaves_the_rest(
    tmp_path: Path, variables: Mapping[str, str]
) -> None:
    async with Receiver(HANG) as receiver:
        async with node(tmp_path / "data", variables) as station:
            await configure(station, receiver, "crm", concurrency=1)
            for _ in range(3):
                await raised(station)
            await receiver.until(1)
            stopping = asyncio.ensure_future(station.stop())
            await asyncio.sleep(0)
            receiver.usual = OK
            receiver.release()
            await stopping
            before = await states(station)
        assert 1 == before.count(DeliveryState.DELIVERED)
        async with node(tmp_path / "data", variables) as station:
            calls = await receiver.until(3)
            await station.stop()
            assert [DeliveryState.DELIVERED] * 3 == await states(station)
        assert 3 == len({call.header("webhook-id") for call in calls})


async def test_a_web_node_leaves_deliveries_to_the_nodes_that_work(
    tmp_path: Path, shared: Mapping[str, str]
) -> None:
    async with Receiver() as receiver, node(tmp_path / "web", shared, "web") as web:
        await configure(web, receiver, "crm")
        await raised(web)
        async with node(tmp_path / "worker", shared, "worker"):
            (call,) = await receiver.until(1)
        assert [DeliveryState.DELIVERED] == await states(web)
        assert "/crm" == call.path
