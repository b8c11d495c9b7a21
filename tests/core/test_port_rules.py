from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.port_rules import BAD_PORTS, SERVICES, judge_port
from hookstation.errors import AddressRefused

PORTS = st.integers(0, 65_535)


@pytest.mark.parametrize("port", sorted(BAD_PORTS | SERVICES))
def test_a_port_of_another_service_is_called_only_where_it_is_named(port: int) -> None:
    judge_port(port, (port,))
    with pytest.raises(AddressRefused, match=f"put {port} under `ports`"):
        judge_port(port, ())


@pytest.mark.parametrize("port", [80, 443, 3000, 5000, 8000, 8080, 8443, 8888, 49_152, 65_535])
def test_the_ports_on_which_web_servers_listen_are_called(port: int) -> None:
    judge_port(port, ())


def test_no_port_is_in_both_lists() -> None:
    assert not BAD_PORTS & SERVICES


@given(PORTS, st.sets(PORTS, min_size=1, max_size=5))
def test_where_ports_are_named_no_other_is_called(port: int, named: set[int]) -> None:
    judge_port(min(named), tuple(named))
    for other in {port} - named:
        with pytest.raises(AddressRefused, match=f"Port {other} is not one of those"):
            judge_port(other, tuple(named))
