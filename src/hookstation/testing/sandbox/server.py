"""The sandbox over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from hookstation.errors import Conflict
from hookstation.testing.sandbox.control import Control
from hookstation.testing.sandbox.faults import Fault, FaultGate
from hookstation.testing.sandbox.routes import Api
from hookstation.testing.sandbox.state import Settings, State
from hookstation.testing.sandbox.values import Stored

FAREWELL: Final = 2.0
"""Seconds that calls in progress are given when the sandbox ends."""

KEEP_ALIVE: Final = 75
"""Seconds that an idle connection is kept: longer than clients do, so that no call meets a closing one."""


@dataclass(slots=True)
class Sandbox:
    """A sandbox: its memory, its ASGI application, and its address while it runs."""

    state: State
    app: ASGIApp
    url: str = ""

    def rows(self, entity: str) -> list[dict[str, Stored]]:
        """What stands in an entity, in the order of writing: values by property name, without nulls."""
        return [dict(row.values) for row in self.state.rows(entity)]

    def fault(self, fault: Fault) -> Fault:
        """Switch a fault on. Raises where its kind, status or variant is not known."""
        return self.state.faults.add(fault)

    def calls(self, method: str, path: str) -> int:
        """How often this path was called since the start or the last reset; ids are written ``{id}``."""
        return self.state.calls[method, path]


def build_sandbox(settings: Settings | None = None) -> Sandbox:
    """A fresh sandbox, not yet listening; only `running_sandbox` and `serve_sandbox` can drop connections."""
    state = State(settings or Settings())
    routes = [*Control(state).routes(), *Api(state).routes()]
    return Sandbox(state, FaultGate(Starlette(routes=routes), state))


@contextlib.asynccontextmanager
async def running_sandbox(
    port: int = 0, *, host: str = "127.0.0.1", settings: Settings | None = None
) -> AsyncIterator[Sandbox]:
    """A sandbox that listens on `host` and `port` (0: a free one), in this event loop, until the block ends.

    Raises `Conflict` where the address cannot be had.
    """
    sandbox = build_sandbox(settings)
    with _bind(host, port) as listening:
        listener = _Listener(sandbox.app, listening)
        await listener.start()
        sandbox.url = _url(listening)
        try:
            yield sandbox
        finally:
            sandbox.state.closing.set()
            await listener.stop()


async def serve_sandbox(host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Run a sandbox until SIGTERM or SIGINT; `on_ready` gets its URL once it listens.

    Raises `Conflict` where the address cannot be had.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for each in signals:
        loop.add_signal_handler(each, ended.set)
    try:
        async with running_sandbox(port, host=host) as sandbox:
            on_ready(sandbox.url)
            await ended.wait()
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, handing its transport to the application: a fault may close the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {"transport": transport}
        super().connection_made(transport)


@dataclass(slots=True)
class _Listener:
    """Accepts connections for one application.

    uvicorn's own server polls ten times a second and takes over the process's signals; tests start and stop
    hundreds of sandboxes, so its protocol is used without it.
    """

    app: ASGIApp
    listening: socket.socket
    _memory: ServerState = field(default_factory=ServerState)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        config = uvicorn.Config(
            self.app,
            http=_Protocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        config.load()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Protocol(config, self._memory, {}), sock=self.listening, backlog=1024
        )

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        connections = [each for each in self._memory.connections if isinstance(each, _Protocol)]
        for connection in connections:
            connection.shutdown()
        if self._memory.tasks:
            await asyncio.wait(self._memory.tasks, timeout=FAREWELL)
        for connection in connections:
            connection.transport.abort()
        await self._server.wait_closed()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is spelt out; with it on, an answer's body
    # waits 40 ms for the acknowledgement of its head.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Conflict(
            f"The sandbox cannot listen on {host} port {port}: {error.strerror}. Give another with --port."
        ) from error
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
