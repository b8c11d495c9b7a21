"""Ways to lead the station where it must not go: each is refused before a byte is sent, and by its own name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hookstation.adapters.sender import HttpSender, pools
from hookstation.core.outgoing.values import Trouble
from hookstation.core.values import Secret
from hookstation.ports.sender import Dispatch, NotSent
from tests.support.names import Names
from tests.support.receiver import Answer, Receiver

LOOPBACK = ("127.0.0.0/8",)
PUBLIC = "203.0.114.7"

ADDRESSES = {
    "loopback": "http://127.0.0.1/",
    "loopback, elsewhere in its network": "http://127.254.1.2/",
    "this host": "http://0.0.0.0/",
    "this network": "http://0.1.2.3/",
    "private 10": "http://10.0.0.1/",
    "private 172.16": "http://172.16.0.1/",
    "private 172.31": "http://172.31.255.254/",
    "private 192.168": "http://192.168.1.1/",
    "link-local": "http://169.254.1.1/",
    "behind a carrier's NAT": "http://100.64.0.1/",
    "protocol assignments": "http://192.0.0.8/",
    "documentation": "http://192.0.2.1/",
    "benchmarking": "http://198.18.0.1/",
    "multicast": "http://224.0.0.1/",
    "reserved": "http://240.0.0.1/",
    "broadcast": "http://255.255.255.255/",
    "metadata of most clouds": "http://169.254.169.254/latest/meta-data/",
    "metadata of containers": "http://169.254.170.2/v2/credentials",
    "metadata of pods": "http://169.254.170.23/v1/credentials",
    "metadata in the carriers' network": "http://100.100.100.200/latest/",
    "metadata in public space": "http://168.63.129.16/machine",
    "metadata of a public cloud's assignments": "http://192.0.0.192/latest/",
    "decimal": "http://2130706433/",
    "decimal, more than 32 bits": "http://4294967297/",
    "hexadecimal": "http://0x7f000001/",
    "hexadecimal in parts": "http://0x7f.0x0.0x0.0x1/",
    "hexadecimal in capitals": "http://0X7F.1/",
    "octal": "http://017700000001/",
    "octal in parts": "http://0177.0.0.01/",
    "octal of a private one": "http://012.0.0.1/",
    "mixed bases": "http://0x7f.0.0.01/",
    "two parts": "http://127.1/",
    "three parts": "http://127.0.1/",
    "one digit": "http://0/",
    "trailing dot": "http://127.0.0.1./",
    "trailing dot after a decimal": "http://2130706433./",
    "full-width digits": "http://１２７.0.0.1/",
    "circled digits": "http://①②⑦.⓪.⓪.①/",
    "ideographic full stops": "http://127。0。0。1/",
    "half-width full stops": "http://127｡0｡0｡1/",
    "percent-encoded digits": "http://%31%32%37.0.0.1/",
    "null in the name": "http://localhost%00.example.com/",
    "tab in the address": "http://127.0\t.0.1/",
    "line break in the address": "http://127.0.0.1\n/",
    "IPv6 loopback": "http://[::1]/",
    "IPv6 loopback in full": "http://[0:0:0:0:0:0:0:1]/",
    "IPv6 unspecified": "http://[::]/",
    "IPv6 private": "http://[fd00::1]/",
    "IPv6 private of the other half": "http://[fc00::1]/",
    "IPv6 link-local": "http://[fe80::1]/",
    "IPv6 link-local with a zone": "http://[fe80::1%25eth0]/",
    "IPv6 loopback with a zone": "http://[::1%25lo]/",
    "IPv6 site-local": "http://[fec0::1]/",
    "IPv6 multicast": "http://[ff02::1]/",
    "IPv6 documentation": "http://[2001:db8::1]/",
    "IPv6 discard": "http://[100::1]/",
    "IPv6 metadata": "http://[fd00:ec2::254]/",
    "mapped loopback": "http://[::ffff:127.0.0.1]/",
    "mapped loopback in hexadecimal": "http://[::ffff:7f00:1]/",
    "mapped metadata": "http://[::ffff:169.254.169.254]/",
    "translated without a prefix": "http://[::ffff:0:127.0.0.1]/",
    "compatible loopback": "http://[::127.0.0.1]/",
    "compatible private": "http://[::10.0.0.1]/",
    "6to4 of loopback": "http://[2002:7f00:1::]/",
    "6to4 of a private one": "http://[2002:a00:1::1]/",
    "Teredo to loopback": "http://[2001:0:808:808::80ff:fffe]/",
    "Teredo by a private server": "http://[2001:0:a00:1::f7f7:f7f7]/",
    "NAT64 of loopback": "http://[64:ff9b::7f00:1]/",
    "NAT64 of metadata": "http://[64:ff9b::a9fe:a9fe]/",
    "NAT64 of the local prefix": "http://[64:ff9b:1::a00:1]/",
    "a name and a password": "http://user:password@203.0.114.7/",
    "an address behind a name": "http://203.0.114.7@127.0.0.1/",
    "an address behind a name and a port": "http://203.0.114.7:80@127.0.0.1/",
    "a backslash before the host": "http://203.0.114.7\\@127.0.0.1/",
    "a backslash after the host": "http://127.0.0.1\\@203.0.114.7/",
    "backslashes for slashes": "http:\\\\127.0.0.1/",
    "no slashes": "http:127.0.0.1/",
    "three slashes": "http:///127.0.0.1/",
    "no scheme": "//127.0.0.1/",
    "another scheme: file": "file:///etc/passwd",
    "another scheme: gopher": "gopher://127.0.0.1:6379/_INFO",
    "another scheme: ftp": "ftp://203.0.114.7/",
    "another scheme: a socket": "unix:///var/run/docker.sock",
    "another scheme: a websocket": "ws://203.0.114.7/",
    "a port that is none": "http://203.0.114.7:99999/",
    "port 0": "http://203.0.114.7:0/",
    "the port of a shell": "http://203.0.114.7:22/",
    "the port of mail": "http://203.0.114.7:25/",
    "the port of a cache": "http://203.0.114.7:6379/",
    "the port of a database": "https://203.0.114.7:5432/",
    "the port of a store for search": "http://203.0.114.7:9200/",
    "the port of containers": "http://203.0.114.7:2375/",
    "the port of X11": "http://203.0.114.7:6000/",
}  # fmt: skip

NAMES = {
    "localhost": "http://localhost/",
    "localhost with a dot": "http://localhost./",
    "localhost with dots": "http://localhost../",
    "localhost in capitals": "http://LOCALHOST/",
    "localhost in circled letters": "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "below localhost": "http://a.localhost/",
    "the machine's other name": "http://localhost.localdomain/",
    "IPv6 localhost": "http://ip6-localhost/",
    "a metadata name": "http://metadata.google.internal/computeMetadata/v1/",
    "a metadata name without its domain": "http://metadata/",
    "a metadata name of another cloud": "http://instance-data/latest/",
    "the host of containers": "http://host.docker.internal/",
    "the controller of a cluster": "http://kubernetes.default.svc/",
    "an address in a wildcard name": "http://127.0.0.1.nip.example/",
    "an address with hyphens in a wildcard name": "http://app-10-0-0-1.sslip.example/",
    "metadata in a wildcard name": "http://169-254-169-254.sslip.example/",
    "a name for loopback": "http://lvh.example/",
    "a chain of names": "http://alias.example/",
    "a private address among public ones": "http://mixed.example/",
    "IPv6 loopback beside a public IPv4": "http://both.example/",
    "mapped loopback as an answer": "http://mapped.example/",
    "NAT64 of metadata as an answer": "http://translated.example/",
    "6to4 of a private one as an answer": "http://tunnel.example/",
    "the unspecified address as an answer": "http://zero.example/",
    "a zone in the answer": "http://zone.example/",
}

ANSWERS = Names(
    **{
        "localhost": [["127.0.0.1", "::1"]],
        "a_localhost": [["127.0.0.1"]],
        "localhost_localdomain": [["127.0.0.1"]],
        "ip6-localhost": [["::1"]],
        "metadata_google_internal": [["169.254.169.254"]],
        "metadata": [["169.254.169.254"]],
        "instance-data": [["169.254.169.254"]],
        "host_docker_internal": [["192.168.65.254"]],
        "kubernetes_default_svc": [["10.96.0.1"]],
        "127_0_0_1_nip_example": [["127.0.0.1"]],
        "app-10-0-0-1_sslip_example": [["10.0.0.1"]],
        "169-254-169-254_sslip_example": [["169.254.169.254"]],
        "lvh_example": [["127.0.0.1"]],
        "alias_example": [["172.17.0.1"]],
        "mixed_example": [[PUBLIC, "2606:4700::1", "10.0.0.1"]],
        "both_example": [[PUBLIC, "::1"]],
        "mapped_example": [["::ffff:127.0.0.1"]],
        "translated_example": [["64:ff9b::a9fe:a9fe"]],
        "tunnel_example": [["2002:c0a8:101::1"]],
        "zero_example": [["0.0.0.0"]],
        "zone_example": [["fe80::1%eth0"]],
        "proxy_example": [["10.0.0.1"]],
        "own_example": [["127.0.0.1"]],
    }
)


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    one = HttpSender(ANSWERS)
    yield one
    await one.close()


async def failure(sender: HttpSender, dispatch: Dispatch) -> NotSent:
    with pytest.raises(NotSent) as caught:
        await sender.send(dispatch)
    return caught.value


@pytest.mark.parametrize("url", ADDRESSES.values(), ids=ADDRESSES.keys())
async def test_an_address_that_is_not_public_is_refused_in_every_disguise(
    url: str, sender: HttpSender
) -> None:
    failed = await failure(sender, Dispatch("POST", url))
    assert (Trouble.ADDRESS, False) == (failed.trouble, failed.sent)
    assert "password" not in failed.message.replace("a password", "")


@pytest.mark.parametrize("url", NAMES.values(), ids=NAMES.keys())
async def test_a_name_is_judged_by_every_address_it_has(url: str, sender: HttpSender) -> None:
    failed = await failure(sender, Dispatch("POST", url))
    assert (Trouble.ADDRESS, False) == (failed.trouble, failed.sent)


async def test_a_name_that_changes_is_never_asked_twice_for_one_connection() -> None:
    """The first answer is judged and called; a second one, which would lead elsewhere, is never asked for."""
    names = Names(rebinding_example=[["127.0.0.1"], ["127.0.0.2"]])
    sender = HttpSender(names)
    async with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "rebinding.example")
        await sender.send(Dispatch("POST", url, networks=("127.0.0.1/32",)))
        await sender.send(Dispatch("POST", url, networks=("127.0.0.1/32",)))
    await sender.close()
    assert (2, ["rebinding.example"]) == (receiver.count, names.asked)


async def test_a_name_that_has_changed_is_judged_anew_for_the_next_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "LOOKUP_SECONDS", 0)
    sender = HttpSender(Names(rebinding_example=[["127.0.0.1"], ["127.0.0.2"]]))
    async with Receiver(Answer(close=True)) as receiver:
        url = receiver.url.replace("127.0.0.1", "rebinding.example")
        assert 200 == (await sender.send(Dispatch("POST", url, networks=("127.0.0.1/32",)))).status
        failed = await failure(sender, Dispatch("POST", url, networks=("127.0.0.1/32",)))
    await sender.close()
    assert (Trouble.ADDRESS, 1) == (failed.trouble, receiver.count)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "place", ["http://169.254.169.254/", "//10.0.0.1/", "/elsewhere", "file:///etc/passwd"]
)
async def test_a_redirect_leads_nowhere(status: int, place: str, sender: HttpSender) -> None:
    async with Receiver(Answer(status, (("Location", place),))) as receiver:
        receipt = await sender.send(Dispatch("POST", receiver.url, networks=LOOPBACK))
        assert (status, 1) == (receipt.status, receiver.count)


async def test_a_connection_is_not_lent_to_a_destination_with_fewer_networks(sender: HttpSender) -> None:
    async with Receiver() as receiver:
        for url in (receiver.url, receiver.url.replace("127.0.0.1", "own.example")):
            await sender.send(Dispatch("POST", url, networks=LOOPBACK))
            assert Trouble.ADDRESS == (await failure(sender, Dispatch("POST", url))).trouble
        assert 2 == receiver.count


@pytest.mark.parametrize(
    "proxy",
    ["http://127.0.0.1:3128", "http://user:pass@10.0.0.1:3128", "http://[::1]:3128", "http://2130706433:3128",
     "http://proxy.example:3128", "http://203.0.114.7:25", "socks5://203.0.114.7:1080", "https://203.0.114.7:3128",
     "203.0.114.7:3128", "http://"],
)  # fmt: skip
@pytest.mark.parametrize("url", ["http://203.0.114.7/", "https://203.0.114.7/"])
async def test_a_proxy_is_judged_like_any_address_and_its_credentials_are_not_told(
    url: str, proxy: str, sender: HttpSender
) -> None:
    failed = await failure(sender, Dispatch("POST", url, proxy=Secret(proxy), timeout=5.0))
    assert (Trouble.ADDRESS, False) == (failed.trouble, failed.sent)
    assert "pass" not in failed.message


@pytest.mark.parametrize("port", [22, 80, 443, 8080])
async def test_ports_that_are_named_are_the_only_ones(port: int, sender: HttpSender) -> None:
    failed = await failure(sender, Dispatch("POST", f"http://203.0.114.7:{port}/", ports=(8443, 9443)))
    assert Trouble.ADDRESS == failed.trouble
    assert "8443, 9443" in failed.message


async def test_a_port_that_is_named_is_called(sender: HttpSender) -> None:
    async with Receiver() as receiver:
        dispatch = Dispatch("POST", receiver.url, networks=LOOPBACK, ports=(receiver.port,))
        assert 200 == (await sender.send(dispatch)).status


async def test_many_refusals_leave_no_connection_and_no_pool_behind(sender: HttpSender) -> None:
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        await asyncio.gather(*(failure(sender, Dispatch("POST", receiver.url)) for _ in range(50)))
        assert 0 == receiver.connections
    assert 0 == len(sender._pools)
