"""The address of a station: taken early, listened on late."""

import socket

import pytest

from hookstation.web.server import CannotListen, reserve


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_reserved_address_takes_no_call_yet(host: str) -> None:
    """Who calls a station that is still starting is refused at once, and does not hang until it is ready."""
    with reserve(host, 0) as reserved, pytest.raises(ConnectionRefusedError):
        socket.create_connection(reserved.getsockname()[:2])


def test_an_address_that_somebody_has() -> None:
    """It is said before anything is opened, with what to do."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(CannotListen, match=r"in use\. Choose another with --port or --host"),
    ):
        reserve("127.0.0.1", taken.getsockname()[1])


def test_a_port_that_there_is_not() -> None:
    """A number that no port has is said as such."""
    with pytest.raises(CannotListen, match="port 70000"):
        reserve("127.0.0.1", 70_000)
