"""The line to a server that is silent, slow, broken and whole again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.support.cutting_proxy import Line


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(100):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """To a server that says everything again."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with Line(server.sockets[0].getsockname()[1]).open() as line:
        yield line
    server.close()


async def test_passes_on_until_both_have_hung_up(line: Line) -> None:
    """Bytes come and go, and so does the end of what is said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    writer.write(b"one")
    assert b"one" == await reader.read(100)

    writer.close()
    assert b"" == await reader.read(100)


async def test_drops_and_heals(line: Line) -> None:
    """While it drops nothing passes on old and new connections, and nobody is told; then everything does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    line.drop()
    other_reader, other_writer = await asyncio.open_connection("127.0.0.1", line.port)
    heard = [asyncio.ensure_future(one.read(100)) for one in (reader, other_reader)]
    writer.write(b"old")
    other_writer.write(b"new")

    assert not (await asyncio.wait(heard, timeout=0.2))[0]
    line.heal()
    assert [b"old", b"new"] == await asyncio.gather(*heard)
    writer.close()
    other_writer.close()


async def test_cuts_and_heals(line: Line) -> None:
    """A cut breaks what is open and every new connection; healed, the same port works again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    line.cut()
    with pytest.raises(ConnectionResetError):
        await reader.read(100)
    other_reader, other_writer = await asyncio.open_connection("127.0.0.1", line.port)
    with pytest.raises(ConnectionResetError):
        await other_reader.read(100)
    writer.close()
    other_writer.close()

    line.heal()
    await test_passes_on_until_both_have_hung_up(line)


async def test_delays(line: Line) -> None:
    """Either direction takes its time."""
    line.delay = 0.1
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    began = loop.time()
    writer.write(b"slow")
    assert b"slow" == await reader.read(100)
    assert loop.time() - began > 0.19
    writer.close()
