"""The HTTP server: uvicorn on one or two sockets, ended by a signal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from hookstation.errors import HookstationError
from hookstation.web.hooks import HookLane
from hookstation.web.lane import lane_protocol
from hookstation.web.protocol import MOST_CONNECTIONS

BACKLOG: Final = 2048
GRACE_SECONDS: Final = 40
"""How long calls under way may take to end after a signal: longer than the longest answer."""

KEEP_ALIVE_SECONDS: Final = 75


class CannotListen(HookstationError):
    """The address cannot be listened on."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how to listen.

    `most_connections`: one more is told so and closed.  `control`: the listener (address and port) of the station's
    own commands, whose connections do not count.
    """

    host: str
    port: int
    tls_cert: str = ""
    tls_key: str = ""
    most_connections: int = MOST_CONNECTIONS
    control: tuple[str, int] | None = None


class _Server(uvicorn.Server):
    """uvicorn, told by us when to end and telling us when it is ready."""

    on_ready: Callable[[], None]

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals are ours: uvicorn would raise them again at its end and kill the process before it is closed."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_ready()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `CannotListen` with what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as failure:
        reason = str(failure.strerror if isinstance(failure, OSError) else failure).partition(" (while")[0]
        raise CannotListen(
            f"Cannot listen on {host} port {port}: {reason}. Choose another with --port or --host, "
            "or stop what uses it."
        ) from failure


async def serve(
    app: ASGIApp,
    lane: HookLane,
    listening: Listening,
    sockets: list[socket.socket],
    on_ready: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Serve `app` until SIGTERM or SIGINT: then `on_stop`, no new connections, calls under way end, return."""
    config = uvicorn.Config(
        app,
        http=lane_protocol(lane, listening.most_connections, listening.control),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `web.senders` knows whose call it is, for the lane below ASGI too
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=listening.tls_cert or None,
        ssl_keyfile=listening.tls_key or None,
    )
    server = _Server(config)
    server.on_ready = on_ready
    loop = asyncio.get_running_loop()

    def stop() -> None:
        on_stop()
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await server.serve(sockets)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
