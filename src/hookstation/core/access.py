"""Who may call, and how often: decisions over addresses and time that is handed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from hookstation.errors import Invalid, Problem

SLOTS: Final = 100
"""A window is kept in about so many slots at most: a large limit costs no more memory than a small one."""


class AddressList:
    """The networks that may call. An empty list allows nobody: leave the list out where anybody may call.

    `networks` are single addresses or CIDR, IPv4 and IPv6. Raises `Invalid` with the place of each bad one.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._v4: dict[int, set[int]] = {}
        self._v6: dict[int, set[int]] = {}
        problems: list[Problem] = []
        for position, text in enumerate(networks):
            try:
                self._add(_network(text))
            except ValueError as wrong:
                problems.append(Problem((position,), str(wrong)))
        if problems:
            raise Invalid(problems)

    def allows(self, address: str) -> bool:
        """Whether a caller at `address` may go on; text that is no address may not."""
        try:
            caller = _plain(ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        value, table = int(caller), self._v4 if caller.version == 4 else self._v6
        return any(value >> shift in starts for shift, starts in table.items())

    def _add(self, network: IPv4Network | IPv6Network) -> None:
        shift = network.max_prefixlen - network.prefixlen
        table = self._v4 if network.version == 4 else self._v6
        table.setdefault(shift, set()).add(int(network.network_address) >> shift)


class RateLimit:
    """At most `count` calls in any `seconds`: a sliding window.

    Calls within a hundredth of the window share a slot and leave it together with the latest of them, so the
    limit is never exceeded and a caller waits at most a hundredth longer than needed.  Refused calls do not
    count.
    Two are equal where their limits are, whatever has been counted.
    """

    __slots__ = ("_count", "_grain", "_seconds", "_slots", "_used")

    def __init__(self, count: int, seconds: float) -> None:
        self._count, self._seconds = count, seconds
        self._grain = seconds / SLOTS
        self._slots: deque[_Slot] = deque()
        self._used = 0

    def allow(self, now_monotonic: float) -> float:
        """0 where the call may go on (and is counted), else the seconds after which one may.

        `now_monotonic`: seconds on a clock that never goes back.
        """
        self._forget(now_monotonic)
        if self._used < self._count:
            self._note(now_monotonic)
            return 0.0
        latest = self._slots[0].latest if self._slots else now_monotonic
        return max(latest + self._seconds - now_monotonic, self._grain)

    def _forget(self, now: float) -> None:
        while self._slots and now - self._slots[0].latest >= self._seconds:
            self._used -= self._slots.popleft().calls

    def _note(self, now: float) -> None:
        self._used += 1
        if self._slots and now - self._slots[-1].first < self._grain:
            self._slots[-1].calls += 1
            self._slots[-1].latest = now
        else:
            self._slots.append(_Slot(now))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RateLimit) and (other._count, other._seconds) == (self._count, self._seconds)

    def __hash__(self) -> int:
        return hash((self._count, self._seconds))


class _Slot:
    """Calls that came close together."""

    __slots__ = ("calls", "first", "latest")

    def __init__(self, now: float) -> None:
        self.first = self.latest = now
        self.calls = 1


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address that came in its IPv6 form (``::ffff:192.0.2.1``, RFC 4291 2.5.5.2) as itself."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _network(text: str) -> IPv4Network | IPv6Network:
    """A network from CIDR text. Raises `ValueError` with an instruction."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"“{text}” is not an address or network; write 203.0.113.0/24 or 2001:db8::/32."
        ) from None
    if "/" in text and ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f"“{text}” has bits set beyond its length; write {network}, or the address alone.")
    mapped = isinstance(network, IPv6Network) and network.network_address.ipv4_mapped
    if mapped and network.prefixlen >= 96:
        return IPv4Network((mapped, network.prefixlen - 96))
    return network
