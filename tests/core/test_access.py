"""Who may call, and how often."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.access import SLOTS, AddressList, RateLimit
from hookstation.errors import Invalid

V4 = st.integers(0, 2**32 - 1)
V6 = st.integers(0, 2**128 - 1)


class TestAddressList:
    @pytest.mark.parametrize(
        ("networks", "address"),
        [
            (["203.0.113.0/24"], "203.0.113.7"),
            (["203.0.113.7"], "203.0.113.7"),
            (["198.51.100.0/24", "203.0.113.0/24"], "203.0.113.255"),
            (["0.0.0.0/0"], "203.0.113.7"),
            (["203.0.113.0/24"], "::ffff:203.0.113.7"),
            (["::ffff:203.0.113.0/120"], "203.0.113.7"),
            (["2001:db8::/32"], "2001:db8:1::7"),
            (["2001:db8::7"], "2001:0db8:0:0::7"),
            (["fe80::/10"], "fe80::1%eth0"),
        ],
    )
    def test_an_address_in_a_listed_network_may_call(self, networks: list[str], address: str) -> None:
        assert AddressList(networks).allows(address)

    @pytest.mark.parametrize(
        ("networks", "address"),
        [
            (["203.0.113.0/24"], "203.0.114.7"),
            (["0.0.0.0/0"], "2001:db8::7"),
            (["::/0"], "203.0.113.7"),
            (["::/0"], "::ffff:203.0.113.7"),
            (["203.0.113.0/24"], ""),
            (["203.0.113.0/24"], "unknown"),
            (["203.0.113.0/24"], "203.0.113.7:443"),
            (["203.0.113.0/24"], "203.0.113.007"),
            ([], "203.0.113.7"),
        ],
    )
    def test_any_other_may_not(self, networks: list[str], address: str) -> None:
        assert not AddressList(networks).allows(address)

    @pytest.mark.parametrize(
        "wrong", ["", "203.0.113.0/33", "example.org", "203.0.113.7/24", "2001:db8::1/32"]
    )
    def test_a_bad_network_is_named_with_its_place(self, wrong: str) -> None:
        with pytest.raises(Invalid) as caught:
            AddressList(["203.0.113.0/24", wrong])
        assert [problem.path for problem in caught.value.problems] == [(1,)]
        assert f"“{wrong}”" in str(caught.value)

    @given(start=V4, length=st.integers(0, 32), caller=V4)
    def test_it_agrees_with_the_standard_library_on_ipv4(self, start: int, length: int, caller: int) -> None:
        network, address = ip_network((start, length), strict=False), IPv4Address(caller)
        assert AddressList([str(network)]).allows(str(address)) is (address in network)

    @given(start=V6, length=st.integers(0, 128), offset=st.integers(0, 2**128 - 1))
    def test_it_finds_every_member_of_an_ipv6_network(self, start: int, length: int, offset: int) -> None:
        network = ip_network((IPv6Address(start), length), strict=False)
        member = network[offset % network.num_addresses]
        assert isinstance(member, IPv6Address)
        assert AddressList([str(network)]).allows(str(member)) is (member.ipv4_mapped is None or length >= 96)

    @given(text=st.text(max_size=50))
    def test_any_text_as_an_address_is_answered(self, text: str) -> None:
        assert AddressList(["203.0.113.0/24"]).allows(text) in (True, False)


class TestRateLimit:
    def test_the_call_over_the_limit_is_told_how_long_to_wait(self) -> None:
        limit = RateLimit(2, 10)
        assert [limit.allow(100.0), limit.allow(101.0), limit.allow(103.0)] == [0.0, 0.0, 7.0]

    def test_after_the_told_wait_a_call_goes_on(self) -> None:
        limit = RateLimit(1, 10)
        limit.allow(100.0)
        assert limit.allow(104.0 + limit.allow(104.0)) == 0.0

    def test_refused_calls_do_not_count(self) -> None:
        limit = RateLimit(1, 10)
        assert [limit.allow(moment) > 0 for moment in (100.0, 105.0, 109.0, 110.0)] == [
            False,
            True,
            True,
            False,
        ]

    def test_a_limit_of_none_allows_nothing_and_never_says_zero(self) -> None:
        assert RateLimit(0, 10).allow(100.0) > 0

    def test_equal_limits_are_equal_whatever_they_counted(self) -> None:
        used = RateLimit(2, 10)
        used.allow(100.0)
        assert used == RateLimit(2, 10)
        assert hash(used) == hash(RateLimit(2, 10))
        assert used != RateLimit(3, 10)

    @given(
        count=st.integers(1, 5), seconds=st.integers(1, 8), pauses=st.lists(st.integers(0, 30), max_size=60)
    )
    def test_no_window_ever_holds_more_than_the_limit(
        self, count: int, seconds: int, pauses: list[int]
    ) -> None:
        limit, now, allowed = RateLimit(count, seconds), 1000.0, []
        for pause in pauses:
            now += pause / 16
            allowed += [now] * (limit.allow(now) == 0)
        assert all(sum(start <= at < start + seconds for at in allowed) <= count for start in allowed)

    @given(count=st.integers(1, 5), pauses=st.lists(st.integers(0, 30), max_size=60))
    def test_nobody_waits_more_than_a_hundredth_longer_than_needed(
        self, count: int, pauses: list[int]
    ) -> None:
        limit, now, allowed = RateLimit(count, 4), 1000.0, [0.0] * count
        for pause in pauses:
            now += pause / 16
            wait = limit.allow(now)
            assert wait <= max(allowed[-count] + 4 * (1 + 1 / SLOTS) - now, 4 / SLOTS)
            allowed += [now] * (wait == 0)

    def test_a_large_limit_is_kept_in_few_slots(self) -> None:
        limit = RateLimit(100_000, 10)
        assert all(limit.allow(1000 + call / 500) == 0 for call in range(10_000))
        assert len(limit._slots) <= SLOTS + 1
