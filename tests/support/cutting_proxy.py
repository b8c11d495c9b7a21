"""Ways to a TCP server on which connections are lost, slow or silent at the moment that a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from enum import Enum

COMMIT = b"COMMIT\0"


class Cut(Enum):
    """What happens to the connection on which the next COMMIT comes."""

    BEFORE = "the server never hears of it"
    AFTER = "the server carries it out, its answer is lost"
    LATE = "the client is cut off, and the server hears of it when somebody has asked after the transaction"


class CuttingProxy:
    """Passes bytes on, until the next COMMIT where `cut` is set."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._asked = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut: Cut | None = None
        self.cuts = 0
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[CuttingProxy]:
        """Listen on a port of loopback."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            answers, commands = await asyncio.open_connection("127.0.0.1", self._server_port)
            back = asyncio.ensure_future(_pass_on(answers, writer))
            try:
                if data := await self._until_cut(reader, commands):
                    back.cancel()
                    await asyncio.gather(back, return_exceptions=True)
                    await self._lose(data, writer, answers, commands)
            finally:
                back.cancel()
                writer.close()
                commands.close()
        self._tasks.discard(task)

    async def _until_cut(self, reader: asyncio.StreamReader, commands: asyncio.StreamWriter) -> bytes:
        """Pass commands on; returns the one at which the connection is to be lost, nothing at its end."""
        while data := await reader.read(1 << 16):
            if self.cut is not None and COMMIT in data:
                return data
            commands.write(data)
            await commands.drain()
            if b"pg_xact_status" in data:
                self._asked.set()
        return b""

    async def _lose(
        self,
        data: bytes,
        writer: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        commands: asyncio.StreamWriter,
    ) -> None:
        cut, self.cut = self.cut, None
        self.cuts += 1
        if cut is Cut.LATE:
            writer.close()
            await self._asked.wait()
        if cut is not Cut.BEFORE:
            commands.write(data)
            await answers.read(1)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()


class Line:
    """A line to a TCP server that a test makes slow, silent or broken, for one of its clients.

    `delay`: seconds that everything takes in either direction.
    """

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._flows, self._takes = asyncio.Event(), True
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self.delay = 0.0
        self.port = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        """Listen on a port of loopback, which stays the same whatever becomes of the line."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self._break()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop(self) -> None:
        """Silence: nothing passes and nobody is told; what is sent meanwhile arrives when the line is healed."""
        self._flows.clear()

    def cut(self) -> None:
        """Break every connection, and every new one at once, until the line is healed."""
        self._takes = False
        self._break()

    def heal(self) -> None:
        """Everything passes again."""
        self._takes = True
        self._flows.set()

    def _break(self) -> None:
        for end in self._ends:
            _reset(end)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._ends.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if self._takes:
                await self._connect(reader, writer)
            else:
                _reset(writer)
        writer.close()
        self._ends.discard(writer)
        self._tasks.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        answers, commands = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._ends.add(commands)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, commands))
                both.create_task(self._carry(answers, writer))
        finally:
            commands.close()
            self._ends.discard(commands)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction, until its end has been passed on too."""
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if self.delay:
                    await asyncio.sleep(self.delay)  # house: allow sleep - this is the delay itself
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        await self._flows.wait()
        writer.close()


def _reset(end: asyncio.StreamWriter) -> None:
    """Hang up as a machine does that lost its network: RST instead of FIN."""
    one = end.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it may be closed already
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()
