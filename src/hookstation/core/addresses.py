"""Which addresses the station may call: the decision of the address guard.

An address is judged by every face it has: itself, and each IPv4 address that is embedded in it by a
translation or tunnel (mapped, compatible, 6to4, Teredo, NAT64), because the packet may end there.  Each face
must be public or lie in a network that the connection names.  Ranges: the IANA special-purpose registries for
IPv4 and IPv6.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from hookstation.errors import AddressRefused

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

METADATA: Final[frozenset[Address]] = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # container credentials
        "169.254.170.23",  # pod identity
        "169.254.169.253",  # name service and metadata of one cloud
        "100.100.100.200",
        "168.63.129.16",  # in public space, yet always the machine's own host
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
    )
)
"""Where clouds hand out credentials: allowed only where a connection names the single address."""

FORBIDDEN: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(text), word)
    for text, word in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address behind a carrier's NAT"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an address for protocol assignments"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.31.196.0/24", "an address of a delegated name service"),
        ("192.52.193.0/24", "an address of a multicast relay"),
        ("192.88.99.0/24", "an address of a 6to4 relay"),
        ("192.168.0.0/16", "a private address"),
        ("192.175.48.0/24", "an address of a delegated name service"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("::/8", "a reserved address"),
        ("100::/8", "a discard or reserved address"),
        ("200::/7", "a reserved address"),
        ("400::/6", "a reserved address"),
        ("800::/5", "a reserved address"),
        ("1000::/4", "a reserved address"),
        ("2001::/23", "an address for protocol assignments"),
        ("2001:db8::/32", "a documentation address"),
        ("2620:4f:8000::/48", "an address of a delegated name service"),
        ("3ffe::/16", "an address of a network that has been given up"),
        ("3fff::/20", "a documentation address"),
        ("4000::/2", "a reserved address"),
        ("8000::/2", "a reserved address"),
        ("c000::/3", "a reserved address"),
        ("e000::/4", "a reserved address"),
        ("f000::/5", "a reserved address"),
        ("f800::/6", "a reserved address"),
        ("fc00::/7", "a private address"),
        ("fe00::/9", "a reserved address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
)

MAPPED: Final = IPv6Network("::ffff:0:0/96")
TRANSLATED: Final = IPv6Network("64:ff9b::/96")
TRANSLATED_LOCALLY: Final = IPv6Network("64:ff9b:1::/48")
SIX_TO_FOUR: Final = IPv6Network("2002::/16")
TEREDO: Final = IPv6Network("2001::/32")
COMPATIBLE: Final = IPv6Network("::/96")

V4_BITS: Final = 0xFFFF_FFFF


def literal(host: str) -> Address | None:
    """The address that a URL's host is, ``None`` where it is a name that has to be looked up.

    `host` is without brackets.  Raises `AddressRefused` for what some resolver may read as an address though
    it is not written as one: ``127.1``, ``0x7f.1``, ``2130706433``, ``0177.0.0.1``, a trailing dot, a zone.
    """
    if "%" in host:
        raise AddressRefused(
            f"“{host}” has a zone or an escape in its host; write the plain name or address instead."
        )
    try:
        return ip_address(host)
    except ValueError:
        pass
    if ":" in host or _reads_as_number(host.rstrip(".").rpartition(".")[2]):
        raise AddressRefused(
            f"“{host}” is an unusual way to write an address; write it as four decimal numbers with dots"
            " (192.0.2.7), as a plain IPv6 address, or use a name."
        )
    return None


def canonical(address: str) -> Address:
    """The address itself, a mapped IPv4 address as IPv4. Raises `AddressRefused` for anything else."""
    found = literal(address)
    if found is None:
        raise AddressRefused(f"“{address}” is not an address.")
    if isinstance(found, IPv6Address) and found in MAPPED:
        return IPv4Address(int(found) & V4_BITS)
    return found


def judge(address: str, networks: tuple[str, ...]) -> None:
    """Return where `address` may be called; else raise `AddressRefused`, naming what to put under `networks`.

    `networks`: what the connection allows beyond public addresses, in CIDR form (``10.0.0.0/8``).
    """
    allowed = _read_networks(networks)
    target = canonical(address)
    for face in (target, *embedded(target)):
        _judge_face(face, target, allowed)


def embedded(address: Address) -> Iterator[IPv4Address]:
    """Each IPv4 address that a translator or tunnel on the way may send `address` to."""
    if isinstance(address, IPv4Address):
        return
    bits = int(address)
    if address in TRANSLATED:
        yield IPv4Address(bits & V4_BITS)
    elif address in TRANSLATED_LOCALLY:
        yield from _local_translations(bits)
    elif address in SIX_TO_FOUR:
        yield IPv4Address((bits >> 80) & V4_BITS)
    elif address in TEREDO:
        yield IPv4Address((bits >> 64) & V4_BITS)
        yield IPv4Address(~bits & V4_BITS)
    elif address in COMPATIBLE and bits >> 24:  # ::1 and its neighbours are no IPv4 addresses
        yield IPv4Address(bits)


def _local_translations(bits: int) -> Iterator[IPv4Address]:
    """The two places where RFC 6052 puts the IPv4 address behind such a prefix; zeros mean: not there."""
    behind_a_long_prefix = bits & V4_BITS
    behind_the_short_one = ((bits >> 64) & 0xFFFF) << 16 | (bits >> 40) & 0xFFFF
    yield from (IPv4Address(found) for found in (behind_a_long_prefix, behind_the_short_one) if found)


def _judge_face(face: Address, target: Address, allowed: tuple[Network, ...]) -> None:
    if face in METADATA:
        if not any(network.num_addresses == 1 and face in network for network in allowed):
            raise AddressRefused(
                f"{_shown(face, target)} hands out a cloud machine's credentials. If it is really meant, put"
                f" {face}/{face.max_prefixlen} itself under `networks`."
            )
        return
    word = _why_forbidden(face)
    if word and not any(face in network for network in allowed):
        raise AddressRefused(
            f"{_shown(face, target)} is {word}. If it is meant to be reached, put"
            f" {face}/{face.max_prefixlen}, or the network that it is in, under `networks`."
        )


def _shown(face: Address, target: Address) -> str:
    return str(face) if face == target else f"{face} (inside {target})"


@lru_cache(maxsize=4096)
def _why_forbidden(face: Address) -> str:
    if isinstance(face, IPv6Address) and face in TRANSLATED:
        return ""  # as public as the address inside, which is judged too
    return next((word for network, word in FORBIDDEN if face in network), "")


@lru_cache(maxsize=1024)
def _read_networks(networks: tuple[str, ...]) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(text, strict=False) for text in networks)
    except ValueError as error:
        raise AddressRefused(
            f"`networks` cannot be read: {error}. Write networks as 10.0.0.0/8 or fd00::/8."
        ) from None


def _reads_as_number(label: str) -> bool:
    """Whether the C library or a browser would take a host that ends in this label for an IPv4 address."""
    if label.isdigit():
        return True
    return label[:2].lower() == "0x" and all(letter in "0123456789abcdefABCDEF" for letter in label[2:])
