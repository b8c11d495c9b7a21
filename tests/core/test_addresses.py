from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.addresses import FORBIDDEN, METADATA, Network, judge, literal
from hookstation.errors import AddressRefused

V4 = st.ip_addresses(v=4).map(lambda found: IPv4Address(str(found)))
SPECIAL_V4 = (
    st.sampled_from([network for network, _ in FORBIDDEN if network.version == 4])
    .flatmap(lambda network: st.ip_addresses(network=network))
    .map(lambda found: IPv4Address(str(found)))
)


def embeddings(inner: IPv4Address) -> list[IPv6Address]:
    bits = int(inner)
    return [
        IPv6Address(0xFFFF << 32 | bits),
        IPv6Address(bits),
        IPv6Address(0x2002 << 112 | bits << 80 | 1),
        IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | ~bits & 0xFFFFFFFF),
        IPv6Address(0x20010000 << 96 | bits << 64 | ~0x08080808 & 0xFFFFFFFF),
        IPv6Address(0x0064FF9B << 96 | bits),
        IPv6Address(0x0064FF9B0001 << 80 | bits),
        IPv6Address(0x0064FF9B0001 << 80 | (bits >> 16) << 64 | (bits & 0xFFFF) << 40),
    ]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "100.100.100.200", "168.63.129.16",
        "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.9", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1",
        "fd00:ec2::254", "ff02::1", "2001:db8::1", "3fff::1", "100::1", "2001::1", "2001:2::1", "5f00::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "2002:a00:1::1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1", "64:ff9b:1::808:808", "64:ff9b:1::1", "::ffff:0:127.0.0.1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_with_what_to_do(address: str) -> None:
    with pytest.raises(AddressRefused, match="networks"):
        judge(address, ())


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1", "2a00:1450::1", "64:ff9b::808:808",
     "2002:808:808::1", "::ffff:8.8.8.8"],
)  # fmt: skip
def test_a_public_address_is_allowed(address: str) -> None:
    judge(address, ())


@pytest.mark.parametrize(
    "host",
    ["127.1", "127.0.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "0300.0250.1.1", "127.0.0.1.",
     "1.2.3.4.5", "256.1.1.1", "0x", "1.0X7F", "0", "example.123", "a.0x1f", "fe80::1%eth0", "fe80::1%251",
     "::1.", "[::1]", "1:2"],
)  # fmt: skip
def test_a_host_that_some_resolver_reads_as_an_address_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        literal(host)


@pytest.mark.parametrize(
    "host", ["example.org", "example.org.", "localhost", "0xcafe.example", "1.2.3.com", "a-1"]
)
def test_a_name_is_left_to_the_resolver(host: str) -> None:
    assert literal(host) is None


def test_a_named_network_allows_exactly_its_addresses() -> None:
    judge("10.1.2.3", ("10.1.2.0/24",))
    with pytest.raises(AddressRefused, match=r"10\.1\.3\.3/32"):
        judge("10.1.3.3", ("10.1.2.0/24",))


def test_loopback_of_version_six_is_allowed_where_it_is_named() -> None:
    judge("::1", ("::1/128",))


def test_a_named_network_counts_for_the_address_inside_too() -> None:
    judge("::ffff:10.0.0.1", ("10.0.0.0/8",))
    judge("64:ff9b::a00:1", ("10.0.0.0/8",))
    judge("64:ff9b:1::a00:1", ("64:ff9b:1::/48", "10.0.0.0/8"))


def test_naming_the_outer_network_does_not_open_the_address_inside() -> None:
    with pytest.raises(AddressRefused, match="inside"):
        judge("64:ff9b:1::a00:1", ("64:ff9b:1::/48",))


@pytest.mark.parametrize("address", sorted(map(str, METADATA)))
def test_a_metadata_address_is_allowed_only_by_its_own_name(address: str) -> None:
    judge(address, (address,))
    with pytest.raises(AddressRefused, match="credentials"):
        judge(address, ("0.0.0.0/0", "::/0"))


def test_networks_that_cannot_be_read_are_named() -> None:
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.0/99"):
        judge("10.0.0.1", ("10.0.0.0/99",))


def test_what_is_not_an_address_is_refused() -> None:
    with pytest.raises(AddressRefused, match="not an address"):
        judge("example.org", ())


@given(SPECIAL_V4)
def test_a_forbidden_address_is_forbidden_in_every_disguise(inner: IPv4Address) -> None:
    for outer in embeddings(inner):
        with pytest.raises(AddressRefused):
            judge(str(outer), ())


@given(V4)
def test_whoever_names_everything_may_call_everything_but_metadata(address: IPv4Address) -> None:
    judge(str(address), ("0.0.0.0/0", f"{address}/32"))


@given(st.ip_addresses())
def test_the_verdict_is_a_return_or_a_refusal_and_always_the_same(address: object) -> None:
    def verdict() -> str:
        try:
            judge(str(address), ())
        except AddressRefused as refused:
            return refused.message
        return ""

    assert verdict() == verdict()


@given(st.text(max_size=40))
def test_any_host_at_all_is_an_address_a_name_or_refused(host: str) -> None:
    try:
        found = literal(host)
    except AddressRefused:
        return
    assert found is None or str(found)


@given(V4, st.sampled_from(["{:d}", "0x{:x}", "0{:o}"]))
def test_no_number_that_stands_for_an_address_reaches_the_resolver(address: IPv4Address, form: str) -> None:
    with pytest.raises(AddressRefused):
        literal(form.format(int(address)))


@pytest.mark.parametrize("network", [network for network, _ in FORBIDDEN], ids=str)
def test_every_forbidden_network_is_refused_at_both_ends(network: Network) -> None:
    for address in (network[0], network[-1]):
        with pytest.raises(AddressRefused):
            judge(str(address), ())
