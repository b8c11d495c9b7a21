"""Systems that are reached by host and port: what all of them do alike."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from hookstation.connectors import build_connector
from hookstation.connectors.hosts import Place, connect
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Number, Secret
from hookstation.errors import ActionFailed, Retriable, Terminal
from hookstation.testing.connector_suite import refusal
from tests.support.files import outside

PLAIN: dict[str, dict[str, JSON]] = {
    "ftps": {"security": "none", "username": "x"},
    "imap": {"security": "none", "username": "x", "largest": 1_000},
    "smtp": {"security": "none", "sender": "a@example.org"},
    "sftp": {"username": "x", "host_key": "SHA256:x"},
}


@pytest.fixture
async def silence() -> AsyncIterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def settings(kind: str, port: int, seconds: str) -> Connection:
    usual: dict[str, JSON] = {
        "host": "127.0.0.1",
        "port": port,
        "networks": ["127.0.0.1/32"],
        "timeout": Number(seconds),
    }
    return Connection("far", kind, {**usual, **PLAIN[kind]}, {"password": Secret("x")})


@pytest.mark.parametrize("kind", PLAIN)
async def test_who_is_cancelled_does_not_wait_for_a_silent_server(silence: int, kind: str) -> None:
    """The call ends at once though the server was given ten minutes, and nothing is left of the connection."""
    call = asyncio.ensure_future(build_connector(settings(kind, silence, "600"), outside()).check())
    await asyncio.wait([call], timeout=0.1)
    call.cancel()
    async with asyncio.timeout(30):
        await asyncio.wait([call])
    assert call.cancelled()


@pytest.mark.parametrize("kind", PLAIN)
async def test_a_silent_server_is_for_later(silence: int, kind: str) -> None:
    """After its time is over."""
    refused = await refusal(build_connector(settings(kind, silence, "0.2"), outside()).check())
    assert isinstance(refused, Retriable)


async def test_the_next_address_is_tried_where_one_is_closed() -> None:
    """A name of two addresses, and a server at the second one alone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        place = Place("localhost", listening.getsockname()[1], ("127.0.0.0/8", "::1/128"), 5)
        (await connect(place)).close()


async def test_a_forbidden_address_is_not_connected_to(silence: int) -> None:
    """The sentence for everybody holds no address; the one for the log says what to permit."""
    refused = await refusal(connect(Place("localhost", silence)))
    assert isinstance(refused, Terminal)
    assert isinstance(refused, ActionFailed)
    assert "127" not in refused.message
    assert "networks" in refused.detail
