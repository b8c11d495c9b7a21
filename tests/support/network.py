"""The guard that keeps a test run off every network but loopback.

It listens to the interpreter's audit events, so it also sees what a library does, in every thread and
before the first fixture.  Programs that a test starts are outside its reach, and so is uvloop, which calls
the system itself.
"""

from __future__ import annotations

import ipaddress
import sys


class NetworkRefused(RuntimeError):
    """A test reached for an address outside loopback."""


def is_loopback(host: str) -> bool:
    """Whether a literal address is in 127.0.0.0/8 or is ::1; a name counts only as ``localhost``."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in ("localhost", "")


def is_literal(host: str) -> bool:
    """Whether this is an address already, so that looking it up asks nobody."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    """Raise `NetworkRefused` for a connection, a datagram or a name look-up that would leave the machine."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and not is_loopback(str(address[0])):
            raise NetworkRefused(
                f"A test may reach loopback only, not {address[0]}; use a part from hookstation.testing."
            )
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
        name = host.decode() if isinstance(host, bytes) else host
        if isinstance(name, str) and not is_loopback(name) and not is_literal(name):
            raise NetworkRefused(
                f"A test may not look up the name {name}; hand the code a resolver of your own."
            )


def shut() -> None:
    """Guard this process from now on; an audit hook can be added but never taken away."""
    if refuse not in _shut:
        sys.addaudithook(refuse)
        _shut.append(refuse)


_shut: list[object] = []
