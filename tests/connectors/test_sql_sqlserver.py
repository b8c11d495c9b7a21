"""SQL Server's door: no server could be had, so only what happens before one answers."""

from __future__ import annotations

import asyncio

import pytest

from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.connectors import build_connector
from hookstation.connectors.outside import Outside
from hookstation.connectors.sql import SqlConnector
from hookstation.connectors.sql.sqlserver import _Pinned
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Secret
from hookstation.errors import Retriable, Terminal
from hookstation.testing.connector_suite import refusal
from tests.connectors.imis_bench import Watch


def made(port: int, **more: JSON) -> SqlConnector:
    settings: dict[str, JSON] = {
        "engine": "sqlserver", "host": "127.0.0.1", "port": port, "username": "u", "database": "d", "tls": "off",
        "networks": ["127.0.0.0/8"], "timeout": 5, "zone": "UTC",
    }  # fmt: skip
    outside = Outside(GuardedHttpClient(), Watch(), HttpSender())
    connector = build_connector(Connection("erp", "sql", settings | more, {"password": Secret("p")}), outside)
    assert isinstance(connector, SqlConnector)
    return connector


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 60])
@pytest.mark.parametrize("tls", ["off", "require"])
async def test_a_server_of_another_kind_is_told_as_not_reached(answer: bytes, tls: str) -> None:
    """Nothing was done, whatever it says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        failure = await refusal(made(server.sockets[0].getsockname()[1], tls=tls).check())
    assert isinstance(failure, Retriable)


async def test_a_closed_door_is_told_and_a_forbidden_one_not_knocked_at() -> None:
    assert isinstance(await refusal(made(1).check()), Retriable)
    assert isinstance(await refusal(made(1, host="localhost", networks=[]).check()), Terminal)


def test_a_server_cannot_send_the_driver_on_to_another_address() -> None:
    """The driver closes its connection before it goes elsewhere; closing after a failure is only closing."""
    with pytest.raises(ConnectionRefusedError, match="sends us on"):
        _Pinned().close()
    after = _Pinned()
    with pytest.raises(ValueError, match="invalid literal"):
        _fail_and_close(after)
    signed_in = _Pinned()
    signed_in.signing_in = False
    signed_in.close()


def _fail_and_close(way: _Pinned) -> None:
    try:
        int("x")
    except ValueError:
        way.close()
        raise
