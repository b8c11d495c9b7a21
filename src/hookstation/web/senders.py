"""Whose call it is, where proxies stand in front of the station."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import Final

from hookstation.core.access import AddressList

HEADER: Final = "x-forwarded-for"
MOST_HOPS: Final = 32
"""Proxies that are believed behind one another; what stands further left is not looked at."""


class Senders:
    """Finds the sender behind the proxies that are trusted.

    `trusted`: addresses or networks of proxies.  Raises `Invalid` with the place of each bad one.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = AddressList(trusted)

    def find(self, peer: str, forwarded: str) -> str:
        """The sender's address.

        `peer`: who holds the connection.  `forwarded`: the text of all X-Forwarded-For headers, to which each proxy
        adds on the right who it was called by: so the right-most address that is no proxy of ours is the sender, and
        whatever stands left of it the sender may have written itself.  An entry that is no address ends the search:
        the sender is then the proxy that added it.
        """
        sender = peer
        if not self._trusted.allows(peer):
            return sender
        for entry in reversed(forwarded.rsplit(",", MOST_HOPS)[-MOST_HOPS:]):
            address = read_address(entry)
            if not address:
                break
            sender = address
            if not self._trusted.allows(address):
                break
        return sender


def read_address(entry: str) -> str:
    """The address in an entry such as ``203.0.113.7``, ``203.0.113.7:5123``, ``2001:db8::7`` or ``[2001:db8::7]:5123``,
    without port, brackets and zone; empty where it is none. An IPv4 address in its IPv6 form comes out as itself."""
    text = entry.strip(" \t")
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        well_formed = bool(bracket) and ":" in text and (not port or (port[0] == ":" and _is_port(port[1:])))
    else:
        well_formed = True
        if text.count(":") == 1:
            text, _, port = text.partition(":")
            well_formed = _is_port(port)
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address) if well_formed else ""


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5
