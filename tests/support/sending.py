"""The sending side on a bench: the real way out, a receiver on loopback, and a clock that the test moves.

Deliveries go step by step: `SendingBench.deliver` does what is due until nothing is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hookstation.adapters.sender import HttpSender
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.outgoing.values import Delivery, DeliveryAttempt, DestinationState, Health
from hookstation.core.values import JSON
from hookstation.engine.outgoing.crowd import NOTICED
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.testing.memory_store import MemoryStore
from tests.support.engine import Engine, Shared
from tests.support.receiver import Call, Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOPBACK: list[JSON] = ["127.0.0.0/8"]
PATIENCE = 60.0
WHO = "ann"


class SendingBench:
    """One node, or one of several, with everything that sending needs."""

    def __init__(self, engine: Engine, receiver: Receiver) -> None:
        self.engine, self.receiver = engine, receiver
        self.clock, self.store, self.log = engine.clock, engine.store, engine.log
        self.outgoing, self.worker = engine.outgoing, engine.sending.worker

    def destination(self, name: str = "crm", **more: JSON) -> JSON:
        """The document of a destination at the receiver, which is called under its name and is not signed."""
        plain: dict[str, JSON] = {"signing": {"type": "none"}, "url": f"{self.receiver.url}/{name}"}
        return {"name": name, "networks": LOOPBACK, **plain, **more}

    async def configure(
        self,
        *webhooks: JSON,
        destinations: Sequence[JSON] = (),
        subscriptions: Sequence[JSON] = (),
        connections: Sequence[JSON] = (),
    ) -> None:
        """Put this configuration live, with what is there."""
        await self.engine.apply(
            *webhooks,
            connections=list(connections),
            destinations=list(destinations),
            subscriptions=list(subscriptions),
        )

    async def raised(self, type_: str = "order.paid", key: str = "", **data: JSON) -> str:
        """Raise an event and return its id."""
        told = await self.outgoing.raising.raise_event(type_, json.dumps(data).encode(), WHO, key)
        return told.event.id

    async def begin(self) -> int:
        """Lease what is due and begin it; how much that was."""
        await self.outgoing.destinations.look()
        await self.engine.lookout.look()
        return await self.worker.take()

    async def deliver(self) -> int:
        """Do what is due now until nothing is; how many tries that took."""
        tries = 0
        while took := await self.begin():
            tries += took
            assert 0 == await self.worker.drain(PATIENCE)
        return tries

    async def after(self, seconds: float) -> int:
        """Let the time pass, then do what is due."""
        await self.clock.advance(seconds)
        return await self.deliver()

    async def deliveries(self, **which: Any) -> list[Delivery]:
        """Deliveries, oldest first."""
        page = await self.store.list_deliveries(DeliveryFilter(**which), 1000)
        return [*page.items][::-1]

    async def only(self) -> Delivery:
        """The one delivery that there is."""
        (found,) = await self.deliveries()
        return found

    async def attempts(self) -> list[DeliveryAttempt]:
        """The attempts of the one delivery that there is."""
        return [*await self.store.list_delivery_attempts((await self.only()).id)]

    async def state(self, name: str = "crm") -> DestinationState:
        """How a destination stands."""
        found = {one.name: one for one in await self.store.destination_states()}
        return found.get(name, DestinationState(name))

    async def health(self, name: str = "crm") -> Health:
        """How a destination stands, in a word."""
        return (await self.state(name)).health

    def calls(self, name: str = "crm") -> list[Call]:
        """What came for a destination."""
        return [call for call in self.receiver.calls if call.path.partition("?")[0] == f"/{name}"]

    async def another_node(self) -> SendingBench:
        """A node beside this one, of which this one knows."""
        made = SendingBench(await self.engine.another_node(), self.receiver)
        await self.clock.advance(NOTICED)
        return made


def subscription(name: str = "orders", destination: str = "crm", **more: JSON) -> JSON:
    """The document of a subscription to events that begin with ``order``, sent as they came."""
    return {
        "name": name,
        "destination": destination,
        "events": ["order.*"],
        "body": {"type": "json"},
        **more,
    }


@asynccontextmanager
async def sending(file: Path | None = None) -> AsyncIterator[SendingBench]:
    """A bench whose store is the twin, or SQLite in `file`."""
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        shared = Shared(HttpSender())
        stack.push_async_callback(shared.sender.close)
        if file is not None:
            opened = await open_sqlite(file, shared.clock.now)
            stack.push_async_callback(opened.close)
            shared.store = cast(MemoryStore, opened)
        engine = Engine(shared)
        await engine.membership.join()
        yield SendingBench(engine, receiver)
        assert 0 == await engine.executor.drain(1)
        assert 0 == await engine.sending.worker.drain(PATIENCE)
