"""Processes that run until a signal: the server, and the iMIS stand-in."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

from hookstation.adapters.log import JsonLog, set_up_logging
from hookstation.config.settings import StationSettings
from hookstation.errors import Invalid, Problem
from hookstation.web.server import Listening, reserve
from hookstation.web.server import serve as serve_http
from hookstation.wiring import control
from hookstation.wiring.places import make_folder
from hookstation.wiring.station import Seat, Station, address, listens_at, open_station

YOUNG_OBJECTS: Final = 20_000
"""New containers between two looks for cycles."""


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run on the fastest loop that this platform has."""
    if sys.platform == "win32":
        asyncio.run(work)
        return
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def serve(settings: StationSettings) -> None:
    """The command ``serve``."""
    run_loop(serve_station(settings, announce_ready))


def sandbox(port: int, *, until_stdin_ends: bool) -> None:
    """The command ``sandbox``.

    `until_stdin_ends`: who started it holds the other end, so that it never outlives its starter, however that ends.
    """

    def ready(url: str) -> None:
        if until_stdin_ends:
            threading.Thread(target=_end_with_stdin, daemon=True).start()
        print(f"Sandbox ready at {url}", flush=True)

    from hookstation.testing.sandbox import serve_sandbox

    asyncio.run(serve_sandbox("127.0.0.1", port, ready))


def _end_with_stdin() -> None:
    os.read(sys.stdin.fileno(), 1)
    signal.raise_signal(signal.SIGTERM)


def calm_collector() -> None:
    """Look for cycles seldom: calls leave hardly any, and a look in the middle of load costs every call behind it.

    What is there at the start stays, so it is not looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


async def announce_ready(_station: Station, url: str) -> bool:
    """The one line on stdout that says the server can be called."""
    print(f"Hookstation ready at {url}", flush=True)
    return False


def check_certificate(certificate: str, key: str) -> None:
    """Whether HTTPS can be served with these files. Raises `Invalid`."""
    if key and not certificate:
        raise Invalid([Problem(("tls_key",), "needs a certificate: give --tls-cert too.")])
    if not certificate:
        return
    files = f"{certificate} and {key}" if key else certificate
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            certificate, key or None, password=""
        )
    except ssl.SSLError as failure:
        message = f"no certificate (PEM) with its own key (PEM, without a password) is in {files}."
        raise Invalid([Problem(("tls_cert",), f"{message} ({failure.reason or failure})")]) from failure
    except OSError as failure:
        raise Invalid([Problem(("tls_cert",), f"{files} cannot be read: {failure.strerror}.")]) from failure


OnReady = Callable[[Station, str], Coroutine[Any, Any, bool]]
"""Gets the station and its address once calls can be taken; returns whether it has told how one signs in."""


async def serve_station(settings: StationSettings, on_ready: OnReady) -> None:
    """Serve until a signal."""
    log = JsonLog()
    set_up_logging(log, settings.log_level)
    check_certificate(settings.tls_cert, settings.tls_key)
    make_folder(settings.data)
    with reserve(settings.host, settings.port) as public, reserve("127.0.0.1", 0) as private:
        await _serve_on(public, private, settings, log, on_ready)


async def _begun(station: Station, url: str, log: JsonLog, on_ready: OnReady) -> None:
    if await on_ready(station, url):
        return
    if path := await station.services.users.offer_setup():
        message = "Nobody can sign in yet: within 24 hours, this link makes the first administrator, once."
        log.write("setup_link_made", url=station.services.base_url + path, message=message)
        log.flush()


async def _serve_on(
    public: socket.socket,
    private: socket.socket,
    settings: StationSettings,
    log: JsonLog,
    on_ready: OnReady,
) -> None:
    port = public.getsockname()[1]
    url, place = address(settings, port), listens_at(settings, port)
    key = secrets.token_urlsafe(32)
    listening = Listening(
        settings.host,
        settings.port,
        settings.tls_cert,
        settings.tls_key,
        settings.most_connections,
        private.getsockname(),
        settings.leave_seconds,
    )
    base_url = settings.public_url or url
    async with open_station(settings, log, base_url, key, Seat(settings.role, place)) as station:
        await station.start()
        calm_collector()
        channel = control.announce(
            settings, f"{url.partition(':')[0]}://127.0.0.1:{private.getsockname()[1]}", key
        )
        started: list[asyncio.Task[None]] = []

        def ready() -> None:
            started.append(asyncio.get_running_loop().create_task(_begun(station, url, log, on_ready)))

        try:
            await serve_http(
                station.app,
                station.lane,
                listening,
                [public, private],
                ready,
                station.leave,
                station.stop_accepting,
            )
        finally:
            control.withdraw(channel, key)
            for task in started:
                task.cancel()
            await asyncio.gather(*started, return_exceptions=True)
            await station.stop()
            log.flush()
