"""The system's clock and its source of randomness."""

from __future__ import annotations

import asyncio
import secrets
import time
from os import urandom
from typing import Final

from hookstation.ports.clock import Clock

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)
"""Base 32, ten bits at a time: an identifier is 130 bits, thirteen look-ups."""

_DIGITS: Final = bytes(ord(_CROCKFORD[byte & 31]) for byte in range(256))
"""A digit for each byte, so that a random byte gives five random bits in one step of `bytes.translate`."""

_RANDOM_DIGITS: Final = 16
POOL: Final = _RANDOM_DIGITS * 256


FAR_OFF: Final = 20_000
"""Microseconds by which this machine's clock may differ from the database's before it is put right: what a heartbeat
measures is no more exact than its round trip."""


class SystemClock:
    """Implements `ports.clock.Clock`. `correct` puts it right by the clock that all nodes share."""

    def __init__(self) -> None:
        self._ahead = 0

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000 + self._ahead

    def correct(self, now: int) -> None:
        """The shared clock says that it is `now`."""
        if abs(now - self.now()) > FAR_OFF:
            self._ahead += now - self.now()

    def monotonic(self) -> float:
        """Seconds, never going back; the event loop's own scale."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


class SystemIdentifiers:
    """Implements `ports.clock.Identifiers`. Not for use by several threads at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._millisecond = -1
        self._prefix = ""
        self._pool = ""
        self._used = 0

    def event_id(self) -> str:
        """Milliseconds in 48 bits, then 80 random bits (the layout of a ULID)."""
        return self._timed()

    def run_id(self) -> str:
        """The same layout, with 80 random bits of its own: new ones stand side by side in an index.

        When it was made is no secret: whoever has it is told so by the status address that it opens.
        """
        return self._timed()

    def _timed(self) -> str:
        millisecond = self._clock.now() // 1000
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            self._prefix = _encode(millisecond << 80)[:10]
        return self._prefix + self._random_digits()

    def _random_digits(self) -> str:
        """80 fresh bits as text; the system is asked for many at a time, and none is given out twice."""
        if self._used == len(self._pool):
            self._pool, self._used = urandom(POOL).translate(_DIGITS).decode(), 0
        self._used += _RANDOM_DIGITS
        return self._pool[self._used - _RANDOM_DIGITS : self._used]

    def token(self) -> str:
        """192 random bits, URL-safe."""
        return secrets.token_urlsafe(24)


def _encode(value: int) -> str:
    """26 characters of Crockford base 32; sorts as the number does."""
    pairs = _PAIRS
    return "".join([pairs[(value >> shift) & 1023] for shift in range(120, -1, -10)])
