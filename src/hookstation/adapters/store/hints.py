"""Hints within one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from hookstation.ports.leases import JOBS_READY


class Hints:
    """Implements `ports.leases.Hints` where nobody else writes the database. Used on the event loop only."""

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[str], None]] = {}

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with each hint; returns how to stop it."""
        ticket = object()
        self._listeners[ticket] = listener

        def stop() -> None:
            self._listeners.pop(ticket, None)

        return stop

    def tell(self, hint: str) -> None:
        """Tell everybody who listens, soon: what goes wrong in a listener must not reach whoever commits."""
        loop = asyncio.get_running_loop()
        for ticket in self._listeners:
            loop.call_soon(self._hear, ticket, hint)

    def tell_ready(self, lanes: Iterable[str]) -> None:
        """Say of these lanes that they have jobs that are due."""
        for lane in sorted(lanes):
            self.tell(JOBS_READY + lane)

    def _hear(self, ticket: object, hint: str) -> None:
        listener = self._listeners.get(ticket)
        if listener is not None:
            listener(hint)
