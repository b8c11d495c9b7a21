"""Connections whose credentials a target refuses, and that work again: told once each, however many nodes find out.

How a connection stands is a fact in the database, read when this node finds it otherwise than it knew.  The event's key
is made of how it stood before, so that two nodes at once, or one that was killed in between, tell it once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, Protocol

from hookstation.core.definitions import Connection
from hookstation.core.values import JSON
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.store import Store

REFUSED: Final = "connection.refused"
RECOVERED: Final = "connection.recovered"
FACT: Final = "connection stands "
"""Begins the name of the fact of a connection, whose name follows: a type, and when it became so."""

log = logging.getLogger(__name__)


class Known(Protocol):
    """What is configured."""

    @property
    def connections(self) -> Mapping[str, Connection]:
        """Connections by name."""
        ...


class Connections:
    """Is told how calls end, and tells what is new. Costs nothing while nobody wants to know."""

    def __init__(self, store: Store, emitter: Emitter, known: Known, clock: Clock) -> None:
        self._store, self._emitter, self._known, self._clock = store, emitter, known, clock
        self._stands: dict[str, str] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def refused(self, connection: str, why: str) -> None:
        """A target has refused the credentials."""
        self._noticed(connection, REFUSED, why)

    def works(self, connection: str) -> None:
        """A target has done what it was asked for."""
        self._noticed(connection, RECOVERED, "")

    async def drain(self, seconds: float) -> None:
        """Let what is being told be told."""
        if self._telling:
            await asyncio.wait(set(self._telling), timeout=seconds)

    def _noticed(self, connection: str, type_: str, why: str) -> None:
        if self._stands.get(connection) == type_:
            return
        if not (self._emitter.wants(REFUSED) or self._emitter.wants(RECOVERED)):
            return
        self._stands[connection] = type_
        task = asyncio.get_running_loop().create_task(
            self._tell(connection, type_, why), name=f"{type_} {connection}"
        )
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, connection: str, type_: str, why: str) -> None:
        try:
            before = await self._store.get_fact(FACT + connection)
            stood = before.partition(" ")[0] or RECOVERED
            if stood == type_:
                return
            configured = self._known.connections.get(connection)
            kind = configured.type if configured is not None else ""
            payload: dict[str, JSON] = {"connection": {"name": connection, "type": kind}, "why": why}
            key = f"station:{type_} {connection} after {before}"
            if made := self._emitter.own(type_, payload, key=key):
                await self._store.emit(made)
            await self._store.set_fact(FACT + connection, f"{type_} {self._clock.now()}")
        except StoreError as failure:
            self._stands.pop(connection, None)
            log.error(
                "how the connection “%s” stands cannot be told just now: %s", connection, failure.message
            )
