"""The system's clock and its source of randomness."""

from __future__ import annotations

import asyncio
import secrets
import time
from os import urandom
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)
"""Base 32, ten bits at a time: an identifier is 130 bits, thirteen look-ups."""


class SystemClock:
    """Implements `ports.clock.Clock`."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds, never going back; the event loop's own scale."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


class SystemIdentifiers:
    """Implements `ports.clock.Identifiers`."""

    def event_id(self) -> str:
        """Milliseconds in 48 bits, then 80 random bits (the layout of a ULID)."""
        return _encode((time.time_ns() // 1_000_000 << 80) | int.from_bytes(urandom(10)))

    def run_id(self) -> str:
        """128 random bits: it tells nothing, not even when it was made."""
        return _encode(int.from_bytes(urandom(16)))

    def token(self) -> str:
        """192 random bits, URL-safe."""
        return secrets.token_urlsafe(24)


def _encode(value: int) -> str:
    """26 characters of Crockford base 32; sorts as the number does."""
    pairs = _PAIRS
    return "".join([pairs[(value >> shift) & 1023] for shift in range(120, -1, -10)])
