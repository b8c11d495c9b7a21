"""Whose call it is: nobody but a trusted proxy can say, and only about who called it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from hookstation.web.senders import MOST_HOPS, Senders, read_address
from tests.support.station_process import StationProcess
from tests.support.webhooks import webhook

PROXY = "10.0.0.1"
SENDERS = Senders([PROXY, "192.168.0.0/16", "::1", "fd00::/8"])
ADDRESSES = st.ip_addresses().map(str)


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("198.51.100.1,203.0.113.7, 192.168.3.4,10.0.0.1", "203.0.113.7"),
        ("203.0.113.7:5123", "203.0.113.7"),
        ("[2001:DB8::7]:5123", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("fe80::7%eth0", "fe80::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, ::ffff:192.168.3.4", "203.0.113.7"),
        ("203.0.113.7, [fd00::5]:80", "203.0.113.7"),
        ("\t203.0.113.7 ", "203.0.113.7"),
        ("192.168.1.1, 192.168.1.2", "192.168.1.1"),
    ],
)
def test_the_right_most_address_that_is_no_proxy_is_the_sender(forwarded: str, expected: str) -> None:
    assert expected == SENDERS.find(PROXY, forwarded)


@pytest.mark.parametrize(
    "entry",
    [
        "", " ", "unknown", "_hidden", "localhost", "203.0.113", "203.0.113.07", "203.0.113.7:", "203.0.113.7:x",
        "203.0.113.7:123456", "203.0.113.7/32", "[203.0.113.7]", "[2001:db8::7", "2001:db8::7]", "[2001:db8::7]x",
        "[2001:db8::7]:", "[]", "[:]", '"203.0.113.7"', "for=203.0.113.7", "203.0.113.7 198.51.100.1", "0x7f000001",
        "2130706433", "٢٠٣.0.113.7", "203.0.113.7\x00", "203.0.113.7;203.0.113.8", "%", ":::",
    ],
)  # fmt: skip
def test_an_entry_that_is_no_address_ends_the_search(entry: str) -> None:
    assert "" == read_address(entry)
    assert PROXY == SENDERS.find(PROXY, entry)
    assert "192.168.3.4" == SENDERS.find(PROXY, f"203.0.113.7, {entry}, 192.168.3.4")


@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.2", "", "testclient"])
def test_who_is_no_trusted_proxy_is_not_believed(peer: str) -> None:
    assert peer == SENDERS.find(peer, "198.51.100.1")


def test_without_the_header_the_proxy_itself_calls() -> None:
    assert PROXY == SENDERS.find(PROXY, "")


def test_a_proxy_that_comes_in_its_ipv6_form_is_trusted() -> None:
    assert "203.0.113.7" == SENDERS.find(f"::ffff:{PROXY}", "203.0.113.7")


def test_no_more_hops_are_looked_at_than_anybody_has() -> None:
    hops = ["203.0.113.7", *["192.168.1.1"] * (MOST_HOPS - 1)]
    assert "203.0.113.7" == SENDERS.find(PROXY, ",".join(hops))
    assert "192.168.1.1" == SENDERS.find(PROXY, ",".join([*hops, "192.168.1.1"]))


@given(forged=st.text(max_size=60), sender=ADDRESSES)
def test_what_a_sender_writes_itself_changes_nothing(forged: str, sender: str) -> None:
    assert Senders([PROXY]).find(PROXY, f"{forged}, {sender}") in {
        read_address(sender),
        read_address(forged.rsplit(",", 1)[-1]) if sender == PROXY else "",
        PROXY if sender == PROXY else read_address(sender),
    }


@given(peer=st.text(max_size=20) | ADDRESSES, forwarded=st.text(max_size=200))
def test_any_header_gives_an_address_or_the_peer(peer: str, forwarded: str) -> None:
    found = SENDERS.find(peer, forwarded)
    assert found == peer or found == read_address(found)


@pytest_asyncio.fixture
async def behind_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StationProcess]:
    """A server to which this test is a trusted proxy."""
    monkeypatch.setenv("HOOKSTATION_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")
    async with StationProcess(tmp_path / "data") as running:
        await running.configure(
            {"version": 1, "webhooks": [webhook("near", access={"allow": ["203.0.113.0/24"]}, schema=True)]}
        )
        yield running


async def call(station: StationProcess, forwarded: list[str]) -> int:
    headers = [("Content-Type", "application/json"), *(("X-Forwarded-For", one) for one in forwarded)]
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            station.url + await station.hook("near"), data=b'{"memberId": "1"}', headers=headers
        ) as answer,
    ):
        return answer.status


async def test_the_server_lets_in_and_journals_who_is_behind_the_proxy(behind_proxy: StationProcess) -> None:
    assert 200 == await call(behind_proxy, ["198.51.100.1, 203.0.113.7:443", "10.1.2.3"])
    assert 403 == await call(behind_proxy, ["203.0.113.7, 198.51.100.1"])
    assert 403 == await call(behind_proxy, ["203.0.113.7, nonsense"])
    assert 403 == await call(behind_proxy, [])
    assert 200 == await call(behind_proxy, ["203.0.113.8"])  # its commit holds the refusals before it
    events: list[dict[str, Any]] = await behind_proxy.items("/events")
    senders = [event["sender"] for event in reversed(events)]
    assert ["203.0.113.7", "198.51.100.1", "127.0.0.1", "127.0.0.1", "203.0.113.8"] == senders


async def test_the_metrics_of_a_caller_behind_the_proxy_need_a_key(behind_proxy: StationProcess) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(behind_proxy.url + "/metrics") as near:
            assert 200 == near.status
        async with session.get(
            behind_proxy.url + "/metrics", headers={"X-Forwarded-For": "203.0.113.7"}
        ) as far:
            assert 401 == far.status
