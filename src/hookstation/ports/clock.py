"""Time and fresh identifiers."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` on this clock."""
        ...


class Identifiers(Protocol):
    """Unguessable names."""

    def event_id(self) -> str:
        """26 characters (Crockford base 32): 48 bits of time, then 80 fresh random bits; sorts by time."""
        ...

    def run_id(self) -> str:
        """26 characters with at least 80 fresh random bits, never an event id."""
        ...

    def token(self) -> str:
        """A URL-safe token of at least 128 fresh random bits."""
        ...
