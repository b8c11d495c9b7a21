"""The run's own guard against the network."""

from __future__ import annotations

import socket

import pytest

from tests.support.network import NetworkRefused, is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "::2", "::", "example.test", "0.0.0.0"])
def test_everything_else_is_shut(host: str) -> None:
    assert not is_loopback(host)


def test_a_connection_outside_is_refused_before_it_leaves() -> None:
    with socket.socket() as outside, pytest.raises(NetworkRefused, match=r"192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 9))


def test_a_datagram_outside_is_refused_before_it_leaves() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside, pytest.raises(NetworkRefused):
        outside.sendto(b"", ("192.0.2.1", 9))


def test_looking_up_a_name_outside_is_refused() -> None:
    with pytest.raises(NetworkRefused, match=r"example\.test"):
        socket.getaddrinfo("example.test", 80)


def test_a_connection_inside_goes_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as inside:
            assert inside.getpeername() == address
