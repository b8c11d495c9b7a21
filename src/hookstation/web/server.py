"""The HTTP server: uvicorn on one or two sockets, ended by a signal."""

from __future__ import annotations

import asyncio
import contextlib
import os
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

GRACE_SECONDS: Final = 40
"""How long calls under way may take to end after a signal: longer than the longest answer."""

KEEP_ALIVE_SECONDS: Final = 75


class CannotListen(HookstationError):
    """The address cannot be listened on."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how to listen.

    `most_connections`: one more is told so and closed.  `control`: the listener (address and port) of the station's
    own commands, whose connections do not count.  `leave_seconds`: how long calls are still taken after a signal.
    """

    host: str
    port: int
    tls_cert: str = ""
    tls_key: str = ""
    most_connections: int = MOST_CONNECTIONS
    control: tuple[str, int] | None = None
    leave_seconds: int = 0


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


def reserve(host: str, port: int) -> socket.socket:
    """A socket that has the address and takes no connection until `serve` listens on it.

    Who calls a station that is still starting is refused at once, so that a load balancer tries the next one: taken,
    his call would hang until the database has been opened.  Raises `CannotListen` with what to do.
    """
    is_v6 = ":" in host
    reserved = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_v6:
            reserved.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        reserved.bind((host, port))
    except (OSError, OverflowError) as failure:
        reserved.close()
        reason = failure.strerror if isinstance(failure, OSError) else failure
        raise CannotListen(
            f"Cannot listen on {host} port {port}: {reason}. Choose another with --port or --host, "
            "or stop what uses it."
        ) from failure
    return reserved


async def serve(
    app: ASGIApp,
    lane: HookLane,
    listening: Listening,
    sockets: list[socket.socket],
    on_ready: Callable[[], None],
    on_leave: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Listen, and serve `app` until SIGTERM or SIGINT.

    Then `on_leave`; after `listening.leave_seconds`, or at a second signal, `on_stop`: no new connections, calls under
    way end.
    """
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

    leaving: list[asyncio.TimerHandle] = []

    def stop() -> None:
        on_stop()
        server.should_exit = True

    def leave() -> None:
        if leaving or not listening.leave_seconds:
            stop()
        else:
            on_leave()
            leaving.append(loop.call_later(listening.leave_seconds, stop))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    try:
        await server.serve(sockets)
    finally:
        for timer in leaving:
            timer.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
