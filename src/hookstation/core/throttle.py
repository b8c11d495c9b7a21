"""Pauses between tries to sign in: they grow with every failure, and are forgotten after a while."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Tries:
    """How often somebody tried in vain, and when last: microseconds since the epoch."""

    count: int
    last_at: int


@dataclass(frozen=True, slots=True)
class Patience:
    """`free` tries have no pause; the next is one second, and doubles up to `longest`.  All is forgotten after
    `forgotten` without a try.  Both in seconds."""

    free: int
    longest: int
    forgotten: int = 24 * 3_600

    def wait(self, tries: Tries | None, now: int) -> int:
        """Microseconds until the next try is looked at; 0 where it is at once."""
        if tries is None or self._is_forgotten(tries, now) or tries.count < self.free:
            return 0
        doublings = min(tries.count - self.free, 40)
        pause = min(1 << doublings, self.longest) * SECOND
        return max(tries.last_at + pause - now, 0)

    def after(self, tries: Tries | None, now: int) -> Tries:
        """The tries with one more."""
        if tries is None or self._is_forgotten(tries, now):
            return Tries(1, now)
        return Tries(tries.count + 1, max(now, tries.last_at))

    def _is_forgotten(self, tries: Tries, now: int) -> bool:
        return now - tries.last_at >= self.forgotten * SECOND


OF_ACCOUNT: Final = Patience(free=5, longest=60)
"""An account is never closed for long: whoever knows its e-mail address could keep its owner out.  A try a minute finds
no password of twelve characters."""

OF_ADDRESS: Final = Patience(free=20, longest=900)
"""Many people may share an address, so more of its tries are free; who goes on trying waits a quarter of an hour."""


def neighbourhood(address: str) -> str:
    """What is counted as one sender: an IPv4 address, or the /64 that an IPv6 address lies in (RFC 4291, 2.5.4)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> 64 << 64))
