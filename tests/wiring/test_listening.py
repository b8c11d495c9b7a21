"""A command that listens opens the database itself where no server of its folder runs, and hears the other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from hookstation.adapters.log import JsonLog
from hookstation.cli.backend import Refused
from hookstation.config.settings import resolve
from hookstation.core.values import JSON
from hookstation.wiring.inside import open_here
from hookstation.wiring.station import Seat, open_station
from tests.support.receiver import Receiver

PATIENCE = 60.0


async def next_document(stream: AsyncGenerator[JSON, None]) -> Any:
    """What is heard after whatever silence."""
    async with asyncio.timeout(PATIENCE):
        while (heard := await anext(stream)) is None:
            pass
        return heard


async def test_it_hears_what_another_node_delivers(tmp_path: Path, shared: Mapping[str, str]) -> None:
    theirs, ours = (resolve({"data": str(tmp_path / name)}, dict(shared)) for name in ("node", "command"))
    seat = Seat("all", "http://node")
    async with Receiver() as receiver, open_station(theirs, JsonLog(), "http://station", "", seat) as node:
        await node.start()
        destination: JSON = {"name": "crm", "url": f"{receiver.url}/crm", "networks": ["127.0.0.0/8"]}
        subscription: JSON = {"name": "orders", "destination": "crm", "events": ["order.*"]}
        await node.services.configurator.apply(
            {"version": 1, "destinations": [destination], "subscriptions": [subscription]}
        )
        async with open_here(ours) as control:
            assert not control.alone
            async with aclosing(control.stream("/deliveries/listen", {"destination": "crm"})) as stream:
                assert None is await anext(stream)
                await node.services.outgoing.raising.raise_event("order.paid", b"{}", "ann")
                heard = await next_document(stream)
                assert ("crm", "order.paid") == (
                    heard["delivery"]["destination"],
                    heard["delivery"]["type"],
                )
            with pytest.raises(Refused, match="nobody"):
                await anext(control.stream("/deliveries/listen", {"destination": "nobody"}))


async def test_on_sqlite_it_is_alone_and_hears_silence(tmp_path: Path) -> None:
    async with open_here(resolve({"data": str(tmp_path / "data")}, {})) as control:
        assert control.alone
        async with aclosing(control.stream("/deliveries/listen")) as stream:
            assert [None, None] == [await anext(stream) for _ in range(2)]
